"""Saying something once, some days before its date: what every announcement has in common, whatever it is about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import assert_never

from arrears.core.account import Account, Action, Debt, Hold, HoldScope, Stop, Subscription
from arrears.core.announcements import Announcement
from arrears.core.messages.kinds import KINDS
from arrears.core.rules.remind import reminder_holds
from arrears.core.states import Reason, State
from arrears.core.view import Due, Rank, View


def announce(view: View, said: Announcement, days: int) -> Iterator[Due]:
    """`said` once, at 09:00 so many days before its date, or as soon after that as it can be said: after a hold on
    reminding, a doubt or an outage, or when its date is only known by then. From that date on it is not said any more,
    and nothing that does not stand (`stands`) ever is.
    """
    account = view.account
    if said in account.announced or account.doubts or not stands(account, said):
        return
    at = view.outside(view.morning(said.on - timedelta(days)), _holds(view, said))
    if at is not None and max(view.today, view.calendar.local_day(at)) < said.on:
        yield Due(at, Rank.NOTICE, said.about, said.name, partial(_part, said))


def stands(account: Account, said: Announcement) -> bool:
    """Whether this is still so: an open invoice that is due on that day, neither past due nor held, and no payment of
    it is under way; a subscription for which something is planned on that day, and where the message asks for money
    also something to pay that keeps it from happening; a payment method in use whose last day
    that is; a hold with that last day, after which an invoice is no longer held back."""
    if said.debt:
        debt = account.debt(said.debt)
        if debt is None or debt.ended or not _still_on(debt, said) or account.debt_is_held(debt.no):
            return False
        return debt.day_0 is None and debt.past_due_from is None and account.attempt_on([debt.no]) is None
    if said.subscription:
        sub = account.subscription(said.subscription)
        action = planned(sub, said.on)
        return action is not None and (not KINDS[said.kind].asks_for_money or to_pay(account, sub, action) != [])
    if said.hold:
        return bool(held_until(account, said.hold, said.on))
    method = account.method(said.method)
    return method.expires_on == said.on and not method.removed and bool(users(account, method.no))


def _still_on(debt: Debt, said: Announcement) -> bool:
    """Whether a debt's date is the one that is named; of what cannot be paid by card none is."""
    return debt.due_on == said.on or not KINDS[said.kind].by_card


def planned(subscription: Subscription, on: date) -> Action | None:
    """What happens to a subscription on a day that lies ahead, as far as that day is promised."""
    ends = subscription.end is not None and subscription.state is not State.DELETED
    actions = (Action.DELETE,) if ends else (Action.RESTRICT, Action.DISABLE)
    return next((action for action in actions if subscription.promise(action).promised_on == on), None)


def to_pay(account: Account, subscription: Subscription, action: Action) -> list[Debt]:
    """The past-due invoices that are asked for, and whose payment keeps an action from happening; none where it happens
    whatever is paid. Data is deleted only for invoices that name its subscription."""
    if Reason.PAST_DUE not in subscription.reasons or Reason.CANCELED in subscription.reasons:
        return []
    follows = account.debts_for if action is Action.DELETE else account.debts_of
    return [debt for debt in follows(subscription) if not account.debt_is_held(debt.no)]


def held_until(account: Account, number: int, on: date) -> list[Debt]:
    """The past-due invoices that this hold keeps something back from up to the end of that day, and no other hold
    keeps all of it back for longer."""
    hold = next((h for h in account.holds if h.no == number and h.ended_at is None and h.until == on), None)
    if hold is None:
        return []
    longer = [
        h
        for h in account.holds
        if h.ended_at is None and (h.until is None or h.until > on) and set(h.stops).issuperset(hold.stops)
    ]
    return [
        debt
        for debt in account.debts
        if debt.day_0 is not None and not debt.ended and _holds_back(hold, debt)
        if not any(_holds_back(one, debt) for one in longer)
    ]


def _holds_back(hold: Hold, debt: Debt) -> bool:
    """Whether an invoice is in the scope of a hold."""
    match hold.scope:
        case HoldScope.ACCOUNT:
            return True
        case HoldScope.SUBSCRIPTION:
            return hold.target in debt.subscriptions
        case HoldScope.DEBT:
            return hold.target == debt.no
        case _:
            assert_never(hold.scope)


def users(account: Account, method: int) -> list[Subscription]:
    """The subscriptions that a payment method pays for."""
    return [s for s in account.subscriptions if s.method == method and s.state is not State.DELETED]


def _holds(view: View, said: Announcement) -> list[Hold]:
    """The holds that keep it back: those on reminding and, of a day on which something is planned, those on that. The
    end of a hold is said while it lasts, for it asks for nothing; another that stops reminding keeps it back."""
    account = view.account
    if not account.holds:
        return []
    debt = account.debt(said.debt)
    if debt is not None:
        return reminder_holds(view, debt)
    if said.hold:
        debts = held_until(account, said.hold, said.on)
        reminding = [hold for hold in account.holds if Stop.REMIND in hold.stops and hold.until != said.on]
        return [hold for hold in reminding if any(_holds_back(hold, one) for one in debts)]
    if not said.subscription:
        return view.holds_on(Stop.REMIND, None, None)
    sub = account.subscription(said.subscription)
    action = planned(sub, said.on)
    stops = [Stop.REMIND] if action is None else [Stop.REMIND, Stop(action.value)]
    return [hold for stop in stops for hold in view.holds_on(stop, sub, None)]


def _part(said: Announcement) -> Announcement:
    return said
