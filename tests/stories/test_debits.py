"""Bank debits, told by day: under way for days, paid, refused, taken back (fault F19 of the reliability reference)."""

from __future__ import annotations

import pytest
from tests.stories.paying import ADMIN, Paying, post
from tests.stories.story import PRICE, STAFF

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.errors import Refused
from arrears.core.rules.paying import paying
from arrears.core.states import State
from arrears.engine.commands import corrections
from arrears.engine.payments import methods, pages, settling
from arrears.engine.payments.attempts import pursue
from arrears.sandbox.run import Running

DEBITS = ("card", "sepa_debit", "us_bank_account", "bacs_debit")


def by_debit(sandbox: Running, account: str, **story: object) -> Paying:
    """An account that is debited on its due date."""
    found = Paying(sandbox, kinds=DEBITS, **story)
    found.card(account)
    return found


def test_a_debit_that_is_under_way_for_days_makes_everything_wait_and_then_pays(sandbox: Running) -> None:
    story = by_debit(sandbox, "sepa")
    story.until(-1, "10:00")
    assert [a.state for a in story.attempts()] == ["submitted"]
    story.until(3).sweep()
    assert [d.kind for d in story.account.doubts] == [DoubtKind.ATTEMPT]
    assert story.mail.taken == [], "nobody is reminded of what is on its way"
    story.until(6).sweep()
    assert [a.state for a in story.attempts()] == ["paid"]
    assert (story.sub().state, story.taken()) == (State.ACTIVE, {"EUR": PRICE})
    assert [message.subject for message in story.mail.taken] == ["settled"]
    story.check()


def test_nobody_is_cut_off_while_a_debit_is_under_way(sandbox: Running) -> None:
    story = Paying(sandbox, kinds=DEBITS)
    story.until(28)
    assert story.settle(story.add("sepa")) == ["submitted"]
    story.until(32)
    assert story.sub().state is State.PAST_DUE
    story.until(34).sweep()
    assert (story.sub().state, story.account.debts) == (State.ACTIVE, ())
    assert story.facts(f.Disabled) == []
    story.check()


def test_a_debit_that_is_refused_after_days_is_past_due_from_that_day_and_tried_again_within_the_scheme(
    sandbox: Running,
) -> None:
    story = by_debit(sandbox, "sepa_empty")
    story.until(5).sweep()
    [first] = [a for a in story.attempts() if a.state == "declined"]
    assert (first.decline, first.network_code) == ("insufficient_funds", "AM04")
    assert story.sub().state is State.PAST_DUE
    story.until(40).sweep()
    assert 1 < len(story.attempts()) <= 3
    assert story.captures() == 0
    story.check()


def test_a_debit_that_the_bank_takes_back_is_owed_again_from_that_day(sandbox: Running) -> None:
    story = by_debit(sandbox, "sepa_returned")
    story.until(6).sweep()
    assert story.sub().state is State.ACTIVE
    story.until(16).sweep()
    assert story.sub().state is State.PAST_DUE
    [debt] = story.account.past_due
    assert (debt.open_minor, debt.day_0) == (PRICE, story.date(16))
    story.check()


def test_a_closed_account_is_never_debited_again(sandbox: Running) -> None:
    story = by_debit(sandbox, "ach_closed", bill=False)
    story.bill(-1, currency="USD")
    story.until(6).sweep()
    story.until(60).sweep()
    assert [(a.state, a.network_code) for a in story.attempts()] == [("declined", "R02")]
    story.check()


def test_a_new_invoice_is_a_new_entry_and_a_failed_debit_is_presented_again_alone(sandbox: Running) -> None:
    story = Paying(sandbox, kinds=DEBITS, bill=False)
    mandate = story.card("ach_empty")
    story.bill(-1, PRICE, currency="USD")
    daily(story, 0, 12)
    assert {a.amount_minor for a in story.attempts()} == {PRICE}
    story.bank_says(mandate, "ach")
    story.bill(20, 5_000, currency="USD")
    daily(story, 12, 30)
    assert [(a.state, a.amount_minor) for a in story.attempts() if a.amount_minor != PRICE] == [("paid", 5_000)]
    assert 3 >= len([a for a in story.attempts() if a.amount_minor == PRICE]) >= 2
    assert story.facts(f.Disabled) == []
    story.check()


@pytest.mark.turn(2)
def test_failures_of_other_invoices_never_use_up_a_mandate(sandbox: Running) -> None:
    story = Paying(sandbox, kinds=DEBITS, bill=False)
    mandate = story.card("sepa_empty")
    for number in range(1, 4):
        first = 60 * number
        story.bill(first - 1)
        before = len(story.attempts())
        daily(story, first, first + 25)
        assert len(story.attempts()) - before == 3, "each invoice has its own count"
        story.pay(debts=(number,))
    story.bank_says(mandate, "sepa")
    story.bill(249)
    daily(story, 249, 258)
    assert (story.attempts()[-1].state, story.sub().state) == ("paid", State.ACTIVE)
    story.check()


@pytest.mark.parametrize("late", [False, True], ids=["failed first", "paid first"])
def test_a_debit_that_failed_keeps_its_count_where_a_transfer_came_and_was_taken_back(
    sandbox: Running, *, late: bool
) -> None:
    story = by_debit(sandbox, "sepa_empty")
    daily(story, 0, 2 if late else 6)
    story.pay(debts=(1,))
    daily(story, 6, 8)
    corrections.take_back(story.store, "P1", None, story.now, STAFF, "it never came")
    story.bill(10, 5_000)
    daily(story, 8, 45)
    entries = [[part.debt for part in fact.parts] for _, fact in story.facts(f.AttemptCreated)]
    assert {len(debts) for debts in entries} == {1}, "what failed is presented again alone"
    assert [entries.count([debt]) for debt in (1, 2)] == [3, 3], "each within its own count"
    story.check()


def test_what_failed_and_what_was_never_debited_are_two_debits_when_one_transfer_for_both_is_taken_back(
    sandbox: Running,
) -> None:
    story = by_debit(sandbox, "sepa_empty")
    story.until(0)
    story.bill(12, 5_000)
    story.pay(PRICE + 5_000, debts=(1, 2))
    daily(story, 1, 14)
    [first] = story.attempts()
    assert (first.state, first.amount_minor) == ("declined", PRICE), "told after it had been paid otherwise"
    corrections.take_back(story.store, "P1", None, story.now, STAFF, "it never came")
    daily(story, 14, 45)
    entries = [[part.debt for part in fact.parts] for _, fact in story.facts(f.AttemptCreated)]
    assert sorted(entries) == [[1]] * 3 + [[2]] * 3
    story.check()


def test_a_customer_may_use_the_account_whose_debit_may_not_be_presented_again(sandbox: Running) -> None:
    story = by_debit(sandbox, "sepa_empty")
    daily(story, 0, 25)
    assert [a.state for a in story.attempts()] == ["declined"] * 3
    assert story.settle(story.bank_says(1, "sepa") and 1) == ["submitted"]
    story.until(32).sweep()
    assert (story.taken(), story.sub().state) == ({"EUR": PRICE}, State.ACTIVE)
    story.check()


def test_what_our_own_planner_refuses_is_no_decline_of_the_customers(sandbox: Running) -> None:
    story = Paying(sandbox, kinds=DEBITS, bill=False)
    story.card("ach_closed")
    story.bill(-1, PRICE, currency="USD")
    daily(story, 0, 6)
    story.bill(20, 5_000, currency="USD")
    daily(story, 6, 22)
    assert [a.amount_minor for a in story.attempts()] == [PRICE], "a closed account is asked once"
    second = next(d for d in story.account.debts if d.no == 2)
    assert second.day_0 == story.date(21), "past due the day after it was due, as for anybody who has not paid"
    story.check()


def daily(story: Paying, first: int, last: int) -> None:
    """Let days pass, each with its sweep."""
    for day in range(first, last):
        story.until(day).sweep()


def pays_on_the_page(story: Paying, account: str) -> None:
    """The payment page is opened for what is owed and paid from this bank account, and we hear of it."""
    shown = {q.currency: q.hash for q in story.owed()}
    url = pages.open_page(story.store, story.providers, story.no, shown, story.now, ADMIN)
    post(url, card=account, do="go")
    story.sweep()


@pytest.mark.parametrize(("day", "state"), [(29, State.PAST_DUE), (119, State.DISABLED)])
def test_nobody_is_cut_off_or_deleted_while_a_debit_from_the_payment_page_is_under_way(
    sandbox: Running, day: int, state: State
) -> None:
    story = Paying(sandbox, kinds=DEBITS)
    story.until(day).sweep()
    pays_on_the_page(story, "sepa")
    assert [d.kind for d in story.account.doubts] == [DoubtKind.ATTEMPT]
    for later in range(day + 1, day + 4):
        story.until(later).sweep()
        assert (story.sub().state, story.attempts()[-1].state) == (state, "submitted")
    story.until(day + 7).sweep()
    assert (story.sub().state, story.account.debts, story.taken()) == (State.ACTIVE, (), {"EUR": PRICE})
    story.check()


def test_what_is_debited_from_the_payment_page_is_taken_by_nothing_else_meanwhile(sandbox: Running) -> None:
    story = Paying(sandbox, kinds=DEBITS)
    story.card("insufficient_funds")
    story.until(1)
    pays_on_the_page(story, "sepa")
    card, before = story.add(), [a.state for a in story.attempts()]
    for day in (2, 3, 4):
        story.until(day).sweep()
    pursue(story.store, story.providers, story.no, story.attempts()[-1].no, story.now)
    assert ([a.state for a in story.attempts()], before[-1]) == (before, "submitted")
    with pytest.raises(Refused, match="under way"):
        story.settle(card)
    with pytest.raises(Refused, match="under way"):
        pays_on_the_page(story, "sepa")
    assert "charge_refused" not in story.tasks(), "nothing of ours was refused"
    story.until(9).sweep()
    assert (story.taken(), story.account.credit) == ({"EUR": PRICE}, {})
    story.check()


def test_a_debit_from_the_payment_page_that_fails_is_owed_and_the_ladder_goes_on(sandbox: Running) -> None:
    story = Paying(sandbox, kinds=DEBITS)
    story.until(1)
    pays_on_the_page(story, "sepa_empty")
    story.until(8).sweep()
    assert [(a.state, a.network_code) for a in story.attempts()] == [("declined", "AM04")]
    assert story.account.doubts == ()
    assert [q.amount_minor for q in story.owed()] == [PRICE]
    story.until(45).sweep()
    assert story.sub().state is State.DISABLED
    story.check()


@pytest.mark.parametrize(("account", "owed"), [("sepa", "USD"), ("ach", "EUR"), ("bacs", "EUR")])
def test_what_a_scheme_cannot_move_is_never_asked_for_and_is_charged_the_moment_something_can(
    sandbox: Running, account: str, owed: str
) -> None:
    story = by_debit(sandbox, account, bill=False)
    sandbox.control("faults", plan=[{"kind": "error_after", "path": "payment_intents", "times": 1}])
    story.bill(-1, PRICE, currency=owed)
    story.until(3).sweep()
    assert story.attempts() == [], "a failure that is kept under its key would be unknown for a day"
    assert (story.account.doubts, story.sub().state) == ((), State.PAST_DUE)
    assert paying(story.account, story.account.debts[0]) is None, "explain, console and notice say so by this"
    sandbox.control("faults", plan=[])
    assert story.settle(story.add()) == ["paid"]
    assert (story.sub().state, story.taken()) == (State.ACTIVE, {owed: PRICE})
    story.check()


def test_of_two_currencies_a_debit_pays_its_own_and_says_why_not_the_other(sandbox: Running) -> None:
    story = Paying(sandbox, kinds=DEBITS, bill=False)
    story.bill(-1, PRICE)
    story.bill(-1, 5_000, currency="USD")
    story.until(2)
    method, shown = story.add("sepa"), {q.currency: q.hash for q in story.owed()}
    found = settling.settle(story.store, story.providers, story.no, shown, method, lambda: story.now, ADMIN)
    assert [(one.attempt.currency, one.attempt.state) for one in found] == [("EUR", "submitted")]
    assert [refused.code for refused in found.refused.values()] == ["method_not_usable"]
    assert "EUR only" in found.refused["USD"].message
    story.check()


@pytest.mark.parametrize("debit_first", [False, True])
def test_what_only_its_currency_keeps_a_debit_from_paying_is_paid_by_the_default_card(
    sandbox: Running, debit_first: bool
) -> None:
    story = Paying(sandbox, kinds=DEBITS, bill=False, services=("cloud", "mail"))
    numbers = {name: story.add(name) for name in (("sepa", "approve") if debit_first else ("approve", "sepa"))}
    methods.activate(story.store, story.no, numbers["approve"], story.now, ADMIN)
    methods.activate(story.store, story.no, numbers["sepa"], story.now, ADMIN, (1,))
    story.bill(-1, 5_000, currency="USD")
    story.bill(3)
    story.until(3, "10:00")
    made = {a.currency: (a.state, a.method) for a in story.attempts()}
    assert made == {"USD": ("paid", numbers["approve"]), "EUR": ("submitted", numbers["sepa"])}
    story.check()


def test_what_no_default_can_pay_in_its_currency_is_paid_by_what_pays_for_another_service(sandbox: Running) -> None:
    story = Paying(sandbox, kinds=DEBITS, bill=False, services=("cloud", "mail"))
    story.card("sepa")
    card = story.card("approve", 2)
    story.bill(-1, 5_000, currency="USD")
    story.until(-1, "10:00")
    assert [(a.state, a.method) for a in story.attempts()] == [("paid", card)]
    story.check()
