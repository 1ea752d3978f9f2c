"""A policy: which notice, restriction, disablement and deletion happens when. It is data, and checked when loaded.

A policy is written in TOML, known by its contents (`version`), and kept by every case that started under it. So a
file with a mistake is refused as a whole, with every mistake named, and never half used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from typing import Any

from arrears.core.errors import Refused
from arrears.core.policy_checks import ladder_mistakes
from arrears.core.policy_diff import Change, changes_between, diff_policies
from arrears.core.policy_toml import POLICY_CHARACTERS_MAX, Reading, parse_toml

__all__ = [
    "POLICY_CHARACTERS_MAX",
    "Change",
    "Policy",
    "Scope",
    "changes_between",
    "default_policy",
    "diff_policies",
    "load_policy",
    "policy_text",
]


class Scope(StrEnum):
    """Whose oldest past-due debt a subscription's clock follows: its own, or the account's."""

    SUBSCRIPTION = "subscription"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's promises (spec, section 3). Days of the ladder count from day 0, those of deletion from the
    end of service; sums are minor units per currency, and a currency that is not named has 0.

    `version` is computed: the first 16 hex digits of the SHA-256 of `policy_text`, so equal promises have equal
    versions, however their file is written. `restrict_after_days` is None where nothing is ever restricted.
    """

    name: str
    version: str = field(init=False)
    remind_days: tuple[int, ...]
    restrict_after_days: int | None
    restrict_warning_days: tuple[int, ...]
    restrict_lead_days: int
    disable_after_days: int
    disable_warning_days: tuple[int, ...]
    disable_lead_days: int
    retention_days: int
    delete_warning_days: tuple[int, ...]
    delete_lead_days: int
    delete_cool_off_hours: int
    scope: Scope
    tolerance_minor: Mapping[str, int]
    minimum_minor: Mapping[str, int]
    notice_at: time

    def __post_init__(self) -> None:
        for name in ("tolerance_minor", "minimum_minor"):
            sums = getattr(self, name)
            object.__setattr__(self, name, {code: sums[code] for code in sorted(sums) if sums[code]})
        object.__setattr__(self, "version", sha256(policy_text(self).encode()).hexdigest()[:16])

    def __hash__(self) -> int:
        return hash(self.version)


def load_policy(text: str, *, where: str) -> Policy:
    """The policy that a TOML text says. `where` names it in messages, a file for example.

    Refuses `bad_policy` with one line for each mistake in the whole text, each naming the key and what to do.
    """
    reading = Reading(parse_toml(text, where=where), fallback=_defaults())
    policy = _read(reading)
    reading.refuse_unknown_keys()
    for mistake in ladder_mistakes(policy):
        reading.wrong_together(mistake.keys, mistake.text)
    if reading.mistakes:
        raise Refused("bad_policy", "\n".join(f"{where}: {mistake}" for mistake in reading.mistakes))
    return policy


@lru_cache(maxsize=1)
def default_policy() -> Policy:
    """The policy that ships with arrears: `core/data/default.toml`."""
    return load_policy(_default_text(), where="default.toml")


def policy_text(policy: Policy) -> str:
    """The canonical TOML of a policy; loads back equal."""
    lines = [
        f'name = "{policy.name}"',
        f'notice_at = "{policy.notice_at:%H:%M}"',
        f'scope = "{policy.scope.value}"',
        *("", "[remind]", f"days = {list(policy.remind_days)}"),
    ]
    if policy.restrict_after_days is not None:
        lines += [
            *("", "[restrict]", f"after_days = {policy.restrict_after_days}"),
            f"warning_days = {list(policy.restrict_warning_days)}",
            f"lead_days = {policy.restrict_lead_days}",
        ]
    lines += [
        *("", "[disable]", f"after_days = {policy.disable_after_days}"),
        f"warning_days = {list(policy.disable_warning_days)}",
        f"lead_days = {policy.disable_lead_days}",
        *("", "[delete]", f"retention_days = {policy.retention_days}"),
        f"warning_days = {list(policy.delete_warning_days)}",
        f"lead_days = {policy.delete_lead_days}",
        f"cool_off_hours = {policy.delete_cool_off_hours}",
    ]
    for table, sums in (("tolerance", policy.tolerance_minor), ("minimum", policy.minimum_minor)):
        if sums:
            lines += ["", f"[{table}]", *(f"{code} = {sums[code]}" for code in sorted(sums))]
    return "\n".join(lines) + "\n"


def _read(reading: Reading) -> Policy:
    restricts = reading.has_table("restrict")
    return Policy(
        name=reading.name("name"),
        notice_at=reading.clock_time("notice_at"),
        scope=Scope(reading.choice("scope", [scope.value for scope in Scope])),
        remind_days=reading.days("remind.days", least=0),
        restrict_after_days=reading.whole("restrict.after_days") if restricts else None,
        restrict_warning_days=reading.days("restrict.warning_days", least=1) if restricts else (),
        restrict_lead_days=reading.whole("restrict.lead_days"),
        disable_after_days=reading.whole("disable.after_days"),
        disable_warning_days=reading.days("disable.warning_days", least=1),
        disable_lead_days=reading.whole("disable.lead_days"),
        retention_days=reading.whole("delete.retention_days"),
        delete_warning_days=reading.days("delete.warning_days", least=1),
        delete_lead_days=reading.whole("delete.lead_days"),
        delete_cool_off_hours=reading.whole("delete.cool_off_hours"),
        tolerance_minor=reading.sums("tolerance"),
        minimum_minor=reading.sums("minimum"),
    )


def _default_text() -> str:
    return (resources.files("arrears.core") / "data" / "default.toml").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _defaults() -> dict[str, Any]:
    """What a policy that leaves a key out gets: the default policy, but nothing that each must write itself."""
    table = parse_toml(_default_text(), where="default.toml")
    del table["name"], table["delete"]["retention_days"], table["tolerance"], table["minimum"]
    table["restrict"] = {"warning_days": [], "lead_days": table["disable"]["lead_days"]}
    return table
