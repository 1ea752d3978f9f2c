"""Addresses: changed by a link, asked again, tested; who is told what, when. On PostgreSQL, over the API and pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.web.living import Living, living

from arrears.core.ids import format_id
from arrears.engine.people.profile import CONFIRMED_FOR, ask_again, needs_confirming
from arrears.ports import Message
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


class Desk:
    """A program with a token, and the mail that leaves."""

    def __init__(self, shop: Living, client: Client) -> None:
        from arrears.web import identities

        self.shop, self.client = shop, client
        self.token = identities.create_token("profile", "write", shop.clock.now())
        with psycopg.connect(shop.database) as db:
            # Nobody of the other tests is asked to confirm anything here.
            db.execute("UPDATE person SET contact_confirmed_at = now() + interval '1 year'")
        self.account = shop.account((12000, "EUR"), days=5)
        person = shop.store.reach([self.account])[self.account].administrator
        assert person is not None
        self.person, self.id = person, format_id("per", person.no)
        shop.channel.taken.clear()

    def call(self, verb: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"/v1/accounts/acc_{self.account}/{path}"
        if body is None:
            return getattr(self.client, verb)(url, headers=headers)
        return getattr(self.client, verb)(url, json.dumps(body), content_type="application/json", headers=headers)

    def mail(self) -> list[Message]:
        """What leaves now."""
        self.shop.work()
        found = list(self.shop.channel.taken)
        self.shop.channel.taken.clear()
        return found

    def reach(self) -> Any:
        return self.shop.store.reach([self.account])[self.account]


@pytest.fixture
def desk(site: str, sandbox: Running, client: Client) -> Iterator[Desk]:
    with living(site, sandbox) as shop:
        yield Desk(shop, client)


def link_in(message: Message) -> str:
    found = re.search(r"http://\S+?(/address/[\w-]{43})", message.text)
    assert found is not None, message.text
    return found[1]


def test_an_address_changes_only_when_its_link_is_used_and_the_old_one_is_told(desk: Desk) -> None:
    answer = desk.call("post", "contact-address", {"person": desk.id, "address": "Anna.New@EXAMPLE.org"})
    assert answer.status_code == 202
    [asked] = desk.mail()
    assert (asked.to, desk.reach().administrator.contact) == ("Anna.New@example.org", desk.person.contact)
    link = link_in(asked)
    before = desk.shop.store.digest()
    for _ in range(2):
        page = desk.client.get(link)
        assert page.status_code == 200
        assert "Ja, dit klopt" in page.content.decode()
    assert desk.client.head(link).status_code == 200
    assert desk.shop.store.digest() == before, "machines that open links change nothing"
    assert "bevestigd" in desk.client.post(link).content.decode()
    assert desk.reach().administrator.contact == "Anna.New@example.org"
    [told] = desk.mail()
    assert told.to == desk.person.contact
    assert "Anna.New@example.org" not in told.text, "the old reader learns no more than that it was changed"
    assert "A•••@example.org" in told.text
    assert desk.client.post(link).status_code == 200
    assert desk.mail() == []
    assert "bevestigd" in desk.client.get(link).content.decode()


def test_a_link_that_is_old_replaced_or_made_up_is_refused_kindly(desk: Desk) -> None:
    desk.call("post", "contact-address", {"person": desk.id, "address": "anna.new@example.org"})
    [asked] = desk.mail()
    desk.shop.clock.ahead = timedelta(days=8)
    assert desk.client.get(link_in(asked)).status_code == 410
    assert desk.client.post(link_in(asked)).status_code == 410
    assert desk.client.get("/address/" + "x" * 43).status_code == 410
    assert desk.reach().administrator.contact == desk.person.contact


def test_administrators_are_asked_again_after_90_days_once_each(desk: Desk) -> None:
    store, now = desk.shop.store, desk.shop.clock.now()
    assert not needs_confirming(desk.reach(), desk.person.confirmed_at or now) or desk.person.confirmed_at is None
    assert ask_again(store, now) == 1, "never confirmed"
    assert ask_again(store, now) == 0
    [asked] = desk.mail()
    assert asked.to == desk.person.contact
    assert needs_confirming(desk.reach(), now)
    desk.client.post(link_in(asked))
    assert not needs_confirming(desk.reach(), desk.shop.clock.now())
    later = desk.shop.clock.now() + CONFIRMED_FOR
    assert needs_confirming(desk.reach(), later)
    assert ask_again(store, later + timedelta(days=1)) >= 1
    assert desk.mail()[0].to == desk.person.contact


def test_a_test_message_shows_where_warnings_arrive(desk: Desk) -> None:
    assert desk.call("post", "test-message", {"person": desk.id}).status_code == 202
    [message] = desk.mail()
    assert message.to == desk.person.contact
    assert "Testbericht" in message.subject
    assert desk.call("post", "test-message", {"person": "per_999999"}).status_code == 404


def test_others_are_warned_too_and_listed(desk: Desk) -> None:
    body = {"address": "ops@example.org", "name": "Ops", "locale": "en"}
    assert desk.call("put", "recipients/extra", body).json()["extra"] == [
        {"address": "ops@example.org", "name": "Ops", "locale": "en", "bounces": False}
    ]
    warnings = [t for t in desk.call("get", "told-when").json()["tellings"] if t["kind"] == "stop_warning"]
    assert warnings
    assert all({"address": "ops@example.org", "role": "technical", "locale": "en"} in t["to"] for t in warnings)
    for number in range(9):
        assert desk.call("put", "recipients/extra", {"address": f"o{number}@example.org"}).status_code == 200
    full = desk.call("put", "recipients/extra", {"address": "one@too.many.example"})
    assert (full.status_code, full.json()["code"]) == (422, "too_many_recipients")
    assert desk.call("delete", "recipients/extra?address=ops@example.org").status_code == 200
    assert desk.call("delete", "recipients/extra?address=ops@example.org").status_code == 404


def test_who_will_be_told_what_when_is_what_is_then_told(desk: Desk) -> None:
    plan = desk.call("get", "told-when").json()
    planned = [(t["kind"], t["on"], t["names"]) for t in plan["tellings"] if t["kind"] in ("reminder", "stop_warning")]
    start = desk.shop.clock.now()
    desk.shop.until(start, start + timedelta(days=26))
    with psycopg.connect(desk.shop.database) as db:
        sent = db.execute(
            "SELECT kind, on_day::text FROM message WHERE account_id = %s AND on_day > %s AND state = 'accepted'"
            " AND kind IN ('reminder', 'stop_warning') ORDER BY on_day",
            [desk.account, start.date()],
        ).fetchall()
    assert sorted(sent) == sorted((kind, on) for kind, on, _ in planned if on > str(start.date()))
    names = {name for kind, _, name in planned if kind == "stop_warning"}
    [account] = desk.shop.store.snapshots([desk.account]).values()
    assert names == {str(account.subscription(1).disable.promised_on)}


def test_language_and_zone_of_a_person(desk: Desk) -> None:
    path = f"people/{desk.id}/profile"
    assert desk.call("put", path, {"locale": "en-GB", "zone": "America/Lima"}).status_code == 200
    desk.call("post", "test-message", {"person": desk.id})
    [message] = desk.mail()
    assert message.subject.startswith("Test message")
    assert desk.call("put", path, {"locale": "xx-yy", "zone": ""}).json()["code"] == "unknown_locale"
    assert desk.call("put", path, {"locale": "nl", "zone": "Mars/Base"}).json()["code"] == "unknown_zone"
    assert desk.call("put", "people/per_999999/profile", {"locale": "nl", "zone": ""}).status_code == 404


@pytest.mark.parametrize(
    "address", ["", "anna", "a@b", "a@@example.org", "a@example.org\r\nBcc: x@y.example", "a b@example.org", "x" * 300]
)
def test_a_bad_address_is_refused_when_it_is_entered(desk: Desk, address: str) -> None:
    answer = desk.call("post", "contact-address", {"person": desk.id, "address": address})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_address")
    assert desk.mail() == []


def test_a_link_can_be_asked_for_five_times_a_day(desk: Desk) -> None:
    for number in range(5):
        body = {"person": desk.id, "address": f"a{number}@example.org"}
        assert desk.call("post", "contact-address", body).status_code == 202
    sixth = desk.call("post", "contact-address", {"person": desk.id, "address": "a6@example.org"})
    assert (sixth.status_code, sixth.json()["code"]) == (422, "too_many_requests")
