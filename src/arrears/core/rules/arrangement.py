"""A promise to pay holds its invoices up to the day of its next part; a part that is done in time moves that to the one
after, and one that is not breaks it: then the ladder goes on where it had stopped, with a new warning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from arrears.core.account import ALL_ACTIONS, ALL_STOPS, Account, Debt, Hold, HoldScope
from arrears.core.arrangements import Arrangement
from arrears.core.facts import ArrangementEnded, ArrangementKept, HoldPlaced, Voided
from arrears.core.payments.arranged import arranged_debts, parts_done, parts_not_missed
from arrears.core.view import IMMEDIATELY, Due, Rank, View

REASON: Final = "promise to pay"
"""What its holds say."""

LOOK_AGAIN: Final = timedelta(hours=1)
"""While the whole installation waits, and so may not have charged what was agreed, its day is looked at after this."""


def rule(view: View) -> Iterable[Due]:
    """What became of each arrangement, and the next of the holds that are still to be placed."""
    return _dues(view) if view.account.arrangements else ()


def _dues(view: View) -> Iterator[Due]:
    account, unheld = view.account, None
    for one in account.arrangements:
        done = parts_done(account, one)
        if done > one.kept:
            kept = partial(ArrangementKept, arrangement=one.no, kept=done)
            yield Due(IMMEDIATELY, Rank.CONSEQUENCE, one.no, "promise to pay kept", kept)
            continue
        if unheld is None and one.next.on >= view.today:
            unheld = next(((one, debt) for debt in arranged_debts(account, one) if not _held(account, one, debt)), None)
        at = over_at(view, one)
        if at is not None:
            yield Due(at, Rank.HOLD, one.no, "promise to pay", partial(_over, view, one))
    if unheld is not None:
        # One at a time: each is numbered after the one before.
        yield Due(IMMEDIATELY, Rank.HOLD, unheld[1].no, "promise to pay holds", partial(_hold, view, *unheld))


def _held(account: Account, one: Arrangement, debt: Debt) -> bool:
    return any(
        h.arrangement == one.no and h.target == debt.no and h.ended_at is None and h.until == one.next.on
        for h in account.holds
    )


def _hold(view: View, one: Arrangement, debt: Debt) -> HoldPlaced:
    placed = Hold(
        no=view.account.hold_count + 1,
        scope=HoldScope.DEBT,
        target=debt.no,
        stops=ALL_STOPS,
        reason=REASON,
        from_at=view.now,
        until=one.next.on,
        arrangement=one.no,
        named=debt.subscriptions,
    )
    return HoldPlaced(hold=placed)


def over_at(view: View, one: Arrangement) -> datetime | None:
    """When the day of its next part is over. None while nobody can say whether that was paid: a payment for it is under
    way, or something about the account is in doubt. Where the whole installation waits, what was agreed to be charged
    may not have been, so that is not the customer's fault either."""
    account = view.account
    if account.doubts or account.attempt_on(one.debts) is not None:
        return None
    at = view.calendar.end_of_day(one.next.on)
    if one.collects and (view.guards.book_refused or view.guards.doubts_of(account.mode)):
        return max(at, view.now + LOOK_AGAIN)
    return at


def _over(view: View, one: Arrangement) -> ArrangementKept | ArrangementEnded:
    done = parts_not_missed(view.account, one)
    if done > one.kept:
        return ArrangementKept(arrangement=one.no, kept=done)
    return ended(view.account, one, broken=True)


def ended(account: Account, one: Arrangement, *, broken: bool) -> ArrangementEnded:
    """Its end. Every warning that counts for a subscription whose past-due invoices it named is void: nothing happens
    without a new one and its full lead."""
    voided = tuple(
        Voided(sub.no, action)
        for sub in account.subscriptions
        if (sub.end is None or sub.end.ordered_at is None)
        and any(debt.no in one.debts for debt in account.debts_of(sub))
        for action in ALL_ACTIONS
        if sub.promise(action).accepted_at is not None
    )
    return ArrangementEnded(arrangement=one.no, broken=broken, voided=voided)
