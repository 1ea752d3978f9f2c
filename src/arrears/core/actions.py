"""What a fact asks of the outside world: messages to send, orders to give; and the rungs it took.

The rows are made from the facts, so there is an action if and only if its cause was recorded (I16). Which facts leave
which of them is the table in `effects.py`; one that it lists and that is forgotten here is an error, never nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, assert_never

import msgspec

from arrears.core import facts as f
from arrears.core.effects import ACTING, STEPPING, TELLING

NOTICE: Final = "notice"
ORDER: Final = "order"
CHARGE: Final = "charge"
REFUND: Final = "refund"
"""What a charge asks for that gives money back."""


class ActionRow(msgspec.Struct, frozen=True, gc=False):
    """One thing to perform, named by the fact that asks for it. Orders carry subscription, number and kind; a charge
    carries the attempt's number, or a refund's."""

    account: int
    seq: int
    kind: str
    subscription: int = 0
    order_no: int = 0
    order: str = ""


class StepRow(msgspec.Struct, frozen=True, gc=False):
    """One rung that was reached (or overtaken): unique, so nothing is ever done twice. Of a reminder `subscription` is
    the number of its debt and `generation` the fact by which that debt's money left again or its due date moved; of an
    announcement `subscription` is the number of whatever it is about."""

    account: int
    seq: int
    kind: str
    case: int
    subscription: int
    generation: int
    rung: int
    promised_on: date | None
    skipped: bool


def actions_of(recorded: f.Recorded) -> Iterator[ActionRow]:
    """What must be performed because of this fact."""
    account, seq, fact = recorded.account, recorded.seq, recorded.fact
    if type(fact) not in ACTING:
        return
    match fact:
        case f.PaymentBooked(tell=""):
            return  # First, because a book that is imported is mostly these.
        case f.Restricted():
            yield ActionRow(account, seq, ORDER, fact.subscription, fact.order_no, "restrict")
        case f.Disabled() | f.Canceled() | f.ReasonSet():
            if asks_for_message(fact):
                yield ActionRow(account, seq, NOTICE)
            if fact.order_no:
                yield ActionRow(account, seq, ORDER, fact.subscription, fact.order_no, "disable")
        case f.Resumed():
            if fact.order_no:
                yield ActionRow(account, seq, ORDER, fact.subscription, fact.order_no, "resume")
        case f.DeletionOrdered():
            yield ActionRow(account, seq, ORDER, fact.subscription, fact.order_no, "delete")
        case f.OrderRepeated():
            yield ActionRow(account, seq, ORDER, fact.subscription, fact.order_no, fact.order)
        case f.AttemptCreated():
            yield ActionRow(account, seq, CHARGE, 0, fact.attempt, "page" if fact.on_page else "charge")
        case f.RefundAsked():
            yield ActionRow(account, seq, CHARGE, 0, fact.refund, REFUND)
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
        case (
            f.SupportOpened(tell=tell) | f.SupportAnswered(tell=tell) | f.Canceled(tell=tell) | f.Reactivated(tell=tell)
        ):
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
        case f.Announcement(on=on):
            yield StepRow(account, seq, f"announce_{part.kind}", 0, part.about, 0, 0, on, False)
        case f.Told() | f.Expiring():
            pass  # that it was said stands with the subscription, or the method
        case _:
            assert_never(part)


def _steps_of_reminder(account: int, seq: int, reminder: f.Reminder) -> Iterator[StepRow]:
    case = reminder.case
    for part in reminder.debts or (f.RemindedDebt(0, reminder.step, reminder.skipped),):
        for rung in (*part.skipped, part.step):
            yield StepRow(account, seq, "remind", case, part.debt, part.reopened, rung, None, rung != part.step)
