"""The edges between the states of a subscription (spec, section 2). `deleted` is final.

The same list stands in `sql/0001_receivables.sql`; a contract test walks every pair on both stores.
"""

from __future__ import annotations

from typing import Final

EDGES: Final = frozenset(
    {
        ("active", "past_due"),
        ("active", "disabled"),
        ("past_due", "active"),
        ("past_due", "restricted"),
        ("past_due", "disabled"),
        ("restricted", "active"),
        ("restricted", "past_due"),
        ("restricted", "disabled"),
        ("disabled", "active"),
        ("disabled", "past_due"),
        ("disabled", "deleted"),
    }
)
