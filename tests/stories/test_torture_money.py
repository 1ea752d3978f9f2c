"""A little of `torture.money` in every run: payers are killed between quote and resume, everything happens to money in
any order, and both books agree."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import pytest
from torture.money_faults import FAULTS, Fault, found_by
from torture.money_worlds import play


@pytest.mark.turn(3)
def test_payers_that_are_killed_charge_nobody_twice_and_leave_nobody_off(database_url: str) -> None:
    command = [sys.executable, "-m", "torture.money", "--json", "--count", "30", "--rounds", "1"]
    environment = {**os.environ, "ARREARS_DATABASE_URL": database_url}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ran.stdout, ran.stderr[-2000:]
    figures = json.loads(ran.stdout)
    assert (figures["payments_compared"], figures["kills"] > 3) == (30, True), figures
    assert figures["disabled_subscriptions_before"] >= 30, figures
    zeros = ("charged_twice", "not_running", "still_owing", "attempts_open", "orders_open", "differences", "breaches")
    assert {zero: figures[zero] for zero in zeros} == dict.fromkeys(zeros, 0), figures


@pytest.mark.turn(2)
def test_whatever_happens_to_money_in_any_order_both_books_agree_and_nobody_is_stuck() -> None:
    seed = random.SystemRandom().randrange(10**9)
    found = play(seed)
    assert found.wrong == [], f"seed {seed}"
    assert found.figures["captures"] > 0


@pytest.mark.turn(3)
@pytest.mark.sample(1)
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.what for fault in FAULTS])
def test_a_fault_that_is_put_back_is_found(fault: Fault) -> None:
    # Whatever is changed elsewhere changes what a seed draws: then another one finds it.
    assert found_by(fault, (fault.seed, *range(1, 16))) is not None
