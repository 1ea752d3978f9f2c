"""What a payer can do about a decline: a table of data, so that pages, mail and answers say the same.

It says nothing about when we may try again; that is the planner's (`core/payments/networks.py`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Final, Literal, NamedTuple

import msgspec

from arrears.core.value import Value

Fix = Literal["bank", "new_method", "confirm", "renew_expiry", "wait", "staff"]
"""Who or what mends it: the payer's bank, another method, a confirmation at the bank, the card's new expiry, time,
or our own staff."""

GENERIC: Final = "generic"
"""The word whose guidance every unknown word gets."""


class Guidance(NamedTuple):
    """What to do about a decline. `text` is the message id of one sentence for the payer, `checks` those of the
    questions to ask the bank, in order; empty where the bank cannot help."""

    fix: Fix
    text: str
    checks: tuple[str, ...] = ()


class _Row(Value, frozen=True, forbid_unknown_fields=True):
    fix: Fix
    text: str
    check: tuple[str, ...] = ()


class _File(Value, frozen=True, forbid_unknown_fields=True):
    declines: dict[str, _Row]
    checks: dict[str, str]


def guidance(decline: str) -> Guidance:
    """The guidance for one of our decline words (`Codes.decline`); an unknown word gets the generic one."""
    known = every_guidance()
    return known.get(decline) or known[GENERIC]


@lru_cache(maxsize=1)
def every_guidance() -> Mapping[str, Guidance]:
    """Every word of ours with its guidance, in the order of the file."""
    text = (resources.files("arrears.core") / "data" / "declines.toml").read_text(encoding="utf-8")
    file = msgspec.convert(tomllib.loads(text), _File)
    return {
        word: Guidance(row.fix, row.text, tuple(file.checks[check] for check in row.check))
        for word, row in file.declines.items()
    }
