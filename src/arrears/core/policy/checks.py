"""What the keys of a policy promise together: a ladder on which no stage comes unannounced, late or never.

Each value may be right by itself and the policy still cut somebody off without a notice that had time to be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from arrears.core.policy.values import Policy


class Mistake(NamedTuple):
    """Keys that do not fit together; the mistake is told at the first of them."""

    keys: tuple[str, ...]
    text: str


class StepAhead(NamedTuple):
    """A step that is announced once more: by which key and so many `days` ahead, with which key it begins, and on which
    day of its clock; None: never."""

    key: str
    days: int
    step: str
    day: int | None


class _Cut(NamedTuple):
    """An action with its warnings; all on one clock."""

    done: str
    warning_key: str
    action_key: str
    lead_key: str
    warning_days: tuple[int, ...]
    action_day: int
    lead_days: int


def ladder_mistakes(policy: Policy, ahead: Sequence[StepAhead] = ()) -> Iterator[Mistake]:
    """Every way in which the steps of a policy, and what it announces `ahead` of them, contradict each other (spec,
    section 3)."""
    yield from _reminders(policy)
    for cut in _announced_steps(policy):
        yield from _announced(cut)
    yield from _in_order(policy)
    yield from _one_a_day(policy)
    yield from _announced_ahead(policy, ahead)
    if policy.holidays and not policy.business_days:
        yield Mistake(
            ("holidays", "business_days"),
            f'is "{policy.holidays}", and means nothing without business_days = true; write that above it',
        )


def _announced_steps(policy: Policy) -> Iterator[_Cut]:
    if policy.restrict_after_days is not None:
        yield _Cut(
            "restricted",
            *("restrict.warning_days", "restrict.after_days", "restrict.lead_days"),
            *(policy.restrict_warning_days, policy.restrict_after_days, policy.restrict_lead_days),
        )
    if policy.disable_after_days is not None:
        yield _Cut(
            "disabled",
            *("disable.warning_days", "disable.after_days", "disable.lead_days"),
            *(policy.disable_warning_days, policy.disable_after_days, policy.disable_lead_days),
        )
    if policy.retention_days is not None:
        yield _Cut(
            "deleted",
            *("delete.warning_days", "delete.retention_days", "delete.lead_days"),
            *(policy.delete_warning_days, policy.retention_days, policy.delete_lead_days),
        )


def _reminders(policy: Policy) -> Iterator[Mistake]:
    key = ("remind.days",)
    if not policy.remind_days:
        yield Mistake(key, "is empty; people are told on day 0 that they owe: write days = [0, 3, 7, 14]")
        return
    if policy.remind_days[0] != 0:
        yield Mistake(
            key, f"starts on day {policy.remind_days[0]}; people are told on day 0 that they owe: start it with 0"
        )
    if policy.disable_after_days is None or policy.retention_days is None:
        return
    last_day = policy.disable_after_days + policy.retention_days
    unreachable = [day for day in policy.remind_days if day >= last_day]
    if unreachable:
        yield Mistake(
            ("remind.days", "disable.after_days", "delete.retention_days"),
            f"day {unreachable[0]} is never reached: deletion is on day {last_day}; take it out",
        )


def _announced(cut: _Cut) -> Iterator[Mistake]:
    """No action without a warning, no warning after its action, and time to read the first."""
    if not cut.warning_days:
        yield Mistake(
            (cut.warning_key,),
            f"is empty; nobody is {cut.done} without a warning: write days before {cut.action_key}",
        )
        return
    late = [day for day in cut.warning_days if day >= cut.action_day]
    if late:
        yield Mistake(
            (cut.warning_key, cut.action_key),
            f"day {late[0]} is not before {cut.action_key} ({cut.action_day}); move it to an earlier day",
        )
    first = cut.warning_days[0]
    if first < cut.action_day < first + cut.lead_days:
        yield Mistake(
            (cut.warning_key, cut.action_key, cut.lead_key),
            f"the first warning on day {first} and {cut.lead_key} ({cut.lead_days}) end after {cut.action_key} "
            f"({cut.action_day}); warn on day {cut.action_day - cut.lead_days} or earlier",
        )


def _in_order(policy: Policy) -> Iterator[Mistake]:
    restrict, disable = policy.restrict_after_days, policy.disable_after_days
    if restrict is not None and disable is not None and restrict >= disable:
        yield Mistake(
            ("restrict.after_days", "disable.after_days"),
            f"is {restrict}, not before disable.after_days ({disable}); restrict earlier or take [restrict] out",
        )
    if not policy.remind_days:
        return
    first = policy.remind_days[0]
    for key, day in (("restrict.after_days", restrict), ("disable.after_days", disable)):
        if day is not None and day < first:
            yield Mistake((key, "remind.days"), f"is {day}, before the first reminder (day {first}); remind first")


def _one_a_day(policy: Policy) -> Iterator[Mistake]:
    """One step a day, so that one message says one thing. Retention's days are compared by `_announced`."""
    steps = [
        ("remind.days", policy.remind_days),
        ("disable.warning_days", policy.disable_warning_days),
    ]
    if policy.disable_after_days is not None:
        steps.insert(1, ("disable.after_days", (policy.disable_after_days,)))
    if policy.restrict_after_days is not None:
        steps.append(("restrict.after_days", (policy.restrict_after_days,)))
        steps.append(("restrict.warning_days", policy.restrict_warning_days))
    taken: dict[int, str] = {}
    for key, days in steps:
        for day in days:
            other = taken.setdefault(day, key)
            # An action beside its own warning, or the other action, is already a mistake of order.
            table, _, kind = other.partition(".")
            in_order_already = kind == "after_days" and (key.startswith(table) or key.endswith("after_days"))
            if other != key and not in_order_already:
                yield Mistake((key, other), f"day {day} is also in {other}; put one step on a day")


def _announced_ahead(policy: Policy, ahead: Sequence[StepAhead]) -> Iterator[Mistake]:
    """What is announced ahead of a step is of one that comes, after its first warning, and the only thing that its
    morning says."""
    taken: dict[tuple[bool, int], str] = {}
    for one in ahead:
        if one.day is None:
            yield Mistake((one.key, one.step), f"is {one.days}, and {one.step} never comes; take it out")
            continue
        deletes = one.step.startswith("delete.")
        mornings = _mornings(policy, deletes=deletes)
        own = f"{one.step.partition('.')[0]}.warning_days"
        first = min(mornings[own], default=0)
        morning, said = one.day - one.days, f"is {one.days}: that is day {one.day - one.days}"
        clock = deletes, morning
        other = next((key for key, days in mornings.items() if morning in days), taken.setdefault(clock, one.key))
        if other != one.key:
            yield Mistake((one.key, other), f"{said}, which {other} has too; put one step on a day")
        elif morning < first:
            yield Mistake((one.key, own), f"{said}, before the first of {own} ({first}); write fewer days")


def _mornings(policy: Policy, *, deletes: bool) -> dict[str, tuple[int, ...]]:
    """The days on which something is said, by key: those that count from the end of service, or from day 0."""
    if deletes:
        return {"delete.warning_days": policy.delete_warning_days}
    return {
        "remind.days": policy.remind_days,
        "restrict.warning_days": policy.restrict_warning_days,
        "disable.warning_days": policy.disable_warning_days,
    }
