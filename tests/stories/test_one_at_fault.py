"""One thing that goes wrong at a provider stops that one thing, told by day; staff hear it once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.stories.paying import ADMIN, Paying
from tests.stories.story import PRICE

from arrears.adapters.payments.stripe import Stripe
from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine import commands, worker
from arrears.engine.payments import pages
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.sweep import sweep
from arrears.engine.run import DEFAULT_LIMITS
from arrears.sandbox.run import Running

NOBODY = "http://127.0.0.1:9"


class At:
    """The story's time as a clock."""

    def __init__(self, story: Paying) -> None:
        self.story = story

    def now(self) -> object:
        """See ports.Clock."""
        return self.story.now


def open_page(story: Paying) -> None:
    shown = {q.currency: q.hash for q in story.owed()}
    pages.open_page(story.store, story.providers, story.no, shown, story.now, ADMIN)


def unreachable(story: Paying) -> Providers:
    return Providers({"stripe": Stripe(story.sandbox.secret_key, [], live=False, api_base=NOBODY)})


@pytest.mark.parametrize("change", [{"secret": "sk_test_another"}, {"denied": ["disputes"]}], ids=["rolled", "narrow"])
def test_a_key_that_may_not_read_stops_no_mail_and_no_resume_and_nobody_is_cut(
    sandbox: Running, change: dict[str, object]
) -> None:
    story = Paying(sandbox)
    story.until(1).sweep()
    before = sandbox.secret_key
    story.control("key", **change)
    mails = len(story.mail.taken)
    for day in range(2, 40, 3):
        story.stage.now = story.instant(day, "09:30")
        worker.work_once(story.store, story.mail, story.hands, At(story), DEFAULT_LIMITS, story.providers)
    assert len(story.mail.taken) > mails, "reminders and warnings went out"
    assert (story.sub().state, story.store.system().feed_stale) == (State.PAST_DUE, True)
    assert story.tasks().count("provider_unread") == 1
    [said] = [task.what for task in story.inner.tasks.values() if task.kind == "provider_unread"]
    assert "ARREARS_STRIPE_KEY" in said
    story.pay()
    assert story.sub().state is State.ACTIVE
    story.control("key", secret=before, denied=[])
    story.sweep()
    assert (story.store.system().feed_stale, story.tasks().count("provider_unread")) == (False, 0)
    story.check()


def test_charges_under_a_key_that_is_not_accepted_are_made_once_it_is(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card()
    story.control("key", secret="sk_test_another")
    story.until(-1, "10:00").sweep()
    assert [a.state for a in story.attempts()] == ["unknown"]
    assert story.tasks() == ["provider_unread"], "one for the installation, not one for each account"
    story.control("key", secret=sandbox.secret_key)
    story.until(-1, "14:00").sweep()
    assert (story.captures(), story.taken()) == (1, {"EUR": PRICE})
    story.check()


def test_a_provider_that_was_never_read_is_not_trusted(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.providers = unreachable(story)
    for day in range(0, 36, 5):
        story.until(day).sweep()
    assert story.store.swept_until("stripe") is None
    assert (story.store.system().feed_stale, story.sub().state) == (True, State.PAST_DUE)


def test_a_page_that_the_provider_forgot_ends_no_sweep_and_is_over_after_a_day(sandbox: Running) -> None:
    story = Paying(sandbox, accounts=2)
    story.until(1)
    open_page(story)
    story.control("forget", id=story.attempts()[0].ref)
    story.until(1, "14:00").sweep()
    assert [a.state for a in story.attempts()] == ["unknown"]
    assert story.tasks().count("charge_refused") == 1
    assert story.store.swept_until("stripe") == story.now, "the sweep went on to its end"
    with pytest.raises(Refused, match="under way"):
        story.settle(story.add())
    story.until(2, "13:00").sweep()
    assert [a.state for a in story.attempts()] == ["canceled"]
    assert story.settle(story.account.methods[-1].no) == ["paid"]
    assert story.sub().state is State.ACTIVE
    story.check()


def test_a_page_whose_opening_was_lost_ends_no_sweep_while_the_provider_is_away(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(1).sweep()
    story.control("faults", plan=[{"kind": "drop_before", "path": "checkout", "times": 5}])
    with pytest.raises(Refused, match="did not answer"):
        open_page(story)
    story.control("faults", plan=[])
    working, story.providers = story.providers, unreachable(story)
    story.until(1, "13:30").sweep()
    story.providers = working
    story.until(1, "15:00").sweep()
    assert [a.state for a in story.attempts()] == ["canceled"]
    story.check()


def test_what_cannot_be_recorded_is_set_aside_with_its_account_and_everybody_else_goes_on(sandbox: Running) -> None:
    story = Paying(sandbox, accounts=2)
    story.bill(-1, account=story.numbers[1])
    story.until(1)
    other = story.numbers[1]
    story.settle(story.add())
    ref = story.attempts()[-1].ref
    dispute = story.control("dispute", intent=ref)["id"]
    sandbox.sandbox.book.disputes[dispute].currency = "usd"
    story.sweep()
    assert [(d.kind, d.ref) for d in story.account.doubts] == [(DoubtKind.FEED, f"stripe:{dispute}")]
    assert story.account.debts == (), "dollars are not booked as euros"
    for day in range(2, 40, 4):
        story.until(day).sweep()
    assert story.store.swept_until("stripe") == story.now
    assert not story.store.system().feed_stale
    assert story.account_of(other).subscription(1).state is State.DISABLED, "who has not paid is not protected by it"
    assert story.tasks().count("change_not_recorded") == 1
    [task] = [r.seq for r in story.history() if isinstance(r.fact, f.DoubtRaised) and r.fact.doubt is DoubtKind.FEED]
    commands.close_task(story.store, story.no, task, story.now, "staff:1", "credited by hand")
    assert (story.account.doubts, story.tasks().count("change_not_recorded")) == ((), 0)
    story.check()


def test_what_was_set_aside_is_recorded_once_it_can_be(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(1)
    story.settle(story.add())
    dispute = story.control("dispute", intent=story.attempts()[-1].ref)["id"]
    sandbox.sandbox.book.disputes[dispute].currency = "usd"
    story.sweep()
    story.until(3).sweep()
    sandbox.sandbox.book.disputes[dispute].currency = "eur"
    sweep(story.store, story.providers, story.now, story.now - timedelta(days=5))
    assert ([d.kind for d in story.account.doubts], story.tasks().count("change_not_recorded")) == ([], 0)
    assert [d.open_minor for d in story.account.debts] == [PRICE]
    story.check()


def test_a_request_that_the_provider_never_takes_is_no_unknown_and_not_asked_every_day(sandbox: Running) -> None:
    story = Paying(sandbox)
    card = story.card()
    story.control("forget", id=story.store.method(story.no, card).ref)
    sandbox.sandbox.book.methods.pop(story.store.method(story.no, card).ref)
    sandbox.sandbox.book.events.clear()  # the provider has never heard of it
    for day in range(0, 45, 2):
        story.until(day).sweep()
    assert {a.state for a in story.attempts()} == {"canceled"}
    assert len(story.attempts()) <= 6, "the first and the retries of one case"
    assert story.tasks().count("charge_refused") == 1
    assert [d.kind for d in story.account.doubts] == [DoubtKind.REQUEST], "a mistake of ours cuts nobody off"
    assert story.sub().state is State.PAST_DUE
    story.check()


@pytest.mark.turn(2)
def test_retries_of_what_is_known_not_to_pay_are_no_storm(sandbox: Running) -> None:
    story = Paying(sandbox, accounts=45, bill=False)
    for at, number in enumerate(story.numbers):
        story.no = number
        story.bill(-1, account=number)
        story.card("insufficient_funds" if at < 22 else "approve", own=True)
    story.until(-1, "09:30").sweep()
    assert not story.store.system().breaker_open
    for clock in ("08:30", "09:30", "10:30"):
        story.until(0, clock).sweep()
    assert len([a for no in story.numbers for a in story.store.attempts(no) if a.state == "declined"]) >= 40
    assert not story.store.system().breaker_open


@pytest.mark.turn(2)
def test_a_card_that_other_accounts_have_used_up_is_planned_again_at_most_once_a_day(sandbox: Running) -> None:
    story = Paying(sandbox, accounts=20, bill=False)
    for number in story.numbers:
        story.no = number
        story.bill(-1, account=number)
        story.card("insufficient_funds")
    for day in range(4):
        story.until(day, "12:00").sweep()
    made = {number: story.store.attempts(number) for number in story.numbers}
    assert any(a.state == "canceled" for attempts in made.values() for a in attempts), "the networks forbid some"
    assert max(len(attempts) for attempts in made.values()) <= 5
    story.check()
