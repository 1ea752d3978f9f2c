"""A second opinion on every cut, from books that the engine never sees: what the payer owes and what mail arrived.

The bounds are loose on purpose: whatever it calls wrongful is wrongful by anybody's reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from arrears.core.calendar import calendar_of
from arrears.core.policy import Policy, Scope
from arrears.ports import Message
from arrears.sim.people import Bill, Person

Mailbox = Mapping[int, Sequence[tuple[datetime, Message]]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The strictest that any policy an account has ever had allows."""

    disable_after_days: int
    disable_lead_days: int
    retention_days: int
    delete_lead_days: int
    wide: bool


def bounds(policies: Sequence[Policy]) -> Bounds:
    """The earliest that any of these would act."""
    return Bounds(
        disable_after_days=min(p.disable_after_days for p in policies),
        disable_lead_days=min(p.disable_lead_days for p in policies),
        retention_days=min(p.retention_days for p in policies),
        delete_lead_days=min(p.delete_lead_days for p in policies),
        wide=any(p.scope is Scope.ACCOUNT for p in policies),
    )


def _owed_for(person: Person, subscription: int, wide: bool) -> list[Bill]:
    owed = [b for b in person.owed if wide or subscription in b.subscriptions]
    unpaid: dict[str, int] = {}
    for bill in person.owed:
        unpaid[bill.currency] = unpaid.get(bill.currency, 0) + bill.unpaid
    return [b for b in owed if person.spare.get(b.currency, 0) < unpaid[b.currency]]


def _told(mailbox: Mailbox, account: int, words: str, before: datetime, after: date) -> bool:
    since = datetime(after.year, after.month, after.day, tzinfo=before.tzinfo) - timedelta(days=2)
    return any(since <= at <= before and words in message.text for at, message in mailbox.get(account, ()))


def wrongful_disablement(
    person: Person, subscription: int, on: date, at: datetime, allowed: Bounds, mailbox: Mailbox
) -> str | None:
    """Why this customer was disabled wrongfully, or None."""
    owed = _owed_for(person, subscription, allowed.wide)
    if not owed:
        return "everything was paid"
    due_on = min(b.due_on for b in owed)
    if on < due_on + timedelta(days=allowed.disable_after_days):
        return f"the oldest unpaid invoice was due only on {due_on}"
    if not _told(mailbox, person.no, "the service stops on", at - timedelta(days=allowed.disable_lead_days), due_on):
        return "no warning had arrived in time"
    return None


def wrongful_deletion(person: Person, subscription: int, at: datetime, allowed: Bounds, mailbox: Mailbox) -> str | None:
    """Why this customer was deleted wrongfully, or None."""
    starts = [
        b.due_on + timedelta(days=allowed.disable_after_days) for b in _owed_for(person, subscription, allowed.wide)
    ]
    if subscription in person.stopped_on:
        starts.append(person.stopped_on[subscription])
    if not starts:
        return "nothing was owed, and nothing was canceled"
    today = calendar_of(person.zone).local_day(at) + timedelta(days=1)
    if today < min(starts) + timedelta(days=allowed.retention_days):
        return f"the service could end on {min(starts)} at the earliest"
    if not _told(
        mailbox, person.no, "the data is deleted on", at - timedelta(days=allowed.delete_lead_days), min(starts)
    ):
        return "no warning had arrived in time"
    return None
