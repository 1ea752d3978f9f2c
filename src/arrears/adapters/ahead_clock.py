"""A clock that runs ahead of the real one, for a world of its own: the demo's."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from arrears.ports import Clock


class AheadClock:
    """The clock of a world of its own, the demo's: it runs as `real` does, ahead of it by the seconds that `file` says
    (none where there is no file). Every program that reads the same file reads the same time."""

    def __init__(self, real: Clock, file: Path) -> None:
        self._real, self._file = real, file

    def now(self) -> datetime:
        """See ports.Clock."""
        return self._real.now() + self._ahead()

    def move_to(self, instant: datetime) -> None:
        """It is this instant now, to the second; one that has passed already changes nothing."""
        ahead = -((self._real.now() - instant) // timedelta(seconds=1))
        if ahead > self._ahead() // timedelta(seconds=1):
            part = self._file.with_suffix(".part")
            part.write_text(f"{ahead}\n", encoding="ascii")
            os.replace(part, self._file)

    def set_back(self) -> None:
        """The time of the real clock again, for a world that has only begun."""
        self._file.unlink(missing_ok=True)

    def _ahead(self) -> timedelta:
        try:
            return timedelta(seconds=int(self._file.read_text(encoding="ascii")))
        except FileNotFoundError:
            return timedelta()
