"""What `arrears services` answers a script: the shapes of a service, as `answers.py` has shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SERVICE: Final[Mapping[str, Any]] = {
    "name": "text",
    "url": "text?",
    "state": "code?",
    "why": "text?",
    "failing_since": "at?",
    "subscriptions": "count",
    "orders": {"created": "count", "acknowledged": "count", "pending": "count", "parked": "count"},
    "oldest_open_since": "at?",
}

DRIFT: Final[Mapping[str, Any]] = {
    "service": "text",
    "subscription": "id",
    "kind": "code",
    "wanted": "code?",
    "reported": "code?",
    **dict.fromkeys(("sequence", "given", "repairs"), "count"),
    "since": "at",
    "certain": "flag",
}
