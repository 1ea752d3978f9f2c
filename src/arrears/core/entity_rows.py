"""The rows of an account and its things, as both stores write them (see rows.py)."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple


class SubscriptionRow(NamedTuple):
    account_id: int
    no: int
    service: str
    state: str
    generation: int
    reasons: str
    restrict_on: date | None
    disable_on: date | None
    delete_on: date | None


class InvoiceRow(NamedTuple):
    account_id: int
    no: int
    number: str
    currency: str
    total_minor: int
    open_minor: int
    issued_on: date
    due_on: date
    day_0: date | None


class InvoiceChange(NamedTuple):
    account_id: int
    no: int
    open_minor: int
    day_0: date | None


class InvoiceMove(NamedTuple):
    """An invoice that has another due date."""

    account_id: int
    no: int
    due_on: date


class PaymentRow(NamedTuple):
    account_id: int
    seq: int
    ref: str
    currency: str
    amount_minor: int


class CaseRow(NamedTuple):
    account_id: int
    no: int
    opened_on: date
    policy: str
    zone: str
    outcome: str | None = None
    ended_at: datetime | None = None


class CaseEnd(NamedTuple):
    account_id: int
    no: int
    outcome: str
    ended_at: datetime


class ServiceEndRow(NamedTuple):
    account_id: int
    subscription: int
    generation: int
    stopped_on: date
    ended_on: date | None
    delete_on: date | None
    scheduled_at: datetime | None
    awaiting_release: bool
    ordered_at: datetime | None


class HoldRow(NamedTuple):
    account_id: int
    no: int
    scope: str
    target: int
    stops: str
    reason: str
    from_at: datetime
    until: date | None
    ended_at: datetime | None


class RequestRow(NamedTuple):
    """A support request that opened by itself; `seq` is the fact that opened it."""

    account_id: int
    seq: int
    about: str
    via: str
    state: str
    asked_at: datetime


class TaskEnd(NamedTuple):
    account_id: int
    seq: int
    closed_seq: int
