"""The delivery engine's contracts: a queue of signed messages for endpoints, whatever they say and whoever hears them.

Events for the operator's systems and orders to services are both *parcels*: a parcel has a name by which its receiver
knows it again, and a key within which parcels arrive in the order of their places. Everything that was put is waiting
(`pending`), was taken (`acknowledged`), or was given up on and waits for a person (`parked`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from arrears.core.events import AccountEvent


class EndpointUse(StrEnum):
    """What an endpoint is for."""

    EVENTS = "events"
    SERVICE = "service"


class EndpointState(StrEnum):
    """Whether an endpoint gets anything. `OFF`: what is pending waits, and nothing is lost. `REMOVED`: never again."""

    ON = "on"
    OFF = "off"
    REMOVED = "removed"


class DeliveryState(StrEnum):
    """Where a delivery stands; each is in exactly one of these."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    PARKED = "parked"


class NewEndpoint(NamedTuple):
    """An endpoint to be. `kinds` are the types of events that it wants (all where there is none), `account` the only
    one it hears of (0: all), `after` the event after which it begins (None: after those that there are)."""

    use: EndpointUse
    name: str
    url: str
    secret: str
    kinds: tuple[str, ...] = ()
    account: int = 0
    after: int | None = None


class DeliveryEndpoint(NamedTuple):
    """An endpoint as it is kept. `event_no`: up to this event everything that it wants has been put. `failures` counts
    the tries in vain since one was taken, and `failing_since` is the first of them."""

    number: int
    use: EndpointUse
    name: str
    url: str
    kinds: tuple[str, ...]
    account: int
    state: EndpointState
    why: str
    event_no: int
    failures: int
    failing_since: datetime | None
    next_at: datetime
    counts: Mapping[DeliveryState, int]


class Parcel(NamedTuple):
    """A message to an endpoint. `message` is its name, unique at that endpoint and its `webhook-id`; parcels of one
    `key` are delivered in the order of their `place`. `fenced`: the receiver drops one that was overtaken, so those
    that follow one that was not taken need not wait for it, and once one of them is taken it is over. `urgent`: an
    endpoint that was away is asked at once."""

    message: str
    key: str
    place: int
    kind: str
    body: str
    fenced: bool = False
    urgent: bool = False


class DeliveryClaim(NamedTuple):
    """A parcel in the hands of one courier, until its lease is over; `tries` counts this one too."""

    endpoint: int
    message: str
    key: str
    kind: str
    body: str
    tries: int


class DeliveryRound(NamedTuple):
    """What one courier has claimed for one endpoint, where it goes, and the secrets that sign it, the newest first."""

    url: str
    secrets: tuple[str, ...]
    claims: tuple[DeliveryClaim, ...]


class DeliveryAnswer(NamedTuple):
    """What came back: the status, or None with what went wrong in a few words, and the first octets of the body."""

    status: int | None
    said: str = ""
    body: bytes = b""

    @property
    def taken(self) -> bool:
        """Whether the parcel is the receiver's now: any 2xx."""
        return self.status is not None and 200 <= self.status < 300


class DeliveryFate(StrEnum):
    """What an answer makes of a parcel. `UNFINISHED`: its receiver has it and is not finished, so it is asked again.
    `REFUSED`: its receiver will never take it, so it is parked at once, and a person looks."""

    TAKEN = "taken"
    UNFINISHED = "unfinished"
    REFUSED = "refused"
    FAILED = "failed"


class DeliveryOutcome(NamedTuple):
    """A claim with its answer, what that makes of it, and how long to wait before another try where there is one."""

    claim: DeliveryClaim
    answer: DeliveryAnswer
    pause: timedelta
    fate: DeliveryFate


def fate_of(answer: DeliveryAnswer) -> DeliveryFate:
    """What an answer says by its status alone."""
    return DeliveryFate.TAKEN if answer.taken else DeliveryFate.FAILED


class ListedDelivery(NamedTuple):
    """A delivery as it stands; `status` and `said` are of the newest answer."""

    endpoint: int
    message: str
    key: str
    kind: str
    state: DeliveryState
    tries: int
    made_at: datetime
    next_at: datetime
    moved_at: datetime
    status: int | None
    said: str


class Transport(Protocol):
    """What carries parcels."""

    def post(self, url: str, requests: Sequence[tuple[Mapping[str, str], bytes]]) -> Sequence[DeliveryAnswer]:
        """Send these (headers, body) to one address, all at once, and what came back of each in the same order. Never
        raises for what the other side does or does not do, and ends within its own limit of time."""

    def get(self, url: str, headers: Mapping[str, str]) -> DeliveryAnswer:
        """Ask an address, with the same limits."""

    def check(self, url: str) -> None:
        """Refuse an address that nothing may be sent to: `bad_endpoint_url`, `target_not_allowed`."""

    def sealed(self, secret: str) -> str:
        """An endpoint's secret as it is kept: encrypted, so that a copy of the database signs nothing."""

    def opened(self, kept: str) -> str:
        """The secret again; refuses `secret_unreadable` where it was sealed by a key that is gone."""


class EndpointBook(Protocol):
    """The endpoints, and what a person does with them."""

    def add_endpoint(self, new: NewEndpoint, now: datetime) -> int:
        """Its number; refuses `duplicate_endpoint` for a name that one has which is not removed."""

    def endpoints(self) -> Sequence[DeliveryEndpoint]:
        """Every endpoint that is not removed, with the count of its deliveries in each state, by name."""

    def endpoint_named(self, name: str) -> DeliveryEndpoint:
        """The endpoint with this name; refuses `unknown_endpoint`."""

    def switch_endpoint(self, number: int, state: EndpointState, why: str, now: datetime, author: str) -> None:
        """Switch it. On: everything that waits is due at once, and a task about it is over. Removed: what is pending
        is parked, and its secrets are gone."""

    def change_endpoint(self, number: int, url: str, kinds: tuple[str, ...], now: datetime) -> None:
        """Another address, or other types of events from now on."""

    def rotate_secret(self, number: int, secret: str, now: datetime, until: datetime) -> None:
        """Sign by this secret too from now on, and by those before only until then."""

    def replay_events(self, number: int, after: int, now: datetime) -> None:
        """Put everything that it wants after this event again, as if it had never been taken."""

    def listed_deliveries(
        self, number: int, state: DeliveryState | None, limit: int, message: str = ""
    ) -> Sequence[ListedDelivery]:
        """The newest of its deliveries, or the one with this name."""

    def redrive(self, number: int, message: str, now: datetime) -> int:
        """Make what is parked pending again, all or one; how many."""


class ParcelIntake(Protocol):
    """Where parcels are put."""

    def put_parcels(self, endpoint: str, parcels: Sequence[Parcel], now: datetime) -> int:
        """Put parcels for the endpoint with this name; one that it has been given already is left as it is. How many
        were new; refuses `unknown_endpoint`. Within a transaction that this thread has open it is part of that."""


class DeliveryBook(Protocol):
    """The queue, as couriers see it."""

    def due_endpoints(self, now: datetime) -> Sequence[int]:
        """The endpoints that have something to be delivered now."""

    def claim_deliveries(self, endpoint: int, now: datetime, limit: int, lease: timedelta) -> DeliveryRound | None:
        """Claim what comes next of each key; of an endpoint that is away one alone. None where there is nothing."""

    def record_deliveries(self, outcomes: Sequence[DeliveryOutcome], now: datetime) -> int:
        """Record what came back, for the claims that are still this courier's; how many were. What was tried in vain
        for too long is parked, an endpoint that took nothing for too long, or says that it is gone (410), is switched
        off, and either is a task for staff."""

    def end_delivery(self, endpoint: int, message: str, now: datetime) -> None:
        """A parcel is over by its receiver's word, which came otherwise than as an answer; so is what it overtook."""


class EventBook(Protocol):
    """The events, in the order in which they became known."""

    def number_events(self, batches: int) -> int:
        """Give a number to the events of facts that have none yet, of so many transactions at the most; how many.
        Numbers are given by one courier at a time, to what is committed: nothing comes to light later below one."""

    def events_after(
        self, after: int, limit: int, kinds: Sequence[str] = (), account: int = 0
    ) -> tuple[Sequence[AccountEvent], int]:
        """The events after this one that are wanted, and the number up to which has been looked: the next cursor."""

    def put_events(self, limit: int, now: datetime) -> int:
        """Put the events that came since, for every endpoint that wants them and has not too much waiting; how many
        were put."""
