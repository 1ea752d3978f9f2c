"""A second opinion on every cut, from books that the engine never sees: what the payer owes and what mail arrived.

The bounds are loose on purpose: whatever it calls wrongful is wrongful by anybody's reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from arrears.core.calendar import calendar_of
from arrears.core.policy import ClockScope, Policy
from arrears.ports import Message
from arrears.sim.people import Bill, SimulatedPerson

ONE_DAY: Final = timedelta(days=1)

WARNING_DAYS_MAX: Final = 200
"""An older warning is no warning by anybody's reading."""

Mailbox = Mapping[int, Sequence[tuple[datetime, Message]]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The strictest that any policy an account has ever had allows; None where all of them say never."""

    disable_after_days: int | None
    disable_lead_days: int
    retention_days: int | None
    delete_lead_days: int
    wide: bool


def bounds(policies: Sequence[Policy]) -> Bounds:
    """The earliest that any of these would act."""
    return Bounds(
        disable_after_days=_earliest(p.disable_after_days for p in policies),
        disable_lead_days=min(p.disable_lead_days for p in policies),
        retention_days=_earliest(p.retention_days for p in policies),
        delete_lead_days=min(p.delete_lead_days for p in policies),
        wide=any(p.scope is ClockScope.ACCOUNT for p in policies),
    )


def _earliest(days: Iterable[int | None]) -> int | None:
    return min((day for day in days if day is not None), default=None)


def _owed_for(person: SimulatedPerson, subscription: int, wide: bool) -> list[Bill]:
    owed = [b for b in person.owed if wide or subscription in b.subscriptions]
    unpaid: dict[str, int] = {}
    for bill in person.owed:
        unpaid[bill.currency] = unpaid.get(bill.currency, 0) + bill.unpaid
    return [b for b in owed if person.spare.get(b.currency, 0) < unpaid[b.currency]]


def _warned(mailbox: Mailbox, account: int, words: str, before: datetime, since: datetime | None = None) -> bool:
    """Whether mail with these words had arrived; a warning counts as long as the subscription stays past due, even
    when the debt that it was about has been paid and another one has taken its place, and one of a deletion `since` the
    end of the service."""
    since = since or before - timedelta(days=WARNING_DAYS_MAX)
    return any(since <= at <= before and words in message.text for at, message in mailbox.get(account, ()))


def wrongful_disablement(
    person: SimulatedPerson, subscription: int, on: date, at: datetime, allowed: Bounds, mailbox: Mailbox
) -> str | None:
    """Why this customer was disabled wrongfully, or None."""
    owed = _owed_for(person, subscription, allowed.wide)
    if not owed:
        return "everything was paid"
    if allowed.disable_after_days is None:
        return "its policy says never"
    due_on = min(b.due_on for b in owed)
    if on < due_on + timedelta(days=allowed.disable_after_days):
        return f"the oldest unpaid invoice was due only on {due_on}"
    if not _warned(mailbox, person.no, "the service stops on", at - timedelta(days=allowed.disable_lead_days)):
        return "no warning had arrived in time"
    return None


def wrongful_deletion(
    person: SimulatedPerson,
    subscription: int,
    at: datetime,
    off_since: datetime | None,
    allowed: Bounds,
    mailbox: Mailbox,
) -> str | None:
    """Why this customer was deleted wrongfully, or None. `off_since` is when the service was first told to stop."""
    calendar = calendar_of(person.zone)
    owed = _owed_for(person, subscription, allowed.wide)
    given_up = any(no == subscription for no, _ in person.given_up)
    if not owed and not given_up:
        return "nothing was owed, and nothing was canceled"
    if allowed.retention_days is None:
        return "its policy says never"
    if off_since is None:
        return "the service was never told to stop"
    starts = [calendar.local_day(off_since) - 2 * ONE_DAY]
    if owed:
        starts.append(min(b.due_on for b in owed) + timedelta(days=allowed.disable_after_days or 0) - ONE_DAY)
    earliest = (starts[0] if given_up else max(starts)) + timedelta(days=allowed.retention_days)
    if calendar.local_day(at) < earliest:
        return f"it could be deleted on {earliest} at the earliest"
    warned_before = at - timedelta(days=allowed.delete_lead_days)
    if not _warned(mailbox, person.no, "the data is deleted on", warned_before, off_since):
        return "no warning had arrived in time"
    return None
