"""The invoices page of the account centre leads to the document of each invoice, and offers none that there is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from tests.notices.invoice_papers import codes_on, words_on
from tests.site import using
from tests.web.living import Living, living
from tests.web.test_centre import sign_in, text

from arrears.core.account import Mode
from arrears.core.invoice_lines import InvoiceLine, TaxLine
from arrears.engine import commands
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client

FILE: Final = """
[seller]
name = "Voorbeeld"
street = "Kade 1"
city = "Amsterdam"
country = "NL"
tax_number = "NL001234567B01"
[[account]]
currency = "EUR"
iban = "NL91ABNA0417164300"
"""


@pytest.fixture(scope="module")
def shop(site: str) -> Iterator[Living]:
    sandbox: Running
    with running() as sandbox, living(site, sandbox) as found:
        yield found


@contextmanager
def seller(folder: Path, **more: object) -> Iterator[None]:
    (folder / "invoicing.toml").write_text(FILE, "utf-8")
    with using(invoicing=folder / "invoicing.toml", **more):
        yield


def by_transfer(shop: Living, client: Client) -> int:
    """Signed in to an account that pays by transfer and owes an invoice without lines."""
    account = shop.account((12_000, "EUR"))
    now = shop.clock.now()
    terms = shop.store.snapshots([account])[account].terms
    how = {"policy": terms.policy, "zone": terms.zone, "mode": Mode.INVOICE}
    commands.change_terms(shop.store, account, now, "staff:1", **how)
    sign_in(client, shop.email(account))
    return account


def issued(shop: Living, account: int) -> None:
    """An invoice more, whose lines and tax are known."""
    today = shop.clock.now().date()
    lines, taxes = (InvoiceLine("Cloud", 10_000, "21"),), (TaxLine("21", 10_000, 2100),)
    number = f"T/{account} é"
    one = commands.Invoice(
        account, number, "EUR", 12_100, today, today + timedelta(days=30), (1,), lines=lines, tax_lines=taxes
    )
    commands.issue_invoices(shop.store, [one], shop.clock.now(), "api:1")


def test_each_invoice_has_its_document_and_everybody_gets_the_same(
    shop: Living, client: Client, tmp_path: Path
) -> None:
    account = by_transfer(shop, client)
    issued(shop, account)
    with seller(tmp_path, invoice_url="https://billing.example.org/{number}.pdf"):
        page = text(client.get(f"/acc_{account}/invoices"))
        assert f'href="/acc_{account}/invoices/1.pdf"' in page
        assert f'href="/acc_{account}/invoices/2.pdf"' in page
        assert f'href="https://billing.example.org/T%2F{account}%20%C3%A9.pdf"' in page
        answers = [client.get(f"/acc_{account}/invoices/{no}.pdf") for no in (1, 2, 2)]
    slip, invoice, again = (answer.content for answer in answers)
    assert [answer["Content-Type"] for answer in answers] == ["application/pdf"] * 3
    assert answers[1]["Content-Disposition"] == f'attachment; filename="invoice-T-{account}--.pdf"'
    assert "Dit is geen factuur" in words_on(slip)
    assert "Factuur T/" in words_on(invoice)
    assert codes_on(invoice)[0].splitlines()[7:] == ["EUR121.00", "", codes_on(invoice)[0].splitlines()[9]]
    assert invoice == again


def test_what_there_is_no_document_of_is_not_offered_and_not_there(
    shop: Living, client: Client, tmp_path: Path
) -> None:
    card = shop.account((12_000, "EUR"))
    sign_in(client, shop.email(card))
    with seller(tmp_path):
        assert ".pdf" not in text(client.get(f"/acc_{card}/invoices"))
        assert client.get(f"/acc_{card}/invoices/1.pdf").status_code == 404
        assert client.get(f"/acc_{card}/invoices/9.pdf").status_code == 404
    assert client.get(f"/acc_{card}/invoices/1.pdf").status_code == 404, "nobody said who asks"


def test_nobody_gets_the_document_of_somebody_else(shop: Living, client: Client, tmp_path: Path) -> None:
    theirs = by_transfer(shop, client)
    client.logout()
    sign_in(client, shop.email(shop.account((100, "EUR"))))
    with seller(tmp_path):
        assert client.get(f"/acc_{theirs}/invoices/1.pdf").status_code in (403, 404)
