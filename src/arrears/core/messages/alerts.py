"""Alerts: what stands in the account centre, and in the operator's own portal, until its cause is gone.

An alert is no row of its own but a function of the account's value, which is committed in the same transaction as the
cause: so it is raised and cleared in that transaction, and can never disagree with the decisions (decision 12).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from arrears.core.account import Action, Debt, Subscription
from arrears.core.deadlines import Ahead, ahead
from arrears.core.promises import Promise
from arrears.core.states import Reason, State
from arrears.core.view import View


class Level(StrEnum):
    """What an alert is about, the most urgent first."""

    DELETION_ON = "deletion_on"
    STOPPED = "stopped"
    STOPS_ON = "stops_on"
    PAST_DUE = "past_due"
    CARD_EXPIRES = "card_expires"
    BILL_READY = "bill_ready"
    CONFIRM_ADDRESS = "confirm_address"


class Alert(NamedTuple):
    """One alert. `cause` names what it stands for as long as that stands (`case:3`, `sub:2:1:disable`, `debt:7`,
    `method:4`, `address`); `since` is its first day and `on` the day it names, local, where there is one. `service`
    and `subscription` are empty for what concerns the account; `action` says how a service stops. `debts` are what is
    open because of it, `sums` what that is in each currency, in minor units."""

    level: Level
    cause: str
    since: date | None = None
    on: date | None = None
    service: str = ""
    action: Action | None = None
    debts: tuple[int, ...] = ()
    sums: tuple[tuple[str, int], ...] = ()
    method: int = 0
    subscription: int = 0


_ORDER = {level: place for place, level in enumerate(Level)}


def alerts_of(view: View, *, unconfirmed_address: bool = False) -> tuple[Alert, ...]:
    """The alerts that stand, the most urgent first. Held debts ask for nothing and raise none."""
    found = [
        *_past_due(view),
        *(alert for sub in view.account.subscriptions for alert in _stopped(view, sub)),
        *(alert for one in ahead(view) for alert in _announced(view, one)),
        *_bills(view),
        *_cards(view),
    ]
    if unconfirmed_address:
        found.append(Alert(Level.CONFIRM_ADDRESS, "address"))
    return tuple(sorted(found, key=lambda a: (_ORDER[a.level], a.on or date.max, a.service, a.cause)))


def _past_due(view: View) -> Iterator[Alert]:
    case, debts = view.account.case, _asked_for(view, view.past_due)
    if case is not None and debts:
        first = View.oldest_day_0(debts)
        yield _about(Alert(Level.PAST_DUE, f"case:{case.no}", since=first), debts)


def _stopped(view: View, sub: Subscription) -> Iterator[Alert]:
    """A service that does not run because of what is owed; a stop for another reason is no payment's business."""
    if Reason.PAST_DUE not in sub.reasons or sub.state not in (State.RESTRICTED, State.DISABLED):
        return
    action = Action.RESTRICT if sub.state is State.RESTRICTED else Action.DISABLE
    since = sub.entered_on if sub.end is None else sub.end.stopped_on
    cause = f"sub:{sub.no}:{sub.generation}:{sub.state}"
    alert = Alert(Level.STOPPED, cause, since, None, sub.service, action, subscription=sub.no)
    yield _about(alert, _asked_for(view, view.debts_of(sub)))


def _announced(view: View, one: Ahead) -> Iterator[Alert]:
    """What has been announced and not happened. The day is the one that messages name."""
    on, told = one.announced_day, _first_warned_on(one.promise)
    if on is None or told is None:
        return
    sub = one.sub
    level = Level.DELETION_ON if one.action is Action.DELETE else Level.STOPS_ON
    debts = _asked_for(view, view.debts_of(sub))
    if level is Level.STOPS_ON and not debts:
        return
    cause = f"sub:{sub.no}:{sub.generation}:{one.action}"
    yield _about(Alert(level, cause, told, on, sub.service, one.action, subscription=sub.no), debts)


def _first_warned_on(promise: Promise) -> date | None:
    """The day of the first warning that still counts."""
    return min((sent.on for sent in promise.sent if sent.seq > promise.since_seq), default=None)


def _bills(view: View) -> Iterator[Alert]:
    """An invoice that is open and not past due: it can be paid now."""
    for debt in _asked_for(view, view.account.debts):
        if debt.day_0 is None and not debt.ended:
            yield _about(Alert(Level.BILL_READY, f"debt:{debt.no}", on=debt.due_on), [debt])


def _cards(view: View) -> Iterator[Alert]:
    """A card in use whose end was announced, or that has expired: then nothing can be charged with it."""
    paying = {sub.method for sub in view.account.subscriptions if sub.state is not State.DELETED}
    for method in view.account.methods:
        if method.no not in paying or method.removed or method.expires_on is None:
            continue
        if method.announced_days or method.expires_on < view.today:
            yield Alert(Level.CARD_EXPIRES, f"method:{method.no}", on=method.expires_on, method=method.no)


def _asked_for(view: View, debts: Iterable[Debt]) -> list[Debt]:
    return [debt for debt in debts if not view.account.debt_is_held(debt.no)]


def _about(alert: Alert, debts: Iterable[Debt]) -> Alert:
    sums: dict[str, int] = {}
    numbers = []
    for debt in debts:
        numbers.append(debt.no)
        sums[debt.currency] = sums.get(debt.currency, 0) + debt.open_minor
    return alert._replace(debts=tuple(numbers), sums=tuple(sorted(sums.items())))
