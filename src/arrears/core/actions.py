"""What a fact asks of the outside world: messages to send, orders to give, tasks for staff; and the rungs it took.

The rows are made from the facts, so there is an action if and only if its cause was recorded (I16). Which facts leave
which of them is the table in `effects.py`; one that it lists and that is forgotten here is an error, never nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple, assert_never

import msgspec

from arrears.core import facts as f
from arrears.core.effects import ACTING, ASKING, STEPPING, TELLING

NOTICE: Final = "notice"
ORDER: Final = "order"
CHARGE: Final = "charge"


class ActionRow(msgspec.Struct, frozen=True, gc=False):
    """One thing to perform, named by the fact that asks for it. Orders carry subscription, number and kind; a charge
    carries the attempt's number."""

    account: int
    seq: int
    kind: str
    subscription: int = 0
    order_no: int = 0
    order: str = ""


class StepRow(msgspec.Struct, frozen=True, gc=False):
    """One rung that was reached (or overtaken): unique, so nothing is ever done twice. Of a reminder `subscription` is
    the number of its debt and `generation` the fact by which that debt's money left again or its due date moved."""

    account: int
    seq: int
    kind: str
    case: int
    subscription: int
    generation: int
    rung: int
    promised_on: date | None
    skipped: bool


class TaskRow(NamedTuple):
    """Something a person must look at, named by the fact that asks for it."""

    account: int
    seq: int
    kind: str
    what: str


def actions_of(recorded: f.Recorded) -> Iterator[ActionRow]:
    """What must be performed because of this fact."""
    account, seq, fact = recorded.account, recorded.seq, recorded.fact
    if type(fact) not in ACTING:
        return
    match fact:
        case f.Restricted():
            yield ActionRow(account, seq, ORDER, fact.subscription, fact.order_no, "restrict")
        case f.Disabled() | f.Canceled() | f.ReasonSet():
            if fact.order_no:
                yield ActionRow(account, seq, ORDER, fact.subscription, fact.order_no, "disable")
        case f.Resumed():
            if fact.order_no:
                yield ActionRow(account, seq, ORDER, fact.subscription, fact.order_no, "resume")
        case f.DeletionOrdered():
            yield ActionRow(account, seq, ORDER, fact.subscription, fact.order_no, "delete")
        case f.AttemptCreated():
            yield ActionRow(account, seq, CHARGE, 0, fact.attempt, "page" if fact.on_page else "charge")
        case _:
            if asks_for_message(fact):
                yield ActionRow(account, seq, NOTICE)


def asks_for_message(fact: f.AnyFact) -> bool:
    """Whether a message goes out because of this fact."""
    if type(fact) not in TELLING:
        return False
    match fact:
        case f.PaymentBooked(tell=tell) | f.ChargeDeclined(tell=tell) | f.AttemptMoved(tell=tell):
            return bool(tell)
        case f.SupportOpened(tell=tell) | f.SupportAnswered(tell=tell):
            return tell
        case f.AddressConfirmed(changed=changed):
            return changed
        case _:
            return True


def steps_of(recorded: f.Recorded) -> Iterator[StepRow]:
    """The rungs that this fact reached."""
    account, seq, fact = recorded.account, recorded.seq, recorded.fact
    if type(fact) not in STEPPING:
        return
    match fact:
        case f.Noticed():
            for part in fact.parts:
                yield from _steps_of_part(account, seq, part)
        case f.ResumeLate():
            for o in fact.orders:
                yield StepRow(account, seq, "resume_late", 0, o.subscription, o.generation, o.order_no, None, False)
        case f.Restricted():
            yield StepRow(account, seq, "restrict", 0, fact.subscription, fact.generation, 0, fact.on, False)
        case f.Disabled():
            yield StepRow(account, seq, "disable", 0, fact.subscription, fact.generation, 0, fact.on, False)
        case f.DeletionOrdered():
            yield StepRow(
                account, seq, "delete", 0, fact.subscription, fact.generation, 0, fact.evidence.promised_on, False
            )
        case _:
            raise AssertionError(fact)


def _steps_of_part(account: int, seq: int, part: f.NoticePart) -> Iterator[StepRow]:
    match part:
        case f.Reminder():
            yield from _steps_of_reminder(account, seq, part)
        case f.Warning(subscription=sub, generation=generation, promised_on=on):
            yield StepRow(account, seq, f"warn_{part.action}", 0, sub, generation, part.step, on, False)
        case f.Told() | f.Expiring():
            pass  # that it was said stands with the subscription, or the method
        case _:
            assert_never(part)


def _steps_of_reminder(account: int, seq: int, reminder: f.Reminder) -> Iterator[StepRow]:
    case = reminder.case
    for part in reminder.debts or (f.RemindedDebt(0, reminder.step, reminder.skipped),):
        for rung in (*part.skipped, part.step):
            yield StepRow(account, seq, "remind", case, part.debt, part.reopened, rung, None, rung != part.step)


def tasks_of(recorded: f.Recorded) -> Iterator[TaskRow]:
    """What staff must look at because of this fact."""
    account, seq, fact = recorded.account, recorded.seq, recorded.fact
    if type(fact) not in ASKING:
        return
    match fact:
        case f.Noticed() if any(w.late for w in fact.each(f.Warning)):
            numbers = ", ".join(str(w.subscription) for w in fact.each(f.Warning) if w.late)
            yield TaskRow(account, seq, "warning_not_accepted", f"no warning was accepted for subscription {numbers}")
        case f.NoticeFailed(why=why) if why.startswith("unknown"):
            yield TaskRow(account, seq, "notice_fate_unknown", f"the message of fact {fact.notice}: {why}")
        case f.NoticeFailed(why=why) if why.startswith("nobody"):
            yield TaskRow(account, seq, "nobody_reachable", f"the message of fact {fact.notice}: {why}")
        case f.NoticeBounced() if not fact.reachable:
            yield TaskRow(account, seq, "nobody_reachable", f"the message of fact {fact.notice} came back: {fact.why}")
        case f.NoticeBounced(tell=True):
            yield TaskRow(account, seq, "mail_came_back", f"the message of fact {fact.notice} came back: {fact.why}")
        case f.AttemptMoved(why=why) if why.startswith("refused"):
            yield TaskRow(account, seq, "charge_refused", f"attempt {fact.attempt} cannot go on: {why}")
        case f.Parked(why=why):
            yield TaskRow(account, seq, "parked", why)
        case f.DeletionCapped():
            yield TaskRow(
                account,
                seq,
                "deletion_release",
                f"subscription {fact.subscription} waits for the release of two staff",
            )
        case f.SupportOpened(request=no, about=about):
            yield TaskRow(account, seq, "support_request", f"request {no}: {about}")
        case f.SupportSaid(request=no):
            yield TaskRow(account, seq, "support_request", f"request {no}: the person wrote again")
        case f.ResumeLate(orders=orders):
            late = ", ".join(f"order {o.order_no} of subscription {o.subscription}" for o in orders)
            yield TaskRow(account, seq, "resume_late", f"to run again, not acknowledged for 24 hours: {late}")
        case f.Deferred():
            doubts = ", ".join(fact.doubts)
            yield TaskRow(account, seq, "deferred", f"{fact.action} of subscription {fact.subscription}: {doubts}")
        case f.Noticed() | f.NoticeFailed() | f.NoticeBounced() | f.AttemptMoved():
            return  # as planned
        case _:
            raise AssertionError(fact)
