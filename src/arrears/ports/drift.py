"""Where differences between our word and the services' are kept, until they are gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from arrears.core.drift import ServiceDrift
from arrears.ports.accounts import AccountReader, Accounts
from arrears.ports.delivery import Parcel
from arrears.ports.installation import InstallationControl
from arrears.ports.messages import ContactBook


class ServiceAddress(NamedTuple):
    """Where a service is asked, and the secrets that sign, as they are kept."""

    number: int
    name: str
    url: str
    secrets: tuple[str, ...]


class KnownDrift(NamedTuple):
    """A difference, and since when the service has said so. `certain`: it has said so twice. `has_task`: staff have one
    about it. `repairs`: how often it was ordered anew, or the deletion given once more."""

    service: str
    drift: ServiceDrift
    since: datetime
    certain: bool
    has_task: bool
    repairs: int


class DriftBook(Accounts, AccountReader, ContactBook, InstallationControl, Protocol):
    """The differences, and what is needed to find, tell and repair them."""

    def services_to_ask(self, now: datetime, every: timedelta, only: str = "") -> Sequence[ServiceAddress]:
        """The services, or the one of this name, that nobody has asked for so long; they are this caller's, who is the
        only one to ask them."""

    def service_called(self, name: str, now: datetime) -> ServiceAddress | None:
        """The service of this name, with the secrets that sign now; None where none obeys anywhere."""

    def ask_soon(self, endpoint: int) -> None:
        """The service is asked at the next look, however short ago it was."""

    def stopped_subscriptions(self, service: str) -> Sequence[tuple[int, int]]:
        """The subscriptions of a service (account, number) that are restricted or disabled."""

    def record_drift(
        self, service: str, found: Sequence[ServiceDrift], now: datetime, of: Sequence[tuple[int, int]] | None = None
    ) -> tuple[Sequence[KnownDrift], bool]:
        """Everything that differs at a service now, and nothing else, of all subscriptions or of these (account,
        number); what was there before keeps its instant, and counts as certain. Answers with all that differs there,
        and whether staff had a task about some of it."""

    def drift(self) -> Sequence[KnownDrift]:
        """Everything that differs, the oldest first."""

    def note_drift_task(self, service: str, *, has_task: bool) -> None:
        """Staff have a task about everything that differs there, or have none any more."""

    def give_once_more(self, endpoint: int, parcel: Parcel, account: int, subscription: int, now: datetime) -> None:
        """Put a parcel that its receiver has had and does not know any more, and count the repair."""
