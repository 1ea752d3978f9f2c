"""Orders to services over the queue of deliveries: given until they are carried out, in order, each exactly once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from arrears_receiver import Done
from tests.store.contract import at, owing_book
from tests.store.town import Scene, Town, counted

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine.courier import Courier
from arrears.engine.orders import DeliveredServices, OrderAnswers, order_named
from arrears.engine.perform import give_orders
from arrears.ports import DeliveryAnswer, DeliveryState
from arrears.sim.stage import Stage
from arrears.store.postgres.queries import open_tasks
from arrears.store.postgres.store import PostgresStore

MINUTE = timedelta(minutes=1)


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


NOT_DONE = (
    b"",
    b"ok",
    b"[" * 10_000,
    b'{"state": "done"}',
    b'{"state": "done", "order": "o1-2-1"}',
    b'{"state": "done", "order": "o1-1-1", "left": {"files": -1}}',
    b'{"state": "done", "order": "o1-1-1", "deleted": {"files": "12"}}',
    b'{"state": "overtaken", "order": "o1-1-1"}',
)


def test_an_answer_that_does_not_say_that_the_order_is_done_acknowledges_nothing_and_is_parked_in_the_end(
    scene: Scene,
) -> None:
    """F43, F44: 200 and nothing done; another order's word; overtaken, although it is the newest."""
    body = NOT_DONE[0]
    scene.town.answer = lambda url, _: DeliveryAnswer(200, "", body) if "cloud" in url else None
    scene.until(33)
    for body in NOT_DONE:  # noqa: B007 - what is answered from now on
        scene.carried(scene.town.at + timedelta(hours=13))
        assert scene.open() == [(1, "disable")]
    scene.until(40)
    cloud = scene.store.endpoint_named("cloud")
    assert cloud.counts[DeliveryState.PARKED] == 1, "given up on after five days, for a person"
    assert cloud.failing_since is None, "and it is no trouble of the service's other orders"
    scene.town.answer = lambda *_: None
    assert scene.store.redrive(cloud.number, "o1-1-1", at(40, 12)) == 1
    scene.carry(at(40, 12))
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


def test_the_task_about_what_is_parked_ends_when_a_newer_order_has_overtaken_it(scene: Scene) -> None:
    scene.town.answer = lambda _, message: DeliveryAnswer(409, "{}") if message == "o1-1-1" else None
    scene.until(33)
    assert "endpoint_trouble" in [task.kind for task in open_tasks(scene.store)]
    scene.pay(at(33, 12))
    scene.carry(at(33, 12))
    assert scene.store.endpoint_named("cloud").counts[DeliveryState.PARKED] == 0
    assert "endpoint_trouble" not in [task.kind for task in open_tasks(scene.store)]


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


@pytest.mark.parametrize("counts", ["", ', "deleted": {"files": 3}', ', "left": {}', ', "deleted": null, "left": null'])
def test_a_deletion_is_not_done_before_its_service_says_what_was_deleted_and_what_is_left(
    scene: Scene, counts: str
) -> None:
    scene.until(118)
    scene.town.answer = lambda url, order: (
        DeliveryAnswer(200, "", f'{{"state": "done", "order": "{order}"{counts}}}'.encode())
        if "cloud" in url and order == "o1-1-2"
        else None
    )
    scene.until(124)
    assert (scene.open(1), scene.state()) == ([(2, "delete")], State.DISABLED)
    scene.town.answer = lambda *_: None
    scene.until(126)
    assert scene.state() is State.DELETED


def test_a_service_that_knows_another_customer_by_this_id_deletes_nothing_and_a_person_looks(scene: Scene) -> None:
    """I14: the service keeps no names of its own; it has the one of the order before."""
    scene.until(118)
    with scene.store.transaction() as db:
        db.execute("UPDATE account SET name = 'Somebody else' WHERE account_id = 1")
    scene.until(124)
    assert (scene.open(1), scene.state()) == ([(2, "delete")], State.DISABLED)
    cloud = scene.store.endpoint_named("cloud")
    assert cloud.counts[DeliveryState.PARKED] == 1


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


def reported(scene: Scene, words: object, service: str = "cloud") -> str:
    one = scene.store.service_called(service, scene.town.at)
    assert one is not None
    return OrderAnswers(scene.store).reported(scene.store, one[:2], words, scene.town.at)


def test_a_service_says_by_itself_that_an_order_is_done_and_it_is_not_given_again(scene: Scene) -> None:
    """The callback of what was only accepted."""
    scene.town.slow = True
    scene.until(33)
    cloud = scene.town.services["https://cloud.example.org/"]
    posted = len(scene.town.posted)
    words = cloud.done("o1-1-1", Done()).body
    assert reported(scene, words) == "done"
    assert reported(scene, words) == "done before"
    assert (scene.open(1), scene.open(2)) == ([], [(1, "disable")])
    counted(scene.store)
    scene.carry(at(34, 12))
    assert [one for one in scene.town.posted[posted:] if one == "o1-1-1"] == []


def test_a_service_speaks_of_its_own_orders_alone_and_only_of_those_that_were_given(scene: Scene) -> None:
    scene.town.slow = True
    scene.until(33)
    before = scene.store.digest()
    for words, code in (
        ({"order": "o1-1-1", "state": "done"}, "unknown_order"),
        ({"order": "o1-2-2", "state": "done"}, "unknown_order"),
        ({"order": "o1-9-1", "state": "done"}, "unknown_order"),
        ({"order": "o77-1-1", "state": "done"}, "unknown_order"),
        ({"order": "o1-2-1", "state": "fine"}, "bad_answer"),
        ({"order": "o1-2-1", "state": "done", "deleted": {"files": -1}}, "bad_answer"),
        ({"order": "o1-2-1", "state": "overtaken"}, "not_overtaken"),
        ({"order": "one", "state": "done"}, "bad_order_id"),
        ({"state": "done"}, "bad_order_id"),
        ([], "bad_order_id"),
        (None, "bad_order_id"),
    ):
        with pytest.raises(Refused) as refused:
            reported(scene, words, "mail")
        assert refused.value.code == code, words
    assert scene.store.digest() == before
    assert reported(scene, {"order": "o1-2-1", "state": "accepted"}, "mail") == "accepted, not carried out yet"


def test_what_is_parked_is_over_when_its_service_says_that_it_is_done(scene: Scene) -> None:
    scene.town.answer = lambda *_: DeliveryAnswer(422, "never")
    scene.until(33)
    assert reported(scene, {"order": "o1-1-1", "state": "done"}) == "done"
    counted(scene.store)
    assert scene.store.endpoint_named("cloud").counts[DeliveryState.PARKED] == 0
