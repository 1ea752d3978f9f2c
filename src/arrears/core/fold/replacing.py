"""Small edits of the frozen account that the folding functions share."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from msgspec.structs import replace

from arrears.core.account import Account, Action, OpenOrder, Subscription
from arrears.core.facts import Recorded
from arrears.core.promises import Promise
from arrears.core.states import State


def with_subscription(account: Account, changed: Subscription) -> Account:
    subscriptions = account.subscriptions
    if len(subscriptions) == 1:
        return replace(account, subscriptions=(changed,))
    return replace(account, subscriptions=tuple([changed if s.no == changed.no else s for s in subscriptions]))


def with_promise(sub: Subscription, action: Action, promise: Promise) -> Subscription:
    if action is Action.RESTRICT:
        return replace(sub, restrict=promise)
    if action is Action.DISABLE:
        return replace(sub, disable=promise)
    if sub.end is None:
        return sub
    return replace(sub, end=replace(sub.end, delete=promise))


def with_order(sub: Subscription, no: int, kind: str, given: Recorded | None = None) -> Subscription:
    """`given` is the fact that gives an order whose lateness counts."""
    if no == 0:
        return sub
    order = OpenOrder(no, kind) if given is None else OpenOrder(no, kind, since=given.at, given_seq=given.seq)
    return replace(sub, order_count=no, orders=(*sub.orders, order), repeats=0)


def later(a: Any, b: Any) -> Any:
    return b if a is None or b > a else a


def fresh(before: Promise, seq: int, on: date) -> Promise:
    """A new episode: nothing promised, nothing accepted. The days already named are kept, so that the same day is
    never named twice under one rung."""
    return Promise(since_seq=seq, sent=tuple(s for s in before.sent if s.promised_on >= on))


def accepted(promise: Promise, seq: int, at: datetime) -> Promise:
    """The warning of fact `seq` was accepted: what it names is promised from now on, if it is not void by now."""
    sent = tuple(replace(s, accepted_at=at) if s.seq == seq and s.accepted_at is None else s for s in promise.sent)
    promise = _recounted(replace(promise, sent=sent))
    for warning in promise.counting:
        if warning.seq == seq:
            promise = replace(promise, promised_on=later(promise.promised_on, warning.promised_on))
    return promise


def came_back(promise: Promise, seqs: Collection[int], at: datetime) -> Promise:
    """The warnings of these facts do not count any more; the days that they named stay. Where none counts now, a new
    one is sent the next morning."""
    return _without(promise, [s.seq for s in promise.sent if s.seq in seqs and not s.otherwise], at)


def readdressed(promise: Promise, seqs: Collection[int], at: datetime, *, replaced: bool) -> Promise:
    """The same of warnings that nobody has got who is to be told now; `replaced`: nor were they told otherwise."""
    lost = [s.seq for s in promise.counting if s.seq in seqs and (replaced or not s.otherwise)]
    return replace(_without(promise, lost, at), readdressed=promise.readdressed + bool(lost))


def _without(promise: Promise, seqs: Collection[int], at: datetime) -> Promise:
    sent = tuple(replace(s, accepted_at=None, otherwise=False) if s.seq in seqs else s for s in promise.sent)
    after = _recounted(replace(promise, sent=sent))
    lost = promise.accepted_at is not None and after.accepted_at is None
    return replace(after, renew_from=at) if lost else after


def _recounted(promise: Promise) -> Promise:
    """The lead runs from the first warning that counts."""
    counting = sorted([(s.accepted_at, s.seq) for s in promise.counting if s.accepted_at is not None])
    at, seq = counting[0] if counting else (None, 0)
    return replace(promise, accepted_at=at, accepted_seq=seq)


def reminded_of(before: Account, account: Account, at: datetime) -> Account:
    """The account, with the instant from which the later reminders follow another debt than before."""
    if account.case is None or _oldest_free(before) == _oldest_free(account):
        return account
    return replace(account, case=replace(account.case, oldest_since=at))


def _oldest_free(account: Account) -> int | None:
    free = [d for d in account.past_due if not account.debt_is_held(d.no)]
    return min(free, key=lambda d: (d.day_0, d.due_on, d.no)).no if free else None


def relieved(before: Account, account: Account, closed: Collection[int]) -> Account:
    """The account with every stopped subscription marked that followed one of these debts, of which nothing is past due
    any more, and has others left."""
    for sub in account.subscriptions:
        stopped = sub.cut or sub.state is State.RESTRICTED
        if stopped and not sub.relieved and any(d.no in closed for d in before.debts_of(sub)):
            account = with_subscription(account, replace(sub, relieved=bool(account.debts_of(sub))))
    return account


def void(account: Account, subscription: int, action: Action, recorded: Recorded, *, doubted: bool) -> Account:
    """The warnings given so far no longer count, and what was scheduled on them is not."""
    sub = account.subscription(subscription)
    promise = replace(
        sub.promise(action),
        accepted_at=None,
        accepted_seq=0,
        since_seq=recorded.seq,
        doubted=doubted,
        renew_from=None if doubted else recorded.at,
    )
    sub = with_promise(sub, action, promise)
    if action is Action.DELETE and sub.end is not None:
        sub = replace(sub, end=replace(sub.end, scheduled_at=None, awaiting_release=False, released_by=()))
    return with_subscription(account, sub)
