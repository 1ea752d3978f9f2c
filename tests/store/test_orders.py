"""Orders to services over the queue of deliveries: given until they are carried out, in order, each exactly once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from arrears_receiver import Done, MemoryBook, Order, Receiver, Reply
from tests.store.contract import API, at, owing_book, payment

from arrears.adapters.channels.memory import MemoryChannel
from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.courier import Courier
from arrears.engine.orders import DeliveredServices, OrderAnswers, order_named
from arrears.engine.perform import give_orders, perform_all
from arrears.ports import DeliveryAnswer, DeliveryState, EndpointUse, NewEndpoint
from arrears.sim.stage import Stage
from arrears.store.postgres.check import check_store
from arrears.store.postgres.queries import services_of_book
from arrears.store.postgres.store import PostgresStore

SECRET = "whsec_" + "c2VjcmV0" * 5
MINUTE = timedelta(minutes=1)


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
    assert check_store(store).breaches == []


@pytest.fixture
def scene(make_postgres: Callable[[], PostgresStore]) -> Scene:
    store, town = make_postgres(), Town(at(1))
    [account] = owing_book(store, services=("cloud", "mail"))
    town.add(store, "cloud")
    town.add(store, "mail")
    return Scene(store, town, account)


def test_an_order_is_carried_out_and_acknowledged_by_the_answer_to_it(scene: Scene) -> None:
    """Scenario 30."""
    scene.until(33)
    assert scene.town.obeyed == [("sub_1_1", 1, "disable"), ("sub_1_2", 1, "disable")]
    assert scene.open() == []
    scene.pay(at(40, 12))
    scene.carry(at(40, 12))
    assert scene.town.obeyed[2:] == [("sub_1_1", 2, "resume"), ("sub_1_2", 2, "resume")]
    assert scene.state() is State.ACTIVE
    assert scene.open() == []


def test_what_is_only_accepted_is_asked_again_and_obeyed_once(scene: Scene) -> None:
    scene.town.slow = True
    scene.until(33)
    assert scene.open() == [(1, "disable")]
    cloud = scene.town.services["https://cloud.example.org/"]
    assert cloud.done("o1-1-1", Done()).status == 200
    scene.carry(at(34, 12))
    assert scene.open() == []
    assert scene.open(2) == [(1, "disable")]
    assert scene.town.obeyed == [("sub_1_1", 1, "disable"), ("sub_1_2", 1, "disable")]


def test_a_service_that_is_away_delays_no_other_and_gets_everything_in_order_when_it_is_back(scene: Scene) -> None:
    """F43."""
    down = DeliveryAnswer(500, "down")
    scene.town.answer = lambda url, _: down if "cloud" in url else None
    scene.until(33)
    assert (scene.open(1), scene.open(2)) == ([(1, "disable")], [])
    scene.pay(at(34, 12))
    scene.carry(at(34, 12))
    assert (scene.open(1), scene.open(2)) == ([(1, "disable"), (2, "resume")], [])
    scene.town.answer = lambda *_: None
    scene.carry(at(35, 12))
    assert [one for one in scene.town.obeyed if one[0] == "sub_1_1"][-1] == ("sub_1_1", 2, "resume")
    assert scene.open() == []


def test_a_resume_does_not_wait_for_a_stop_that_fails_and_the_stop_is_never_given_any_more(scene: Scene) -> None:
    """I15: who paid is not kept waiting by an order that is overtaken, nor by how long ago its service took one."""
    scene.town.answer = lambda _, message: DeliveryAnswer(500, "no") if message == "o1-1-1" else None
    scene.until(33)
    scene.pay(at(33, 12))
    scene.carry(at(33, 12))
    assert [one for one in scene.town.obeyed if one[0] == "sub_1_1"] == [("sub_1_1", 2, "resume")]
    assert scene.open() == []
    [overtaken] = [one for one in scene.facts(f.OrderAcknowledged) if one.overtaken]  # type: ignore[union-attr]
    assert overtaken == f.OrderAcknowledged(1, 1, "disable", 2, overtaken=True)
    scene.town.posted.clear()
    scene.carry(at(50, 12))
    assert "o1-1-1" not in scene.town.posted


@pytest.mark.parametrize(
    "answer",
    [
        DeliveryAnswer(200, "", b""),
        DeliveryAnswer(200, "", b"ok"),
        DeliveryAnswer(200, "", b"[" * 10_000),
        DeliveryAnswer(200, "", b'{"state": "done"}'),
        DeliveryAnswer(200, "", b'{"state": "done", "order": "o1-2-1"}'),
        DeliveryAnswer(200, "", b'{"state": "done", "order": "o1-1-1", "left": {"files": -1}}'),
        DeliveryAnswer(200, "", b'{"state": "overtaken", "order": "o1-1-1"}'),
    ],
)
def test_an_answer_that_does_not_say_that_the_order_is_done_acknowledges_nothing(
    scene: Scene, answer: DeliveryAnswer
) -> None:
    """F43, F44: 200 and nothing done; another order's word; overtaken, although it is the newest."""
    scene.town.answer = lambda url, _: answer if "cloud" in url else None
    scene.until(33)
    assert scene.open() == [(1, "disable")]
    scene.until(39)
    cloud = scene.store.endpoint_named("cloud")
    assert cloud.counts[DeliveryState.PARKED] == 1, "given up on after five days, for a person"
    assert cloud.failing_since is None, "and it is no trouble of the service's other orders"
    scene.town.answer = lambda *_: None
    assert scene.store.redrive(cloud.number, "o1-1-1", at(39, 12)) == 1
    scene.carry(at(39, 12))
    assert scene.open() == []


def test_what_a_service_will_never_take_is_parked_at_once_and_staff_have_a_task(scene: Scene) -> None:
    refused = DeliveryAnswer(409, '{"code": "name_mismatch"}')
    scene.town.answer = lambda url, _: refused if "mail" in url else None
    scene.until(33)
    assert scene.store.endpoint_named("mail").counts[DeliveryState.PARKED] == 1
    with scene.store.transaction() as db:
        rows = db.execute("SELECT cause, what FROM task WHERE kind = 'endpoint_trouble' AND closed_seq IS NULL")
        [(name, what)] = rows.fetchall()
    assert name == "mail"
    assert "arrears services redrive" in what


def test_a_deletion_in_part_is_given_again_with_ever_longer_pauses(scene: Scene) -> None:
    """I16: it stays open and visible, and every part is in the journal."""
    scene.until(118)
    scene.town.left = {"files": 2}
    scene.until(128)
    assert scene.open() == [(2, "delete")]
    at_first = scene.town.posted.count("o1-1-2")
    scene.town.left = {}
    scene.until(129)
    assert scene.state() is State.DELETED
    assert 2 <= at_first <= 30, "back-off, and not every two minutes"
    assert len(scene.facts(f.DeletedInPart)) == 2, "one for each service: the same numbers once"


def test_an_answer_once_more_or_late_changes_nothing(scene: Scene) -> None:
    """I17, F44."""
    scene.until(33)
    before = scene.store.digest()
    again = DeliveryAnswer(200, "", b'{"state": "done", "order": "o1-1-1"}')
    endpoint = scene.store.endpoint_named("cloud").number
    scene.store.replay_events(endpoint, 0, at(33, 12))
    scene.town.answer = lambda url, _: again if "cloud" in url else None
    scene.carry(at(33, 12))
    assert scene.store.digest() == before


def test_a_courier_that_dies_between_the_word_and_the_record_of_it_hears_it_again(scene: Scene) -> None:
    scene.town.slow = True
    scene.until(33)
    scene.town.slow = False
    courier, now = scene.courier(), at(34, 12)
    scene.town.services["https://cloud.example.org/"].done("o1-1-1", Done())
    scene.town.at = now
    [number] = [scene.store.endpoint_named("cloud").number]
    round_ = scene.store.claim_deliveries(number, now, 16, MINUTE)
    assert round_ is not None
    answer = DeliveryAnswer(200, "", b'{"state": "done", "order": "o1-1-1"}')
    OrderAnswers(scene.store).heard([(round_.claims[0], answer)], now)
    assert scene.open() == []
    scene.town.at = now + 2 * MINUTE
    courier.carry_all()
    counted(scene.store)


def test_a_courier_gives_orders_by_itself_and_no_letters(scene: Scene) -> None:
    """Who has paid need not wait for the worker's next look, nor for letters that leave slowly."""
    scene.until(33)
    scene.pay(at(33, 12))
    before = scene.channel.sent
    Courier(
        scene.store,
        scene.town,
        scene.town,
        OrderAnswers(scene.store).heard,
        before=lambda now: give_orders(scene.store, scene.services, now),
    ).carry_all()
    assert [one[2] for one in scene.town.obeyed[2:]] == ["resume", "resume"]
    assert scene.open() == []
    assert scene.channel.sent == before


def test_without_an_endpoint_orders_wait_and_staff_are_told_once(make_postgres: Callable[[], PostgresStore]) -> None:
    store, town = make_postgres(), Town(at(1))
    [account] = owing_book(store)
    scene = Scene(store, town, account)
    services = DeliveredServices(store)
    Stage(store, scene.channel, services, at(1)).until(at(33))
    assert scene.open() == [(1, "disable")]
    with store.transaction() as db:
        [(times, what)] = db.execute("SELECT times, what FROM task WHERE kind = 'endpoint_trouble'").fetchall()
    assert (times, "arrears services add cloud" in what) == (1, True)
    town.add(store, "cloud")
    scene.carry(at(33, 12))
    assert scene.open() == []


@pytest.mark.parametrize("text", ["", "o1-1", "o0-1-1", "o1-1-1 ", "o1-1-01", "evt_7", "o1-1-" + "9" * 10])
def test_what_is_no_id_of_an_order_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not the id of an order"):
        order_named(text)
