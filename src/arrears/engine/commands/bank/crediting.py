"""What becomes of each transfer: booked by itself where one of the two cases says whose it is, else a person's, and a
doubt of those whom it may belong to until then. A debit that takes back what was booked takes it back here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from arrears.core.account import DoubtKind
from arrears.core.bank.matching import Matched, Suggestion, match, suggest
from arrears.core.errors import Refused
from arrears.core.facts import ARREARS
from arrears.core.money import format_amount
from arrears.core.unit import Unit
from arrears.core.working_days import bank_days_after
from arrears.engine.acting import acting
from arrears.engine.booking import Payment, book
from arrears.engine.commands.bank.index import StoredIndex, as_credit
from arrears.engine.commands.bank.returns import UNKNOWN, look_at_returns, take_back_returned
from arrears.engine.doubting import begin_doubt, end_doubt
from arrears.ports.bank import AccountsAndBank, CreditPart, CreditState, StoredCredit

DOUBT_DAYS: Final = 5
"""So many bank days an account is in doubt by the amount of a credit alone (spec, section 6)."""
_OPEN: Final = (CreditState.NEW, CreditState.WAITING)
EXACT_AT_ONCE: Final = 10_000
"""So many transfers are looked at together: each names some five numbers."""
NEAR_AT_ONCE: Final = 2_000
"""The same of what may be damaged: what is known of them is kept meanwhile."""
BOOKED_AT_ONCE: Final = 200
"""So many are booked, or doubted, in one transaction, whose accounts wait for one another meanwhile."""


def look_at(store: AccountsAndBank, now: datetime, *, again: bool = True) -> None:
    """Decide about every transfer that nobody has looked at, in sets. What a process that ended left is taken up
    here. What a return that waits takes back is never matched first; what is given back meanwhile is looked at once
    more."""
    look_at_returns(store, now)
    waiting: list[int] = []
    last = 0
    while some := store.credits_after(last, CreditState.NEW, EXACT_AT_ONCE):
        last = some[-1].number
        waiting += _decided(store, some, now)
    for at in range(0, len(waiting), NEAR_AT_ONCE):
        some = store.credits_in([CreditState.NEW], waiting[at : at + NEAR_AT_ONCE])
        index = StoredIndex(store)
        index.look_up_near([as_credit(one) for one in some])
        _let_wait(store, index, some, now)
    if last:
        look_at_returns(store, now)
        if again and store.credits_after(0, CreditState.NEW, 1):
            look_at(store, now, again=False)


def in_parts(credits: Sequence[StoredCredit], most: int) -> Iterator[Sequence[StoredCredit]]:
    """The same in order, so many at a time."""
    for at in range(0, len(credits), most):
        yield credits[at : at + most]


def _decided(store: AccountsAndBank, some: Sequence[StoredCredit], now: datetime) -> Iterator[int]:
    """Book what is matched, and what takes back what was matched before it; the numbers of those that are left."""
    index = StoredIndex(store)
    index.look_up([as_credit(one) for one in some])
    matched: list[tuple[int, StoredCredit]] = []
    for one in some:
        found = None
        if one.amount_minor <= 0 or (one.comes_back and not one.unclear):
            yield from _book_matched(store, index, matched, now)
            matched = []
            if not take_back_returned(store, one, now):
                yield one.number
        elif one.unclear or (found := match(as_credit(one), index)) is None:
            yield one.number
        else:
            matched.append((found.account, one))
        if len(matched) == BOOKED_AT_ONCE:
            yield from _book_matched(store, index, matched, now)
            matched = []
    yield from _book_matched(store, index, matched, now)


def _book_matched(
    store: AccountsAndBank, index: StoredIndex, matched: Sequence[tuple[int, StoredCredit]], now: datetime
) -> list[int]:
    """Book these, where it is still so under their accounts' locks, as somebody may have paid meanwhile; the numbers of
    those of which it is not."""
    if not matched:
        return []
    left: list[int] = []
    whys: dict[int, str] = {}
    parts: list[tuple[int, CreditPart]] = []
    with acting(store, [account for account, _ in matched], now) as units:
        times = store.open_credits([one.number for _, one in matched])
        for account, one in matched:
            index.as_it_is(units[account].account)
            found: Matched | None = match(as_credit(one), index)
            if found is None or found.account != account:
                left.append(one.number)
            elif one.number in times:
                whys[one.number] = found.why
                booked = book_in_parts(units[account], one, one.amount_minor, found.debts, ARREARS, times[one.number])
                parts += [(one.number, part) for part in booked]
        store.match_credits(whys, parts, ARREARS, now)
    for unit in units.values():
        index.as_it_is(unit.account)
    return left


def book_in_parts(
    unit: Unit, one: StoredCredit, minor: int, debts: Sequence[int], author: str, times: int
) -> list[CreditPart]:
    """Book so much of a credit for an account that is open for a change: a payment for each of these invoices in order,
    and one for the rest, so that each can be taken back from what it paid. `times`: as so many payments it was booked
    before; a reference is never used again."""
    left = minor
    parts: list[CreditPart] = []
    for number in (*debts, 0):
        debt = unit.account.debt(number) if number else None
        taken = left if not number else 0 if debt is None else min(left, debt.open_minor)
        if taken:
            times += 1
            ref = f"bank:{one.number}" if times == 1 else f"bank:{one.number}.{times}"
            book(unit, Payment(unit.no, ref, one.currency, taken, (number,) if number else ()), author)
            parts.append(CreditPart(unit.no, ref, taken))
            left -= taken
    return parts


def suggestions_for(index: StoredIndex, one: StoredCredit) -> list[Suggestion]:
    """Whose it may be, the likeliest first."""
    return suggest(as_credit(one), index)


def _let_wait(store: AccountsAndBank, index: StoredIndex, some: Sequence[StoredCredit], now: datetime) -> None:
    """They wait for a person, and those whom each may belong to are in doubt until then. The doubts come first: a
    process that ends between leaves it to be looked at again."""
    doubted: dict[StoredCredit, Mapping[int, date | None]] = {}
    for one in some:
        until = bank_days_after(one.booked_on, DOUBT_DAYS)
        doubted[one] = {found.account: None if found.doubt else until for found in suggestions_for(index, one)}
    doubt_all(store, doubted, now)
    for one in some:
        why = one.unclear or (UNKNOWN if one.comes_back else "")
        store.decide_credit(one.number, [CreditState.NEW], CreditState.WAITING, why, ARREARS, now)


def doubt(store: AccountsAndBank, one: StoredCredit, accounts: Mapping[int, date | None], now: datetime) -> None:
    """These accounts, and no others, are in doubt for this credit."""
    doubt_all(store, {one: accounts}, now)


def doubt_all(store: AccountsAndBank, doubted: Mapping[StoredCredit, Mapping[int, date | None]], now: datetime) -> None:
    """Of each of these credits these accounts, and no others, are in doubt; many accounts at a time under their
    locks."""
    ended: dict[int, list[StoredCredit]] = defaultdict(list)
    begun: dict[int, list[StoredCredit]] = defaultdict(list)
    for one, accounts in doubted.items():
        for account in set(store.doubted_by(one.number)) - accounts.keys():
            ended[account].append(one)
        for account in accounts:
            begun[account].append(one)
    numbers = sorted(ended.keys() | begun.keys())
    for at in range(0, len(numbers), BOOKED_AT_ONCE):
        with acting(store, numbers[at : at + BOOKED_AT_ONCE], now) as units:
            for account, unit in units.items():
                for one in ended.get(account, ()):
                    end_doubt(store, unit, DoubtKind.BANK_CREDIT, f"bank:{one.number}", ARREARS)
                for one in begun.get(account, ()):
                    why = f"a bank credit of {format_amount(one.amount_minor, one.currency)} may be theirs"
                    begin_doubt(unit, DoubtKind.BANK_CREDIT, f"bank:{one.number}", ARREARS, why)
    for one, accounts in doubted.items():
        store.set_doubted(one.number, accounts)


def end_old_doubts(store: AccountsAndBank, today: date, now: datetime) -> None:
    """By the amount of a credit alone nobody is in doubt for longer than DOUBT_DAYS."""
    over: dict[int, set[int]] = {}
    for number, account in store.doubts_until(today):
        over.setdefault(number, set()).add(account)
    for one in store.credits_in(list(CreditState), list(over)):
        left: Sequence[int] = [account for account in store.doubted_by(one.number) if account not in over[one.number]]
        doubt(store, one, dict.fromkeys(left), now)


def refuse_not_open(one: StoredCredit) -> None:
    """Refuses `credit_decided` for a credit that no longer waits."""
    if one.state not in _OPEN:
        raise Refused("credit_decided", f"credit {one.number} is {one.state} already; `arrears bank undo` opens it")
