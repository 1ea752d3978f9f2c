"""Deletions above the day's cap are released by two different people, and services say what they deleted (spec, 8)."""

from __future__ import annotations

import pytest
from tests.stories.story import PRICE, STAFF, Story, table

from arrears.cli.explain import explanation, sentences
from arrears.core import facts as f
from arrears.core.deletions import DeletionStage, planned_deletions
from arrears.core.errors import Refused
from arrears.core.guards import Guards
from arrears.core.invariants.account import check_deletion_cap
from arrears.core.states import State
from arrears.core.view import View
from arrears.engine import commands
from arrears.engine.run import Limits

NONE_BY_ITSELF = Limits(deletions_per_day=0)


def waiting() -> Story:
    """The deletion of the only subscription waits for people."""
    story = Story(limits=NONE_BY_ITSELF).until(123)
    assert story.diary(121) == table("""
        day 121 00:00  deletion of cloud scheduled
        day 122 00:00  deletion of cloud awaits release
    """)
    return story


def release(story: Story, by: str, name: str = "A1") -> int:
    return commands.release_deletion(story.store, story.no, 1, name, story.now, f"staff:{by}", "looked at")


def test_two_different_people_release_a_deletion_and_the_next_run_orders_it() -> None:
    story = waiting()
    assert release(story, "anna") == 1
    assert story.until(124).sub().state is State.DISABLED
    assert release(story, "ben") == 2
    assert story.sub().state is State.DISABLED, "a release orders nothing: the second look comes first"
    assert story.tasks() == []
    story.until(125)
    assert story.diary(123) == table("""
        day 123 12:00  deletion of cloud released
        day 124 12:00  deletion of cloud released
        day 124 12:00  deletion of cloud ordered
        day 124 12:00  cloud deleted
        day 124 12:00  case ended_deleted
        day 125 09:00  told: cloud deleted on day 124
    """)
    assert story.hands.names == {story.no: "A1"}, "the order names whose it is"


def test_nobody_releases_twice_however_they_write_their_name() -> None:
    story = waiting()
    release(story, "anna")
    for name in ("anna", "Anna", " anna "):
        with pytest.raises(Refused, match="another person"):
            release(story, name)
    assert story.until(130).sub().state is State.DISABLED


@pytest.mark.parametrize("known_as", [("Anna", "anna@operator.example"), ("A. Jansen", "Anna")])
def test_nobody_releases_as_a_number_what_they_released_by_name(known_as: tuple[str, str]) -> None:
    story = waiting()
    release(story, "anna")
    with pytest.raises(Refused, match="another person"):
        commands.release_deletion(story.store, story.no, 1, "A1", story.now, "staff:7", "looked at", known_as)
    assert story.until(130).sub().state is State.DISABLED


@pytest.mark.parametrize("name", ["A2", "a1", "A1 ", ""])
def test_whoever_writes_another_name_releases_nothing(name: str) -> None:
    story = waiting()
    with pytest.raises(Refused, match="nothing is released"):
        release(story, "anna", name)
    assert story.facts(f.DeletionReleased) == []


def test_what_does_not_wait_is_not_released() -> None:
    story = Story(limits=NONE_BY_ITSELF).until(100)
    with pytest.raises(Refused, match="does not wait"):
        release(story, "anna")
    with pytest.raises(Refused, match="say who"):
        release(story, "  ")


def test_a_payment_after_the_second_release_is_in_time() -> None:
    story = waiting()
    release(story, "anna")
    release(story, "ben")
    story.pay()
    assert story.until(200).sub().state is State.ACTIVE
    assert not story.facts(f.DeletionOrdered)


def test_a_hold_undoes_the_releases_too() -> None:
    story = waiting()
    release(story, "anna")
    release(story, "ben")
    held = commands.hold_deletion(story.store, story.no, story.now, STAFF, "a court asks for it")
    assert story.until(500).sub().state is State.DISABLED, "a legal hold has no end of its own"
    story.release(held)
    story.until(520)
    assert story.diary(501, only="deletion") == table("""
        day 509 00:00  deletion of cloud scheduled
        day 510 00:00  deletion of cloud awaits release
    """), "warned anew first, and released anew"


def test_a_released_deletion_does_not_use_the_days_cap_up() -> None:
    story = Story(accounts=3, limits=Limits(deletions_per_day=1)).until(123)
    left = [n for n in story.numbers if story.account_of(n).subscription(1).state is State.DISABLED]
    for number in left:
        for by in ("anna", "ben"):
            commands.release_deletion(story.store, number, 1, f"A{number}", story.now, f"staff:{by}", "looked at")
    story.until(124)
    assert {story.account_of(n).subscription(1).state for n in story.numbers} == {State.DELETED}
    for number in story.numbers:
        story.check(number)
    assert check_deletion_cap([r for n in story.numbers for r in story.history(n)], 1) == []


def test_what_is_deleted_in_part_stays_open_and_is_a_task_until_nothing_is_left() -> None:
    story = Story()
    story.hands.left = {"backups": 2}
    story.until(126)
    assert story.sub().state is State.DISABLED
    assert story.tasks() == ["deletion_in_part"]
    assert len(story.facts(f.DeletedInPart)) == 1, "the same counts are not news"
    story.hands.left = {}
    story.until(127)
    [(_, done)] = [(at, fact) for at, fact in story.facts(f.OrderAcknowledged) if fact.order == "delete"]
    assert done.deleted == {"files": 12}
    assert story.sub().state is State.DELETED
    assert story.tasks() == []
    story.check()


def test_what_was_ordered_and_is_not_confirmed_is_told_with_its_evidence_and_promises_nothing() -> None:
    story = Story().until(119)
    story.hands.busy = True
    story.until(125)
    [one] = planned_deletions(View(story.store.policies(), story.account, Guards(), story.now))
    [(_, ordered)] = story.facts(f.DeletionOrdered)
    assert (one.stage, one.evidence, one.stoppers) == (DeletionStage.ORDERED, ordered.evidence, ())
    assert one.owing == {"EUR": PRICE}
    said = explanation(story.store, story.no, story.now)
    assert said["subscriptions"][0]["nothing_follows"]["code"] == "deletion_ordered"
    words = "\n".join(sentences(said))
    assert "its deletion was ordered" in words
    assert "was deleted, on the morning after its service has confirmed it" in words
    assert "was deleted on" not in words
