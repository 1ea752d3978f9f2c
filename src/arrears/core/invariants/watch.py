"""Watching one account: each committed transaction is checked as it comes, in time proportional to its facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, get_args

from arrears.core import facts as f
from arrears.core.account import Account, Action, Subscription
from arrears.core.actions import asks_for_message
from arrears.core.closed import closed
from arrears.core.effects import MOVING_MONEY, TELLING
from arrears.core.invariants.arranged import ARRANGED, check_arranged_hold, check_charge
from arrears.core.invariants.checked import AccountBook, Breach, CheckedInstallation, Sub, reaches_minimum
from arrears.core.invariants.ladder import LADDER
from arrears.core.invariants.messages import ANSWERS
from arrears.core.invariants.payments import MONEY, check_asked, taken_from_where_it_is
from arrears.core.invariants.people import SUPPORT
from arrears.core.invariants.reported import REPORTED
from arrears.core.invariants.resumed import RESUMED
from arrears.core.ledger import RECEIVABLE, entries_of
from arrears.core.policy import Policies
from arrears.core.states import Reason, State

CHECKS: Final[dict[type[f.Fact], Callable[[AccountBook, Any, f.Recorded], None]]] = closed(
    "checks of facts", get_args(f.AnyFact), REPORTED, ARRANGED, LADDER, RESUMED, ANSWERS, MONEY, SUPPORT
)

_NOT_WHILE_PARKED: Final = frozenset(
    {f.Restricted, f.Disabled, f.DeletionScheduled, f.DeletionOrdered, f.Noticed, f.BecamePastDue}
)


class Watch:
    """The checker of one account. Feed it every fact once, a transaction at a time."""

    __slots__ = ("_ledger", "book")

    def __init__(self, policies: Policies, installation: CheckedInstallation) -> None:
        self.book = AccountBook(policies, installation)
        self._ledger: dict[int, int] = {}

    def see(self, facts: Sequence[f.Recorded], account: Account | None, policies: Policies) -> list[Breach]:
        """What one transaction breaks. `account` is the state it committed (None: not known)."""
        book = self.book
        book.policies = policies
        for recorded in facts:
            self._one(book, recorded)
        self._committed(book)
        if account is not None:
            self._agrees(book, account)
        found, book.breaches = book.breaches, []
        return found

    def _one(self, book: AccountBook, recorded: f.Recorded) -> None:
        fact = recorded.fact
        book.no = recorded.account
        if recorded.seq != book.seq + 1:
            book.breach("I18", f"fact {recorded.seq} follows fact {book.seq}")
        book.seq = recorded.seq
        if book.at is not None and recorded.at < book.at:
            book.breach("I21", f"time goes back from {book.at} to {recorded.at}")
        book.at = recorded.at
        if not recorded.author:
            book.breach("I18", "a fact without an author")
        kind = type(fact)
        if book.parked and kind in _NOT_WHILE_PARKED:
            book.breach("I7", "a parked account is decided upon")
        unbooked, book.unbooked = book.unbooked, 0
        if kind in TELLING and asks_for_message(fact):
            book.unanswered.add(recorded.seq)
        CHECKS[kind](book, fact, recorded)
        if isinstance(fact, f.HoldPlaced) and fact.hold.arrangement:
            check_arranged_hold(book, fact.hold)
        elif isinstance(fact, f.AttemptCreated) and book.arranged:
            check_charge(book, fact, recorded)
        elif isinstance(fact, f.DeletionOrdered):
            check_asked(book, fact.subscription, recorded.at)
        if unbooked and kind is not f.PaymentBooked:
            book.breach("I4", f"attempt {unbooked} is paid, and its money is not booked with it")
        if kind in MOVING_MONEY:
            self._entries(book, recorded)

    def _entries(self, book: AccountBook, recorded: f.Recorded) -> None:
        """Double entry: each fact's entries add up to nothing, and receivables to what is open (I1)."""
        sums: dict[str, int] = {}
        for entry in entries_of(recorded):
            sums[entry.currency] = sums.get(entry.currency, 0) + entry.minor
            if entry.ledger == RECEIVABLE:
                self._ledger[entry.debt] = self._ledger.get(entry.debt, 0) + entry.minor
                debt = book.debts.get(entry.debt)
                if debt is None or self._ledger[entry.debt] != debt.open or debt.currency != entry.currency:
                    book.breach("I1", f"the ledger has {self._ledger[entry.debt]} open of invoice {entry.debt}")
        if any(sums.values()):
            book.breach("I1", f"the entries add up to {sums}")

    def _committed(self, book: AccountBook) -> None:
        """What holds in every committed state: paid is restored (I12), credit is used before anything is due (I2)."""
        for ref in sorted(book.taken_back):
            taken_from_where_it_is(book, ref)
        book.taken_back.clear()
        if book.parked:
            return
        for sub in book.subs.values():
            if sub.state is State.ACTIVE and not sub.reasons:
                continue
            self._restored(book, sub)
        if book.case is not None and not book.past_due:
            book.breach("I12", f"case {book.case_no} stays open and nothing is past due")
        for currency, minor in book.credit.items():
            if minor and any(
                d.currency == currency and not book.debt_held(d, promised=False) for d in book.open.values()
            ):
                book.breach("I2", f"{minor} {currency} of credit lie unused beside open debt")

    def _restored(self, book: AccountBook, sub: Sub) -> None:
        if sub.state is State.DELETED or (sub.end is not None and sub.end.ordered_at is not None):
            return
        if Reason.PAST_DUE in sub.reasons and not book.owing(sub):
            book.breach("I12", f"subscription {sub.no} owes nothing and is {sub.state}, past due")
        if sub.state in (State.PAST_DUE, State.RESTRICTED) and Reason.PAST_DUE not in sub.reasons:
            book.breach("I12", f"subscription {sub.no} is {sub.state} without being past due")
        if sub.state is State.DISABLED and not sub.reasons:
            book.breach("I12", f"subscription {sub.no} is stopped for no reason")
        if book.policy.minimum_minor and not reaches_minimum(book.owing(sub), book.policy):
            self._lapsed(book, sub)
        if sub.state is State.ACTIVE:
            book.breach("I18", f"subscription {sub.no} is active with {', '.join(sorted(sub.reasons))}")

    @staticmethod
    def _lapsed(book: AccountBook, sub: Sub) -> None:
        """Where too little is owed for anything to follow, no earlier warning stands for later (I9)."""
        if sub.state is State.DISABLED and not sub.cut:
            return
        for w in sub.warned:
            if w.action is Action.DELETE:
                runs = sub.state is State.DISABLED and sub.end is not None and w.seq > sub.end.seq
            else:
                runs = sub.state in (State.PAST_DUE, State.RESTRICTED) and w.seq > sub.past_due_seq
            if runs and not w.void and not (w.action is Action.RESTRICT and sub.state is State.RESTRICTED):
                book.breach("I9", f"too little is owed for a {w.action} of subscription {sub.no}, its warnings stay")

    def _agrees(self, book: AccountBook, account: Account) -> None:
        """The state that was stored says what the facts say (I18)."""
        seen = [(d.no, d.open_minor, d.day_0) for d in account.debts]
        told = [(d.no, d.open, d.day_0) for d in book.open.values()]
        if seen != told and sorted(seen) != sorted(told):
            book.breach("I18", f"the state has the debts {seen}, the facts say {told}")
        if (account.credit or book.credit) and account.credit != {c: m for c, m in book.credit.items() if m}:
            book.breach("I18", f"the state has the credit {account.credit}, the facts say {book.credit}")
        if (account.case is not None) != (book.case is not None) or bool(account.parked) != book.parked:
            book.breach("I18", "the state and the facts differ about the case")
        for sub in account.subscriptions:
            mine = book.subs.get(sub.no)
            if mine is None or not _same(mine, sub):
                book.breach("I18", f"the state of subscription {sub.no} is not what the facts say")
            elif (sub.orders or mine.open_orders) and {o.no for o in sub.orders} != mine.open_orders.keys():
                book.breach("I16", f"the open orders of subscription {sub.no} are not those that were given")


def _same(mine: Sub, sub: Subscription) -> bool:
    ends = sub.end is None if mine.end is None else sub.end is not None and sub.end.ended_on == mine.end.ended_on
    return (
        ends
        and mine.state is sub.state
        and mine.generation == sub.generation
        and mine.order_no == sub.order_count
        and len(mine.reasons) == len(sub.reasons)
        and mine.reasons.issuperset(sub.reasons)
    )


def instants(history: Sequence[f.Recorded]) -> list[list[f.Recorded]]:
    """A stream cut where the time changes: what one transaction, or several in one moment, have written."""
    groups: list[list[f.Recorded]] = []
    last: datetime | None = None
    for recorded in history:
        if recorded.at != last:
            groups.append([])
            last = recorded.at
        groups[-1].append(recorded)
    return groups
