"""Deliveries: in order for each key, one at a time, taken or tried again, and none ever lost; events have one order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.store.contract import at, owing_book

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.engine.courier import Courier
from arrears.ports import (
    DeliveryAnswer,
    DeliveryFate,
    DeliveryOutcome,
    DeliveryState,
    EndpointState,
    EndpointUse,
    NewEndpoint,
    Parcel,
)
from arrears.store.postgres.store import PostgresStore

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
LEASE = timedelta(seconds=60)
SECRET = "whsec_" + "c2VjcmV0" * 5
TAKEN = DeliveryAnswer(200)
DOWN = DeliveryAnswer(503, "down")


@dataclass
class Hands:
    """A transport that answers as it is told to and keeps what it carried; a clock that is moved by hand."""

    answer: Callable[[str, str], DeliveryAnswer] = lambda _url, _message: TAKEN
    at: datetime = NOW
    carried: list[tuple[str, str]] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def check(self, url: str) -> None:
        pass

    def sealed(self, secret: str) -> str:
        return secret

    def opened(self, kept: str) -> str:
        return kept

    def post(self, url: str, requests: Sequence[tuple[Mapping[str, str], bytes]]) -> Sequence[DeliveryAnswer]:
        messages = [headers["webhook-id"] for headers, _ in requests]
        self.carried += [(url, message) for message in messages]
        return [self.answer(url, message) for message in messages]


def endpoint(store: PostgresStore, name: str = "crm", **more: object) -> int:
    new = NewEndpoint(EndpointUse.SERVICE, name, f"https://{name}.example.org/", SECRET)
    return store.add_endpoint(new._replace(**more), NOW)  # type: ignore[arg-type]


def parcels(key: str, *places: int, fenced: bool = False) -> list[Parcel]:
    return [Parcel(f"{key}-{place}", key, place, "order", "{}", fenced) for place in places]


def courier(store: PostgresStore, hands: Hands) -> Courier:
    return Courier(store, hands, hands, chance=lambda: 0.5)


def counts(store: PostgresStore, name: str = "crm") -> tuple[int, int, int]:
    found = store.endpoint_named(name).counts
    return found[DeliveryState.PENDING], found[DeliveryState.ACKNOWLEDGED], found[DeliveryState.PARKED]


@pytest.fixture
def store(make_postgres: Callable[[], PostgresStore]) -> PostgresStore:
    return make_postgres()


def test_of_each_key_one_is_on_its_way_and_the_next_when_it_was_taken(store: PostgresStore) -> None:
    crm = endpoint(store)
    store.put_parcels("crm", [*parcels("a", 1, 2, 3), *parcels("b", 1)], NOW)
    first = store.claim_deliveries(crm, NOW, 10, LEASE)
    assert first is not None
    assert sorted(claim.message for claim in first.claims) == ["a-1", "b-1"]
    assert store.claim_deliveries(crm, NOW, 10, LEASE) is None
    store.record_deliveries([DeliveryOutcome(claim, TAKEN, LEASE, DeliveryFate.TAKEN) for claim in first.claims], NOW)
    second = store.claim_deliveries(crm, NOW, 10, LEASE)
    assert second is not None
    assert [claim.message for claim in second.claims] == ["a-2"]


def test_a_courier_that_died_is_taken_over_and_changes_nothing_any_more(store: PostgresStore) -> None:
    crm = endpoint(store)
    store.put_parcels("crm", parcels("a", 1), NOW)
    dead = store.claim_deliveries(crm, NOW, 10, LEASE)
    later = NOW + LEASE
    taker = store.claim_deliveries(crm, later, 10, LEASE)
    assert dead is not None
    assert taker is not None
    assert store.record_deliveries([DeliveryOutcome(dead.claims[0], DOWN, LEASE, DeliveryFate.FAILED)], later) == 0
    assert store.record_deliveries([DeliveryOutcome(taker.claims[0], TAKEN, LEASE, DeliveryFate.TAKEN)], later) == 1
    assert counts(store) == (0, 1, 0)


def test_a_resume_that_is_put_while_one_that_is_never_taken_fails_once_more_is_asked_for_at_once(
    store: PostgresStore,
) -> None:
    crm, at = endpoint(store), NOW
    store.put_parcels("crm", parcels("bad", 1, fenced=True), at)
    for times in range(1, 4):
        claimed = store.claim_deliveries(crm, at, 10, LEASE)
        assert claimed is not None
        if times == 3:
            resume = Parcel("good-2", "good", 2, "order.resume", "{}", fenced=True, urgent=True)
            store.put_parcels("crm", [resume], at)
        pause = timedelta(hours=12) if times == 3 else timedelta(seconds=5)
        store.record_deliveries([DeliveryOutcome(claimed.claims[0], DOWN, pause, DeliveryFate.FAILED)], at)
        at += timedelta(seconds=6)
    again = store.claim_deliveries(crm, at, 10, LEASE)
    assert again is not None
    assert [claim.message for claim in again.claims] == ["good-2"]
    store.record_deliveries([DeliveryOutcome(again.claims[0], DOWN, LEASE, DeliveryFate.FAILED)], at)
    assert store.due_endpoints(at) == []


def test_what_waits_for_an_endpoint_waits_no_longer_than_that_has_taken_nothing(store: PostgresStore) -> None:
    crm, at = endpoint(store), NOW
    store.put_parcels("crm", parcels("bad", 1), at)
    for _ in range(3):
        claimed = store.claim_deliveries(crm, at, 10, LEASE)
        assert claimed is not None
        store.record_deliveries(
            [DeliveryOutcome(claimed.claims[0], DOWN, timedelta(seconds=5), DeliveryFate.FAILED)], at
        )
        at += timedelta(seconds=20)
    store.put_parcels("crm", parcels("good", 1), at)
    claimed = store.claim_deliveries(crm, at, 10, LEASE)
    assert claimed is not None
    [claim] = claimed.claims
    store.record_deliveries([DeliveryOutcome(claim, DOWN, timedelta(hours=12), DeliveryFate.FAILED)], at)
    assert store.due_endpoints(at + timedelta(seconds=59)) == []
    assert store.due_endpoints(at + timedelta(seconds=61)) == [crm]


def test_what_was_put_once_is_not_put_again(store: PostgresStore) -> None:
    endpoint(store)
    assert store.put_parcels("crm", parcels("a", 1, 2), NOW) == 2
    assert store.put_parcels("crm", parcels("a", 1, 2, 3), NOW) == 1
    with pytest.raises(Refused, match="no endpoint 'erp'"):
        store.put_parcels("erp", parcels("a", 1), NOW)


def test_an_endpoint_that_is_away_is_asked_by_one_at_a_time_and_gets_all_in_order_when_it_is_back(
    store: PostgresStore,
) -> None:
    endpoint(store)
    store.put_parcels("crm", [one for key in "abcd" for one in parcels(key, 1, 2)], NOW)
    hands = Hands(lambda _url, _message: DOWN)
    carry = courier(store, hands)
    carry.carry_all()
    assert len(hands.carried) == 4, "one of each key, and from then on it is away"
    for _ in range(6):
        hands.at += timedelta(hours=1)
        before = len(hands.carried)
        carry.carry_all()
        assert len(hands.carried) - before <= 1
    hands.at += timedelta(hours=13)
    hands.answer = lambda _url, _message: TAKEN
    hands.carried.clear()
    carry.carry_all()
    assert counts(store) == (0, 8, 0)
    assert [[m for _, m in hands.carried if m[0] == key] for key in "abcd"] == [[f"{k}-1", f"{k}-2"] for k in "abcd"]


def test_after_five_days_in_vain_it_is_switched_off_staff_are_told_once_and_nothing_is_lost(
    store: PostgresStore,
) -> None:
    endpoint(store)
    store.put_parcels("crm", parcels("a", 1, 2), NOW)
    hands = Hands(lambda _url, _message: DOWN)
    carry = courier(store, hands)
    for _ in range(24 * 7):
        carry.carry_all()
        hands.at += timedelta(hours=1)
    one = store.endpoint_named("crm")
    assert one.state is EndpointState.OFF
    assert "taken nothing since" in one.why
    with store.reading() as db:
        [(task, cause)] = db.execute("SELECT kind, cause FROM task WHERE closed_seq IS NULL").fetchall()
    assert (task, cause) == ("endpoint_trouble", "crm")
    tried = len(hands.carried)
    assert tried < 40
    hands.answer = lambda _url, _message: TAKEN
    carry.carry_all()
    assert (len(hands.carried), counts(store)) == (tried, (2, 0, 0))
    store.switch_endpoint(one.number, EndpointState.ON, "", hands.at, "staff:1")
    carry.carry_all()
    assert counts(store) == (0, 2, 0)
    with store.reading() as db:
        assert db.execute("SELECT FROM task WHERE closed_seq IS NULL").fetchall() == []


def test_one_delivery_that_is_never_taken_is_parked_and_what_follows_waits(store: PostgresStore) -> None:
    crm = endpoint(store)
    store.put_parcels("crm", [*parcels("a", 1, 2), *parcels("b", *range(1, 200))], NOW)
    hands = Hands(lambda _url, message: DOWN if message == "a-1" else TAKEN)
    carry = courier(store, hands)
    for day in range(1, 8):
        carry.carry_all()
        hands.at = NOW + timedelta(days=day)
        store.put_parcels("crm", parcels("b", 1000 + day), hands.at)
    assert store.endpoint_named("crm").state is EndpointState.ON
    [parked] = store.listed_deliveries(crm, DeliveryState.PARKED, 10)
    assert (parked.message, parked.status, parked.said) == ("a-1", 503, "down")
    assert ("https://crm.example.org/", "a-2") not in hands.carried
    hands.answer = lambda _url, _message: TAKEN
    assert store.redrive(crm, "a-1", hands.at) == 1
    carry.carry_all()
    assert counts(store)[0] == counts(store)[2] == 0
    assert [state.state for state in store.listed_deliveries(crm, None, 1, "a-2")] == [DeliveryState.ACKNOWLEDGED]


def test_what_is_fenced_waits_for_none_that_failed_and_those_are_overtaken_once_it_is_taken(
    store: PostgresStore,
) -> None:
    crm = endpoint(store)
    store.put_parcels("crm", [*parcels("a", 1, 2, 3, fenced=True), *parcels("b", 1)], NOW)
    hands = Hands(lambda _url, message: DOWN if message in ("a-1", "a-2") else TAKEN)
    courier(store, hands).carry_all()
    assert [message for _, message in hands.carried] == ["a-1", "b-1", "a-2", "a-3"], "each once, in their order"
    assert counts(store) == (0, 4, 0)
    [first] = store.listed_deliveries(crm, None, 1, "a-1")
    assert (first.state, first.said) == (DeliveryState.ACKNOWLEDGED, "overtaken by a-3")
    hands.at = NOW + timedelta(days=1)
    courier(store, hands).carry_all()
    assert len(hands.carried) == 4


def test_one_that_says_it_is_gone_is_switched_off_at_once(store: PostgresStore) -> None:
    endpoint(store)
    store.put_parcels("crm", parcels("a", 1), NOW)
    courier(store, Hands(lambda _url, _message: DeliveryAnswer(410))).carry_all()
    assert store.endpoint_named("crm").state is EndpointState.OFF


def test_a_removed_endpoint_gets_nothing_and_its_name_is_free(store: PostgresStore) -> None:
    crm = endpoint(store)
    store.put_parcels("crm", parcels("a", 1), NOW)
    with pytest.raises(Refused, match="choose another name"):
        endpoint(store)
    store.switch_endpoint(crm, EndpointState.REMOVED, "", NOW, "staff:1")
    hands = Hands()
    courier(store, hands).carry_all()
    assert hands.carried == []
    assert endpoint(store) != crm
    with store.reading() as db:
        assert db.execute("SELECT state FROM delivery").fetchall() == [("parked",)]


def test_during_a_rotation_both_secrets_sign_and_then_the_new_one_alone(store: PostgresStore) -> None:
    crm = endpoint(store)
    store.rotate_secret(crm, "whsec_" + "bmV3ZXIx" * 5, NOW, NOW + timedelta(hours=24))
    for then, many in ((NOW, 2), (NOW + timedelta(hours=25), 1)):
        store.put_parcels("crm", parcels(f"k{many}", 1), then)
        found = store.claim_deliveries(crm, then, 1, LEASE)
        assert found is not None
        assert len(found.secrets) == many
        assert found.secrets[0].startswith("whsec_bmV3")


def events(store: PostgresStore, name: str = "crm", **more: object) -> int:
    return endpoint(store, name, use=EndpointUse.EVENTS, **more)


def parked(store: PostgresStore, account: int, wait: Callable[[], object] = lambda: None) -> None:
    """One more fact of an account, and what is waited for before it is committed."""
    with store.accounts([account], at(2)) as batch:
        batch.units[0].record(f.Parked(why="to be looked at"), "staff:1")
        wait()


def numbered(store: PostgresStore) -> None:
    while store.number_events(10):
        pass


def test_what_commits_late_has_a_later_number_and_is_not_skipped(store: PostgresStore) -> None:
    """A transaction that began first and ends last holds nothing up, and who has read on meanwhile still gets it."""
    first, second = owing_book(store, 2)
    numbered(store)
    _, cursor = store.events_after(0, 1000)
    begun, may_end = threading.Event(), threading.Event()
    slowly = threading.Thread(target=parked, args=(store, first, lambda: (begun.set(), may_end.wait(60))))
    slowly.start()
    assert begun.wait(60)
    parked(store, second)
    numbered(store)
    before, cursor = store.events_after(cursor, 1000)
    may_end.set()
    slowly.join(60)
    numbered(store)
    after, _ = store.events_after(cursor, 1000)
    assert [(one.account, one.type) for one in before] == [(second, "account.parked")]
    assert [(one.account, one.type) for one in after] == [(first, "account.parked")]
    assert after[0].no == before[0].no + 1


def test_an_endpoint_gets_what_it_wants_in_the_order_of_each_account(store: PostgresStore) -> None:
    events(store, after=0)
    events(store, "erp", after=0, kinds=("invoice.*",))
    events(store, "new")
    owing_book(store, 3)
    hands = Hands()
    courier(store, hands).carry_all()
    every, _ = store.events_after(0, 1000)
    got = [message for url, message in hands.carried if "crm" in url]
    for account in (1, 2, 3):
        assert [m for m in got if m in {e.id for e in every if e.account == account}] == [
            one.id for one in every if one.account == account
        ]
    invoices = {one.id for one in every if one.type.startswith("invoice.")}
    assert {message for url, message in hands.carried if "erp" in url} == invoices != set()
    assert sorted(got) == sorted(one.id for one in every)


def test_replay_delivers_again_everything_after_a_cursor(store: PostgresStore) -> None:
    crm = events(store, after=0)
    owing_book(store)
    hands = Hands()
    courier(store, hands).carry_all()
    every = [message for _, message in hands.carried]
    hands.carried.clear()
    store.replay_events(crm, 1, NOW)
    courier(store, hands).carry_all()
    assert [message for _, message in hands.carried] == every[1:]


def test_an_event_is_once_whatever_numbers_it(store: PostgresStore) -> None:
    owing_book(store)
    store.number_events(10)
    with store.transaction() as db, pytest.raises(psycopg.errors.UniqueViolation):
        db.execute("INSERT INTO event (no, account_id, seq) VALUES (1000, 1, 1)")
