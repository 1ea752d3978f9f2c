"""Receipts and statements of account as PDF, in both languages; what cannot be made is one page."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.notices.test_paper import Read, read
from tests.web.living import Living, living
from tests.web.test_centre import sign_in, text

from arrears.engine.booking import Payment
from arrears.engine.commands import record_payments
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def shop(site: str) -> Iterator[Living]:
    sandbox: Running
    with running() as sandbox, living(site, sandbox) as found:
        yield found


@pytest.fixture
def account(shop: Living, client: Client) -> int:
    """Signed in to an account that owed € 120,00 and paid € 150,00."""
    account = shop.account((12000, "EUR"), name="Bakkerij De Vries")
    record_payments(shop.store, [Payment(account, f"bank:p{account}", "EUR", 15000)], shop.clock.now(), "api:1")
    sign_in(client, shop.email(account))
    return account


def paper(client: Client, path: str, language: str) -> Read:
    client.cookies["language"] = language
    answer = client.get(path)
    assert answer["Content-Type"] == "application/pdf"
    assert re.fullmatch(
        r'attachment; filename="(receipt|statement)-acc_[0-9]+(-[0-9]+)?\.pdf"', answer["Content-Disposition"]
    )
    return read(answer.content)


def test_a_receipt_says_who_paid_what_when_and_what_for(shop: Living, client: Client, account: int) -> None:
    page = text(client.get(f"/acc_{account}/invoices"))
    path = page.partition(f'href="/acc_{account}/receipts/')[2].partition('"')[0]
    assert f'href="/acc_{account}/receipts/{path}.pdf"' in page
    assert f'href="/acc_{account}/receipts/{path}.pdf"' in text(client.get(f"/acc_{account}/receipts/{path}"))
    dutch = paper(client, f"/acc_{account}/receipts/{path}.pdf", "nl")
    for words in ("Betalingsbewijs", "€ 150,00", "bewaard als tegoed", "€ 30,00", "Bakkerij De Vries", f"p{account}"):
        assert words in dutch.text
    assert dutch.root["/Lang"] == "nl-NL"
    english = paper(client, f"/acc_{account}/receipts/{path}.pdf", "en")
    for words in ("Receipt", "€150.00", "kept as credit", "€30.00"):
        assert words in english.text
    assert (
        client.get(f"/acc_{account}/receipts/{path}.pdf").content
        == client.get(f"/acc_{account}/receipts/{path}.pdf").content
    ), "the same each time"


def test_a_statement_ends_with_what_is_owed_and_a_long_one_begins_with_what_was(
    shop: Living, client: Client, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arrears.web.account_centre import papers

    assert f"/acc_{account}/statement.pdf" in text(client.get(f"/acc_{account}/statement"))
    whole = paper(client, f"/acc_{account}/statement.pdf", "nl")
    assert "Openstaand saldo -€ 30,00" in whole.text.replace("\n", " ").replace("€ -30,00", "-€ 30,00")
    assert "Beginsaldo" not in whole.text
    monkeypatch.setattr(papers, "ROWS_MAX", 2)
    short = paper(client, f"/acc_{account}/statement.pdf", "nl")
    assert "Beginsaldo" in short.text
    assert "€ 120,00" in short.text


def test_the_billing_address_stands_on_papers_and_pages_where_it_is_known(
    shop: Living, client: Client, account: int, site: str
) -> None:
    page = text(client.get(f"/acc_{account}/invoices"))
    path = page.partition(f'href="/acc_{account}/receipts/')[2].partition('"')[0]
    pages = ("profile", "statement", f"receipts/{path}")
    papers = ("statement.pdf", f"receipts/{path}.pdf")
    for page in pages:
        assert "Factuuradres" not in text(client.get(f"/acc_{account}/{page}"))
    assert all("Factuuradres" not in paper(client, f"/acc_{account}/{one}", "nl").text for one in papers)
    with psycopg.connect(site, autocommit=True) as db:
        db.execute(
            "UPDATE account SET billing_address = %s, tax_number = %s WHERE account_id = %s",
            ["Dorpsstraat <1>\n1234 AB Ons Dorp", "NL000099998B57", account],
        )
    for page in pages:
        shown = text(client.get(f"/acc_{account}/{page}"))
        assert "<dt>Factuuradres</dt><dd>Dorpsstraat &lt;1&gt;<br>1234 AB Ons Dorp</dd>" in shown
        assert "<dt>Btw-nummer</dt><dd>NL000099998B57</dd>" in shown
    asks = f'<a href="/acc_{account}/help">Vraag ons om het te wijzigen</a>'
    assert asks in text(client.get(f"/acc_{account}/profile"))
    for one in papers:
        lines = [line.strip() for line in paper(client, f"/acc_{account}/{one}", "nl").text.splitlines()]
        assert any(line.endswith("Dorpsstraat <1>") for line in lines), lines
        assert any(line.endswith("1234 AB Ons Dorp") for line in lines), lines
        assert any(line.endswith("NL000099998B57") for line in lines), lines


def test_where_no_paper_can_be_made_one_page_says_what_to_do(
    client: Client, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    answer = client.get(f"/acc_{account}/statement.pdf")
    assert answer.status_code == 500
    page = text(answer)
    assert "De PDF kon niet worden gemaakt. U kunt de pagina zelf afdrukken." in page
    assert f'href="/acc_{account}/statement"' in page
