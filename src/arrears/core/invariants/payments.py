"""Attempts and methods, checked: one open attempt an invoice (I3), one success an attempt (I4), nothing unknown is
tried again (I5), what was charged is what was recorded (I6)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.calendar import calendar_of
from arrears.core.invariants.checked import AccountBook, CheckedDoubt, CheckedTry, Checks
from arrears.core.payments.values import OPEN_STATES, AttemptState, MethodKind
from arrears.core.states import State

_EDGES: Final = {
    AttemptState.CREATED: set(AttemptState) - {AttemptState.CREATED},
    AttemptState.SUBMITTED: set(AttemptState) - {AttemptState.CREATED},
    AttemptState.UNKNOWN: set(AttemptState) - {AttemptState.CREATED},
    AttemptState.NEEDS_CUSTOMER: set(AttemptState) - {AttemptState.CREATED},
}


def method_added(book: AccountBook, fact: f.MethodAdded, _: f.Recorded) -> None:
    """Numbered in order, and never prepaid."""
    if fact.method != len(book.methods) + 1:
        book.breach("I18", f"method {fact.method} is not the next number")
    _lasts(book, fact.method, fact.details.expires_on if fact.details.kind is MethodKind.CARD else None)


def _lasts(book: AccountBook, method: int, expires_on: date | None) -> None:
    book.methods[method] = expires_on or date.max


def method_activated(book: AccountBook, fact: f.MethodActivated, _: f.Recorded) -> None:
    """Of a method that is there, for subscriptions that are there."""
    if not book.methods.get(fact.method):
        book.breach("I18", f"method {fact.method} is made active and is not there")
    for number in fact.subscriptions:
        book.paying[number] = fact.method


def method_changed(book: AccountBook, fact: f.MethodRenewed | f.MethodSpent, _: f.Recorded) -> None:
    """Of a method that is there. What works only once cannot be charged on any day."""
    if not book.methods.get(fact.method):
        book.breach("I18", f"method {fact.method} is changed and is not there")
    elif isinstance(fact, f.MethodSpent):
        book.methods[fact.method] = date.min
    elif book.methods[fact.method] not in (date.min, date.max):
        _lasts(book, fact.method, fact.expires_on)


def check_asked(book: AccountBook, number: int, at: datetime) -> None:
    """Nothing is deleted that nothing can pay for, while another subscription of a card account has a method that could
    be charged for it (I13; spec, section 4, point 3)."""
    if book.by_invoice and book.by_invoice[-1][1] is None:
        return
    today = calendar_of(book.terms.zone).local_day(at)
    last_days = {no: book.methods.get(method) or date.min for no, method in book.paying.items()}
    if last_days.get(number, date.min) >= today:
        return
    for sub in book.subs.values():
        living = sub.state is not State.DELETED and (sub.end is None or sub.end.ordered_at is None)
        if living and last_days.get(sub.no, date.min) >= today:
            book.breach("I13", f"subscription {number} is deleted, and method {book.paying[sub.no]} was never asked")


def method_removed(book: AccountBook, fact: f.MethodRemoved, _: f.Recorded) -> None:
    """Only one that nothing holds."""
    open_with = [t for t in book.attempts.values() if t.is_open and t.method == fact.method]
    if not book.methods.get(fact.method) or open_with:
        book.breach("I18", f"method {fact.method} is removed while something holds it")
    book.methods[fact.method] = None


def attempt_created(book: AccountBook, fact: f.AttemptCreated, recorded: f.Recorded) -> None:
    """Of what is open, in its currency, and of no invoice that has an open attempt (I3, I5, I6)."""
    if fact.attempt != len(book.attempts) + 1:
        book.breach("I18", f"attempt {fact.attempt} is not the next number")
    if fact.key in book.keys:
        book.breach("I4", f"attempt {fact.attempt} has the key of another one")
    book.keys.add(fact.key)
    if fact.amount_minor != sum(part.minor for part in fact.parts) or not fact.parts:
        book.breach("I6", f"attempt {fact.attempt} is not the sum of its parts")
    taken = {debt for t in book.attempts.values() if t.is_open for debt in t.parts}
    for part in fact.parts:
        debt = book.open.get(part.debt)
        if debt is None or debt.currency != fact.currency or not 0 < part.minor <= debt.open:
            book.breach("I6", f"attempt {fact.attempt} asks {part.minor} {fact.currency} for invoice {part.debt}")
        if part.debt in taken:
            book.breach("I3", f"invoice {part.debt} has an open attempt already")
    if fact.method and not book.methods.get(fact.method):
        book.breach("I18", f"attempt {fact.attempt} is made with method {fact.method}, which is not there")
    parts = {part.debt: part.minor for part in fact.parts}
    book.attempts[fact.attempt] = CheckedTry(
        fact.attempt, fact.method, fact.currency, fact.amount_minor, parts, fact.on_page
    )
    if not fact.on_page:
        _in_flight(book, fact.attempt, recorded, stands=True)


def attempt_moved(book: AccountBook, fact: f.AttemptMoved, recorded: f.Recorded) -> None:
    """Along an edge that exists; a success is followed by its money (I4, I5)."""
    attempt = book.attempts.get(fact.attempt)
    if attempt is None or fact.to not in _EDGES.get(attempt.state, ()):
        was = attempt.state if attempt is not None else "nowhere"
        book.breach("I5", f"attempt {fact.attempt} goes from {was} to {fact.to}")
        return
    if fact.to is AttemptState.PAID and not fact.ref:
        book.breach("I4", f"attempt {fact.attempt} is paid by nothing of the provider's")
    attempt.state = fact.to
    attempt.is_open = fact.to in OPEN_STATES
    attempt.on_page = attempt.on_page and not fact.under_way
    if fact.to is AttemptState.NEEDS_CUSTOMER:
        stands = fact.counts
    else:
        stands = attempt.is_open and not (attempt.on_page and fact.to is AttemptState.SUBMITTED)
    _in_flight(book, fact.attempt, recorded, stands=stands)
    if fact.to is AttemptState.PAID:
        book.unbooked = fact.attempt


def challenge_lapsed(book: AccountBook, fact: f.ChallengeLapsed, recorded: f.Recorded) -> None:
    """Of an attempt that waits for the payer."""
    attempt = book.attempts.get(fact.attempt)
    if attempt is None or attempt.state is not AttemptState.NEEDS_CUSTOMER:
        book.breach("I5", f"attempt {fact.attempt} waits for nobody, and its challenge lapses")
    _in_flight(book, fact.attempt, recorded, stands=False)


def refunded(book: AccountBook, fact: f.Refunded, _: f.Recorded) -> None:
    """Recorded once, and no more credit than there is (I2)."""
    if fact.ref in book.refunds:
        book.breach("I2", f"{fact.ref} is given back twice")
    book.refunds.add(fact.ref)
    if fact.amount_minor < 0 or not 0 <= fact.credit_minor <= fact.amount_minor:
        book.breach("I2", f"{fact.amount_minor} is given back, {fact.credit_minor} of it credit")
    left = book.credit.get(fact.currency, 0) - fact.credit_minor
    if left < 0:
        book.breach("I2", f"{fact.credit_minor} of credit is given back, and there is less")
    book.credit[fact.currency] = left
    payment = book.payment(fact.payment_ref)
    if fact.reversal:
        # Of a refund that reopens, what was set aside as it was asked for is given back; only the rest is taken back.
        minor = fact.amount_minor - (payment.given.get(f"refund {fact.refund}", 0) if fact.refund else 0)
        payment.reversed[fact.ref] = (minor + fact.reopened_minor, minor - fact.credit_minor)
        book.taken_back.add(fact.payment_ref)
    elif not fact.refund:
        payment.given[fact.ref] = fact.credit_minor


def refund_asked(book: AccountBook, fact: f.RefundAsked, _: f.Recorded) -> None:
    """Once for each request, and with credit that is there (I2)."""
    for known in (fact.key, f"request {fact.request}"):
        if known in book.refunds:
            book.breach("I2", f"refund {fact.refund} is asked for twice")
        book.refunds.add(known)
    left = book.credit.get(fact.currency, 0) - fact.credit_minor
    if fact.amount_minor <= 0 or not 0 <= fact.credit_minor <= fact.amount_minor or left < 0:
        book.breach("I2", f"{fact.amount_minor} is to be given back, {fact.credit_minor} of it credit")
    book.credit[fact.currency] = left
    book.payment(fact.payment_ref).given[f"refund {fact.refund}"] = fact.credit_minor


def refund_covered(book: AccountBook, fact: f.RefundCovered, _: f.Recorded) -> None:
    """No more credit than there is (I2)."""
    left = book.credit.get(fact.currency, 0) - fact.minor
    if fact.minor <= 0 or left < 0:
        book.breach("I2", f"{fact.minor} of credit is what was given back before, and there is less")
    book.credit[fact.currency] = left
    given, name = book.payment(fact.payment_ref).given, f"refund {fact.refund}" if fact.refund else fact.ref
    given[name] = given.get(name, 0) + fact.minor


def refund_undone(book: AccountBook, fact: f.RefundUndone, _: f.Recorded) -> None:
    """Once, and no more than had left (I2)."""
    name = f"undone {fact.refund} {fact.ref}"
    if name in book.refunds:
        book.breach("I2", f"refund {fact.refund} {fact.ref} is undone twice")
    book.refunds.add(name)
    if fact.credit_minor < 0 or fact.amount_minor < 0:
        book.breach("I2", f"refund {fact.refund} {fact.ref} gives back less than nothing")
    book.credit[fact.currency] = book.credit.get(fact.currency, 0) + fact.credit_minor
    payment = book.payment(fact.payment_ref)
    # What a bank has taken beyond what there was is made good by what does not become credit again.
    set_aside = payment.given.get(f"refund {fact.refund}", payment.given.get(fact.ref, 0))
    payment.no_loss += max(0, set_aside - fact.credit_minor)
    payment.given[f"refund {fact.refund}"] = payment.given[fact.ref] = 0
    if fact.ref in payment.reversed:
        lost = fact.amount_minor - fact.credit_minor
        payment.came_back[fact.ref] = payment.came_back.get(fact.ref, 0) + lost
        payment.no_loss += lost
        book.taken_back.add(fact.payment_ref)


def came_back(book: AccountBook, fact: f.PaymentBooked) -> None:
    """What a bank held is here again: no more than it held (I2)."""
    payment, ref = book.payment(fact.of), fact.ref.rpartition("-")[0]
    payment.came_back[ref] = payment.came_back.get(ref, 0) + fact.amount_minor
    if ref in payment.reversed and payment.came_back[ref] > payment.reversed[ref][0]:
        book.breach("I2", f"more of {ref} comes back than was taken")
    book.taken_back.add(fact.of)


def taken_from_where_it_is(book: AccountBook, ref: str) -> None:
    """What a bank takes back is owed again, or was credit: only what the payment never had is a loss of ours (I2)."""
    payment = book.payment(ref)
    lost = sum(loss for _, loss in payment.reversed.values()) - payment.no_loss
    held = sum(minor - payment.came_back.get(name, 0) for name, (minor, _) in payment.reversed.items())
    had = payment.amount - sum(payment.given.values())
    if payment.amount and not book.left_unnamed and lost > max(0, held - had):
        book.breach("I2", f"{lost} of {ref} was taken back, and nobody owes it; of {had} a bank holds {held}")


def card_tried(book: AccountBook, fact: f.CardTried, _: f.Recorded) -> None:
    """Nothing of the account's own changes: the networks count it on the card."""


def chargeback_closed(book: AccountBook, fact: f.ChargebackClosed, _: f.Recorded) -> None:
    """Of a payment of which something was taken back."""
    payment = book.payment(fact.payment_ref)
    if payment.reversed and fact.ref not in payment.reversed:
        book.breach("I18", f"chargeback {fact.ref} is ruled on and was never made")


def _in_flight(book: AccountBook, attempt: int, recorded: f.Recorded, *, stands: bool) -> None:
    ref = f"attempt {attempt}"
    known = [d for d in book.doubts if (d.kind, d.ref, d.end) == (DoubtKind.ATTEMPT, ref, None)]
    if stands and not known:
        book.doubts.append(CheckedDoubt(DoubtKind.ATTEMPT, ref, recorded.at, None))
    elif known and not stands:
        book.doubts = [d._replace(end=recorded.at) if d in known else d for d in book.doubts]


MONEY: Final[Checks] = {
    f.MethodAdded: method_added,
    f.MethodActivated: method_activated,
    f.MethodRenewed: method_changed,
    f.MethodSpent: method_changed,
    f.MethodRemoved: method_removed,
    f.AttemptCreated: attempt_created,
    f.AttemptMoved: attempt_moved,
    f.ChallengeLapsed: challenge_lapsed,
    f.Refunded: refunded,
    f.RefundAsked: refund_asked,
    f.RefundCovered: refund_covered,
    f.RefundUndone: refund_undone,
    f.ChargebackClosed: chargeback_closed,
    f.CardTried: card_tried,
}
