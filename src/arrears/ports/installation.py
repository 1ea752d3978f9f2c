"""The installation as a whole: its adopted policies, its doubts about itself, and the stream of facts about both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

from arrears.core.facts import SystemFact
from arrears.core.policy import Policy
from arrears.core.system import System

LEFT_OUT_AFTER: Final = timedelta(hours=1)
"""What has been due for so long when a run ends is nobody else's work in hand: it was left out."""


class InstallationState(Protocol):
    """What every decision is made under, read without a lock."""

    def policies(self) -> Mapping[str, Policy]:
        """Every adopted policy by its version, and the newest of each name by that name."""

    def system(self) -> System:
        """The state of the installation: its clock, its feed of payments, its breaker. Reading it is no tick."""


class InstallationControl(InstallationState, Protocol):
    """What changes the state of the installation. A change wakes no account by itself: see `wake_waiting`."""

    def adopt(self, policy: Policy, now: datetime, author: str, why: str = "") -> None:
        """Make this version the newest of its name; adopting the newest once more changes nothing."""

    def tick(self, now: datetime) -> tuple[System, float]:
        """Record that a run begins at `now`. Returns the state before this tick, and by how many seconds the
        application's clock is ahead of the database's."""

    def run_complete(self, now: datetime, accounts: int, facts: int) -> int:
        """Record that the run of `now` came to its end: it found so many accounts due and recorded so many facts of
        them. Returns how many had been due for an hour by `now` and are still there: left out."""

    def record_system(self, fact: SystemFact, now: datetime, author: str, why: str) -> None:
        """Append a fact to the installation's stream and fold it into its state, in one transaction."""

    def wake_waiting(self, now: datetime) -> int:
        """Make every account due that waited for a doubt about the installation to end; how many there were."""


class BackupWatch(Protocol):
    """Whether the database is a backup that was put back, and what is not known then."""

    def put_back(self) -> str:
        """Why the database may be a backup that was put back since the last tick, in words; empty where nothing says
        so. Asked before the tick, which takes where the database is now for its place."""

    def count_as_unread(self, since: datetime) -> None:
        """Count every payment provider and billing system as not read since then, however lately it was."""
