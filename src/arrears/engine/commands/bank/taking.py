"""Taking a bank's file: each entry once, what does not add up set aside whole, and a gap said until it is closed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

import msgspec

from arrears.core.bank.statements import BankFile, BankStatement, StatementKind, wrong_with
from arrears.core.errors import Refused
from arrears.core.facts import ARREARS
from arrears.core.system import BANK, BANK_FEED
from arrears.engine.commands.bank.crediting import end_old_doubts, look_at
from arrears.engine.system import set_book_refused, set_book_taken
from arrears.ports.bank import BankTaking, Closing, TakeFile


class TakenFile(msgspec.Struct, frozen=True):
    """What came of a file. `state` is `taken`, `known` (this very file was taken before), `quarantined` or `refused`,
    `why` the reason. `firsts` are, for each statement, the first credit of each entry; None for what was here.
    `gaps` are the accounts of which a statement is missing."""

    state: str
    why: str = ""
    firsts: Sequence[Sequence[int | None]] = ()
    gaps: Mapping[str, str] = {}


def wrong_with_file(file: BankFile, ours: Collection[tuple[str, str]]) -> str:
    """Why nothing of a file is taken; empty where it can be. `ours` are our accounts and their currencies."""
    if file.refused:
        return file.refused
    for number, statement in enumerate(file.statements, 1):
        where = "" if len(file.statements) == 1 else f"statement {number}: "
        if wrong := wrong_with(statement):
            return where + wrong
        if (statement.account, statement.currency) not in ours:
            return f"{where}{statement.account} in {statement.currency} is not one of our bank accounts"
    return ""


def take_file(
    store: BankTaking, file: BankFile, digest: bytes, name: str, ours: Collection[tuple[str, str]], now: datetime
) -> TakenFile:
    """Take a file and book what decides by itself. All of it or nothing: what is wrong in one of its statements sets
    the whole file aside, with a task, and nobody who pays by transfer is restricted, disabled or deleted until a
    statement of that account closes the gap or a person closes the task: it may say who has paid."""
    if store.bank_file_known(digest):
        return TakenFile("known")
    if why := wrong_with_file(file, ours):
        for account, currency in sorted(one for one in ours if _may_be_of(file, *one)):
            cause = f"{_cause(account, currency)}{digest.hex()[:16]}"
            set_book_refused(store, cause, now, f"{name} was set aside: {why}"[:400])
        return TakenFile("refused" if file.refused else "quarantined", why)
    _say_new_gaps(store, file, name, now)
    firsts = store.keep_bank_file(digest, name, file.statements, now)
    if not firsts:
        return TakenFile("known")
    gaps = _standing_gaps(store, file, name, now)
    look_at(store, now)
    return TakenFile("taken", firsts=firsts, gaps=gaps)


NEVER_SEEN: Final = frozenset({"no_such_file", "unreadable_file"})
"""What says nothing of a bank: nobody has seen what is in the file."""


def _may_be_of(file: BankFile, account: str, currency: str) -> bool:
    """Whether a file that is not taken may say something of an account: one that cannot be read may of any."""
    if file.refused:
        return file.code not in NEVER_SEEN
    return any((one.account, one.currency) == (account, currency) for one in file.statements)


def _say_new_gaps(store: BankTaking, file: BankFile, name: str, now: datetime) -> None:
    """Say what will be missing with a file, before it is kept: whoever ends in between has said it. A gap that was
    there before has been said, and stays closed where a person closed its task."""
    for account, currency in _accounts_of(file):
        here = store.closings(account, currency)
        ends = [end for one in file.statements if (end := _closing(one, now)) and one.account == account]
        known = gaps_in(here)
        for why in [why for why in gaps_in(_in_order([*here, *ends])) if why not in known]:
            set_book_refused(store, _cause(account, currency) + why, now, f"after {name}: {why}")


def _standing_gaps(store: BankTaking, file: BankFile, name: str, now: datetime) -> Mapping[str, str]:
    """What is missing beside what is here, by account; where nothing is, it is said no more."""
    found: dict[str, str] = {}
    for account, currency in _accounts_of(file):
        gaps = gaps_in(store.closings(account, currency))
        if gaps:
            found[account] = gaps[0]
        of_it = [one for one in file.statements if (one.account, one.currency) == (account, currency)]
        whole = not gaps and any(one.closing is not None for one in of_it)
        for book in store.system().books_refused:
            cause = book.removeprefix(_cause(account, currency))
            if cause != book and cause not in gaps and (whole or " " in cause):
                set_book_taken(store, book, now, ARREARS, f"{name} was taken, and it is not missing any more")
    return found


def _cause(account: str, currency: str) -> str:
    """How each reason begins for which one of our bank accounts is not known whole: every file that was set aside, and
    every statement that is missing, is a task of its own."""
    return f"{BANK}{account} {currency}: "


def _accounts_of(file: BankFile) -> Sequence[tuple[str, str]]:
    return sorted({(one.account, one.currency) for one in file.statements})


def _closing(one: BankStatement, now: datetime) -> Closing | None:
    if one.kind is StatementKind.EARLY or one.opening is None or one.closing is None:
        return None
    day = one.closing.day or max((e.booked_on for e in one.entries if e.booked_on is not None), default=now.date())
    return Closing(one.opening.minor, one.closing.minor, day, one.number)


def _in_order(closings: Iterable[Closing]) -> Sequence[Closing]:
    return sorted(closings, key=lambda one: (one.closed_on, one.number))


def gaps_in(closings: Sequence[Closing]) -> Sequence[str]:
    """Where statements are missing between those that are here, the oldest first; none where each begins with what one
    that is not later ended with, but for the first, and the bank's numbers leave none out."""
    places: dict[int, list[int]] = {}
    for at, one in enumerate(closings):
        places.setdefault(one.closing_minor, []).append(at)
    found = []
    for at, one in enumerate(closings):
        before = next((place for place in places.get(one.opening_minor, ()) if place != at), None)
        if at and (before is None or closings[before].closed_on > one.closed_on):
            where = "does not begin where one before it ends"
            found.append(f"the statement that ends on {one.closed_on} {where}; one is missing")
    for last, one in _left_out(closings):
        after = f"{last.number} of {last.closed_on}"
        found.append(f"statement {one.number} of {one.closed_on} comes after {after}; one is missing")
    return found


COUNT_MAX: Final = 9_999
"""A larger number of a statement is a date in figures (26152, 20260601), which leaves days out by itself."""


def _left_out(closings: Sequence[Closing]) -> list[tuple[Closing, Closing]]:
    """The statements after whose numbers the next of that year leaves some out. Balances do not show it where an
    account is swept each night, or where as much came as went. A bank whose numbers are the days of the year counts no
    statements: there, no two are nearer or further apart than their days."""
    numbered = [one for one in closings if 0 < one.number <= COUNT_MAX]
    pairs = [(a, b) for a, b in pairwise(numbered) if a.closed_on.year == b.closed_on.year and b.number > a.number]
    if all(b.number - a.number == (b.closed_on - a.closed_on).days for a, b in pairs):
        return []
    return [(a, b) for a, b in pairs if b.number - a.number > 1]


def bank_hourly(store: BankTaking, ours: Collection[tuple[str, str]], feed_days: int, now: datetime) -> None:
    """Look again at what a process left, let doubts by amount alone end in time, and say which account's newest
    statement is more than `feed_days` old, as somebody may have paid since; 0: there is no bank feed."""
    look_at(store, now)
    end_old_doubts(store, now.date(), now)
    newest = store.newest_closing() if feed_days else {}
    for account, currency in sorted(ours) if feed_days else ():
        day = newest.get((account, currency))
        name = f"{BANK_FEED}{account} {currency}"
        is_old = day is None or (now.date() - day).days > feed_days
        if is_old and name not in store.system().books_refused:
            since = "there is no statement of it" if day is None else f"its newest statement ends on {day}"
            set_book_refused(store, name, now, f"{account} in {currency}: {since}; take a newer one")
        elif not is_old:
            set_book_taken(store, name, now, ARREARS, f"its newest statement ends on {day}")


FOLDER: Final = f"{BANK_FEED}the folder of statements"


def take_from(
    store: BankTaking, laid: Callable[[TakeFile], int], ours: Collection[tuple[str, str]], now: datetime
) -> int:
    """Take every file that lies where the bank's files are laid; how many there were. While that place cannot be read
    it is a task, and what the bank says is not known."""

    def take(read: BankFile, digest: bytes, name: str) -> bool:
        return take_file(store, read, digest, name, ours, now).state in ("taken", "known")

    try:
        found = laid(take)
    except Refused as refused:
        if FOLDER not in store.system().books_refused:
            set_book_refused(store, FOLDER, now, refused.message)
        return 0
    set_book_taken(store, FOLDER, now, ARREARS, "it can be read")
    return found
