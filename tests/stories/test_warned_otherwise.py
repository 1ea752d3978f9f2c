"""Somebody is told by letter or telephone: that counts as an accepted warning from when it is recorded, no sooner."""

from __future__ import annotations

from datetime import date

import pytest
from tests.stories.story import STAFF, Story, table

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.facts import WarnedHow
from arrears.core.states import State
from arrears.engine.commands.warned_otherwise import WarnedDate, record_warned
from arrears.engine.messages.bounces import Returned, came_back


def tell(story: Story, on: date, proof: str = "receipt RR 12", why: str = "told the date") -> list[WarnedDate]:
    return record_warned(story.store, story.no, WarnedHow.LETTER, on, proof, story.now, STAFF, why)


def unreachable(services: tuple[str, ...] = ("cloud",)) -> Story:
    """Day 26, and no mail server ever took anything."""
    story = Story(services=services).until(0)
    story.mail.works = False
    return story.until(26)


def test_a_letter_counts_as_notice_and_the_date_it_named_is_kept() -> None:
    story = unreachable()
    assert set(story.tasks()) == {"warning_not_accepted", "notice_refused"}
    [told] = tell(story, story.date(26))
    assert (told.subscription, told.on) == (1, story.date(33))
    assert story.tasks() == []
    assert story.until(40).diary(26, only="warning disabled told warned") == table("""
        day 26 09:00  warning 21: disable cloud on day 33 (late)
        day 26 12:00  warned otherwise, by letter
        day 28 09:00  warning 28: disable cloud on day 33
        day 34 00:00  disabled cloud on day 33
        day 34 09:00  told: cloud disabled on day 33
    """)
    story.check()


def test_one_that_is_recorded_days_later_has_its_lead_from_then() -> None:
    story = unreachable()
    told_on = story.date(26)
    story.until(28)
    tell(story, told_on)
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


def test_every_service_that_waits_is_told_of() -> None:
    told = tell(story := unreachable(("cloud", "mail")), story.date(26))
    assert [one.subscription for one in told] == [1, 2]


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
