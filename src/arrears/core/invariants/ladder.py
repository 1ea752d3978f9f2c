"""The steps of the ladder, checked: past due, cuts, service ends and deletions (I7-I13)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from arrears.core import facts as f
from arrears.core.account import RELEASES, Action, DoubtKind
from arrears.core.calendar import Calendar, calendar_of
from arrears.core.invariants.checked import (
    ONE_DAY,
    STOP,
    AccountBook,
    CheckedDebt,
    Checks,
    End,
    Sub,
    reaches_minimum,
)
from arrears.core.invariants.clocks import Spans, clocks, counted_days, of_none, stopped
from arrears.core.invariants.reported import order_given, void
from arrears.core.policy import Policy
from arrears.core.policy.places import is_weekend
from arrears.core.states import Reason, State

RETENTION_FLOOR_DAYS: Final = 30
COOL_OFF_MIN: Final = timedelta(hours=24)


def became_past_due(book: AccountBook, fact: f.BecamePastDue, recorded: f.Recorded) -> None:
    """Not before the day after the due date is there, and only those that are owed for (I10, I11)."""
    if fact.opened != (book.case is None) or (fact.opened and fact.case != book.case_no + 1):
        book.breach("I18", f"case {fact.case} opens while case {book.case_no} runs")
    if fact.opened:
        book.case, book.case_no = fact.terms, fact.case
    elif fact.terms != book.case:
        book.breach("I10", "a running case changes its policy or zone")
    calendar, policy = book.calendar, book.policy
    for part in fact.debts:
        debt = book.debts[part.debt]
        day_0 = debt.forced_from or debt.due_on + ONE_DAY
        if part.day_0 < day_0 or (recorded.at < calendar.end_of_day(day_0 - ONE_DAY) and debt.forced_from is None):
            book.breach("I10", f"invoice {debt.no} is past due from {part.day_0}, before it may be")
        if debt.open <= policy.tolerance_minor.get(debt.currency, 0) or debt.day_0 is not None:
            book.breach("I11", f"invoice {debt.no} is made past due with {debt.open} open")
        debt.day_0, debt.forced_from = part.day_0, None
    owed_for = {no for part in fact.debts for no in book.debts[part.debt].subs}
    recorded_on = calendar.local_day(recorded.at)
    first = min(part.day_0 for part in fact.debts)
    for number in fact.subscriptions:
        sub = book.subs[number]
        if number not in owed_for and not book.account_wide:
            book.breach("I11", f"subscription {number} is past due for invoices that are not its own")
        if Reason.PAST_DUE in sub.reasons:
            continue
        if sub.end is not None:
            sub.end.ladder = False
        sub.reasons.add(Reason.PAST_DUE)
        sub.past_due_seq = recorded.seq
        sub.promised.pop(Action.RESTRICT, None)
        sub.promised.pop(Action.DISABLE, None)
        if sub.state is State.ACTIVE:
            sub.state = State.PAST_DUE
            sub.entered_on = first if recorded_on <= first + ONE_DAY else recorded_on


def within_tolerance(book: AccountBook, fact: f.WithinTolerance, _: f.Recorded) -> None:
    """Only what is small enough stops being past due (I2)."""
    for number in fact.debts:
        debt = book.debts[number]
        if debt.open > max(book.policy.tolerance_minor.get(debt.currency, 0), fact.below_minor - 1):
            book.breach("I2", f"invoice {number} is let go with {debt.open} open")
        debt.day_0 = debt.forced_from = None


# -- cuts --------------------------------------------------------------------------------------------------------


def restricted(book: AccountBook, fact: f.Restricted, recorded: f.Recorded) -> None:
    """From past due, after its days, warned of (I10)."""
    sub = book.subs[fact.subscription]
    days = book.policy.restrict_after_days
    if sub.state is not State.PAST_DUE or days is None:
        book.breach("I10", f"subscription {sub.no} is restricted while it is {sub.state}")
        return
    _cut(book, sub, Action.RESTRICT, fact.on, recorded.at, fact.evidence)
    _dwelt(book, sub, Action.RESTRICT, fact.on, days, book.policy.restrict_lead_days)
    _recorded_states(book, sub, fact, State.RESTRICTED)
    order_given(book, sub, fact.order_no, "restrict")
    on = book.calendar.local_day(recorded.at)
    sub.state = State.RESTRICTED
    sub.entered_on = fact.on if on <= fact.on + ONE_DAY else on


def disabled(book: AccountBook, fact: f.Disabled, recorded: f.Recorded) -> None:
    """After every stage that the policy has, each as long as it says (I10)."""
    sub = book.subs[fact.subscription]
    policy = book.policy
    from_state = State.PAST_DUE if policy.restrict_after_days is None else State.RESTRICTED
    if sub.state is not from_state:
        book.breach("I10", f"subscription {sub.no} is disabled while it is {sub.state}: a stage is skipped")
    _cut(book, sub, Action.DISABLE, fact.on, recorded.at, fact.evidence)
    if fact.terms != book.case:
        book.breach("I10", "a service end does not keep the terms of its case")
    if policy.disable_after_days is None:
        book.breach("I10", f"subscription {sub.no} is disabled, and its policy says never")
        return
    stage_days = policy.disable_after_days - (policy.restrict_after_days or 0)
    _dwelt(book, sub, Action.DISABLE, fact.on, stage_days, policy.disable_lead_days)
    _recorded_states(book, sub, fact, State.DISABLED)
    order_given(book, sub, fact.order_no, "disable")
    sub.state, sub.cut = State.DISABLED, True
    sub.end = End(fact.terms, fact.on, recorded, fact.order_no)
    sub.promised.pop(Action.DELETE, None)


def _recorded_states(book: AccountBook, sub: Sub, fact: f.Restricted | f.Disabled, after: State) -> None:
    if fact.before is not sub.state or fact.after is not after or fact.generation != sub.generation:
        book.breach("I18", f"the fact says {fact.before} -> {fact.after}, the book {sub.state} -> {after}")


def _cut(book: AccountBook, sub: Sub, action: Action, on: date, at: datetime, evidence: f.Evidence) -> None:
    """What every cut must respect: nothing unknown, nothing held, enough owed for long enough, and the evidence."""
    policy, calendar = _terms(book, sub, action)
    _no_doubt(book, sub, action, on, at, calendar)
    if at < calendar.end_of_day(on):
        book.breach("I10", f"the {action} of {on} happens before that day is over")
    if policy.business_days and is_weekend(policy.holidays, on):
        book.breach("I10", f"the {action} of {on} is on a weekend, and its policy says working days")
    told = sub.promised.get(action)
    if told is not None and on < told:
        book.breach("I10", f"the {action} of {on} is earlier than the {told} that was promised")
    owing = book.owing(sub)
    if action is not Action.DELETE or sub.cut:
        _owes_enough(book, sub, action, owing, policy)
    if owing and not any(_long_enough(book, sub, action, *clock, on, at) for clock in clocks(book, sub, action)):
        book.breach("I10", f"the {action} of {on}: no debt of subscription {sub.no} is past due long enough")
    stated = tuple((o.debt, o.currency, o.open_minor, o.day_0) for o in evidence.owing)
    if stated != tuple((d.no, d.currency, d.open, d.day_0) for d in owing) or evidence.policy != policy.version:
        book.breach("I7", f"the evidence of the {action} is not what stood in the book")


def _terms(book: AccountBook, sub: Sub, action: Action) -> tuple[Policy, Calendar]:
    if action is Action.DELETE and sub.end is not None:
        return book.policies[sub.end.terms.policy], calendar_of(sub.end.terms.zone)
    return book.policy, book.calendar


def _no_doubt(book: AccountBook, sub: Sub, action: Action, on: date, at: datetime, calendar: Calendar) -> None:
    for kind, _ in book.doubts_over(at):
        invariant = "I21" if kind is DoubtKind.CLOCK else "I8"
        book.breach(invariant, f"the {action} of subscription {sub.no} happens under doubt ({kind})")
    spans = book.spans(STOP[action], sub, None)
    if stopped(spans, calendar.end_of_day(on)) or stopped(spans, at):
        book.breach("I8", f"the {action} of subscription {sub.no} happens inside a hold")


def _owes_enough(book: AccountBook, sub: Sub, action: Action, owing: list[CheckedDebt], policy: Policy) -> None:
    if not reaches_minimum(owing, policy) or all(book.debt_held(d) for d in owing):
        book.breach("I11", f"the {action} of subscription {sub.no}, which owes nothing that counts")
    if action is Action.DELETE and all(book.debt_held(d) for d in owing if sub.no in d.subs):
        book.breach("I11", f"the {action} of subscription {sub.no}, which no debt free of holds names")


def _long_enough(
    book: AccountBook, sub: Sub, action: Action, debt: CheckedDebt, spans: Spans, on: date, at: datetime
) -> bool:
    """Whether this debt has had its days, and of a deletion the retention too: none on which anything was held."""
    policy, zone = _terms(book, sub, action)
    days = policy.restrict_after_days if action is Action.RESTRICT else policy.disable_after_days
    if action is Action.DELETE:
        days = None if policy.retention_days is None else (days or 0) + policy.retention_days
    if days is None:
        return False
    calendar = book.calendar
    if stopped(spans, calendar.end_of_day(on)) or stopped(spans, at):
        return False
    if action is Action.DELETE and sub.end is not None and sub.end.ended_on is not None:
        assert policy.retention_days is not None
        if counted_days(sub.end.ended_on, on, spans, zone) < policy.retention_days:
            return False
    assert debt.day_0 is not None
    return counted_days(debt.day_0, on, spans, calendar) >= days


def _dwelt(book: AccountBook, sub: Sub, action: Action, on: date, days: int, lead_days: int) -> None:
    """The stage lasted its days, and a warning that counts was accepted its lead before (I9, I10)."""
    spans = book.spans(STOP[action], sub, None)
    if sub.entered_on is None or counted_days(sub.entered_on, on, spans, book.calendar) < days:
        book.breach("I10", f"the {action} of {on}: subscription {sub.no} is {sub.state} only since {sub.entered_on}")
    warned(book, sub, action, on, lead_days, sub.past_due_seq)


def warned(book: AccountBook, sub: Sub, action: Action, on: date, lead_days: int, since_seq: int) -> None:
    """A warning that names this day or an earlier one was accepted its lead before, since the cause began, not made
    void by a hold, and after every doubt that stood at the deadline (I9)."""
    _, calendar = _terms(book, sub, action)
    deadline = calendar.end_of_day(on)
    ends = [end for _, end in book.doubts_over(deadline, from_before=True) if end is not None]
    for w in sub.warned:
        if (
            w.action is action
            and not w.void
            and w.generation == sub.generation
            and w.seq > since_seq
            and w.accepted_at is not None
            and w.promised_on <= on
            and calendar.local_day(w.accepted_at) + timedelta(days=lead_days) <= on
            and all(w.accepted_at >= end for end in ends)
        ):
            return
    book.breach("I9", f"the {action} of {on}: no warning of it was accepted {lead_days} days before")


def deferred(book: AccountBook, fact: f.Deferred, _: f.Recorded) -> None:
    """Only where something is unknown; the warnings given so far no longer count."""
    if not fact.doubts:
        book.breach("I8", "a deadline waits for no doubt")
    void(book.subs[fact.subscription], fact.action)


def doubt_ended(book: AccountBook, fact: f.DoubtEnded, recorded: f.Recorded) -> None:
    """Nothing may be unknown any more (I8)."""
    if book.doubts_over(recorded.at):
        book.breach("I8", f"the {fact.action} no longer waits although a doubt stands")
    void(book.subs[fact.subscription], fact.action)


def warnings_lapsed(book: AccountBook, fact: f.WarningsLapsed, _: f.Recorded) -> None:
    """Only where too little is owed, or nothing that names it."""
    sub = book.subs[fact.subscription]
    owing = book.owing(sub)
    unnamed = fact.action is Action.DELETE and all(sub.no not in d.subs for d in owing)
    if reaches_minimum(owing, book.policy) and not unnamed:
        book.breach("I8", f"the warnings of the {fact.action} lapse although enough is owed")
    void(sub, fact.action)


# -- deletion ----------------------------------------------------------------------------------------------------


def deletion_scheduled(book: AccountBook, fact: f.DeletionScheduled, recorded: f.Recorded) -> None:
    """Only when retention is full (I13)."""
    sub = book.subs[fact.subscription]
    if sub.end is not None and sub.end.scheduled_at is not None:
        book.breach("I13", f"the deletion of subscription {sub.no} is scheduled twice")
    _retention_is_full(book, sub, fact.on, recorded.at, fact.evidence)
    if sub.end is not None:
        sub.end.scheduled_at, sub.end.capped, sub.end.released_by = recorded.at, False, set()


def deletion_ordered(book: AccountBook, fact: f.DeletionOrdered, recorded: f.Recorded) -> None:
    """After the cool-off and a second look that agrees, under the cap, addressed exactly (I13)."""
    sub = book.subs[fact.subscription]
    end = sub.end
    if end is None or end.scheduled_at is None or end.ordered_at is not None or (end.capped and not fact.released):
        book.breach("I13", f"the deletion of subscription {sub.no} is ordered without its first phase")
        return
    if fact.released and len(end.released_by) < RELEASES:
        book.breach("I13", f"the deletion of subscription {sub.no} is ordered as released by {len(end.released_by)}")
    cool_off = max(COOL_OFF_MIN, timedelta(hours=book.policies[end.terms.policy].delete_cool_off_hours))
    if recorded.at < end.scheduled_at + cool_off:
        book.breach("I13", f"the deletion of subscription {sub.no} is ordered without its cool-off")
    if fact.service != sub.service or fact.generation != sub.generation:
        book.breach("I13", f"the deletion names {fact.service}, generation {fact.generation}")
    calendar = calendar_of(end.terms.zone)
    _retention_is_full(book, sub, calendar.local_day(end.scheduled_at) - ONE_DAY, recorded.at, fact.evidence)
    order_given(book, sub, fact.order_no, "delete")
    end.ordered_at = recorded.at


def _retention_is_full(book: AccountBook, sub: Sub, on: date, at: datetime, evidence: f.Evidence) -> None:
    end = sub.end
    if sub.state is not State.DISABLED or end is None or end.ended_on is None or end.ordered_at is not None:
        book.breach("I13", f"subscription {sub.no} is to be deleted while it is {sub.state}")
        return
    policy, calendar = book.policies[end.terms.policy], calendar_of(end.terms.zone)
    days = policy.retention_days
    if days is None:
        book.breach("I13", f"subscription {sub.no} is to be deleted, and its policy says never")
        return
    if not isinstance(days, int) or days < RETENTION_FLOOR_DAYS:
        book.breach("I13", f"retention is {days!r} days")
    held = book.spans(STOP[Action.DELETE], sub, None) if book.owing(sub) else of_none(book, sub, Action.DELETE)
    if counted_days(end.ended_on, on, held, calendar) < days:
        book.breach("I13", f"the deletion of {on}: the service ended only on {end.ended_on}")
    _cut(book, sub, Action.DELETE, on, at, evidence)
    warned(book, sub, Action.DELETE, on, policy.delete_lead_days, end.seq)
    got = [w.accepted_at for w in sub.warned if w.action is Action.DELETE and w.seq > end.seq and not w.void]
    if evidence.warning_accepted_at is None or evidence.warning_accepted_at not in got:
        book.breach("I7", f"the deletion of {on}: its evidence names no warning that somebody has got")


def deletion_unscheduled(book: AccountBook, fact: f.DeletionUnscheduled, _: f.Recorded) -> None:
    """The second look did not agree."""
    end = book.subs[fact.subscription].end
    if end is not None:
        end.scheduled_at, end.capped, end.released_by = None, False, set()


def deletion_capped(book: AccountBook, fact: f.DeletionCapped, _: f.Recorded) -> None:
    """It waits for staff."""
    end = book.subs[fact.subscription].end
    if end is None or end.scheduled_at is None:
        book.breach("I13", f"the deletion of subscription {fact.subscription} waits without being scheduled")
    else:
        end.capped = True


def deletion_released(book: AccountBook, fact: f.DeletionReleased, recorded: f.Recorded) -> None:
    """By a person, once each, and only what waits for it, as it was scheduled (I13)."""
    sub = book.subs[fact.subscription]
    end = sub.end
    if end is None or not end.capped or end.scheduled_at != fact.scheduled_at or sub.generation != fact.generation:
        book.breach("I13", f"a deletion of subscription {sub.no} is released that does not wait for it")
        return
    if not recorded.author.startswith("staff:") or recorded.author in end.released_by:
        book.breach("I13", f"{recorded.author} may not release the deletion of subscription {sub.no}")
    end.released_by.add(recorded.author)


LADDER: Final[Checks] = {
    f.BecamePastDue: became_past_due,
    f.WithinTolerance: within_tolerance,
    f.Restricted: restricted,
    f.Disabled: disabled,
    f.Deferred: deferred,
    f.DoubtEnded: doubt_ended,
    f.WarningsLapsed: warnings_lapsed,
    f.DeletionScheduled: deletion_scheduled,
    f.DeletionOrdered: deletion_ordered,
    f.DeletionUnscheduled: deletion_unscheduled,
    f.DeletionCapped: deletion_capped,
    f.DeletionReleased: deletion_released,
}
