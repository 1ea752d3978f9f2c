"""`arrears demo`: a living example on this machine, and the story of one account in it."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Final

import click
from psycopg.conninfo import make_conninfo

from arrears.cli.common import begin_log, progress_of
from arrears.cli.demo_alone import the_only_demo
from arrears.cli.demo_kept import KeptWorld, keep, taken
from arrears.cli.demo_living import HOST, DemoParts, PastWeeks, alive, email_of
from arrears.cli.demo_service import ExampleService
from arrears.cli.demo_world import PASSWORD, PlayedWorld
from arrears.cli.demo_year import DATABASE_YEAR, MadeUpYear
from arrears.cli.serve import serve_alone
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.notices.languages import DEFAULT_LANGUAGE, LANGUAGES
from arrears.sandbox.run import running
from arrears.sim.story import as_text
from arrears.web.host_names import LOCALHOST
from arrears.web.serving import listen, port_of
from arrears.wiring import (
    DEMO_DATABASE,
    database_url,
    demo_clock,
    fresh_database,
    install,
    settings,
)

KEPT: Final = "demo-world"
"""The file in the home that lets the next demo go on."""

DEFAULT_PORT: Final = 8000


def demo_url() -> str:
    """The demo's database, which may not be there yet."""
    return make_conninfo(database_url(), dbname=DEMO_DATABASE)


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
        kept = taken(settings().home / KEPT, demo_url())
        if server is None or anew:
            kept = None
        year = MadeUpYear(seed) if not no_year and kept is None else None
        if year is not None and server is None:
            click.echo("Starting a database on this machine and opening 50 made-up accounts ...")
            year.play()
        _living(stack, server, kept, language, seen_at, year)


def _living(
    stack: ExitStack,
    server: socket.socket | None,
    kept: KeptWorld | None,
    language: str,
    seen_at: Callable[[str], object],
    year: MadeUpYear | None,
) -> None:
    """The story of a declined card, with real requests to the sandbox provider on this machine, up to this minute; then
    an account whose card was declined today is served to whoever wants to play its customer. Or the last world."""
    base_url = f"http://{LOCALHOST}:{port_of(server) if server else DEFAULT_PORT}"
    home, clock = settings().home, demo_clock()
    folder, files = home / "demo-mail", home / "demo-files"
    if kept is None:
        fresh_database(DEMO_DATABASE)
        for left in (folder, files):
            shutil.rmtree(left, ignore_errors=True)
        clock.set_back()
    sandbox = stack.enter_context(running(clock=clock, memory=kept.provider if kept else None))
    port = port_of(server) + 1 if server is not None else 0
    service = ExampleService(files, base_url, port, kept.service if kept else None)
    stack.callback(service.stop)
    parts = DemoParts(demo_url(), sandbox, base_url, folder, clock, service)
    if kept is None:
        with progress_of("the last seven weeks of two customers"):
            told = parts.past_weeks(language)
        _card(told)
        _next(told, made_up=year is not None)
        account = told.waiting
    else:
        account = kept.account
        service.start()
        service.found_again(parts.store, clock.now())
    live = stack.enter_context(parts.installation())
    if server is None:
        return
    install(live)
    begin_log(quiet=True)
    world = PlayedWorld(live, clock, service, account, parts.begin, kept.moved_from if kept else None)
    if year is not None:
        world.year_under_way = year.under_way
    stack.callback(lambda: keep(home / KEPT, _left(parts, world)))
    stack.enter_context(alive(parts, live, world))
    _your_turn(world, service, goes_on=kept is not None, base_url=base_url)
    if year is not None:
        click.echo("Beside it a year of 50 made-up accounts is being played, and is told here when it is over.")
        stack.enter_context(year.beside())
    seen_at(f"{base_url}/")
    serve_alone(server, live, world)


def _left(parts: DemoParts, world: PlayedWorld) -> KeptWorld:
    """What the next demo goes on with."""
    provider = parts.sandbox.sandbox
    memory = provider.book, provider.keys
    return KeptWorld(parts.url, world.account, world.moved_from, memory, parts.service.memory)


def _card(told: PastWeeks) -> None:
    click.echo()
    account = format_id(ACCOUNT, told.number)
    click.echo(f"The story of one account, {account}, by day. It pays by card, at the sandbox payment provider on this")
    click.echo("machine (the only thing here that is not the real one, because that one cannot be reached).")
    click.echo()
    for line in told.lines:
        click.echo(f"  {as_text(line)}")


def _your_turn(world: PlayedWorld, service: ExampleService, *, goes_on: bool, base_url: str) -> None:
    account = format_id(ACCOUNT, world.account)
    click.echo()
    if goes_on:
        click.echo(f"The last demo goes on, on {world.now():%Y-%m-%d} of its own time (--anew begins anew).")
        click.echo(f"Open {base_url}/")
    else:
        click.echo(f"Your turn: the card of {account} was declined today. Open {base_url}/")
        click.echo("and let time pass: the warning comes, its files can only be read, you pay, and it saves again.")
    click.echo(
        f"The service is a process of its own, {service.process_id}: kill it, pay, start it on that page, and watch."
    )
    click.echo(f'(Its account centre asks for {email_of(world.account)}, password "{PASSWORD}".)')
    click.echo()


def _next(told: PastWeeks, *, made_up: bool) -> None:
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
    if made_up:
        click.echo(f"  {f'ARREARS_DATABASE={DATABASE_YEAR} ...':70} the same, for the made-up year")
    click.echo(f"  {'docs/tour.md':70} one unpaid invoice through every file it touches")
