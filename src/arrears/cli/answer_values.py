"""What the answers of commands are made of (see answers.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

Shape = str | list[Any] | Mapping[str, Any]

NAMES: Final[Mapping[str, str]] = {
    "id": "a public id, like `acc_12`, `sub_12_3`, `per_12` or `promise_12_1`",
    "code": "a stable name in small letters, like `past_due`; a newer version may have more of them",
    "minor": "an amount in minor units (cents) of the `currency` beside it, or of the currency that is its key",
    "currency": "three letters of ISO 4217",
    "day": "a day, `2026-01-31`",
    "at": "an instant in UTC, `2026-01-31T08:00:00+00:00`",
    "count": "a whole number",
    "seconds": "seconds, with a fraction",
    "flag": "true or false",
    "text": "somebody's own words, or a name that another system gave; to show, never to compare",
    "value": "a number, a flag, a text or a list of these; with a `currency` beside it, minor units of it",
    "fact": "the fields of the fact, as the journal has them for this `kind`",
}


class JsonAnswer(NamedTuple):
    """What a command prints: the shape of its one JSON value."""

    shape: Shape


class NoAnswer(NamedTuple):
    """A command without `--json`, and why it needs none."""

    why: str


def each(shape: str, names: str) -> dict[str, str]:
    """The same shape for each of these fields."""
    return dict.fromkeys(names.split(), shape)
