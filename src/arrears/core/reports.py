"""The reports on receivables: what each is a sum of. Staff see them in the console and take them as CSV; the words of
their definitions stand beside the pages (`web/console/report_words.py`), and say what is here.

A figure belongs to one group of a report (a bucket of age, a month, a step) and one currency, and is the sum of one
line for each account, so that every figure opens the accounts that it is made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from arrears.core.closed import closed


class ReceivablesReport(StrEnum):
    """Which report."""

    AGEING = "ageing"
    RECOVERY = "recovery"
    TIME_TO_RECOVER = "time_to_recover"
    BY_STEP = "by_step"
    BY_METHOD = "by_method"
    BY_DECLINE = "by_decline"
    BY_POLICY = "by_policy"
    FALSE_STOPS = "false_stops"
    DELIVERY = "delivery"
    DAYS_SALES_OUTSTANDING = "days_sales_outstanding"
    FORECAST = "forecast"


class ColumnUnit(StrEnum):
    """What a column counts: minor units of the figure's currency, or things."""

    MINOR = "minor"
    COUNT = "count"


class ReportColumn(NamedTuple):
    """One sum of a report. `of` is the column of which it is a share, where one is worth showing."""

    name: str
    unit: ColumnUnit
    of: str = ""


class ReportFigure(NamedTuple):
    """One group of a report in one currency: `number` of what the report counts, of how many accounts, and a sum for
    each column. `currency` is empty where nothing of it is money."""

    group: str
    currency: str
    number: int
    accounts: int
    sums: tuple[int, ...]


def _money(*names: str) -> tuple[ReportColumn, ...]:
    return tuple(ReportColumn(name, ColumnUnit.MINOR) for name in names)


_RECOVERED: Final = (
    ReportColumn("past_due", ColumnUnit.MINOR),
    ReportColumn("recovered", ColumnUnit.MINOR, of="past_due"),
    ReportColumn("credited", ColumnUnit.MINOR, of="past_due"),
    ReportColumn("written_off", ColumnUnit.MINOR, of="past_due"),
    ReportColumn("open", ColumnUnit.MINOR, of="past_due"),
)

COLUMNS: Final[Mapping[ReceivablesReport, Sequence[ReportColumn]]] = closed(
    "the sums of each report",
    ReceivablesReport,
    {
        ReceivablesReport.AGEING: _money("open", "held"),
        ReceivablesReport.RECOVERY: _RECOVERED,
        ReceivablesReport.TIME_TO_RECOVER: _money("recovered"),
        ReceivablesReport.BY_STEP: _money("recovered"),
        ReceivablesReport.BY_METHOD: _money("recovered"),
        ReceivablesReport.BY_DECLINE: _RECOVERED,
        ReceivablesReport.BY_POLICY: _RECOVERED,
        ReceivablesReport.FALSE_STOPS: (ReportColumn("false_stops", ColumnUnit.COUNT, of="number"),),
        ReceivablesReport.DELIVERY: tuple(
            ReportColumn(name, ColumnUnit.COUNT, of="number")
            for name in ("accepted", "came_back", "refused", "unknown")
        ),
        ReceivablesReport.DAYS_SALES_OUTSTANDING: _money("receivable", "billed"),
        ReceivablesReport.FORECAST: _money("open", "expected"),
    },
)

AGES: Final = ("not_due", "1-30", "31-60", "61-90", "91+")
"""The buckets of days past the due date; the first has none."""

DAYS_TO_PAY: Final = ("0", "1-3", "4-7", "8-14", "15-21", "22-30", "31-60", "61-90", "91+")
"""The buckets of days from day 0 to the day on which a debt was paid."""

BILLED_DAYS: Final = 90
"""Days sales outstanding sets what is owed against what was billed in so many days before."""

FORECAST_DAYS: Final = 30
"""How far the forecast looks, and how long after an age the past is asked what came."""


def days_sales_outstanding(receivable_minor: int, billed_minor: int) -> float | None:
    """How many days of billing are owed; None where nothing was billed."""
    return receivable_minor * BILLED_DAYS / billed_minor if billed_minor > 0 else None
