"""The figures of a replay: one table from which the terminal, the JSON, the report and its definitions are all made.

A figure that is not here is nowhere, and each has its name and its definition in every language (`report/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from arrears.sim.outcome import Exposure, PaidWhen, PolicyOutcome, SumsOutcome

SHORT_STOP_DAYS: Final = 7
"""A stop that a payment ended within this many days would not have been one under a policy a week longer."""

WITHIN_DAYS: Final = (7, 14, 30, 60, 90)
"""For how many days after day 0 a report says what had come in."""

BEFORE_STOP: Final = (PaidWhen.HELD, PaidWhen.UNTOLD, PaidWhen.REMINDED, PaidWhen.WARNED)


class Counted(StrEnum):
    """What a figure counts."""

    COUNT = "count"
    DAYS = "days"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the whole book. `always`: it is shown also where it is 0 under every policy."""

    key: str
    of: Callable[[PolicyOutcome], int]
    always: bool = True
    unit: Counted = Counted.COUNT


@dataclass(frozen=True, slots=True)
class MoneyFigure:
    """A sum of one currency, in minor units. `share`: what it is a part of, where a percentage says more; None where
    it is of nothing."""

    key: str
    of: Callable[[SumsOutcome], int]
    share: Callable[[SumsOutcome], int] | None = None
    always: bool = True


def _past_due(sums: SumsOutcome) -> int:
    return sums.past_due


def at_risk(sums: SumsOutcome) -> list[int]:
    """What was past due at the end of each day."""
    return [sum(bands) for bands in zip(*(sums.exposure[band] for band in Exposure), strict=True)]


def _average(days: Sequence[int]) -> int:
    """Rounded to whole minor units."""
    return (2 * sum(days) + len(days)) // (2 * len(days)) if days else 0


def _stopped(sums: SumsOutcome) -> list[int]:
    return [a + b for a, b in zip(sums.exposure[Exposure.STOPPED], sums.exposure[Exposure.DELETED], strict=True)]


SERVICE: Final = (
    Figure("past_due_invoices", lambda o: o.past_due_invoices),
    Figure("notices", lambda o: o.notices),
    Figure("reminders", lambda o: o.reminders),
    Figure("stop_warnings", lambda o: o.stop_warnings),
    Figure("deletion_warnings", lambda o: o.deletion_warnings, always=False),
    Figure("restricted", lambda o: o.restricted, always=False),
    Figure("stops", lambda o: len(o.stops)),
    Figure("customers_stopped", lambda o: o.customers_stopped),
    Figure("short_stops", lambda o: o.stops_within(SHORT_STOP_DAYS)),
    Figure("days_without_service", lambda o: o.days_without_service, unit=Counted.DAYS),
    Figure("deleted", lambda o: o.deleted),
)
"""What customers notice, in the order in which it happens to them."""

MONEY: Final = (
    MoneyFigure("past_due", _past_due),
    MoneyFigure("before_stop", lambda s: sum(s.by_stage.get(stage, 0) for stage in BEFORE_STOP), _past_due),
    MoneyFigure("while_stopped", lambda s: s.by_stage.get(PaidWhen.STOPPED, 0), _past_due),
    MoneyFigure("after_deletion", lambda s: s.by_stage.get(PaidWhen.DELETED, 0), _past_due, always=False),
    MoneyFigure("lowered", lambda s: s.lowered, _past_due, always=False),
    MoneyFigure("still_owed", lambda s: s.still_owed, _past_due),
    MoneyFigure("owed_at_deletion", lambda s: s.owed_at_deletion, always=False),
    MoneyFigure("not_asked", lambda s: s.not_asked, always=False),
    MoneyFigure("risk_highest", lambda s: max(at_risk(s), default=0)),
    MoneyFigure("risk_running", lambda s: _average(s.exposure[Exposure.RUNNING])),
    MoneyFigure("risk_stopped", lambda s: _average(_stopped(s))),
)
"""What became of the money, currency by currency."""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure under each policy, in their order. `currency` is empty for counts and days; `of` is what each value is
    a part of, where it is."""

    key: str
    unit: Counted
    values: tuple[int, ...]
    currency: str = ""
    of: tuple[int, ...] = ()


def rows_of(outcomes: Sequence[PolicyOutcome], *, zeros: bool = False) -> Iterator[FigureRow]:
    """Every figure, first the counts, then each currency's sums. Without `zeros` those are left out that are 0 under
    every policy and say nothing by it."""
    for figure in SERVICE:
        values = tuple(figure.of(outcome) for outcome in outcomes)
        if zeros or figure.always or any(values):
            yield FigureRow(figure.key, figure.unit, values)
    for currency in currencies_of(outcomes):
        sums = [outcome.sums[currency] for outcome in outcomes]
        for money in MONEY:
            values = tuple(money.of(one) for one in sums)
            if zeros or money.always or any(values):
                of = tuple(money.share(one) for one in sums) if money.share is not None else ()
                yield FigureRow(money.key, Counted.MONEY, values, currency, of)


def currencies_of(outcomes: Sequence[PolicyOutcome]) -> list[str]:
    """The currencies in which anything went past due, the one with the most late invoices first, then by name."""
    late: Mapping[str, int] = outcomes[0].late_invoices
    return sorted((code for code in outcomes[0].sums if late.get(code)), key=lambda code: (-late[code], code))


def align(outcomes: Sequence[PolicyOutcome]) -> None:
    """Let every replay end on the same day, so that averages and charts compare: what was past due on the last day of
    a shorter one stays so."""
    days = max(outcome.virtual_days for outcome in outcomes)
    for outcome in outcomes:
        for sums in outcome.sums.values():
            for band in sums.exposure.values():
                band += band[-1:] * (days - len(band))
