"""What a newer book says of an invoice's payments, against those that earlier ones have said (spec, section 14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from arrears.core.known import Known, KnownInvoice, KnownPayment
from arrears.core.receivables import BookPayment


class PaidWord(NamedTuple):
    """What a newer word about the payments of one invoice comes to, in minor units: `missing_minor` is to be booked;
    `less_minor` is to be taken back, so much of each of the payments `back`. At most one of them is above zero. `gone`
    are payments that an earlier book had and of which no row is there: nothing follows from that."""

    missing_minor: int
    less_minor: int
    back: Sequence[tuple[KnownPayment, int]]
    gone: Sequence[KnownPayment]


def booked_as(ref: str, named: Iterable[str]) -> str:
    """Which of these references a payment was booked for: one that was taken already got a number behind it."""
    before, plus, number = ref.rpartition("+")
    return before if ref not in named and plus and number.isdecimal() and before in named else ref


def paid_word(parts: Sequence[BookPayment], known: Known, was: KnownInvoice) -> PaidWord:
    """Compare what a book says is paid of an invoice with what is here.

    A row that is gone says nothing: where rows are payments, one that is not there any more still counts. What says
    less is a row that is there: one without any payment, one that says what is paid by now, or the same payment with a
    lower sum."""
    here = [p for p in known.payments.values() if p.by_book and p.invoice == was.no]
    gone = _gone(parts, [p for p in here if p.minor], was.number)
    said, by_book = sum(p.amount_minor for p in parts), known.by_book(was.no)
    missing = said + _still_said(parts, gone, was) - known.paid(was.no)
    if missing > 0:
        return PaidWord(missing, 0, (), gone)
    less = max(0, by_book - said - sum(p.minor for p in gone))
    missed = {p.ref for p in gone}
    return PaidWord(0, less, list(_back(parts, [p for p in here if p.ref not in missed], less)), gone)


def _back(parts: Sequence[BookPayment], here: Sequence[KnownPayment], minor: int) -> Iterator[tuple[KnownPayment, int]]:
    """Of which payments so much is taken back: those that are more here than a row with their reference says, and then
    the others, the latest first."""
    said = Counter({p.ref: p.amount_minor for p in parts})
    over = Counter[str]()
    for payment in here:
        over[booked_as(payment.ref, said)] += payment.minor
    over -= said
    for payment in reversed(here):
        ref = booked_as(payment.ref, said)
        taken = min(minor, payment.minor, over[ref])
        if taken:
            over[ref] -= taken
            minor -= taken
            yield payment, taken


def _gone(parts: Sequence[BookPayment], here: Sequence[KnownPayment], number: str) -> list[KnownPayment]:
    if not all(p.dated for p in parts) or not parts:
        return []  # The invoice's row says what is paid of it as a whole.
    named = {p.ref for p in parts if p.ref != number}
    bare = {*named, number}
    gone = [p for p in here if booked_as(p.ref, bare) not in bare]
    unnamed = [p for p in here if booked_as(p.ref, bare) == number]
    left = Counter(p.amount_minor for p in parts if p.ref == number)
    if left - Counter(p.minor for p in unnamed):
        return gone  # One of them has another sum now, which is a word about them.
    for payment in unnamed:
        if left[payment.minor]:
            left[payment.minor] -= 1
        else:
            gone.append(payment)
    return gone


def _still_said(parts: Sequence[BookPayment], gone: Sequence[KnownPayment], was: KnownInvoice) -> int:
    """How much of what is gone counts beside what is said now, so that a payment that is new is not taken for it: of
    payments with references, and never more than is asked. A new one of the same sum is the same under another name."""
    if any(p.ref == was.number for p in parts):
        return 0
    sums = Counter(p.amount_minor for p in parts)
    minor = 0
    for payment in gone:
        if payment.ref == was.number or booked_as(payment.ref, {was.number}) == was.number:
            continue
        if sums[payment.minor]:
            sums[payment.minor] -= 1
        else:
            minor += payment.minor
    return min(minor, max(0, was.total_minor - sum(p.amount_minor for p in parts)))


def lacking(parts: Sequence[BookPayment], known: Known, was: KnownInvoice, minor: int) -> list[tuple[BookPayment, int]]:
    """How much of each payment is to be booked so that it is `minor` in sum: each as far as it is not here under its
    own reference, the first of them what is left."""
    refs = {p.ref for p in parts}
    here: Counter[str] = Counter()
    for p in known.payments.values():
        if p.by_book and p.invoice == was.no:
            here[booked_as(p.ref, refs)] += p.minor
    found = []
    for part in parts:
        taken = min(minor, max(0, part.amount_minor - here[part.ref]))
        if taken:
            found.append((part, taken))
            minor -= taken
    return [*found, (parts[0], minor)] if minor else found
