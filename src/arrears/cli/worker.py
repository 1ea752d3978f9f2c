"""`arrears worker`: keep collecting and performing until told to stop. Start as many as you like."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import click

from arrears.engine.people.profile import ask_unconfirmed
from arrears.wiring import open_installation, tune_for_batches


@click.command()
@click.option("--poll-seconds", type=click.IntRange(1, 3600), default=5, show_default=True, help="Pause when idle.")
@click.option("--once", is_flag=True, help="Work off what is due now, then end.")
def command(poll_seconds: int, once: bool) -> None:
    """Work until SIGTERM or Ctrl-C; the batch in hand is finished first."""
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    def say(line: str) -> None:
        click.echo(line, err=True)

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    tune_for_batches()
    with open_installation() as live:
        if once:
            ask_unconfirmed(live.store, live.clock.now())
            live.work_once(stop.is_set, say)
            return
        click.echo(f"working; looking every {poll_seconds} seconds", err=True)
        live.work(poll_seconds, stop.wait, say)
    click.echo("stopped", err=True)
