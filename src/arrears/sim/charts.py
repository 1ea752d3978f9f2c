"""Charts of a report as still SVG: shapes that stretch with the page, and words beside them that do not.

A shape is drawn in a square of 1,000 by 1,000 that the page stretches to whatever room there is; axes are named in
HTML, so that they are as readable on a telephone as on paper. Nothing is run and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from markupsafe import Markup

from arrears.sim.report_words import ReportWords

SIDE: Final = 1000
POINTS_MAX: Final = 260
"""A longer series keeps the highest day of each part, so that no peak is lost: more points nobody sees."""
MONTH_LABELS_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis in percent of its length, and what is written there."""

    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across a chart at a place in percent, in the colour of the policy with this number."""

    at: str
    text: str
    policy: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart: its shapes, its axes and what crosses it. `about` says in words what it shows."""

    drawing: Markup
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    about: str
    marks: tuple[Mark, ...] = ()

    @property
    def beside(self) -> int:
        """How many letters wide the words of the upright axis are."""
        return max(len(tick.text) for tick in self.up)


def percent_of(part: int, whole: int) -> str:
    """Where something stands on an axis, as CSS wants it: 12.5%."""
    thousandths = 0 if not whole else (2000 * part + whole) // (2 * whole)
    return f"{thousandths // 10}.{thousandths % 10}%"


def rounded_up(top: int) -> tuple[int, int]:
    """The end of a scale that holds `top`, and its step: 1, 2 or 5 with zeros, at most five of them."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if top <= 5 * step:
                return max(step, -(-top // step) * step), step
        power *= 10


def scale(top: int, text: Callable[[int], str], unit: int = 1) -> tuple[int, tuple[Tick, ...]]:
    """The end of a scale from nothing to at least `top`, in round numbers of `unit`, and its ticks."""
    end, step = rounded_up(max(1, -(-top // unit)))
    ticks = tuple(Tick(percent_of(n, end), text(n * unit)) for n in range(0, end + 1, step))
    return end * unit, ticks


def step_line(points: Sequence[tuple[int, int]], right: int, top: int) -> str:
    """The path of a line that rises at each point and is level between them."""
    path = [f"M0 {SIDE}"]
    for x, y in points:
        path.append(f"H{SIDE * x // right}V{SIDE - SIDE * y // top}")
    return "".join([*path, f"H{SIDE}"])


def area(lower: Sequence[int], upper: Sequence[int], top: int) -> str:
    """The path of the space between two series of one length."""
    last = max(1, len(upper) - 1)

    def along(series: Iterable[tuple[int, int]]) -> str:
        return "L".join(f"{SIDE * n // last} {SIDE - SIDE * value // top}" for n, value in series)

    return f"M{along(enumerate(upper))}L{along(reversed(list(enumerate(lower))))}Z"


def thinned(*series: Sequence[int]) -> list[list[int]]:
    """The same series with at most POINTS_MAX points: of each part the day on which their sum is highest."""
    days = len(series[0])
    size = -(-days // POINTS_MAX)
    kept = [
        max(range(start, min(start + size, days)), key=lambda day: (sum(one[day] for one in series), day))
        for start in range(0, days, size)
    ]
    return [[one[day] for day in kept] for one in series]


def month_starts(first: date, last: date) -> list[date]:
    """The first day of each month from that of `first` to that of `last`."""
    found = [first.replace(day=1)]
    while (following := (found[-1] + timedelta(days=32)).replace(day=1)) <= last:
        found.append(following)
    return found


def named_months(months: Sequence[tuple[date, str]], words: ReportWords) -> tuple[Tick, ...]:
    """Some of these months and their places, the year beside the first of each."""
    every = -(-len(months) // MONTH_LABELS_MAX)
    ticks, year = [], 0
    for month, at in months[::every]:
        ticks.append(Tick(at, words.month(month) if month.year != year else words.month_alone(month)))
        year = month.year
    return tuple(ticks)


def month_ticks(first: date, last: date, words: ReportWords) -> tuple[Tick, ...]:
    """Some months of a time that is drawn day by day."""
    days = max(1, (last - first).days)
    months = [month for month in month_starts(first, last) if month >= first] or [first]
    return named_months([(month, percent_of((month - first).days, days)) for month in months], words)


def paths(*drawn: tuple[str, str]) -> Markup:
    """Paths as (class, d)."""
    return Markup("").join(Markup('<path class="{}" d="{}"/>').format(name, d) for name, d in drawn)


def columns(stacks: Sequence[Sequence[tuple[str, int]]], top: int) -> Markup:
    """Columns side by side, each of parts (class, value) from below."""
    width = SIDE / max(1, len(stacks))
    drawn: list[Markup] = []
    for n, stack in enumerate(stacks):
        below = 0
        for name, value in stack:
            if value:
                x, y, height = round(n * width + width * 0.1), SIDE - SIDE * (below + value) // top, SIDE * value // top
                rect = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>')
                drawn.append(rect.format(name, x, y, max(1, round(width * 0.8)), height))
            below += value
    return Markup("").join(drawn)
