"""What an invoice is for, line by line, and the tax in it: what its document shows and a billing system says.

It changes no sum: what is asked is the invoice's total, and lines that do not add up to it are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, get_args

from arrears.core.errors import Refused
from arrears.core.money import format_amount
from arrears.core.row_fields import quoted, text_wrong
from arrears.core.value import Value

TaxCategory = Literal["", "S", "Z", "E", "AE", "K", "G", "O"]
"""Why a rate is what it is, by the codes of UNTDID 5305 that EN 16931 takes: standard rate, zero rated, exempt, reverse
charge, within the Union, exported, outside the scope of tax. Empty: standard, or zero rated where the rate is 0."""

LINES_MAX: Final = 500
TAX_LINES_MAX: Final = 20
_DECIMALS_MAX: Final = 6


class InvoiceLine(Value, frozen=True):
    """One line: what it is for, and its sum without tax in minor units, below zero for a discount. `tax_rate` is in
    percent as a plain decimal ("21", "5.5"), empty where no tax is said; `quantity` a plain decimal, empty where there
    is none; `unit` what it counts, as it is printed ("hours")."""

    text: str
    net_minor: int
    tax_rate: str = ""
    tax_category: TaxCategory = ""
    quantity: str = ""
    unit: str = ""


class TaxLine(Value, frozen=True):
    """The tax of one rate: what it is of, and how much, in minor units. `reason` is why there is none ("Reverse
    charge"), as it is printed."""

    rate: str
    net_minor: int
    tax_minor: int
    category: TaxCategory = ""
    reason: str = ""

    @property
    def code(self) -> str:
        """Its category, also where that goes without saying."""
        return self.category or ("S" if Decimal(self.rate) else "Z")


def decimal_of(text: str) -> str:
    """A decimal as it is kept: a point, no zeros that say nothing. Raises ValueError for what is none, or has more than
    six decimals."""
    try:
        found = Decimal(text)
        if not text.isascii() or not found.is_finite() or "e" in text.lower() or "_" in text:
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(f"{quoted(text)} is not a number such as 21 or 5.5") from None
    plain = f"{found:f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    if len(plain.partition(".")[2]) > _DECIMALS_MAX or len(plain) > 20:
        raise ValueError(f"{quoted(text)} has more digits than a line can have")
    return "0" if plain == "-0" else plain


def rate_of(text: str) -> str:
    """A rate of tax in percent as it is kept, of what people write: "21%", "5,50". Raises ValueError."""
    rate = decimal_of(text.strip().removesuffix("%").strip().replace(",", "."))
    if not 0 <= Decimal(rate) <= 100:
        raise ValueError(f"{quoted(text)} is no rate of tax; it is between 0 and 100 percent")
    return rate


def check_lines(
    number: str, currency: str, total_minor: int, lines: Sequence[InvoiceLine], tax_lines: Sequence[TaxLine]
) -> None:
    """Refuses `bad_lines` with what is wrong: lines and tax are the total exactly, each tax line is of the lines of its
    rate, and its tax is that rate of them but for what rounding each line may add up to."""
    reason = _wrong(currency, total_minor, lines, tax_lines)
    if reason:
        raise Refused("bad_lines", f"invoice {number!r}: {reason}")


def _wrong(currency: str, total_minor: int, lines: Sequence[InvoiceLine], tax_lines: Sequence[TaxLine]) -> str:
    if not lines and not tax_lines:
        return ""
    if len(lines) > LINES_MAX or len(tax_lines) > TAX_LINES_MAX:
        return f"has {len(lines)} lines and {len(tax_lines)} of tax; the most are {LINES_MAX} and {TAX_LINES_MAX}"
    for place, line in enumerate(lines, 1):
        if reason := _line_wrong(line):
            return f"line {place} {reason}"
    for tax in tax_lines:
        if reason := _tax_wrong(currency, lines, tax):
            return reason
    named = Counter((tax.rate, tax.code) for tax in tax_lines)
    if twice := [rate for (rate, _code), times in named.items() if times > 1]:
        return f"has two sums of tax at {twice[0]} %"
    if tax_lines and (other := [line for line in lines if (line.tax_rate, _code(line)) not in named]):
        return f"has the line {quoted(other[0].text)} at {other[0].tax_rate or 'no'} %, and no tax of that rate"
    net = sum(line.net_minor for line in lines) if lines else sum(tax.net_minor for tax in tax_lines)
    comes_to = net + sum(tax.tax_minor for tax in tax_lines)
    if comes_to != total_minor:
        said, asked = format_amount(comes_to, currency), format_amount(total_minor, currency)
        return f"its lines and tax come to {said}, and it asks {asked}"
    return ""


def _code(line: InvoiceLine) -> str:
    return TaxLine(line.tax_rate or "0", 0, 0, line.tax_category).code


def _line_wrong(line: InvoiceLine) -> str:
    for text in (line.text, line.unit):
        if reason := text_wrong(text):
            return f"{quoted(text)} {reason}"
    if not line.text.strip():
        return "says nothing"
    try:
        if line.tax_rate and rate_of(line.tax_rate) != line.tax_rate:
            return f"has the rate {quoted(line.tax_rate)}; write it as {rate_of(line.tax_rate)}"
        if line.quantity and decimal_of(line.quantity) != line.quantity:
            return f"has the quantity {quoted(line.quantity)}; write it as {decimal_of(line.quantity)}"
    except ValueError as error:
        return str(error)
    if line.tax_category not in get_args(TaxCategory):
        return f"has the tax category {quoted(line.tax_category)}; known are S Z E AE K G O"
    return ""


def _tax_wrong(currency: str, lines: Sequence[InvoiceLine], tax: TaxLine) -> str:
    try:
        if rate_of(tax.rate) != tax.rate:
            return f"has tax at {quoted(tax.rate)}; write it as {rate_of(tax.rate)}"
    except ValueError as error:
        return str(error)
    if reason := text_wrong(tax.reason):
        return f"{quoted(tax.reason)} {reason}"
    if tax.category not in get_args(TaxCategory):
        return f"has the tax category {quoted(tax.category)}; known are S Z E AE K G O"
    of_it = [line for line in lines if (line.tax_rate or "0", _code(line)) == (tax.rate, tax.code)]
    net = sum(line.net_minor for line in of_it)
    if lines and net != tax.net_minor:
        said, found = format_amount(tax.net_minor, currency), format_amount(net, currency)
        return f"has tax at {tax.rate} % of {said}, and its lines of that rate come to {found}"
    exact = Decimal(tax.net_minor) * Decimal(tax.rate) / 100
    if abs(exact - tax.tax_minor) > 1 + Decimal(len(of_it)) / 2:
        said, found = format_amount(tax.tax_minor, currency), format_amount(tax.net_minor, currency)
        return f"has {said} of tax on {found}, which is not {tax.rate} %"
    return ""
