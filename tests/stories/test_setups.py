"""A new method pays at once what its owner saw, whoever hears first that it is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from tests.stories.bank import Bank, Banked
from tests.stories.paying import ADMIN, Paying, post
from tests.stories.story import STAFF

from arrears.core.errors import Refused
from arrears.core.payments.values import HostedPage, MethodDetails, MethodKind, Network, SetupDone, SetupOutcome
from arrears.core.states import State
from arrears.engine.commands import corrections
from arrears.engine.payments import setups
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.settling import StaleQuote, quote
from arrears.ports.setups import SetupPage
from arrears.sandbox.run import Running


class Going(Paying):
    """Somebody who goes to the provider's page to pay everything with a new card."""

    def go(self, card: str = "approve", *, pay: bool = True) -> SetupPage:
        """Choose a card on the page, and close the tab."""
        shown = {q.currency: q.hash for q in self.owed()} if pay else {}
        page = setups.start(
            self.store, self.providers, self.no, shown, "nl", self.now, ADMIN, back=lambda n: f"http://x/{n}"
        )
        if card:
            post(page.url, card=card, do="go")
        return page

    def finish(self, page: SetupPage) -> SetupPage:
        """Come back."""
        done = setups.finish(self.store, self.providers, page.number, lambda: self.now)
        self.stage.perform()
        return done


@pytest.fixture
def going(sandbox: Running) -> Going:
    story = Going(sandbox)
    story.card("insufficient_funds")
    story.until(33, "11:00")
    assert story.sub().state is State.DISABLED
    return story


def test_coming_back_stores_the_card_and_pays_everything(going: Going) -> None:
    done = going.finish(going.go())
    assert (done.state, done.why, done.method) == ("done", "", 2)
    assert [a.state for a in going.attempts() if a.no in done.attempts] == ["paid"]
    assert going.sub().state is State.ACTIVE
    assert going.sub().method == 2


def test_coming_back_twice_or_in_two_tabs_pays_once(going: Going) -> None:
    page = going.go()
    assert going.finish(page) == going.finish(page)
    assert going.captures() == 1


def test_a_closed_tab_changes_nothing_the_sweep_hears_of_it(going: Going) -> None:
    page = going.go()
    going.sweep()
    done = going.store.setup(page.number)
    assert done is not None
    assert done.state == "done"
    assert going.captures() == 1
    assert going.finish(page) == done


def test_a_declined_card_is_tried_once_however_often_one_comes_back(going: Going) -> None:
    before = len(going.attempts())
    page = going.go("do_not_honor")
    done = going.finish(page)
    assert [a.state for a in going.attempts() if a.no in done.attempts] == ["declined"]
    going.finish(page)
    going.sweep()
    assert len(going.attempts()) == before + 1
    assert going.sub().method == 1, "on a decline nothing changes"


def test_whoever_is_ended_half_way_is_followed_by_the_sweep(going: Going, monkeypatch: pytest.MonkeyPatch) -> None:
    page = going.go()
    with monkeypatch.context() as patch:
        patch.setattr(going.store, "end_setup", _ended)
        with pytest.raises(KeyboardInterrupt):
            going.finish(page)
    left = going.store.setup(page.number)
    assert left is not None
    assert left.state == "settling"
    assert going.finish(page).state == "settling", "somebody else may still be at it"
    going.until(33, "11:05")
    going.sweep()
    done = going.store.setup(page.number)
    assert done is not None
    assert (done.state, len(done.attempts), going.captures()) == ("done", 1, 1)


def _ended(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_another_card_was_declined_for_meanwhile_is_paid_with_the_new_one(going: Going) -> None:
    page = going.go()
    assert going.settle(1) == ["declined"]
    done = going.finish(page)
    assert [a.state for a in going.attempts() if a.no in done.attempts] == ["paid"]
    assert going.captures() == 1


def test_what_changed_meanwhile_is_not_charged_and_the_card_is_kept(going: Going) -> None:
    page = going.go()
    going.bill(40)
    going.until(42, "11:00")
    done = going.finish(page)
    assert (done.state, done.why, done.attempts) == ("done", "stale_quote", ())
    assert going.captures() == 0


def test_a_page_is_not_opened_for_what_is_not_owed_any_more(going: Going) -> None:
    with pytest.raises(StaleQuote):
        setups.start(going.store, going.providers, going.no, {"EUR": "old"}, "nl", going.now, ADMIN, back=str)


def test_a_page_that_is_still_open_stays_so_and_one_that_failed_says_why(going: Going) -> None:
    page = going.go("")
    left = going.finish(page)
    assert (left.state, left.why) == ("open", "setup_open")
    post(page.url, card="prepaid", do="go")
    done = going.finish(page)
    assert (done.state, done.why, done.method) == ("failed", "prepaid_refused", 0)


def test_a_card_that_is_only_added_collects_nothing(going: Going) -> None:
    done = going.finish(going.go(pay=False))
    assert (done.state, done.method, done.attempts) == ("done", 2, ())
    assert going.captures() == 0
    assert going.sub().method == 1


OTHERWISE: Final[dict[str, Callable[[Going], object]]] = {
    "paid": lambda story: story.pay(),
    "withdrawn": lambda story: corrections.void(story.store, "I1-1", story.now, STAFF, "not owed"),
    "credited": lambda story: corrections.credit(story.store, "I1-1", 5_000, story.now, STAFF, "too much"),
    "billed": lambda story: story.bill(0, 3_000),
}


@pytest.mark.parametrize("failed", [False, True], ids=["first card", "failed card"])
@pytest.mark.parametrize("what", OTHERWISE)
def test_a_card_that_was_entered_to_pay_pays_what_comes_later_whatever_became_of_the_sum(
    sandbox: Running, what: str, *, failed: bool
) -> None:
    story = Going(sandbox)
    if failed:
        story.card("insufficient_funds")
    story.until(1, "10:00")
    page = story.go()
    OTHERWISE[what](story)
    story.until(2, "11:00")
    done = story.finish(page)
    assert (done.state, done.why, story.captures()) == ("done", "stale_quote", 0)
    number = done.method
    assert story.sub().method == number
    assert story.account.default_method == number
    story.until(2, "23:00")
    assert story.captures() == 0, "what was not shown is not charged at once"
    story.bill(10, 5_000)
    story.until(40)
    assert (story.account.debts, story.sub().state) == ((), State.ACTIVE)
    story.check()


def test_a_card_that_the_bank_refuses_for_ever_is_not_made_active_by_a_stale_sum(sandbox: Running) -> None:
    story = Going(sandbox, accounts=2)
    first, second = story.numbers
    story.no = first
    story.bank_says(story.card(), "lost")
    story.bill(-1, account=first)
    story.bill(-1, account=second)
    story.until(1, "10:00")
    assert [a.state for a in story.attempts()] == ["declined"]
    story.no = second
    page = story.go()
    story.bill(0, 3_000, account=second)
    story.until(2, "11:00")
    story.finish(page)
    assert story.sub().method == 0


def test_a_first_card_that_is_added_while_something_is_owed_pays_it_on_the_next_morning(sandbox: Running) -> None:
    story = Going(sandbox)
    story.until(3, "11:00")
    story.finish(story.go(pay=False))
    story.until(3, "23:00")
    assert story.captures() == 0
    story.until(4, "12:00")
    assert (story.captures(), story.account.debts) == (1, ())


class Knowing(Bank):
    """A bank that knows a card again: whoever sets it up once more has the same one."""

    def open_setup(self, key: str, account: int, customer_ref: str, locale: str, return_url: str) -> HostedPage:
        """See ports.Processor."""
        return HostedPage(f"setup-{key}", "https://bank.example/", self._now() + timedelta(minutes=30))

    def setup_outcome(self, ref: str) -> SetupOutcome:
        """See ports.Processor."""
        return SetupDone(MethodDetails("empty", "customer", MethodKind.CARD, Network.UNKNOWN, "empty", "empty"), 1)


def test_what_was_declined_before_the_page_was_opened_is_no_answer_of_that_page() -> None:
    story = Banked()
    story.bank = Knowing(lambda: story.now)
    story.stage.providers = story.providers = Providers({"bank": story.bank})
    card = story.card("empty")
    story.until(2)
    assert story.settle(card) == ["declined"]
    story.until(2, "18:00")
    story.bank.refuses.clear()
    shown = {q.currency: q.hash for q in quote(story.store, story.no, story.now)}
    page = setups.start(story.store, story.providers, story.no, shown, "nl", story.now, ADMIN, back=str)
    done = setups.finish(story.store, story.providers, page.number, lambda: story.now)
    assert (done.state, done.method, story.account.debts) == ("done", card, ())
    assert done.attempts == (story.store.attempts(story.no)[-1].no,)
    story.check()


def test_while_another_payment_is_under_way_a_card_that_was_entered_to_pay_is_stored_and_pays_nothing_yet() -> None:
    story = Banked()
    story.bank = Knowing(lambda: story.now)
    story.stage.providers = story.providers = Providers({"bank": story.bank})
    story.until(1)
    other = story.card("approve", active=False)
    shown = {q.currency: q.hash for q in quote(story.store, story.no, story.now)}
    page = setups.start(story.store, story.providers, story.no, shown, "nl", story.now, ADMIN, back=str)
    story.bank.silent = True
    assert story.settle(other) == ["unknown"]
    waits = setups.finish(story.store, story.providers, page.number, lambda: story.now)
    assert (waits.state, waits.why, waits.method) == ("open", "attempt_in_flight", 2)
    assert (story.sub().method, story.account.default_method) == (0, 0)
    story.bank.silent = False
    story.hear()
    done = setups.finish(story.store, story.providers, page.number, lambda: story.now)
    assert (done.state, len(story.bank.taken)) == ("done", 1)
    story.agrees()


def test_a_page_whose_settler_was_ended_is_finished_after_some_minutes_and_not_before() -> None:
    story = Banked()
    story.bank = Knowing(lambda: story.now)
    story.bank.refuses.clear()
    story.stage.providers = story.providers = Providers({"bank": story.bank})
    story.until(1)
    shown = {q.currency: q.hash for q in quote(story.store, story.no, story.now)}
    page = setups.start(story.store, story.providers, story.no, shown, "nl", story.now, ADMIN, back=str)
    taken_at = story.now
    assert story.store.claim_setup(page.number, taken_at, taken_at)
    for after, debts in ((setups.STUCK_AFTER, 1), (setups.STUCK_AFTER + timedelta(seconds=1), 0)):
        story.stage.now = taken_at + after
        setups.finish_stuck(story.store, story.providers, lambda: story.now)
        assert len(story.account.debts) == debts


def test_a_page_that_was_never_opened_is_none_that_anybody_comes_back_from() -> None:
    story = Banked()
    number = story.store.begin_setup(story.no, ADMIN, "bank", {}, (), story.now)
    for one in (number, number + 1):
        with pytest.raises(Refused) as refused:
            setups.finish(story.store, story.providers, one, lambda: story.now)
        assert refused.value.code == "unknown_setup"
    left = story.store.setup(number)
    assert left is not None
    assert left.state == "open"
