"""Who will be told what, when: from the policy and the case, before it happens (spec, section 7, Recipients)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from typing import Final, NamedTuple

from arrears.core.account import Action
from arrears.core.deadlines import ahead
from arrears.core.errors import Refused
from arrears.core.facts import Noticed, Reminder, Warning
from arrears.core.forecast import forecast
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.messages.kinds import MessageKind
from arrears.core.messages.recipients import Contacts, Recipient, recipients
from arrears.core.view import View
from arrears.engine.messages.unreached import Unreached, unreached
from arrears.ports import AccountHistory, Journal

MESSAGES_MAX: Final = 60
"""More are said when they come near: where nobody can be reached they would never end."""


class Telling(NamedTuple):
    """One message that will be sent unless everything is paid before. `on` is its local day, None while nothing is
    past due; `day` counts from day 0, for `deletion_warning` from the end of service. `names` is the date it will
    promise, where that is known. `subscription` is 0 for what concerns the account."""

    kind: MessageKind
    service: str
    day: int
    on: date | None
    names: date | None
    to: tuple[Recipient, ...]
    subscription: int = 0


class UpcomingMessages(NamedTuple):
    """What is ahead, in order; every address, working or not, that anything would go to; and, where none of them
    works, since when and what waits."""

    contacts: Contacts
    zone: str
    tellings: tuple[Telling, ...]
    unreached: Unreached | None


def upcoming_messages(store: AccountHistory, account: int, now: datetime) -> UpcomingMessages:
    """The messages that lie ahead of one account; refuses `unknown_account`."""
    snapshot = store.snapshots([account]).get(account)
    if snapshot is None:
        raise Refused("unknown_account", f"there is no account {format_id(ACCOUNT, account)}")
    view = View(store.policies(), snapshot, store.system().guards, now)
    return plan_of(view, store.contacts([account])[account], store)


def plan_of(view: View, contacts: Contacts, journal: Journal) -> UpcomingMessages:
    """The messages that lie ahead of an account that has been read already."""
    nobody = unreached(view, contacts, journal)
    running = view.account.case is not None or _ending(view)
    found = list(_planned(view, contacts, heard=nobody is None) if running else _usual(view, contacts))
    found.sort(key=lambda one: (one.on or date.min, one.day, one.kind, one.service, one.subscription))
    return UpcomingMessages(contacts, view.terms.zone, tuple(found), nobody)


def _ending(view: View) -> bool:
    return any(sub.end is not None for sub in view.account.subscriptions)


def _planned(view: View, contacts: Contacts, *, heard: bool) -> Iterator[Telling]:
    """What leaves if nothing changes, before the next thing that happens to each service: one message a day, so that a
    reminder which a warning of that morning says too is not named beside it."""
    next_ones = {(one.sub.no, one.action) for one in ahead(view)}
    for step in islice((one for one in forecast(view, heard=heard) if isinstance(one.fact, Noticed)), MESSAGES_MAX):
        assert isinstance(step.fact, Noticed)
        on = view.calendar.local_day(step.at)
        warnings = step.fact.each(Warning)
        for one in (w for w in warnings if (w.subscription, w.action) in next_ones):
            kind = MessageKind.DELETION_WARNING if one.action is Action.DELETE else MessageKind.STOP_WARNING
            to = recipients(contacts, kind)
            service = view.account.subscription(one.subscription).service
            yield Telling(kind, service, one.step, on, one.promised_on, to, one.subscription)
        for reminder in () if warnings else step.fact.each(Reminder):
            yield Telling(MessageKind.REMINDER, "", reminder.step, on, None, recipients(contacts, MessageKind.REMINDER))


def _usual(view: View, contacts: Contacts) -> Iterator[Telling]:
    """What the policy would do if a payment did not arrive."""
    policy = view.policy
    for step in policy.remind_days:
        yield Telling(MessageKind.REMINDER, "", step, None, None, recipients(contacts, MessageKind.REMINDER))
    for step in policy.disable_warning_days:
        yield Telling(MessageKind.STOP_WARNING, "", step, None, None, recipients(contacts, MessageKind.STOP_WARNING))
    for step in policy.delete_warning_days:
        yield Telling(
            MessageKind.DELETION_WARNING, "", step, None, None, recipients(contacts, MessageKind.DELETION_WARNING)
        )
