"""A task is one for an account and a cause, and is over when its cause is."""

from __future__ import annotations

import pytest
from tests.stories.story import Story

from arrears.core import facts as f
from arrears.core.account import Action, CaseOutcome
from arrears.core.facts import Recorded
from arrears.core.payments.values import AttemptState
from arrears.core.tasks import ends_of, tasks_of

STORY = Story().until(0)
NO = STORY.no


def recorded(fact: f.AnyFact, seq: int = 100) -> Recorded:
    return Recorded(NO, seq, STORY.now, "arrears", "", fact)


CAPPED = f.DeletionCapped(subscription=2, generation=1)
DEFERRED = f.Deferred(subscription=2, action=Action.DISABLE, doubts=())
FAILED = f.NoticeFailed(notice=3, why="refused: 550 5.7.1")
NOBODY = f.NoticeFailed(notice=3, why="nobody can be reached")
FATE = f.NoticeFailed(notice=3, why="unknown: it died")
BACK = f.NoticeBounced(notice=3, message=1, how="soft", why="5.2.2", tell=True)
STUCK = f.AttemptMoved(attempt=1, to=AttemptState.UNKNOWN, why="refused: key")
ENDED = f.CaseEnded(case=1, outcome=CaseOutcome.SETTLED)
ACCEPTED = f.NoticeAccepted(notice=4, digest="d")
CONFIRMED = f.AddressConfirmed(person=1, request=1)


PAID = f.AttemptMoved(attempt=2, to=AttemptState.PAID)
DECLINED = f.AttemptMoved(attempt=2, to=AttemptState.DECLINED)
SEEN = f.DeletionUnscheduled(subscription=2, why="x")
SEEN_OF_1 = f.DeletionUnscheduled(subscription=1, why="x")
CERTAIN = f.DoubtEnded(subscription=2, action=Action.DISABLE)
CERTAIN_OF_1 = f.DoubtEnded(subscription=1, action=Action.DISABLE)
CERTAIN_OTHER = f.DoubtEnded(subscription=2, action=Action.RESTRICT)
TWICE = f.PaymentBooked(ref="p:1", currency="EUR", amount_minor=5, credit_minor=5, tell="credit")
GIVEN = f.RefundAsked(refund=1, key="k", request="r", payment_ref="p:1", currency="EUR", amount_minor=5)
GIVEN_OF_2 = f.RefundAsked(refund=1, key="k", request="r", payment_ref="p:2", currency="EUR", amount_minor=5)
GIVEN_THERE = f.Refunded(ref="p:r", payment_ref="p:1", currency="EUR", amount_minor=5)
USED = f.CreditAllocated(currency="EUR", allocations=())
CAME_BACK = f.RefundUndone(refund=1, ref="p:r", payment_ref="p:1", currency="EUR", amount_minor=5)
LAPSED = f.WarningsLapsed(subscription=2, action=Action.DISABLE)


@pytest.mark.parametrize(
    ("asks", "over", "not_over"),
    [
        (NOBODY, (ACCEPTED, CONFIRMED, ENDED), ()),
        (FATE, (ACCEPTED, CONFIRMED, ENDED), ()),
        (FAILED, (ACCEPTED, CONFIRMED, ENDED), ()),
        (BACK, (CONFIRMED, ENDED), (ACCEPTED,)),
        (STUCK, (PAID, ENDED), (DECLINED,)),
        (f.Parked(why="x"), (f.Unparked(),), (ENDED,)),
        (TWICE, (GIVEN, GIVEN_THERE, USED), (GIVEN_OF_2, ENDED)),
        (CAME_BACK, (GIVEN,), (GIVEN_OF_2, ENDED)),
        (CAPPED, (SEEN, ENDED), (SEEN_OF_1,)),
        (DEFERRED, (CERTAIN, LAPSED, ENDED), (CERTAIN_OTHER, CERTAIN_OF_1)),
    ],
)
def test_a_task_is_over_with_the_fact_that_its_cause_is_gone(
    asks: f.AnyFact, over: tuple[f.AnyFact, ...], not_over: tuple[f.AnyFact, ...]
) -> None:
    [task] = tasks_of(recorded(asks))
    ends = {fact: _ends(fact, task.kind, task.cause) for fact in (*over, *not_over)}
    assert ends == {**dict.fromkeys(over, True), **dict.fromkeys(not_over, False)}


def _ends(fact: f.AnyFact, kind: str, cause: str) -> bool:
    return any(gone.kind == kind and gone.cause in (None, cause) for gone in ends_of(recorded(fact), STORY.account))


def test_the_same_cause_is_one_task_and_another_request_is_another() -> None:
    said = [f.SupportSaid(request=7), f.SupportSaid(request=7), f.SupportSaid(request=8)]
    assert [t.cause for fact in said for t in tasks_of(recorded(fact))] == ["7", "7", "8"]


def test_a_resume_that_was_late_is_over_when_all_of_them_run() -> None:
    story = Story(services=("cloud", "mail")).until(41)
    story.hands.busy = True
    story.pay().until(43)
    assert "resume_late" in story.tasks()
    story.hands.busy = False
    assert "resume_late" not in story.until(44).tasks()


def test_sixty_days_of_refusals_are_at_most_one_task_of_a_kind_an_account() -> None:
    story = Story(accounts=3)
    story.mail.works = False
    story.until(60)
    by_account = {no: [t.kind for (a, _), t in story.inner.tasks.items() if a == no] for no in story.numbers}
    assert all(len(kinds) == len(set(kinds)) for kinds in by_account.values()), by_account
    assert max(t.times for t in story.inner.tasks.values()) > 10
    story.mail.works = True
    story.until(75)
    assert "warning_not_accepted" not in story.tasks()
