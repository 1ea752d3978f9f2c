"""`arrears import`: bring a receivables book in, all or nothing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from arrears.adapters.books import load_map, read_book
from arrears.cli.common import AS_JSON, each_mistake_on_a_line, print_json, progress_on_terminal
from arrears.engine.commands.importing import import_book
from arrears.store.postgres.queries import known_invoices, known_payments
from arrears.wiring import open_installation


@click.command()
@click.argument("file")
@click.option("--map", "map_file", required=True, help="The map that says what each column means (docs/import.md).")
@AS_JSON
def command(file: str, map_file: str, as_json: bool) -> None:
    """Import accounts, invoices and payments from FILE. The same file again changes nothing."""
    with each_mistake_on_a_line("nothing was imported"):
        book = read_book(Path(file), load_map(Path(map_file)))
        with open_installation() as live, progress_on_terminal("import") as progress:
            invoices = known_invoices(live.store, [i.number for i in book.invoices])
            payments = known_payments(live.store, [p.ref for p in book.payments])
            report = import_book(live.store, book, invoices, payments, live.clock.now(), "import", progress)
    if as_json:
        print_json(asdict(report))
        return
    click.echo(f"{report.accounts} accounts, {report.invoices} invoices and {report.payments} payments are new")
    if report.known_invoices or report.known_payments:
        click.echo(f"{report.known_invoices} invoices and {report.known_payments} payments were here already, the same")
