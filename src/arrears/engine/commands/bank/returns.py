"""What the bank takes back: a debit that returns a credit, or a credit that reverses a debit, whichever of the two came
first, and whatever became of the other meanwhile. Both are closed together, each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from arrears.core.account import DoubtKind
from arrears.core.bank.statements import NO_REFERENCE
from arrears.core.facts import ARREARS
from arrears.core.known import IMPORTER, KINDS, known_of
from arrears.core.money import format_amount
from arrears.engine import correcting
from arrears.engine.acting import acting
from arrears.engine.doubting import end_doubt
from arrears.ports.bank import AccountsAndBank, CreditPart, CreditState, StoredCredit

_DONE: Final = (CreditState.MATCHED, CreditState.NOTED, CreditState.RETURNED)
UNKNOWN: Final = "it takes something back, and nobody can tell what"


def take_back_returned(store: AccountsAndBank, one: StoredCredit, now: datetime) -> bool:
    """What takes back one other, and only one, is closed with it. A debit that says that it takes something back waits
    for that or for a person, and any other is money that we paid. False for a credit of which nobody can tell what
    it takes back."""
    if not one.comes_back:
        store.decide_credit(one.number, [CreditState.NEW], CreditState.NOTED, "money that went out", ARREARS, now)
    elif (meant := _meant(one, store.credits_like([one.number]).get(one.number, ()))) is not None:
        close_with(store, one, meant, "", ARREARS, now)
    elif one.amount_minor > 0:
        return False
    else:
        store.decide_credit(one.number, [CreditState.NEW], CreditState.WAITING, UNKNOWN, ARREARS, now)
    return True


def look_at_returns(store: AccountsAndBank, now: datetime) -> None:
    """Look again at the returns that wait: what they take back may have come since. Of which a person has said what
    they do not take back waits for a person."""
    waiting = store.waiting_returns(ARREARS)
    like = store.credits_like([one.number for one in waiting]) if waiting else {}
    for one in waiting:
        if (meant := _meant(one, like.get(one.number, ()))) is not None:
            close_with(store, one, meant, "", ARREARS, now)


def _meant(one: StoredCredit, like: Sequence[StoredCredit]) -> StoredCredit | None:
    """The only one that a return names, of its sum or with a difference that the bank explains; where it names none,
    the only one from its IBAN, if that is booked, or is money that we paid."""
    found = [other for other in like if _names(one, other)]
    if not found and len(like) == 1 and like[0].state in _DONE:
        found = [*like]
    found = [other for other in found if _is_of_its_sum(one, other)]
    return found[0] if len(found) == 1 and not leaves_open(one, found[0]) else None


def _is_of_its_sum(one: StoredCredit, other: StoredCredit) -> bool:
    """Whether it takes back all of another, or the bank says why it is more or less: what had been paid, or what it
    kept of it. What takes a debit back takes all of it."""
    said, minor, of = one.transaction, abs(one.amount_minor), abs(other.amount_minor)
    if minor == of or one.amount_minor > 0:
        return minor == of
    if said.original_minor:
        return of == said.original_minor
    return of in (minor + said.charges_minor, minor - said.charges_minor)


def _names(one: StoredCredit, credit: StoredCredit) -> bool:
    """Whether a return has the bank's reference of a credit, or its payer's where it is not the return of another
    payer, as two may use the same."""
    said, its = one.transaction, credit.transaction
    if one.bank_reference and one.bank_reference == credit.bank_reference:
        return True
    payers = {said.iban, its.iban} - {"", one.own_iban}
    return said.end_to_end == its.end_to_end and said.end_to_end.upper() not in NO_REFERENCE and len(payers) < 2


def what_stays(one: StoredCredit, credit: StoredCredit) -> int:
    """How much less than a credit has left with a debit that takes it back: that is still with us, and stays paid."""
    return max(credit.amount_minor + one.amount_minor, 0) if one.amount_minor < 0 else 0


def leaves_open(one: StoredCredit, credit: StoredCredit) -> bool:
    """Whether it takes back a part of what nobody has booked: whose the rest is must be said first."""
    return bool(what_stays(one, credit)) and credit.state in (CreditState.NEW, CreditState.WAITING)


def close_with(
    store: AccountsAndBank, one: StoredCredit, other: StoredCredit, why: str, author: str, now: datetime
) -> None:
    """What takes back another is closed with it in one transaction. Of a credit what it was booked as is taken back, or
    it is never booked; what did not leave with the return stays paid, and what left above it is not the payer's. A
    debit that is taken back has taken nothing back itself. Nothing changes where somebody has decided about the other
    meanwhile. `why`: what is said of it, if that is more than which one it takes back."""
    if one.amount_minor > 0:
        _give_back(store, one, other, why or f"takes back debit {other.number}", author, now)
        return
    stays, more = what_stays(one, other), max(-one.amount_minor - other.amount_minor, 0)
    said, returned = f"takes back credit {other.number}", f"the bank returned it ({one.booked_on})"
    if stays:
        said, returned = (f"{some}, but for {format_amount(stays, one.currency)}" for some in (said, returned))
    if more:
        said += f"; {format_amount(more, one.currency)} above it are the bank's charges"
    done, said = CreditState.RETURNED, why or said
    close = partial(store.decide_credit, one.number, [one.state], done, said, author, now, takes_back=other.number)
    take_back(store, other, done, returned, author, now, close, stays)


def _give_back(
    store: AccountsAndBank, one: StoredCredit, debit: StoredCredit, why: str, author: str, now: datetime
) -> None:
    """A credit takes back a debit, and nobody has paid with it. Where the debit had taken back a credit, that one is to
    be looked at again."""
    taken, back = f"the bank took it back ({one.booked_on})", f"its return came back ({one.booked_on})"
    state = CreditState.RETURNED
    close = partial(store.decide_credit, one.number, [one.state], state, why, author, now, takes_back=debit.number)

    def close_both() -> None:
        if store.decide_credit(debit.number, [debit.state], state, taken, author, now):
            close()

    if debit.takes_back:
        [credit] = store.credits_in(list(CreditState), [debit.takes_back])
        take_back(store, credit, CreditState.NEW, back, author, now, close_both, with_doubts_of=one)
    else:
        take_back(store, debit, state, taken, author, now, close, with_doubts_of=one)


def take_back(
    store: AccountsAndBank,
    one: StoredCredit,
    state: CreditState,
    why: str,
    author: str,
    now: datetime,
    then: Callable[[], object] = lambda: None,
    stays: int = 0,
    with_doubts_of: StoredCredit | None = None,
) -> None:
    """Take back everything that a credit was booked as, wherever that money is now, but for so much of what was booked
    first (`stays`), and end the doubts of those whose it might have been. Each account in a transaction of its own, the
    last of which ends the doubts (`with_doubts_of` another too), says that it is done, and does what is to be done with
    that (`then`); what was taken back before is left as it is."""
    parts = store.parts_of(one.number)
    looked = [some.number for some in (one, with_doubts_of) if some is not None]
    doubts = {number: store.doubted_by(number) for number in looked}
    doubted = sorted({account for accounts in doubts.values() for account in accounts})
    left = _left(parts, stays)
    booked = sorted({part.account for part in parts})
    last = [*booked[-1:], *doubted]
    for some in (*([account] for account in booked[:-1]), last):
        with acting(store, some, now) as units:
            for account, unit in units.items():
                known = known_of(store.facts_of([account], KINDS)[account], IMPORTER)
                for part in parts:
                    payment = known.payments.get(part.ref)
                    if part.account == account and payment is not None and payment.minor > left.get(part.ref, 0):
                        minor = payment.minor - left.get(part.ref, 0)
                        correcting.take_back(unit, known, payment, minor, author, why)
                for number in looked if some is last else ():
                    if account in doubts[number]:
                        end_doubt(store, unit, DoubtKind.BANK_CREDIT, f"bank:{number}", ARREARS)
            if some is last and store.decide_credit(one.number, [one.state], state, why, author, now):
                store.undo_parts(one.number, left)
                store.forget_payers(one.number)
                for number in looked:
                    store.set_doubted(number, {})
                then()


def _left(parts: Sequence[CreditPart], stays: int) -> Mapping[str, int]:
    """What is left of each of these payments where so much stays of all."""
    left = {}
    for part in parts:
        if taken := min(part.amount_minor, stays):
            left[part.ref] = taken
            stays -= taken
    return left
