"""The document of an invoice is made once, by the first who asks, and is the same bytes for everybody from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

import psycopg
import pytest
from msgspec.structs import replace
from tests.store.contract import API, DAY_1, at, new_account

from arrears.core.account import Mode
from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.bank.invoicing import Invoicing, ReceivingAccount, Seller
from arrears.core.errors import Refused
from arrears.core.invoice_document import DocumentKind, InvoiceContent
from arrears.core.invoice_lines import InvoiceLine, TaxLine
from arrears.core.policy import default_policy
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.commands import corrections
from arrears.engine.commands.documents import attached, credit_note, invoice_document
from arrears.engine.system import adopt_policy
from arrears.store.postgres.store import PostgresStore

SELLER: Final = Seller("Example", "Kade 1", "1012", "Amsterdam", "NL", "NL001234567B01")
INVOICING: Final = Invoicing(SELLER, (ReceivingAccount("EUR", "Example", iban="NL91ABNA0417164300"),))
TAXED: Final = commands.Invoice(
    1,
    "I-1",
    "EUR",
    12_100,
    DAY_1,
    DAY_1,
    (1,),
    lines=(InvoiceLine("Cloud", 10_000, "21"),),
    tax_lines=(TaxLine("21", 10_000, 2100),),
)


class Press:
    """Makes documents that are what they say, and remembers what it was asked."""

    def __init__(self) -> None:
        self.made: list[InvoiceContent] = []

    def make(self, content: InvoiceContent, at: datetime) -> bytes:
        self.made.append(content)
        return repr((content, at)).encode()


@pytest.fixture
def store(make_postgres: Callable[[], PostgresStore]) -> PostgresStore:
    made = make_postgres()
    adopt_policy(made, default_policy(), at(1), "staff:1")
    by_transfer = [
        new_account(ref)._replace(mode=Mode.INVOICE, billing_address="Plein 1\nOns Dorp") for ref in ("A1", "A2")
    ]
    commands.open_accounts(made, [(one, ("cloud",)) for one in [*by_transfer, new_account("A3")]], at(1), API)
    commands.issue_invoices(made, [TAXED], at(1), API)
    return made


def test_it_is_made_once_whatever_is_known_later(store: PostgresStore) -> None:
    press = Press()
    first = invoice_document(store, press, INVOICING, "I-1", at(2))
    [content] = press.made
    assert (first.kind, first.number, first.made_at) == (DocumentKind.INVOICE, "I-1", at(2))
    assert first.digest == hashlib.sha256(first.body).digest()
    assert (content.reference, content.buyer.address) == (creditor_reference("I1"), ("Plein 1", "Ons Dorp"))
    commands.record_payments(store, [Payment(1, "bank-1", "EUR", 12_100, (1,))], at(3), API)
    again = invoice_document(store, press, Invoicing(), "I-1", at(4))
    assert (again, len(press.made)) == (first, 1)


def test_of_two_who_ask_at_once_both_get_what_the_first_kept(store: PostgresStore) -> None:
    first = invoice_document(store, Press(), INVOICING, "I-1", at(2))
    other = first._replace(body=b"other", digest=hashlib.sha256(b"other").digest())
    assert store.keep_document(other) == first


@pytest.mark.parametrize("table", ["document", "invoice_reference"])
@pytest.mark.parametrize("change", ["UPDATE {} SET account_id = 9", "DELETE FROM {}", "TRUNCATE {}"])
def test_nothing_changes_what_was_made(store: PostgresStore, table: str, change: str) -> None:
    invoice_document(store, Press(), INVOICING, "I-1", at(2))
    with pytest.raises(psycopg.IntegrityError), store.transaction() as db:
        db.execute(change.format(table).encode())


def test_a_document_that_is_not_its_digest_is_refused_by_the_database(store: PostgresStore) -> None:
    made = invoice_document(store, Press(), INVOICING, "I-1", at(2))
    with pytest.raises(psycopg.errors.CheckViolation):
        store.keep_document(made._replace(no=2, body=b"other"))


def test_no_two_invoices_have_one_reference(store: PostgresStore) -> None:
    alike = [replace(TAXED, account=2, number=number) for number in ("I1", "A1-I1", "i.1", "é")]
    commands.issue_invoices(store, alike, at(1), API)
    press = Press()
    for number in ("I-1", "I1", "A1-I1", "i.1", "é"):
        invoice_document(store, press, INVOICING, number, at(2))
    bodies = [content.reference[4:] for content in press.made]
    assert bodies == ["I1", "A2I1", "A2I2", "A2I3", "A2I4"]


def test_an_invoice_without_lines_has_a_payment_slip_of_what_is_open(store: PostgresStore) -> None:
    commands.issue_invoices(store, [replace(TAXED, account=2, number="I-2", lines=(), tax_lines=())], at(1), API)
    commands.record_payments(store, [Payment(2, "bank-2", "EUR", 2100, (1,))], at(2), API)
    press = Press()
    made = invoice_document(store, press, INVOICING, "I-2", at(3))
    [content] = press.made
    assert (made.kind, content.open_minor, content.pay_to) == (DocumentKind.PAYMENT_SLIP, 10_000, INVOICING.accounts[0])


def test_an_account_that_pays_by_card_is_not_told_to_transfer(store: PostgresStore) -> None:
    press = Press()
    plain = replace(TAXED, account=3, number="I-4", lines=(), tax_lines=())
    commands.issue_invoices(store, [replace(TAXED, account=3, number="I-3"), plain], at(1), API)
    invoice_document(store, press, INVOICING, "I-3", at(2))
    assert [(content.pay_to, content.by_card, content.reference) for content in press.made] == [(None, True, "")]
    with pytest.raises(Refused, match="invoice 'I-4': it is charged to a card, so there is no payment slip"):
        invoice_document(store, press, INVOICING, "I-4", at(2))


def test_what_is_credited_has_a_credit_note_of_its_own_with_its_tax(store: PostgresStore) -> None:
    corrections.credit(store, "I-1", 1210, at(2), "staff:1", "agreed")
    corrections.credit(store, "I-1", 605, at(3), "staff:1", "agreed", "CN-7")
    press = Press()
    notes = [credit_note(store, press, INVOICING, "I-1", place, at(4)) for place in (1, 2)]
    assert [(note.kind, note.number) for note in notes] == [
        (DocumentKind.CREDIT_NOTE, "I-1-C1"),
        (DocumentKind.CREDIT_NOTE, "CN-7"),
    ]
    assert [(c.total_minor, c.net_minor, c.of_number, c.pay_to) for c in press.made] == [
        (1210, 1000, "I-1", None),
        (605, 500, "I-1", None),
    ]
    assert credit_note(store, press, INVOICING, "I-1", 1, at(5)) == notes[0]
    with pytest.raises(Refused, match="was credited 2 times"):
        credit_note(store, press, INVOICING, "I-1", 3, at(5))


@pytest.mark.parametrize(
    ("number", "invoicing", "code"),
    [("X-1", INVOICING, "unknown_invoice"), ("I-1", Invoicing(), "no_seller"), ("I-9", INVOICING, "nothing_asked")],
)
def test_what_cannot_be_made_says_why(store: PostgresStore, number: str, invoicing: Invoicing, code: str) -> None:
    commands.issue_invoices(store, [replace(TAXED, number="I-9")], at(1), API)
    corrections.void(store, "I-9", at(2), "staff:1", "withdrawn")
    with pytest.raises(Refused) as refused:
        invoice_document(store, Press(), invoicing, number, at(3))
    assert refused.value.code == code


def test_no_credit_note_guesses_which_of_several_taxes_was_credited(store: PostgresStore) -> None:
    two = replace(
        TAXED,
        number="I-8",
        total_minor=14_280,
        lines=(InvoiceLine("Cloud", 10_000, "21"), InvoiceLine("Book", 2000, "9")),
        tax_lines=(TaxLine("21", 10_000, 2100), TaxLine("9", 2000, 180)),
    )
    commands.issue_invoices(store, [two], at(1), API)
    corrections.credit(store, "I-8", 100, at(2), "staff:1", "agreed")
    with pytest.raises(Refused, match="has several taxes"):
        credit_note(store, Press(), INVOICING, "I-8", 1, at(3))


def test_what_is_attached_to_a_mail_is_the_document_that_is_kept(store: PostgresStore) -> None:
    commands.issue_invoices(store, [replace(TAXED, account=3, number="I/5", lines=(), tax_lines=())], at(1), API)
    press = Press()
    found = attached(INVOICING, press, store, ["I-1", "I/5", "nobody's"], at(2))
    kept = invoice_document(store, press, INVOICING, "I-1", at(3))
    assert [(one.name, one.body) for one in found] == [("invoice-I-1.pdf", kept.body)], "a card's has no slip"
