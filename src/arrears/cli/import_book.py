"""`arrears import`: bring a receivables book in, and every newer one after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

import click

from arrears.adapters.books import guess, load_map, read_rows
from arrears.adapters.books.map_values import BookMap, Constant
from arrears.adapters.books.processes import several_processes
from arrears.cli.common import AS_JSON, each_mistake_on_a_line, print_json, progress_of, rows, tune_for_batches
from arrears.cli.import_show import show_rows
from arrears.core.errors import Refused
from arrears.core.known import IMPORTER
from arrears.core.money import format_amount
from arrears.core.parallel import OrderedMap, map_here
from arrears.engine.commands.importing import ImportReport, import_book
from arrears.engine.payments.providers import Providers
from arrears.engine.system import set_book_refused, set_book_taken
from arrears.ports import Sums
from arrears.wiring import open_installation

# Field -> how a change of it is said.
_CHANGED: Final = {
    "email": "mail addresses",
    "total_minor": "totals (lower: credited)",
    "paid": "invoices of which more is paid",
    "taken_back": "",
    "due_on": "due dates",
    "disputed": "disputes",
    "standing": "invoices given up, or asked for again",
    "policy": "policies",
    "zone": "time zones",
    "mode": "ways of paying",
    "locale": "languages",
    "country": "countries",
    "name": "names",
    "billing_address": "billing addresses",
    "tax_number": "tax numbers",
    "copies": "further addresses that are warned",
    "method": "payment methods at a provider",
    "gone": "open items that are gone from the list, and so paid",
}
_FIRST_MAX: Final = 300
_WAY_ON: Final = (
    "nobody is restricted, disabled or deleted before an export under this map is taken: correct it, or say"
    " --per-account to take what is right of it; or close this task"
)
_LEFT_OUT: Final = {"draft": "drafts", "skipped": "rows that the map skips"}


_LOADED: Final = ("arrears.adapters.books", "arrears.engine.commands.import_part", "arrears.store.postgres.parts")
BYTES_FOR_ONE_PROCESS: Final = 4_000_000
"""A smaller file, some 40,000 rows, is imported before other processes have started."""


def _processes(file: Path) -> AbstractContextManager[OrderedMap]:
    if not file.is_file() or file.stat().st_size < BYTES_FOR_ONE_PROCESS:
        return nullcontext(map_here)
    return several_processes(_LOADED)


@click.command()
@click.argument("file")
@click.option("--map", "map_file", help="The map that says what each column means (docs/import.md).")
@click.option("--guess", "guessing", is_flag=True, help="Propose a map for FILE, with its doubts; read nothing in.")
@click.option("--show", type=click.IntRange(min=1), help="Print the first rows as understood; read nothing in.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would come of it.")
@click.option("--much-gone", is_flag=True, help="Believe a list of open items from which most is gone.")
@click.option("--per-account", is_flag=True, help="Leave accounts with a wrong row as they are, and take the others.")
@AS_JSON
def command(
    file: str,
    map_file: str | None,
    guessing: bool,
    show: int | None,
    dry_run: bool,
    per_account: bool,
    much_gone: bool,
    as_json: bool,
) -> int:
    """Import accounts, invoices and payments from FILE; what is here already is brought up to date with it."""
    if guessing:
        click.echo(guess(Path(file)), nl=False)
        return 0
    if map_file is None:
        raise click.UsageError("say --map MAP.toml; --guess proposes one for this file")
    tune_for_batches()
    reporting = nullcontext() if dry_run or show is not None else _reporting_refusal(file, map_file)
    with each_mistake_on_a_line("nothing was imported"), reporting, _processes(Path(file)) as ordered_map:
        book_map = load_map(Path(map_file))
        with progress_of("reading") as progress:
            book = read_rows(Path(file), book_map, progress, ordered_map=ordered_map)
        with closing(book):
            if show is not None:
                show_rows(book, show, as_json)
                return 0
            book.refuse_before(per_account=per_account)
            with open_installation() as live, progress_of("import") as progress:
                _refuse_unknown(book_map, live.providers)
                report = import_book(
                    live.store,
                    book,
                    live.clock.now(),
                    IMPORTER,
                    progress,
                    per_account=per_account,
                    dry_run=dry_run,
                    much_gone=much_gone,
                    ordered_map=ordered_map,
                )
                if not dry_run:
                    set_book_taken(live.store, _feed(map_file), live.clock.now(), IMPORTER, f"{file} was taken")
    return _tell(report, dry_run, as_json, says_paid="paid" in book.columns)


def _feed(map_file: str) -> str:
    """What an export is known by: files have a new name each day, and several kinds of them come in beside each other,
    each with a map of its own."""
    return str(Path(map_file).resolve())


@contextmanager
def _reporting_refusal(file: str, map_file: str) -> Iterator[None]:
    """A timer runs imports, and nobody reads what it answers: an export that is refused as a whole is a task, and
    nobody is stopped before one under its map is taken, because it may say who has paid. Where no invoice is here,
    there is nobody to stop."""
    try:
        yield
    except Refused as refused:
        first = refused.message.splitlines()[0]
        why = f"{file} was not taken: {first[:_FIRST_MAX]}; {_WAY_ON}"
        with suppress(Refused), open_installation() as live:
            if live.store.invoice_count():
                set_book_refused(live.store, _feed(map_file), live.clock.now(), why)
        raise


def _tell(report: ImportReport, dry_run: bool, as_json: bool, *, says_paid: bool) -> int:
    """What came of it; Refused `accounts_left_out` where accounts were."""
    if as_json:
        print_json(_as_dict(report, dry_run))
    else:
        for line in _said(report, dry_run):
            click.echo(line)
        if not says_paid:
            click.echo(
                'nothing here says what is paid; if the file lists open items only, say gone = "paid" (docs/import.md)'
            )
        _table(report)
    for ref, reasons in report.refused.items():
        for reason in reasons:
            click.echo(f"{ref}: {reason}", err=True)
    if report.refused:
        accounts = "1 account was" if len(report.refused) == 1 else f"{len(report.refused)} accounts were"
        raise Refused("accounts_left_out", f"{accounts} left as before; the others were imported", exit_code=3)
    return 0


def _refuse_unknown(book_map: BookMap, providers: Providers) -> None:
    """A provider that is not set up would never be asked about the methods that the book names."""
    named = book_map.method.get("provider")
    if isinstance(named, Constant) and named.text not in providers.by_name:
        known = ", ".join(providers.by_name) or "none"
        way = "set it up (docs/operate.md), or leave [method] out"
        raise Refused("unknown_provider", f"method.provider: {named.text} is not set up here (set up: {known}); {way}")


def _said(report: ImportReport, dry_run: bool) -> Iterator[str]:
    count = report.count
    if dry_run:
        yield "nothing is written; this is what would come of it"
    new = f"{count['accounts']} accounts, {count['invoices']} invoices and {count['payments']} payments are new"
    yield new + (f", and {count['credits']} credit notes" if count["credits"] else "")
    if count["known_invoices"] or count["known_payments"]:
        yield f"{count['known_invoices']} invoices and {count['known_payments']} payments were here already, the same"
    for what, number in sorted(report.changed.items()):
        if what != "taken_back":
            yield f"changed: {number} {_CHANGED[what]}"
    if taken := report.changed.get("taken_back"):
        payments = "1 payment" if taken == 1 else f"payments of {taken} invoices"
        sums = ", ".join(f"{code} {format_amount(minor, code)}" for code, minor in sorted(report.taken_back.items()))
        yield f"{payments} taken back: {sums}; what they paid is open again"
    if count["payments_gone"]:
        yield f"{count['payments_gone']} payments of the book are not in this file; they stay as they are"
    if count["paid_here_only"]:
        yield f"{count['paid_here_only']} invoices are paid here further than the file knows; that stays"
    if count["booked_again"]:
        yield f"{count['booked_again']} payments were taken back here and are booked again; take them back there too"
    if count["paid_in_doubt"]:
        yield f"{count['paid_in_doubt']} invoices are called paid whose money left again here; see `arrears tasks`"
    if count["asked_less_here"]:
        yield f"{count['asked_less_here']} invoices were credited here and not in the file; that stays"
    if count["lines_late"]:
        yield f"{count['lines_late']} invoices came here without lines before; what they are for stays as it was"
    if count["given_up_here"]:
        yield f"{count['given_up_here']} invoices were given up here and are open in the file; that stays"
    if count["credits_of_none"]:
        yield f"{count['credits_of_none']} credit notes name an invoice that is not here; they are account credit"
    if count["nothing_asked"]:
        yield f"{count['nothing_asked']} invoices ask for nothing and are left out"
    for why, what in _LEFT_OUT.items():
        if count[f"left_out_{why}"]:
            yield f"left out: {count[f'left_out_{why}']} {what}"
    if count["invoices_gone"]:
        yield f"{count['invoices_gone']} invoices of the book are not in this file; they stay as they are"


def _table(report: ImportReport) -> None:
    table: list[tuple[Any, ...]] = [("", "issued", "paid", "given up", "open", "overdue", "credit")]
    for currency in sorted({*report.before, *report.after}):
        for when, sums in (("before", report.before), ("after", report.after)):
            one = sums.get(currency, Sums())
            amounts = (one.issued, one.paid, one.given_up, one.open, one.overdue, one.credit)
            table.append((f"{currency} {when}", *(format_amount(minor, currency) for minor in amounts)))
    if len(table) > 1:
        rows(table)


def _sums(sums: Mapping[str, Sums]) -> dict[str, dict[str, int]]:
    return {currency: {**one._asdict(), "paid": one.paid} for currency, one in sorted(sums.items())}


def _as_dict(report: ImportReport, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        **{name: report.count[name] for name in _COUNTED},
        "left_out": {why: report.count[f"left_out_{why}"] for why in _LEFT_OUT},
        "changed": report.changed,
        "taken_back": dict(sorted(report.taken_back.items())),
        "changes": [{**one._asdict(), "currency": one.currency or None} for one in report.changes],
        "refused": [
            {
                "account": ref,
                "row": row,
                "code": "conflicting_row" if ref in report.contradicted else "bad_row",
                "text": reason,
            }
            for ref, reasons in sorted(report.wrong.items())
            for row, reason in sorted(reasons.items())
        ],
        "before": _sums(report.before),
        "after": _sums(report.after),
    }


_COUNTED: Final = (
    "accounts",
    "invoices",
    "payments",
    "credits",
    "known_accounts",
    "known_invoices",
    "known_payments",
    "known_credits",
    "nothing_asked",
    "paid_here_only",
    "booked_again",
    "paid_in_doubt",
    "asked_less_here",
    "lines_late",
    "given_up_here",
    "credits_of_none",
    "invoices_gone",
    "payments_gone",
)
