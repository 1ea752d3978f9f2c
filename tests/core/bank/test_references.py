"""References with check digits, and finding them in what people type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.core.bank.creditor_reference import creditor_reference, is_creditor_reference
from arrears.core.bank.references import (
    body_in,
    folded,
    is_finnish,
    is_iban,
    is_kid,
    is_qrr,
    one_slip_apart,
    slips_of,
    tokens,
    valid_rfs,
)

VECTORS = {
    "1234512345": "RF451234512345",
    "TU06FX": "RF96TU06FX",
    "AB2G5": "RF68AB2G5",
    "539007547034": "RF18539007547034",
    "X2HU4TC28XTYLHASYWT91": "RF14X2HU4TC28XTYLHASYWT91",
}
bodies = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=21)


@pytest.mark.parametrize(("body", "reference"), VECTORS.items())
def test_what_a_reference_was_made_of_is_read_from_it(body: str, reference: str) -> None:
    assert body_in(reference) == body
    assert body_in(" ".join(reference[at : at + 4] for at in range(0, len(reference), 4)).lower()) == body


@pytest.mark.parametrize(
    "wrong", ["RF19GAX8WS5JYOOUJ87", "RF", "RF00", "", "XX45123", "RF45" + "1" * 22, "RF451234512346"]
)
def test_what_is_no_creditor_reference(wrong: str) -> None:
    assert not body_in(wrong)
    assert not valid_rfs(wrong)


@given(bodies, st.data())
def test_a_wrong_character_is_always_seen(body: str, data: st.DataObject) -> None:
    reference = creditor_reference(body)
    at = data.draw(st.integers(4, len(reference) - 1))
    other = data.draw(st.sampled_from("0123456789")) if reference[at].isdigit() else "A"
    damaged = reference[:at] + other + reference[at + 1 :]
    assert is_creditor_reference(damaged) == (damaged == reference)


@pytest.mark.parametrize(
    "text",
    [
        "RF18539007547034",
        "rf18 5390 0754 7034",
        "invoice RF18 5390 0754 7034 thank you",
        "/REMI/RF18-5390-0754-7034/",
        "R F18 5390 0754 7034",
        "SVWZ+RF18539007547034 EREF+X",
        "RF18 5390 0754 7034, for May 2026",
    ],
)
def test_an_rf_reference_is_found_however_it_is_typed(text: str) -> None:
    assert valid_rfs(text) == ["RF18539007547034"]


def test_several_references_in_one_text_are_all_found() -> None:
    assert valid_rfs("RF96TU06FX RF68AB2G5") == ["RF96TU06FX", "RF68AB2G5"]


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (is_qrr, "21 00000 00003 13947 14300 09017", "210000000003139471430009018"),
        (is_kid, "2345676", "2345675"),
        (is_kid, "12345678903", "12345678904"),
        (is_finnish, "1234 5672", "12345671"),
        (is_iban, "NL91 ABNA 0417 1643 00", "NL91ABNA0417164301"),
    ],
)
def test_references_of_other_countries(check: object, right: str, wrong: str) -> None:
    assert callable(check)
    assert check(right)
    assert not check(wrong)
    assert not check("")
    assert not check("not one")


def test_a_swiss_reference_is_read_as_the_number_it_was_made_of() -> None:
    assert body_in("210000000003139471430009017") == "21000000000313947143000901"
    assert body_in("not one") == ""


@given(bodies.filter(lambda body: len(body) > 1))
def test_a_slip_is_one_slip_apart_and_never_the_same(body: str) -> None:
    for slip in slips_of(body):
        assert slip != body
        assert one_slip_apart(body, slip), slip


@pytest.mark.parametrize(
    ("text", "alone", "pieces"),
    [
        ("invoice INV-2026/0012", {"INV2026", "0012", "INV20260012", "INVOICE"}, {"INV", "2026"}),
        ("INV-1001,INV-1002", {"INV1001", "INV1002"}, {"1001", "INV1001INV1002"}),
        ("2026 0012", {"2026", "0012"}, {"20260012"}),
        ("FACTUURNR2026001", {"FACTUURNR2026001"}, {"2026001"}),
        ("", set(), set()),
    ],
)
def test_pieces_of_a_text_say_whether_they_stand_by_themselves(text: str, alone: set[str], pieces: set[str]) -> None:
    found = tokens(text)
    assert {token for token, by_itself in found.items() if by_itself} == alone
    assert pieces <= {token for token, by_itself in found.items() if not by_itself}


@given(st.text(max_size=120))
def test_any_text_has_pieces_and_no_traceback(text: str) -> None:
    for token in tokens(text):
        assert token == folded(token)
    for reference in valid_rfs(text):
        assert is_creditor_reference(reference)
