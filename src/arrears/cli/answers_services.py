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
