"""Paying by transfer in the account centre: where to, that it is on its way, asking for it, and credit notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.notices.invoice_papers import words_on
from tests.web.living import Living, day_in_amsterdam, living
from tests.web.test_centre import sign_in, text
from tests.web.test_invoice_documents import by_transfer, issued, seller

from arrears.core.account import DoubtKind, Mode
from arrears.engine.commands import corrections
from arrears.engine.people import by_transfer as acts
from arrears.notices.pay_codes import as_svg
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def shop(site: str) -> Iterator[Living]:
    sandbox: Running
    with running() as sandbox, living(site, sandbox) as found:
        yield found


def test_the_page_says_where_to_pay_as_the_invoice_does(shop: Living, client: Client, tmp_path: Path) -> None:
    account = by_transfer(shop, client)
    [debt] = shop.store.snapshots([account])[account].debts
    with seller(tmp_path):
        page = text(client.get(f"/acc_{account}/settle", headers={"accept-language": "nl"}))
        reference = re.findall(r"RF[0-9]{2}[ A-Z0-9]+", page)[0].replace(" ", "")
        assert "NL91 ABNA 0417 1643 00" in page
        said = ("BCD", "002", "1", "SCT", "", "Voorbeeld", "NL91ABNA0417164300", "EUR120.00", "", reference)
        assert as_svg("\n".join(said)) in page
        shown = words_on(client.get(f"/acc_{account}/invoices/{debt.no}.pdf").content)
    assert reference in shown.replace(" ", ""), "the same as its paper says"
    assert "NL91" not in text(client.get(f"/acc_{account}/settle")), "nobody said where to"


def test_several_invoices_are_one_transfer_that_names_them(shop: Living, client: Client, tmp_path: Path) -> None:
    account = shop.account((12_000, "EUR"), (3_000, "EUR"))
    terms = shop.store.snapshots([account])[account].terms
    from arrears.engine import commands

    how = {"policy": terms.policy, "zone": terms.zone, "mode": Mode.INVOICE}
    commands.change_terms(shop.store, account, shop.clock.now(), "staff:1", **how)
    sign_in(client, shop.email(account))
    numbers = [debt.number for debt in shop.store.snapshots([account])[account].debts]
    with seller(tmp_path):
        page = text(client.get(f"/acc_{account}/settle"))
    assert f"<dd>{', '.join(numbers)}</dd>" in page


def test_a_transfer_on_its_way_is_said_once(shop: Living, client: Client) -> None:
    account = by_transfer(shop, client)
    path, today = f"/acc_{account}/settle", day_in_amsterdam(shop.clock.now())
    wrong = client.post(path, {"do": "sent", "on": (today + timedelta(days=1)).isoformat()})
    assert wrong.status_code == 422
    assert 'id="why"' in text(wrong)
    assert client.post(path, {"do": "sent", "on": "soon"}).status_code == 422
    assert client.post(path, {"do": "sent", "on": today.isoformat()})["Location"] == f"{path}#sent"
    [doubt] = shop.store.snapshots([account])[account].doubts
    assert (doubt.kind, doubt.ref) == (DoubtKind.TRANSFER, today.isoformat())
    page = text(client.get(path))
    assert 'value="sent"' not in page
    assert "overgemaakt" in page
    assert client.post(path, {"do": "sent", "on": today.isoformat()}).status_code == 422
    assert "onderweg" in text(client.get(f"/acc_{account}/timeline"))


def test_who_pays_by_card_is_not_asked_for_a_transfer(shop: Living, client: Client, tmp_path: Path) -> None:
    account = shop.account((12_000, "EUR"))
    sign_in(client, shop.email(account))
    with seller(tmp_path):
        page = text(client.get(f"/acc_{account}/settle"))
    assert 'value="sent"' not in page
    assert "NL91" not in page
    answer = client.post(f"/acc_{account}/settle", {"do": "sent", "on": "2026-01-01"})
    assert answer.status_code == 422


def test_paying_by_invoice_is_asked_for_where_nothing_is_open_and_staff_answer(
    shop: Living, client: Client, tmp_path: Path
) -> None:
    owing = shop.account((12_000, "EUR"))
    sign_in(client, shop.email(owing))
    with seller(tmp_path):
        page = text(client.get(f"/acc_{owing}/methods"))
        assert 'id="invoice"' in page
        assert 'value="by_invoice"' not in page
        assert client.post(f"/acc_{owing}/methods", {"do": "by_invoice", "text": "Us"}).status_code == 422
    client.post("/sign-out")
    account = shop.account()
    sign_in(client, shop.email(account))
    path = f"/acc_{account}/methods"
    assert 'id="invoice"' not in text(client.get(path)), "nobody said where money could go"
    with seller(tmp_path):
        assert 'value="by_invoice"' in text(client.get(path))
        assert client.post(path, {"do": "by_invoice", "text": " "}).status_code == 422
        asked = client.post(path, {"do": "by_invoice", "text": "Bakkerij BV, KvK 12345678"})["Location"]
        assert client.post(path, {"do": "by_invoice", "text": "Again"})["Location"] == asked
        assert asked in text(client.get(path))
        now = shop.clock.now()
        acts.allow_invoices(shop.store, account, {"EUR": 500_000}, "Dat is goed.", now, "staff:1", "checked")
        page = text(client.get(path))
    assert "5.000,00" in page
    assert "Dat is goed." in text(client.get(asked))
    assert shop.store.snapshots([account])[account].mode is Mode.INVOICE


def test_asking_for_it_is_no_kind_of_the_form_for_help(shop: Living, client: Client) -> None:
    account = shop.account()
    sign_in(client, shop.email(account))
    assert "invoice_mode" not in text(client.get(f"/acc_{account}/help"))
    answer = client.post(f"/acc_{account}/help", {"about": "invoice_mode", "text": "Please"})
    assert answer.status_code == 422


def test_credit_notes_are_on_the_page_of_invoices(shop: Living, client: Client, tmp_path: Path) -> None:
    account = by_transfer(shop, client)
    issued(shop, account)
    number, now = f"T/{account} é", shop.clock.now()
    corrections.credit(shop.store, number, 2_100, now, "staff:1", "too much", f"CN-{account}")
    corrections.credit(
        shop.store, f"{shop.store.snapshots([account])[account].debts[0].number}", 100, now, "staff:1", "x"
    )
    with seller(tmp_path):
        page = text(client.get(f"/acc_{account}/invoices"))
        assert page.count("/credits/") == 1, "of the slip of another document there is none of ours"
        answer = client.get(f"/acc_{account}/invoices/2/credits/1.pdf")
        assert client.get(f"/acc_{account}/invoices/2/credits/2.pdf").status_code == 404
        assert client.get(f"/acc_{account}/invoices/1/credits/1.pdf").status_code == 404
    assert f"CN-{account}" in page
    assert "Creditfactuur" in words_on(answer.content)
