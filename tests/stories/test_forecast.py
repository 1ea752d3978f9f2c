"""What is announced happens: pages, `explain`, `status`, API and mail read one computation, and it comes true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

import pytest
from hypothesis import Phase, given, settings
from tests.sizes import few
from tests.stories.play import Play, Plot, plots
from tests.stories.story import STAFF, Story

from arrears.cli.explain import explanation, sentences
from arrears.core import facts as f
from arrears.core.account import Action, DoubtKind, HoldScope
from arrears.core.deadlines import ahead
from arrears.core.forecast import Step, forecast
from arrears.core.messages.alerts import Level, alerts_of
from arrears.core.messages.kinds import MessageKind
from arrears.core.view import View
from arrears.engine import system
from arrears.engine.messages.leaving import days_announced
from arrears.engine.messages.upcoming import upcoming_messages

DAYS: Final = 150
ACTIONS: Final = {f.Restricted: Action.RESTRICT, f.Disabled: Action.DISABLE, f.DeletionScheduled: Action.DELETE}
QUICK: Final = (Phase.explicit, Phase.reuse, Phase.generate)
ANSWERS: Final = (f.NoticeAccepted, f.OrderAcknowledged)


def settled(plot: Plot) -> Play:
    """A play after which the engine has seen everything, every order is carried out and every letter answered."""
    play = Play(plot).play()
    system.set_feed(play.store, stale=False, now=play.now, author=STAFF)
    system.set_breaker(play.store, is_open=False, now=play.now, author=STAFF)
    system.confirm_clock(play.store, play.now, STAFF)
    play.stage.until(play.now + timedelta(days=1))
    return play


def view_of(play: Play | Story) -> View:
    return View(play.store.policies(), play.account, play.store.system().guards, play.now)


def recorded_since(play: Play, seq: int) -> list[Step]:
    news = play.history[seq:]
    return [Step(r.at, r.fact) for r in news if not isinstance(r.fact, ANSWERS) and r.author == f.ARREARS]


def actions_ahead(steps: list[Step]) -> Iterator[tuple[int, Action, date]]:
    for _, fact in steps:
        if isinstance(fact, f.Restricted | f.Disabled | f.DeletionScheduled):
            yield fact.subscription, ACTIONS[type(fact)], fact.on


def without_numbers(step: Step) -> tuple[datetime, type[f.Fact], object]:
    """A step as both can say it: facts that have not happened have no number yet."""
    fact = step.fact
    if isinstance(fact, f.Noticed):
        return step.at, f.Noticed, [type(part) for part in fact.parts], [w.promised_on for w in fact.each(f.Warning)]  # type: ignore[return-value]
    return step.at, type(fact), getattr(fact, "on", None)


@settings(max_examples=few(25, 400), deadline=None, phases=QUICK)
@given(plots())
def test_what_is_foretold_is_what_happens_if_nothing_changes(plot: Plot) -> None:
    play = settled(plot)
    if play.account.parked:
        return
    until, seq = play.now + timedelta(days=DAYS), len(play.history)
    foretold = [step for step in forecast(view_of(play)) if step.at <= until]
    play.stage.until(until)
    assert [without_numbers(s) for s in foretold] == [without_numbers(s) for s in recorded_since(play, seq)]


@settings(max_examples=few(40, 600), deadline=None, phases=QUICK)
@given(plots())
def test_every_face_says_the_days_of_the_one_computation(plot: Plot) -> None:
    play = settled(plot)
    view = view_of(play)
    if play.account.parked or play.account.doubts:
        return
    steps = list(forecast(view))
    happens: dict[tuple[int, Action], date] = {}
    for number, action, on in actions_ahead(steps):
        happens.setdefault((number, action), on)
    names = {s.no: s.service for s in play.account.subscriptions}
    said = {(one.sub.no, one.action): one.announced_day for one in ahead(view)}
    _comes_true(view, steps, happens)
    found = explanation(play.store, 1, play.now)
    key = {"restricted_on": Action.RESTRICT, "stops_on": Action.DISABLE, "deleted_on": Action.DELETE}
    for number, sub in enumerate(found["subscriptions"], start=1):
        assert {action: sub[name] for name, action in key.items()} == {a: said.get((number, a)) for a in Action}
    for alert in alerts_of(view):
        if alert.level in (Level.STOPS_ON, Level.DELETION_ON):
            assert alert.action is not None
            assert alert.on == said[alert.subscription, alert.action]
    if len(set(names.values())) == len(names):
        mail = days_announced(play.account, view.policies, play.now)
        assert mail == {(names[no], action): on for (no, action), on in said.items() if on is not None}
    _nothing_is_announced_that_never_leaves(play, view, steps)


def _comes_true(view: View, steps: list[Step], happens: dict[tuple[int, Action], date]) -> None:
    # An invoice whose day is still to come can put a day later, which until then is the earliest that is possible.
    exact = not any(isinstance(fact, f.BecamePastDue) for _, fact in steps)
    for one in ahead(view):
        day, on = one.announced_day, happens.get((one.sub.no, one.action))
        if one.sub.end is not None and one.sub.end.scheduled_at is not None:
            continue
        if day is None:
            assert on is None or not exact or any(h.ended_at is None for h in view.account.holds), "it has no day"
            continue
        assert on is not None, "what is announced happens"
        assert day <= on, "and never sooner"
        if exact and one.deadline is not None:
            assert day == on, "what a warning that counts has promised happens on its day"
        elif exact:
            # Nobody has been warned yet, and this morning is over: the next warning has its lead from its own day.
            assert on - day <= timedelta(days=4)


def _nothing_is_announced_that_never_leaves(play: Play, view: View, steps: list[Step]) -> None:
    letters = [(view.calendar.local_day(at), fact) for at, fact in steps if isinstance(fact, f.Noticed)]
    leaving = {(on, type(part)) for on, letter in letters for part in letter.parts}
    plan = upcoming_messages(play.store, 1, play.now)
    for telling in plan.tellings if plan.unreached is None else ():
        part = f.Reminder if telling.kind is MessageKind.REMINDER else f.Warning
        assert telling.on is None or (telling.on, part) in leaving


# -- held and disputed -------------------------------------------------------------------------------------------------


def days_of(story: Story, before: int) -> list[int]:
    return [story.day(message.at.date()) for message in story.mail.taken[before:] if message.at is not None]


def explained(story: Story) -> str:
    return " / ".join(sentences(explanation(story.store, story.no, story.now)))


@pytest.mark.parametrize("state", ["past due", "disabled"])
def test_under_a_dispute_without_end_no_face_names_a_day_or_a_message(state: str) -> None:
    story = Story().until(5 if state == "past due" else 40)
    story.dispute()
    assert [one.announced_day for one in ahead(view_of(story))] in ([None], [])
    assert upcoming_messages(story.store, story.no, story.now).tellings == ()
    assert "what follows: nothing, as long as every invoice that is past due is held" in explained(story)
    assert "it stops on" not in explained(story)
    assert "reminder" not in explained(story)
    assert not [one for one in alerts_of(view_of(story)) if one.on is not None or one.level is Level.PAST_DUE]
    before = len(story.mail.taken)
    story.until(200)
    assert len(story.mail.taken) == before, "and nothing leaves"


def test_messages_that_a_hold_keeps_back_are_announced_for_the_days_on_which_they_leave() -> None:
    story = Story().until(5)
    story.hold(40, scope=HoldScope.ACCOUNT, target=0)
    plan = upcoming_messages(story.store, story.no, story.now).tellings
    days = [(t.kind, story.day(t.on)) for t in plan if t.on is not None]
    before = len(story.mail.taken)
    story.until(80)
    assert [day for _, day in days] == days_of(story, before)[: len(days)]


def test_while_a_doubt_keeps_messages_back_none_is_announced() -> None:
    story = Story().until(5)
    story.doubt(DoubtKind.BANK_CREDIT)
    assert upcoming_messages(story.store, story.no, story.now).tellings == ()
    before = len(story.mail.taken)
    assert len(story.until(60).mail.taken) == before


def test_a_reminder_that_the_warning_of_that_morning_says_too_is_not_announced_beside_it() -> None:
    story = Story().until(1)
    story.bill(20)
    story.until(5)
    announced = [
        (t.kind, story.day(t.on)) for t in upcoming_messages(story.store, story.no, story.now).tellings if t.on
    ]
    assert [kind for kind, day in announced if day == 21] == [MessageKind.STOP_WARNING]
