"""ISO 11649, by its published examples; and no two invoices share a reference."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.core.bank.bank_codes import grouped
from arrears.core.bank.creditor_reference import (
    body_of,
    creditor_reference,
    is_creditor_reference,
    reference_for,
)

PUBLISHED: Final = (
    "RF451234512345",
    "RF96TU06FX",
    "RF68AB2G5",
    "RF18539007547034",
    "RF14X2HU4TC28XTYLHASYWT91",
)


@pytest.mark.parametrize("reference", PUBLISHED)
def test_published_references_come_out_as_published(reference: str) -> None:
    assert creditor_reference(reference[4:]) == reference
    assert is_creditor_reference(grouped(reference).lower())


@pytest.mark.parametrize("text", ["RF19GAX8WS5JYOOUJ87", "RF00AB2G5", "RF68AB2G6", "AB2G5", "", "RF68AB-2G5", "RF18ß"])
def test_what_is_none_is_known_as_none(text: str) -> None:
    assert not is_creditor_reference(text)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=21), st.integers(0, 24), st.data())
def test_one_wrong_character_is_seen(body: str, place: int, data: st.DataObject) -> None:
    reference = creditor_reference(body)
    assert is_creditor_reference(reference)
    place = 4 + place % len(body)
    right = reference[place]
    # A letter counts as two digits: one in a digit's place makes another length, of which one in 97 is right again.
    alike = "0123456789" if right.isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    other = data.draw(st.sampled_from([char for char in alike if char != right]))
    assert not is_creditor_reference(reference[:place] + other + reference[place + 1 :])


@pytest.mark.parametrize(
    ("number", "body"),
    [("INV-2026/0001", "INV20260001"), ("f 12", "F12"), ("é1", ""), ("--", ""), ("1" * 22, ""), ("1" * 21, "1" * 21)],
)
def test_a_reference_is_of_the_invoices_own_number_where_that_fits(number: str, body: str) -> None:
    assert body_of(number) == body


def test_a_number_that_does_not_fit_is_taken_or_looks_like_ours_gets_one_of_its_own() -> None:
    ours = creditor_reference("A7I3")
    assert [reference_for(number, 7, 3) for number in ("é1", "A9-I2")] == [ours, ours]
    assert reference_for("INV-1", 7, 3, taken=True) == ours
    assert reference_for("INV-1", 7, 3) == creditor_reference("INV1")
