"""A little of `torture.money` in every run: payers are killed between quote and resume, and both books agree."""

from __future__ import annotations

import pytest
from torture.money import torture


def test_payers_that_are_killed_charge_nobody_twice_and_leave_nobody_off(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARREARS_DATABASE_URL", database_url)
    figures = torture(30, 20261123, rounds=1, seconds_max=120)
    print(figures)  # noqa: T201 - the denominators, where it fails
    assert (figures["payments_compared"], figures["kills"] > 3) == (30, True), figures
    assert figures["disabled_subscriptions_before"] >= 30
    zeros = ("charged_twice", "not_running", "still_owing", "attempts_open", "orders_open", "differences", "breaches")
    assert {zero: figures[zero] for zero in zeros} == dict.fromkeys(zeros, 0), figures
