"""Drift: what a service says beside what we say, found by asking, told once, repaired where the service forgot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from arrears_receiver import MemoryBook
from tests.store.contract import at, owing_book
from tests.store.town import Scene, Town

from arrears.core import facts as f
from arrears.core.account import OpenOrder, Subscription
from arrears.core.drift import DriftKind, ReportedState, drift_of
from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine.drift import repeat_order, sentence
from arrears.ports import DeliveryAnswer
from arrears.sim.stage import Stage
from arrears.store.postgres.store import PostgresStore

CLOUD, MAIL = "https://cloud.example.org/", "https://mail.example.org/"
MINUTES = timedelta(minutes=3)


def subscription(state: State, count: int = 3, *, pending: bool = False) -> Subscription:
    return Subscription(1, "cloud", state, order_count=count, orders=(OpenOrder(count, "resume"),) if pending else ())


@pytest.mark.parametrize(
    ("ours", "sequence", "theirs", "kind"),
    [
        (subscription(State.ACTIVE), 3, "active", None),
        (subscription(State.PAST_DUE), 3, "active", None),
        (subscription(State.DISABLED), 3, "disabled", None),
        (subscription(State.ACTIVE, pending=True), 2, "disabled", None),
        (subscription(State.ACTIVE), 3, "disabled", DriftKind.OFF),
        (subscription(State.PAST_DUE), 2, "restricted", DriftKind.OFF),
        (subscription(State.ACTIVE), 3, "deleted", DriftKind.GONE),
        (subscription(State.DISABLED), 3, "deleted", DriftKind.GONE),
        (subscription(State.DISABLED), 2, "active", DriftKind.ON),
        (subscription(State.DISABLED), 0, "", DriftKind.ON),
        (subscription(State.DELETED), 2, "disabled", DriftKind.ON),
        (subscription(State.DISABLED), 2, "restricted", DriftKind.OTHER),
        (subscription(State.ACTIVE), 4, "active", DriftKind.AHEAD),
        (subscription(State.ACTIVE, pending=True), 4, "disabled", DriftKind.AHEAD),
        (None, 1, "active", DriftKind.UNKNOWN),
    ],
)
def test_what_differs_and_how(ours: Subscription | None, sequence: int, theirs: str, kind: DriftKind | None) -> None:
    found = drift_of(ours, ReportedState(1, 1, 1, sequence, theirs))
    assert (None if found is None else found.kind) == kind


@pytest.fixture
def scene(make_postgres: Callable[[], PostgresStore]) -> Scene:
    store, town = make_postgres(), Town(at(1))
    [account] = owing_book(store, services=("cloud", "mail"))
    town.add(store, "cloud")
    town.add(store, "mail")
    found = Scene(store, town, account)
    found.until(33)
    return found


def tasks(scene: Scene) -> list[tuple[str, str]]:
    with scene.store.transaction() as db:
        rows = db.execute("SELECT cause, what FROM task WHERE account_id = 0 AND closed_seq IS NULL ORDER BY no")
        return [(cause, what) for cause, what in rows]


def look(scene: Scene, times: int = 1) -> list[str]:
    """Ask all services so often, minutes apart; what differs then."""
    for _ in range(times):
        scene.town.at += MINUTES
        scene.drift().look()
    return [sentence(one) for one in scene.store.drift()]


def test_services_that_do_what_they_were_told_differ_in_nothing(scene: Scene) -> None:
    assert look(scene, 2) == []
    assert tasks(scene) == []


def test_who_paid_and_is_off_is_a_task_within_minutes_and_the_task_ends_with_its_cause(scene: Scene) -> None:
    """F44: the service said done, and then undid it."""
    scene.pay(at(34, 12))
    scene.carry(at(34, 12))
    with scene.town.services[CLOUD].book.open("sub_1_1") as record:
        record.state = "disabled"
    assert len(look(scene)) == 1
    assert tasks(scene) == [], "once may be an order under way"
    look(scene)
    [(cause, what)] = tasks(scene)
    assert cause == "cloud: drift"
    assert "cloud says that sub_1_1 is disabled, and it is to run" in what
    scene.carry(scene.town.at)
    assert scene.town.obeyed[-1] == ("sub_1_1", 3, "resume")
    assert look(scene) == []
    assert tasks(scene) == []


def test_a_service_that_says_done_and_does_nothing_is_ordered_anew_three_times_and_then_is_a_persons(
    scene: Scene,
) -> None:
    """F44: it lies each time."""
    scene.pay(at(34, 12))
    scene.carry(at(34, 12))
    told = scene.facts(f.Noticed)
    for _ in range(12):
        with scene.town.services[CLOUD].book.open("sub_1_1") as record:
            record.state = "disabled"
        look(scene)
        scene.carry(scene.town.at)
    assert [one.order_no for one in scene.facts(f.OrderRepeated)] == [3, 4, 5]  # type: ignore[union-attr]
    with scene.town.services[CLOUD].book.open("sub_1_1") as record:
        record.state = "disabled"
    [said] = look(scene, 2)
    [drift] = scene.store.drift()
    assert (drift.repairs, drift.has_task, "and it is to run" in said) == (3, True, True)
    assert len(tasks(scene)) == 1
    scene.carry(scene.town.at + timedelta(days=1))
    assert scene.facts(f.Noticed)[len(told) :] == scene.facts(f.Noticed)[len(told) : len(told) + 1], "told once"


def test_who_pays_or_is_stopped_after_a_look_is_not_ordered_what_was_seen_before(scene: Scene) -> None:
    scene.town.services[MAIL].book = MemoryBook()
    look(scene, 2)
    [seen] = [one.drift for one in scene.store.drift()]
    orders = len(scene.facts(f.OrderRepeated))
    scene.pay(at(34, 12))
    assert not repeat_order(scene.store, seen, at(34, 13))
    assert len(scene.facts(f.OrderRepeated)) == orders


def test_what_is_to_be_off_and_knows_so_and_runs_is_for_a_person(scene: Scene) -> None:
    with scene.town.services[MAIL].book.open("sub_1_2") as record:
        record.state = "active"
    look(scene, 4)
    assert scene.facts(f.OrderRepeated) == []
    assert len(tasks(scene)) == 1


def test_a_service_out_of_an_old_backup_is_ordered_anew_and_obeys(scene: Scene) -> None:
    """F34, F44: it knows nothing of the resume."""
    before = scene.town.services[CLOUD].book.known("sub_1_1")
    scene.pay(at(34, 12))
    scene.carry(at(34, 12))
    book = MemoryBook()
    with book.open("sub_1_1") as record:
        for name in ("generation", "sequence", "order", "command", "state"):
            setattr(record, name, getattr(before, name))
    scene.town.services[CLOUD].book = book
    assert "is disabled, and it is to run" in look(scene, 2)[0]
    scene.carry(scene.town.at)
    assert book.known("sub_1_1").state == "active"  # type: ignore[union-attr]
    assert look(scene) == []
    assert tasks(scene) == []


def test_a_service_that_lost_its_book_is_stopped_again(scene: Scene) -> None:
    scene.town.services[MAIL].book = MemoryBook()
    scene.town.obeyed.clear()
    assert "mail says that sub_1_2 is active, and it is to be disabled" in look(scene, 2)[0]
    scene.carry(scene.town.at)
    assert scene.town.obeyed == [("sub_1_2", 2, "disable")]
    assert look(scene) == []


def test_what_was_given_to_nobody_is_never_repaired_but_shown(scene: Scene) -> None:
    """The service knows more than we do: ours may be the old backup."""
    with scene.town.services[CLOUD].book.open("sub_1_1") as record:
        record.sequence, record.command, record.state = 9, "delete", "deleted"
    with scene.town.services[CLOUD].book.open("sub_77_1") as record:
        record.sequence, record.command, record.state = 1, "disable", "disabled"
    posted = len(scene.town.posted)
    said = look(scene, 3)
    scene.carry(scene.town.at)
    assert "by order 9, and only 1 were given: is this an old backup of ours?" in said[0]
    assert "sub_77_1 is disabled, and there is no such subscription" in said[1]
    assert len(scene.town.posted) == posted
    assert scene.state() is State.DISABLED


STATE = b'{"subscription": "sub_1_1", "generation": 1, "sequence": 1, "state": "disabled"}'
NO_PAGES = (
    b"",
    b"[]",
    b"{}",
    b'{"states": {}}',
    b'{"states": [7]}',
    b'{"states": [%s]}' % STATE.replace(b"sub_1_1", b"acc_1"),
    b'{"states": [%s]}' % STATE.replace(b'"sequence": 1', b'"sequence": true'),
    b'{"states": [%s]}' % STATE.replace(b'"sequence": 1', b'"sequence": -1'),
    b'{"states": [%s]}' % STATE.replace(b"disabled", b"fine"),
)


def test_what_is_no_page_of_states_changes_nothing_and_is_said_and_one_that_goes_in_a_circle_ends(scene: Scene) -> None:
    said = dict.fromkeys(NO_PAGES, "cloud: what it says is no page of states")
    for body, why in {**said, b'{"states": [%s]}' % STATE: "do not go on in the order of the ids"}.items():
        scene.town.get = lambda *_, body=body: DeliveryAnswer(200, "", body)  # type: ignore[method-assign,misc]
        scene.town.at += MINUTES
        with pytest.raises(Refused, match=why):
            scene.drift().look()
        assert scene.store.drift() == []


def test_each_service_is_asked_by_one_at_a_time_and_not_again_at_once(scene: Scene) -> None:
    look(scene)
    scene.town.get = lambda *_: pytest.fail("asked again")  # type: ignore[method-assign]
    scene.drift().look()


def tell(scene: Scene, *states: dict[str, object]) -> int:
    one = scene.store.service_called("cloud", scene.town.at)
    assert one is not None
    return scene.drift().reported(one, {"states": list(states)})


def state(subscription: str, word: str, sequence: int = 1) -> dict[str, object]:
    return {"subscription": subscription, "generation": 1, "sequence": sequence, "state": word}


def test_what_a_service_tells_of_itself_is_said_once_and_it_is_asked_soon(scene: Scene) -> None:
    scene.pay(at(34, 12))
    scene.carry(at(34, 12))
    look(scene)
    with scene.town.services[CLOUD].book.open("sub_1_1") as record:
        record.state = "disabled"
    scene.town.at += timedelta(seconds=10)
    assert tell(scene, state("sub_1_1", "disabled", 2)) == 1
    assert tasks(scene) == []
    scene.town.at += timedelta(seconds=5)
    scene.drift().look()
    [(cause, _)] = tasks(scene)
    assert cause == "cloud: drift"
    assert [one.certain for one in scene.store.drift()] == [True]


def test_what_is_told_of_some_leaves_what_is_known_of_others_and_ends_with_the_word_of_its_own(scene: Scene) -> None:
    with scene.town.services[CLOUD].book.open("sub_77_1") as record:
        record.sequence, record.command, record.state = 1, "disable", "disabled"
    look(scene)
    assert tell(scene, state("sub_1_1", "active")) == 2
    scene.town.at += MINUTES
    assert tell(scene, state("sub_1_1", "disabled")) == 1
    assert [one.drift.kind for one in scene.store.drift()] == [DriftKind.UNKNOWN]
    for wrong in ({"states": 7}, {}, [], None, {"states": [state("acc_1", "active")]}):
        with pytest.raises(Refused, match="no page of states"):
            scene.drift().reported(scene.store.service_called("cloud", scene.town.at), wrong)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="at a time"):
        tell(scene, *(state(f"sub_{number}_1", "active") for number in range(1, 202)))


@pytest.mark.turn(3)
def test_who_was_stopped_anew_and_never_pays_is_deleted_on_the_day_that_was_announced(scene: Scene) -> None:
    """The second look counts the order, and no date has moved."""
    scene.town.services[MAIL].book = MemoryBook()
    look(scene, 2)
    scene.carry(scene.town.at)
    assert len(scene.facts(f.OrderRepeated)) == 1
    stage = Stage(scene.store, scene.channel, scene.services, scene.town.at, after_step=scene.carried)
    stage.step()
    stage.until(at(130, 12))
    assert (scene.state(1), scene.state(2)) == (State.DELETED, State.DELETED)
    numbers = {one.subscription: one.order_no for one in scene.facts(f.DeletionOrdered)}  # type: ignore[union-attr]
    assert numbers == {1: 2, 2: 3}
