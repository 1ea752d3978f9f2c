"""A held debt is nobody's clock, and who is named by held debt alone is not deleted, whatever else is owed."""

from __future__ import annotations

import pytest
from tests.stories.story import PRICE, Story

from arrears.core.facts import DeletionOrdered, DeletionScheduled
from arrears.core.states import State

WIDE = 'scope = "account"'


@pytest.mark.parametrize("policy", ["", WIDE])
def test_a_new_debt_does_not_delete_by_the_days_of_a_disputed_one(policy: str) -> None:
    story = Story(policy=policy).until(31)
    story.mail.works = False
    story.until(118, "12:00")
    story.mail.works = True
    story.until(122)
    story.dispute()
    story.until(199)
    story.bill(199)
    story.until(260)
    assert story.facts(DeletionScheduled) == []
    story.until(340)
    [(_, scheduled)] = story.facts(DeletionScheduled)
    assert story.day(scheduled.on) == 200 + 30 + 90


def test_a_dispute_while_a_deletion_cools_off_leaves_the_other_debt_its_own_days() -> None:
    story = Story().until(100)
    story.bill(100, PRICE)
    story.until(120, "23:59")
    story.until(121, "12:00")
    story.dispute()
    story.until(180)
    assert story.facts(DeletionOrdered) == []
    assert story.sub().state is State.DISABLED


@pytest.mark.parametrize("policy", ["", WIDE])
def test_what_was_canceled_and_is_named_by_a_disputed_debt_alone_is_kept(policy: str) -> None:
    story = Story(policy=policy, services=("cloud", "mail"), bill=False)
    story.bill(-1, subscriptions=(1,))
    story.bill(-1, subscriptions=(2,))
    story.until(0).cancel(2).dispute(2)
    story.until(250)
    assert {s.no: s.state for s in story.account.subscriptions} == {1: State.DELETED, 2: State.DISABLED}


def test_the_last_day_of_a_hold_is_one_of_the_account_whatever_zone_the_service_ended_in() -> None:
    story = Story(zone="Europe/Amsterdam").until(0)
    story.cancel()
    story.move("America/St_Johns").until(117)
    story.dispute()
    story.until(125)
    story.hold(130)
    story.until(127).pay()
    story.until(131, "03:00")
    assert story.facts(DeletionScheduled) == []
    story.until(170)
    [(_, scheduled)] = story.facts(DeletionScheduled)
    assert story.day(scheduled.on) >= 131 + 7, "a new warning with its whole lead comes first"
