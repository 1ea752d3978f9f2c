"""What an invoice is for, line by line, and the tax in it, as a program says it and is told it.

Sums are money like any other, in the currency of the invoice's total; below zero they are a discount.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from arrears.core.invoice_lines import InvoiceLine, TaxCategory, TaxLine, decimal_of, rate_of
from arrears.core.money import MINOR_MAX
from arrears.core.row_fields import TEXT_CHARACTERS_MAX
from arrears.web.api.fields import Currency, ShortText
from arrears.web.api.frame import Strict

_DIGITS_MAX: Final = 24
DecimalText = Annotated[str, Field(max_length=_DIGITS_MAX)]


class SignedAmount(Strict):
    """Money, below zero where it is taken off: whole minor units (cents) of its currency."""

    amount_minor: Annotated[int, Field(ge=-MINOR_MAX, le=MINOR_MAX)]
    currency: Currency


class LineBody(Strict):
    """One line: what it is for, and its sum without tax. `tax_rate` is in percent, a plain decimal ("21"), left out
    where no tax is said; `quantity` a plain decimal, `unit` what it counts; `tax_category` a code of UNTDID 5305."""

    text: ShortText
    net: SignedAmount
    tax_rate: DecimalText = ""
    tax_category: TaxCategory = ""
    quantity: DecimalText = ""
    unit: Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX)] = ""


class TaxBody(Strict):
    """The tax of one rate: what it is of, and how much. `reason` is why there is none, as it is printed."""

    rate: DecimalText
    net: SignedAmount
    tax: SignedAmount
    category: TaxCategory = ""
    reason: Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX)] = ""


def book_lines(lines: Sequence[LineBody]) -> tuple[InvoiceLine, ...]:
    """The lines as a book has them. Raises ValueError for a number that is none."""
    return tuple(
        InvoiceLine(
            one.text,
            one.net.amount_minor,
            rate_of(one.tax_rate) if one.tax_rate else "",
            one.tax_category,
            decimal_of(one.quantity) if one.quantity else "",
            one.unit,
        )
        for one in lines
    )


def book_taxes(taxes: Sequence[TaxBody]) -> tuple[TaxLine, ...]:
    """The tax as a book has it. Raises ValueError for a rate that is none."""
    return tuple(
        TaxLine(rate_of(one.rate), one.net.amount_minor, one.tax.amount_minor, one.category, one.reason)
        for one in taxes
    )


def currencies_of(lines: Sequence[LineBody], taxes: Sequence[TaxBody]) -> set[str]:
    """The currencies that lines and tax are in."""
    return {
        *(one.net.currency for one in lines),
        *(amount.currency for one in taxes for amount in (one.net, one.tax)),
    }


def lines_said(lines: Sequence[InvoiceLine], currency: str) -> list[dict[str, Any]]:
    """Lines as they are answered, and may be sent again."""
    return [
        {
            "text": one.text,
            "net": _money(one.net_minor, currency),
            "tax_rate": one.tax_rate,
            "tax_category": one.tax_category,
            "quantity": one.quantity,
            "unit": one.unit,
        }
        for one in lines
    ]


def taxes_said(taxes: Sequence[TaxLine], currency: str) -> list[dict[str, Any]]:
    """Tax as it is answered, and may be sent again."""
    return [
        {
            "rate": one.rate,
            "net": _money(one.net_minor, currency),
            "tax": _money(one.tax_minor, currency),
            "category": one.category,
            "reason": one.reason,
        }
        for one in taxes
    ]


def _money(minor: int, currency: str) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": currency}
