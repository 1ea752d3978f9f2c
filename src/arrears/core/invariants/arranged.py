"""Promises to pay, checked: they say what is open and no more, nothing is asked before its day, and what is broken is
warned of anew (I2, I6, I9, I10, I18)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Action, Hold
from arrears.core.arrangements import Arrangement
from arrears.core.invariants.checked import AccountBook, CheckedDebt, Checks
from arrears.core.invariants.reported import since, void
from arrears.core.payments.values import Initiator


def _owed(book: AccountBook, debts: Iterable[int]) -> list[CheckedDebt]:
    """Those of these invoices that are past due."""
    return [debt for debt in book.open.values() if debt.no in debts and debt.day_0 is not None]


def _asked_minor(book: AccountBook, one: Arrangement) -> int:
    return sum(debt.open for debt in _owed(book, one.debts) if not book.debt_held(debt, promised=False))


def _after(one: Arrangement, done: int) -> int:
    """What is left for later when so many parts are done, in minor units."""
    return sum(part.minor for place, part in enumerate(one.parts) if place >= done)


def arrangement_made(book: AccountBook, fact: f.ArrangementMade, recorded: f.Recorded) -> None:
    """Of past-due invoices of one currency, over all that is open of them, on days to come, one after the other."""
    made = fact.arrangement
    what = f"promise {made.no}"
    owed, today = _owed(book, made.debts), book.calendar.local_day(recorded.at)
    if made.no != book.arrangements_seen + 1:
        book.breach("I18", f"{what} is not the next number")
    if len(owed) != len(made.debts) or any(debt.currency != made.currency or debt.ended for debt in owed):
        book.breach("I2", f"{what} is about invoices that are not past due in {made.currency}")
    if sum(debt.open for debt in owed) != sum(part.minor for part in made.parts) or not all(
        part.minor > 0 for part in made.parts
    ):
        book.breach("I2", f"{what} does not say what is open")
    if any(no in other.debts for other in book.arranged.values() for no in made.debts):
        book.breach("I2", f"{what} is about an invoice that is in another one")
    before = today
    for part in made.parts:
        if part.on <= before:
            book.breach("I10", f"{what} has {part.on} after {before}")
        before = part.on
    book.arrangements_seen = made.no
    book.arranged[made.no] = made


def arrangement_kept(book: AccountBook, fact: f.ArrangementKept, recorded: f.Recorded) -> None:
    """No more is open than is due later; what is disputed is left out where the day is over."""
    one = book.arranged.get(fact.arrangement)
    if one is None or not one.kept < fact.kept <= len(one.parts):
        book.breach("I18", f"promise {fact.arrangement} has no such parts to keep")
        return
    over = recorded.at >= book.calendar.end_of_day(one.parts[one.kept].on)
    whole = sum(debt.open for debt in _owed(book, one.debts))
    if (_asked_minor(book, one) if over else whole) > _after(one, fact.kept):
        book.breach("I2", f"promise {one.no} is said to be kept, and more is open")
    del book.arranged[one.no]
    if fact.kept < len(one.parts):
        left = Arrangement(one.no, one.debts, one.currency, one.parts, fact.kept, one.collects)
        book.arranged[one.no] = left


def arrangement_ended(book: AccountBook, fact: f.ArrangementEnded, recorded: f.Recorded) -> None:
    """Broken only when its day is over and its part is missed; no warning from before counts any more."""
    one = book.arranged.pop(fact.arrangement, None)
    if one is None:
        book.breach("I18", f"promise {fact.arrangement} is not open")
        return
    if fact.broken and recorded.at < book.calendar.end_of_day(one.parts[one.kept].on):
        book.breach("I10", f"promise {one.no} is broken before its day is over")
    if fact.broken and _asked_minor(book, one) <= _after(one, one.kept + 1):
        book.breach("I10", f"promise {one.no} is broken, and its part is paid")
    done = {(voided.subscription, voided.action) for voided in fact.voided}
    for sub in book.subs.values():
        if not any(debt.no in one.debts for debt in book.owing(sub)) or (sub.end is not None and sub.end.ordered_at):
            continue
        for warned in sub.warned:
            counts = warned.accepted_at is not None and not warned.void and warned.seq > since(sub, warned.action)
            lies_ahead = warned.action is not Action.DELETE or sub.end is not None
            if counts and lies_ahead and warned.generation == sub.generation and (sub.no, warned.action) not in done:
                book.breach("I9", f"promise {one.no} ends, and the {warned.action} of subscription {sub.no} is told")
    for number, action in done:
        void(book.subs[number], action)


def check_arranged_hold(book: AccountBook, hold: Hold) -> None:
    """A hold of a promise is on one of its invoices, up to the day of its next part."""
    one = book.arranged.get(hold.arrangement)
    if one is None or hold.target not in one.debts or hold.until != one.parts[one.kept].on:
        book.breach("I18", f"hold {hold.no} is of no promise that is open")


def check_charge(book: AccountBook, fact: f.AttemptCreated, recorded: f.Recorded) -> None:
    """A charge of ours for what is promised: agreed to, and no more than is due by that day (I6)."""
    asked = {part.debt for part in fact.parts}
    for one in book.arranged.values() if fact.by is Initiator.MERCHANT else ():
        if asked.isdisjoint(one.debts):
            continue
        today = book.calendar.local_day(recorded.at)
        due = _asked_minor(book, one) - sum(part.minor for part in one.parts if part.on > today)
        if not one.collects or fact.amount_minor > due:
            book.breach("I6", f"attempt {fact.attempt} takes what is promised for a later day")


ARRANGED: Final[Checks] = {
    f.ArrangementMade: arrangement_made,
    f.ArrangementKept: arrangement_kept,
    f.ArrangementEnded: arrangement_ended,
}
