"""Taking money, told by day: the scenarios of the model that are about payment methods and settling."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.stories.paying import ADMIN, Paying, post
from tests.stories.story import PRICE, table

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.payments.declines import guidance
from arrears.core.states import State
from arrears.engine.payments import attempts, methods, settling
from arrears.engine.payments import pages as hosted
from arrears.engine.payments.settling import StaleQuote
from arrears.sandbox.run import Running
from arrears.wiring import texts


def outcome_of(story: Paying, place: int = 0) -> str:
    """The first message, or the one at this place, its lines joined."""
    found = story.mail.taken[place]
    return " ".join(f"{found.subject} {found.text}".split())


def test_a_card_invoice_is_charged_at_nine_on_its_due_date(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card()
    story.until(3)
    assert story.diary(only="attempt paid past case") == table("""
        day -1 09:00 attempt 1 by merchant: EUR 12000 with method 1 for I1
        day -1 09:00 attempt 1 paid
        day -1 09:00 paid 12000 EUR
    """)
    assert story.taken() == {"EUR": PRICE}


def test_a_decline_makes_the_debt_past_due_that_day_and_the_reminder_goes_out_at_once(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(-1, "10:00")
    assert story.diary() == table("""
        day -1 09:00 attempt 1 by merchant: EUR 12000 with method 1 for I1
        day -1 09:00 attempt 1 declined: insufficient_funds
        day -1 09:00 declined I1
        day -1 09:00 past due I1 from day -1
        day -1 09:00 reminder 0
    """)


def test_scenario_6_a_charge_refused_for_want_of_authentication_is_confirmed_with_the_same_card(
    sandbox: Running,
) -> None:
    story = Paying(sandbox)
    story.stage.context = replace(story.stage.context, writer=texts())
    card = story.card("challenge")
    story.until(2)
    assert story.sub().state is State.PAST_DUE
    assert [a.state for a in story.attempts()] == ["needs_customer"]
    for said in ("Bevestig € 120,00 voor cloud", "die hoeft niet te worden vervangen", "/settle/acc_1"):
        assert said in outcome_of(story)
    assert story.settle(card) == ["needs_customer"]
    assert story.account.doubts, "the payer is at the bank"
    story.answer_bank(confirmed=True).sweep()
    assert story.sub().state is State.ACTIVE
    assert [a.state for a in story.attempts()] == ["canceled", "paid"]
    assert story.taken() == {"EUR": PRICE}
    story.check()


def test_what_the_bank_wants_confirmed_is_charged_once_more_with_the_payer_there(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("challenge")
    story.until(2)

    def confirm() -> settling.Result | None:
        newest = story.attempts()[-1]
        return settling.confirm(story.store, story.providers, story.no, newest, lambda: story.now, ADMIN)

    first, again = confirm(), confirm()
    assert first is not None
    assert again is not None
    assert first.url == again.url
    assert first.url.startswith(sandbox.url)
    story.answer_bank(confirmed=True).sweep()
    assert confirm() is None, "nothing waits any more"
    assert [a.state for a in story.attempts()] == ["canceled", "paid"]
    assert (story.captures(), story.taken()) == (1, {"EUR": PRICE})
    story.check()


def test_a_confirmation_takes_what_was_asked_for_and_no_more(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("challenge")
    story.bill(1, 500)
    story.until(3)
    asked = story.attempts()[0]
    assert (asked.amount_minor, [q.amount_minor for q in story.owed()]) == (PRICE, [PRICE + 500])
    with pytest.raises(StaleQuote):
        settling.confirm(story.store, story.providers, story.no, asked, lambda: story.now, ADMIN)
    assert story.captures() == 0


def test_a_payer_who_comes_back_before_the_webhook_is_told_by_asking(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(2)
    shown = {q.currency: q.hash for q in story.owed()}
    url = hosted.open_page(story.store, story.providers, story.no, shown, story.now, "paylink:1")
    attempts.ask_page(story.store, story.providers, story.no, 1, story.now)
    assert [a.state for a in story.attempts()] == ["submitted"], "whoever is still on the page is not hurried"
    post(url, card="approve", do="go")
    for _ in range(2):
        attempts.ask_page(story.store, story.providers, story.no, 1, story.now)
    assert [a.state for a in story.attempts()] == ["paid"]
    assert story.sub().state is State.ACTIVE
    assert story.taken() == {"EUR": PRICE}
    story.check()


def test_scenario_9_one_total_for_everything_on_every_service(sandbox: Running) -> None:
    story = Paying(sandbox, services=("cloud", "mail", "storage"), bill=False)
    story.card("insufficient_funds", 1, 2)
    story.card("lost", 3)
    for subscription in (1, 2, 3):
        story.bill(-1, 1000 * subscription, subscriptions=(subscription,))
    story.until(2)
    assert {s.state for s in story.account.subscriptions} == {State.PAST_DUE}
    new = story.add()
    assert story.settle(new) == ["paid"]
    assert {s.state for s in story.account.subscriptions} == {State.ACTIVE}
    assert story.taken() == {"EUR": 6000}
    assert {s.method for s in story.account.subscriptions} == {new}
    story.check()


def test_scenario_10_what_the_chosen_card_owes_for_another_service_is_in_the_total(sandbox: Running) -> None:
    story = Paying(sandbox, services=("cloud", "mail"), bill=False)
    story.card("generic", 1)
    chosen = story.card("insufficient_funds", 2)
    story.bill(-1, 1000, subscriptions=(1,))
    story.until(0)
    [cloud_alone] = story.owed()
    story.bill(1, 2500, subscriptions=(2,))
    story.until(2)
    story.bank_says(chosen, "approve")
    [quote] = story.owed()
    assert (quote.amount_minor, quote.numbers) == (3500, ("I1-1", "I1-2"))
    with pytest.raises(StaleQuote, match=r"€35\.00"):
        story.settle(chosen, quotes=[cloud_alone])
    assert story.taken() == {}
    assert story.settle(chosen) == ["paid"]
    assert story.taken() == {"EUR": 3500}


def test_scenario_11_paying_only_one_of_two_subscriptions_on_a_card_is_refused_with_the_total(sandbox: Running) -> None:
    story = Paying(sandbox, services=("cloud", "mail"), bill=False)
    story.card("insufficient_funds")
    story.bill(-1, 1000, subscriptions=(1,))
    story.until(0)
    [only_one] = story.owed()
    new = story.add()
    story.bill(0, 2500, subscriptions=(2,))
    story.until(2)
    with pytest.raises(StaleQuote) as refusal:
        story.settle(new, quotes=[only_one])
    assert [q.amount_minor for q in refusal.value.now_owed] == [3500]
    assert "€35.00" in refusal.value.message
    assert story.taken() == {}
    assert story.settle(new) == ["paid"]


def test_scenario_12_subscriptions_on_the_failed_card_move_and_the_others_keep_theirs(sandbox: Running) -> None:
    story = Paying(sandbox, services=("cloud", "mail", "storage", "backup"), bill=False)
    failed = story.card("insufficient_funds", 1, 2, 3)
    other = story.card("approve_mastercard", 4)
    story.bill(-1, 1000, subscriptions=(1,))
    story.bill(-1, 1000, subscriptions=(2,))
    story.until(2)
    new = story.add()
    assert [s.method for s in story.account.subscriptions] == [failed, failed, failed, other]
    assert story.settle(new) == ["paid"]
    assert [s.method for s in story.account.subscriptions] == [new, new, new, other]


def test_scenario_14_a_declined_card_changes_nothing(sandbox: Running) -> None:
    story = Paying(sandbox)
    old = story.card("insufficient_funds")
    story.until(2)
    before, mails = story.account, len(story.mail.taken)
    new = story.add("generic")
    assert story.settle(new) == ["declined"]
    checks = " ".join(guidance(story.attempts()[-1].decline).checks)
    assert [word for word in ("international", "limit", "recurring") if word not in checks] == []
    story.until(2, "18:00")
    assert len(story.mail.taken) == mails, "nobody is told that anything was updated"
    after = story.account
    assert (after.past_due[0].open_minor, after.subscription(1).state) == (PRICE, State.PAST_DUE)
    assert after.subscription(1).method == old == before.subscription(1).method
    assert story.attempts()[-1].decline == "generic"
    assert not story.facts(f.PaymentBooked)
    assert not [1 for at, m in story.facts(f.MethodActivated) if at == story.now]


def test_scenario_15_a_challenge_that_is_left_moves_no_money_and_settling_can_be_tried_again(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(2)
    new = story.add("challenge")
    assert story.settle(new) == ["needs_customer"]
    story.until(3, "13:00")
    assert not story.account.doubts, "a challenge counts for a day"
    assert story.taken() == {}
    assert story.settle(new) == ["needs_customer"]
    story.answer_bank(confirmed=False).sweep()
    assert story.attempts()[-1].state == "declined"
    assert story.settle(new) == ["needs_customer"]
    story.answer_bank(confirmed=True).sweep()
    assert story.sub().state is State.ACTIVE
    assert story.taken() == {"EUR": PRICE}
    story.check()


def test_a_third_challenge_of_one_case_no_longer_counts_as_in_flight(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(2)
    new = story.add("challenge")
    counted = []
    for day in (2, 4, 6):
        story.until(day, "13:00")
        assert story.settle(new) == ["needs_customer"]
        counted.append(bool(story.account.doubts))
    assert counted == [True, True, False]
    assert [a.state for a in story.attempts() if a.method == new] == ["canceled", "canceled", "needs_customer"]


def test_scenario_16_paying_twice_is_one_capture_and_one_answer(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(2)
    new = story.add()
    quotes = story.owed()
    assert story.settle(new, quotes=quotes) == ["paid"]
    assert story.settle(new, quotes=quotes) == ["paid"]
    assert story.captures() == 1
    assert len([a for a in story.attempts() if a.state == "paid"]) == 1


@pytest.mark.parametrize(
    ("fault", "times", "at_once"),
    [("drop_after", 1, "paid"), ("error_after", 1, "paid"), ("late", 1, "paid"), ("late", 2, "unknown")],
)
def test_scenario_16_a_time_out_after_the_money_was_taken_is_looked_up_and_never_charged_again(
    sandbox: Running, fault: str, times: int, at_once: str
) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(2)
    new = story.add()
    sandbox.control("faults", plan=[{"kind": fault, "path": "payment_intents", "times": times}])
    assert story.settle(new) == [at_once]
    sandbox.control("release")
    story.until(2, "14:00").sweep()
    assert story.sub().state is State.ACTIVE
    assert (story.captures(), story.taken()) == (1, {"EUR": PRICE})
    story.check()


def test_scenario_18_after_a_failed_settlement_it_can_be_paid_in_parts_by_several_cards(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    story.bill(-1, 10_000)
    story.until(2)
    first, second = story.add(), story.add("approve_mastercard")
    with pytest.raises(Refused, match="once a payment of the whole sum has failed"):
        story.settle(first, part_minor={"EUR": 6000})
    assert story.settle(story.add("insufficient_funds")) == ["declined"]
    with pytest.raises(Refused, match=r"at least €1\.00"):
        story.settle(first, part_minor={"EUR": 99})
    assert story.settle(first, part_minor={"EUR": 6000}) == ["paid"]
    assert story.account.past_due[0].open_minor == 4000
    assert story.sub().state is State.PAST_DUE
    assert story.settle(second) == ["paid"]
    assert story.sub().state is State.ACTIVE
    assert story.taken() == {"EUR": 10_000}
    assert [fact.in_part for _, fact in story.facts(f.AttemptCreated)] == [False, True, False]
    story.check()


def test_scenario_20_what_is_settled_separately_stays_out_and_past_due(sandbox: Running) -> None:
    story = Paying(sandbox, services=("cloud", "market"), bill=False)
    story.bill(-1, 1000, subscriptions=(1,))
    story.bill_separately(-1, 7000, 2)
    story.until(2)
    assert [q.amount_minor for q in story.owed()] == [1000]
    new = story.add()
    assert story.settle(new) == ["paid"]
    assert (story.sub(1).state, story.sub(2).state) == (State.ACTIVE, State.PAST_DUE)
    assert [d.open_minor for d in story.account.past_due] == [7000]


def card_expiring_before_the_due_date(story: Paying) -> int:
    """A card in use whose last day is the last of 2025; the invoice is due on the first day of 2026."""
    card = story.card()
    methods.renew(story.store, story.providers, story.no, card, 12, 2025, story.now, ADMIN)
    return card


def test_scenario_21_adding_a_card_collects_nothing_and_a_renewed_one_needs_only_its_expiry(sandbox: Running) -> None:
    story = Paying(sandbox)
    expired = card_expiring_before_the_due_date(story)
    story.until(2)
    story.add()
    assert (story.taken(), story.sub().state) == ({}, State.PAST_DUE)
    methods.renew(story.store, story.providers, story.no, expired, 12, 2030, story.now, ADMIN)
    assert story.sub().method == expired
    assert story.settle(expired) == ["paid"]
    assert story.sub().state is State.ACTIVE


def test_scenario_22_an_expired_card_fails_as_expired_and_the_network_is_not_asked(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.stage.context = replace(story.stage.context, writer=texts())
    card_expiring_before_the_due_date(story)
    story.until(1)
    [attempt] = story.attempts()
    assert (attempt.state, attempt.decline, attempt.ref) == ("declined", "expired", "")
    assert story.sub().state is State.PAST_DUE
    assert "card 1 verloopt" in outcome_of(story), "it was announced"
    assert "Vul de nieuwe vervaldatum in of voeg een nieuwe kaart toe." in outcome_of(story, 1)
    assert "uw bank" not in outcome_of(story, 1)


def test_scenarios_23_and_24_a_card_that_is_active_owes_or_is_in_retention_cannot_be_removed(sandbox: Running) -> None:
    story = Paying(sandbox)
    card = story.card("insufficient_funds")
    story.until(2)
    with pytest.raises(Refused, match=r"active for cloud.*owes invoice I1-1"):
        methods.remove(story.store, story.providers, story.no, card, story.now, ADMIN)
    story.until(60)
    assert story.sub().state is State.DISABLED
    with pytest.raises(Refused, match="in retention until"):
        methods.remove(story.store, story.providers, story.no, card, story.now, ADMIN)
    new = story.add()
    assert story.settle(new) == ["paid"]
    methods.remove(story.store, story.providers, story.no, card, story.now, ADMIN)
    assert [m.removed for m in story.store.methods(story.no)] == [True, False]
    story.check()


def test_scenario_24_after_the_deletion_of_its_subscription_a_card_can_be_removed(sandbox: Running) -> None:
    story = Paying(sandbox)
    card = story.card("insufficient_funds")
    story.until(140)
    assert story.sub().state is State.DELETED
    assert story.account.debts[0].open_minor == PRICE, "it stays owed, and is pursued no longer"
    methods.remove(story.store, story.providers, story.no, card, story.now, ADMIN)
    assert [m.removed for m in story.store.methods(story.no)] == [True]
    story.check()


def test_scenario_25_a_prepaid_card_is_refused_before_it_is_stored(sandbox: Running) -> None:
    story = Paying(sandbox)
    page = story.set_up("prepaid")
    with pytest.raises(Refused, match="prepaid"):
        methods.finish_setup(story.store, story.providers, story.no, "stripe", page, story.now, ADMIN)
    assert story.store.methods(story.no) == []


def test_scenario_30_paid_on_day_10_of_retention_it_runs_again_and_a_later_end_starts_afresh(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(41)
    assert story.sub().state is State.DISABLED
    assert story.settle(story.add()) == ["paid"]
    assert (story.sub().state, story.sub().end, story.sub().generation) == (State.ACTIVE, None, 2)
    assert story.hands.commands[-1] == (story.no, 1, "resume")
    assert story.diary(41, only="attempt paid resumed method case") == table("""
        day 41 12:00 method 2 added: visa
        day 41 12:00 attempt 6 by customer: EUR 12000 with method 2 for I1
        day 41 12:00 attempt 6 paid
        day 41 12:00 paid 12000 EUR
        day 41 12:00 method 2 pays for cloud
        day 41 12:00 resumed cloud: disabled -> active
        day 41 12:00 case settled
    """)
    story.bank_says(2, "insufficient_funds")
    story.bill(50)
    story.until(90)
    end = story.sub().end
    assert end is not None
    assert (story.sub().generation, end.ended_on, end.delete.promised_on) == (2, story.date(80), story.date(170))
    story.check()


def test_several_currencies_are_charged_one_after_the_other_and_each_success_counts(sandbox: Running) -> None:
    story = Paying(sandbox, services=("cloud", "mail"), bill=False)
    story.bill(-1, 1000, subscriptions=(1,), currency="EUR")
    story.bill(-1, 2000, subscriptions=(2,), currency="USD")
    story.card("insufficient_funds")
    story.until(2)
    assert [(q.currency, q.amount_minor) for q in story.owed()] == [("EUR", 1000), ("USD", 2000)]
    assert story.settle(story.add()) == ["paid", "paid"]
    assert story.taken() == {"EUR": 1000, "USD": 2000}


def test_account_credit_is_used_before_anything_is_charged(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.pay(5000, debts=())
    story.card()
    story.until(0)
    assert story.taken() == {"EUR": PRICE - 5000}


def test_after_a_never_retry_code_settling_with_that_card_is_refused_with_the_reason(sandbox: Running) -> None:
    story = Paying(sandbox)
    card = story.card("lost")
    story.until(2)
    with pytest.raises(Refused) as refusal:
        story.settle(card)
    assert refusal.value.code == "never_retry"
    assert len(story.attempts()) == 1


def test_the_bank_fixed_it_and_the_same_card_pays(sandbox: Running) -> None:
    story = Paying(sandbox)
    card = story.card("insufficient_funds")
    story.until(2)
    story.bank_says(card, "approve")
    assert story.settle(card) == ["paid"]
    assert story.sub().state is State.ACTIVE


def test_a_single_use_card_keeps_its_payment_and_is_never_tried_again(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("single_use")
    story.until(0)
    assert story.taken() == {"EUR": PRICE}
    assert not story.account.method(1).durable
    story.bill(20)
    story.until(30)
    assert len(story.attempts()) == 1
    assert story.sub().state is State.PAST_DUE


def test_retries_follow_the_paydays_and_stop_when_one_pays(sandbox: Running) -> None:
    story = Paying(sandbox)
    card = story.card("insufficient_funds")
    story.until(12)
    first = [(a.initiator, a.state) for a in story.attempts()]
    assert first[0] == ("merchant", "declined")
    assert 2 <= len(first) <= 5
    story.bank_says(card, "approve")
    story.until(29)
    assert story.attempts()[-1].state == "paid"
    assert story.sub().state is State.ACTIVE
    assert story.taken() == {"EUR": PRICE}
    story.check()


def test_a_hold_on_charging_keeps_the_first_charge_back(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card()
    story.hold(3)
    story.until(3)
    assert story.attempts() == []
    story.until(5)
    assert [a.state for a in story.attempts()] == ["paid"]


def test_a_page_that_was_opened_is_paid_once_and_money_for_a_replaced_page_becomes_credit(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(2)
    [quote] = story.owed()
    shown = {quote.currency: quote.hash}
    url = hosted.open_page(story.store, story.providers, story.no, shown, story.now, "paylink:1")
    assert url.startswith(sandbox.url)
    session = story.attempts()[-1].ref
    sandbox.control("card", session=session, card="approve")
    story.sweep()
    assert story.sub().state is State.ACTIVE
    assert story.taken() == {"EUR": PRICE}
    assert not story.account.methods, "a page stores no card"
    story.check()


@pytest.mark.parametrize("days", [100, 365, 730])
def test_a_success_is_remembered_as_long_as_the_decline_that_it_cured(sandbox: Running, days: int) -> None:
    story = Paying(sandbox)
    card = story.card()
    story.bank_says(card, "expired").until(1)
    assert story.attempts()[-1].state == "declined"
    assert story.bank_says(card, "approve").settle(card) == ["paid"]
    story.down_until(days - 2)
    story.bill(days)
    story.bank_says(card, "insufficient_funds")
    story.until(days, "12:00")
    assert [a.decline for a in story.attempts()] == ["expired", "", "insufficient_funds"]
    story.bank_says(card, "approve")
    story.until(days + 10)
    assert (story.attempts()[-1].state, story.sub().state) == ("paid", State.ACTIVE)
    story.check()
