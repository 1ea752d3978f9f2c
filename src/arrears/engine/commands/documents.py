"""The document of an invoice: made by the first who asks, and the same bytes for everybody from then on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple, cast

from arrears.core import facts as f
from arrears.core.account import Account, Mode
from arrears.core.bank.creditor_reference import reference_for
from arrears.core.bank.invoicing import Invoicing, Seller
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.invoice_document import Buyer, DocumentKind, InvoiceContent
from arrears.core.invoice_lines import InvoiceLine, TaxLine
from arrears.core.known import IMPORTER, KINDS, KnownInvoice, known_of
from arrears.ports import AccountsAndDocuments, Attachment, DocumentMaker, MailBook, NewAccount, StoredDocument


class _Asked(NamedTuple):
    """An invoice that somebody wants the document of, with what is known of it and its customer."""

    account: Account
    number: int
    invoice: KnownInvoice
    described: NewAccount
    history: Sequence[f.Recorded]


def invoice_document(
    store: AccountsAndDocuments, maker: DocumentMaker, invoicing: Invoicing, number: str, now: datetime
) -> StoredDocument:
    """The document of the invoice with this number: an invoice where its lines or its tax are known, else a payment
    slip. Refuses `unknown_invoice`, `no_seller` (nobody said who asks), `nothing_asked` (it was withdrawn, or there is
    nothing to transfer and no invoice of ours), `no_document`."""
    asked = _asked(store, number)
    invoice = asked.invoice
    kind = DocumentKind.INVOICE if invoice.lines or invoice.tax_lines else DocumentKind.PAYMENT_SLIP
    kept = store.document(asked.number, invoice.no, kind, 0)
    if kept is not None:
        return kept
    if invoice.void:
        raise Refused("nothing_asked", f"invoice {number!r} was withdrawn, and no document of it was made before")
    content = _content(store, invoicing, asked, kind)
    return _make(store, maker, asked, 0, content, now)


def attached(
    invoicing: Invoicing, maker: DocumentMaker, store: MailBook, numbers: Sequence[str], now: datetime
) -> list[Attachment]:
    """The documents of these invoices as files of a mail; where there is none of one, nothing for it: the mail says
    what is asked by itself. `store` has the accounts and documents too."""
    found: list[Attachment] = []
    for number in numbers:
        with suppress(Refused):
            made = invoice_document(cast(AccountsAndDocuments, store), maker, invoicing, number, now)
            name = re.sub("[^A-Za-z0-9._-]+", "-", made.number)
            found.append(Attachment(f"{made.kind.value}-{name}.pdf", made.body))
    return found


def credit_note(
    store: AccountsAndDocuments, maker: DocumentMaker, invoicing: Invoicing, number: str, place: int, now: datetime
) -> StoredDocument:
    """The document of the `place`th time (1 is the first) that less was asked of an invoice. Refuses as
    `invoice_document` does, `unknown_credit_note`, and `no_tax` where it cannot be known which tax was credited."""
    asked = _asked(store, number)
    credits = [r for r in asked.history if isinstance(r.fact, f.InvoiceCredited) and r.fact.debt == asked.invoice.no]
    if not 0 < place <= len(credits):
        raise Refused("unknown_credit_note", f"invoice {number!r} was credited {len(credits)} times")
    recorded = credits[place - 1]
    kept = store.document(asked.number, asked.invoice.no, DocumentKind.CREDIT_NOTE, recorded.seq)
    if kept is not None:
        return kept
    fact = recorded.fact
    assert isinstance(fact, f.InvoiceCredited), "no other was chosen"
    lines, taxes = _credited(asked.invoice, fact.minor)
    on = calendar_of(asked.account.terms.zone).local_day(recorded.at)
    content = InvoiceContent(
        kind=DocumentKind.CREDIT_NOTE,
        number=fact.ref or f"{number}-C{place}",
        locale=asked.described.locale,
        issued_on=on,
        due_on=on,
        currency=fact.currency,
        total_minor=fact.minor,
        seller=_seller(invoicing),
        buyer=_buyer(asked.described),
        lines=lines,
        tax_lines=taxes,
        of_number=number,
    )
    return _make(store, maker, asked, recorded.seq, content, now)


def is_offered(
    invoicing: Invoicing, currency: str, country: str, *, by_transfer: bool, has_lines: bool, open_minor: int
) -> bool:
    """Whether there is a document of an invoice that was not withdrawn: an invoice of its lines, or how it is paid."""
    to_pay = by_transfer and open_minor > 0 and invoicing.account_for(currency, country) is not None
    return invoicing.seller is not None and (has_lines or to_pay)


def _asked(store: AccountsAndDocuments, number: str) -> _Asked:
    place = store.invoice_places([number]).get(number)
    if place is None:
        raise Refused("unknown_invoice", f"there is no invoice {number[:60]!r}; give the number that is on it")
    history = store.facts_of([place.account], KINDS)[place.account]
    known = known_of(history, IMPORTER)
    return _Asked(
        store.snapshots([place.account])[place.account],
        place.account,
        known.invoices[known.by_number[number]],
        store.described([place.account])[place.account],
        history,
    )


def _make(
    store: AccountsAndDocuments,
    maker: DocumentMaker,
    asked: _Asked,
    of_fact: int,
    content: InvoiceContent,
    now: datetime,
) -> StoredDocument:
    body = maker.make(content, now)
    digest = hashlib.sha256(body).digest()
    made = StoredDocument(asked.number, asked.invoice.no, content.kind, of_fact, content.number, now, digest, body)
    return store.keep_document(made)


def _content(store: AccountsAndDocuments, invoicing: Invoicing, asked: _Asked, kind: DocumentKind) -> InvoiceContent:
    invoice, issued = asked.invoice, asked.invoice.issued
    debt = asked.account.debt(invoice.no)
    open_minor = 0 if debt is None else debt.open_minor
    by_card = asked.account.mode is not Mode.INVOICE
    pay_to = None if by_card else invoicing.account_for(invoice.currency, asked.described.country)
    if kind is DocumentKind.PAYMENT_SLIP and (pay_to is None or not open_minor):
        why = "it is charged to a card" if by_card else "nothing of it is open" if pay_to else "no bank account is set"
        raise Refused("nothing_asked", f"invoice {invoice.number!r}: {why}, so there is no payment slip")
    reference = ""
    if pay_to is not None and open_minor:
        own = [reference_for(invoice.number, asked.number, invoice.no, taken=taken) for taken in (False, True)]
        reference = store.keep_reference(asked.number, invoice.no, own)
    return InvoiceContent(
        kind=kind,
        number=invoice.number,
        locale=asked.described.locale,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        currency=invoice.currency,
        total_minor=issued.total_minor,
        seller=_seller(invoicing),
        buyer=_buyer(asked.described),
        lines=invoice.lines or _lines_of(invoice),
        tax_lines=invoice.tax_lines,
        paid_minor=issued.total_minor - open_minor,
        pay_to=pay_to,
        reference=reference,
        by_card=by_card,
    )


def _lines_of(invoice: KnownInvoice) -> tuple[InvoiceLine, ...]:
    """A line for each tax where nobody said lines: what it is of is for the invoice's services."""
    text = ", ".join(invoice.services)
    return tuple(InvoiceLine(text, tax.net_minor, tax.rate, tax.category) for tax in invoice.tax_lines)


def _seller(invoicing: Invoicing) -> Seller:
    if invoicing.seller is None:
        raise Refused("no_seller", "nobody said who asks on invoices: give ARREARS_INVOICING (docs/invoices.md)")
    return invoicing.seller


def _buyer(known: NewAccount) -> Buyer:
    address = tuple(known.billing_address.split("\n")) if known.billing_address else ()
    return Buyer(known.name, known.ref, known.country, address, known.tax_number)


def _credited(invoice: KnownInvoice, minor: int) -> tuple[tuple[InvoiceLine, ...], tuple[TaxLine, ...]]:
    """The line and the tax of so much that is not asked any more: all of the invoice's own where it is all of it."""
    if minor == invoice.issued.total_minor:
        return invoice.lines or _lines_of(invoice), invoice.tax_lines
    if not invoice.tax_lines:
        return (), ()
    if len(invoice.tax_lines) > 1:
        way = "the credit note of your billing system is the document"
        raise Refused(
            "no_tax", f"invoice {invoice.number!r} has several taxes, and which was credited is not known; {way}"
        )
    [tax] = invoice.tax_lines
    net = int((minor * 100 / (100 + Decimal(tax.rate))).to_integral_value(ROUND_HALF_EVEN))
    text = ", ".join(invoice.services)
    line = InvoiceLine(text, net, tax.rate, tax.category)
    return (line,), (TaxLine(tax.rate, net, minor - net, tax.category, tax.reason),)
