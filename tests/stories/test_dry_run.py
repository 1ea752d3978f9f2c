"""A policy's dry run says what happens then: on random accounts in memory, whatever their past."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Final

from hypothesis import given, settings
from tests.sizes import few
from tests.stories.play import POLICIES, Play, Plot, plots
from tests.stories.story import STAFF, Story
from tests.stories.test_forecast import QUICK, recorded_since, settled

from arrears.core.account import Action, encode_account
from arrears.core.dry_run import ComparedCourses, DryRunWork, DueAccount, course_of, dry_run
from arrears.core.guards import Guards
from arrears.core.parallel import nothing
from arrears.core.policy import Policy, default_policy, load_policy, policy_text
from arrears.engine.system import adopt_policy

DAYS: Final = 150
SLOWER: Final = policy_text(default_policy()).replace("after_days = 30", "after_days = 45")
"""The default, with 15 days more until a service is stopped."""


def compared(play: Play | Story, new: Policy, days: int = DAYS) -> ComparedCourses:
    work = DryRunWork(dict(play.store.policies()), new, Guards(), play.now, play.now + timedelta(days=days))
    work = pickle.loads(pickle.dumps(work))
    [one] = work([due(play)], nothing)
    return one


def due(play: Play | Story, number: int = 1, *, heard: bool = True) -> DueAccount:
    return DueAccount(number, encode_account(play.account), heard, play.store.next_due())


def slower(name: str) -> Policy:
    return load_policy(SLOWER.replace('name = "default"', f'name = "{name}"'), where="slower")


@settings(max_examples=few(20, 400), deadline=None, phases=QUICK)
@given(plots())
def test_what_a_dry_run_says_is_what_is_recorded_with_and_without_the_new_policy(plot: Plot) -> None:
    without, within = settled(plot), settled(plot)
    if without.account.parked or (without.next_at is None and not without.account.waits):
        return
    new = slower(POLICIES[plot.policy].name)
    said = compared(without, new)
    adopt_policy(within.store, new, within.now, STAFF)
    for play, course in ((without, said.before), (within, said.after)):
        seq, until = len(play.history), play.now + timedelta(days=DAYS)
        play.stage.until(until)
        assert course_of(recorded_since(play, seq)) == course


def test_who_is_not_past_due_yet_is_disabled_later_and_a_running_case_keeps_its_version() -> None:
    story = Story()
    new = slower("default")
    disable = Action.DISABLE, 1
    early = compared(story, new, 60)
    days = [story.day(course.stops[disable].on) for course in (early.before, early.after)]
    assert days == [30, 45]
    assert early.before.stops[disable].owed == {"EUR": 12_000}
    story.until(3)
    late = compared(story, new, 60)
    assert late.before == late.after
    assert late.in_arrears


def test_a_book_is_summed_by_what_is_done_to_whom() -> None:
    story = Story()
    work = DryRunWork(
        dict(story.store.policies()), slower("default"), Guards(), story.now, story.now + timedelta(days=35)
    )
    told: list[int] = []
    found = dry_run(work, [[due(story)], [due(story, 2)]], progress=told.append)
    assert told == [1, 2]
    assert found.counts[Action.DISABLE] == (2, 0, 2, 0, 0, 0)
    assert found.owed == {"EUR": (24_000, 0)}
    assert [(one.action, one.after) for one in found.differences] == [(Action.DISABLE, None)] * 2
    assert found.changed == found.accounts == 2
    assert found.in_arrears == 0
    assert found.digests[0] != found.digests[1]


def test_nobody_is_stopped_whom_no_message_finds() -> None:
    story = Story()
    work = DryRunWork(dict(story.store.policies()), default_policy(), Guards(), story.now, story.now + timedelta(60))
    [one] = work([due(story, heard=False)], nothing)
    assert one.before.stops == {}
    assert one.before.notices > 1
