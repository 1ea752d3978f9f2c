"""Somebody is told by letter or telephone: that counts as an accepted warning from when it is recorded, no sooner."""

from __future__ import annotations

from datetime import date

import pytest
from tests.stories.story import STAFF, Story, table

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.errors import Refused
from arrears.core.facts import WarnedHow
from arrears.core.states import State
from arrears.engine.commands.warned_otherwise import SpokenWarning, WarnedDate, record_warned
from arrears.engine.messages.bounces import Returned, came_back


def tell(
    story: Story,
    on: date,
    proof: str = "receipt RR 12",
    why: str = "told the date",
    action: Action = Action.DISABLE,
    subscription: int = 1,
) -> WarnedDate:
    spoken = SpokenWarning(subscription, action, WarnedHow.LETTER, on, proof)
    return record_warned(story.store, story.no, spoken, story.now, STAFF, why)


def unreachable(services: tuple[str, ...] = ("cloud",)) -> Story:
    """Day 26, and no mail server ever took anything."""
    story = Story(services=services).until(0)
    story.mail.works = False
    return story.until(26)


def test_a_letter_counts_as_notice_and_the_date_it_named_is_kept() -> None:
    story = unreachable()
    assert set(story.tasks()) == {"warning_not_accepted", "notice_refused"}
    assert tell(story, story.date(26)) == (story.date(33), story.date(33))
    assert story.tasks() == []
    assert story.until(40).diary(26, only="warning disabled told warned") == table("""
        day 26 09:00  warning 21: disable cloud on day 33 (late)
        day 26 12:00  warned otherwise, by letter: disable cloud
        day 28 09:00  warning 28: disable cloud on day 33
        day 34 00:00  disabled cloud on day 33
        day 34 09:00  told: cloud disabled on day 33
    """)
    story.check()


def test_one_that_is_recorded_days_later_has_its_lead_from_then() -> None:
    story = unreachable()
    told_on = story.date(26)
    story.until(28)
    assert tell(story, told_on) == (story.date(33), story.date(35)), "the day of the warning, and the day it is now"
    story.until(45)
    [disabled] = [fact for _, fact in story.facts(f.Disabled)]
    assert disabled.on == story.date(35), "seven days from day 28, although they were told of day 33"
    story.check()


def test_mail_that_comes_back_does_not_undo_what_a_person_told() -> None:
    story = Story().until(21)
    [message] = story.mail.taken[-1:]
    came_back(story.store, Returned(message.id, message.to, "soft", "5.2.2", "full"), story.now)
    tell(story, story.date(21))
    came_back(story.store, Returned(message.id, message.to, "hard", "5.1.1", "no such user"), story.now)
    assert story.until(45).sub().state is State.DISABLED
    story.check()


def test_who_is_told_of_one_service_is_not_told_of_the_other() -> None:
    story = unreachable(("cloud", "mail"))
    tell(story, story.date(26), subscription=2)
    assert "warning_not_accepted" in story.tasks(), "nobody has heard of the other"
    story.until(45)
    assert [sub.state for sub in story.account.subscriptions] == [State.PAST_DUE, State.DISABLED]
    story.check()


def test_who_is_told_on_the_telephone_that_mail_stops_is_not_told_that_the_data_of_the_cloud_is_deleted() -> None:
    """The last mail arrived before the cloud's first warning of deletion; the call 23 days later is about the mail."""
    story = Story(services=("cloud", "mail"), bill=False)
    story.bill(-1, subscriptions=(1,))
    story.until(59)
    story.mail.works = False
    story.bill(60, subscriptions=(2,))
    story.until(83)
    assert story.announced(Action.DELETE) is not None
    tell(story, story.date(83), "call 7", "told that mail stops", subscription=2)
    story.until(140)
    assert [sub.state for sub in story.account.subscriptions] == [State.DISABLED, State.DISABLED]
    assert not story.facts(f.DeletionScheduled)
    story.check()


def test_who_is_told_of_a_deletion_is_told_of_that_one_warning() -> None:
    story = Story().until(31)
    story.mail.works = False
    story.until(62)
    told = tell(story, story.date(62), action=Action.DELETE)
    assert told == (story.date(120), story.date(120))
    story.until(135)
    assert story.sub().state is State.DELETED
    story.check()


def test_mail_that_comes_back_undoes_what_it_said_of_the_other_service() -> None:
    """One message named both; of one of them they were told on the telephone as well."""
    story = Story(services=("cloud", "mail")).until(21)
    [message] = story.mail.taken[-1:]
    came_back(story.store, Returned(message.id, message.to, "soft", "5.2.2", "full"), story.now)
    tell(story, story.date(21), subscription=2)
    story.mail.works = False
    assert [sub.state for sub in story.until(45).account.subscriptions] == [State.PAST_DUE, State.DISABLED]
    story.check()


@pytest.mark.parametrize(
    ("action", "subscription", "code"),
    [(Action.DISABLE, 1, "not_ahead"), (Action.RESTRICT, 1, "not_ahead"), (Action.DELETE, 2, "unknown_subscription")],
)
def test_of_what_does_not_lie_ahead_nobody_can_be_told(action: Action, subscription: int, code: str) -> None:
    story = unreachable()
    tell(story, story.date(26))
    story.until(62)
    assert story.sub().state is State.DISABLED
    before = len(story.history())
    with pytest.raises(Refused) as refused:
        tell(story, story.date(26), action=action, subscription=subscription)
    assert (refused.value.code, len(story.history())) == (code, before)


@pytest.mark.parametrize(
    ("day", "proof", "why", "code"),
    [
        (27, "x", "x", "bad_date"),
        (26, " ", "x", "no_proof"),
        (26, "x" * 201, "x", "no_proof"),
        (26, "x", " ", "no_reason"),
        (20, "x", "x", "no_warning"),
    ],
)
def test_what_is_missing_or_cannot_be_is_refused_and_changes_nothing(day: int, proof: str, why: str, code: str) -> None:
    story = unreachable()
    before = len(story.history())
    with pytest.raises(Refused) as refused:
        tell(story, story.date(day), proof, why)
    assert (refused.value.code, len(story.history())) == (code, before)


def test_where_somebody_has_the_warning_there_is_nothing_to_tell() -> None:
    story = Story().until(26)
    with pytest.raises(Refused, match="no warning"):
        tell(story, story.date(26))


def test_who_has_been_told_is_not_told_again_of_the_same_or_of_an_older_or_newer_warning() -> None:
    story = unreachable()
    tell(story, story.date(24))
    for day in (24, 26):
        with pytest.raises(Refused, match="nothing to record"):
            tell(story, story.date(day))
    assert len(story.facts(f.WarnedOtherwise)) == 1
    assert story.until(45).sub().state is State.DISABLED
    story.check()
