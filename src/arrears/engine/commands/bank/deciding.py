"""What people decide about a transfer: whose it is, in which parts, that it is none of ours, or that it was wrong.

What people match is learnt as the IBAN from which that account pays, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from arrears.core.bank.matching import Suggestion
from arrears.core.errors import Refused
from arrears.core.money import format_amount
from arrears.engine.acting import acting_on, open_debts
from arrears.engine.commands.bank.crediting import (
    NEAR_AT_ONCE,
    book_in_parts,
    doubt,
    in_parts,
    look_at,
    refuse_not_open,
    suggestions_for,
)
from arrears.engine.commands.bank.index import StoredIndex, as_credit
from arrears.engine.commands.bank.returns import close_with, leaves_open, look_at_returns, take_back, what_stays
from arrears.ports.bank import AccountsAndBank, CreditState, StoredCredit

_OPEN = (CreditState.NEW, CreditState.WAITING)


class Queued(NamedTuple):
    """A transfer that waits for a person, with the best suggestions; of what comes back, what it may take back."""

    credit: StoredCredit
    suggestions: Sequence[Suggestion]
    may_take_back: Sequence[StoredCredit] = ()


class Share(NamedTuple):
    """A part of a credit for one account: minor units, and the invoices it pays first, by number within the account."""

    account: int
    minor: int
    debts: tuple[int, ...] = ()


def queue(store: AccountsAndBank) -> list[Queued]:
    """Everything that waits, the oldest first."""
    found: list[Queued] = []
    for some in in_parts(store.credits_in(_OPEN), NEAR_AT_ONCE):
        index = StoredIndex(store)
        index.look_up_near([as_credit(one) for one in some])
        like = store.credits_like([one.number for one in some if one.amount_minor < 0 or one.comes_back])
        found += [Queued(one, suggestions_for(index, one), like.get(one.number, ())) for one in some]
    return found


def queued(store: AccountsAndBank, one: StoredCredit) -> Queued:
    """One transfer, with the suggestions of now."""
    index = StoredIndex(store)
    index.look_up_near([as_credit(one)])
    like = store.credits_like([one.number]) if one.amount_minor < 0 or one.comes_back else {}
    return Queued(one, suggestions_for(index, one), like.get(one.number, ()))


def credit(store: AccountsAndBank, number: int) -> StoredCredit:
    """One transfer. Refuses `unknown_credit`."""
    found = store.credits_in(list(CreditState), [number])
    if not found:
        raise Refused("unknown_credit", f"there is no credit {number}; `arrears bank queue` lists those that wait")
    return found[0]


def waiting_credit(store: AccountsAndBank, number: int) -> StoredCredit:
    """One transfer that a person can decide about. Refuses `unknown_credit`, `credit_decided`, and `bank_return` for
    one that gives money back."""
    one = credit(store, number)
    refuse_not_open(one)
    if one.amount_minor < 0:
        way = f"`arrears bank return {number} CREDIT` says which credit it takes back"
        raise Refused("bank_return", f"{number} gives {format_amount(-one.amount_minor, one.currency)} back; {way}")
    return one


def share_out(
    store: AccountsAndBank, number: int, shares: Sequence[Share], ours: set[str], now: datetime, author: str, why: str
) -> None:
    """Book a waiting credit in these shares, which must be all of it. Refuses `unknown_credit`, `credit_decided`,
    `bank_return`, `bad_amount`, `wrong_currency`, `unknown_account`, `unknown_invoice`. Of several accounts
    each is a transaction of its own, and what was booked before is not booked again."""
    one = waiting_credit(store, number)
    if sum(share.minor for share in shares) != one.amount_minor or any(share.minor <= 0 for share in shares):
        whole = format_amount(one.amount_minor, one.currency)
        raise Refused("bad_amount", f"credit {number} is {whole}, and its parts must be that in sum, each above zero")
    booked = {part.account for part in store.parts_of(number)}
    left = sorted({share.account for share in shares} - booked)
    for account in left:
        with acting_on(store, account, now) as unit:
            for share in (some for some in shares if some.account == account):
                open_debts(unit, share.debts)
                times = store.parts_count(number)
                store.add_parts(number, book_in_parts(unit, one, share.minor, share.debts, author, times))
            if account == left[-1]:
                _matched(store, one, author, why, now)
    iban = one.transaction.iban
    if iban and iban not in ours:
        for share in shares:
            store.learn_payer(iban, share.account, number)
    doubt(store, one, {}, now)
    look_at_returns(store, now)


def _matched(store: AccountsAndBank, one: StoredCredit, author: str, why: str, now: datetime) -> None:
    if not store.decide_credit(one.number, _OPEN, CreditState.MATCHED, why, author, now):
        raise Refused("credit_decided", f"credit {one.number} was decided by somebody else meanwhile")


def undo(store: AccountsAndBank, number: int, now: datetime, author: str, why: str) -> Mapping[int, str]:
    """A match was wrong: what was booked is taken back, wherever that money is now, and the credit waits again. The
    accounts it was taken from, with how much. Of a return and the credit that it took back each waits for a person
    again, or the credit is matched as if it came now. Refuses `unknown_credit`, `not_matched`."""
    one = credit(store, number)
    if one.state is CreditState.RETURNED and _undo_return(store, one, now, author, why):
        return {}
    if one.state is CreditState.IGNORED:
        store.decide_credit(number, [CreditState.IGNORED], CreditState.NEW, why, author, now)
        look_at(store, now)
        return {}
    if one.state is not CreditState.MATCHED:
        raise Refused("not_matched", f"credit {number} is {one.state}, so there is nothing to undo")
    took: dict[int, int] = {}
    for part in store.parts_of(number):
        took[part.account] = took.get(part.account, 0) + part.amount_minor
    take_back(store, one, CreditState.WAITING, why, author, now)
    index = StoredIndex(store)
    doubted = {s.account: None for s in suggestions_for(index, one) if s.doubt and s.account not in took}
    doubt(store, one, doubted, now)
    return {account: format_amount(minor, one.currency) for account, minor in took.items()}


def _undo_return(store: AccountsAndBank, one: StoredCredit, now: datetime, author: str, why: str) -> bool:
    """False where what is returned is not known by its number."""
    number = one.number if one.takes_back else store.return_of(one.number)
    took = credit(store, number).takes_back if number else 0
    if not took:
        return False
    again = partial(store.decide_credit, number, [CreditState.RETURNED], CreditState.WAITING, why, author, now)
    take_back(store, credit(store, took), CreditState.NEW, why, author, now, again)
    look_at(store, now)
    return True


def book_return(store: AccountsAndBank, number: int, takes: int, now: datetime, author: str, why: str) -> None:
    """Say that a debit takes back this credit, or a credit this debit: of the same bank account, and of the same sum
    where it does not name it. Refuses `unknown_credit`, `credit_decided`, `bad_return`."""
    one, back = credit(store, takes), credit(store, number)
    if back.state is not CreditState.NOTED:
        refuse_not_open(back)
    if one.state is CreditState.RETURNED and not one.takes_back:
        refuse_not_open(one)
    of_both = [(some.own_iban, some.currency) for some in (one, back)]
    named = back.amount_minor < 0 and takes in {some.number for some in store.credits_like([number]).get(number, ())}
    sums = one.amount_minor * back.amount_minor < 0 and (named or one.amount_minor == -back.amount_minor)
    if not sums or of_both[0] != of_both[1]:
        said = [f"{some.number} is {format_amount(some.amount_minor, some.currency)}" for some in (back, one)]
        other = "" if of_both[0] == of_both[1] else " of another of our accounts"
        rule = "a return takes back a credit of the same account, sum and currency, or one that it names"
        raise Refused("bad_return", f"{said[0]}, and {said[1]}{other}; {rule}")
    if leaves_open(back, one):
        stays = format_amount(what_stays(back, one), one.currency)
        way = f"`arrears bank match {takes}` first says whose it is, or `ignore` that it is none of yours"
        raise Refused("bad_return", f"{stays} of credit {takes} stays here, and nobody has said whose that is; {way}")
    close_with(store, back, one, why, author, now)
    look_at(store, now)
    if credit(store, number).takes_back != takes:
        raise Refused("credit_decided", f"credit {takes} was decided by somebody else meanwhile")


def ignore(store: AccountsAndBank, number: int, now: datetime, author: str, why: str) -> None:
    """A credit is none of ours: nobody is in doubt for it any more. Refuses `unknown_credit`, `credit_decided`."""
    one = credit(store, number)
    refuse_not_open(one)
    store.decide_credit(number, _OPEN, CreditState.IGNORED, why, author, now)
    doubt(store, one, {}, now)
    look_at_returns(store, now)
