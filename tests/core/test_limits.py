"""What can be taken at once, of one provider and of several."""

from __future__ import annotations

from typing import Final

import pytest

from arrears.core.payments.limits import AmountLimits, charge_of, strictest

NOTHING: Final = AmountLimits(minimum_minor=1, maximum_minor=0)
SMALL: Final = AmountLimits(minimum_minor=50, maximum_minor=1_000)
LARGE: Final = AmountLimits(minimum_minor=100, maximum_minor=9_000, step_minor=10)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (SMALL, LARGE, AmountLimits(minimum_minor=100, maximum_minor=1_000, step_minor=10)),
        (SMALL, NOTHING, SMALL),
        (LARGE, NOTHING, LARGE),
        (NOTHING, NOTHING, NOTHING),
        (SMALL, SMALL, SMALL),
    ],
)
def test_of_several_providers_what_each_that_takes_a_currency_takes(
    one: AmountLimits, other: AmountLimits, both: AmountLimits
) -> None:
    for order in ([{"EUR": one}, {"EUR": other, "CHF": SMALL}], [{"CHF": SMALL, "EUR": other}, {"EUR": one}]):
        found = strictest(order)
        assert found == {"CHF": SMALL, "EUR": both}
        assert [*found] == ["CHF", "EUR"]


@pytest.mark.parametrize(
    ("limits", "owed", "taken"),
    [
        (NOTHING, 500, 0),
        (SMALL, 49, 0),
        (SMALL, 50, 50),
        (SMALL, 1_000, 1_000),
        (SMALL, 1_049, 999),  # 50 are left, which can be taken
        (SMALL, 1_050, 1_000),
        (SMALL, 5_000, 1_000),
        (LARGE, 109, 100),
        (LARGE, 9_010, 8_910),
        (LARGE, 9_099, 8_990),
        (LARGE, 20_000, 9_000),
    ],
)
def test_what_is_taken_leaves_nothing_or_what_can_be_taken_too(limits: AmountLimits, owed: int, taken: int) -> None:
    assert charge_of({"EUR": limits}, "EUR", owed) == taken
    assert charge_of({"EUR": limits}, "USD", owed) == owed, "no limit is known"
