"""Support requests, checked: what they hold they hold once a case, and what is late is late once (I12, I25)."""

from __future__ import annotations

from typing import Final

from arrears.core import facts as f
from arrears.core.account import HoldScope, Stop
from arrears.core.invariants.checked import AccountBook, Checks
from arrears.core.people.support import RESUME_WITHIN, Via
from arrears.core.states import State

_DAYS_MAX: Final = {Stop.DELETE: 14, Stop.DISABLE: 5, Stop.RESTRICT: 5}


def support_opened(book: AccountBook, fact: f.SupportOpened, _: f.Recorded) -> None:
    """Deletion 14 days and disablement 5 once for each case and kind; an unknown person's deletion alone, 5 days, once
    a case (spec, section 10)."""
    if not fact.holds:
        return
    own = fact.via in (Via.ADMINISTRATOR, Via.LINK)
    once = (fact.case, fact.about if own else fact.via)
    if once in book.helped:
        book.breach("I25", f"request {fact.request} holds a second time in case {fact.case}")
    book.helped.add(once)
    if fact.case == 0 or fact.via is Via.ARREARS:
        book.breach("I25", f"request {fact.request} holds where it may not")
    for number in fact.holds:
        hold = book.holds.get(number)
        if hold is None or hold.until is None or hold.scope is not HoldScope.ACCOUNT:
            book.breach("I25", f"request {fact.request} names hold {number}, which is not its own")
            continue
        days = (hold.until - book.calendar.local_day(hold.from_at)).days
        for stop in hold.stops:
            most = _DAYS_MAX.get(stop, 0) if own else 5 * (stop is Stop.DELETE)
            if days > most:
                book.breach("I25", f"request {fact.request} holds {stop} for {days} days")


def resume_late(book: AccountBook, fact: f.ResumeLate, recorded: f.Recorded) -> None:
    """An open order to resume, given 24 hours ago or longer, once (spec, section 9)."""
    for late in fact.orders:
        sub = book.subs[late.subscription]
        given_at = sub.resumes.pop(late.order_no, None)
        if given_at is None or late.order_no not in sub.open_orders:
            book.breach("I12", f"order {late.order_no} of subscription {sub.no} is not one that can be late")
        elif recorded.at - given_at < RESUME_WITHIN:
            book.breach("I12", f"order {late.order_no} of subscription {sub.no} is called late too early")
        if sub.state not in (State.ACTIVE, State.PAST_DUE):
            book.breach("I12", f"subscription {sub.no} is {sub.state}: it need not run")


def nothing(_book: AccountBook, _fact: f.Fact, _: f.Recorded) -> None:
    """Changes nothing that is checked."""


SUPPORT: Final[Checks] = {
    f.SupportOpened: support_opened,
    f.SupportSaid: nothing,
    f.SupportAnswered: nothing,
    f.SupportClosed: nothing,
    f.ResumeLate: resume_late,
}
