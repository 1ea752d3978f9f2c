"""What changes for customers between two policies, said plainly, with every shortened promise marked.

A running case keeps its version, so a shorter policy harms nobody who is past due today; whoever puts it in force
must still see what it takes away from the next customer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from arrears.core.money import format_amount
from arrears.core.policy.values import HERE, KEYS, Policy

SHORTENED: Final = "(shortens a promise)"


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One difference. `shortens`: the customer gets less time, less notice or less leniency."""

    key: str
    sentence: str
    shortens: bool

    def __str__(self) -> str:
        return f"{self.sentence} {SHORTENED}" if self.shortens else self.sentence


def diff_policies(old: Policy, new: Policy) -> list[str]:
    """A plain sentence for each difference, in the order of the ladder; empty for equal promises."""
    return [str(change) for change in changes_between(old, new)]


def changes_between(old: Policy, new: Policy) -> tuple[PolicyChange, ...]:
    """The differences as values, in the order of the ladder."""
    return tuple(_changes(old, new))


def _changes(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    if old.name != new.name:
        yield PolicyChange("name", f"name {old.name} -> {new.name}", False)
    if old.notice_at != new.notice_at:
        yield PolicyChange("notice_at", f"notices go out at {old.notice_at:%H:%M} -> {new.notice_at:%H:%M}", False)
    if old.scope != new.scope:
        follows = {"subscription": "a subscription's own debt", "account": "any debt of the account"}
        sentence = f"service is stopped for {follows[old.scope]} -> {follows[new.scope]}"
        yield PolicyChange("scope", sentence, new.scope == "account")
    if old.business_days != new.business_days:
        before, after = (f"on {'working days alone' if p.business_days else 'any day'}" for p in (old, new))
        yield PolicyChange("business_days", f"services stop, data is deleted {before} -> {after}", old.business_days)
    if old.holidays != new.holidays:
        sentence = f"the holidays that are no working days are those of {old.holidays or 'no country'} -> "
        yield PolicyChange("holidays", sentence + (new.holidays or "no country"), bool(old.holidays))
    fewer = len(new.remind_days) < len(old.remind_days)
    yield from _listed("remind.days", "reminders", old.remind_days, new.remind_days, shortens=fewer)
    yield from _announced(old, new)
    if old.retry_days != new.retry_days:
        before, after = (
            f"on days {_days(p.retry_days)}" if p.retry_days else "when likeliest paid" for p in (old, new)
        )
        yield PolicyChange("retry.days", f"declined charges are tried again {before} -> {after}", False)
    if old.retry_attempts_max != new.retry_attempts_max:
        sentence = (
            f"declined charges are tried again at most {old.retry_attempts_max} -> {new.retry_attempts_max} times"
        )
        yield PolicyChange("retry.attempts_max", sentence, False)
    yield from _restriction(old, new)
    yield from _disablement(old, new)
    yield from _deletion(old, new)
    if old.cancel_by_customer != new.cancel_by_customer:
        before, after = (p.cancel_by_customer or "by asking support" for p in (old, new))
        sentence = f"customers cancel: {before} -> {after}"
        yield PolicyChange("cancel.by_customer", sentence, old.cancel_by_customer == HERE)
    rest = "a rest that is not past due, up to"
    yield from _sums("tolerance", rest, old.tolerance_minor, new.tolerance_minor)
    least = "the least past-due sum that stops a service"
    yield from _sums("minimum", least, old.minimum_minor, new.minimum_minor)


def _announced(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    for name, key in KEYS.items():
        before, after = getattr(old, name), getattr(new, name)
        if key.announces and before != after:
            sentence = f"{key.announces} is announced {_ahead(before)} -> {_ahead(after)}"
            yield PolicyChange(key.path, sentence, after < before)


class _Stage(NamedTuple):
    """One stage of a policy; `after_days` is None where it never begins."""

    after_days: int | None
    warning_days: tuple[int, ...]
    lead_days: int


def _restriction(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    before, after = (_Stage(p.restrict_after_days, p.restrict_warning_days, p.restrict_lead_days) for p in (old, new))
    yield from _stage("restrict.after_days", "restriction", "restricted", "restricted after", before, after)


def _disablement(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    before, after = (_Stage(p.disable_after_days, p.disable_warning_days, p.disable_lead_days) for p in (old, new))
    yield from _stage("disable.after_days", "disablement", "disabled", "disabled after", before, after)


def _stage(key: str, cut: str, done: str, after_days: str, before: _Stage, after: _Stage) -> Iterator[PolicyChange]:
    """What changes for a stage: that there is one, when it begins, its warnings, their lead."""
    old, new = before.after_days, after.after_days
    if old is None and new is not None:
        yield PolicyChange(key, f"never {done} -> {after_days} {_count(new)}: a new stage", True)
    elif old is not None and new is None:
        yield PolicyChange(key, f"{after_days} {_count(old)} -> never {done}", False)
    elif old is not None and new is not None:
        table = key.partition(".")[0]
        yield from _counted(key, after_days, old, new)
        yield from _warned(table, cut, (before.warning_days, old), (after.warning_days, new))
        yield from _counted(
            f"{table}.lead_days",
            f"warning before {cut} at least",
            before.lead_days,
            after.lead_days,
            less="less notice",
            more="more notice",
        )


def _deletion(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    before, after = (_Stage(p.retention_days, p.delete_warning_days, p.delete_lead_days) for p in (old, new))
    kept = "after the end of service data is kept for"
    yield from _stage("delete.retention_days", "deletion", "deleted", kept, before, after)
    if old.retention_days is None or new.retention_days is None:
        return
    yield from _counted(
        "delete.cool_off_hours",
        "a scheduled deletion waits",
        old.delete_cool_off_hours,
        new.delete_cool_off_hours,
        unit="hour",
    )


def _counted(
    key: str,
    what: str,
    before: int,
    after: int,
    *,
    unit: str = "day",
    less: str = "sooner",
    more: str = "later",
) -> Iterator[PolicyChange]:
    if before != after:
        how = f"{_count(abs(after - before), unit)} {less if after < before else more}"
        sentence = f"{what} {_count(before, unit)} -> {_count(after, unit)}: {how}"
        yield PolicyChange(key, sentence, after < before)


def _warned(
    table: str, cut: str, before: tuple[tuple[int, ...], int], after: tuple[tuple[int, ...], int]
) -> Iterator[PolicyChange]:
    """Fewer warnings, or a first one nearer to its action, is less notice; moved with the action is not."""
    (old_days, old_action), (new_days, new_action) = before, after
    old_notice = old_action - old_days[0] if old_days else 0
    new_notice = new_action - new_days[0] if new_days else 0
    shortens = len(new_days) < len(old_days) or new_notice < old_notice
    what = f"warnings before {cut}"
    if old_days == new_days and shortens:
        sentence = f"the first warning is {_count(old_notice)} -> {_count(new_notice)} before {cut}"
        yield PolicyChange(f"{table}.warning_days", sentence, True)
    yield from _listed(f"{table}.warning_days", what, old_days, new_days, shortens=shortens)


def _listed(
    key: str, what: str, before: tuple[int, ...], after: tuple[int, ...], *, shortens: bool
) -> Iterator[PolicyChange]:
    if before != after:
        yield PolicyChange(key, f"{what} on days {_days(before)} -> {_days(after)}", shortens)


def _sums(table: str, what: str, before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[PolicyChange]:
    for code in sorted({*before, *after}):
        old, new = before.get(code, 0), after.get(code, 0)
        if old != new:
            sentence = f"{what} {format_amount(old, code)} -> {format_amount(new, code)}"
            yield PolicyChange(f"{table}.{code}", sentence, new < old)


def _count(number: int, unit: str = "day") -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _ahead(days: int) -> str:
    return f"{_count(days)} ahead" if days else "never"


def _days(days: tuple[int, ...]) -> str:
    return ", ".join(map(str, days)) or "none"
