"""The clock, as a port: only wiring holds a real one."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What says the present instant. The engine's functions take it as an argument instead."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
