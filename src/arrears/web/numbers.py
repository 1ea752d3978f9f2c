"""Numbers as forms and addresses give them: whatever was typed is a number or none, and never a mistake of ours."""

from __future__ import annotations

from typing import Final

DIGITS_MAX: Final = 18
"""The largest number of so many digits fits PostgreSQL's `bigint`."""


def whole(text: str, digits: int = DIGITS_MAX) -> int:
    """The number that stands there, in at most so many digits; 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else 0
