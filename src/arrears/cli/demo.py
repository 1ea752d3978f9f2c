"""`arrears demo`: a living example on this machine, and the story of one account in it."""

from __future__ import annotations

import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import Final

import click

from arrears.cli.common import begin_log, progress_of
from arrears.cli.demo_alone import the_only_demo
from arrears.cli.demo_kept import KeptWorld, keep, taken
from arrears.cli.demo_living import HOST, PASSWORD, DemoParts, PastWeeks, alive, email_of
from arrears.cli.demo_world import PlayedWorld
from arrears.cli.explain import explanation, sentences
from arrears.cli.serve import serve_alone
from arrears.core.errors import Refused
from arrears.core.facts import Disabled, Recorded, Resumed
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.states import State
from arrears.notices.languages import DEFAULT_LANGUAGE, LANGUAGES
from arrears.ports import AccountAndMailHistory
from arrears.sandbox.run import running
from arrears.sim.simulate import START, SimulationReport, simulate
from arrears.sim.story import DiaryLine, as_text, tell
from arrears.store.postgres.store import PostgresStore
from arrears.web.host_names import LOCALHOST
from arrears.web.serving import address_of, listen, port_of
from arrears.wiring import (
    DEMO_DATABASE,
    database_url,
    demo_clock,
    demo_url,
    fresh_database,
    install,
    settings,
    tune_for_batches,
)

DATABASE_YEAR: Final = "arrears_demo_year"
"""Made anew by each demo; a name that no other database on an operator's own server has."""

KEPT: Final = "demo-world"
"""The file in the home that lets the next demo go on."""

DEFAULT_PORT: Final = 8000

ACCOUNTS: Final = 50
DAYS: Final = 365


@click.command()
@click.option("--no-serve", is_flag=True, help="End after the story; do not serve the pages.")
@click.option("--no-year", is_flag=True, help="Leave out the made-up year and its story.")
@click.option("--anew", is_flag=True, help="Begin anew, although the last demo could go on.")
@click.option("--seed", type=click.IntRange(0, 2**31), default=6, show_default=True, help="Another world.")
@click.option("--port", type=click.IntRange(0, 65534), default=DEFAULT_PORT, show_default=True)
@click.option(
    "--language",
    type=click.Choice(tuple(LANGUAGES)),
    default=DEFAULT_LANGUAGE,
    show_default=True,
    help="The customer's.",
)
def command(no_serve: bool, no_year: bool, anew: bool, seed: int, port: int, language: str) -> None:
    """Play a year of 50 made-up accounts on PostgreSQL, and tell the story of one; then an account is yours. Where the
    last demo was ended with Ctrl-C, its world goes on instead."""
    if settings().mode == "live":
        raise Refused("wrong_mode", "ARREARS_MODE is live, and a demo has a time of its own; unset it")
    database_url()  # Where there can be none, nothing is left behind.
    with the_only_demo(settings().home) as seen_at, ExitStack() as stack:
        # Before anything of an earlier demo is thrown away: without a port there is no new one.
        server = None if no_serve else stack.enter_context(closing(listen(HOST, port)))
        pages = stack.enter_context(closing(listen(HOST, port_of(server) + 1 if server and port else 0)))
        kept = taken(settings().home / KEPT, demo_url())
        if server is None or anew:
            kept = None
        if not no_year and kept is None:
            _made_up_year(seed)
        _living(stack, server, pages, kept, language, seen_at)


def _made_up_year(seed: int) -> None:
    click.echo("Starting a database on this machine and opening 50 made-up accounts ...")
    url = fresh_database(DATABASE_YEAR)
    tune_for_batches()
    store = PostgresStore(url, durable=False, clock_is_real=False)
    try:
        began = time.perf_counter()
        with progress_of("a year of 50 accounts") as progress:
            report = simulate(store, ACCOUNTS, DAYS, seed, progress=lambda day: progress(day, DAYS))
        seconds = round(time.perf_counter() - began)
        histories = {number: store.history(number) for number in range(1, ACCOUNTS + 1)}
        _year(report, histories, seconds)
        _story(store, *chosen(histories))
    finally:
        store.close()


def _year(report: SimulationReport, histories: Mapping[int, Sequence[Recorded]], seconds: int) -> None:
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


def _living(
    stack: ExitStack,
    server: socket.socket | None,
    pages: socket.socket,
    kept: KeptWorld | None,
    language: str,
    seen_at: Callable[[str], object],
) -> None:
    """The story of a declined card, with real requests to the sandbox provider on this machine, up to this minute; then
    an account whose card was declined today is served to whoever wants to play its customer. Or the last world."""
    base_url = f"http://{LOCALHOST}:{port_of(server) if server else DEFAULT_PORT}"
    folder, clock = settings().home / "demo-mail", demo_clock()
    if kept is None:
        fresh_database(DEMO_DATABASE)
        shutil.rmtree(folder, ignore_errors=True)
        clock.set_back()
    sandbox = stack.enter_context(running(clock=clock, memory=kept.provider if kept else None))
    parts = DemoParts(demo_url(), sandbox, base_url, folder, clock)
    if kept is None:
        with progress_of("the last seven weeks of two customers"):
            told = parts.past_weeks(language)
        _card(told)
        _next(told)
        account = told.waiting
    else:
        parts.notebook.memory, account = kept.notebook, kept.account
    live = stack.enter_context(parts.installation(address_of(pages).rstrip("/")))
    if server is None:
        return
    install(live)
    begin_log(quiet=True)
    world = PlayedWorld(live, clock, account, parts.begin, kept.moved_from if kept else None)
    stack.callback(lambda: keep(settings().home / KEPT, _left(parts, world)))
    stack.enter_context(alive(parts, live, pages, world.moving))
    _your_turn(world, goes_on=kept is not None, base_url=base_url)
    seen_at(f"{base_url}/")
    serve_alone(server, live, world)


def _left(parts: DemoParts, world: PlayedWorld) -> KeptWorld:
    """What the next demo goes on with."""
    provider = parts.sandbox.sandbox
    memory = provider.book, provider.keys
    return KeptWorld(parts.url, world.account, world.moved_from, memory, parts.notebook.memory)


def _card(told: PastWeeks) -> None:
    click.echo()
    click.echo("And one with a card, at the sandbox payment provider on this machine (the only thing here that is not")
    click.echo(f"the real one, because that one cannot be reached): {format_id(ACCOUNT, told.number)}, by day")
    click.echo()
    for line in told.lines:
        click.echo(f"  {as_text(line)}")


def _your_turn(world: PlayedWorld, *, goes_on: bool, base_url: str) -> None:
    account = format_id(ACCOUNT, world.account)
    click.echo()
    if goes_on:
        click.echo(f"The last demo goes on, on {world.now():%Y-%m-%d} of its own time (--anew begins anew).")
        click.echo(f"Open {base_url}/")
    else:
        click.echo(f"Your turn: the card of {account} was declined today. Open {base_url}/")
        click.echo("and let time pass: the warning comes, its notebook refuses to save, you pay, and it saves again.")
    click.echo(f'(Its account centre asks for {email_of(world.account)}, password "{PASSWORD}".)')
    click.echo()


def _next(told: PastWeeks) -> None:
    program = sys.argv[0] if sys.argv[0].endswith("arrears") else "arrears"
    program = "arrears" if shutil.which("arrears") == program else program
    account = format_id(ACCOUNT, told.number)
    looks = (
        (f"timeline {account}", "everything that happened to it"),
        (f"explain {account}", "why it is where it is, and what comes next"),
        ("status", "all of them in numbers"),
    )
    click.echo()
    click.echo("Where to look next:")
    for arguments, what in looks:
        click.echo(f"  {f'ARREARS_DATABASE={DEMO_DATABASE} {program} {arguments}':70} {what}")
    click.echo(f"  {f'ARREARS_DATABASE={DATABASE_YEAR} ...':70} the same, for the made-up year")
    click.echo(f"  {'docs/tour.md':70} one unpaid invoice through every file it touches")
