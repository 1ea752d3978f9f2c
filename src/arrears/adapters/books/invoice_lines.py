"""The lines of an invoice and the tax in them, of the rows that are its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arrears.adapters.books.reading import ReadRow
from arrears.core.invoice_lines import InvoiceLine, TaxLine


def lines_of(parts: Sequence[ReadRow]) -> dict[str, Any]:
    """`lines` and `tax_lines` of an invoice; nothing where the map has no word about them. A row's sum is with its tax,
    so its line is what is left without it. A row that says no text is for its services."""
    said = [(row, row.line) for row in parts if row.line]
    if not said:
        return {}
    lines = tuple(
        InvoiceLine(text or ", ".join(row.services), row.minor - tax, rate, quantity=quantity)
        for row, (text, quantity, tax, rate) in said
    )
    by_rate: dict[str, TaxLine] = {}
    for row, (_text, _quantity, tax, rate) in said:
        if rate:
            was = by_rate.get(rate, TaxLine(rate, 0, 0))
            by_rate[rate] = TaxLine(rate, was.net_minor + row.minor - tax, was.tax_minor + tax)
    return {"lines": lines, "tax_lines": tuple(by_rate[rate] for rate in sorted(by_rate, key=float, reverse=True))}
