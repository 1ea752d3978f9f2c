"""Services behind the real receiver, in a time that is made up, and everything that an order goes through to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from arrears_receiver import Done, MemoryBook, Order, Receiver, Reply
from tests.store.contract import API, at, payment

from arrears.adapters.channels.memory import MemoryChannel
from arrears.core import facts as f
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.courier import Courier
from arrears.engine.drift import DriftWatch
from arrears.engine.orders import DeliveredServices, OrderAnswers
from arrears.engine.perform import perform_all
from arrears.ports import DeliveryAnswer, DeliveryState, EndpointUse, NewEndpoint
from arrears.sim.stage import Stage
from arrears.store.postgres.check import check_store
from arrears.store.postgres.queries import services_of_book
from arrears.store.postgres.store import PostgresStore

SECRET = "whsec_" + "c2VjcmV0" * 5


class Trusting(Receiver):
    """The receiver as it is, in a time that is made up: whose signature it is, other tests ask."""

    def _is_signed(self, headers: object, body: bytes) -> bool:
        return True


@dataclass
class Town:
    """Services behind the real receiver, by their address; a transport to them, and the clock of it all. `answer` is
    asked first: None lets the service answer itself."""

    at: datetime
    services: dict[str, Receiver] = field(default_factory=dict)
    obeyed: list[tuple[str, int, str]] = field(default_factory=list)
    answer: Callable[[str, str], DeliveryAnswer | None] = lambda _url, _message: None
    left: dict[str, int] = field(default_factory=dict)
    slow: bool = False
    posted: list[str] = field(default_factory=list)

    def add(self, store: PostgresStore, name: str) -> None:
        url = f"https://{name}.example.org/"
        store.add_endpoint(NewEndpoint(EndpointUse.SERVICE, name, url, SECRET), self.at)
        self.services[url] = Trusting([SECRET], name, self.obey, MemoryBook())

    def obey(self, order: Order) -> Done | None:
        self.obeyed.append((order.subscription, order.sequence, order.command))
        return None if self.slow else Done({"files": 3} if order.command == "delete" else {}, self.left)

    def now(self) -> datetime:
        return self.at

    def check(self, url: str) -> None:
        pass

    def sealed(self, secret: str) -> str:
        return secret

    def opened(self, kept: str) -> str:
        return kept

    def get(self, url: str, headers: Mapping[str, str]) -> DeliveryAnswer:
        parts, asked = urlsplit(url), parse_qs(urlsplit(url).query, keep_blank_values=True)
        receiver = self.services[f"{parts.scheme}://{parts.netloc}{parts.path}"]
        return said(receiver.states(headers, asked["after"][0], int(asked["limit"][0])))

    def post(self, url: str, requests: Sequence[tuple[Mapping[str, str], bytes]]) -> Sequence[DeliveryAnswer]:
        found = []
        for headers, body in requests:
            self.posted.append(headers["webhook-id"])
            reply = self.answer(url, headers["webhook-id"]) or said(self.services[url].receive(headers, body))
            found.append(reply)
        return found


def said(reply: Reply) -> DeliveryAnswer:
    body = json.dumps(reply.body)
    return DeliveryAnswer(reply.status, body, body.encode())


@dataclass
class Scene:
    """One account that owes for its services, and everything that an order goes through."""

    store: PostgresStore
    town: Town
    account: int
    channel: MemoryChannel = field(default_factory=MemoryChannel)

    @property
    def services(self) -> DeliveredServices:
        return DeliveredServices(self.store)

    def courier(self) -> Courier:
        return Courier(self.store, self.town, self.town, OrderAnswers(self.store).heard, chance=lambda: 0.5)

    def drift(self) -> DriftWatch:
        return DriftWatch(self.store, self.town, self.town, self.town)

    def until(self, day: int, hour: int = 12) -> None:
        """Everything that is due on the way, and each time what couriers carry by then."""
        Stage(self.store, self.channel, self.services, self.town.at, after_step=self.carried).until(at(day, hour))
        self.carry(at(day, hour))

    def carry(self, now: datetime) -> None:
        """What couriers carry now."""
        perform_all(self.store, self.channel, self.services, lambda: now)
        self.carried(now)
        counted(self.store)

    def carried(self, now: datetime) -> None:
        self.town.at = now
        self.courier().carry_all()

    def pay(self, now: datetime) -> None:
        commands.record_payments(self.store, [payment(self.account, "P1")], now, API)

    def state(self, number: int = 1) -> State:
        return self.store.snapshots([self.account])[self.account].subscription(number).state

    def open(self, number: int = 1) -> list[tuple[int, str]]:
        sub = self.store.snapshots([self.account])[self.account].subscription(number)
        return [(order.no, order.kind) for order in sub.orders]

    def facts(self, kind: type[f.Fact]) -> list[f.AnyFact]:
        return [one.fact for one in self.store.history(self.account) if isinstance(one.fact, kind)]


def counted(store: PostgresStore) -> None:
    """I16: created = acknowledged + pending + parked, always; and nothing that is open is in no queue."""
    for name, orders in services_of_book(store).items():
        counts = store.endpoint_named(name).counts
        waiting = counts[DeliveryState.PENDING] + counts[DeliveryState.PARKED]
        assert orders.given == orders.acknowledged + waiting, name
    breaches = check_store(store).breaches
    assert breaches == [], breaches
