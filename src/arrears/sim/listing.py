"""The customers of a replay as a list: which of them a policy touched, and a CSV file of all of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from arrears.core.money import exponent
from arrears.sim.outcome import CustomerOutcome, CustomerSums, PolicyOutcome

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would calculate instead of show."""

_NOTHING: Final = CustomerSums()


def affected(outcomes: Mapping[str, PolicyOutcome]) -> list[tuple[CustomerOutcome, ...]]:
    """Each customer with a late invoice under any policy, once for each policy: those first who lose most by any of
    them, by deletion, then by days of service, then by days late."""
    each = zip(*(outcome.customers for outcome in outcomes.values()), strict=True)
    late = [customers for customers in each if any(one.cases for one in customers)]
    return sorted(late, key=_loss)


def _loss(customers: Sequence[CustomerOutcome]) -> tuple[int, int, int, int, str]:
    return (
        -sum(one.deleted_on is not None for one in customers),
        -max(one.days_without_service for one in customers),
        -max(one.days_late_max for one in customers),
        -max(one.past_due_invoices for one in customers),
        customers[0].ref,
    )


def csv_of(outcomes: Mapping[str, PolicyOutcome]) -> str:
    """A CSV text, a row for each customer and policy, and a column for each sum and currency; amounts with a point."""
    currencies = sorted({code for outcome in outcomes.values() for code in outcome.sums})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    counted = ["past_due_invoices", "cases", "notices", "days_late_max", "stops", "days_without_service", "deleted_on"]
    sums = [f"{what}_{code}" for code in currencies for what in ("invoiced", "past_due", "still_open")]
    writer.writerow(["policy", "customer", "name", *counted, *sums])
    for label, outcome in outcomes.items():
        for one in outcome.customers:
            cells: list[Any] = [getattr(one, name) for name in counted]
            cells[-1] = one.deleted_on or ""
            writer.writerow([_text(label), _text(one.ref), _text(one.name), *cells, *_amounts(one, currencies)])
    return text.getvalue()


def _text(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _amounts(one: CustomerOutcome, currencies: Sequence[str]) -> Iterator[str]:
    for code in currencies:
        sums = one.sums.get(code, _NOTHING)
        for minor in (sums.invoiced, sums.past_due, sums.still_open):
            yield _decimal(minor, exponent(code))


def _decimal(minor: int, digits: int) -> str:
    text = str(minor).rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}" if digits else text
