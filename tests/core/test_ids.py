"""Public ids: one kind is never taken for another (I14)."""

from __future__ import annotations

from contextlib import suppress
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, CASE, HOLD, INVOICE, SUBSCRIPTION, format_id, parse_id

KINDS = {ACCOUNT: 1, SUBSCRIPTION: 2, INVOICE: 2, HOLD: 2, CASE: 2}
numbers = st.integers(1, 10**18 - 1)


@given(st.sampled_from(sorted(KINDS)), st.tuples(numbers, numbers))
def test_an_id_reads_back_as_what_it_was_made_from(kind: str, pair: tuple[int, int]) -> None:
    of_kind = pair[: KINDS[kind]]
    assert parse_id(kind, format_id(kind, *of_kind)) == of_kind


@pytest.mark.parametrize(("asked", "given_kind"), list(permutations(KINDS, 2)))
def test_an_id_of_another_kind_is_refused_whatever_it_points_to(asked: str, given_kind: str) -> None:
    text = format_id(given_kind, *(12, 3)[: KINDS[given_kind]])
    with pytest.raises(Refused, match=rf"'{text}' is not .*; give one that starts with {asked}_") as refused:
        parse_id(asked, text)
    assert refused.value.code == "wrong_id_type"


@pytest.mark.parametrize(
    "text",
    [
        *("", "12", "acc", "acc_", "acc_0", "acc_012", "acc_-1", "ACC_1", "acc_1 ", " acc_1", "acc_1\n", "acc_１"),
        *("acc_1_2_3", "acc__1", "acc-1", "acc_1.0", "acc_1e3", "acc_9999999999999999999", "acc_1;drop", "x" * 5_000),
    ],
)
def test_what_is_no_id_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_id(ACCOUNT, text)
    assert refused.value.code == "bad_id"
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(("kind", "text"), [("acc", "acc_1_2"), ("sub", "sub_1"), ("inv", "inv_7")])
def test_an_id_with_the_wrong_number_of_parts_is_not_complete(kind: str, text: str) -> None:
    with pytest.raises(Refused, match="is not complete") as refused:
        parse_id(kind, text)
    assert refused.value.code == "bad_id"


def test_making_an_id_of_too_few_numbers_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        format_id(SUBSCRIPTION, 1)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    found: tuple[int, ...] | None = None
    with suppress(Refused):
        found = parse_id(SUBSCRIPTION, text)
    assert found is None or format_id(SUBSCRIPTION, *found) == text
