"""What `arrears deletions` answers a script: the shape of one deletion, as `answers.py` has shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DELETION: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("subscription", "account"), "id"),
    **dict.fromkeys(("ref", "name", "service", "policy"), "text"),
    "stage": "code",
    "generation": "count",
    **dict.fromkeys(("service_ended_on", "on", "promised_on"), "day?"),
    **dict.fromkeys(("not_before", "warning_accepted_at"), "at?"),
    "owing": [{"invoice": "text", "currency": "currency", "open_minor": "minor", "day_0": "day"}],
    "reasons": ["code"],
    "released_by": ["text"],
    "stopped_by": ["code"],
    "left": {"*": "count"},
}
