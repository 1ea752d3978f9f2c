"""Two payment providers at once: what one has opened is looked up, ended, reported and given back at that one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.stories.paying import ADMIN, Paying, post
from tests.stories.story import PRICE, STAFF

from arrears.adapters.payments.stripe import Stripe
from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.payments.settlement import attempt_key
from arrears.core.payments.values import AttemptCanceled, AttemptChange, Initiator, Outcome, Paid
from arrears.core.states import State
from arrears.engine.acting import acting_on
from arrears.engine.payments import attempts, methods, pages, refunds, setups
from arrears.engine.payments import provider_changes as changes
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.reconciliation import check
from arrears.sandbox.run import Running, running

NAMES = ("alpha", "beta")
WAYS = [("alpha", "beta"), ("beta", "alpha")]


class Named(Stripe):
    """A provider under another name, with a book of its own."""

    def __init__(self, name: str, sandbox: Running) -> None:
        super().__init__(sandbox.secret_key, [sandbox.webhook_secret], live=False, api_base=sandbox.url)
        self.name = name  # type: ignore[misc]
        self.sandbox = sandbox


class Two(Paying):
    """An account that can pay at two providers."""

    def __init__(self, first: Running, second: Running, **story: Any) -> None:
        super().__init__(first, **story)
        self.at = {name: Named(name, one) for name, one in zip(NAMES, (first, second), strict=True)}
        second.sandbox._now = lambda: self._now_at(second)  # type: ignore[method-assign]
        self.opens("alpha")

    def _now_at(self, sandbox: Running) -> int:
        sandbox.sandbox.book.clock = int(self.now.timestamp())
        sandbox.sandbox.book.pass_time()
        return sandbox.sandbox.book.clock

    def opens(self, default: str, names: Sequence[str] = NAMES) -> Two:
        """From now on these are set up, and this one opens new pages."""
        self.providers = Providers({name: self.at[name] for name in names}, "http://127.0.0.1:9", default)
        self.stage.providers = self.providers
        return self

    def page(self) -> str:
        """A page that pays everything; its address."""
        shown = {q.currency: q.hash for q in self.owed()}
        return pages.open_page(self.store, self.providers, self.no, shown, self.now, "paylink:1")

    def taken_at(self) -> dict[str, int]:
        """What each provider has taken, less what it gave back."""
        books = {name: one.sandbox.control("book") for name, one in self.at.items()}
        return {name: sum(line["taken"] - line["refunded"] for line in book) for name, book in books.items()}

    def pages_at(self, name: str) -> list[str]:
        """The states of the pages that a provider has."""
        self._now_at(self.at[name].sandbox)
        return [page.status for page in self.at[name].sandbox.sandbox.book.sessions.values()]

    def states(self) -> list[str]:
        """The states of all attempts."""
        return [attempt.state for attempt in self.attempts()]

    def card_at(self, name: str, card: str = "approve") -> int:
        """A card set up at a provider; its number."""
        page = methods.start_setup(self.store, self.providers, self.no, name, f"{name}-{card}", "nl")
        post(page.url, card=card, do="go")
        return methods.finish_setup(self.store, self.providers, self.no, name, page.ref, self.now, ADMIN)

    def reported_by(self, name: str) -> None:
        """Every webhook of a provider arrives."""
        box = self.at[name].sandbox.sandbox
        for number in range(len(box.book.events)):
            body = json.dumps(box.api.event_json(number)).encode()
            signed = box.signed(body, int(self.now.timestamp()))
            for change in self.at[name].changes_in(body, signed, self.now):
                setups.follow(self.store, self.providers, name, change, lambda: self.now)
        self.stage.perform()

    def is_reported(self, name: str, outcome: Outcome) -> None:
        """A provider says this of the first attempt."""
        changes.apply(self.store, name, AttemptChange(attempts.attempt_ref(self.no, 1), outcome), self.now)


@pytest.fixture
def two(sandbox: Running) -> Iterator[Two]:
    with running() as second:
        story = Two(sandbox, second)
        story.until(2)
        yield story
        story.check()


@pytest.mark.parametrize(("opener", "other"), WAYS)
def test_a_page_that_was_paid_is_looked_up_where_it_was_opened(two: Two, opener: str, other: str) -> None:
    url = two.opens(opener).page()
    post(url, card="approve", do="go")
    two.opens(other)
    attempts.ask_page(two.store, two.providers, two.no, 1, two.now)
    assert two.states() == ["paid"]
    assert two.taken_at() == {opener: PRICE, other: 0}
    [attempt] = two.attempts()
    assert attempt.at_provider == opener
    assert two.store.payment(f"{opener}:{attempt.ref}") is not None
    assert two.sub().state is State.ACTIVE


@pytest.mark.parametrize(("opener", "other"), WAYS)
def test_a_page_that_nobody_paid_is_ended_where_it_was_opened(two: Two, opener: str, other: str) -> None:
    two.opens(opener).page()
    two.opens(other)
    two.stage.now += timedelta(minutes=10)
    two.page()
    assert (two.pages_at(opener), two.pages_at(other)) == (["expired"], ["open"])
    assert two.states() == ["canceled", "submitted"]
    two.stage.now += timedelta(hours=2)
    two.opens(opener).sweep()
    assert (two.pages_at(opener), two.pages_at(other)) == (["expired"], ["expired"])
    assert two.states() == ["canceled", "canceled"]


@pytest.mark.parametrize(("opener", "other"), WAYS)
def test_a_page_whose_opener_died_is_asked_for_again_at_the_provider_that_was_to_open_it(
    two: Two, opener: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(name: str) -> None:
        raise KeyboardInterrupt(name)

    monkeypatch.setattr(pages, "reached", dies)
    with pytest.raises(KeyboardInterrupt):
        two.opens(opener).page()
    monkeypatch.undo()
    two.opens(other).page()
    assert (two.pages_at(opener), two.pages_at(other)) == (["expired"], ["open"])
    assert two.states() == ["canceled", "submitted"]


@pytest.mark.parametrize(("opener", "other"), WAYS)
@pytest.mark.parametrize("by", ["sweep", "webhook"])
def test_each_provider_reports_what_was_paid_and_given_back_there(two: Two, opener: str, other: str, by: str) -> None:
    def reported() -> None:
        for name in NAMES if by == "webhook" else ():
            two.reported_by(name)
        if by == "sweep":
            two.sweep()

    url = two.opens(opener).page()
    two.opens(other)
    post(url, card="approve", do="go")
    reported()
    assert (two.states(), two.taken_at()) == (["paid"], {opener: PRICE, other: 0})
    assert [two.store.swept_until(name) for name in NAMES] == [two.now if by == "sweep" else None] * 2

    card = two.card_at(other)
    two.bill(1, 500)
    two.until(3)
    assert two.settle(card) == ["paid"]
    for attempt in two.attempts():
        refunds.refund(
            two.store, two.providers, f"{attempt.at_provider}:{attempt.ref}", 100, two.now, STAFF, "asked", attempt.ref
        )
    assert two.taken_at() == {opener: PRICE - 100, other: 400}
    reported()
    assert [(fact.payment_ref.partition(":")[0], fact.amount_minor) for _, fact in two.facts(f.Refunded)] == [
        (opener, 100),
        (other, 100),
    ]
    until = two.now + timedelta(days=1)
    assert all(check(two.store, one, two.instant(-30), until).holds for one in two.at.values())


def test_a_method_is_charged_where_it_was_set_up_whoever_opens_new_pages(two: Two) -> None:
    for day, (name, other) in enumerate(WAYS, 10):
        card = two.opens(other).card_at(name)
        if two.owed():
            assert two.settle(card) == ["paid"]
        methods.activate(two.store, two.no, card, two.now, ADMIN)
        two.bill(day)
        two.until(day + 1)
    assert [attempt.at_provider for attempt in two.attempts()] == ["alpha", "alpha", "beta"]
    assert two.states() == ["paid"] * 3
    assert two.taken_at() == {"alpha": 2 * PRICE, "beta": PRICE}


def test_what_another_provider_says_of_an_attempt_proves_nothing_and_its_money_is_credit(two: Two) -> None:
    two.opens("alpha").page()
    two.is_reported("beta", AttemptCanceled("cs_x", reached_network=False))
    assert two.states() == ["submitted"]
    two.is_reported("beta", Paid("pi_x", PRICE, "EUR", two.now))
    assert two.states() == ["submitted"], "money could still move on the page"
    assert two.owed() == [], "what arrived has paid what was owed"
    two.stage.now += timedelta(minutes=3)
    two.sweep()
    assert (two.states(), two.pages_at("alpha")) == (["canceled"], ["expired"])


def test_a_page_of_a_provider_that_is_no_longer_set_up_is_looked_at_by_staff_and_stops_nothing_else(two: Two) -> None:
    two.opens("alpha").page()
    two.opens("beta", ["beta"])
    two.stage.now += timedelta(hours=2)
    two.sweep()
    assert two.states() == ["unknown"]
    assert two.tasks() == ["charge_refused"]
    assert two.store.swept_until("beta") == two.now
    with pytest.raises(Refused, match="payment provider 'alpha' is not set up here"):
        two.page()
    two.opens("beta")
    two.stage.now += timedelta(minutes=3)
    two.sweep()
    assert two.states() == ["canceled"]


def test_a_page_recorded_before_there_could_be_two_is_looked_for_at_the_default(two: Two) -> None:
    [quote] = two.owed()
    old = f.AttemptCreated(
        attempt=1,
        key=attempt_key(quote, 0, 0, ""),
        ordinal=0,
        method=0,
        by=Initiator.CUSTOMER,
        currency=quote.currency,
        amount_minor=quote.amount_minor,
        parts=quote.parts,
        quote=quote.hash,
        on_page=True,
    )
    text = f.encode_fact(old)
    assert "provider" not in text, "what is in a journal stays as it is, to the byte"
    with acting_on(two.store, two.no, two.now) as unit:
        unit.record(f.decode_fact(text), "paylink:1")
    two.page()
    assert (two.pages_at("alpha"), two.pages_at("beta")) == (["expired", "open"], [])
    assert two.states() == ["canceled", "submitted"]


def test_several_providers_need_a_word_on_which_one_opens_new_pages(two: Two) -> None:
    with pytest.raises(AssertionError, match="say which of several providers"):
        Providers(two.at)
    assert Providers({"alpha": two.at["alpha"]}).default == "alpha"
    with pytest.raises(Refused, match="no payment provider is set up here"):
        Providers({}).of(Providers({}).default)
