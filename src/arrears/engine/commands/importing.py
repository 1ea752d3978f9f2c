"""Bringing a receivables book in, again and again: accounts, invoices, payments and credit notes, in one transaction.

The first time the book's past is recorded now: an invoice that the book says is paid is issued and paid at once and
never goes past due; an open one whose due date has passed goes past due at the next run and gets the full ladder from
that day. Later books are newer words about the same things, field by field (spec, section 14; import_account.py).

A book is taken a part of its accounts at a time, so that memory does not grow with it: a part is read while the one
before it is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Final

from arrears.core.errors import Refused
from arrears.core.known import KINDS
from arrears.core.parallel import OrderedMap, map_here
from arrears.core.receivables import (
    AccountRows,
    BookAccount,
    BookSource,
    KeptAccount,
    Progress,
    ReceivablesBook,
    as_it_is,
    rows_of_book,
)
from arrears.engine.commands.import_account import Changed
from arrears.engine.commands.import_part import BookPart, Decided, Deciding
from arrears.engine.commands.import_refused import leave_in_doubt, numbered_otherwise, owners_here, rows_were_taken
from arrears.engine.commands.import_sums import RunningSums
from arrears.engine.failpoints import reached
from arrears.ports import AccountsInParts, NewAccount, Place, ReceivablesImport, Sums
from arrears.ports.book import Alike

REASONS_MAX: Final = 50
"""So many rows are named when a book is refused, then they are counted."""
CHANGES_MAX: Final = 100_000
"""So many changes are reported one by one; all of them are counted."""
SHARED_REFS_MAX: Final = 50
"""So many payments of one transfer, in other imports, are looked for: each is booked under a name of its own."""
GONE_MIN: Final = 10
"""So many invoices may be gone from a list of what is open whatever share of it they are."""
UPSERT_WAITS: Final = timedelta(seconds=20)
"""So long rows that were sent by themselves wait for an import that is under way; then they are refused."""
ROWS_IN_A_PART: Final = 4_000
ACCOUNTS_IN_A_PART: Final = 1_000


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of it. `count` has what was new (`accounts`, `invoices`, `payments`, `credits`), what was here with the
    same content (`known_...`), and what was left out; `changed` how often each field differed and was taken, `changes`
    the first CHANGES_MAX of them; `refused` the reasons of each account that was left as it was, by its reference;
    `before` and `after` the sums of the whole book, `taken_back` the minor units by
    currency of what is no longer paid."""

    count: Counter[str]
    changed: Mapping[str, int]
    changes: list[Changed]
    refused: dict[str, list[str]]
    before: Mapping[str, Sums]
    after: Mapping[str, Sums]
    taken_back: Mapping[str, int] = field(default_factory=dict)
    wrong: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    """The same reasons by row, `column: what is wrong`."""
    contradicted: Set[str] = frozenset()
    """Of those accounts the ones whose rows can be read, and contradict what is here."""


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
    much_gone: bool = False,
    whole: bool = True,
    look: Callable[[BookPart], None] | None = None,
    rows_in_a_part: int = ROWS_IN_A_PART,
    ordered_map: OrderedMap = map_here,
) -> ImportReport:
    """Import a book. Refuses `bad_book` if its rows contradict each other, and `conflicting_book`, naming rows and
    columns, if anything in it cannot be taken; with `per_account` only the accounts with such a row are left as they
    were, and the report says which. `much_gone` believes a list of what is open from which most is gone, else that is
    refused: `much_gone`. Of what is not `whole`, but some rows that were sent by themselves, no sums of the book are
    reported, and nothing about invoices that are not among them; it waits no longer for another import than
    UPSERT_WAITS. `look` sees each part under its locks before anything is decided, and may refuse. `dry_run` writes
    nothing and reports what would come of it. `ordered_map` decides the parts of the book, here or in other processes;
    this one alone reads and writes the store."""
    source = rows_of_book(book) if isinstance(book, ReceivablesBook) else book
    try:
        with store.in_parts(now, wait_max=None if whole else UPSERT_WAITS) as parts:
            going = _Import(store, parts, source, now, author, progress, per_account, rows_in_a_part, ordered_map)
            going.much_gone, going.whole, going.look = much_gone, whole, look
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
        ordered_map: OrderedMap,
    ) -> None:
        self._store = store
        self._parts = parts
        self._source = source
        self._now = now
        self._progress = progress
        self._per_account = per_account
        self._rows_in_a_part = rows_in_a_part
        self._ordered_map = ordered_map
        self._waiting: list[Decided] = []
        self._done = 0
        self._count: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()
        self._taken_back: Counter[str] = Counter()
        self._changes: list[Changed] = []
        self._wrong: dict[str, dict[int, str]] = {}
        self._shared_used: Set[str] = frozenset()
        self.much_gone = False
        self.whole = True
        self.look: Callable[[BookPart], None] | None = None
        self._found_here = 0
        policies = store.policies()
        if "default" not in policies:
            way = "`arrears policy adopt FILE` puts one in force"
            raise Refused("unknown_policy", f"no policy named default is in force; {way}")
        self._deciding = Deciding(
            source.merge, source.columns, policies, parts.guards, parts.encoder(), author, now, source.open_items
        )
        self._gone: dict[str, Place] = {}
        self._renamed: dict[str, str] = {}
        self._taken: set[str] = set()

    def run(self) -> ImportReport:
        """Everything into the transaction; what it came to."""
        before = self._store.book_sums(self._now.date()) if self.whole else {}
        invoices_here = self._store.invoice_count() if self.whole else 0
        self._has_invoices = invoices_here > 0 or not self.whole
        self._has_payments = not self.whole or self._store.payment_count() > 0
        self._sums = RunningSums(before, self._now.date())
        if self._source.open_items is not None:
            self._gone = dict(self._store.open_invoices())
        open_before = len(self._gone)
        for decided in self._ordered_map(self._deciding, self._parts_read(), self._parts.keep_sending):
            self._take(decided)
        self._send()
        self._refuse_if_wrong()
        wrong = self._source.reasons() | self._wrong
        refused = {
            ref: [f"row {row}, {reason}" for row, reason in sorted(reasons.items())]
            for ref, reasons in sorted(wrong.items())
        }
        doubted = self._doubted(refused)
        self._pay_what_is_gone(open_before, doubted.keys())
        self._count["invoices_gone"] = max(0, invoices_here - self._found_here)
        self._count.update({f"left_out_{why}": rows for why, rows in self._source.left_out.items()})
        policies, author = self._deciding.policies, self._deciding.author
        leave_in_doubt(self._store, self._parts, doubted, policies, author)
        rows_were_taken(self._store, self._parts, self._taken - doubted.keys(), policies, author)
        after = self._sums.now if self.whole else {}
        return ImportReport(
            self._count,
            self._changed,
            self._changes,
            refused,
            before,
            after,
            self._taken_back,
            wrong,
            self._wrong.keys(),
        )

    def _doubted(self, refused: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """Of whom refused rows speak, with the reasons: the customers that they name, whoever has here what they name,
        and who seems to be called otherwise now, whom the file does not name and whose rows have the new name."""
        if not refused or not self._has_invoices:
            return dict(refused)
        unread = (one for one in self._source.kept() if one.ref in refused)
        while some := list(islice(unread, ACCOUNTS_IN_A_PART)):
            here = self._store.account_numbers([one.ref for one in some])
            self._alike([one for one in some if one.ref not in here])
        doubted = {ref: list(reasons) for ref, reasons in refused.items()}
        renamed = {old: refused[new] for old, new in self._renamed.items() if new in refused}
        for owner, reasons in (*renamed.items(), *owners_here(self._store, self._source, refused).items()):
            doubted[owner] = [*doubted.get(owner, ()), *reasons]
        return doubted

    def _pay_what_is_gone(self, open_before: int, doubted: Set[str]) -> None:
        """Of accounts that a list of what is open does not name at all, everything that such a list had is paid."""
        wrong = doubted | self._renamed.keys()
        of_account: dict[str, list[str]] = {}
        for number, place in self._gone.items():
            if place.ref not in wrong:
                of_account.setdefault(place.ref, []).append(number)
        refs = sorted(of_account)
        deciding = replace(self._deciding, merge=as_it_is, columns={})
        for at in range(0, len(refs), ACCOUNTS_IN_A_PART):
            some = refs[at : at + ACCOUNTS_IN_A_PART]
            self._take(deciding(self._not_named({ref: of_account[ref] for ref in some}), self._parts.keep_sending))
            self._send()
        gone = self._changed["gone"]
        if gone >= GONE_MIN and gone * 2 > open_before and not self.much_gone:
            way = "import the whole list, or say --much-gone if so many were really paid"
            raise Refused("much_gone", f"{gone} of {open_before} open invoices are not in this list; {way}")

    def _not_named(self, gone: Mapping[str, list[str]]) -> BookPart:
        here = self._store.account_numbers(list(gone))
        described = self._store.described(list(here.values()))
        units = {unit.no: unit for unit in self._parts.units(0, list(here.values()))}
        rows = [KeptAccount(ref, AccountRows(_as_known(described[here[ref]])), 0) for ref in gone]
        stored = self._store.stored_facts_of(list(here.values()), KINDS)
        by_ref = {ref: units[number] for ref, number in here.items()}
        return BookPart(rows, by_ref, stored=stored, described=described, gone=gone)

    # -- what is here already --------------------------------------------------------------------------------

    def _parts_read(self) -> Iterator[BookPart]:
        """The book's accounts, so many at a time, with what is known of them. A part is read before what has been
        decided by then is sent, so that the server writes while the next is decided.

        Accounts that one transfer has paid are decided here and in turn: which of them takes a reference first decides
        what the others call it."""
        together = {ref for refs in self._source.shared_refs.values() for ref in refs}
        for group in self._groups():
            turns = [account for account in group if account.ref in together]
            if turns:
                part = self._read(turns)
                self._send()
                self._take(self._deciding(part, self._parts.keep_sending))
            if others := [account for account in group if account.ref not in together]:
                part = self._read(others)
                self._send()
                yield part

    def _groups(self) -> Iterator[list[KeptAccount]]:
        """The book's accounts, so many at a time."""
        group: list[KeptAccount] = []
        rows = 0
        for one in self._source.kept():
            if self._source.is_wrong(one.ref):
                continue
            group.append(one)
            rows += one.row_count
            if rows >= self._rows_in_a_part or len(group) >= ACCOUNTS_IN_A_PART:
                yield group
                group, rows = [], 0
        if group:
            yield group

    def _read(self, group: list[KeptAccount]) -> BookPart:
        """What the store knows of these accounts, under their locks."""
        refs = [account.ref for account in group]
        here = self._store.account_numbers(refs)
        units = {unit.no: unit for unit in self._parts.units(len(group) - len(here), list(here.values()))}
        new = (unit for unit in units.values() if unit.is_new)
        by_ref = {ref: units[here[ref]] if ref in here else next(new) for ref in refs}
        numbers: list[str] = []
        paid_as: list[str] = []
        if self._has_invoices or self._has_payments or self._source.shared_refs:
            keys = [self._source.keys(account) for account in group]
            numbers, paid_as, noted = (list(chain(*found)) for found in zip(*keys, strict=True))
            for number in numbers:
                self._gone.pop(number, None)
            numbers += [numbered_otherwise(ref, own) for ref, one in zip(refs, keys, strict=True) for own in one[0]]
            numbers += noted
        shared = {ref: self._source.shared_refs[ref] for ref in paid_as if ref in self._source.shared_refs}
        paid_as += [f"{ref}+{n}" for ref in shared for n in range(2, SHARED_REFS_MAX)]
        part = BookPart(
            group,
            by_ref,
            self._store.invoice_places(numbers) if self._has_invoices else {},
            self._store.payment_places(paid_as) if self._has_payments else {},
            self._store.stored_facts_of(list(here.values()), KINDS) if here else {},
            self._store.described(list(here.values())) if here else {},
            shared,
            self._shared_used,
            self._store.administered(list(here.values())) if here else frozenset(),
            self._gone_of(set(refs)),
            self._alike([account for account in group if account.ref not in here]) if self._has_invoices else {},
        )
        if self.look is not None:
            self.look(part)
        return part

    def _alike(self, new: Sequence[KeptAccount]) -> Mapping[str, Place]:
        """Where each customer's invoices are numbered apart: those of customers that are new here that are here as
        another's, whom the book does not name any more."""
        numbered = [one for one in new if any(n.startswith(f"{one.ref}/") for n in self._source.keys(one)[0])]
        invoices = [invoice for one in numbered for invoice in self._source.merge(one)[0].invoices]
        whose = {one.number: one.account_ref for one in invoices}
        asked = [
            Alike(
                one.number,
                one.number.removeprefix(f"{one.account_ref}/"),
                one.issued_on,
                one.due_on,
                one.currency,
                one.total_minor,
            )
            for one in invoices
        ]
        found = self._store.invoices_alike(asked) if asked else {}
        gone = {ref for ref in {place.ref for place in found.values()} if not self._source.names(ref)}
        alike = {number: place for number, place in found.items() if place.ref in gone}
        self._renamed |= {place.ref: whose[number] for number, place in alike.items()}
        return alike

    def _gone_of(self, refs: Set[str]) -> Mapping[str, Sequence[str]]:
        """What is no longer open of these accounts; all rows of an account are together in a part."""
        found: dict[str, list[str]] = {}
        for number in [number for number, place in self._gone.items() if place.ref in refs]:
            found.setdefault(self._gone.pop(number).ref, []).append(number)
        return found

    # -- what comes of it ------------------------------------------------------------------------------------

    def _take(self, decided: Decided) -> None:
        """What came of a part, to be sent when the next is read."""
        self._source.complain(decided.complaints)
        self._wrong |= decided.wrong
        self._taken |= decided.taken
        self._count += decided.count
        self._taken_back += decided.taken_back
        self._changed.update(one.what for one in decided.changes)
        self._changes += decided.changes[: CHANGES_MAX - len(self._changes)]
        self._shared_used |= decided.used
        self._found_here += decided.found_here
        self._sums.join(decided.sums)
        self._waiting.append(decided)
        self._done += decided.rows
        if self._progress is not None:
            self._progress(self._done, self._source.rows)

    def _send(self) -> None:
        """Begin to write what has been decided; nothing any more of a book that is refused."""
        for decided in self._waiting:
            if self._per_account or not self._wrong:
                for number, known in decided.described:
                    self._parts.describe(number, known)
                self._parts.send(decided.encoded)
        self._waiting = []

    # -- what cannot be taken --------------------------------------------------------------------------------

    def _refuse_if_wrong(self) -> None:
        self._source.refuse_if_wrong(per_account=self._per_account)
        if self._wrong and not self._per_account:
            found = sorted((row, reason) for reasons in self._wrong.values() for row, reason in reasons.items())
            lines = [f"row {row}, {reason}" for row, reason in found[:REASONS_MAX]]
            more = [f"and {len(found) - REASONS_MAX} more"] if len(found) > REASONS_MAX else []
            raise Refused("conflicting_book", "\n".join([*lines, *more]))


def _as_known(known: NewAccount) -> BookAccount:
    return BookAccount(
        known.ref, known.name, known.country, known.zone, known.locale, known.mode.value, known.contact, known.policy
    )
