"""Some accounts of a book that is imported: what their rows come to, decided from plain values and into plain values,
so that another process can do it.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.guards import Guards
from arrears.core.ids import check_ref
from arrears.core.known import Known, known_from
from arrears.core.parallel import Meanwhile
from arrears.core.policy import Policy
from arrears.core.receivables import AccountRows, Complaint, KeptAccount, Merge, OpenItems, renumbered, written_alike
from arrears.core.unit import Unit
from arrears.engine.acting import decide_until_rest
from arrears.engine.commands.import_account import ANOTHER, AccountImport, Changed
from arrears.engine.commands.import_refused import WrongRow, in_another_currency, is_left, numbered_otherwise
from arrears.engine.commands.import_sums import RunningSums
from arrears.engine.commands.import_words import described_by
from arrears.ports import NewAccount, Place, Sums

OTHER_MONEY: Final = "leave out what is the same money; other money gets a reference of its own"

History = Sequence[tuple[str, f.AnyFact]]


@dataclass(frozen=True, slots=True)
class BookPart:
    """Some accounts with what the store says of them: their units by their references, whose the invoices and payments
    of the book are, the stored facts of each account and what is known of it. `shared` has the accounts of each
    payment's reference that several of the book name, `used` the references that were taken by them before,
    `administered` the accounts with an administrator."""

    accounts: Sequence[KeptAccount]
    units: Mapping[str, Unit]
    places: Mapping[str, Place] = field(default_factory=dict)
    paid: Mapping[str, Place] = field(default_factory=dict)
    stored: Mapping[int, Sequence[tuple[str, str]]] = field(default_factory=dict)
    described: Mapping[int, NewAccount] = field(default_factory=dict)
    shared: Mapping[str, Set[str]] = field(default_factory=dict)
    used: Set[str] = frozenset()
    administered: Set[int] = frozenset()
    gone: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The numbers of the invoices of each account that are no longer in a list of what is open."""
    alike: Mapping[str, Place] = field(default_factory=dict)
    """Invoices of new accounts that are here as another's, of whom the book says nothing any more."""


@dataclass(slots=True)
class Decided:
    """What a part came to. `encoded` is what the store writes, `described` what is known of accounts now, `sums` what
    is added to the sums of the book, `wrong` the reasons of the accounts that are left as they were, by their rows;
    `found_here` of its invoices were here before, `taken` are accounts whose rows were refused before."""

    encoded: Sequence[object] = ()
    count: Counter[str] = field(default_factory=Counter)
    changes: list[Changed] = field(default_factory=list)
    described: list[tuple[int, NewAccount]] = field(default_factory=list)
    sums: Mapping[str, Sums] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    wrong: dict[str, dict[int, str]] = field(default_factory=dict)
    used: Set[str] = frozenset()
    found_here: int = 0
    rows: int = 0
    taken_back: Counter[str] = field(default_factory=Counter)
    taken: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Deciding:
    """Decides one part after the other. `columns` names the column of each field that the file has a word about."""

    merge: Merge
    columns: Mapping[str, str]
    policies: Mapping[str, Policy]
    guards: Guards
    encode: Callable[[Sequence[Unit], Mapping[int, NewAccount]], Sequence[object]]
    author: str
    now: datetime
    open_items: OpenItems | None = None

    def __call__(self, part: BookPart, meanwhile: Meanwhile) -> Decided:
        """What comes of these accounts; `meanwhile` is called after each."""
        return _Decision(self, part).run(meanwhile)


class _Decision:
    """One part being decided."""

    def __init__(self, how: Deciding, part: BookPart) -> None:
        self._how = how
        self._part = part
        self._decided = Decided(rows=sum(account.row_count for account in part.accounts))
        self._histories: dict[int, History] = {
            number: [(author, f.decode_fact(body)) for author, body in stored] for number, stored in part.stored.items()
        }
        self._numbered_before: set[str] = set()
        self._sums = RunningSums({}, how.now.date())
        self._used = {*part.paid, *part.used}
        facts = (fact for history in self._histories.values() for _, fact in history)
        self._used |= {fact.ref for fact in facts if isinstance(fact, f.PaymentBooked)}

    def run(self, meanwhile: Meanwhile) -> Decided:
        """Each account into its unit, and what follows from it; one with a wrong row is left as it was."""
        part, decided = self._part, self._decided
        units: list[Unit] = []
        opened: dict[int, NewAccount] = {}
        for rows in self._right():
            unit = part.units[rows.account.ref]
            if not self._decide(unit, rows):
                continue
            if unit.is_new:
                opened[unit.no] = described_by(rows.account)
            if unit.stored:
                units.append(unit)
            meanwhile()
        decided.sums = self._sums.now
        shared = part.shared
        decided.used = {ref for ref in self._used if ref in shared or ref.rpartition("+")[0] in shared}
        decided.encoded = self._how.encode(units, opened)
        return decided

    def _decide(self, unit: Unit, rows: AccountRows) -> bool:
        how, decided = self._how, self._decided
        known = Known() if unit.is_new else known_from(self._histories.get(unit.no, ()), how.author)
        described = self._part.described.get(unit.no)
        label, guards = self._label, how.guards
        one = AccountImport(unit, rows, known, described, how.policies, guards, label, self._used, how.author)
        if gone := self._part.gone.get(rows.account.ref):
            numbers = {invoice.number for invoice in rows.invoices}
            one.gone = [number for number in gone if number not in numbers]
        one.open_items = how.open_items or one.open_items
        one.has_administrator = unit.no in self._part.administered
        try:
            taken = one.run()
        except WrongRow as found:
            if unit.is_new:
                raise  # Whatever can be wrong about a new account is checked before: this is our own mistake.
            unit.undo()
            self._refuse(rows.account.ref, found.row, found.reason)
            return False
        if (rows.invoices or rows.credits) and is_left(unit.account):
            decided.taken.add(rows.account.ref)
        decided.count += taken.count
        decided.taken_back += taken.taken_back
        decided.changes += taken.changes
        if taken.described is not None:
            decided.described.append((unit.no, taken.described))
        if unit.stored:
            decide_until_rest(unit, how.policies, guards, only_consequences=True)
            self._sums.add(unit)
        return True

    # -- what cannot be taken --------------------------------------------------------------------------------

    def _right(self) -> Iterable[AccountRows]:
        """The accounts that have no wrong row; the others are left as they were."""
        decided = self._decided
        merged = []
        for account in self._part.accounts:
            rows, complaints = self._how.merge(account)
            decided.complaints += complaints
            if not complaints:
                merged.append(self._as_numbered_here(rows))
        payers = {ref: place.ref for ref, place in self._part.paid.items()}
        for rows in merged:
            self._check_policy(rows)
            self._check_opened(rows)
            # A first import, which is the largest, finds nothing here, and need not look invoice by invoice.
            if self._part.places or self._part.alike or self._numbered_before:
                for invoice in rows.invoices:
                    decided.found_here += invoice.number in self._part.places or invoice.number in self._numbered_before
                self._check_numbers(rows)
            self._check_spelling(rows)
            if rows.credits:
                self._check_notes(rows)
            self._check_payments(rows, payers)
        return [rows for rows in merged if rows.account.ref not in decided.wrong]

    def _as_numbered_here(self, rows: AccountRows) -> AccountRows:
        """The rows of an account that is called otherwise now, whose invoices have in their numbers what it was called:
        each with the number that it has here."""
        ref = rows.account.ref
        history = self._histories.get(self._part.units[ref].no, ())
        if not any(isinstance(fact, f.TermsChanged) and fact.was_called for _, fact in history):
            return rows
        known = known_from(history, self._how.author)
        here: dict[str, str] = {}
        for before in known.was_called:
            for number in (*known.by_number, *known.credits):
                if number.startswith(f"{before}/"):
                    here.setdefault(f"{ref}/{number.removeprefix(f'{before}/')}", number)
        for number in (*known.by_number, *known.credits):
            here.pop(number, None)
        self._numbered_before.update(here.values())
        return renumbered(rows, here)

    def _check_numbers(self, rows: AccountRows) -> None:
        """An invoice that is another's here, and one that is here under the number that another `numbers` gives it:
        taken as a new one, the same debt would be asked twice."""
        ref, places = rows.account.ref, self._part.places
        said = {invoice.number for invoice in rows.invoices}
        is_new = self._part.units[ref].is_new
        for invoice in rows.invoices:
            place, other = places.get(invoice.number), numbered_otherwise(ref, invoice.number)
            known = places.get(other) if place is None and other not in said else None
            if place is not None and place.ref != ref:
                whose = f"invoice {invoice.number} is {ref}'s, and here it is {place.ref}'s already"
                reason = f"{whose}; {self._whose(rows, place.ref)}"
            elif known is not None and known.ref == ref:
                way = 'leave `numbers` under [invoice] as it was ("of_all" or "of_each_customer")'
                reason = f"invoice {invoice.number} is here as {other}, and would be asked twice; {way}"
            elif known is not None and is_new and len(other) < len(invoice.number):
                whose = f"invoice {other} is here as {known.ref}'s, and is {ref}'s now"
                reason = f"{whose}; {self._whose(rows, known.ref)}"
            elif (theirs := self._part.alike.get(invoice.number)) is not None:
                same = (
                    f"an invoice of the same number, dates and sum is here as {theirs.ref}'s, whom the file leaves out"
                )
                way = f"if it is another customer, leave a row of {theirs.ref} in the file"
                reason = f"{same}; if {theirs.ref} is called {ref} now, say {_renaming(theirs.ref, ref)}; {way}"
            else:
                continue
            self._refuse(ref, invoice.row, f"{self._label('number')}: {reason}")

    def _whose(self, rows: AccountRows, theirs: str) -> str:
        """The way out where an invoice is here as another customer's: it has a new reference, or the number is new."""
        ref, places = rows.account.ref, self._part.places
        found = (places.get(one.number, places.get(numbered_otherwise(ref, one.number))) for one in rows.invoices)
        if self._part.units[ref].is_new and {None if place is None else place.ref for place in found} <= {theirs, None}:
            return f"if {theirs} is called {ref} now, say {_renaming(theirs, ref)}; {ANOTHER}"
        return f"name the customer as before; {ANOTHER}"

    def _check_spelling(self, rows: AccountRows) -> None:
        """One invoice under two ways to write its number, in the file or here and in the file, is no second debt."""
        places, ref = self._part.places, rows.account.ref
        of_a_day = {(one.issued_on, one.total_minor) for one in rows.invoices}
        if len(of_a_day) == len(rows.invoices) and self._part.units[ref].is_new:
            return  # no two of them can be one
        fresh = {
            one.number for one in rows.invoices if one.number not in places and one.number not in self._numbered_before
        }
        if not fresh:
            return
        issued = (fact for _, fact in self._histories.get(self._part.units[ref].no, ()))
        said = {
            (written_alike(fact.debt.number), fact.issued_on, fact.debt.currency, fact.debt.total_minor): (
                fact.debt.number,
                "is here already",
            )
            for fact in issued
            if isinstance(fact, f.InvoiceIssued)
        }
        for one in sorted(rows.invoices, key=lambda one: one.row):
            same = (written_alike(one.number), one.issued_on, one.currency, one.asked_minor)
            number, where = said.setdefault(same, (one.number, f"is on row {one.row}"))
            if one.number in fresh and number != one.number:
                why = f"{number} {where} with the same date and sum"
                reason = f"invoice {one.number} would be asked twice: {why}; write its number as there"
                self._refuse(ref, one.row, f"{self._label('number')}: {reason}")

    def _check_notes(self, rows: AccountRows) -> None:
        """A credit note of another customer, in another currency than its invoice, or with an invoice number."""
        ref, places = rows.account.ref, self._part.places
        said = {invoice.number: invoice for invoice in rows.invoices}
        for note in rows.credits:
            of, place = said.get(note.invoice_number), places.get(note.invoice_number)
            if place is not None and place.ref != ref:
                reason = f"is {ref}'s, and invoice {note.invoice_number} is {place.ref}'s; name the customer's own"
            elif of is not None and of.currency != note.currency:
                reason = in_another_currency(note, of.currency)
            elif note.number in said or note.number in places:
                way = "a credit note has one of its own, and `credited` under [invoice] names its invoice"
                reason = f"has the number of an invoice; {way}"
            else:
                continue
            self._refuse(ref, note.row, f"{self._label('number')}: credit note {note.number} {reason}")

    def _check_opened(self, rows: AccountRows) -> None:
        """Invoices of somebody of whom nothing else is known, or said; and who is called what could mean another."""
        account = rows.account
        if not self._part.units[account.ref].is_new:
            return
        if account.is_named_only:
            for invoice in rows.invoices:
                reason = f"there is no account {account.ref}; send the account first, or with its invoices"
                self._refuse(account.ref, invoice.row, f"{self._label('account')}: {reason}")
            return
        try:
            check_ref(account.ref)
        except Refused as refused:
            row = min((i.row for i in rows.invoices), default=0)
            self._refuse(account.ref, row, f"{self._label('account_ref') or 'ref'}: {refused.message}")

    def _check_policy(self, rows: AccountRows) -> None:
        account, policies = rows.account, self._how.policies
        if account.policy not in policies and "policy" not in account.unsaid:
            known = ", ".join(sorted(p.name for version, p in policies.items() if version == p.name))
            way = f"policy {account.policy} is not in force (in force: {known}); `arrears policy adopt FILE` adopts one"
            row = min((i.row for i in rows.invoices), default=0)
            self._refuse(account.ref, row, f"{self._label('policy') or 'the map'}: {way}")

    def _check_payments(self, rows: AccountRows, paid: Mapping[str, str]) -> None:
        """Money that cannot have arrived yet, and money that another account has."""
        ref = rows.account.ref
        today = calendar_of(rows.account.zone).local_day(self._how.now)
        for payments in rows.payments.values():
            for payment in payments:
                theirs = paid.get(payment.ref, ref)
                if payment.dated and payment.paid_on > today:
                    late = f"paid on {payment.paid_on}, and today is {today}; leave out what is not paid"
                    self._refuse(ref, payment.row, f"{self._label('paid_on')}: {late}")
                elif theirs != ref and theirs not in self._part.shared.get(payment.ref, ()):
                    reason = f"payment {payment.ref} is {ref}'s, and here it is {theirs}'s already"
                    self._refuse(ref, payment.row, f"{self._label('ref')}: {reason}; {OTHER_MONEY}")

    def _label(self, name: str) -> str:
        """The column of a field; empty where the file says nothing about it."""
        return self._how.columns.get(name, "")

    def _refuse(self, ref: str, row: int, reason: str) -> None:
        """One reason a row; the first is the one that is told."""
        self._decided.wrong.setdefault(ref, {}).setdefault(row, reason)


def _renaming(theirs: str, ref: str) -> str:
    return f"`arrears account rename-ref {shlex.quote(theirs)} {shlex.quote(ref)} --by YOU --why WHY`"
