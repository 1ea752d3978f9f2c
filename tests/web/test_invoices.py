"""Invoices, payments, receipts and the CSV: what was asked, what came, and nobody else's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from tests.web.living import Living, living
from tests.web.test_centre import sign_in, text

from arrears.core import facts as f
from arrears.engine import commands
from arrears.engine.acting import acting_on
from arrears.engine.booking import Payment
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        yield found


def pay(shop: Living, account: int, minor: int, *debts: int) -> int:
    """Book a transfer; the number of its fact."""
    commands.record_payments(
        shop.store, [Payment(account, f"bank-{account}-{minor}", "EUR", minor, debts)], shop.clock.now(), "api:1"
    )
    return next(one.seq for one in reversed(shop.store.history(account)) if isinstance(one.fact, f.PaymentBooked))


def test_a_receipt_says_who_got_how_much_from_whom_when_how_and_for_what(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), (4000, "EUR"), name="Bakkerij <Anna>")
    seq = pay(shop, account, 17000, 1, 2)
    sign_in(client, shop.email(account))
    page = text(client.get(f"/acc_{account}/receipts/{seq}"))
    assert "Betalingsbewijs voor € 170,00" in page
    for words in (
        "Ontvangen door</dt><dd>arrears",
        f"Bakkerij &lt;Anna&gt; (acc_{account})",
        "€ 170,00 (EUR)",
        f"bank-{account}-17000",
        "overschrijving of op een andere manier",
        "€ 120,00",
        "€ 40,00",
        "bewaard als tegoed",
        "€ 10,00",
    ):
        assert words in page, words
    assert text(client.get(f"/acc_{account}/invoices")).count(f'/acc_{account}/receipts/{seq}"') == 1


def test_a_transfer_that_names_nothing_says_what_it_paid_all_the_same(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), (4000, "EUR"))
    seq = pay(shop, account, 17000)
    sign_in(client, shop.email(account))
    page = text(client.get(f"/acc_{account}/receipts/{seq}"))
    assert [words for words in ("€ 120,00", "€ 40,00", "€ 10,00", "bewaard als tegoed") if words not in page] == []
    assert "uit het tegoed" not in text(client.get(f"/acc_{account}/invoices")), "it is listed once"


def test_money_that_went_back_is_on_its_receipt(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), (4000, "EUR"))
    seq = pay(shop, account, 16000, 1, 2)
    issued = shop.store.invoices(account)[2]
    with acting_on(shop.store, account, shop.clock.now()) as unit:
        again = f.DebtReopened(debt=issued, minor=4000, reason="chargeback dp_1")
        unit.record(again, "provider:stripe", "chargeback")
        ref = f"bank-{account}-16000"
        unit.record(f.Refunded(ref="stripe:dp_1", payment_ref=ref, currency="EUR", amount_minor=500), "provider:stripe")
    sign_in(client, shop.email(account))
    page = text(client.get(f"/acc_{account}/receipts/{seq}"))
    assert "€ 45,00 is op" in page, "what was reopened and what was simply paid back"
    assert f"Weer open: {issued.number}." in page
    assert "€ 40,00 staat open" in text(client.get(f"/acc_{account}/invoices"))


def test_a_receipt_is_its_own_accounts_alone_and_only_of_a_payment(shop: Living, client: Client) -> None:
    account, other = shop.account((12000, "EUR")), shop.account((900, "EUR"))
    seq = pay(shop, other, 900, 1)
    sign_in(client, shop.email(account))
    assert client.get(f"/acc_{other}/receipts/{seq}").status_code == 404
    own = {one.seq: client.get(f"/acc_{account}/receipts/{one.seq}").status_code for one in shop.store.history(account)}
    assert set(own.values()) == {404}, "no fact of another kind has a receipt"
    for odd in ("0", "99999999999999999999", "x", "-1"):
        assert client.get(f"/acc_{account}/receipts/{odd}").status_code == 404


def test_what_is_written_off_held_or_settled_apart_is_said_as_such(shop: Living, client: Client) -> None:
    account = shop.account((100, "EUR"), (200, "EUR"), (300, "EUR"))
    now = shop.clock.now()
    due = now.date() - timedelta(days=1)
    apart = commands.Invoice(account, f"S{account}", "EUR", 777, due - timedelta(days=9), due, (1,), True)
    commands.issue_invoices(shop.store, [apart], now, "api:1")
    shop.work()
    commands.write_off(shop.store, account, 1, now, "staff:1", "kindness")
    commands.dispute(shop.store, account, 2, now, "staff:1")
    pay(shop, account, 300, 3)
    sign_in(client, shop.email(account))
    page = text(client.get(f"/acc_{account}/invoices"))
    for words in (
        "hoeft niet meer te worden betaald",
        "in behandeling: € 2,00 staat open",
        "wordt apart betaald",
        "betaald",
    ):
        assert words in page, words


HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "%0A=1", "|calc", 'a";=1+1;"')


def test_no_cell_of_the_csv_begins_a_formula(shop: Living, client: Client) -> None:
    from arrears.web.account_centre.spreadsheet import FORMULA

    account = shop.account()
    now = shop.clock.now()
    due = now.date() + timedelta(days=9)
    invoices = [
        commands.Invoice(account, f"{text}{account}", "EUR", 100 + k, now.date(), due, (1,))
        for k, text in enumerate(HOSTILE)
    ]
    commands.issue_invoices(shop.store, invoices, now, "api:1")
    sign_in(client, shop.email(account))
    answer = client.get(f"/acc_{account}/invoices.csv")
    assert answer["Content-Disposition"] == f'attachment; filename="invoices-acc_{account}.csv"'
    body = answer.content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(body, newline=""), delimiter=";"))
    assert [len(row) for row in rows] == [9] * (len(HOSTILE) + 1)
    assert [cell for row in rows for cell in row if cell.strip().startswith(FORMULA)] == []
    assert [row[0].removeprefix("'") for row in rows[1:]] == [invoice.number for invoice in invoices]
    # Nor does a program that takes another mark between cells find one: every text is quoted.
    assert f'"a"";=1+1;""{account}";"' in body


def test_a_spreadsheet_has_days_and_sums_as_its_reader_writes_them(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), (4900, "EUR"))
    pay(shop, account, 12000, 1)
    sign_in(client, shop.email(account))
    head, paid, late = csv.reader(
        io.StringIO(client.get(f"/acc_{account}/invoices.csv").content.decode("utf-8-sig"), newline=""), delimiter=";"
    )
    assert head[:7] == ["Factuur", "Datum", "Vervaldatum", "Valuta", "Bedrag", "Openstaand", "Betaald op"]
    due = shop.store.invoices(account)[1].due_on
    assert paid[2:6] == [f"{due:%d-%m-%Y}", "EUR", "120,00", "0,00"]
    assert paid[6] == f"{shop.clock.now().astimezone(ZoneInfo('Europe/Amsterdam')):%d-%m-%Y}"
    assert paid[7:] == ["betaald", "cloud"]
    assert late[4:7] == ["49,00", "49,00", ""]
    client.post("/language", {"language": "en", "next": "/"})
    english = client.get(f"/acc_{account}/invoices.csv").content.decode("utf-8-sig")
    assert english.splitlines()[0].startswith('"Invoice","Date","Due date","Currency","Amount","Open","Paid on"')
    assert '"49.00","49.00",""' in english


def test_a_statement_ends_with_what_is_owed_and_its_page_says_the_same(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), (4900, "EUR"), (500, "USD"))
    pay(shop, account, 12500, 1)
    commands.write_off(shop.store, account, 3, shop.clock.now(), "staff:1", "kindness")
    sign_in(client, shop.email(account))
    rows = list(
        csv.reader(
            io.StringIO(client.get(f"/acc_{account}/statement.csv").content.decode("utf-8-sig"), newline=""),
            delimiter=";",
        )
    )
    assert [row[2:] for row in rows[1:]] == [
        ["EUR", "120,00", "120,00"],
        ["EUR", "49,00", "169,00"],
        ["USD", "5,00", "5,00"],
        ["EUR", "-125,00", "44,00"],
        ["USD", "-5,00", "0,00"],
    ]
    page = text(client.get(f"/acc_{account}/statement"))
    assert page.index("€ -125,00") < page.index("saldo € 169,00"), "the newest first"


@pytest.mark.turn(2)
def test_a_thousand_invoices_and_payments_are_pages_of_under_50_kb(shop: Living, client: Client) -> None:
    account = shop.account()
    now = shop.clock.now()
    due = now.date() + timedelta(days=9)
    invoices = [
        commands.Invoice(account, f"V{account}-{k:04}", "EUR", 900, now.date(), due, (1, 2)) for k in range(1000)
    ]
    commands.issue_invoices(shop.store, invoices, now, "api:1")
    payments = [Payment(account, f"bank-{account}-{k}", "EUR", 900, (k + 1,)) for k in range(300)]
    commands.record_payments(shop.store, payments, now, "api:1")
    sign_in(client, shop.email(account))
    seen = ""
    for page in range(1, 26):
        answer = client.get(f"/acc_{account}/invoices?page={page}&payments={page}")
        assert len(answer.content) < 50_000
        seen += text(answer)
    assert [k for k in range(1000) if f"V{account}-{k:04}" not in seen] == []
    for path in ("", "settle", "subscriptions", "profile", "timeline"):
        assert len(client.get(f"/acc_{account}/{path}").content) < 50_000, path
