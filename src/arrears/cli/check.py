"""`arrears check`: every invariant, on the live database, read-only."""

from __future__ import annotations

import click

from arrears.cli.common import AS_JSON, print_json, progress_of
from arrears.core.account import DoubtKind
from arrears.core.ids import ACCOUNT, format_id
from arrears.sim.story_words import DOUBTS
from arrears.store.postgres.check import check_store
from arrears.store.postgres.queries import totals
from arrears.store.values_in_log import said_of_log, values_in_log
from arrears.wiring import open_installation


@click.command()
@AS_JSON
def command(as_json: bool) -> None:
    """Check that facts, states, tables and ledger agree and that no promise was broken. Exit code 1 if not."""
    with open_installation() as live, progress_of("check") as progress:
        total = totals(live.store, live.clock.now()).accounts
        done = 0

        def checked(accounts: int) -> None:
            nonlocal done
            done += accounts
            progress(done, total)

        report = check_store(live.store, checked, now=live.clock.now())
        doubts = live.store.system().guards.doubts
        with live.store.reading() as db:
            loud = values_in_log(db)
    if as_json:
        breaches = [
            {**b._asdict(), "account": format_id(ACCOUNT, b.account) if b.account else None} for b in report.breaches
        ]
        print_json({"checked": report.checked, "breaches": breaches, "doubts": doubts, "values_in_log": loud})
    else:
        for breach in report.breaches:
            click.echo(f"{breach.invariant} account {breach.account}: {breach.what}")
        click.echo(f"{report.checked} checks, {len(report.breaches)} breaches")
        if doubts:
            waited_for = " and ".join(DOUBTS[doubt] for doubt in doubts)
            nobody = "nobody in invoice mode" if set(doubts) == {DoubtKind.BANK} else "nobody"
            click.echo(f"{nobody} is restricted, disabled or deleted; that waits for {waited_for}; see `arrears tasks`")
        if loud:
            click.echo(said_of_log(loud))
    if report.breaches:
        click.get_current_context().exit(1)
