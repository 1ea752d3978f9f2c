"""What all stored values are made of."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of all stored values: immutable, compared by content, written without its default fields.

    None of them can form a cycle, so the garbage collector need not look at them (`gc`).
    """
