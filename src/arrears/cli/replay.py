"""`arrears replay`: play a receivables book through one policy or several, on its own clock, and compare them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, cast

import click

from arrears.adapters.books import load_map, read_book
from arrears.cli.common import AS_JSON, each_mistake_on_a_line, print_json, progress_of, rows
from arrears.cli.output_file import output_file, refuse_overwriting
from arrears.cli.policy import read_policy
from arrears.cli.scratch import STORE, scratch_store
from arrears.core.errors import Refused
from arrears.core.policy import Policy, changes_between, default_policy
from arrears.core.receivables import ReceivablesBook
from arrears.sim.figures import Counted, FigureRow, align, rows_of
from arrears.sim.listing import affected, csv_of
from arrears.sim.outcome import PolicyOutcome
from arrears.sim.replay import Replay, ReplaySettings, is_asked
from arrears.sim.replay_by_transfer import BankedStore, TransferReplay
from arrears.sim.report_page import ReportedBook, last_day, page_of
from arrears.sim.report_words import LANGUAGES, words_of

POLICIES_MAX: Final = 4
"""More columns nobody compares."""
BUILT_IN: Final = "default"


@click.command()
@click.argument("file")
@click.option("--map", "map_file", required=True, help="The map that says what each column means (docs/import.md).")
@click.option(
    "--policy",
    "policy_files",
    multiple=True,
    help="A policy file, or `default`: ours. Several are put side by side; without one it is ours alone.",
)
@STORE
@click.option(
    "--by-transfer", is_flag=True, help="Everybody pays by transfer, told by a bank's files; with --store postgres."
)
@click.option("--disputes", type=click.Choice(["hold", "ignore"]), default="hold", show_default=True)
@click.option("--never-pay-every", type=click.IntRange(min=1), help="Each N-th late customer stops paying.")
@click.option(
    "--days-beyond",
    type=click.IntRange(min=0, max=4000),
    help="Days after the book's last; without it, until every debt has ended.",
)
@click.option("--html", "html_file", help="Write a report of one page to this file, for whoever decides.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True, help="Of the report."
)
@click.option("--csv", "csv_file", help="Write every customer to this CSV file.")
@click.option("--customers", is_flag=True, help="List the customers with a late invoice; with --json, all of them.")
@AS_JSON
def command(
    file: str,
    map_file: str,
    policy_files: Sequence[str],
    where: str,
    by_transfer: bool,
    disputes: str,
    never_pay_every: int | None,
    days_beyond: int | None,
    html_file: str | None,
    language: str,
    csv_file: str | None,
    customers: bool,
    as_json: bool,
) -> None:
    """Play the book in FILE, day by day: what would have happened under a policy, or under each of several."""
    with each_mistake_on_a_line("nothing was replayed"):
        if by_transfer and where != "postgres":
            raise Refused("needs_postgres", "a bank's files are taken with --store postgres alone")
        inputs = {"the book": file, "the map": map_file} | {f"the policy {one}": one for one in policy_files}
        refuse_overwriting(inputs, {"--html": html_file, "--csv": csv_file})
        policies = _policies(policy_files or (BUILT_IN,))
        book = read_book(Path(file), load_map(Path(map_file)))
    each = {
        label: ReplaySettings(policy, disputes == "hold", never_pay_every or 0, days_beyond)
        for label, policy in policies.items()
    }
    began = time.perf_counter()
    with output_file(html_file) as write_html, output_file(csv_file) as write_csv:
        outcomes = _played(where, book, each, by_transfer=by_transfer)
        if html_file is not None:
            reported = ReportedBook(book, next(iter(each.values())), last_day(book))
            write_html(page_of(reported, outcomes, language))
        write_csv(csv_of(outcomes))
    if as_json:
        print_json(_as_dict(book, outcomes, customers))
    else:
        _show(book, outcomes)
        if customers:
            _list(outcomes)
    click.echo(f"played in {time.perf_counter() - began:.1f} seconds", err=True)
    if any(outcome.invariants_breached for outcome in outcomes.values()):
        click.get_current_context().exit(1)


def _played(
    where: str, book: ReceivablesBook, each: Mapping[str, ReplaySettings], *, by_transfer: bool
) -> dict[str, PolicyOutcome]:
    """The outcome of each policy, in a store of its own."""
    outcomes: dict[str, PolicyOutcome] = {}
    for label, settings in each.items():
        with scratch_store(where, "replay") as store, progress_of(f"replay {label}") as progress:
            played = (
                TransferReplay(cast(BankedStore, store), book, settings)
                if by_transfer
                else Replay(store, book, settings)
            )
            outcomes[label] = played.play(progress)
        if isinstance(played, TransferReplay):
            by_itself, by_people = played.decided["matched"], played.decided["waiting"]
            said = f"{by_itself + by_people} transfers in {played.files} files, {by_people} of them matched by people"
            click.echo(f"{label}: {said}", err=True)
    align(list(outcomes.values()))
    return outcomes


def _policies(files: Sequence[str]) -> dict[str, Policy]:
    """The policies by what they are called: their name, or their file's where two have one name."""
    if len(files) > POLICIES_MAX:
        raise Refused("too_many_policies", f"{len(files)} policies; at most {POLICIES_MAX} can be put side by side")
    found = [_policy(file) for file in files]
    for n, one in enumerate(found):
        for m, other in enumerate(found[:n]):
            if all(change.key == "name" for change in changes_between(other, one)):
                why = f"{files[m]} and {files[n]} promise the same"
                raise Refused("same_policy", f"{why}; give policies that differ, each once")
    labels = [policy.name for policy in found]
    if len(set(labels)) < len(labels):
        labels = [BUILT_IN if _is_built_in(file) else Path(file).stem for file in files]
    if len(set(labels)) < len(labels):
        labels = [f"{n}: {label}" for n, label in enumerate(labels, 1)]
    return dict(zip(labels, found, strict=True))


def _policy(file: str) -> Policy:
    if _is_built_in(file):
        return default_policy()
    try:
        return read_policy(file)
    except Refused as refused:
        if refused.code != "missing_file":
            raise
        message = f"{refused.message}, or `{BUILT_IN}` for ours"
        raise Refused(refused.code, message) from None


def _is_built_in(file: str) -> bool:
    return file == BUILT_IN and not Path(file).exists()


def _show(book: ReceivablesBook, outcomes: dict[str, PolicyOutcome]) -> None:
    words = words_of("en")
    asked: Counter[str] = Counter()
    for invoice in filter(is_asked, book.invoices):
        asked[invoice.currency] += invoice.total_minor
    invoices = words.count("invoices", sum(map(is_asked, book.invoices)))
    sums = ", ".join(words.money(minor, code) for code, minor in sorted(asked.items()))
    first_on = min(outcome.first_on for outcome in outcomes.values())
    last_on = max(outcome.last_on for outcome in outcomes.values())
    customers = words.count("customers", len(book.accounts))
    click.echo(f"{invoices} to {customers}, {sums}; {words.day(first_on)} to {words.day(last_on)}")
    table: list[tuple[str, ...]] = [("", *outcomes)]
    for row in rows_of(list(outcomes.values())):
        label = f"{words.label(row.key)} ({row.currency})" if row.currency else words.label(row.key)
        table.append((label, *(_cell(row, n) for n in range(len(outcomes)))))
    rows(table)
    checked = sum(o.invariants_checked for o in outcomes.values())
    click.echo(f"{checked} checks, {sum(o.invariants_breached for o in outcomes.values())} breaches")


def _cell(row: FigureRow, n: int) -> str:
    words = words_of("en")
    if row.unit is not Counted.MONEY:
        return words.number(row.values[n])
    text = words.money(row.values[n], row.currency)
    return f"{text} ({words.percent(row.values[n], row.of[n])})" if row.of else text


def _list(outcomes: dict[str, PolicyOutcome]) -> None:
    table: list[tuple[Any, ...]] = [
        ("customer", "policy", "late invoices", "days late", "messages", "stops", "days off", "deleted", "still open")
    ]
    words = words_of("en")
    for customers in affected(outcomes):
        for label, one in zip(outcomes, customers, strict=True):
            owed = ", ".join(words.money(sums.still_open, code) for code, sums in one.sums.items() if sums.still_open)
            counts = (one.past_due_invoices, one.days_late_max, one.notices, one.stops, one.days_without_service)
            table.append((one.ref, label, *counts, one.deleted_on or "", owed))
    click.echo()
    rows(table)


def _as_dict(book: ReceivablesBook, outcomes: dict[str, PolicyOutcome], customers: bool) -> dict[str, Any]:
    return {
        "book": {"digest": book.digest, "rows_left_out": dict(Counter(book.left_out))},
        "policies": [_policy_as_dict(label, outcome, customers) for label, outcome in outcomes.items()],
    }


def _policy_as_dict(label: str, outcome: PolicyOutcome, customers: bool) -> dict[str, Any]:
    found = asdict(outcome)
    touched = found.pop("customers")
    every = list(rows_of([outcome], zeros=True))
    figures = {row.key: row.values[0] for row in every if not row.currency}
    money = {code: {row.key: row.values[0] for row in every if row.currency == code} for code in outcome.sums}
    found.update(label=label, policy=outcome.policy.name, version=outcome.policy.version)
    found.update(virtual_days=outcome.virtual_days, figures=figures, money=money)
    return found | ({"customers": touched} if customers else {})
