"""Two installations at one account of the provider: neither touches what the other has there."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from tests.stories.paying import ADMIN, Paying, post
from tests.stories.story import PRICE

from arrears.adapters.payments.stripe import Stripe
from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine import system
from arrears.engine.payments import methods, pages, refunds
from arrears.engine.payments.becoming import become_another
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.reconciliation import check
from arrears.engine.payments.recording import record_change
from arrears.sandbox.run import Running


class Pair:
    """A and B with the same accounts, invoices and numbers, at one provider; each is past due."""

    def __init__(self, sandbox: Running) -> None:
        self.a, self.b = Paying(sandbox), Paying(sandbox)
        self.a.until(1)
        self.b.until(1)

    def report(self) -> None:
        """Everything that happened is told to B, by webhook and by its sweep."""
        sandbox = self.b.sandbox.sandbox
        for index in range(len(sandbox.book.events)):
            body = json.dumps(sandbox.api.event_json(index)).encode()
            told = self.b.stripe.changes_in(body, sandbox.signed(body, int(self.b.now.timestamp())), self.b.now)
            for change in told:
                record_change(self.b.store, self.b.providers, "stripe", change, self.b.now)
        self.b.sweep()

    def b_is_untouched(self) -> bool:
        """Whether B has neither money nor anything else of A's, and its books are right."""
        account = self.b.account
        aside = [doubt for doubt in account.doubts if doubt.kind is DoubtKind.FEED]
        money = account.credit, [d.open_minor for d in account.debts], aside
        return money == ({}, [PRICE], []) and books_agree(self.b)


def books_agree(story: Paying) -> bool:
    return check(story.store, story.stripe, story.instant(-40), story.now + timedelta(hours=1)).holds


@pytest.fixture
def pair(sandbox: Running) -> Pair:
    return Pair(sandbox)


def test_a_payment_at_one_pays_nothing_at_the_other(pair: Pair) -> None:
    assert pair.a.settle(pair.a.add()) == ["paid"]
    pair.report()
    assert pair.b_is_untouched()
    assert pair.b.store.foreign_met() == {"stripe": 2}, "the page of the set-up and the payment, each once"
    assert books_agree(pair.a)


def test_nor_while_the_other_has_an_attempt_of_the_same_number_open(pair: Pair) -> None:
    assert pair.b.settle(pair.b.add("challenge")) == ["needs_customer"]
    assert pair.a.settle(pair.a.add()) == ["paid"]
    pair.report()
    assert [a.state for a in pair.b.attempts()] == ["needs_customer"]
    assert pair.b_is_untouched()
    pair.b.answer_bank(confirmed=True)
    pair.report()
    assert ([a.state for a in pair.b.attempts()], pair.b.sub().state) == (["paid"], State.ACTIVE)
    assert books_agree(pair.a)


def test_both_may_charge_the_same_sum_for_the_same_numbers(pair: Pair) -> None:
    assert pair.a.settle(pair.a.add()) == ["paid"]
    assert pair.b.settle(pair.b.add()) == ["paid"], "its key is another one"
    pair.report()
    pair.a.sweep()
    assert (pair.a.captures(), books_agree(pair.a), books_agree(pair.b)) == (2, True, True)


def test_a_lost_answer_is_not_found_in_what_the_other_has(pair: Pair) -> None:
    pair.a.settle(pair.a.add())
    card = pair.b.add()
    pair.b.control("faults", plan=[{"kind": "drop_before", "path": "payment_intents", "times": 9}])
    assert pair.b.settle(card) == ["unknown"]
    pair.b.control("faults", plan=[])
    pair.report()
    pair.b.until(1, "13:00").sweep()
    assert [a.state for a in pair.b.attempts()] == ["paid"]
    assert pair.a.captures() == 2


def open_page(story: Paying) -> str:
    shown = {q.currency: q.hash for q in story.owed()}
    return str(pages.open_page(story.store, story.providers, story.no, shown, story.now, ADMIN))


def test_pages_of_the_two_are_two(pair: Pair) -> None:
    first, second = open_page(pair.a), open_page(pair.b)
    assert first != second
    post(first, card="approve", do="go")
    pair.report()
    assert pair.b_is_untouched()
    pair.a.sweep()
    assert pair.a.sub().state is State.ACTIVE


@pytest.mark.parametrize("what", ["dispute", "refund"])
def test_what_is_taken_back_of_one_is_nothing_of_the_other(pair: Pair, what: str) -> None:
    pair.a.settle(pair.a.add())
    ref = pair.a.attempts()[-1].ref
    if what == "dispute":
        pair.a.control("dispute", intent=ref)
    else:
        pair.a.stripe.refund(ref, 500, "EUR", "by-hand")
    pair.report()
    assert pair.b_is_untouched()


def without_identity(story: Paying) -> None:
    """As it was before objects carried one."""
    sandbox = story.sandbox
    story.stripe = Stripe(sandbox.secret_key, [sandbox.webhook_secret], live=False, api_base=sandbox.url)
    story.stage.providers = story.providers = Providers({"stripe": story.stripe}, "http://127.0.0.1:9")


def with_identity(story: Paying) -> None:
    """It is upgraded."""
    sandbox, ours = story.sandbox, story.store.system().identity
    secrets = [sandbox.webhook_secret]
    story.stripe = Stripe(sandbox.secret_key, secrets, live=False, api_base=sandbox.url, installation=ours)
    story.stage.providers = story.providers = Providers({"stripe": story.stripe}, "http://127.0.0.1:9")


@pytest.mark.parametrize("lost", [False, True])
def test_what_was_charged_before_objects_said_whose_they_are_is_known_by_its_attempt(
    sandbox: Running, lost: bool
) -> None:
    story = Paying(sandbox)
    story.until(1)
    without_identity(story)
    card = story.add("challenge")
    if lost:
        story.control("faults", plan=[{"kind": "drop_after", "path": "payment_intents", "times": 1}])
    story.settle(card)
    with_identity(story)
    story.sweep()
    story.answer_bank(confirmed=True)
    story.sweep()
    assert ([a.state for a in story.attempts()], story.sub().state) == (["paid"], State.ACTIVE)
    assert (story.captures(), books_agree(story), story.store.foreign_met()) == (1, True, {})


def test_what_no_attempt_of_ours_knows_and_says_nothing_is_left_alone_and_counted(pair: Pair) -> None:
    without_identity(pair.a)
    assert pair.a.settle(pair.a.add()) == ["paid"]
    pair.report()
    assert pair.b_is_untouched()
    assert pair.b.store.foreign_met() == {"stripe": 1}


def test_of_two_without_the_one_whose_attempt_waits_for_another_is_not_paid(pair: Pair) -> None:
    without_identity(pair.b)
    pair.b.settle(pair.b.add("challenge"))
    with_identity(pair.b)
    without_identity(pair.a)
    assert pair.a.settle(pair.a.add()) == ["paid"]
    pair.report()
    assert [a.state for a in pair.b.attempts()] == ["needs_customer"]
    assert pair.b_is_untouched()


def test_every_object_at_the_provider_says_whose_it_is(pair: Pair) -> None:
    open_page(pair.a)
    pair.a.settle(pair.a.add())
    pair.a.stripe.refund(pair.a.attempts()[-1].ref, 500, "EUR", "by-hand")
    book = pair.a.sandbox.sandbox.book
    kinds = book.customers, book.setups, book.sessions, book.intents, book.refunds
    made = [one for kind in kinds for one in kind.values()]
    assert all(kinds)
    assert {one.metadata.get("installation") for one in made} == {pair.a.store.system().identity}


# -- a copy ----------------------------------------------------------------------------------------------------------


def copied(sandbox: Running) -> Paying:
    """An installation with a card and a payment; then a copy of it, with a new invoice, that became one of its own."""
    story = Paying(sandbox)
    story.card()
    story.until(0)
    assert story.captures() == 1
    story.stage.now += timedelta(minutes=1)
    become_another(story.store, story.now, "staff:1", "to try something out")
    with_identity(story)
    return story


def test_a_copy_charges_no_card_that_it_was_copied_with(sandbox: Running) -> None:
    story = copied(sandbox)
    story.bill(3)
    story.until(4).sweep()
    assert (story.captures(), [a.state for a in story.attempts()][-1]) == (1, "canceled")
    assert story.tasks().count("charge_refused") == 1
    assert story.settle(story.add()) == ["paid"], "a card of its own is its own"
    [original] = [c for c in sandbox.sandbox.book.customers.values() if c.metadata["installation"] != identity(story)]
    assert [m.customer for m in sandbox.sandbox.book.methods.values()].count(original.id) == 1
    story.check()


def test_a_copy_gives_nothing_back_and_removes_nothing_of_the_original(sandbox: Running) -> None:
    story = copied(sandbox)
    ref = f"stripe:{story.attempts()[-1].ref}"
    with pytest.raises(Refused, match="copy"):
        refunds.refund(story.store, story.providers, ref, 500, story.now, "staff:1", "x", "once")
    with pytest.raises(Refused, match="copy"):
        methods.renew(story.store, story.providers, story.no, 1, 12, 2040, story.now, ADMIN)
    methods.activate(story.store, story.no, story.add(), story.now, ADMIN)
    methods.remove(story.store, story.providers, story.no, 1, story.now, ADMIN)
    book = sandbox.sandbox.book
    assert (not book.refunds, [m.customer is None for m in book.methods.values()]) == (True, [False, False])


def test_what_was_open_in_a_copy_is_over_there_and_goes_on_in_the_original(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(1)
    story.settle(story.add("challenge"))
    story.stage.now += timedelta(minutes=1)
    become_another(story.store, story.now, "staff:1", "to try something out")
    with_identity(story)
    assert [a.state for a in story.attempts()] == ["canceled"]
    story.control("challenge", intent=story.attempts()[-1].ref, confirmed=True)
    story.sweep()
    assert (story.captures(), [d.open_minor for d in story.account.debts]) == (1, [PRICE])
    story.check()


def identity(story: Paying) -> str:
    return story.store.system().identity


def test_an_identity_is_taken_once_whoever_comes_first(sandbox: Running) -> None:
    story = Paying(sandbox)
    first = identity(story)
    story.store.record_system(f.IdentityTaken(identity="ins_later"), story.now, "arrears", "at the same time")
    assert (identity(story), system.identity(story.store, story.now)) == (first, first)
