"""Subscriptions: added, canceled, taken back, and stopped for reasons that have nothing to do with debt."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.after_deletion import is_going
from arrears.core.errors import Refused
from arrears.core.evolve import evolve
from arrears.core.ids import SUBSCRIPTION, check_ref, format_id
from arrears.core.policy.values import HERE
from arrears.core.rules import resume
from arrears.core.states import Reason, State
from arrears.core.view import View
from arrears.engine.acting import acting_on, subscription_of
from arrears.ports import Accounts, AccountsAndSubscriptionRefs, SubscriptionPlace


def add_subscription(store: Accounts, account: int, service: str, now: datetime, author: str) -> int:
    """Add a subscription to a service; its number within the account."""
    with acting_on(store, account, now) as unit:
        number = len(unit.account.subscriptions) + 1
        unit.record(f.SubscriptionAdded(subscription=number, service=service), author)
        return number


def call_subscription(
    store: AccountsAndSubscriptionRefs, account: int, ref: str, service: str, now: datetime, author: str
) -> int:
    """The account's subscription to this service is called `ref` by the operator's systems; it is added if there is
    none yet, or its deletion was ordered. Said again it changes nothing. Its number within the account.

    Refuses `bad_ref` for what looks like an id of ours, `duplicate_ref` where another subscription is called so or
    this one is called otherwise, and `unknown_subscription` where several of the account have that service."""
    check_ref(ref)
    place = store.subscription_places([ref]).get(ref)
    with acting_on(store, account, now) as unit:
        same = [sub for sub in unit.account.subscriptions if sub.service == service]
        if place is not None and place.account == account:
            same = [sub for sub in same if sub.no == place.no]
        else:
            same = [sub for sub in same if not is_going(sub)]
        if len(same) > 1:
            raise Refused("unknown_subscription", f"account has several subscriptions to {service[:60]!r}; cancel one")
        taken = place is not None and (place.account != account or not same)
        number = same[0].no if same else len(unit.account.subscriptions) + 1
        if not taken and not same:
            unit.record(f.SubscriptionAdded(subscription=number, service=service), author)
        if taken or not store.call_subscription(SubscriptionPlace(account, number), ref):
            other = "another subscription is called that, or the account's one to that service is called otherwise"
            raise Refused("duplicate_ref", f"{ref[:60]!r} to {service[:60]!r}: {other}; an account uses a service once")
    return number


def cancel(store: Accounts, account: int, subscription: int, now: datetime, author: str, why: str = "") -> None:
    """End a subscription: its service ends today, what is open stays open, and its data is kept for the days of
    retention. Refuses `unknown_subscription`, `deleted`, `already_canceled`."""
    policies, guards = store.policies(), store.system().guards
    with acting_on(store, account, now) as unit:
        subscription_of(unit, subscription)
        unit.record(_canceled(View(policies, unit.account, guards, now), subscription), author, why)


def cancel_by_customer(store: Accounts, account: int, subscription: int, now: datetime, author: str) -> None:
    """The same, asked for by the customer in the account centre. Refuses `cancel_elsewhere` where the account's policy
    has another way for that."""
    policies, guards = store.policies(), store.system().guards
    with acting_on(store, account, now) as unit:
        view = View(policies, unit.account, guards, now)
        subscription_of(unit, subscription)
        if view.policy.cancel_by_customer != HERE:
            way = view.policy.cancel_by_customer or "by asking support"
            raise Refused("cancel_elsewhere", f"a customer of this policy cancels {way}")
        unit.record(_canceled(view, subscription), author)


def if_canceled(view: View, subscription: int) -> View:
    """The account as it would stand if this were canceled now: what a customer is told before they decide."""
    return _if(view, _canceled(view, subscription))


def if_reactivated(view: View, subscription: int) -> View:
    """The account as it would stand if the cancellation of this one were taken back now, and it ran again by that."""
    then = _if(view, f.Reactivated(subscription=subscription))
    back = [due.build() for due in resume.rule(then) if due.subject == subscription]
    return _if(then, back[0]) if back and isinstance(back[0], f.Resumed) else then


def _if(view: View, fact: f.Canceled | f.Reactivated | f.Resumed) -> View:
    recorded = f.Recorded(view.account.no, 1, view.now, f.ARREARS, "", fact)
    return View(view.policies, evolve(view.account, recorded), view.guards, view.now)


def _canceled(view: View, subscription: int) -> f.Canceled:
    sub = view.account.subscription(subscription)
    if Reason.CANCELED in sub.reasons:
        raise Refused(
            "already_canceled", f"{format_id(SUBSCRIPTION, view.account.no, subscription)} is canceled already"
        )
    return f.Canceled(
        subscription=subscription,
        on=view.today,
        terms=view.pinned,
        order_no=0 if sub.end is not None else sub.order_count + 1,
        before=sub.state,
        tell=True,
    )


def reactivate(store: Accounts, account: int, subscription: int, now: datetime, author: str, why: str = "") -> None:
    """Take a cancellation back. Refused once the deletion has been ordered."""
    policies, guards = store.policies(), store.system().guards
    with acting_on(store, account, now) as unit:
        sub = subscription_of(unit, subscription)
        if Reason.CANCELED not in sub.reasons:
            raise Refused("not_canceled", f"{format_id(SUBSCRIPTION, account, subscription)} is not canceled")
        then = if_reactivated(View(policies, unit.account, guards, now), subscription).account
        stays = then.subscription(subscription).state is State.DISABLED
        unit.record(f.Reactivated(subscription=subscription, tell=stays), author, why)


_OTHER: Final = (Reason.SPENDING_LIMIT, Reason.POLICY_VIOLATION, Reason.OTHER)


def set_reason(
    store: Accounts, account: int, subscription: int, reason: Reason, now: datetime, author: str, why: str
) -> None:
    """Stop a subscription for a reason that has nothing to do with debt."""
    policies = store.policies()
    guards = store.system().guards
    with acting_on(store, account, now) as unit:
        sub = subscription_of(unit, subscription)
        if reason not in _OTHER or reason in sub.reasons:
            raise Refused("bad_reason", f"{reason} cannot be set on {format_id(SUBSCRIPTION, account, subscription)}")
        view = View(policies, unit.account, guards, now)
        order_no = 0 if sub.end is not None else sub.order_count + 1
        unit.record(
            f.ReasonSet(
                subscription=subscription,
                reason=reason,
                on=view.today,
                terms=view.pinned,
                order_no=order_no,
                before=sub.state,
            ),
            author,
            why,
        )


def lift_reason(
    store: Accounts, account: int, subscription: int, reason: Reason, now: datetime, author: str, why: str
) -> None:
    """Lift a reason that has nothing to do with debt; a subscription with no reason left to be stopped runs again."""
    with acting_on(store, account, now) as unit:
        sub = subscription_of(unit, subscription)
        if reason not in _OTHER or reason not in sub.reasons:
            raise Refused("bad_reason", f"{reason} is not set on {format_id(SUBSCRIPTION, account, subscription)}")
        unit.record(f.ReasonLifted(subscription=subscription, reason=reason), author, why)
