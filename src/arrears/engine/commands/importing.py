"""Bringing a receivables book in, again and again: accounts, invoices, payments and credit notes, in one transaction.

The first time the book's past is recorded now: an invoice that the book says is paid is issued and paid at once and
never goes past due; an open one whose due date has passed goes past due at the next run and gets the full ladder from
that day. Later books are newer words about the same things, field by field (spec, section 14; import_account.py).

A book is taken a part of its accounts at a time, so that memory does not grow with it: a part is read while the one
before it is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.known import KINDS, Known, known_of
from arrears.core.receivables import AccountRows, BookSource, Progress, ReceivablesBook, rows_of_book
from arrears.core.unit import Unit
from arrears.engine.acting import decide_until_rest
from arrears.engine.commands.import_account import AccountImport, Changed, WrongRow
from arrears.engine.commands.import_sums import RunningSums
from arrears.engine.failpoints import reached
from arrears.ports import AccountsInParts, NewAccount, ReceivablesImport, Sums

REASONS_MAX: Final = 50
"""So many rows are named when a book is refused, then they are counted."""
CHANGES_MAX: Final = 100_000
"""So many changes are reported one by one; all of them are counted."""
SHARED_REFS_MAX: Final = 50
"""So many payments of one transfer, in other imports, are looked for: each is booked under a name of its own."""
ROWS_IN_A_PART: Final = 4_000
ACCOUNTS_IN_A_PART: Final = 1_000


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of it. `count` has what was new (`accounts`, `invoices`, `payments`, `credits`), what was here with the
    same content (`known_...`), and what was left out; `changed` how often each field differed and was taken, `changes`
    the first CHANGES_MAX of them; `refused` the reasons of each account that was left as it was, by its reference;
    `before` and `after` the sums of the whole book."""

    count: Counter[str]
    changed: Mapping[str, int]
    changes: list[Changed]
    refused: dict[str, list[str]]
    before: Mapping[str, Sums]
    after: Mapping[str, Sums]


@dataclass(slots=True)
class _Part:
    """Some accounts of the book with what is known of them: their units, and what the store says."""

    pairs: list[tuple[Unit, AccountRows]] = field(default_factory=list)
    histories: Mapping[int, Sequence[f.Recorded]] = field(default_factory=dict)
    described: Mapping[int, NewAccount] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


class _Undo(Exception):
    """Leaves a transaction without writing it, with what it would have come to."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__("a dry run")
        self.report = report


def import_book(
    store: ReceivablesImport,
    book: ReceivablesBook | BookSource,
    now: datetime,
    author: str,
    progress: Progress | None = None,
    *,
    per_account: bool = False,
    dry_run: bool = False,
    rows_in_a_part: int = ROWS_IN_A_PART,
) -> ImportReport:
    """Import a book. Refuses `bad_book` if its rows contradict each other, and `conflicting_book`, naming rows and
    columns, if anything in it cannot be taken; with `per_account` only the accounts with such a row are left as they
    were, and the report says which. `dry_run` writes nothing and reports what would come of it."""
    source = rows_of_book(book) if isinstance(book, ReceivablesBook) else book
    try:
        with store.in_parts(now) as parts:
            going = _Import(store, parts, source, now, author, progress, per_account, rows_in_a_part)
            report = going.run()
            reached("command.before_commit")
            if dry_run:
                raise _Undo(report)
        reached("command.after_commit")
    except _Undo as undone:
        return undone.report
    return report


class _Import:
    """One import under way, in one transaction."""

    def __init__(
        self,
        store: ReceivablesImport,
        parts: AccountsInParts,
        source: BookSource,
        now: datetime,
        author: str,
        progress: Progress | None,
        per_account: bool,
        rows_in_a_part: int,
    ) -> None:
        self._store = store
        self._parts = parts
        self._source = source
        self._now = now
        self._author = author
        self._progress = progress
        self._per_account = per_account
        self._rows_in_a_part = rows_in_a_part
        self._count: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()
        self._changes: list[Changed] = []
        self._wrong: dict[str, dict[int, str]] = {}
        self._shared_used: set[str] = set()
        self._found_here = 0
        self._policies = store.policies()
        if "default" not in self._policies:
            way = "`arrears policy adopt FILE` puts one in force"
            raise Refused("unknown_policy", f"no policy named default is in force; {way}")

    def run(self) -> ImportReport:
        """Everything into the transaction; what it came to."""
        before = self._store.book_sums(self._now.date())
        invoices_here = self._store.invoice_count()
        self._has_invoices, self._has_payments = invoices_here > 0, self._store.payment_count() > 0
        self._sums = RunningSums(before, self._now.date())
        decided: list[Unit] = []
        done = 0
        for group in self._groups():
            part = self._read(group)
            self._parts.send(decided)
            decided = self._decide(part)
            done += sum(_rows(rows) for rows in group)
            if self._progress is not None:
                self._progress(done, self._source.rows)
        self._parts.send(decided)
        self._refuse_if_wrong()
        self._count["invoices_gone"] = max(0, invoices_here - self._found_here)
        self._count.update({f"left_out_{why}": rows for why, rows in self._source.left_out.items()})
        refused = {
            ref: [f"row {row}, {reason}" for row, reason in sorted(reasons.items())]
            for ref, reasons in sorted((self._source.reasons() | self._wrong).items())
        }
        return ImportReport(self._count, self._changed, self._changes, refused, before, self._sums.now)

    def _groups(self) -> Iterator[list[AccountRows]]:
        """The book's accounts, so many at a time."""
        group: list[AccountRows] = []
        rows = 0
        for one in self._source.accounts():
            if self._source.is_wrong(one.account.ref):
                continue
            group.append(one)
            rows += _rows(one)
            if rows >= self._rows_in_a_part or len(group) >= ACCOUNTS_IN_A_PART:
                yield group
                group, rows = [], 0
        if group:
            yield group

    # -- what is here already --------------------------------------------------------------------------------

    def _read(self, group: list[AccountRows]) -> _Part:
        """What the store knows of these accounts, under their locks; those with a wrong row are left out."""
        numbers = [i.number for rows in group for i in rows.invoices]
        places = self._store.invoice_places(numbers) if self._has_invoices else {}
        self._found_here += len(places)
        refs = [p.ref for rows in group for payments in rows.payments.values() for p in payments]
        refs += [f"{ref}+{n}" for ref in self._source.shared_refs.keys() & set(refs) for n in range(2, SHARED_REFS_MAX)]
        paid = self._store.payment_places(refs) if self._has_payments else {}
        payers = {ref: place.ref for ref, place in paid.items()}
        for rows in group:
            self._check_policy(rows)
            for invoice in rows.invoices:
                place = places.get(invoice.number)
                if place is not None and place.ref != invoice.account_ref:
                    whose = f"is {invoice.account_ref}'s, and here it is {place.ref}'s already"
                    way = "number the invoices of each customer on their own, or merge the two customers in the file"
                    reason = f"{self._label('number')}: invoice {invoice.number} {whose}; {way}"
                    self._refuse(invoice.account_ref, invoice.row, reason)
            self._check_payments(rows, payers)
        right = [rows for rows in group if rows.account.ref not in self._wrong]
        here = self._store.account_numbers([rows.account.ref for rows in right])
        new = [rows for rows in right if rows.account.ref not in here]
        units = self._parts.units([_new(rows) for rows in new], list(here.values()))
        by_number = {unit.no: unit for unit in units}
        part = _Part(list(zip(units, new, strict=False)))
        part.pairs += [(by_number[here[ref]], rows) for rows in right if (ref := rows.account.ref) in here]
        if here:
            part.histories = self._store.facts_of(list(here.values()), KINDS)
            part.described = self._store.described(list(here.values()))
        facts = [stored.fact for history in part.histories.values() for stored in history]
        booked = {fact.ref for fact in facts if isinstance(fact, f.PaymentBooked)}
        part.used = set(paid) | booked | self._shared_used
        return part

    def _check_policy(self, rows: AccountRows) -> None:
        account = rows.account
        if account.policy not in self._policies:
            known = ", ".join(sorted(p.name for version, p in self._policies.items() if version == p.name))
            way = f"policy {account.policy} is not in force (in force: {known}); `arrears policy adopt FILE` adopts one"
            row = min((i.row for i in rows.invoices), default=0)
            self._refuse(account.ref, row, f"{self._label('policy') or 'the map'}: {way}")

    def _check_payments(self, rows: AccountRows, paid: Mapping[str, str]) -> None:
        """Money that cannot have arrived yet, and money that another account has."""
        ref = rows.account.ref
        today = calendar_of(rows.account.zone).local_day(self._now)
        for payments in rows.payments.values():
            for payment in payments:
                theirs = paid.get(payment.ref, ref)
                if payment.dated and payment.paid_on > today:
                    late = f"paid on {payment.paid_on}, and today is {today}; leave out what is not paid"
                    self._refuse(ref, payment.row, f"{self._label('paid_on')}: {late}")
                elif theirs != ref and theirs not in self._source.shared_refs.get(payment.ref, ()):
                    reason = f"payment {payment.ref} is {ref}'s, and here it is {theirs}'s already"
                    self._refuse(ref, payment.row, f"{self._label('ref')}: {reason}; give it a reference of its own")

    # -- what comes of it ------------------------------------------------------------------------------------

    def _decide(self, part: _Part) -> list[Unit]:
        """Each account into its unit, and what follows from it; one with a wrong row is left as it was."""
        decided = []
        for unit, rows in part.pairs:
            self._parts.keep_sending()
            known = Known() if unit.is_new else known_of(part.histories.get(unit.no, ()), self._author)
            one = AccountImport(
                unit,
                rows,
                known,
                part.described.get(unit.no),
                self._policies,
                self._parts.guards,
                self._label,
                part.used,
                self._author,
            )
            try:
                taken = one.run()
            except WrongRow as found:
                if unit.is_new:
                    raise  # Whatever can be wrong about a new account is checked before: this is our own mistake.
                unit.undo()
                self._refuse(rows.account.ref, found.row, found.reason)
                continue
            self._count += taken.count
            self._changed.update(one.what for one in taken.changes)
            self._changes += taken.changes[: CHANGES_MAX - len(self._changes)]
            if taken.described is not None:
                self._parts.describe(unit.no, taken.described)
            if unit.stored:
                decide_until_rest(unit, self._policies, self._parts.guards, only_consequences=True)
                self._sums.add(unit)
                decided.append(unit)
        shared = self._source.shared_refs
        self._shared_used |= {ref for ref in part.used if ref in shared or ref.rpartition("+")[0] in shared}
        return [] if self._wrong and not self._per_account else decided

    # -- what cannot be taken --------------------------------------------------------------------------------

    def _label(self, name: str) -> str:
        """The column of a field; empty where the file says nothing about it."""
        return self._source.columns.get(name, "")

    def _refuse(self, ref: str, row: int, reason: str) -> None:
        """One reason a row; the first is the one that is told."""
        self._wrong.setdefault(ref, {}).setdefault(row, reason)

    def _refuse_if_wrong(self) -> None:
        self._source.refuse_if_wrong(per_account=self._per_account)
        if self._wrong and not self._per_account:
            found = sorted((row, reason) for reasons in self._wrong.values() for row, reason in reasons.items())
            lines = [f"row {row}, {reason}" for row, reason in found[:REASONS_MAX]]
            more = [f"and {len(found) - REASONS_MAX} more"] if len(found) > REASONS_MAX else []
            raise Refused("conflicting_book", "\n".join([*lines, *more]))


def _rows(rows: AccountRows) -> int:
    return len(rows.invoices) + len(rows.credits)


def _new(rows: AccountRows) -> NewAccount:
    a = rows.account
    return NewAccount(a.ref, a.name, a.country, a.zone, a.locale, Mode(a.mode), a.policy, a.email, a.copies)
