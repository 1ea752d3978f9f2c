"""The decision itself: one instant, one group, and when to look again. The accounts come out of stories."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from tests.stories.story import Story

from arrears.core import facts as f
from arrears.core.account import Action, DoubtKind, Mode, Stop
from arrears.core.decide import NOTHING, Decision, decide, outlook
from arrears.core.guards import Guards
from arrears.core.rules import ESCALATION_RULES, RULES
from arrears.core.view import IMMEDIATELY, Due, Rank, View, service_ended_on

NO_DOUBT = Guards()


def ask(story: Story, at: datetime, guards: Guards = NO_DOUBT, *, only_consequences: bool = False) -> Decision:
    return decide(story.store.policies(), story.account, guards, at, only_consequences=only_consequences)


def test_an_account_that_owes_nothing_is_never_looked_at() -> None:
    story = Story(bill=False)
    assert ask(story, story.now) == NOTHING
    assert ask(story, story.now + timedelta(days=4_000)) == NOTHING


def test_an_invoice_is_looked_at_when_its_due_date_is_over() -> None:
    story = Story()
    assert ask(story, story.now) == Decision((), story.instant(0))


def test_the_answer_names_the_next_thing_that_can_happen() -> None:
    story = Story()
    for day, next_day, clock in ((0, 3, "09:00"), (7, 14, "09:00"), (14, 21, "09:00"), (28, 31, "00:00")):
        story.until(day)
        assert ask(story, story.now) == Decision((), story.instant(next_day, clock)), day


def test_a_group_is_one_instant_and_one_rank() -> None:
    story = Story(services=("cloud", "mail")).until(30)
    decision = ask(story, story.instant(31))
    assert [type(fact) for fact in decision.facts] == [f.Disabled, f.Disabled]


def test_a_warning_that_its_own_action_has_overtaken_is_not_sent() -> None:
    story = Story().until(25)
    decision = ask(story, story.instant(31, "10:00"))
    assert [type(fact) for fact in decision.facts] == [f.Disabled]


@pytest.mark.parametrize(
    ("guards", "kind"),
    [
        (Guards(feed_stale=True), DoubtKind.FEED),
        (Guards(clock_suspect=True), DoubtKind.CLOCK),
        (Guards(breaker_open=True), DoubtKind.BREAKER),
        (Guards(bank_stale=True), DoubtKind.BANK),
    ],
)
def test_every_doubt_of_the_installation_makes_every_cut_wait(guards: Guards, kind: DoubtKind) -> None:
    for day, action in ((31, Action.DISABLE), (121, Action.DELETE)):
        story = Story(mode=Mode.INVOICE if guards.bank_stale else Mode.CARD).just_before(day)
        [fact] = ask(story, story.instant(day), guards).facts
        assert fact == f.Deferred(subscription=1, action=action, doubts=(kind,))
        assert ask(story, story.now, guards) == ask(story, story.now), "before its deadline a doubt changes nothing"


def test_who_pays_by_card_does_not_wait_for_what_the_bank_says() -> None:
    story = Story().just_before(31)
    [fact] = ask(story, story.instant(31), Guards(bank_stale=True)).facts
    assert isinstance(fact, f.Disabled)


def test_the_next_look_does_not_depend_on_a_doubt() -> None:
    """Otherwise a doubt that came and went between two looks would move a deadline."""
    doubtful = Guards(feed_stale=True, clock_suspect=True, breaker_open=True)
    story = Story()
    for day in range(-1, 122, 4):
        story.until(day)
        assert ask(story, story.now, doubtful) == ask(story, story.now), day


def test_a_command_leaves_what_waits_for_an_hour_to_the_run() -> None:
    story = Story().until(20).down_until(25)
    assert ask(story, story.now).facts
    assert ask(story, story.now, only_consequences=True) == Decision((), story.instant(21, "09:00"))


def test_a_parked_account_is_not_decided_upon() -> None:
    story = Story().until(30)
    parked = replace(story.account, parked="somebody must look")
    assert decide(story.store.policies(), parked, NO_DOUBT, story.instant(400)) == NOTHING


def test_nothing_that_is_decided_comes_from_beyond_the_account() -> None:
    """The same account at the same instant gives the same answer, and the evidence is what stood in it."""
    story = Story().just_before(31)
    at = story.instant(31)
    first, second = ask(story, at), ask(story, at)
    assert first == second
    [cut] = first.facts
    assert isinstance(cut, f.Disabled)
    case = story.account.case
    assert case is not None
    assert cut.evidence == f.Evidence(
        policy=case.terms.policy,
        owing=(f.Owing(1, "EUR", 12_000, story.date(0)),),
        warning_accepted_at=story.instant(21, "09:00"),
        promised_on=story.date(30),
    )
    assert (cut.on, cut.tell_at) == (story.date(30), story.instant(31, "09:00"))


def test_what_happened_so_late_that_its_morning_is_over_is_told_without_waiting_a_day() -> None:
    story = Story().until(30)
    on_time, late = ask(story, story.instant(31)), ask(story, story.instant(31, "10:00"))
    assert (on_time.at_rest, late.at_rest) == (True, False)


def test_the_outlook_lists_everything_ahead_in_order() -> None:
    story = Story().until(20)
    view = View(story.store.policies(), story.account, NO_DOUBT, story.now)
    assert [(at, due.label) for at, due in outlook(view)] == [(story.instant(21, "09:00"), "warning 21 before disable")]
    story.until(22)
    view = View(story.store.policies(), story.account, NO_DOUBT, story.now)
    assert [(at, due.label) for at, due in outlook(view)] == [
        (story.instant(28, "09:00"), "warning 28 before disable"),
        (story.instant(31), "disable"),
    ]


def test_credit_goes_before_everything_and_cuts_come_last() -> None:
    ranks = [Rank.HOLD, Rank.CREDIT, Rank.PAST_DUE, Rank.CONSEQUENCE, Rank.NOTICE, Rank.ESCALATION]
    assert ranks == sorted(ranks)


def test_a_rule_that_is_added_is_compared_with_the_others() -> None:
    story = Story().until(20)
    at = story.instant(20, "15:00")

    def nagging(view: View) -> Iterable[Due]:
        yield Due(at, Rank.NOTICE, 9, "nag", lambda: f.Reminder(case=1, step=99))

    policies, account = story.store.policies(), story.account
    for rules in ((*RULES, nagging), (nagging, *RULES)):
        assert decide(policies, account, NO_DOUBT, story.now, rules=rules) == Decision((), at)
        [fact] = decide(policies, account, NO_DOUBT, at, rules=rules).facts
        assert isinstance(fact, f.Noticed)
        assert fact.parts == (f.Reminder(case=1, step=99),)


def test_only_the_cut_rules_wait_for_the_installation() -> None:
    story = Story().until(20)
    view = View(story.store.policies(), story.account, Guards(feed_stale=True), story.instant(40))
    waiting = {due.label for rule in ESCALATION_RULES for due in rule(view)}
    assert waiting == set(), "no warning was accepted, so there is no deadline that could wait"
    assert story.now > IMMEDIATELY


def test_a_doubt_of_the_account_silences_reminders_and_warnings_but_not_what_happened() -> None:
    story = Story().until(30).doubt().until(32)
    assert not story.diary(30, only="warning reminder disabled")
    told = Story().until(31, "00:00").doubt().until(32)
    assert told.diary(31)[-1] == "day 31 09:00 told: cloud disabled on day 30"


@pytest.mark.parametrize("stop", list(Stop))
def test_a_hold_on_one_thing_leaves_the_others(stop: Stop) -> None:
    story = Story().until(2)
    story.hold(60, stops=(stop,))
    story.until(35)
    reminded = bool(story.diary(3, only="reminder"))
    disabled = bool(story.diary(3, only="disabled"))
    assert (reminded, disabled) == (stop is not Stop.REMIND, stop is not Stop.DISABLE)


ENDS = [
    # recorded, acknowledged (day of January 2026 and hour, UTC), the day from which retention counts
    ((2, 0), (2, 0), 1),
    ((2, 0), (2, 23), 1),
    ((2, 23), (2, 23), 1),
    ((2, 0), (3, 0), 3),
    ((3, 0), (3, 0), 3),
    ((2, 0), (9, 12), 9),
    ((9, 12), (2, 0), 9),
]


@pytest.mark.parametrize(("recorded", "acknowledged", "day"), ENDS)
def test_retention_counts_from_the_stored_day_or_the_later_of_the_two(
    recorded: tuple[int, int], acknowledged: tuple[int, int], day: int
) -> None:
    """Spec, section 8: the stored date k if both were before the end of local day k + 1."""
    recorded_at, acknowledged_at = (datetime(2026, 1, d, h, tzinfo=UTC) for d, h in (recorded, acknowledged))
    stopped_on = datetime(2026, 1, 1, tzinfo=UTC).date()
    assert service_ended_on(stopped_on, recorded_at, acknowledged_at, "UTC").day == day
