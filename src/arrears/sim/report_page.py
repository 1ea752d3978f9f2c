"""The report of a replay as one HTML page: for whoever decides about a policy, and reads neither logs nor JSON.

Everything is in the page: style, charts and definitions; it runs nothing and fetches nothing. The same outcomes give
the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from arrears.core.receivables import ReceivablesBook
from arrears.sim.charts import percent_of
from arrears.sim.figures import (
    BEFORE_STOP,
    MONEY,
    SERVICE,
    SHORT_STOP_DAYS,
    Counted,
    FigureRow,
    currencies_of,
    rows_of,
)
from arrears.sim.listing import affected
from arrears.sim.outcome import PaidWhen, PolicyOutcome, SumsOutcome
from arrears.sim.replay import ReplaySettings, is_asked, paid_in_full_on
from arrears.sim.report_charts import ReportCharts
from arrears.sim.report_words import ReportWords, one_line, words_of

CUSTOMERS_MAX: Final = 15
"""So many customers are named in a report; a CSV file has them all."""

CURVES_MAX: Final = 4
"""For so many currencies there are charts, those with the most late invoices; the figures have all."""


@dataclass(frozen=True, slots=True)
class ReportedBook:
    """What a report says of the book and of how it was played."""

    book: ReceivablesBook
    settings: ReplaySettings
    last_on: date


def page_of(book: ReportedBook, outcomes: Mapping[str, PolicyOutcome], language: str) -> str:
    """The page, as UTF-8 text."""
    words = words_of(language)
    page = _Page(book, {one_line(label): outcome for label, outcome in outcomes.items()}, words)
    text = _template().render(page.values())
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def last_day(book: ReceivablesBook) -> date:
    """The day of the last invoice, payment or credit note of the book."""
    days = [i.issued_on for i in book.invoices] + [p.paid_on for p in book.payments]
    return max([*days, *(note.issued_on for note in book.credits)])


@cache
def _template() -> Template:
    folder = resources.files(__package__).joinpath("report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals["style"] = Markup(folder.joinpath("style.css").read_text(encoding="utf-8"))
    return environment.from_string(folder.joinpath("page.html").read_text(encoding="utf-8"))


class _Page:
    """One report being written."""

    def __init__(self, book: ReportedBook, outcomes: Mapping[str, PolicyOutcome], words: ReportWords) -> None:
        self.book, self.outcomes, self.words = book, outcomes, words
        self.labels, self.each = list(outcomes), list(outcomes.values())
        self.first_on = self.each[0].first_on
        self.last_on = max(outcome.last_on for outcome in self.each)
        self.currencies = currencies_of(self.each)
        self.drawn = self.currencies[:CURVES_MAX]

    def values(self) -> dict[str, Any]:
        """Everything that the template asks for."""
        charts = ReportCharts(self.outcomes, self.words)
        return {
            "words": self.words,
            "labels": self.labels,
            "lead": self._lead(),
            "verdicts": [self._verdict(outcome) for outcome in self.each],
            "groups": self._groups(),
            "difference": len(self.each) == 2,
            "ladders": [charts.ladder(outcome) for outcome in self.each],
            "kinds": charts.ladder_kinds(),
            "ladder_ticks": charts.ladder_ticks(),
            "held": self._held(),
            "curves": [charts.curve(code) for code in self.drawn],
            "stages": [charts.stages(code) for code in self.drawn],
            "risks": [charts.risk(code) for code in self.drawn],
            "off": charts.stops(),
            "customers": self._customers(),
            "assumed": self._assumed(),
            "meanings": self._meanings(),
            "versions": [(label, outcome.policy.version) for label, outcome in self.outcomes.items()],
            "digest": self.book.book.digest,
            "checks": self.words.count(
                "checks",
                sum(outcome.invariants_checked for outcome in self.each),
                breaches=self.words.number(sum(outcome.invariants_breached for outcome in self.each)),
            ),
        }

    # -- in words --------------------------------------------------------------------------------------------

    def _lead(self) -> str:
        words, book = self.words, self.book.book
        asked = [invoice for invoice in book.invoices if is_asked(invoice)]
        sums: Counter[str] = Counter()
        for invoice in asked:
            sums[invoice.currency] += invoice.total_minor
        return words(
            "lead",
            invoices=words.count("invoices", len(asked)),
            customers=words.count("customers", len({invoice.account_ref for invoice in asked})),
            sums=self._listed([words.money(minor, code) for code, minor in sorted(sums.items())]),
            first=words.day(self.first_on),
            last=words.day(self.book.last_on),
            late=self._late(),
        )

    def _late(self) -> str:
        """How much was late, where every policy says the same."""
        late = [{code: outcome.sums[code].past_due for code in self.currencies} for outcome in self.each]
        if any(sums != late[0] for sums in late):
            return self.words("lead_late_differs")
        sums = self._listed([self.words.money(minor, code) for code, minor in late[0].items()])
        return self.words.count("lead_late", self.each[0].past_due_invoices, sums=sums)

    def _listed(self, items: Sequence[str]) -> str:
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self.words('and')} {items[-1]}"

    def _verdict(self, outcome: PolicyOutcome) -> dict[str, Any]:
        words = self.words
        said = [words("verdict_none")]
        if outcome.stops:
            customers = words.count("customers", outcome.customers_stopped)
            days = words.count("days", outcome.days_without_service)
            said = [words.count("verdict_stops", len(outcome.stops), customers=customers, days=days)]
            ran = self._shares(outcome, lambda one: sum(one.by_stage.get(stage, 0) for stage in BEFORE_STOP))
            off = self._shares(outcome, lambda one: one.by_stage.get(PaidWhen.STOPPED, 0))
            said.append(words("verdict_before", share=ran, after=off))
            if short := outcome.stops_within(SHORT_STOP_DAYS):
                said.append(words.count("verdict_short", short))
        if any(one.still_owed for one in outcome.sums.values()):
            said.append(words("verdict_unpaid", share=self._shares(outcome, lambda one: one.still_owed)))
        gone = outcome.deleted
        said.append(words.count("verdict_deleted", gone) if gone else words("verdict_no_deletion"))
        return {"first": said[0], "rest": " ".join(said[1:])}

    def _shares(self, outcome: PolicyOutcome, part: Callable[[SumsOutcome], int]) -> str:
        """The share of something in the late money of each currency that has any: 94%, or 94% (EUR) and 80% (USD)."""
        sums = [(code, outcome.sums[code]) for code in self.currencies]
        some = [(code, one) for code, one in sums if part(one)] or sums[:1]
        shares = [(code, self.words.percent(part(one), one.past_due)) for code, one in some]
        return self._listed([share if len(sums) == 1 else f"{share} ({code})" for code, share in shares])

    def _assumed(self) -> list[str]:
        words, book, settings = self.words, self.book.book, self.book.settings
        asked = [invoice for invoice in book.invoices if is_asked(invoice)]
        paid = paid_in_full_on(book)
        held = sum(i.disputed and paid.get(i.number, date.max) >= i.due_on for i in asked)
        counted = {
            "assume_open": sum(invoice.number not in paid for invoice in asked),
            "assume_undated": sum(not payment.dated for payment in book.payments),
            "assume_held" if settings.hold_disputes else "assume_not_held": held,
            "assume_void": len(book.invoices) - len(asked),
        }
        said = [words("assume_paid"), words("assume_reached")]
        said += [words.count(name, n) for name, n in counted.items() if n]
        if settings.never_pay_every:
            said.append(words("assume_silent", n=words.number(settings.never_pay_every)))
        end = "assume_beyond" if settings.days_beyond is None else "assume_cut"
        said.append(words(end, last=words.day(self.book.last_on), end=words.day(self.last_on)))
        return [*said, words("assume_money")]

    def _meanings(self) -> list[tuple[str, str]]:
        shown = {row.key for row in rows_of(self.each)}
        keys = [figure.key for figure in (*SERVICE, *MONEY) if figure.key in shown]
        return [(self.words.label(key), self.words.means(key)) for key in keys]

    # -- side by side ----------------------------------------------------------------------------------------

    def _groups(self) -> list[dict[str, Any]]:
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in rows_of(self.each):
            title = self.words("money_in", currency=row.currency) if row.currency else self.words("people")
            groups.setdefault(title, []).append(self._figure(row))
        return [{"title": title, "rows": found} for title, found in groups.items()]

    def _figure(self, row: FigureRow) -> dict[str, Any]:
        most = max(max(row.of, default=0), *map(abs, row.values))
        cells = []
        for n, value in enumerate(row.values):
            share = self.words.percent(value, row.of[n]) if row.of else ""
            # A bar of one policy's own figure would always be full.
            width = percent_of(value, most) if value and (row.of or len(self.each) > 1) else ""
            cells.append({"text": self._said(row, value), "share": share, "width": width})
        difference = ""
        if len(row.values) == 2:
            by = row.values[1] - row.values[0]
            difference = f"{'+' if by > 0 else '−'}{self._said(row, abs(by))}" if by else "="
        return {"label": self.words.label(row.key), "cells": cells, "difference": difference}

    def _said(self, row: FigureRow, value: int) -> str:
        match row.unit:
            case Counted.MONEY:
                return self.words.rounded(value, row.currency)
            case Counted.COUNT | Counted.DAYS:
                return self.words.number(value)

    def _customers(self) -> dict[str, Any]:
        found = affected(self.outcomes)
        shown = []
        for customers in found[:CUSTOMERS_MAX]:
            for n, (label, one) in enumerate(zip(self.labels, customers, strict=True)):
                owed = [self.words.money(s.still_open, code) for code, s in one.sums.items() if s.still_open]
                name = one.ref if one.name == one.ref else f"{one.name} ({one.ref})"
                counts = (one.stops, one.days_without_service, one.past_due_invoices, one.days_late_max, one.notices)
                shown.append(
                    {
                        "first": n == 0,
                        "name": one_line(name),
                        "label": label,
                        "policy": n,
                        "counts": [self.words.number(count) for count in counts],
                        "deleted": self.words.short_day(one.deleted_on) if one.deleted_on else "",
                        "owed": ", ".join(owed),
                    }
                )
        note = self.words(
            "touched_note", shown=self.words.number(min(len(found), CUSTOMERS_MAX)), all=self.words.number(len(found))
        )
        any_deleted, any_owed = any(row["deleted"] for row in shown), any(row["owed"] for row in shown)
        return {
            "note": note,
            "rows": shown,
            "span": len(self.labels),
            "any_deleted": any_deleted,
            "any_owed": any_owed,
        }

    def _held(self) -> str:
        """How much of the late money was disputed, where any was."""
        first = self.each[0]
        if not any(one.by_stage.get(PaidWhen.HELD) for one in first.sums.values()):
            return ""
        return self.words("curve_held", share=self._shares(first, lambda one: one.by_stage.get(PaidWhen.HELD, 0)))
