"""Workers and the database are killed in the middle of a third of a year, and nobody outside notices.

The small version of `python -m torture.worker`: every failpoint once, five random moments, the database once.
"""

from __future__ import annotations

import random

import pytest
from tests.sizes import few
from torture.worker import torture

from arrears.engine.failpoints import POINTS


@pytest.mark.turn(3)
def test_nothing_is_lost_and_nothing_done_twice_however_often_a_worker_is_killed(
    request: pytest.FixtureRequest,
) -> None:
    seed = random.Random(request.config.getoption("randomly_seed", 1)).randrange(10**6)
    figures = torture(
        5, seed, accounts=few(12, 24), days=100, database_kills=1, pauses=4, rounds=1, seconds_max=300, durable=False
    )
    assert figures["holds"], figures
    assert (figures["kills"], figures["failpoints_hit"], figures["database_kills"]) == (5, len(POINTS), 1)
    assert figures["actions"] > few(30, 100)
    assert (figures["lost"], figures["performed_twice"], figures["mails_twice"], figures["disagreeing"]) == (0, 0, 0, 0)
