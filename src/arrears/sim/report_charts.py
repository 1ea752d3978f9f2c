"""The charts of a report: what each shows of which policy. How a shape is drawn is `charts.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from arrears.core.money import exponent
from arrears.core.policy import Policy
from arrears.sim.charts import (
    Chart,
    Mark,
    Tick,
    area,
    columns,
    month_starts,
    month_ticks,
    named_months,
    paths,
    percent_of,
    scale,
    step_line,
    thinned,
)
from arrears.sim.figures import SHORT_STOP_DAYS, WITHIN_DAYS
from arrears.sim.outcome import Exposure, PaidWhen, PolicyOutcome, ServiceStop, SumsOutcome
from arrears.sim.report_words import ReportWords


class ReportCharts:
    """Draws the outcomes of a replay, in the words of one language."""

    def __init__(self, outcomes: Mapping[str, PolicyOutcome], words: ReportWords) -> None:
        self.outcomes, self.words = outcomes, words
        self.labels, self.each = list(outcomes), list(outcomes.values())
        self.first_on = self.each[0].first_on
        self.last_on = max(outcome.last_on for outcome in self.each)

    def _ladder_end(self) -> int:
        return max(day for outcome in self.each for day, _kind in steps_of(outcome.policy))

    def ladder_ticks(self) -> tuple[Tick, ...]:
        """The axis of all ladders."""
        _end, ticks = scale(self._ladder_end(), self.words.number)
        return ticks

    def ladder(self, outcome: PolicyOutcome) -> list[dict[str, str]]:
        """The steps that a policy promises, by days late."""
        end, _ticks = scale(self._ladder_end(), self.words.number)
        return [
            {"at": percent_of(day, end), "kind": kind, "day": self.words.number(day), "what": self._promise(kind)}
            for day, kind in steps_of(outcome.policy)
        ]

    def ladder_kinds(self) -> list[tuple[str, str]]:
        """The kinds of steps that any policy has, with their names, in the order of the ladder."""
        order = ("reminder", "stop_warning", "restrict", "stop", "deletion_warning", "delete")
        kinds = {step["kind"] for outcome in self.each for step in self.ladder(outcome)}
        return [(kind, self._promise(kind)) for kind in order if kind in kinds]

    def _promise(self, kind: str) -> str:
        return self.words(f"promise_{kind}")

    def curve(self, code: str) -> dict[str, Any]:
        """What share of the late money had come in after so many days; one line where the policies agree."""
        words = self.words
        lines = [sorted(outcome.sums[code].recovered.items()) for outcome in self.each]
        late = [outcome.sums[code].past_due for outcome in self.each]
        same = all(line == lines[0] for line in lines) and len(set(late)) == 1
        last = max([days for line in lines for days, _ in line] + [first_stop(o.policy) or 0 for o in self.each])
        end, across = scale(max(last + 2, 14), words.number)
        drawn = []
        for n, line in enumerate(lines[:1] if same else lines):
            whole, so_far, points = late[n], 0, []
            for days, minor in line:
                so_far += minor
                points.append((days, 1000 * so_far // whole))
            drawn.append(("line ink" if same else f"line p{n}", step_line(points, end, 1000)))
        up = tuple(Tick(percent_of(n, 100), words.percent(n, 100)) for n in (0, 25, 50, 75, 100))
        stops = [(label, first_stop(outcome.policy)) for label, outcome in self.outcomes.items()]
        marks = tuple(
            Mark(percent_of(day, end), f"{label}: {words.number(day)}", n)
            for n, (label, day) in enumerate(stops)
            if day is not None
        )
        said = []
        for n, label in enumerate(self.labels[:1] if same else self.labels):
            sums = self.each[n].sums[code]
            shares = [words.percent(sums.recovered_within(days), sums.past_due) for days in WITHIN_DAYS]
            said.append({"label": "" if same else label, "policy": n, "shares": shares})
        within = [words("within", days=words.count("days", days)) for days in WITHIN_DAYS]
        chart = Chart(paths(*drawn), across, up, words("curve"), marks)
        return {"currency": code, "chart": chart, "within": within, "said": said}

    def stages(self, code: str) -> dict[str, Any]:
        """How far the ladder had come when the money of one currency came, as bars and as a table."""
        each = [outcome.sums[code] for outcome in self.each]
        parts = [(stage.value, [one.by_stage.get(stage, 0) for one in each]) for stage in PaidWhen]
        parts += [("lowered", [one.lowered for one in each]), ("unpaid", [one.still_owed for one in each])]
        kept = [(name, values) for name, values in parts if any(values)]
        bars = [
            [{"name": name, "width": percent_of(values[n], each[n].past_due), "share": self._inside(values[n], each[n])}
             for name, values in kept if values[n]]
            for n in range(len(each))
        ]  # fmt: skip
        rows = [
            {
                "name": name,
                "label": self.words(f"stage_{name}"),
                "cells": [
                    {"text": self.words.rounded(value, code), "share": self.words.percent(value, each[n].past_due)}
                    for n, value in enumerate(values)
                ],
            }
            for name, values in kept
        ]
        return {"currency": code, "bars": bars, "rows": rows}

    def _inside(self, value: int, sums: SumsOutcome) -> str:
        """The share, where there is room for it in its part of a bar."""
        return self.words.percent(value, sums.past_due) if 100 * value >= 8 * sums.past_due else ""

    def risk(self, code: str) -> dict[str, Any]:
        """What was past due at the end of each day, for each policy on one scale."""
        words = self.words
        series = []
        for outcome in self.each:
            bands = outcome.sums[code].exposure
            off = [a + b for a, b in zip(bands[Exposure.STOPPED], bands[Exposure.DELETED], strict=True)]
            series.append(thinned(bands[Exposure.RUNNING], off))
        most = max(a + b for running, off in series for a, b in zip(running, off, strict=True))
        top, up = scale(most, lambda minor: words.rounded(minor, code), 10 ** exponent(code))
        charts = []
        for n, (running, off) in enumerate(series):
            both = [a + b for a, b in zip(running, off, strict=True)]
            drawn = paths(
                (f"fill p{n}", area([0] * len(running), running, top)), (f"fill pale p{n}", area(running, both, top))
            )
            across = month_ticks(self.first_on, self.last_on, words)
            charts.append(Chart(drawn, across, up, f"{words('risk')}, {self.labels[n]}"))
        return {"currency": code, "charts": charts}

    def stops(self) -> list[Chart]:
        """The stops of each month, for each policy on one scale; nothing where there was none."""
        if not any(outcome.stops for outcome in self.each):
            return []
        months = month_starts(self.first_on, self.last_on)
        while len(months) > 1 and not any(stop.since >= months[-1] for o in self.each for stop in o.stops):
            months.pop()
        counts = [[_in_month(outcome.stops, month) for month in months] for outcome in self.each]
        top, up = scale(max(long + short for one in counts for long, short in one), self.words.number)
        middles = [percent_of(2 * n + 1, 2 * len(months)) for n in range(len(months))]
        across = named_months(list(zip(months, middles, strict=True)), self.words)
        return [
            Chart(
                columns([((f"fill p{n}", long), (f"fill pale p{n}", short)) for long, short in one], top),
                across,
                up,
                f"{self.words('off')}, {self.labels[n]}",
            )
            for n, one in enumerate(counts)
        ]


def steps_of(policy: Policy) -> list[tuple[int, str]]:
    """The steps of a policy's ladder, as days late and kind; those of deletion as if nothing had moved."""
    steps = [(day, "reminder") for day in policy.remind_days]
    steps += [(day, "stop_warning") for day in policy.disable_warning_days]
    if policy.restrict_after_days is not None:
        steps += [(day, "stop_warning") for day in policy.restrict_warning_days]
        steps.append((policy.restrict_after_days, "restrict"))
    stop = policy.disable_after_days
    if stop is not None:
        steps += [(stop + day, "deletion_warning") for day in policy.delete_warning_days]
        steps.append((stop, "stop"))
        if policy.retention_days is not None:
            steps.append((stop + policy.retention_days, "delete"))
    return steps


def first_stop(policy: Policy) -> int | None:
    """The first day of the ladder on which a service does not run; None where that never comes."""
    return policy.disable_after_days if policy.restrict_after_days is None else policy.restrict_after_days


def _in_month(stops: Sequence[ServiceStop], month: date) -> tuple[int, int]:
    """Stops that began in a month: those longer than a week, and the others."""
    following = (month + timedelta(days=32)).replace(day=1)
    mine = [stop for stop in stops if month <= stop.since < following]
    short = sum(not s.deleted and s.until is not None and s.days <= SHORT_STOP_DAYS for s in mine)
    return len(mine) - short, short
