"""What a newer book says of an invoice's payments, against those that earlier ones have said (spec, section 14).

Of what a provider, a bank or a person has taken back, they are the authority and not the book: its "paid" may be the
payment that has left again, of which it has not heard. What cannot be told apart from that is no new payment; it is in
doubt, and a person is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import date
from typing import NamedTuple

from arrears.core import facts as f
from arrears.core.account import Account, DoubtKind
from arrears.core.guards import Guards
from arrears.core.known import PAID_IN_DOUBT, Known, KnownInvoice, KnownPayment
from arrears.core.money import format_amount
from arrears.core.payments.values import AttemptState
from arrears.core.policy import Policies
from arrears.core.receivables import BookPayment
from arrears.core.unit import Unit
from arrears.engine.doubting import end_doubt_under


class PaidWord(NamedTuple):
    """What a newer word about the payments of one invoice comes to, in minor units: `missing_minor` is to be booked;
    `less_minor` is to be taken back, so much of each of the payments `back`. At most one of them is above zero. `gone`
    are payments that an earlier book had and of which no row is there: nothing follows from that. `doubtful_minor` is
    called paid as well, and may be what was taken back, or what an attempt that is under way takes."""

    missing_minor: int
    less_minor: int = 0
    back: Sequence[tuple[KnownPayment, int]] = ()
    gone: Sequence[KnownPayment] = ()
    doubtful_minor: int = 0
    said_minor: int = 0
    heard_minor: int = 0


def booked_as(ref: str, named: Iterable[str]) -> str:
    """Which of these references a payment was booked for: one that was taken already got a number behind it."""
    before, plus, number = ref.rpartition("+")
    return before if ref not in named and plus and number.isdecimal() and before in named else ref


def paid_word(parts: Sequence[BookPayment], known: Known, was: KnownInvoice, account: Account) -> PaidWord:
    """Compare what a book says is paid of an invoice with what is here.

    A row that is gone says nothing: where rows are payments, one that is not there any more still counts. What says
    less is a row that is there: one without any payment, one that says what is paid by now, or the same payment with a
    lower sum."""
    here = [p for p in known.payments.values() if p.by_book and p.invoice == was.no]
    gone = _gone(parts, [p for p in here if p.minor], was.number)
    said, by_book = sum(p.amount_minor for p in parts), known.by_book(was.no)
    counted = said + _still_said(parts, gone, was)
    new = sum(minor for _, minor in _new_apart(parts, known, was))
    # What came on top is booked once what it stands in the place of is taken back: until then it would be credit, and
    # pay for something else.
    if new and (left := by_book - (said - new) - sum(p.minor for p in gone)) > 0:
        return doubted(was, PaidWord(0, left, list(_back(parts, here, left)), gone, said_minor=counted), account, 0)
    missing = max(counted - known.paid(was.no), new)
    if missing > 0:
        proven = max(_paid_since(parts, was), new)
        return doubted(was, PaidWord(missing, gone=gone, said_minor=counted), account, proven)
    less = max(0, by_book - said - sum(p.minor for p in gone))
    missed = {p.ref for p in gone}
    back = list(_back(parts, [p for p in here if p.ref not in missed], less))
    return doubted(was, PaidWord(0, less, back, gone, said_minor=counted), account, 0)


def doubted(was: KnownInvoice, word: PaidWord, account: Account, proven_minor: int) -> PaidWord:
    """The word without what is no certain payment: as much as was taken back here and the book has not heard of, and as
    an attempt takes of which we do not know more. So much is proven otherwise, by rows of a later day.

    A book has heard when it says less than it said while that was in doubt: what it calls paid after that is new."""
    heard = min(was.gone_minor, was.heard_minor + max(0, was.said_minor - word.said_minor))
    doubtful = max(0, min(word.missing_minor - proven_minor, was.gone_minor - heard + _under_way(account, was.no)))
    missing = word.missing_minor - doubtful
    return word._replace(missing_minor=missing, doubtful_minor=doubtful, heard_minor=heard)


def _new_apart(parts: Sequence[BookPayment], known: Known, was: KnownInvoice) -> Iterator[tuple[BookPayment, int]]:
    """Payments that are no other money than their references say, each with what of it is not here under its own: that
    much came on top of whatever arrears has taken."""
    refs = {p.ref for p in parts if p.apart}
    here = _booked(refs, known, was)
    for part in parts:
        if part.apart and part.amount_minor > here[part.ref]:
            yield part, part.amount_minor - here[part.ref]


def _booked(refs: Set[str], known: Known, was: KnownInvoice) -> Counter[str]:
    """How much of an invoice imports have booked under each of these references."""
    here: Counter[str] = Counter()
    for p in known.payments.values():
        if p.by_book and p.invoice == was.no:
            here[booked_as(p.ref, refs)] += p.minor
    return here


def _paid_since(parts: Sequence[BookPayment], was: KnownInvoice) -> int:
    """How much rows say was paid on a later day than that on which money left again, and is not here."""
    return max(0, sum(p.amount_minor for p in parts if _is_later(p, was)) - was.since_minor)


def _is_later(part: BookPayment, was: KnownInvoice) -> bool:
    """Whether a row says that it was paid after money of this invoice was taken back, so that it is no such money."""
    return part.dated and was.gone_on is not None and part.paid_on > was.gone_on


def _under_way(account: Account, debt: int) -> int:
    """How much of a debt attempts are for of which nobody knows yet whether they have taken it."""
    asked = (AttemptState.CREATED, AttemptState.SUBMITTED, AttemptState.UNKNOWN)
    open_ones = [a for a in account.attempts if a.state in asked and not a.on_page]
    return sum(part.minor for attempt in open_ones for part in attempt.parts if part.debt == debt)


def note_doubt(unit: Unit, was: KnownInvoice, word: PaidWord, policies: Policies, guards: Guards, author: str) -> None:
    """Doubt what is called paid and may be what was taken back, or be done with that doubt. A person who has closed it
    is not asked again of the same sum."""
    ref, debt = f"{PAID_IN_DOUBT}{was.number}", unit.account.debt(was.no)
    stands = any((d.kind, d.ref) == (DoubtKind.FEED, ref) for d in unit.account.doubts)
    if word.doubtful_minor and debt is not None:
        if (word.said_minor, word.heard_minor) != (was.said_minor, was.heard_minor) or not (stands or was.judged):
            raised = f.DoubtRaised(DoubtKind.FEED, ref, said_minor=word.said_minor, heard_minor=word.heard_minor)
            unit.record(raised, author, _why(was, word))
    elif stands:
        end_doubt_under(policies, guards, unit, DoubtKind.FEED, ref, author, heard_minor=word.heard_minor)
    elif word.heard_minor != was.heard_minor:
        unit.record(f.DoubtCleared(DoubtKind.FEED, ref, heard_minor=word.heard_minor), author)


def _why(was: KnownInvoice, word: PaidWord) -> str:
    said, minor = format_amount(word.said_minor, was.currency), format_amount(word.doubtful_minor, was.currency)
    left = "was taken back again" if was.gone_minor else "is being charged"
    way = "if another payment came, import its row with the day on which it came, else close this task"
    return f"invoice {was.number}: the book calls {said} paid, and {minor} of that {left} here; {way}"


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


def all_of(was: KnownInvoice, account_ref: str, day: date, minor: int) -> BookPayment:
    """What is gone from a list of what is open, as a payment of so much."""
    return BookPayment(0, was.number, account_ref, was.number, day, was.currency, minor, dated=False)


def lacking(parts: Sequence[BookPayment], known: Known, was: KnownInvoice, minor: int) -> list[tuple[BookPayment, int]]:
    """How much of each payment is to be booked so that it is `minor` in sum: each as far as it is not here under its
    own reference, those first that can be no other money, and the first of all what is left."""
    here = _booked({p.ref for p in parts}, known, was)
    found = []
    for part in sorted(parts, key=lambda p: not (p.apart or _is_later(p, was))):
        taken = min(minor, max(0, part.amount_minor - here[part.ref]))
        if taken:
            found.append((part, taken))
            minor -= taken
    return [*found, (parts[0], minor)] if minor else found
