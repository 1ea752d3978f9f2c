"""A policy: which notice, restriction, disablement and deletion happens when. It is data, and checked when loaded.

A policy is written in TOML, known by its contents (`version`), and kept by every case that started under it. So a
file with a mistake is refused as a whole, with every mistake named, and never half used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from hashlib import sha256


class ClockScope(StrEnum):
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
    scope: ClockScope
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


Policies = Mapping[str, Policy]
"""Adopted policies: each by its version, and the newest of each name by that name."""


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
