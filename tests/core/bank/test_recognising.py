"""Which entries of a file are here already."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from arrears.core.bank.recognising import SeenEntry, recognised
from arrears.core.bank.statements import BankEntry, BankTransaction

IBAN = "NL91ABNA0417164300"


def one(minor: int = 100, text: str = "a", reference: str = "", day: int = 1, end_to_end: str = "") -> BankEntry:
    said = BankTransaction(minor, "EUR", texts=(text,), iban=IBAN, end_to_end=end_to_end)
    return BankEntry(minor, "EUR", date(2026, 3, day), date(2026, 3, day), reference, transactions=(said,))


def seen(*entries: BankEntry, early: bool = False) -> list[SeenEntry]:
    return [SeenEntry(number, entry, early) for number, entry in enumerate(entries, 1)]


@pytest.mark.parametrize(
    ("here", "comes", "is_early", "found"),
    [
        ([one()], [one()], False, [1]),
        ([one()], [one(), one()], False, [1, None]),
        ([one(), one()], [one()], False, [1]),
        ([one(reference="R1")], [one(reference="R1", text="other", day=2)], False, [1]),
        ([one(reference="R1")], [one(reference="R2")], False, [None]),
        ([one(reference="R1")], [one()], False, [1]),
        ([one()], [one(200)], False, [None]),
        ([one()], [one(text="A ")], False, [1]),
        ([one()], [one(day=2)], False, [None]),
        ([one()], [one(day=2)], True, [1]),
        ([one()], [one(day=20)], True, [None]),
        ([one()], [one(day=2, text="said anew")], True, [1]),
        ([one()], [replace(one(), reversal=True)], False, [None]),
        ([one()], [replace(one(day=2), reversal=True)], True, [None]),
        ([one(reference="R1")], [replace(one(reference="R1", day=3), reversal=True)], False, [None]),
        ([replace(one(), reversal=True)], [replace(one(), reversal=True)], False, [1]),
    ],
)
def test_what_is_the_same_and_what_is_another(
    here: list[BankEntry], comes: list[BankEntry], is_early: bool, found: list[int | None]
) -> None:
    assert recognised(seen(*here, early=is_early), comes, early=False) == found


references = st.sampled_from(["", "R1", "R2"])
entries = st.lists(st.builds(one, st.sampled_from([100, 200]), st.sampled_from("ab"), references))


@given(entries)
def test_a_file_again_is_nothing_new(some: list[BankEntry]) -> None:
    assert None not in recognised(seen(*some), some, early=False)


@given(entries, entries)
def test_each_entry_that_is_here_is_one_of_the_file_at_most(here: list[BankEntry], comes: list[BankEntry]) -> None:
    found = [number for number in recognised(seen(*here), comes, early=False) if number]
    assert len(found) == len(set(found))
