"""What runs again, and cases that end, checked (I10-I12)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Action, CaseOutcome
from arrears.core.calendar import calendar_of
from arrears.core.invariants.checked import AccountBook, Checks, Sub
from arrears.core.invariants.reported import order_given
from arrears.core.states import Reason, State


def resumed(book: AccountBook, fact: f.Resumed, recorded: f.Recorded) -> None:
    """Runs again where no reason is left, with an order where the service had stopped (I12)."""
    sub = book.subs[fact.subscription]
    if fact.before is not sub.state:
        book.breach("I18", f"subscription {sub.no} is {sub.state}, and the fact says it was {fact.before}")
    if not fact.keeps_past_due:
        if book.owing(sub):
            book.breach("I11", f"the cause of subscription {sub.no} is lifted while it is owed for")
        sub.reasons.discard(Reason.PAST_DUE)
    elif (sub.cut or sub.state is State.RESTRICTED) and any(not book.debt_held(d) for d in book.owing(sub)):
        book.breach("I11", f"subscription {sub.no} resumes with debt that is not held")
    others = sub.reasons - {Reason.PAST_DUE}
    after = State.DISABLED if others else State.PAST_DUE if Reason.PAST_DUE in sub.reasons else State.ACTIVE
    if fact.after is not after:
        book.breach("I12", f"subscription {sub.no} becomes {fact.after}, its reasons say {after}")
    stood = sub.state in (State.RESTRICTED, State.DISABLED) and after is not State.DISABLED
    if stood != bool(fact.order_no):
        book.breach("I12", f"subscription {sub.no} goes from {sub.state} to {after} with order {fact.order_no}")
    order_given(book, sub, fact.order_no, "resume")
    if fact.order_no:
        sub.resumes[fact.order_no] = recorded.at
    if fact.goes_on:
        _goes_on(book, sub, fact, recorded.at)
        return
    sub.cut = False
    if sub.end is not None and not fact.keeps_past_due:
        sub.end.ladder = False
    sub.past_due_seq = recorded.seq
    sub.promised.pop(Action.RESTRICT, None)
    sub.promised.pop(Action.DISABLE, None)
    if after is not State.DISABLED:
        if sub.end is not None:
            sub.generation += 1
            sub.promised.pop(Action.DELETE, None)
        sub.end = None
        sub.entered_on = fact.on if after is State.PAST_DUE else None
    sub.state = after


def _goes_on(book: AccountBook, sub: Sub, fact: f.Resumed, at: datetime) -> None:
    """The stage of what was past due all the time, with the warnings that it had (I10): a day later for each full local
    day without the service, and of a new generation where the day of the stop was over."""
    end = sub.end
    if end is None or sub.cut or not end.ladder or sub.entered_on is None:
        book.breach("I10", f"subscription {sub.no} goes on with the stage of {sub.entered_on}, and that is over")
        return
    calendar = calendar_of(end.terms.zone)
    without = len(range(1, (calendar.local_day(at) - end.stopped_on).days))
    if fact.entered_on != sub.entered_on + timedelta(days=without):
        book.breach("I10", f"the stage of subscription {sub.no} counts from {fact.entered_on} after {without} days off")
    if not fact.ended and at >= calendar.end_of_day(end.stopped_on):
        book.breach("I10", f"the service of subscription {sub.no} had ended, and its generation goes on")
    sub.end, sub.state, sub.entered_on = None, fact.after, fact.entered_on
    if fact.ended:
        sub.generation += 1
        sub.promised.pop(Action.DELETE, None)
        for warned in sub.warned:
            if warned.action is not Action.DELETE:
                warned.generation = sub.generation


def case_ended(book: AccountBook, fact: f.CaseEnded, _: f.Recorded) -> None:
    """With nothing past due, or with everything that it was for deleted."""
    past_due = book.past_due
    if book.case is None or fact.case != book.case_no:
        book.breach("I18", f"case {fact.case} is not open")
    if fact.outcome is CaseOutcome.ENDED_DELETED:
        wide = book.account_wide
        for debt in past_due:
            if any(s.state is not State.DELETED for s in book.subs.values() if wide or s.no in debt.subs):
                book.breach("I11", f"invoice {debt.no} is no longer pursued while its service is there")
            debt.ended = True
    elif past_due:
        book.breach("I12", f"case {fact.case} ends with {len(past_due)} past-due debts")
    book.case = None


RESUMED: Final[Checks] = {f.Resumed: resumed, f.CaseEnded: case_ended}
