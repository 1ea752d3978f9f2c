"""A provider that nobody has read for longer than it tells of changes: what was under way before has ended unheard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE, STAFF

from arrears.core.payments.provider_time import KEPT
from arrears.core.states import State
from arrears.engine.payments import refunds
from arrears.engine.payments.reconciliation import check, unheard
from arrears.engine.payments.sweep import sweep
from arrears.sandbox.run import Running

Ends = Callable[[], object]


def debit(story: Paying, account: str) -> Ends:
    """A debit is with the bank."""
    assert story.settle(story.add(account)) == ["submitted"]
    return lambda: story.control("end_debits")


def debit_that_pays(story: Paying) -> Ends:
    """A debit is with the bank, which pays it."""
    return debit(story, "sepa")


def debit_that_is_refused(story: Paying) -> Ends:
    """A debit is with the bank, which refuses it."""
    return debit(story, "sepa_empty")


def challenge(story: Paying) -> Ends:
    """The bank has asked the payer, who says yes."""
    assert story.settle(story.add("challenge")) == ["needs_customer"]
    return lambda: story.answer_bank(confirmed=True)


def chargeback(story: Paying) -> Ends:
    """A payment has been disputed; the network finds for us."""
    assert story.settle(story.add()) == ["paid"]
    dispute = story.control("dispute", intent=story.attempts()[-1].ref)["id"]
    return lambda: story.control("close", dispute=dispute, won=True)


def refund(story: Paying) -> Ends:
    """A payment has been given back, and that cannot be delivered."""
    assert story.settle(story.add()) == ["paid"]
    payment = f"stripe:{story.attempts()[-1].ref}"
    given = refunds.refund(story.store, story.providers, payment, PRICE, story.now, STAFF, "by mistake", "r1")
    return lambda: story.control("fail_refund", refund=given.ref)


UNDER_WAY: Final = (debit_that_pays, debit_that_is_refused, challenge, chargeback, refund)


@pytest.mark.parametrize("read_before", [True, False])
@pytest.mark.parametrize("begin", UNDER_WAY, ids=lambda begin: begin.__name__)
def test_what_ended_while_a_provider_was_not_read_for_long_is_read_itself(
    sandbox: Running, begin: Callable[[Paying], Ends], *, read_before: bool
) -> None:
    story = Paying(sandbox, kinds=("card", "sepa_debit"))
    story.until(1)
    end = begin(story)
    story.stage.now += timedelta(days=1)
    if read_before:
        # What is newer has been read: from now on only its events tell of what is under way.
        story.add()
        story.sweep()
    story.stage.now += timedelta(days=1)
    end()
    story.stage.now += KEPT + timedelta(days=10)
    story.add()
    story.sweep()
    assert story.account.attempts == (), "nothing is under way any more"
    assert check(story.store, story.stripe, story.instant(-30), story.now + timedelta(days=1)).holds
    owed = [debt.open_minor for debt in story.account.debts]
    assert owed == ([PRICE] if begin is debit_that_is_refused else [])
    assert (story.sub().state is State.ACTIVE) is not bool(owed)
    story.check()


@pytest.mark.parametrize("begin", UNDER_WAY, ids=lambda begin: begin.__name__)
def test_what_was_passed_over_once_is_heard_when_the_money_is_checked_further_back(
    sandbox: Running, begin: Callable[[Paying], Ends]
) -> None:
    story = Paying(sandbox, kinds=("card", "sepa_debit"))
    story.until(1)
    end = begin(story)
    story.stage.now += timedelta(days=1)
    assert unheard(story.store, story.now) == [], "of what is newer it is still told"
    end()
    story.stage.now += KEPT + timedelta(days=10)
    story.add()
    # As a version did that took up again where it stood, although nobody told any more of what had ended.
    story.store.set_swept("stripe", story.now, story.stripe.time(story.now).cursor(None))
    story.sweep()
    open_ones = [attempt.no for attempt in story.account.attempts]
    told = unheard(story.store, story.now)
    assert [(one.attempt, one.days) for one in told] == [(no, KEPT.days + 11) for no in open_ones]
    assert all(f"arrears money check --days {KEPT.days + 12} reads" in str(one) for one in told)
    sweep(story.store, story.providers, story.now, story.now - timedelta(days=KEPT.days + 12))
    assert unheard(story.store, story.now) == []
    assert check(story.store, story.stripe, story.instant(-30), story.now + timedelta(days=1)).holds
    owed = [debt.open_minor for debt in story.account.debts]
    assert owed == ([PRICE] if begin is debit_that_is_refused else [])
    story.check()
