"""The engine does what a second implementation of the specification's section 3 says, over random histories."""

from __future__ import annotations

from typing import Final

import pytest
from tests.oracle.histories import BACK_AND_FORTH, THEMED, disagreements, played
from tests.sizes import few

from arrears.core import facts as f

TOGETHER = 10


@pytest.mark.sample(12)
@pytest.mark.parametrize("first", range(0, few(2_000, 5_000), TOGETHER))
def test_the_engine_does_what_the_text_says(first: int) -> None:
    numbers = range(first, first + TOGETHER)
    assert {number: said for number in numbers if (said := disagreements(number))} == {}


@pytest.mark.sample(4)
@pytest.mark.parametrize("first", range(THEMED + 3, THEMED + few(120, 4_000), 4 * TOGETHER))
def test_holds_over_what_waits_in_doubt_end_as_the_text_says(first: int) -> None:
    numbers = range(first, first + 4 * TOGETHER, 4)
    assert {number: said for number in numbers if (said := disagreements(number))} == {}


DRAWN: Final = {
    *(f.HoldPlaced, f.HoldEnded, f.DoubtRaised, f.Deferred, f.Canceled, f.Reactivated, f.DebtReopened),
    *(f.ChargeDeclined, f.CreditAllocated, f.WrittenOff, f.TermsChanged, f.Resumed),
    *(f.Restricted, f.Disabled, f.DeletionOrdered),
    *(f.NoticeFailed, f.NoticeBounced, f.WarnedOtherwise, f.WarningsLapsed),
}


def test_what_may_befall_an_account_does() -> None:
    histories = [played(number).history for number in (0, 3, 5, 6, 7, 122, 153, 158)]
    assert DRAWN - {type(recorded.fact) for history in histories for recorded in history} == set()


def test_who_goes_back_and_forth_is_judged_by_the_days_they_had() -> None:
    """Histories in which a ladder goes on over a stop that was taken back on its day (record 65)."""
    numbers = range(BACK_AND_FORTH, BACK_AND_FORTH + 8)
    games = {number: played(number) for number in numbers}
    assert {number: game.said for number, game in games.items() if game.said} == {}
    resumed = [r.fact for game in games.values() for r in game.history if isinstance(r.fact, f.Resumed)]
    assert {fact.goes_on for fact in resumed} == {True, False}
