"""Facts that the world answers: what services, mail servers and staff did with what we asked of them."""

from __future__ import annotations

from datetime import date, datetime

from arrears.core.facts.base import Fact


class OrderAcknowledged(Fact, frozen=True, tag="order_acknowledged"):
    """The service's word. `ended_on` is the day from whose end retention counts, for an order to disable."""

    subscription: int
    order_no: int
    order: str
    generation: int
    ended_on: date | None = None
    tell_at: datetime | None = None
    on: date | None = None


class NoticeAccepted(Fact, frozen=True, tag="notice_accepted"):
    """A mail server took the message of fact `notice` for at least one address that has not hard-bounced."""

    notice: int


class NoticeFailed(Fact, frozen=True, tag="notice_failed"):
    """The message of fact `notice` was refused, was not sent because it was no longer true, or its fate is
    unknown. It does not count as accepted and is never sent again."""

    notice: int
    why: str


class TaskClosed(Fact, frozen=True, tag="task_closed"):
    task: int
    outcome: str
