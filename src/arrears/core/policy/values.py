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
from typing import Annotated, Any, Final, NamedTuple, get_type_hints

from arrears.core.policy.checks import StepAhead

DAYS_MAX: Final = 3650


class ClockScope(StrEnum):
    """Whose oldest past-due debt a subscription's clock follows: its own, or the account's."""

    SUBSCRIPTION = "subscription"
    ACCOUNT = "account"


class KeyKind(StrEnum):
    """What stands at a key of a policy file: `days` is a rising list of days, `sums` a table of minor units, `place` a
    country or a part of it whose public holidays are known, `way` how a customer does something themselves."""

    NAME = "name"
    FLAG = "flag"
    PLACE = "place"
    CLOCK = "clock"
    SCOPE = "scope"
    WHOLE = "whole"
    DAYS = "days"
    SUMS = "sums"
    WAY = "way"


class PolicyKey(NamedTuple):
    """A key of a policy file (`disable.after_days`): what may stand there, from `least` to `most`, of which unit, and
    `why` nothing else. `off` is what a policy without this promise has, and one whose file leaves it out: then its text
    does not name the key, so that a new one changes no version of a policy that is in force. `announces` is of a key
    that says how many days ahead something is announced, and names it: all that is said of the policy follows. Where
    that is a step of the ladder, `ahead_of` is the key with which it begins: what the two must not contradict follows.
    `never` is of a key that says when a stage begins and may say "never": it names what then never happens, the value
    is None, and nothing else of its table means anything."""

    path: str
    kind: KeyKind
    least: int = 0
    most: int = DAYS_MAX
    unit: str = "days"
    why: str = ""
    off: object = None
    announces: str = ""
    ahead_of: str = ""
    never: str = ""


ATTEMPTS_MAX: Final = 4
"""How often a declined charge is tried again by itself where a policy does not say."""

NEVER: Final = "never"
"""The word, in a policy file, for a stage that never begins."""

HERE: Final = "here"
"""The word, in a policy file, for what a customer does in the account centre."""

_RETENTION_WHY: Final = (
    ". It decides when customers' data is deleted, and has no default: a deletion setting left blank "
    "once erased a customer's whole private cloud (UniSuper, 2024)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The operator's promises (spec, section 3). Days of the ladder count from day 0, those of deletion from the
    end of service; sums are minor units per currency, and a currency that is not named has 0. Every field but the
    version is annotated with its key: reading, checking and writing a file follow from that.

    `version` is computed: the first 16 hex digits of the SHA-256 of `policy_text`, so equal promises have equal
    versions, however their file is written. `restrict_after_days`, `disable_after_days` and `retention_days` are None
    where nothing is ever restricted, disabled for debt, or deleted; what belongs to such a stage is then as in the
    default policy, but without days, and not part of the text. `business_days`: every action is on a working day that a
    working day follows, by the `holidays` of that country, or from Monday to Friday. `cancel_by_customer`: how
    a customer ends a subscription: in the account centre (`HERE`), at an address of the operator, or (empty) by asking.
    """

    version: str = field(init=False)
    name: Annotated[str, PolicyKey("name", KeyKind.NAME)]
    notice_at: Annotated[time, PolicyKey("notice_at", KeyKind.CLOCK)]
    scope: Annotated[ClockScope, PolicyKey("scope", KeyKind.SCOPE)]
    business_days: Annotated[bool, PolicyKey("business_days", KeyKind.FLAG, off=False)] = False
    holidays: Annotated[str, PolicyKey("holidays", KeyKind.PLACE, off="")] = ""
    remind_days: Annotated[tuple[int, ...], PolicyKey("remind.days", KeyKind.DAYS)]
    before_due_days: Annotated[
        int, PolicyKey("remind.before_due_days", KeyKind.WHOLE, 0, 60, off=0, announces="the due date of an invoice")
    ] = 0
    before_hold_ends_days: Annotated[
        int, PolicyKey("remind.before_hold_ends_days", KeyKind.WHOLE, 0, 60, off=0, announces="the last day of a hold")
    ] = 0
    before_delete_days: Annotated[
        int,
        PolicyKey(
            "remind.before_delete_days",
            *(KeyKind.WHOLE, 0, 60),
            off=0,
            announces="the deletion of data",
            ahead_of="delete.retention_days",
        ),
    ] = 0
    retry_days: Annotated[tuple[int, ...], PolicyKey("retry.days", KeyKind.DAYS, 1, off=())] = ()
    retry_attempts_max: Annotated[
        int, PolicyKey("retry.attempts_max", KeyKind.WHOLE, 0, 50, "attempts", off=ATTEMPTS_MAX)
    ] = ATTEMPTS_MAX
    restrict_after_days: Annotated[int | None, PolicyKey("restrict.after_days", KeyKind.WHOLE, 1)]
    restrict_warning_days: Annotated[tuple[int, ...], PolicyKey("restrict.warning_days", KeyKind.DAYS, 1)]
    restrict_lead_days: Annotated[int, PolicyKey("restrict.lead_days", KeyKind.WHOLE, 1, 365)]
    disable_after_days: Annotated[int | None, PolicyKey("disable.after_days", KeyKind.WHOLE, 1, never="disabled")]
    disable_warning_days: Annotated[tuple[int, ...], PolicyKey("disable.warning_days", KeyKind.DAYS, 1)]
    disable_lead_days: Annotated[int, PolicyKey("disable.lead_days", KeyKind.WHOLE, 1, 365)]
    retention_days: Annotated[
        int | None, PolicyKey("delete.retention_days", KeyKind.WHOLE, 30, why=_RETENTION_WHY, never="deleted")
    ]
    delete_warning_days: Annotated[tuple[int, ...], PolicyKey("delete.warning_days", KeyKind.DAYS, 1)]
    delete_lead_days: Annotated[int, PolicyKey("delete.lead_days", KeyKind.WHOLE, 1, 365)]
    delete_cool_off_hours: Annotated[int, PolicyKey("delete.cool_off_hours", KeyKind.WHOLE, 24, 720, "hours")]
    cancel_by_customer: Annotated[str, PolicyKey("cancel.by_customer", KeyKind.WAY, off="")] = ""
    tolerance_minor: Annotated[Mapping[str, int], PolicyKey("tolerance", KeyKind.SUMS)]
    minimum_minor: Annotated[Mapping[str, int], PolicyKey("minimum", KeyKind.SUMS)]

    def __post_init__(self) -> None:
        for name in ("tolerance_minor", "minimum_minor"):
            sums = getattr(self, name)
            object.__setattr__(self, name, {code: sums[code] for code in sorted(sums) if sums[code]})
        object.__setattr__(self, "version", sha256(policy_text(self).encode()).hexdigest()[:16])

    def __hash__(self) -> int:
        return hash(self.version)


KEYS: Final[Mapping[str, PolicyKey]] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Policy, include_extras=True).items()
    if hasattr(hint, "__metadata__")
}
"""Every key by its field, in the order in which a policy's text has them; tables of sums come last."""

BEGINS: Final[Mapping[str, str]] = {
    "restrict": "restrict_after_days",
    "disable": "disable_after_days",
    "delete": "retention_days",
}
"""For each table of a stage the field that says when it begins; None is never."""

Policies = Mapping[str, Policy]
"""Adopted policies: each by its version, and the newest of each name by that name."""


def announced_ahead(policy: Policy) -> list[tuple[int, str]]:
    """How many days ahead this policy announces what, the earliest first."""
    found = [(getattr(policy, name), key.announces) for name, key in KEYS.items() if key.announces]
    return sorted([(days, what) for days, what in found if days], reverse=True)


def steps_ahead(policy: Policy) -> list[StepAhead]:
    """The steps of the ladder that this policy announces once more, some days ahead."""
    values = {key.path: getattr(policy, name) for name, key in KEYS.items()}
    return [
        StepAhead(key.path, values[key.path], key.ahead_of, values[key.ahead_of])
        for key in KEYS.values()
        if key.ahead_of and values[key.path]
    ]


def policy_text(policy: Policy, keys: Mapping[str, PolicyKey] = KEYS) -> str:
    """The canonical TOML of a policy; loads back equal."""
    lines: list[str] = []
    current = ""
    for name, key in keys.items():
        value = getattr(policy, name)
        table, _, last = key.path.rpartition(".")
        if key.kind is KeyKind.SUMS:
            if value:
                lines += ["", f"[{key.path}]", *(f"{code} = {value[code]}" for code in sorted(value))]
            continue
        begins = BEGINS.get(table)
        never = begins is not None and getattr(policy, begins) is None
        if (never and not (name == begins and key.never)) or (key.off is not None and value == key.off):
            continue
        if table != current:
            lines += ["", f"[{table}]"]
            current = table
        lines.append(f"{last} = {_written(value)}")
    return "\n".join(lines) + "\n"


def written_keys(policy: Policy) -> dict[str, str]:
    """What a policy's text says at each key that it names: `{"disable.after_days": "30", "tolerance.EUR": "150"}`."""
    found: dict[str, str] = {}
    table = ""
    for line in policy_text(policy).splitlines():
        if line.startswith("["):
            table = f"{line[1:-1]}."
        elif line:
            key, _, value = line.partition(" = ")
            found[table + key] = value
    return found


def _written(value: Any) -> str:
    if value is None:
        return f'"{NEVER}"'
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, time):
        return f'"{value:%H:%M}"'
    return str(list(value) if isinstance(value, tuple) else value)
