"""Codes that a bank's app reads at the foot of an invoice: EPC069-12 for euros, the Swiss QR-bill for Switzerland."""

from __future__ import annotations

from typing import Final

from arrears.core.bank.invoicing import ReceivingAccount
from arrears.core.invoice_document import InvoiceContent

EPC_BYTES_MAX: Final = 331
EPC_VERSION_MAX: Final = 13
EPC_NAME_CHARACTERS_MAX: Final = 70
_EPC_CENTS_MAX: Final = 99_999_999_999
_SWISS_CENTS_MAX: Final = 99_999_999_999
_CROSS: Final = 7 / 46
"""The Swiss cross covers so much of the code's width."""


def epc_payload(content: InvoiceContent) -> str:
    """What the code of a transfer in euros says (EPC069-12, version 2); empty where it cannot say this one."""
    to = content.pay_to
    return "" if to is None else epc_transfer(to, content.currency, content.open_minor, content.reference)


def epc_transfer(to: ReceivingAccount, currency: str, minor: int, reference: str, text: str = "") -> str:
    """The same of any transfer: with a creditor reference, or with a text where there is none."""
    if currency != "EUR" or not to.iban or not 0 < minor <= _EPC_CENTS_MAX:
        return ""
    euros, cents = divmod(minor, 100)
    name = one_line(to.beneficiary)[:EPC_NAME_CHARACTERS_MAX].strip()
    head = ("BCD", "002", "1", "SCT", to.bic, name, to.iban, f"EUR{euros}.{cents:02d}", "", reference)
    payload = "\n".join(head if reference or not text else (*head, one_line(text)))
    return payload if len(payload.encode()) <= EPC_BYTES_MAX else ""


def swiss_payload(content: InvoiceContent) -> str:
    """What the code of a Swiss QR-bill says (Swiss Implementation Guidelines, 2.3): an ordinary IBAN with an ISO 11649
    reference, addresses by their parts; who pays writes their own. Empty where it cannot say this one."""
    to, seller = content.pay_to, content.seller
    if (
        to is None
        or not to.is_swiss
        or to.currency != content.currency
        or not 0 < content.open_minor <= _SWISS_CENTS_MAX
    ):
        return ""
    francs, centimes = divmod(content.open_minor, 100)
    creditor = ("S", one_line(to.beneficiary)[:70], seller.street[:70], "", seller.postcode[:16], seller.city[:35])
    return "\n".join(
        (
            *("SPC", "0200", "1", to.iban, *creditor, seller.country),
            *("",) * 7,
            *(f"{francs}.{centimes:02d}", content.currency),
            *("",) * 7,
            *("SCOR", content.reference, f"{content.number}"[:140], "EPD"),
        )
    )


def one_line(text: str) -> str:
    """The text without control characters, on one line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def as_svg(payload: str, *, swiss: bool = False) -> str:
    """The code as SVG, a unit wide each module, with no margin; error level M, as both standards demand. With the Swiss
    cross in its middle where it is a QR-bill's."""
    # Only who asks for a document pays for loading it.
    import qrcode
    from qrcode.constants import ERROR_CORRECT_M

    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(payload.encode(), optimize=0)
    code.make(fit=True)
    rows = code.get_matrix()
    size = len(rows)
    dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, one in enumerate(row) if one)
    cross = _cross(size) if swiss else ""
    view = f'viewBox="0 0 {size} {size}" shape-rendering="crispEdges"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}><path d="{dark}"/>{cross}</svg>'


def _cross(size: int) -> str:
    side, middle = size * _CROSS, size / 2
    bar, arm = side / 6, side / 1.8
    return (
        _square(middle, side, side, "#fff")
        + _square(middle, side * 6 / 7, side * 6 / 7, "#000")
        + _square(middle, arm, bar, "#fff")
        + _square(middle, bar, arm, "#fff")
    )


def _square(middle: float, width: float, height: float, colour: str) -> str:
    x, y = middle - width / 2, middle - height / 2
    return f'<rect x="{x:.3f}" y="{y:.3f}" width="{width:.3f}" height="{height:.3f}" fill="{colour}"/>'
