"""The demo's made-up year: 50 accounts that pay late, in parts or never, and the story of one of them.

It is played beside the pages, which answer meanwhile: whoever has just started the demo need not wait for it. In a
process of its own, since its database is another, and what a process serves stands on one.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import click

from arrears.cli.common import progress_of, tune_for_batches
from arrears.cli.explain import explanation, sentences
from arrears.core.facts import Disabled, Recorded, Resumed
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.states import State
from arrears.ports import AccountAndMailHistory
from arrears.sim.simulate import START, SimulationReport, simulate
from arrears.sim.story import DiaryLine, as_text, tell
from arrears.store.postgres.store import PostgresStore
from arrears.web.serving import end_with_parent
from arrears.wiring import fresh_database

DATABASE_YEAR: Final = "arrears_demo_year"
"""Made anew by each demo; a name that no other database on an operator's own server has."""

ACCOUNTS: Final = 50
DAYS: Final = 365


class MadeUpYear:
    """A year of a world with this seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._process: multiprocessing.process.BaseProcess | None = None

    def under_way(self) -> bool:
        """Whether it is being played beside, and not told yet."""
        return self._process is not None and self._process.is_alive()

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Play and tell it in a process of its own, which is over with the block at the latest."""
        self._process = multiprocessing.get_context("spawn").Process(
            target=_play_apart, args=(self._seed,), name="year"
        )
        self._process.start()
        try:
            yield
        finally:
            self._process.terminate()
            self._process.join()

    def play(self) -> None:
        """Play it, and tell what happened on standard output."""
        url = fresh_database(DATABASE_YEAR)
        tune_for_batches()
        store = PostgresStore(url, durable=False, clock_is_real=False)
        try:
            began = time.perf_counter()
            with progress_of("a year of 50 accounts") as progress:
                report = simulate(store, ACCOUNTS, DAYS, self._seed, progress=lambda day: progress(day, DAYS))
            seconds = round(time.perf_counter() - began)
            histories = {number: store.history(number) for number in range(1, ACCOUNTS + 1)}
            _numbers(report, histories, seconds)
            _story(store, *chosen(histories))
        finally:
            store.close()


def _play_apart(seed: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the demo, which ends this one
    end_with_parent()
    MadeUpYear(seed).play()


def _numbers(report: SimulationReport, histories: Mapping[int, Sequence[Recorded]], seconds: int) -> None:
    facts = [r.fact for history in histories.values() for r in history]
    stopped = sum(isinstance(fact, Disabled) for fact in facts)
    back = sum(isinstance(fact, Resumed) and fact.before is State.DISABLED and fact.order_no > 0 for fact in facts)
    click.echo()
    click.echo(f"A year of {report.accounts} accounts went by in {seconds} seconds (seed {report.seed}):")
    click.echo(f"  {report.invoices} invoices, {report.payments} payments, {report.notices} messages")
    click.echo(f"  {stopped} times a service stopped because nothing was paid, {back} times one was brought back")
    click.echo(f"  {report.deleted} times its data was deleted in the end, each time announced long before")
    click.echo(
        f"  {report.invariants_checked} checks of an account against every promise, {report.breach_count} broken"
    )


_RUNGS: Final = ("of day 0", "of day 3", "of day 7", "of day 14")


def chosen(histories: Mapping[int, Sequence[Recorded]]) -> tuple[int, list[DiaryLine]]:
    """The account whose episode shows the most in the fewest lines: reminders, warnings, a stop, and back again;
    in the currency that most readers know. Without any such episode, the first account with all that happened to it."""
    best: tuple[int, bool, int, int] | None = None
    for number, history in histories.items():
        lines = _episode(list(tell(history)))
        if lines:
            texts = [line.text for line in lines if line.what == "reminder"]
            missing = sum(rung not in texts for rung in _RUNGS)
            missing += max(0, 2 - sum(line.what == "warning" and " stops on " in line.text for line in lines))
            missing += not any("a case opens" in line.text for line in lines)
            found = (missing, "€" not in lines[0].text, len(lines), number)
            best = found if best is None else min(best, found)
    if best is None:
        number = min(histories)
        return number, list(tell(histories[number]))
    number = best[-1]
    return number, _episode(list(tell(histories[number])))


def _episode(lines: list[DiaryLine]) -> list[DiaryLine]:
    """From the invoice that was not paid to the service that is back; empty if this account never stopped so."""
    stopped = next((i for i, line in enumerate(lines) if line.what == "disabled"), None)
    if stopped is None:
        return []
    back = next((i for i in range(stopped, len(lines)) if lines[i].text.endswith("carried out resume")), None)
    opened = next((i for i in range(stopped, -1, -1) if lines[i].what == "past due"), None)
    if back is None or opened is None or not any(line.what == "paid" for line in lines[stopped:back]):
        return []
    unpaid = f"{lines[opened].text.partition(';')[0].partition(',')[0]}: "
    first = next((i for i in range(opened, -1, -1) if lines[i].text.startswith(unpaid)), opened)
    return lines[first : back + 1]


def _story(store: AccountAndMailHistory, number: int, episode: list[DiaryLine]) -> None:
    click.echo()
    click.echo(f"The story of one of them, {format_id(ACCOUNT, number)}, by day (day 0: past due):")
    click.echo()
    for line in episode:
        click.echo(f"  {as_text(line)}")
    click.echo()
    click.echo("Where it stands at the end of the year:")
    click.echo()
    for text in sentences(explanation(store, number, START + timedelta(days=DAYS))):
        click.echo(f"  {text}")
