"""Loading a policy: a file with a mistake is refused as a whole, with every mistake named, and never half used."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Any, assert_never

from arrears.core.errors import Refused
from arrears.core.policy.checks import ladder_mistakes
from arrears.core.policy.reading import Reading, parse_toml
from arrears.core.policy.values import BEGINS, KEYS, NEVER, ClockScope, KeyKind, Policy, PolicyKey, steps_ahead


def load_policy(text: str, *, where: str) -> Policy:
    """The policy that a TOML text says. `where` names it in messages, a file for example.

    Refuses `bad_policy` with one line for each mistake in the whole text, each naming the key and what to do.
    """
    reading = Reading(parse_toml(text, where=where), fallback=_defaults())
    policy = _read(reading)
    reading.refuse_unknown_keys()
    for mistake in ladder_mistakes(policy, steps_ahead(policy)):
        reading.wrong_together(mistake.keys, mistake.text)
    if reading.mistakes:
        raise Refused("bad_policy", "\n".join(f"{where}: {mistake}" for mistake in reading.mistakes))
    return policy


@lru_cache(maxsize=1)
def default_policy() -> Policy:
    """The policy that ships with arrears: `core/data/default.toml`."""
    return load_policy(default_text(), where="default.toml")


def _read(reading: Reading) -> Policy:
    fixed: dict[str, Any] = {}
    if not reading.has_table("restrict"):
        fixed |= {"restrict_after_days": None, "restrict_warning_days": ()}
    for table, begins in BEGINS.items():
        if KEYS[begins].never and reading.says_never(KEYS[begins].path):
            fixed |= {begins: None, **dict(_of_no_stage(reading, table, begins))}
    values = {name: fixed[name] if name in fixed else _value(reading, key) for name, key in KEYS.items()}
    return Policy(**values)


def _of_no_stage(reading: Reading, table: str, begins: str) -> Iterator[tuple[str, Any]]:
    """What the rest of a stage's table has where that never begins."""
    for name, key in KEYS.items():
        if key.path.startswith(f"{table}.") and name != begins:
            reading.refuse_beside(key.path, f'{KEYS[begins].path} = "{NEVER}"')
            yield name, () if key.kind is KeyKind.DAYS else reading.default(key.path)


def _value(reading: Reading, key: PolicyKey) -> Any:
    match key.kind:
        case KeyKind.NAME:
            return reading.name(key.path)
        case KeyKind.FLAG:
            return reading.flag(key.path)
        case KeyKind.PLACE:
            return reading.place(key.path)
        case KeyKind.CLOCK:
            return reading.clock_time(key.path)
        case KeyKind.SCOPE:
            return ClockScope(reading.choice(key.path, [scope.value for scope in ClockScope]))
        case KeyKind.WHOLE:
            return reading.whole(key.path)
        case KeyKind.DAYS:
            return reading.days(key.path)
        case KeyKind.SUMS:
            return reading.sums(key.path)
        case KeyKind.WAY:
            return reading.way(key.path)
        case _:
            assert_never(key.kind)


def default_text() -> str:
    """The file of the policy that ships with arrears, as its author wrote it."""
    return (resources.files("arrears.core") / "data" / "default.toml").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _defaults() -> dict[str, Any]:
    """What a policy that leaves a key out gets: the default policy, but nothing that each must write itself."""
    table = parse_toml(default_text(), where="default.toml")
    del table["name"], table["delete"]["retention_days"], table["tolerance"], table["minimum"]
    table["restrict"] = {"warning_days": [], "lead_days": table["disable"]["lead_days"]}
    for key in KEYS.values():
        if key.off is not None:
            within, _, last = key.path.rpartition(".")
            off = list(key.off) if isinstance(key.off, tuple) else key.off
            (table.setdefault(within, {}) if within else table).setdefault(last, off)
    return table
