"""Where now comes from."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where now comes from."""

    def now(self) -> datetime:
        """An aware instant in UTC."""
