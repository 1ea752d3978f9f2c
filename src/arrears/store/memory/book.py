"""The receivables that are there already, in memory (see ports.book)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import TYPE_CHECKING

from arrears.core.account import Account
from arrears.core.facts import Fact, InvoiceIssued, PaymentBooked, Recorded
from arrears.core.ledger import BAD_DEBT, CREDIT, RECEIVABLE, REVENUE, entries_of
from arrears.core.messages.recipients import Contacts, Extra
from arrears.core.unit import Stored
from arrears.ports import NewAccount
from arrears.ports.book import Alike, Place, Sums

if TYPE_CHECKING:
    from arrears.store.memory.rows import Slot


class MemoryReceivables:
    """See ports.book.Receivables."""

    facts: dict[int, list[Stored]]
    refs: dict[str, int]
    slots: dict[int, Slot]
    reached: dict[int, Contacts]

    def __init__(self) -> None:
        self.known: dict[int, NewAccount] = {}

    def facts_of(self, numbers: Sequence[int], kinds: Sequence[type[Fact]]) -> Mapping[int, Sequence[Recorded]]:
        """See ports.book.Receivables."""
        wanted = frozenset(kinds)
        return {n: [s.recorded for s in self.facts[n] if type(s.recorded.fact) in wanted] for n in numbers}

    def stored_facts_of(
        self, numbers: Sequence[int], kinds: Sequence[type[Fact]]
    ) -> Mapping[int, Sequence[tuple[str, str]]]:
        """See ports.book.Receivables."""
        wanted = frozenset(kinds)
        return {
            n: [(s.recorded.author, s.body) for s in self.facts[n] if type(s.recorded.fact) in wanted] for n in numbers
        }

    def described(self, numbers: Sequence[int]) -> Mapping[int, NewAccount]:
        """See ports.book.Receivables."""
        return {n: self.known[n] for n in numbers if n in self.known}

    def administered(self, numbers: Sequence[int]) -> AbstractSet[int]:
        """See ports.book.Receivables."""
        return {n for n in numbers if n in self.reached and self.reached[n].administrator is not None}

    def describe(self, account: int, known: NewAccount) -> None:
        """See ports.AccountsInParts."""
        known = known._replace(copies=tuple(sorted({*known.copies, *self.known[account].copies})))
        self.known[account] = known
        before = self.reached[account]
        self.reached[account] = before._replace(
            name=known.name, zone=known.zone, locale=known.locale, contact=known.contact or "", extras=extras_of(known)
        )

    def rename_ref(self, account: int, ref: str) -> None:
        """See ports.book.Receivables."""
        before = self.known[account].ref
        self.refs = {**{name: no for name, no in self.refs.items() if name != before}, ref: account}
        self.known[account] = self.known[account]._replace(ref=ref)

    def invoice_places(self, numbers: Sequence[str]) -> Mapping[str, Place]:
        """See ports.book.Receivables."""
        wanted = set(numbers)
        return {number: place for number, place in self._invoices() if number in wanted}

    def _invoices(self) -> Sequence[tuple[str, Place]]:
        refs = {number: ref for ref, number in self.refs.items()}
        return [
            (stored.recorded.fact.debt.number, Place(account, refs[account]))
            for account, facts in self.facts.items()
            for stored in facts
            if isinstance(stored.recorded.fact, InvoiceIssued)
        ]

    def invoices_alike(self, asked: Sequence[Alike]) -> Mapping[str, Place]:
        """See ports.book.Receivables."""
        refs = {number: ref for ref, number in self.refs.items()}
        found: dict[str, Place] = {}
        for account, facts in sorted(self.facts.items(), reverse=True):
            for stored in facts:
                match stored.recorded.fact:
                    case InvoiceIssued(debt=debt, issued_on=issued_on):
                        for one in asked:
                            same = debt.due_on == one.due_on or debt.total_minor == one.total_minor
                            dated = (issued_on, debt.currency) == (one.issued_on, one.currency)
                            if same and dated and debt.number.endswith(f"/{one.bare}"):
                                found[one.number] = Place(account, refs[account])
                    case _:
                        pass
        return found

    def payment_places(self, refs: Sequence[str]) -> Mapping[str, Place]:
        """See ports.book.Receivables."""
        names, wanted = {number: ref for ref, number in self.refs.items()}, set(refs)
        return {
            stored.recorded.fact.ref: Place(account, names[account])
            for account, facts in self.facts.items()
            for stored in facts
            if isinstance(stored.recorded.fact, PaymentBooked) and stored.recorded.fact.ref in wanted
        }

    def open_invoices(self) -> Mapping[str, Place]:
        """See ports.book.Receivables."""
        refs = {number: ref for ref, number in self.refs.items()}
        accounts = ((no, slot.state) for no, slot in self.slots.items() if slot.state is not None)
        return {
            debt.number: Place(no, refs[no]) for no, account in accounts for debt in account.debts if debt.open_minor
        }

    def invoice_count(self) -> int:
        """See ports.book.Receivables."""
        return len(self._invoices())

    def payment_count(self) -> int:
        """See ports.book.Receivables."""
        return sum(isinstance(s.recorded.fact, PaymentBooked) for facts in self.facts.values() for s in facts)

    def book_sums(self, today: date) -> Mapping[str, Sums]:
        """See ports.book.Receivables."""
        entries = [e for facts in self.facts.values() for stored in facts for e in entries_of(stored.recorded)]
        found: dict[tuple[str, str], int] = defaultdict(int)
        for entry in entries:
            found[entry.currency, entry.ledger] += entry.minor
        overdue: dict[str, int] = defaultdict(int)
        for slot in self.slots.values():
            for debt in _state(slot).debts:
                overdue[debt.currency] += debt.open_minor if debt.due_on < today else 0
        return {
            currency: Sums(
                -found[currency, REVENUE],
                found[currency, BAD_DEBT],
                found[currency, RECEIVABLE],
                overdue[currency],
                -found[currency, CREDIT],
            )
            for currency in {currency for currency, _ in found}
        }

    def policy_followers(self) -> Mapping[str, int]:
        """See ports.book.Receivables."""
        return Counter(_state(slot).terms.policy for slot in self.slots.values())


def extras_of(known: NewAccount) -> tuple[Extra, ...]:
    """Whom else to warn, by mail."""
    return tuple(Extra(address, "", "") for address in known.copies)


def _state(slot: Slot) -> Account:
    assert slot.state is not None, "an account that was opened has a state"
    return slot.state
