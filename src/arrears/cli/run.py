"""`arrears run`: one collections run and everything it asked for, then exit."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from typing import Final

import click
import psycopg

from arrears.cli.common import AS_JSON, begin_log, print_json, tune_for_batches
from arrears.engine.run import RunReport
from arrears.engine.worker import RETRY_SECONDS
from arrears.store.outages import is_away
from arrears.web.logs import LOG, say_of_mail
from arrears.wiring import Installation, open_installation

OUTAGE_SECONDS_MAX: Final = 60.0
"""So long a run that has begun waits for a database that restarts; then it ends as one that cannot reach it."""


@click.command()
@AS_JSON
def command(as_json: bool) -> None:
    """Collect what is due now, perform what that asked for, and exit."""
    tune_for_batches()
    begin_log(quiet=True)
    with open_installation() as live:
        report, performed = _through_outages(live)
    LOG.info("worked", **asdict(report), performed=performed)
    if as_json:
        print_json({**asdict(report), "performed": performed})
        return
    click.echo(f"{report.accounts} accounts were due, {report.facts} facts recorded, {performed} actions performed")
    if report.left_out:
        click.echo(f"{report.left_out} accounts that were due are left out; `arrears check` says which")
    if report.parked:
        click.echo(f"{report.parked} accounts are parked; see `arrears tasks`")


def _through_outages(live: Installation) -> tuple[RunReport, int]:
    """One look, and where the database restarts under it another that takes up what is left: what the first had
    recorded stands and is counted no more."""
    deadline = time.monotonic() + OUTAGE_SECONDS_MAX
    while True:
        try:
            return live.work_once(say=say_of_mail)
        except psycopg.OperationalError as error:
            if not is_away(error) or time.monotonic() > deadline:
                raise
            LOG.warning("database_away", said="waiting for it, a minute at most", exc_info=error)
        threading.Event().wait(RETRY_SECONDS)
