"""The engine does what a second implementation of the specification's section 3 says, over random histories."""

from __future__ import annotations

from typing import Final

import pytest
from tests.oracle.histories import disagreements, played
from tests.sizes import few

from arrears.core import facts as f

TOGETHER = 10


@pytest.mark.sample(12)
@pytest.mark.parametrize("first", range(0, few(2_000, 5_000), TOGETHER))
def test_the_engine_does_what_the_text_says(first: int) -> None:
    numbers = range(first, first + TOGETHER)
    assert {number: said for number in numbers if (said := disagreements(number))} == {}


DRAWN: Final = {
    *(f.HoldPlaced, f.HoldEnded, f.DoubtRaised, f.Deferred, f.Canceled, f.Reactivated, f.DebtReopened),
    *(f.ChargeDeclined, f.CreditAllocated, f.WrittenOff, f.TermsChanged, f.Resumed),
    *(f.Restricted, f.Disabled, f.DeletionOrdered),
    *(f.NoticeFailed, f.NoticeBounced, f.WarnedOtherwise, f.WarningsLapsed),
}


def test_what_may_befall_an_account_does() -> None:
    histories = [played(number).history for number in (132, 5, 101, 136)]
    assert DRAWN - {type(recorded.fact) for history in histories for recorded in history} == set()
