"""Messages and answers, checked: reminders and warnings once, dates that only move later, orders answered once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Final, assert_never

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.calendar import calendar_of
from arrears.core.invariants.checked import ONE_DAY, AccountBook, Checks, Sub, Warned
from arrears.core.invariants.reported import order_given, since
from arrears.core.messages.kinds import KINDS
from arrears.core.states import State

REPEATED: Final = {
    State.ACTIVE: "resume",
    State.PAST_DUE: "resume",
    State.RESTRICTED: "restrict",
    State.DISABLED: "disable",
}
"""What may be ordered anew in each state; a deletion never."""


def noticed(book: AccountBook, fact: f.Noticed, recorded: f.Recorded) -> None:
    """From 09:00 of its day, one a local day, each rung once, each date no earlier than before (I10, I22)."""
    calendar = book.calendar
    if fact.on != calendar.local_day(recorded.at):
        book.breach("I22", f"a message of {calendar.local_day(recorded.at)} says it is of {fact.on}")
    if not fact.at_once:
        if not any(_has_begun(zone, recorded.at, book.policy.notice_at) for zone in _zones(book, fact)):
            book.breach("I22", f"the message of {fact.on} leaves too early in the day")
        if book.noticed_on is not None and fact.on <= book.noticed_on:
            book.breach("I22", f"a second message on {fact.on}")
        book.noticed_on = fact.on
    if not fact.parts:
        book.breach("I22", "a message that says nothing")
    demands = False
    for part in fact.parts:
        match part:
            case f.Reminder():
                demands = True
                _reminded(book, part)
            case f.Warning():
                demands = True
                _warned(book, part, recorded.seq)
            case f.Announcement():
                demands = demands or bool(part.debt) or KINDS[part.kind].asks_for_money
                _announced(book, part, fact.on)
            case f.Told() | f.Expiring():
                pass
            case _:
                assert_never(part)
    if demands and any(d.end is None for d in book.doubts):
        book.breach("I8", "a demand leaves while an attempt or a bank credit is unknown")


def _zones(book: AccountBook, fact: f.Noticed) -> Iterator[str]:
    """The zones whose morning this message may wait for: a running case, and a service end, keep their own."""
    yield (book.case or book.terms).zone
    for warning in fact.each(f.Warning):
        end = book.subs[warning.subscription].end
        if warning.action is Action.DELETE and end is not None:
            yield end.terms.zone


def _has_begun(zone: str, at: datetime, notice_at: time) -> bool:
    calendar = calendar_of(zone)
    return at >= calendar.at(calendar.local_day(at), notice_at)


def _reminded(book: AccountBook, reminder: f.Reminder) -> None:
    if book.case is None or reminder.case != book.case_no:
        book.breach("I22", f"a reminder about case {reminder.case}, which is not open")
    for part in reminder.debts or (f.RemindedDebt(0, reminder.step, reminder.skipped),):
        debt = book.debts.get(part.debt)
        if part.debt and (debt is None or debt.open == 0 or debt.day_0 is None or book.debt_held(debt)):
            book.breach("I22", f"a reminder of invoice {part.debt}, which is not past due or is held")
        for step in (*part.skipped, part.step):
            rung = (reminder.case, part.debt, part.reopened, step)
            if rung in book.reminded:
                book.breach("I22", f"reminder {step} of invoice {part.debt} in case {reminder.case} twice")
            book.reminded.add(rung)


def _warned(book: AccountBook, warning: f.Warning, seq: int) -> None:
    sub = book.subs[warning.subscription]
    rung = (warning.subscription, warning.generation, warning.action, warning.step, warning.promised_on)
    if rung in book.rungs:
        book.breach("I22", f"warning {warning.step} of {warning.action} on {warning.promised_on} twice")
    book.rungs.add(rung)
    if warning.generation != sub.generation:
        book.breach("I22", f"a warning about generation {warning.generation} of subscription {sub.no}")
    if warning.action is Action.DELETE:
        if sub.state is not State.DISABLED or sub.end is None:
            book.breach("I22", f"a warning of deletion while subscription {sub.no} is {sub.state}")
    elif not book.owing(sub) or sub.state not in (State.PAST_DUE, State.RESTRICTED):
        book.breach("I22", f"a warning of {warning.action} while subscription {sub.no} is {sub.state}")
    told = Warned(seq, warning.action, warning.generation, warning.promised_on)
    sub.warned.append(told)
    book.notices.setdefault(seq, []).append(told)
    _not_earlier(book, sub, warning.action, warning.promised_on)


def _announced(book: AccountBook, said: f.Announcement, on: date) -> None:
    """Once, before its day, and never of what is paid, past due, held, gone or has another day."""
    if said in book.announced:
        book.breach("I22", f"{said.name}: {said.about} is announced for {said.on} twice")
    book.announced.add(said)
    if said.on <= on:
        book.breach("I22", f"{said.name}: {said.on} is announced on {on}")
    if said.debt:
        debt = book.debts.get(said.debt)
        over = debt is None or debt.open == 0 or debt.day_0 is not None or book.debt_held(debt)
        if debt is None or over or (debt.due_on != said.on and KINDS[said.kind].by_card):
            book.breach("I22", f"{said.name}: invoice {said.debt} is paid, past due, held or not due on {said.on}")
    elif said.subscription:
        sub = book.subs[said.subscription]
        if sub.state is State.DELETED or said.on not in sub.promised.values():
            book.breach("I22", f"{said.name}: nothing is planned for subscription {sub.no} on {said.on}")
    elif said.hold:
        hold = book.holds.get(said.hold)
        if hold is None or hold.ended_at is not None or hold.until != said.on:
            book.breach("I22", f"{said.name}: hold {said.hold} has ended, or does not end with {said.on}")
    elif not book.methods.get(said.method):
        book.breach("I22", f"{said.name}: payment method {said.method} is gone")


def date_moved(book: AccountBook, fact: f.DateMoved, _: f.Recorded) -> None:
    """Later, never earlier (I10)."""
    _promised(book, book.subs[fact.subscription], fact.action, fact.on)


def _promised(book: AccountBook, sub: Sub, action: Action, on: date) -> None:
    _not_earlier(book, sub, action, on)
    sub.promised[action] = on


def _not_earlier(book: AccountBook, sub: Sub, action: Action, on: date) -> None:
    told = sub.promised.get(action)
    if told is not None and on < told:
        book.breach("I10", f"the {action} of subscription {sub.no} is promised for {on} after {told}")


def notice_accepted(book: AccountBook, fact: f.NoticeAccepted, recorded: f.Recorded) -> None:
    """One answer to each message (I16)."""
    _answered(book, fact.notice)
    about = {id(told): sub for sub in book.subs.values() for told in sub.warned}
    for told in book.notices.pop(fact.notice, ()):
        sub = about[id(told)]
        if sub.no in fact.left_out:
            continue
        if not told.otherwise:
            told.accepted_at = recorded.at
        if not told.void and told.generation == sub.generation and told.seq > since(sub, told.action):
            # What somebody got is promised; what nobody got promises nothing.
            sub.promised[told.action] = max(told.promised_on, sub.promised.get(told.action, told.promised_on))


def warned_otherwise(book: AccountBook, fact: f.WarnedOtherwise, recorded: f.Recorded) -> None:
    """What a person told is the one warning that is named; it counts from when that is recorded, and is of a day not
    ahead (spec, section 3)."""
    sub = book.subs[fact.subscription]
    warned = [told for told in sub.warned if (told.seq, told.action) == (fact.notice, fact.action)]
    if not warned or fact.on > book.calendar.local_day(recorded.at):
        book.breach("I9", f"fact {fact.notice} warned of no {fact.action} that could be told on {fact.on}")
    for told in warned:
        if told.accepted_at is None:
            told.accepted_at, told.otherwise = recorded.at, True
            if not told.void and told.generation == sub.generation and told.seq > since(sub, told.action):
                sub.promised[told.action] = max(told.promised_on, sub.promised.get(told.action, told.promised_on))


def notice_failed(book: AccountBook, fact: f.NoticeFailed, _: f.Recorded) -> None:
    """One answer to each message (I16)."""
    _answered(book, fact.notice)
    book.notices.pop(fact.notice, None)


def notice_bounced(book: AccountBook, fact: f.NoticeBounced, _: f.Recorded) -> None:
    """What nobody got was no warning (I9); what goes to another address is answered once more (I16)."""
    for sub in book.subs.values():
        for told in sub.warned:
            if told.seq in fact.lost and not told.otherwise:
                told.accepted_at = None
            if told.seq == fact.notice and fact.again:
                book.notices.setdefault(fact.notice, []).append(told)
    if fact.again:
        book.unanswered.add(fact.notice)


def recipients_changed(book: AccountBook, fact: f.RecipientsChanged, _: f.Recorded) -> None:
    """Nor what nobody has got who is told now (I9)."""
    for sub in book.subs.values():
        for told in sub.warned:
            if told.seq in fact.lost and (fact.replaced or not told.otherwise):
                told.accepted_at, told.otherwise = None, False


def _answered(book: AccountBook, notice: int) -> None:
    if notice not in book.unanswered:
        book.breach("I16", f"an answer to message {notice}, which was never sent or has its answer")
    book.unanswered.discard(notice)


def order_acknowledged(book: AccountBook, fact: f.OrderAcknowledged, recorded: f.Recorded) -> None:
    """One answer to each order; of a stop it says from when retention counts (I13, I16)."""
    sub = book.subs[fact.subscription]
    if sub.open_orders.pop(fact.order_no, None) != fact.order:
        book.breach("I16", f"order {fact.order_no} of subscription {sub.no} is not open")
    if fact.order == "delete":
        sub.state = State.DELETED
        return
    end = sub.end
    if fact.ended_on is None or end is None or end.order_no != fact.order_no:
        return
    calendar = calendar_of(end.terms.zone)
    earliest = end.ended_on or end.stopped_on
    heard_at = max(end.recorded_at, recorded.at)
    if end.ended_on is None and heard_at >= calendar.end_of_day(end.stopped_on + ONE_DAY):
        earliest = calendar.local_day(heard_at)
    if fact.ended_on < earliest:
        book.breach("I13", f"retention counts from {fact.ended_on}, before the service had ended ({earliest})")
    end.ended_on = fact.ended_on


def order_repeated(book: AccountBook, fact: f.OrderRepeated, _: f.Recorded) -> None:
    """It orders what the subscription is in, once everything before it was answered (I15, I16)."""
    sub = book.subs[fact.subscription]
    if REPEATED.get(sub.state) != fact.order or sub.open_orders:
        book.breach("I15", f"subscription {sub.no} is {sub.state}, and {fact.order} is ordered anew")
    order_given(book, sub, fact.order_no, fact.order)


def deleted_in_part(book: AccountBook, fact: f.DeletedInPart, _: f.Recorded) -> None:
    """Of an order that is open, and stays so (I16)."""
    if book.subs[fact.subscription].open_orders.get(fact.order_no) != "delete" or not fact.left:
        book.breach("I16", f"order {fact.order_no} of subscription {fact.subscription} is no open order to delete")


def parked(book: AccountBook, _fact: f.Parked, _: f.Recorded) -> None:
    """Nothing is decided until a person has looked."""
    book.parked = True


def unparked(book: AccountBook, _fact: f.Unparked, _: f.Recorded) -> None:
    """A person has looked."""
    book.parked = False


def nothing(_book: AccountBook, _fact: f.Fact, _: f.Recorded) -> None:
    """Changes nothing that is checked."""


ANSWERS: Final[Checks] = {
    f.Noticed: noticed,
    f.DateMoved: date_moved,
    f.NoticeAccepted: notice_accepted,
    f.NoticeFailed: notice_failed,
    f.NoticeBounced: notice_bounced,
    f.RecipientsChanged: recipients_changed,
    f.AuthorisationDeclined: nothing,
    f.AddressAsked: nothing,
    f.AddressConfirmed: nothing,
    f.TestAsked: nothing,
    f.Invited: nothing,
    f.InvitationWithdrawn: nothing,
    f.InvitationAccepted: nothing,
    f.AccessEnded: nothing,
    f.PersonErased: nothing,
    f.ResetAsked: nothing,
    f.SignInChanged: nothing,
    f.OrderAcknowledged: order_acknowledged,
    f.OrderRepeated: order_repeated,
    f.DeletedInPart: deleted_in_part,
    f.Parked: parked,
    f.Unparked: unparked,
    f.TaskClosed: nothing,
    f.WarnedOtherwise: warned_otherwise,
}
