"""The line of progress: what has happened, where the payer is today, what comes; gone with the last debt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.web.living import Living, living
from tests.web.test_centre import sign_in, text

from arrears.engine.booking import Payment
from arrears.engine.commands import record_payments
from arrears.sandbox.run import running

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def shop(site: str) -> Iterator[Living]:
    with running() as sandbox, living(site, sandbox) as found:
        yield found


def steps(page: str) -> list[tuple[str, str]]:
    """Each step: its place, and its words."""
    return re.findall(r'<li class="(done|now|ahead)"(?: aria-current="step")?>([^<]*)</li>', page)


def test_a_stopped_service_has_its_past_its_day_and_what_comes(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=40)
    sign_in(client, shop.email(account))
    found = steps(text(client.get(f"/acc_{account}/settle")))
    assert [place for place, _words in found] == ["done", "done", "now", "ahead"]
    said = [words for _place, words in found]
    assert said[0].startswith("Vervaldatum ")
    assert said[1].startswith("cloud is op ")
    assert said[1].endswith(" gestopt")
    assert said[2] == "Vandaag: € 120,00 staat open"
    assert said[3].startswith("cloud wordt op of na ")


def test_who_pays_after_a_sign_in_reads_too_what_comes_back(shop: Living, client: Client) -> None:
    stopped, running_yet = shop.account((12000, "EUR"), days=40), shop.account((12000, "EUR"), days=10)
    for account, says in (
        (stopped, "Zodra alles is betaald, zetten wij cloud weer aan en gaat wat nog gepland staat niet door."),
        (running_yet, "<p>Zodra alles is betaald, gaat wat nog gepland staat niet door.</p>"),
    ):
        sign_in(client, shop.email(account))
        assert says in text(client.get(f"/acc_{account}/settle"))


def test_nothing_owed_has_no_line(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    record_payments(shop.store, [Payment(account, f"b-{account}", "EUR", 12000)], shop.clock.now(), "api:1")
    assert steps(text(client.get(f"/acc_{account}/settle"))) == []
