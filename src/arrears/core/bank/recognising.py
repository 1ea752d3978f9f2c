"""Which entries of a file are here already: the same file again, an overlap, an early notice and its statement."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date
from typing import Final

import msgspec

from arrears.core.bank.statements import BankEntry

DAYS_APART_MAX: Final = 7
"""An early notice and its statement give days that are no further apart."""


class SeenEntry(msgspec.Struct, frozen=True):
    """An entry that is here, and whether only an early notice has told of it."""

    number: int
    entry: BankEntry
    is_early: bool


def recognised(seen: Sequence[SeenEntry], entries: Sequence[BankEntry], *, early: bool) -> list[int | None]:
    """For each entry of a file the number of the one that is here and is the same; None where it is new. One that is
    here is the same as one of the file at most, so two equal transfers stay two.

    The bank's own reference decides where both have one. Else all that is said does; of an early notice and a
    statement, what a bank changes between them does not count: its days, by a few, and how the text is broken."""
    found: list[int | None] = [None] * len(entries)
    left = {one.number: one for one in seen}
    for key in (_by_reference, _by_content, _by_gist):
        places: dict[Hashable, list[SeenEntry]] = {}
        for one in left.values():
            if (of_seen := key(one.entry)) is not None:
                places.setdefault(of_seen, []).append(one)
        for at, entry in enumerate(entries):
            if found[at] is not None or (wanted := key(entry)) is None:
                continue
            for one in places.get(wanted, ()):
                if one.number in left and _may_be(one, entry, early=early, loosely=key is _by_gist):
                    found[at] = one.number
                    del left[one.number]
                    break
    return found


def _may_be(one: SeenEntry, entry: BankEntry, *, early: bool, loosely: bool) -> bool:
    if one.entry.bank_reference and entry.bank_reference and one.entry.bank_reference != entry.bank_reference:
        return False
    if one.entry.reversal != entry.reversal:
        return False  # A return that is taken back may say all that the transfer did, and has its sum again.
    if not loosely:
        return True
    return one.is_early != early and _days_apart(one.entry.booked_on, entry.booked_on) <= DAYS_APART_MAX


def _days_apart(one: date | None, other: date | None) -> int:
    return DAYS_APART_MAX + 1 if one is None or other is None else abs((one - other).days)


def _by_reference(entry: BankEntry) -> Hashable:
    return (entry.bank_reference, entry.amount_minor) if entry.bank_reference else None


def _by_content(entry: BankEntry) -> Hashable:
    inside = tuple((t.amount_minor, t.end_to_end, t.iban, t.references, _letters(t.text)) for t in entry.transactions)
    return entry.booked_on, entry.value_on, entry.amount_minor, inside


def _by_gist(entry: BankEntry) -> Hashable:
    """What stays between an early notice and its statement; None where too little is said to be sure."""
    inside = tuple((t.amount_minor, t.end_to_end, t.iban) for t in entry.transactions)
    if not all(t.end_to_end or t.iban for t in entry.transactions):
        return None
    return entry.amount_minor, inside


def _letters(text: str) -> str:
    return "".join(one for one in text.upper() if one.isalnum())
