"""Bringing a receivables book in, again and again: accounts, invoices, payments and credit notes, in one transaction.

The first time the book's past is recorded now: an invoice that the book says is paid is issued and paid at once and
never goes past due; an open one whose due date has passed goes past due at the next run and gets the full ladder from
that day. Later books are newer words about the same things, field by field (spec, section 14; import_account.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.known import KINDS, Known, known_of
from arrears.core.ledger import BAD_DEBT, RECEIVABLE, REVENUE, entries_of
from arrears.core.receivables import AccountRows, Progress, ReceivablesBook
from arrears.core.unit import Unit
from arrears.engine.acting import decide_until_rest
from arrears.engine.commands.import_account import AccountImport, Changed, Taken, WrongRow
from arrears.engine.failpoints import reached
from arrears.ports import Batch, NewAccount, ReceivablesImport, Sums

REASONS_MAX: Final = 50
"""So many rows are named when a book is refused, then they are counted."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of it. `count` has what was new (`accounts`, `invoices`, `payments`, `credits`), what was here with the
    same content (`known_...`), and what was left out; `changes` what differed and was taken; `refused` the reasons of
    each account that was left as it was, by its reference; `before` and `after` the sums of the whole book."""

    count: Counter[str]
    changes: list[Changed]
    refused: dict[str, list[str]]
    before: Mapping[str, Sums]
    after: Mapping[str, Sums]

    @property
    def changed(self) -> dict[str, int]:
        """How often each field differed and was taken."""
        return dict(Counter(one.what for one in self.changes))


@dataclass(slots=True)
class _Import:
    """One import under way."""

    book: ReceivablesBook
    rows: dict[str, AccountRows]
    wrong: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    count: Counter[str] = field(default_factory=Counter)
    changes: list[Changed] = field(default_factory=list)

    def label(self, name: str) -> str:
        """The column of a field; empty where the file says nothing about it."""
        return self.book.columns.get(name, "")

    def refuse(self, ref: str, row: int, reason: str) -> None:
        """One reason a row; the first is the one that is told."""
        self.wrong[ref].setdefault(row, reason)

    def lines(self) -> list[str]:
        """The reasons in the order of the file."""
        found = sorted((row, reason) for reasons in self.wrong.values() for row, reason in reasons.items())
        return [f"row {row}, {reason}" for row, reason in found]


class _Undo(Exception):
    """Leaves a transaction without writing it, with what it would have come to."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__("a dry run")
        self.report = report


def import_book(
    store: ReceivablesImport,
    book: ReceivablesBook,
    now: datetime,
    author: str,
    progress: Progress | None = None,
    *,
    per_account: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    """Import a book. Refuses `conflicting_book`, naming rows and columns, if anything in it cannot be taken; with
    `per_account` only the accounts with such a row are left as they were, and the report says which. `dry_run`
    writes nothing and reports what would come of it."""
    going = _Import(book, _by_account(book))
    _check_before(store, going, now)
    if going.wrong and not per_account:
        raise _refused(going)
    try:
        return _import(store, going, now, author, progress, per_account, dry_run)
    except _Undo as undone:
        return undone.report


def _import(
    store: ReceivablesImport,
    going: _Import,
    now: datetime,
    author: str,
    progress: Progress | None,
    per_account: bool,
    dry_run: bool,
) -> ImportReport:
    right = [rows for ref, rows in going.rows.items() if ref not in going.wrong]
    here = store.account_numbers([rows.account.ref for rows in right])
    new = [rows for rows in right if rows.account.ref not in here]
    before = store.book_sums(now.date())
    with store.open_accounts([_new(rows) for rows in new], now, also=sorted(here.values())) as batch:
        units = {unit.no: unit for unit in batch.units}
        pairs = list(zip(batch.units, new, strict=False))
        pairs += [(units[here[rows.account.ref]], rows) for rows in right if rows.account.ref in here]
        _record(store, batch, going, pairs, author, progress)
        if going.wrong and not per_account:
            raise _refused(going)
        report = _report(store, going, batch, before, now)
        reached("command.before_commit")
        if dry_run:
            raise _Undo(report)
    reached("command.after_commit")
    return report


def _record(
    store: ReceivablesImport,
    batch: Batch,
    going: _Import,
    pairs: list[tuple[Unit, AccountRows]],
    author: str,
    progress: Progress | None,
) -> None:
    """Each account into its unit, and what follows from it; one with a wrong row is left as it was."""
    existing = [unit.no for unit, _ in pairs if not unit.is_new]
    histories = store.facts_of(existing, KINDS)
    described = store.described(existing)
    used = set(store.payment_places([p.ref for p in going.book.payments]))
    used |= {s.fact.ref for facts in histories.values() for s in facts if isinstance(s.fact, f.PaymentBooked)}
    policies = store.policies()
    for done, (unit, rows) in enumerate(pairs):
        known = Known() if unit.is_new else known_of(histories.get(unit.no, ()), author)
        one = AccountImport(
            unit, rows, known, described.get(unit.no), policies, batch.guards, going.label, used, author
        )
        try:
            taken = one.run()
        except WrongRow as found:
            if unit.is_new:
                raise  # Whatever can be wrong about a new account is checked before: this is our own mistake.
            unit.undo()
            going.refuse(rows.account.ref, found.row, found.reason)
            continue
        _take(batch, going, unit, taken)
        if unit.stored:
            decide_until_rest(unit, policies, batch.guards, only_consequences=True)
        if progress is not None and done % 200 == 0:
            progress(done, len(pairs))


def _take(batch: Batch, going: _Import, unit: Unit, taken: Taken) -> None:
    going.count += taken.count
    going.changes += taken.changes
    if taken.described is not None:
        batch.describe(unit.no, taken.described)


def _by_account(book: ReceivablesBook) -> dict[str, AccountRows]:
    rows = {account.ref: AccountRows(account) for account in book.accounts}
    for invoice in book.invoices:
        rows[invoice.account_ref].invoices.append(invoice)
    for payment in book.payments:
        rows[payment.account_ref].payments.setdefault(payment.invoice_number, []).append(payment)
    for note in book.credits:
        rows[note.account_ref].credits.append(note)
    return rows


def _new(rows: AccountRows) -> NewAccount:
    a = rows.account
    return NewAccount(a.ref, a.name, a.country, a.zone, a.locale, Mode(a.mode), a.policy, a.email)


def _check_before(store: ReceivablesImport, going: _Import, now: datetime) -> None:
    """What can be known to be wrong without an account's lock: another account's numbers, money that cannot have
    arrived yet, policies that nobody has adopted."""
    book, policies = going.book, store.policies()
    if "default" not in policies:
        raise Refused(
            "unknown_policy", "no policy named default is in force; `arrears policy adopt FILE` puts one in force"
        )
    rows_of = {ref: min((i.row for i in rows.invoices), default=0) for ref, rows in going.rows.items()}
    for account in book.accounts:
        if account.policy not in policies:
            known = ", ".join(sorted(p.name for version, p in policies.items() if version == p.name))
            way = f"policy {account.policy} is not in force (in force: {known}); `arrears policy adopt FILE` adopts one"
            going.refuse(account.ref, rows_of[account.ref], f"{going.label('policy') or 'the map'}: {way}")
    places = store.invoice_places([i.number for i in book.invoices])
    for invoice in book.invoices:
        place = places.get(invoice.number)
        if place is not None and place.ref != invoice.account_ref:
            reason = f"invoice {invoice.number} is {invoice.account_ref}'s, and here it is {place.ref}'s already"
            way = "number the invoices of each customer on their own, or merge the two customers in the file"
            going.refuse(invoice.account_ref, invoice.row, f"{going.label('number')}: {reason}; {way}")
    paid = store.payment_places([p.ref for p in book.payments])
    today = {account.ref: calendar_of(account.zone).local_day(now) for account in book.accounts}
    for payment in book.payments:
        ref, found = payment.account_ref, paid.get(payment.ref)
        if payment.dated and payment.paid_on > today[ref]:
            late = f"paid on {payment.paid_on}, and today is {today[ref]}; leave out what is not paid"
            going.refuse(ref, payment.row, f"{going.label('paid_on')}: {late}")
        elif found is not None and found.ref != ref:
            reason = f"payment {payment.ref} is {ref}'s, and here it is {found.ref}'s already"
            going.refuse(ref, payment.row, f"{going.label('ref')}: {reason}; give it a reference of its own")


def _report(
    store: ReceivablesImport, going: _Import, batch: Batch, before: Mapping[str, Sums], now: datetime
) -> ImportReport:
    count = going.count
    known = {i.number for i in going.book.invoices}
    count["invoices_gone"] = max(0, store.invoice_count() - len(store.invoice_places(sorted(known))))
    count.update({f"left_out_{why}": rows for why, rows in going.book.left_out.items()})
    refused = {
        ref: [f"row {row}, {reason}" for row, reason in sorted(reasons.items())] for ref, reasons in going.wrong.items()
    }
    return ImportReport(count, going.changes, refused, before, _after(before, batch, now))


def _after(before: Mapping[str, Sums], batch: Batch, now: datetime) -> Mapping[str, Sums]:
    """The sums once this is written: those before, and what the units add."""
    found = {currency: sums for currency, sums in before.items() if any(sums)}
    for unit in batch.units:
        for stored in unit.stored:
            for entry in entries_of(stored.recorded):
                was, minor = found.get(entry.currency, Sums()), entry.minor
                if entry.ledger == REVENUE:
                    found[entry.currency] = was._replace(issued=was.issued - minor)
                elif entry.ledger == BAD_DEBT:
                    found[entry.currency] = was._replace(given_up=was.given_up + minor)
                elif entry.ledger == RECEIVABLE:
                    found[entry.currency] = was._replace(open=was.open + minor)
        if unit.stored:
            for sign, account in ((-1, unit.before), (1, unit.account)):
                for debt in () if account is None else account.debts:
                    if debt.due_on < now.date():
                        was = found.get(debt.currency, Sums())
                        found[debt.currency] = was._replace(overdue=was.overdue + sign * debt.open_minor)
    return found


def _refused(going: _Import) -> Refused:
    lines = going.lines()
    more = [f"and {len(lines) - REASONS_MAX} more"] if len(lines) > REASONS_MAX else []
    return Refused("conflicting_book", "\n".join([*lines[:REASONS_MAX], *more]))
