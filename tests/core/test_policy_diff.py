"""What a new policy changes is said plainly, and what it takes away is marked."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from arrears.core.policy import ClockScope, Policy, default_policy, diff_policies
from arrears.core.policy.values import KEYS, KeyKind

BASE = default_policy()
MARK = " (shortens a promise)"


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (replace(BASE, disable_after_days=35), ["disabled after 30 days -> 35 days: 5 days later"]),
        (
            replace(BASE, disable_after_days=14, disable_warning_days=(5, 12), remind_days=(0, 3, 7, 10)),
            [
                "reminders on days 0, 3, 7, 14 -> 0, 3, 7, 10",
                f"disabled after 30 days -> 14 days: 16 days sooner{MARK}",
                "warnings before disablement on days 21, 28 -> 5, 12",
            ],
        ),
        (
            replace(BASE, retention_days=91),
            ["after the end of service data is kept for 90 days -> 91 days: 1 day later"],
        ),
        (
            replace(BASE, disable_after_days=29),
            [
                f"disabled after 30 days -> 29 days: 1 day sooner{MARK}",
                f"the first warning is 9 days -> 8 days before disablement{MARK}",
            ],
        ),
        (
            replace(BASE, disable_warning_days=(21,)),
            [f"warnings before disablement on days 21, 28 -> 21{MARK}"],
        ),
        (
            replace(BASE, delete_lead_days=3),
            [f"warning before deletion at least 7 days -> 3 days: 4 days less notice{MARK}"],
        ),
        (
            replace(BASE, restrict_after_days=20, restrict_warning_days=(10,)),
            [f"never restricted -> restricted after 20 days: a new stage{MARK}"],
        ),
        (
            replace(BASE, delete_cool_off_hours=48),
            ["a scheduled deletion waits 24 hours -> 48 hours: 24 hours later"],
        ),
        (
            replace(BASE, scope=ClockScope.ACCOUNT),
            [f"service is stopped for a subscription's own debt -> any debt of the account{MARK}"],
        ),
        (
            replace(BASE, tolerance_minor={"EUR": 500}),
            ["a rest that is not past due, up to €0.00 -> €5.00"],
        ),
        (replace(BASE, name="b", notice_at=time(8)), ["name default -> b", "notices go out at 09:00 -> 08:00"]),
        (
            replace(BASE, before_due_days=3),
            ["the due date of an invoice is announced never -> 3 days ahead"],
        ),
        (BASE, []),
    ],
)
def test_a_difference_is_a_plain_sentence(new: Policy, said: list[str]) -> None:
    assert diff_policies(BASE, new) == said


def test_what_the_way_back_shortens_is_marked_too() -> None:
    milder = replace(BASE, tolerance_minor={"EUR": 500}, minimum_minor={"EUR": 1000}, remind_days=(0, 3, 7, 14, 17))
    assert not any(line.endswith(MARK) for line in diff_policies(BASE, milder))
    assert [line.endswith(MARK) for line in diff_policies(milder, BASE)] == [True, True, True]
    restricting = replace(BASE, restrict_after_days=20, restrict_warning_days=(10,))
    assert diff_policies(restricting, BASE) == ["restricted after 20 days -> never restricted"]


@pytest.mark.parametrize("name", KEYS)
def test_a_difference_in_any_key_is_said(name: str) -> None:
    base = replace(BASE, restrict_after_days=20, restrict_warning_days=(10,))
    value = getattr(base, name)
    other: Any
    match KEYS[name].kind:
        case KeyKind.NAME:
            other = "other"
        case KeyKind.FLAG:
            other = not value
        case KeyKind.PLACE:
            other = "NL"
        case KeyKind.CLOCK:
            other = time(8)
        case KeyKind.SCOPE:
            other = ClockScope.ACCOUNT
        case KeyKind.WHOLE:
            other = value + 1
        case KeyKind.DAYS:
            other = (*value, 365)
        case KeyKind.SUMS:
            other = {"EUR": 7}
        case KeyKind.WAY:
            other = "here"
    assert len(diff_policies(base, replace(base, **{name: other}))) == 1
