"""`arrears worker`: keep collecting and performing until told to stop. Start as many as you like."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Final

import click

from arrears.cli.common import begin_log, tune_for_batches
from arrears.engine.courier import POLL_SECONDS
from arrears.engine.drift import DriftWatch
from arrears.store.outages import OUTAGES
from arrears.web.logs import LOG, CourierLog, WorkerLog, say_of_mail
from arrears.wiring import RealClock, open_installation

CONNECTIONS: Final = 12
"""For the collections run, and for the lanes of the courier, which need one for a moment before and after each post."""


@click.command()
@click.option("--poll-seconds", type=click.IntRange(1, 3600), default=5, show_default=True, help="Pause when idle.")
@click.option("--once", is_flag=True, help="Work off what is due now, then end.")
def command(poll_seconds: int, once: bool) -> None:
    """Work until SIGTERM or Ctrl-C; the batch in hand is finished first."""
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    tune_for_batches()
    begin_log(quiet=once)
    with open_installation(connections_max=CONNECTIONS) as live:
        if once:
            live.hourly(live.clock.now())
            live.take_statements(live.clock.now())
            live.work_once(stop.is_set, say_of_mail)
            live.courier().carry_all()
            return
        LOG.info("working", seconds=poll_seconds)
        drift = DriftWatch(live.store, live.transport(), live.clock, RealClock())
        with live.courier().working_beside(POLL_SECONDS, CourierLog()), drift.working_beside(CourierLog()):
            live.work(poll_seconds, stop.wait, say_of_mail, WorkerLog(OUTAGES))
    LOG.info("stopped")
