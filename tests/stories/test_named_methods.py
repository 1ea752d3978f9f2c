"""A book names the payment method that a customer has at the provider already (spec, section 14)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.stories.ledger import Ledger
from tests.stories.paying import ADMIN, API, Paying

from arrears.core.receivables import NamedMethod
from arrears.core.states import State
from arrears.engine.payments import methods
from arrears.engine.payments.becoming import become_another
from arrears.engine.payments.named import add_named
from arrears.engine.payments.providers import Providers
from arrears.sandbox.run import Running

WAITING, ADDED, REFUSED = (("stripe", answer) for answer in ("waiting", "added", "refused"))


class Moving(Paying):
    """A billing system with customers who pay by card at the provider, and whose book comes in here."""

    def __init__(self, sandbox: Running) -> None:
        self.before = Paying(sandbox, bill=False)
        super().__init__(sandbox, bill=False)
        self.ledger = Ledger(self, "A1")

    def at_provider(self, card: str = "approve") -> NamedMethod:
        """A card of its own that the customer has there, as the billing system calls it."""
        record = self.before.store.method(self.before.no, self.before.add(card, own=True))
        return NamedMethod("stripe", record.customer_ref, record.ref)

    def comes(self, method: NamedMethod | None) -> Moving:
        """The book comes, with this word about the customer's method."""
        self.ledger.account = replace(self.ledger.account, method=method)
        self.ledger.comes()
        return self

    def look(self) -> Moving:
        """What waits is looked at."""
        add_named(self.store, self.providers, self.now)
        self.stage.perform()
        return self

    @property
    def active(self) -> dict[str, int]:
        """Which method pays for what; 0: none."""
        return {sub.service: sub.method for sub in self.account.subscriptions}


@pytest.fixture
def story(sandbox: Running) -> Moving:
    return Moving(sandbox)


@pytest.mark.parametrize("late", [False, True], ids=["before it is due", "long after it was due"])
def test_what_is_owed_is_collected_with_the_method_that_the_book_names(story: Moving, late: bool) -> None:
    story.ledger.invoice("I1", -20 if late else 3)
    story.comes(story.at_provider())
    assert (story.store.named_methods(), story.active["cloud"]) == ({WAITING: 1}, 0), "a book is no proof"
    story.look().until(5)
    assert (story.store.named_methods(), story.active) == ({ADDED: 1}, {"cloud": 1})
    assert ([a.state for a in story.attempts()], story.account.debts) == (["paid"], ())
    story.check()


def test_the_same_word_again_is_no_news_and_another_one_replaces_what_the_book_said(story: Moving) -> None:
    story.ledger.invoice("I1", 3)
    first, second = story.at_provider(), story.at_provider()
    for named, method in ((first, 1), (first, 1), (None, 1), (second, 2), (second, 2)):
        story.comes(named).look()
        assert (story.active, story.account.default_method) == ({"cloud": method}, method)
    assert story.store.named_methods() == {ADDED: 1}
    story.until(5)
    assert [a.method for a in story.attempts()] == [2]


@pytest.mark.parametrize("first", ["the customer", "the book"])
def test_what_the_customer_chose_goes_before_what_a_book_says(story: Moving, first: str) -> None:
    story.ledger.invoice("I1", 3)
    named, later = story.at_provider(), story.at_provider()
    story.comes(None if first == "the customer" else named).look()
    story.no = story.store.account_numbers(["A1"])["A1"]
    chosen = story.card()
    story.comes(later).look()
    assert story.active == {"cloud": chosen}
    assert chosen == (1 if first == "the customer" else 2)
    assert len(story.store.methods(story.no)) == chosen + 1, "it is there, and the customer may choose it"


@pytest.mark.parametrize(
    ("named", "why"),
    [
        (lambda method: method._replace(ref="pm_of_nobody"), "knows no payment method pm_of_nobody"),
        (lambda method: method._replace(customer_ref="cus_other"), "is not cus_other's at stripe"),
    ],
    ids=["it is not there", "it is somebody else's"],
)
def test_what_the_provider_does_not_confirm_is_never_charged(story: Moving, named, why: str) -> None:  # type: ignore[no-untyped-def]
    story.ledger.invoice("I1", 3)
    story.comes(named(story.at_provider())).look().until(10)
    assert (story.store.named_methods(), story.active, story.attempts()) == ({REFUSED: 1}, {"cloud": 0}, [])
    [(account, said)] = story.store.refused_methods([story.no]).items()
    assert (account, why in said) == (story.no, True)


def test_a_method_that_a_book_names_for_two_customers_is_charged_for_neither(story: Moving) -> None:
    story.ledger.invoice("I1", 3)
    named = story.at_provider()
    story.comes(named)
    other = Ledger(story, "B1").invoice("I2", 3)
    other.account = replace(other.account, method=named)
    other.comes()
    story.look().until(10)
    assert (story.store.named_methods(), story.attempts()) == ({REFUSED: 2}, [])


def test_a_prepaid_card_is_not_added_and_stays_where_it_is(story: Moving) -> None:
    story.ledger.invoice("I1", 3)
    named = story.at_provider()
    card = story.sandbox.sandbox.book.methods[named.ref]
    card.instrument = card.instrument._replace(funding="prepaid")
    story.comes(named).look()
    assert (story.store.named_methods(), story.active) == ({REFUSED: 1}, {"cloud": 0})
    assert story.sandbox.sandbox.book.methods[named.ref].customer == named.customer_ref


def test_while_the_provider_is_silent_it_waits(story: Moving) -> None:
    story.ledger.invoice("I1", 3)
    story.comes(story.at_provider())
    story.control("faults", plan=[{"kind": "error_before", "path": "payment_methods", "verb": "GET", "times": 1}])
    assert story.look().store.named_methods() == {WAITING: 1}
    add_named(story.store, Providers({}, "http://127.0.0.1:9"), story.now)
    assert story.store.named_methods() == {WAITING: 1}, "and while there is no such provider"
    assert story.look().store.named_methods() == {ADDED: 1}


def test_a_provider_that_does_not_answer_is_not_asked_for_everybody_else(story: Moving) -> None:
    story.ledger.invoice("I1", 3)
    story.comes(story.at_provider())
    other = Ledger(story, "B1").invoice("I2", 3)
    other.account = replace(other.account, method=story.at_provider())
    other.comes()
    story.control("faults", plan=[{"kind": "error_before", "path": "payment_methods", "verb": "GET", "times": 1}])
    assert story.look().store.named_methods() == {WAITING: 2}
    assert story.look().store.named_methods() == {ADDED: 2}


def test_what_was_named_at_the_instant_of_the_copy_was_named_to_the_original(story: Moving) -> None:
    story.ledger.invoice("I1", 3)
    story.comes(story.at_provider())
    become_another(story.store, story.now, ADMIN, "a copy")
    assert story.look().store.named_methods() == {REFUSED: 1}


@pytest.mark.parametrize("active_by", ["the operator", "the book"])
def test_a_method_that_was_here_before_the_book_named_any_is_not_replaced_by_it(story: Moving, active_by: str) -> None:
    story.ledger.invoice("I1", 3)
    story.comes(None)
    story.no = story.store.account_numbers(["A1"])["A1"]
    number = story.add()
    if active_by == "the operator":
        methods.activate(story.store, story.no, number, story.now, API)
    else:
        record = story.store.method(story.no, number)
        story.comes(NamedMethod("stripe", record.customer_ref, record.ref)).look()
    assert story.active == {"cloud": number}
    story.comes(story.at_provider()).look()
    assert story.active == {"cloud": number}


def test_a_newer_word_of_the_book_moves_what_its_older_one_paid_for_and_nothing_else(story: Moving) -> None:
    story.ledger.invoice("I1", 3, services=("cloud", "mail"))
    story.comes(story.at_provider()).look()
    story.no = story.store.account_numbers(["A1"])["A1"]
    assert story.active == {"cloud": 1, "mail": 1}
    own = story.add()
    methods.activate(story.store, story.no, own, story.now, ADMIN, (2,))
    story.comes(story.at_provider()).look()
    assert (story.active, story.account.default_method) == ({"cloud": 3, "mail": own}, 3)


def test_a_copy_of_the_installation_looks_at_nothing_that_was_named_before_it(story: Moving) -> None:
    story.ledger.invoice("I1", 3)
    story.comes(story.at_provider()).until(1)
    become_another(story.store, story.now, ADMIN, "a copy")
    assert story.look().store.named_methods() == {REFUSED: 1}
    story.stage.now += timedelta(hours=1)
    assert story.comes(story.at_provider()).look().store.named_methods() == {ADDED: 1}


def test_a_method_that_was_removed_here_is_not_brought_back_by_the_same_word(story: Moving) -> None:
    story.ledger.invoice("I1", 3)
    named = story.at_provider()
    story.comes(named).look()
    story.no = story.store.account_numbers(["A1"])["A1"]
    other = story.add()
    methods.activate(story.store, story.no, other, story.now, ADMIN)
    methods.remove(story.store, story.providers, story.no, 1, story.now, ADMIN)
    story.comes(named).look()
    assert (story.active, story.account.subscriptions[0].state) == ({"cloud": other}, State.ACTIVE)


def test_a_method_that_was_removed_here_is_another_one_when_the_book_names_it_anew(story: Moving) -> None:
    story.ledger.invoice("I1", 3)
    first, second = story.at_provider(), story.at_provider()
    story.comes(first).look().comes(second).look()
    story.no = story.store.account_numbers(["A1"])["A1"]
    methods.remove(story.store, story.providers, story.no, 1, story.now, ADMIN)
    story.sandbox.sandbox.book.methods[first.ref].customer = first.customer_ref
    story.comes(first).look()
    assert story.active == {"cloud": 3}
    assert [(m.no, m.removed) for m in story.store.methods(story.no)] == [(1, True), (2, False), (3, False)]
    assert story.store.methods(story.no)[2].ref == first.ref


def test_two_methods_of_which_nobody_says_which_card_they_are_are_two_cards(
    story: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = story.stripe.show
    monkeypatch.setattr(story.stripe, "show", lambda ref: replace(show(ref), fingerprint=""))
    for named in (story.at_provider(), story.at_provider("lost")):
        story.comes(named).look()
    assert [m.credential for m in story.account.methods] == [1, 2]
    story.check()
