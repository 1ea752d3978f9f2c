"""A small run of `torture.notices`: a few customers and months, with workers and mail server killed on the way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests import books
from torture.notices import the_book, torture

from arrears.core.policy import default_policy
from arrears.sim.replay import ReplaySettings


@pytest.mark.turn(3)
@pytest.mark.parametrize("path", books.PLAYED)
def test_what_mails_say_is_what_the_ledger_and_the_stored_dates_say(path: Path) -> None:
    seed = random.randrange(10**9)
    settings = ReplaySettings(default_policy(), hold_disputes=False, never_pay_every=1)
    figures = torture(settings, the_book(path, 3, 50), str(seed), strikes=0.08, seconds_max=300.0)
    assert figures["holds"], f"seed {seed}: {figures}"
    assert figures["messages"] >= 5
    assert figures["sums_compared"] >= 3
    assert figures["server_restarts"] >= 1
