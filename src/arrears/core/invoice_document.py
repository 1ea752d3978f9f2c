"""What the document of an invoice says, as plain values: no words of ours, no layout."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from arrears.core.bank.invoicing import ReceivingAccount, Seller
from arrears.core.invoice_lines import InvoiceLine, TaxLine


class DocumentKind(StrEnum):
    """An invoice and a credit note are ours; a payment slip stands beside the operator's own document."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT_SLIP = "payment_slip"


class Buyer(msgspec.Struct, frozen=True):
    """Who is billed: `address` in the lines in which it is printed, `ref` the operator's own name of the account."""

    name: str
    ref: str
    country: str
    address: tuple[str, ...] = ()
    tax_number: str = ""


class InvoiceContent(msgspec.Struct, frozen=True):
    """One document. Sums are minor units of `currency`, above zero in a credit note too; `paid_minor` is what of the
    total is not to be paid any more. `of_number` is the invoice that a credit note is of. `pay_to` is None where there
    is nothing to transfer: `by_card` where a card is charged. `locale` is the account's."""

    kind: DocumentKind
    number: str
    locale: str
    issued_on: date
    due_on: date
    currency: str
    total_minor: int
    seller: Seller
    buyer: Buyer
    lines: tuple[InvoiceLine, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()
    paid_minor: int = 0
    of_number: str = ""
    pay_to: ReceivingAccount | None = None
    reference: str = ""
    by_card: bool = False

    @property
    def open_minor(self) -> int:
        """What is to be paid."""
        return self.total_minor - self.paid_minor

    @property
    def net_minor(self) -> int:
        """The total without its tax."""
        return self.total_minor - sum(tax.tax_minor for tax in self.tax_lines)
