"""Loading a policy: a file with a mistake is refused as a whole, with every mistake named, and never half used."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

from arrears.core.errors import Refused
from arrears.core.policy.checks import ladder_mistakes
from arrears.core.policy.reading import Reading, parse_toml
from arrears.core.policy.values import ClockScope, Policy


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


def _read(reading: Reading) -> Policy:
    restricts = reading.has_table("restrict")
    return Policy(
        name=reading.name("name"),
        notice_at=reading.clock_time("notice_at"),
        scope=ClockScope(reading.choice("scope", [scope.value for scope in ClockScope])),
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
