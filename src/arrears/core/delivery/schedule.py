"""When a delivery that was not taken is tried again, and when that is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

_PAUSES: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 12 * 3600)
)
GIVEN_UP_AFTER: Final = timedelta(days=5)
"""Since the first try in vain: an endpoint that took nothing for so long is switched off, and a delivery that one took
all others but not this is parked. Standard Webhooks asks for several days; a weekend and a holiday are four."""
AWAY_AFTER: Final = 3
"""After so many tries in a row in vain an endpoint is away: from then on it is asked with one delivery at a time."""


def pause_after(tries: int, chance: float) -> timedelta:
    """How long to wait after so many tries in vain (1 is the first). `chance`, from 0 up to 1, moves it by a fifth
    either way, so that what failed together is not tried together again."""
    assert tries > 0
    return _PAUSES[min(tries, len(_PAUSES)) - 1] * (0.8 + 0.4 * chance)
