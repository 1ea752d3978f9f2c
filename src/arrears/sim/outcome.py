"""What a policy made of a receivables book, as plain values: what a report, a table or a script is written from.

Sums are minor units, by currency; days are local days of the account. Nothing here depends on how long a replay took,
on the store or on the machine: the same book and policy give equal values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from arrears.core.policy import Policy


class PaidWhen(StrEnum):
    """How far the ladder had come with a past-due debt when money came for it. `held`: it was disputed, and nothing was
    asked."""

    HELD = "held"
    UNTOLD = "untold"
    REMINDED = "reminded"
    WARNED = "warned"
    STOPPED = "stopped"
    DELETED = "deleted"


class Exposure(StrEnum):
    """Whose money is past due: of a service that runs, of one that is stopped, of one whose data is deleted."""

    RUNNING = "running"
    STOPPED = "stopped"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class ServiceStop:
    """One time without service because of debt: the first and the last local day on which it was off, wholly or in
    part. `until` None: it was still off at the end. `deleted`: it ended with the deletion of the data."""

    account_ref: str
    service: str
    since: date
    until: date | None
    days: int
    deleted: bool = False


@dataclass(slots=True)
class SumsOutcome:
    """The money of one currency. `past_due` is what was open of each debt when it went past due; of that `recovered`
    came in, by days after day 0, and as far as the ladder had come (`by_stage`); `lowered` was credited or written off;
    `still_owed` is left. `still_open` is everything unpaid at the end, due or not; `owed_at_deletion` what was past due
    on what was deleted, on that day; `not_asked` what the book asks for after that deletion. `exposure` is what was
    past due at the end of each day, from the first day of the replay."""

    invoices: int = 0
    invoiced: int = 0
    past_due: int = 0
    recovered: dict[int, int] = field(default_factory=dict)
    by_stage: dict[PaidWhen, int] = field(default_factory=dict)
    lowered: int = 0
    still_owed: int = 0
    still_open: int = 0
    owed_at_deletion: int = 0
    not_asked: int = 0
    exposure: dict[Exposure, list[int]] = field(default_factory=dict)

    @property
    def recovered_minor(self) -> int:
        """All that came in for past-due debts."""
        return sum(self.recovered.values())

    def recovered_within(self, days: int) -> int:
        """What came in until so many days after day 0."""
        return sum(minor for after, minor in self.recovered.items() if after <= days)


@dataclass(slots=True)
class CustomerSums:
    """One customer's money of one currency: asked, gone past due, and unpaid at the end."""

    invoiced: int = 0
    past_due: int = 0
    still_open: int = 0


@dataclass(slots=True)
class CustomerOutcome:
    """What a policy did to one customer. `days_late_max` is the most days from a due date to full payment, or to
    the end."""

    ref: str
    name: str
    past_due_invoices: int = 0
    cases: int = 0
    notices: int = 0
    days_late_max: int = 0
    stops: int = 0
    days_without_service: int = 0
    deleted_on: date | None = None
    sums: dict[str, CustomerSums] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyOutcome:
    """What one policy made of the book. Counts are of the whole book; `notices` are messages, of which some remind,
    warn of a stop or warn of a deletion (one message can do several). `late_invoices` are
    those that went past due, by currency; `first_on` and `last_on` are the days that were played."""

    policy: Policy
    first_on: date
    last_on: date
    invoices: int
    accounts: int
    past_due_invoices: int
    cases: int
    accounts_with_case: int
    notices: int
    reminders: int
    stop_warnings: int
    deletion_warnings: int
    restricted: int
    disabled: int
    resumed: int
    deleted: int
    invoices_not_asked: int
    stops: tuple[ServiceStop, ...]
    sums: Mapping[str, SumsOutcome]
    late_invoices: Mapping[str, int]
    customers: tuple[CustomerOutcome, ...]
    invariants_checked: int
    invariants_breached: int

    @property
    def virtual_days(self) -> int:
        """How many days were played."""
        return (self.last_on - self.first_on).days + 1

    @property
    def days_without_service(self) -> int:
        """Local days on which a service was off, wholly or in part, added up over all services."""
        return sum(stop.days for stop in self.stops)

    @property
    def customers_stopped(self) -> int:
        """How many customers a service was stopped for, at least once."""
        return len({stop.account_ref for stop in self.stops})

    def stops_within(self, days: int) -> int:
        """How many stops ended with a payment within so many days."""
        return sum(not s.deleted and s.until is not None and s.days <= days for s in self.stops)
