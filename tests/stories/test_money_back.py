"""Money that leaves again, webhooks that lie or get lost, and a provider that has a bad day."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta

import pytest
from tests.stories.paying import Paying
from tests.stories.story import PRICE, STAFF

from arrears.core import facts as f
from arrears.core.account import DoubtKind
from arrears.core.errors import Refused
from arrears.core.payments.values import AttemptCanceled, AttemptChange
from arrears.core.states import State
from arrears.engine.payments import pages as hosted
from arrears.engine.payments import provider_changes as changes
from arrears.engine.payments import refunds, sweep
from arrears.engine.payments.reconciliation import check
from arrears.engine.payments.settling import StaleQuote
from arrears.sandbox.run import Running


@pytest.fixture
def paid(sandbox: Running) -> Paying:
    """An account whose invoice was charged on its due date."""
    story = Paying(sandbox)
    story.card()
    story.until(2)
    assert story.taken() == {"EUR": PRICE}
    return story


def intent(story: Paying) -> str:
    return story.attempts()[-1].ref


def books_agree(story: Paying) -> None:
    found = check(story.store, story.stripe, story.instant(-30), story.now + timedelta(days=400))
    assert found.differences == ()
    assert found.ours == found.theirs == story.taken()
    story.check()


def test_a_chargeback_reopens_the_debt_that_day_and_holds_it_until_it_is_decided(paid: Paying) -> None:
    dispute = paid.sandbox.control("dispute", intent=intent(paid))["id"]
    paid.sweep()
    assert paid.sub().state is State.PAST_DUE
    assert paid.account.past_due[0].day_0 == paid.date(2)
    assert paid.account.debt_is_held(1)
    assert paid.owed() == [], "what is disputed is not demanded"
    paid.until(60)
    assert paid.sub().state is State.PAST_DUE, "nothing is cut while it is open"
    paid.sandbox.control("close", dispute=dispute, won=True)
    paid.sweep()
    assert paid.sub().state is State.ACTIVE
    books_agree(paid)


def test_a_chargeback_that_is_lost_is_owed_again_with_its_full_ladder(paid: Paying) -> None:
    dispute = paid.sandbox.control("dispute", intent=intent(paid))["id"]
    paid.sweep()
    paid.until(20)
    paid.sandbox.control("close", dispute=dispute, won=False)
    paid.sweep()
    books_agree(paid)
    paid.until(30)
    assert paid.sub().state is State.PAST_DUE
    assert [q.amount_minor for q in paid.owed()] == [PRICE]
    disabled = [r for r in paid.history() if isinstance(r.fact, f.Disabled)]
    assert disabled == []


def test_a_refund_by_staff_reopens_nothing(paid: Paying) -> None:
    payment = f"stripe:{intent(paid)}"
    refunds.refund(paid.store, paid.providers, payment, 5000, paid.now, STAFF, "kindness", "a")
    refunds.refund(paid.store, paid.providers, payment, 7000, paid.now, STAFF, "kindness", "b")
    assert (paid.account.past_due, paid.sub().state) == ((), State.ACTIVE)
    with pytest.raises(Refused, match="at most €0"):
        refunds.refund(paid.store, paid.providers, payment, 1, paid.now, STAFF, "again", "c")
    paid.sweep().sweep()
    books_agree(paid)


def test_a_refund_whose_answer_is_lost_is_found_by_the_sweep_and_recorded_once(paid: Paying) -> None:
    paid.sandbox.control("faults", plan=[{"kind": "drop_after", "path": "refunds", "times": 1}])
    payment = f"stripe:{intent(paid)}"
    assert refunds.refund(paid.store, paid.providers, payment, 5000, paid.now, STAFF, "kindness", "a").ref == ""
    paid.sweep().sweep()
    assert [fact.amount_minor for _, fact in paid.facts(f.Refunded)] == [5000]
    books_agree(paid)


def test_every_order_and_repetition_of_what_webhooks_tell_comes_to_the_same(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(2)
    new = story.add("challenge")
    story.settle(new)
    story.answer_bank(confirmed=True)
    book = sandbox.sandbox.book
    payloads = [json.dumps(sandbox.sandbox.api.event_json(i)).encode() for i in range(len(book.events))][-4:]
    ends = set()
    for order in itertools.permutations(payloads):
        for payload in (*order, *order):
            signature = sandbox.sandbox.signed(payload, int(story.now.timestamp()))
            story.webhook(payload, signature)
        ends.add((story.sub().state, story.captures(), len(story.history())))
    assert len(ends) == 1
    assert story.sub().state is State.ACTIVE
    books_agree(story)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda body, sig: (body, ""), "bad_signature"),
        (lambda body, sig: (body[:-1], sig), "bad_signature"),
        (lambda body, sig: (body.replace(b" ", b""), sig), "bad_signature"),
        (lambda body, sig: (body, sig.replace("v1=", "v1=0")), "bad_signature"),
        (lambda body, sig: (body, "t=1,v1=" + sig.split("v1=")[1]), "bad_signature"),
    ],
)
def test_a_webhook_that_is_not_the_providers_changes_nothing(paid: Paying, change: object, code: str) -> None:
    body = json.dumps(paid.sandbox.sandbox.api.event_json(0)).encode()
    forged = change(body, paid.sandbox.sandbox.signed(body, int(paid.now.timestamp())))  # type: ignore[operator]
    before = len(paid.history())
    with pytest.raises(Refused) as refusal:
        paid.webhook(*forged)
    assert (refusal.value.code, len(paid.history())) == (code, before)


def test_a_webhook_of_six_minutes_ago_or_of_the_other_mode_is_refused(paid: Paying) -> None:
    body = json.dumps(paid.sandbox.sandbox.api.event_json(0)).encode()
    with pytest.raises(Refused, match="too long ago"):
        paid.webhook(body, paid.sandbox.sandbox.signed(body, int(paid.now.timestamp()) - 360))
    live = body.replace(b'"livemode": false', b'"livemode": true')
    with pytest.raises(Refused, match="mode"):
        paid.webhook(live, paid.sandbox.sandbox.signed(live, int(paid.now.timestamp())))


def test_what_four_days_of_lost_webhooks_told_is_found_by_the_sweep(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(25)
    new = story.add("challenge")
    story.settle(new)
    story.answer_bank(confirmed=True)
    story.stage.now += timedelta(days=4)
    story.sweep()
    assert story.sub().state is State.ACTIVE
    books_agree(story)


def test_nothing_is_cut_while_an_attempt_is_in_flight(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(29, "13:00")
    story.settle(story.add("challenge"))
    story.until(30, "12:30")
    assert story.sub().state is State.PAST_DUE
    assert [d.kind for d in story.account.doubts] == [DoubtKind.ATTEMPT]
    assert "deferred" in story.tasks()


def test_a_time_out_of_which_the_provider_has_nothing_is_proof_only_after_a_day(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(2)
    new = story.add()
    sandbox.control("faults", plan=[{"kind": "drop_before", "path": "payment_intents", "times": 1000}])
    assert story.settle(new) == ["unknown"]
    story.until(2, "20:00")
    sweep.sweep(story.store, story.providers, story.now)
    assert story.account.attempts[0].state == "unknown"
    story.until(3, "14:00")
    sweep.sweep(story.store, story.providers, story.now)
    assert story.attempts()[-1].state == "canceled"
    sandbox.control("faults", plan=[])
    assert story.settle(new) == ["paid"]
    assert story.captures() == 1
    books_agree(story)


def test_a_storm_of_declines_opens_the_breaker_and_tells_staff(sandbox: Running) -> None:
    story = Paying(sandbox)
    assert not story.store.system().breaker_open
    story.inner.attempts_finished_since = lambda since: (15, 20)  # type: ignore[method-assign]
    story.store.attempts_finished_since = story.inner.attempts_finished_since
    story.until(1).sweep()
    assert story.store.system().breaker_open
    assert "decline_storm" in story.tasks()


def test_money_for_a_page_that_had_been_replaced_becomes_credit_and_pays_what_is_open(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(2)
    [quote] = story.owed()
    hosted.open_page(story.store, story.providers, story.no, {"EUR": quote.hash}, story.now, "paylink:1")
    session = story.attempts()[-1].ref
    sandbox.control("card", session=session, card="approve")
    with pytest.raises(StaleQuote, match="it is now nothing"):
        story.settle(story.add("approve_mastercard"))
    assert (story.captures(), story.sub().state) == (1, State.ACTIVE)
    books_agree(story)


def test_changes_of_what_is_not_ours_are_left_alone(paid: Paying) -> None:
    before = len(paid.history())
    for reference in ("", "order-7", "att_x_1", "att_999_1", "att_1_99"):
        changes.apply(
            paid.store, "stripe", AttemptChange(reference, AttemptCanceled("pi_x", reached_network=False)), paid.now
        )
    assert len(paid.history()) == before
