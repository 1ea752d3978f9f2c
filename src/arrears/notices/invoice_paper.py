"""The document of an invoice as PDF: archival with what it carries (PDF/A-3a), for readers without eyes (PDF/UA-1).

Made offline by typst from words that come finished: `invoice_paper.typ` has none of its own. The same content at the
same instant is the same bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from arrears.core.bank.bank_codes import grouped
from arrears.core.bank.invoicing import ReceivingAccount
from arrears.core.errors import Refused
from arrears.core.invoice_document import DocumentKind, InvoiceContent
from arrears.notices import factur_x
from arrears.notices.invoice_wording import DocumentWords, words_for
from arrears.notices.pay_codes import as_svg, epc_payload, one_line, swiss_payload

LAYOUT: Final = Path(__file__).with_suffix(".typ")
STANDARDS: Final = ("a-3a", "ua-1")
SHORT_REFERENCE_CHARACTERS_MAX: Final = 18
"""What a British transfer has room for (Bacs)."""

_SWISS_LABELS: Final = {
    "receipt": "Receipt",
    "payment-part": "Payment part",
    "account-label": "Account / Payable to",
    "reference-label": "Reference",
    "information-label": "Additional information",
    "payer-label": "Payable by (name/address)",
    "currency-label": "Currency",
    "amount-label": "Amount",
    "acceptance": "Acceptance point",
}
"""A QR-bill is in German, French, Italian or English, whatever the invoice is in (Style Guide QR-bill, 5)."""


class TypstInvoices:
    """See ports.DocumentMaker. `identity` is who the operator is by law, for the foot of each page."""

    def __init__(self, identity: str) -> None:
        self._identity = identity

    def make(self, content: InvoiceContent, at: datetime) -> bytes:
        """See ports.DocumentMaker."""
        return as_pdf(content, self._identity, at)


def as_pdf(content: InvoiceContent, identity: str, at: datetime) -> bytes:
    """The document, dated `at`. Refuses `no_document` where it cannot be made: a name in letters that our fonts lack
    takes this machine's, and one in letters that nothing here has is said."""
    try:
        # Only who asks for a document pays for loading it: 84 MB of program.
        import typst
    except ImportError as error:
        raise Refused("no_document", f"typst cannot be loaded: {error}") from error
    laid = laid_out(content, identity)
    inputs = {"data": msgspec.json.encode(laid).decode()}
    for ours in (True, False):
        try:
            made = typst.compile(
                str(LAYOUT),
                sys_inputs=inputs,
                pdf_standards=list(STANDARDS),
                ignore_system_fonts=ours,
                timestamp=at.astimezone(UTC).replace(microsecond=0),
            )
        except (typst.TypstError, OSError, ValueError) as error:
            why = error
        else:
            assert isinstance(made, bytes), "one file, not a list of pictures"
            return factur_x.said_in(made) if laid["xml"] else made
    reason = str(why).splitlines()[0]
    way = "install a font that has its letters"
    raise Refused("no_document", f"no document of {content.number!r} could be made: {reason}; {way}")


def laid_out(content: InvoiceContent, identity: str) -> dict[str, Any]:
    """What stands on the document, in the reader's words, as `invoice_paper.typ` takes it."""
    words = words_for(content.locale)
    swiss = _swiss(content, words)
    rows = _rows(content, words)
    return {
        "title": words(content.kind.value),
        "number": one_line(content.number),
        "language": words.locale.language,
        "region": words.locale.territory or "",
        "identity": one_line(identity),
        "seller": [one_line(line) for line in _seller(content, words) if line],
        "billed-to": words("billed_to"),
        "buyer": [one_line(line) for line in (content.buyer.name, *content.buyer.address) if line],
        "heads": [(name, one_line(value)) for name, value in _heads(content, words) if value],
        "columns": _columns(content, words) if rows else [],
        "rows": rows,
        "totals": _totals(content, words),
        "notes": _notes(content, words),
        "end-notes": [one_line(tax.reason) for tax in content.tax_lines if tax.reason],
        "pay": None if swiss else _pay(content, words),
        "swiss": swiss,
        "xml": factur_x.as_xml(content).decode() if factur_x.wanted(content) else "",
    }


def _seller(content: InvoiceContent, words: DocumentWords) -> list[str]:
    seller = content.seller
    tax = f"{words('tax_number')} {seller.tax_number}" if seller.tax_number else ""
    country = words.locale.territories.get(seller.country, seller.country)
    return [seller.name, *seller.lines, country, tax, seller.register, seller.email]


def _heads(content: InvoiceContent, words: DocumentWords) -> list[tuple[str, str]]:
    is_credit = content.kind is DocumentKind.CREDIT_NOTE
    return [
        (words("number"), content.number),
        (words("of_invoice"), content.of_number),
        (words("issued_on"), words.day(content.issued_on)),
        (words("due_on"), "" if is_credit else words.day(content.due_on)),
        (words("customer"), content.buyer.ref),
        (words("your_tax_number"), content.buyer.tax_number),
    ]


def _columns(content: InvoiceContent, words: DocumentWords) -> list[str]:
    counted = [words("quantity")] if any(line.quantity for line in content.lines) else []
    taxed = [words("rate")] if content.tax_lines else []
    return [words("description"), *counted, *taxed, words("sum")]


def _rows(content: InvoiceContent, words: DocumentWords) -> list[list[str]]:
    counted, taxed = any(line.quantity for line in content.lines), bool(content.tax_lines)
    return [
        [
            one_line(line.text),
            *([f"{words.number(line.quantity)} {one_line(line.unit)}".strip()] if counted else []),
            *([words.percent(line.tax_rate)] if taxed else []),
            words.money(line.net_minor, content.currency),
        ]
        for line in content.lines
    ]


def _totals(content: InvoiceContent, words: DocumentWords) -> list[tuple[str, str, bool]]:
    def money(minor: int) -> str:
        return words.money(minor, content.currency)

    taxes = [
        (words("tax", rate=words.percent(tax.rate), net=money(tax.net_minor)), money(tax.tax_minor), False)
        for tax in content.tax_lines
    ]
    net = [(words("net"), money(content.net_minor), False)] if taxes else []
    if content.kind is DocumentKind.CREDIT_NOTE:
        return [*net, *taxes, (words("credited"), money(content.total_minor), True)]
    paid = [
        (words("paid"), money(-content.paid_minor), False),
        (words("to_pay"), money(content.open_minor), True),
    ]
    return [*net, *taxes, (words("total"), money(content.total_minor), True), *(paid if content.paid_minor else ())]


def _notes(content: InvoiceContent, words: DocumentWords) -> list[str]:
    match content.kind:
        case DocumentKind.CREDIT_NOTE:
            return [words("credit_note_note", number=content.of_number)]
        case DocumentKind.PAYMENT_SLIP:
            said = [words("slip_note", number=content.number)]
        case DocumentKind.INVOICE:
            said = []
    if not content.open_minor:
        return [*said, words("nothing_to_pay")]
    return [*said, words("by_card")] if content.by_card else said


def _pay(content: InvoiceContent, words: DocumentWords) -> dict[str, Any] | None:
    """The foot of the first page."""
    to = content.pay_to
    if to is None or not content.open_minor:
        return None
    rows = [
        (words("beneficiary"), one_line(to.beneficiary)),
        *bank_rows(to, words),
        (words("amount"), words.money(content.open_minor, content.currency)),
        (words("pay_by"), words.day(content.due_on)),
        (words("reference"), reference_shown(content.reference, content.number, to)),
    ]
    payload = epc_payload(content)
    alt = _alt(content, to, words) if payload else ""
    return {
        "title": words("pay"),
        "rows": [(name, value) for name, value in rows if value],
        "note": words("reference_note"),
        "code": as_svg(payload) if payload else "",
        "code-alt": alt,
        "scan": words("scan"),
    }


def bank_rows(to: ReceivingAccount, words: DocumentWords) -> list[tuple[str, str]]:
    """The account as payers of its country and currency know it: Britain by sort code, America by routing number."""
    return [
        (words("iban"), grouped(to.iban)),
        (words("sort_code"), to.sort_code),
        (words("routing_number"), to.routing_number),
        (words("wire_routing_number"), to.wire_routing_number),
        (words("account_number"), to.account_number),
        (words("bic"), to.bic),
        (words("bank"), one_line(to.bank)),
    ]


def reference_shown(reference: str, number: str, to: ReceivingAccount) -> str:
    """In groups of four; where only a short one fits, the invoice's own number instead of a long one."""
    bare = one_line(number)
    short = len(reference) <= SHORT_REFERENCE_CHARACTERS_MAX
    if to.sort_code and not short and len(bare) <= SHORT_REFERENCE_CHARACTERS_MAX:
        return bare
    return grouped(reference)


def _alt(content: InvoiceContent, to: ReceivingAccount, words: DocumentWords) -> str:
    return words(
        "code",
        amount=words.money(content.open_minor, content.currency),
        beneficiary=one_line(to.beneficiary),
        iban=grouped(to.iban),
        reference=grouped(content.reference),
    )


def _swiss(content: InvoiceContent, words: DocumentWords) -> dict[str, Any] | None:
    """The payment part and the receipt of a QR-bill."""
    payload, to = swiss_payload(content), content.pay_to
    if not payload or to is None:
        return None
    amount = f"{content.open_minor // 100:,}".replace(",", " ") + f".{content.open_minor % 100:02d}"
    seller = content.seller
    creditor = (grouped(to.iban), to.beneficiary, seller.street, f"{seller.postcode} {seller.city}".strip())
    return {
        **_SWISS_LABELS,
        "creditor": [one_line(line) for line in creditor],
        "reference": grouped(content.reference),
        "information": one_line(content.number),
        "currency": content.currency,
        "amount": amount,
        "code": as_svg(payload, swiss=True),
        "code-alt": _alt(content, to, words),
    }
