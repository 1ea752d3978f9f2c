"""Bad days of the provider and of ours, told by day (F9, F10, F18, F21, F34 and F55 of the reliability reference)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.stories.paying import Paying, post
from tests.stories.story import PRICE

from arrears.adapters.payments.stripe import Stripe
from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.errors import Refused
from arrears.core.payments.values import RefundState
from arrears.core.states import State
from arrears.engine.payments import attempts, recording, refunds
from arrears.engine.payments import pages as hosted
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.reconciliation import check
from arrears.engine.run import run
from arrears.sandbox.run import Running

NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there: the provider is gone."""


def gone(sandbox: Running) -> Providers:
    """The same provider, which cannot be reached."""
    return Providers({"stripe": Stripe(sandbox.secret_key, [], live=False, api_base=NOWHERE)})


@pytest.mark.parametrize("fault", ["limited", "drop_before", "error_before"])
def test_two_hours_without_the_provider_on_the_due_date_make_nobody_past_due(sandbox: Running, fault: str) -> None:
    story = Paying(sandbox)
    story.card()
    sandbox.control("faults", plan=[{"kind": fault, "path": "payment_intents", "times": 1000}])
    story.until(-1, "10:00").sweep()
    assert [a.state for a in story.attempts()] == ["unknown"]
    assert story.account.past_due == ()
    sandbox.control("faults", plan=[])
    story.until(-1, "11:00").sweep()
    assert [a.state for a in story.attempts()] == ["paid"]
    assert story.captures() == 1
    story.check()


def test_nobody_is_cut_off_while_the_provider_cannot_be_read(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(30, "12:00").sweep()
    working, story.providers = story.providers, gone(sandbox)
    story.until(30, "23:00").sweep()
    assert story.store.system().feed_stale
    story.until(31, "12:00").sweep()
    assert story.sub().state is State.PAST_DUE
    assert "deferred" in story.tasks()
    story.providers = working
    story.sweep()
    assert not story.store.system().feed_stale
    story.until(50)
    assert story.sub().state is State.DISABLED
    [(disabled_at, _)] = story.facts(f.Disabled)
    warned = [on for _, fact in story.facts(f.Noticed) for w in fact.each(f.Warning) for on in [w.promised_on]]
    assert story.calendar.local_day(disabled_at) == max(warned[:3]) + timedelta(days=1), "the doubt voided the warnings"
    story.check()


def test_a_short_outage_of_the_provider_stops_nothing(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(30, "22:00").sweep()
    story.providers = gone(sandbox)
    story.until(30, "23:50").sweep()
    assert not story.store.system().feed_stale
    story.until(31)
    assert story.sub().state is State.DISABLED


def test_a_chargeback_months_after_everything_ran_again_starts_a_new_case_with_its_whole_ladder(
    sandbox: Running,
) -> None:
    story = Paying(sandbox)
    story.until(35)
    assert story.settle(story.add()) == ["paid"]
    story.until(150)
    ref = story.attempts()[-1].ref
    dispute = story.control("dispute", intent=ref)["id"]
    story.control("close", dispute=dispute, won=False)
    story.sweep()
    assert story.sub().state is State.PAST_DUE
    assert story.account.case is not None
    assert story.account.case.no == 2
    story.until(179)
    assert story.sub().state is State.PAST_DUE
    story.until(182)
    assert story.sub().state is State.DISABLED
    warned = [w.promised_on for _, fact in story.facts(f.Noticed) for w in fact.each(f.Warning)]
    assert story.date(180) in warned
    story.check()


def test_what_was_charged_back_is_never_charged_by_ourselves_but_can_be_paid_with_the_same_card(
    sandbox: Running,
) -> None:
    story = Paying(sandbox)
    card = story.card()
    story.until(2)
    dispute = story.control("dispute", intent=story.attempts()[-1].ref)["id"]
    story.control("close", dispute=dispute, won=False)
    story.sweep()
    story.until(20)
    assert len(story.attempts()) == 1
    assert story.settle(card) == ["paid"]
    assert (story.captures(), story.taken()) == (2, {"EUR": PRICE})
    assert story.sub().state is State.ACTIVE
    story.check()


@pytest.mark.parametrize(
    ("currency", "minor"),
    [("EUR", 12_345), ("JPY", 12_345), ("KWD", 12_340), ("HUF", 17_501), ("TWD", 12_301), ("USD", 99_999_999)],
)
def test_every_currency_is_charged_to_its_smallest_unit(sandbox: Running, currency: str, minor: int) -> None:
    story = Paying(sandbox, bill=False)
    story.bill(-1, minor, currency=currency)
    story.until(1)
    assert story.settle(story.add()) == ["paid"]
    assert story.taken() == {currency: minor}
    assert check(story.store, story.stripe, story.instant(-30), story.now + timedelta(days=1)).holds


@pytest.mark.parametrize(("currency", "theirs"), [("ISK", 1_230_000), ("UGX", 1_230_000), ("MGA", 123)])
def test_a_currency_that_the_provider_counts_otherwise_is_charged_and_given_back_to_the_unit(
    sandbox: Running, currency: str, theirs: int
) -> None:
    story = Paying(sandbox, bill=False)
    story.card()
    story.bill(-1, 12_300, currency=currency)
    story.until(1)
    assert [(a.state, a.amount_minor) for a in story.attempts()] == [("paid", 12_300)]
    assert story.taken() == {currency: theirs}
    payment = f"stripe:{story.attempts()[-1].ref}"
    given = refunds.refund(story.store, story.providers, payment, 2_300, story.now, "staff:1", "kindness", "r")
    assert given.state is RefundState.DONE
    assert story.taken() == {currency: theirs - theirs // 123 * 23}
    story.sweep()
    book = check(story.store, story.stripe, story.instant(-30), story.now + timedelta(days=1))
    assert (book.holds, story.account.debts, story.tasks()) == (True, (), [])
    story.check()


def test_a_charge_that_could_not_even_be_asked_for_waits_and_tells_staff(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card()
    story.stage.providers = Providers({})
    story.until(-1, "10:00")
    assert [a.state for a in story.attempts()] == ["unknown"]
    assert "charge_refused" in story.tasks()
    story.stage.providers = story.providers
    story.until(-1, "12:00").sweep()
    assert story.taken() == {"EUR": PRICE}


@pytest.mark.parametrize("hours", [25, 31 * 24])
def test_an_unknown_outcome_that_outlives_the_providers_memory_of_keys_is_looked_up_and_not_charged_again(
    sandbox: Running, hours: int
) -> None:
    story = Paying(sandbox)
    story.until(2)
    card = story.add()
    away = {"kind": "drop_before", "verb": "GET", "path": "payment_intents", "times": 10_000}
    sandbox.control("faults", plan=[{"kind": "drop_after", "path": "payment_intents", "times": 1}, away])
    assert story.settle(card) == ["unknown"]
    story.stage.now += timedelta(hours=hours)
    sandbox.control("faults", plan=[])
    story.sweep()
    assert [a.state for a in story.attempts()] == ["paid"]
    assert (story.captures(), story.taken(), story.sub().state) == (1, {"EUR": PRICE}, State.ACTIVE)


def test_a_customer_who_confirms_five_days_later_has_paid_once(sandbox: Running) -> None:
    story = Paying(sandbox)
    card = story.card("challenge")
    story.until(2)
    assert story.settle(card) == ["needs_customer"]
    story.until(7)
    story.answer_bank(confirmed=True).sweep()
    assert [a.state for a in story.attempts()] == ["canceled", "paid"]
    assert (story.captures(), story.taken(), story.sub().state) == (1, {"EUR": PRICE}, State.ACTIVE)
    story.check()


def test_a_payment_that_our_book_holds_already_is_looked_at_by_staff_and_nobody_is_pursued_for_it(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Paying(sandbox)
    story.card()
    story.until(0)
    book = sandbox.sandbox.book
    known, new_id = story.attempts()[0].ref, book.new_id
    story.bill(5)
    monkeypatch.setattr(book, "new_id", lambda prefix: known if prefix == "pi" else new_id(prefix))
    story.until(5, "10:00")
    assert [a.state for a in story.attempts()] == ["paid", "unknown"]
    assert story.tasks() == ["charge_refused"]
    story.until(50).sweep()
    assert story.sub().state is State.PAST_DUE, "an attempt that nobody understands cuts nobody off"


def test_one_change_that_cannot_be_recorded_holds_up_no_other_and_is_read_again(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Paying(sandbox)
    story.until(25)
    story.settle(story.add("challenge"))
    story.answer_bank(confirmed=True).sweep()
    story.until(26)
    follow, odd = recording.follow, [0]

    def refusing(*told: Any) -> None:
        odd[0] += 1
        if odd[0] == 1:
            raise Refused("unreadable_state", "the state of account 7 cannot be read")
        follow(*told)

    story.control("dispute", intent=story.attempts()[-1].ref)
    monkeypatch.setattr(recording, "follow", refusing)
    story.sweep()
    assert story.account.debt_is_held(1), "the dispute came after what was refused"
    assert [d.kind for d in story.account.doubts] == [DoubtKind.FEED], "its account waits"
    assert not story.store.system().feed_stale, "nobody else does"
    monkeypatch.undo()
    story.sweep()
    assert (story.account.doubts, story.tasks()) == ((), [])


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_scenario_29_payment_and_the_disablement_fall_on_the_same_instant_and_the_paid_one_wins(
    sandbox: Running, seconds: int
) -> None:
    story = Paying(sandbox)
    card = story.add()
    story.just_before(31)
    story.stage.now = story.instant(31) + timedelta(seconds=seconds)
    if seconds > 0:
        story.run()
    assert story.settle(card) == ["paid"]
    story.run()
    assert story.sub().state is State.ACTIVE
    assert len(story.facts(f.Disabled)) == (1 if seconds > 0 else 0)
    assert story.sub().orders == (), "at once active again"
    story.check()


def test_what_is_paid_by_transfer_before_its_charge_leaves_is_not_charged_too(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card()
    story.until(-1, "08:00")
    story.stage.now = story.instant(-1, "09:00")
    run(story.store, story.now)
    assert [a.state for a in story.attempts()] == ["created"], "recorded, and nobody has been asked"
    story.pay()
    assert (story.captures(), story.attempts()[0].state) == (0, "canceled")
    story.until(1).sweep()
    assert (story.captures(), story.account.credit) == (0, {})
    story.check()


def test_what_is_disputed_before_its_charge_leaves_is_not_charged(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card()
    story.until(-1, "08:00")
    story.stage.now = story.instant(-1, "09:00")
    run(story.store, story.now)
    story.dispute()
    story.stage.perform()
    story.until(1).sweep()
    assert (story.captures(), story.attempts()[0].state) == (0, "canceled")


def test_a_payment_page_is_ended_when_what_it_was_for_is_paid_in_another_way(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(2)
    [quote] = story.owed()
    url = hosted.open_page(story.store, story.providers, story.no, {"EUR": quote.hash}, story.now, "paylink:1")
    story.pay()
    story.until(2, "12:05").sweep()
    assert [a.state for a in story.attempts()] == ["canceled"]
    post(url, card="approve", do="go")
    story.sweep()
    assert (story.captures(), story.account.credit) == (0, {})
    story.check()


@pytest.mark.parametrize("answered", [True, False], ids=["its answer was lost", "nobody had asked yet"])
def test_a_payment_page_whose_opener_died_is_found_again_and_ended(
    sandbox: Running, answered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Paying(sandbox)
    story.until(2)
    [quote] = story.owed()

    class Died(Exception):
        pass

    def die(*_: object) -> None:
        raise Died

    point = "attempt.after_call" if answered else "attempt.before_call"
    monkeypatch.setattr(attempts, "reached", lambda where: die() if where == point else None)
    with pytest.raises(Died):
        hosted.open_page(story.store, story.providers, story.no, {"EUR": quote.hash}, story.now, "paylink:1")
    monkeypatch.undo()
    assert [a.state for a in story.attempts()] == ["created"]
    card = story.add()
    assert story.settle(card) == ["paid"]
    assert [a.state for a in story.attempts()] == ["canceled", "paid"]
    assert (story.captures(), story.taken()) == (1, {"EUR": PRICE})
    story.check()


def test_a_confirmation_that_nobody_gave_is_ended_when_its_debt_is_paid_in_another_way(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.until(2)
    assert story.settle(story.add("challenge")) == ["needs_customer"]
    story.pay()
    story.until(2, "13:00").sweep()
    assert [a.state for a in story.attempts()] == ["canceled"]
    story.check()


def test_a_failure_that_is_kept_under_the_key_proves_nothing_for_a_day_and_then_it_is_charged_once(
    sandbox: Running,
) -> None:
    story = Paying(sandbox)
    story.card()
    sandbox.control("refuse", codes={"eur": "invalid_currency"})
    sandbox.control("faults", plan=[{"kind": "error_after", "path": "payment_intents", "times": 1}])
    story.until(-1, "10:00").sweep()
    sandbox.control("refuse", codes={})
    for day, hour in ((-1, "20:00"), (0, "08:00")):
        story.until(day, hour).sweep()
        assert [a.state for a in story.attempts()] == ["unknown"], "it may still be brought to its end there"
    story.until(3).sweep()
    assert [a.state for a in story.attempts()] == ["canceled", "paid"]
    assert story.captures() == 1
    story.check()
