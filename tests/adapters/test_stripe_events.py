"""What Stripe says by itself: signed events, the sweep, its book. An event only says where to look."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import stripe
from tests.adapters.stripe_wire import (
    NOW,
    SECRET,
    Body,
    T,
    Wire,
    adapter,
    card_error,
    charge,
    dispute,
    event,
    intent,
    listed,
    page,
    paid_charge,
    refund,
    refusal,
)

from arrears.core.errors import Refused
from arrears.core.payments.values import (
    AttemptChange,
    BookLine,
    CardsTried,
    Change,
    Codes,
    DebitReturned,
    Declined,
    DisputeChange,
    DisputeState,
    Paid,
    RefundChange,
    RefundState,
    SetupChange,
)

READ = "GET payment_intents/pi_1"


def signed(body: bytes, secret: str = SECRET, at: int | str = T) -> str:
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def reported(wire: Wire, what: Mapping[str, Any], now: datetime = NOW) -> list[Change]:
    body = json.dumps(what).encode()
    return list(adapter(wire).changes_in(body, signed(body), now))


BODY = json.dumps(event("payment_intent.succeeded", {"id": "pi_1"})).encode()
OTHER = "whsec_other"


def test_the_signature_is_the_one_that_stripes_own_library_makes() -> None:
    assert signed(BODY) == stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, T)


@pytest.mark.parametrize(
    ("name", "body", "signature", "code"),
    [
        ("unsigned", BODY, "", "bad_signature"),
        ("garbage", BODY, "garbage", "bad_signature"),
        ("forged", BODY, f"t={T},v1={'0' * 64}", "bad_signature"),
        ("forged with other letters", BODY, f"t={T},v1=\u00e9\u00e9", "bad_signature"),
        ("no time", BODY, signed(BODY).partition(",")[2], "bad_signature"),
        ("two times", BODY, f"t={T}," + signed(BODY), "bad_signature"),
        ("a time that is no number", BODY, signed(BODY).replace(str(T), "now"), "bad_signature"),
        ("a time that is no number, signed", BODY, signed(BODY, at="noon"), "bad_signature"),
        ("a changed time", BODY, signed(BODY).replace(str(T), str(T + 1)), "bad_signature"),
        ("another scheme", BODY, signed(BODY).replace("v1=", "v0="), "bad_signature"),
        ("wrong secret", BODY, signed(BODY, OTHER), "bad_signature"),
        ("empty secret", BODY, signed(BODY, ""), "bad_signature"),
        ("truncated", BODY[:-1], signed(BODY), "bad_signature"),
        ("re-encoded", json.dumps(json.loads(BODY), indent=1).encode(), signed(BODY), "bad_signature"),
        ("in another charset", BODY.decode().encode("utf-16"), signed(BODY), "bad_signature"),
        ("six minutes old", BODY, signed(BODY, at=T - 360), "old_event"),
        ("six minutes early", BODY, signed(BODY, at=T + 360), "old_event"),
        ("signed but no JSON", b"{", signed(b"{"), "bad_signature"),
        ("signed but no event", b"[]", signed(b"[]"), "bad_signature"),
    ],
)
def test_what_is_not_provably_a_fresh_event_of_ours_is_refused(
    name: str, body: bytes, signature: str, code: str
) -> None:
    wire = Wire()
    with pytest.raises(Refused) as caught:
        adapter(wire, secrets=(SECRET, "")).changes_in(body, signature, NOW)
    assert (caught.value.code, wire.asked) == (code, []), name


@pytest.mark.parametrize("live", [False, True])
def test_an_event_of_the_other_mode_is_refused(live: bool) -> None:
    body = json.dumps(event("payment_intent.succeeded", {"id": "pi_1"}, livemode=not live)).encode()
    wire = Wire()
    with pytest.raises(Refused) as caught:
        adapter(wire, live=live).changes_in(body, signed(body), NOW)
    assert (caught.value.code, wire.asked) == ("wrong_mode", [])


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_both_secrets_are_good_while_one_replaces_the_other(secret: str) -> None:
    both = adapter(Wire().on(READ, intent()), secrets=(SECRET, OTHER))
    assert len(both.changes_in(BODY, signed(BODY, secret), NOW)) == 1


def test_one_good_signature_among_several_is_enough() -> None:
    header = signed(BODY, OTHER) + "," + signed(BODY).partition(",")[2] + ",v0=abc"
    assert len(adapter(Wire().on(READ, intent())).changes_in(BODY, header, NOW)) == 1


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_are_tolerated_by_the_clock_that_is_given(seconds: int) -> None:
    wire = Wire().on(READ, intent())
    what = event("payment_intent.succeeded", {"id": "pi_1"})
    assert len(reported(wire, what, NOW + timedelta(seconds=seconds))) == 1


def test_an_object_is_read_anew_whatever_the_event_says_of_it() -> None:
    stale = intent("requires_payment_method", last_payment_error=card_error())
    (change,) = reported(Wire().on(READ, intent()), event("payment_intent.payment_failed", stale))
    assert isinstance(change, AttemptChange)
    assert isinstance(change.outcome, Paid)


@pytest.mark.parametrize(
    "kind", ["customer.created", "invoice.paid", "payout.paid", "charge.succeeded", "", "brand.new"]
)
def test_an_event_of_no_interest_gives_nothing_and_asks_nothing(kind: str) -> None:
    wire = Wire()
    assert reported(wire, event(kind, {"id": "x_1"})) == []
    assert wire.asked == []


@pytest.mark.parametrize("kind", ["setup_intent.succeeded", "payment_intent.succeeded", "checkout.session.expired"])
def test_an_event_about_nothing_or_about_nobodys_set_up_asks_nothing(kind: str) -> None:
    wire = Wire()
    about = {"id": "seti_1"} if kind.startswith("setup") else {}
    assert (reported(wire, event(kind, about)), wire.asked) == ([], [])


def test_an_event_about_what_is_not_ours_or_is_gone_gives_nothing() -> None:
    wire = Wire().on(READ, intent(metadata={}))
    assert reported(wire, event("payment_intent.succeeded", {"id": "pi_1"})) == []
    assert (
        reported(wire.on(READ, refusal(404, "resource_missing")), event("payment_intent.succeeded", {"id": "pi_1"}))
        == []
    )


def test_an_event_whose_object_cannot_be_read_must_come_again() -> None:
    with pytest.raises(Refused) as caught:
        reported(Wire().on(READ, refusal(500, kind="api_error")), event("payment_intent.succeeded", {"id": "pi_1"}))
    assert caught.value.code == "provider_unreachable"


def test_a_page_that_was_paid_is_its_attempts_outcome() -> None:
    wire = Wire().on("GET checkout/sessions/cs_1", page("complete", payment_intent=intent()))
    (change,) = reported(wire, event("checkout.session.completed", {"id": "cs_1"}))
    assert isinstance(change, AttemptChange)
    assert (change.attempt, type(change.outcome)) == ("att_12_3", Paid)


@pytest.mark.parametrize(("status", "wanted"), [("complete", [SetupChange("cs_1", 12)]), ("open", [])])
def test_a_set_up_page_is_reported_once_it_has_ended(status: str, wanted: list[Change]) -> None:
    session = page(status, "setup", setup_intent="seti_1")
    wire = Wire().on("GET checkout/sessions/cs_1", session).on("GET checkout/sessions", listed(session))
    wire.on("GET setup_attempts", listed())
    assert reported(wire, event("checkout.session.completed", {"id": "cs_1"})) == wanted
    assert reported(wire, event("setup_intent.succeeded", {"id": "seti_1", "customer": "cus_1"})) == wanted
    assert reported(wire, event("setup_intent.succeeded", {"id": "seti_2", "customer": "cus_1"})) == []


@pytest.mark.parametrize("about", ["page", "payment"])
def test_what_was_tried_on_a_page_is_told_by_the_page_and_by_its_payment(about: str) -> None:
    ours = {"attempt": "att_12_3", "account": "12", "page": "1"}
    failed = {**paid_charge(), "id": "ch_1", "currency": "eur", "status": "failed", "failure_code": "expired_card"}
    tried = intent("requires_payment_method", metadata=ours, latest_charge="ch_1", last_payment_error=card_error())
    session = page("expired", payment_intent=tried)
    wire = Wire().on("GET checkout/sessions/cs_1", session).on("GET checkout/sessions", listed(session))
    wire.on(READ, tried).on("GET charges", listed(failed, {**failed, "id": "ch_2", "status": "succeeded"}))
    kind, ref = ("checkout.session.expired", "cs_1") if about == "page" else ("payment_intent.payment_failed", "pi_1")
    attempt, cards = reported(wire, event(kind, {"id": ref}))
    assert isinstance(attempt, AttemptChange)
    assert isinstance(cards, CardsTried)
    assert (cards.ref, cards.account, cards.attempt) == ("pi_1", 12, "att_12_3")
    assert [(one.ref, one.codes.decline) for one in cards.tries] == [("ch_1", "insufficient_funds")]
    assert wire.sent("GET charges") == {"payment_intent": "pi_1", "limit": "100"}


def test_a_set_up_page_of_no_account_of_ours_is_nobodys() -> None:
    for metadata in ({}, {"account": "A-12"}):
        session = page("complete", "setup", setup_intent="seti_1", metadata=metadata)
        wire = Wire().on("GET checkout/sessions/cs_1", session)
        assert reported(wire, event("checkout.session.completed", {"id": "cs_1"})) == []


def test_a_dispute_or_a_refund_of_a_charge_without_an_intent_is_of_that_charge() -> None:
    wire = (
        Wire().on("GET disputes/dp_1", dispute(payment_intent=None)).on("GET refunds/re_1", refund(payment_intent=None))
    )
    for kind, ref in (("charge.dispute.created", "dp_1"), ("refund.created", "re_1")):
        (change,) = reported(wire, event(kind, {"id": ref}))
        assert isinstance(change, DisputeChange | RefundChange)
        assert change.payment_ref == "ch_1"


REFUNDED = RefundChange("pi_1", "re_1", "refund-1", RefundState.DONE, 1200, "EUR")


def test_a_refund_is_reported_with_our_key() -> None:
    wire = Wire().on("GET refunds/re_1", refund()).on("GET refunds", listed(refund()))
    for kind in ("refund.updated", "refund.created", "charge.refund.updated"):
        assert reported(wire, event(kind, {"id": "re_1"})) == [REFUNDED]
    assert reported(wire, event("charge.refunded", {"id": "ch_1"})) == [REFUNDED]
    assert wire.sent("GET refunds")["charge"] == "ch_1"


def test_a_refund_made_by_hand_has_no_key() -> None:
    (change,) = reported(Wire().on("GET refunds/re_1", refund(metadata=None)), event("refund.created", {"id": "re_1"}))
    assert isinstance(change, RefundChange)
    assert change.key == ""


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("warning_needs_response", DisputeState.INQUIRY),
        ("warning_under_review", DisputeState.INQUIRY),
        ("warning_closed", DisputeState.INQUIRY),
        ("prevented", DisputeState.INQUIRY),
        ("needs_response", DisputeState.OPEN),
        ("under_review", DisputeState.OPEN),
        ("appeal_under_review", DisputeState.OPEN),
        ("brand_new", DisputeState.OPEN),
        ("won", DisputeState.WON),
        ("lost", DisputeState.LOST),
    ],
)
def test_every_status_of_a_dispute_has_one_meaning(status: str, state: DisputeState) -> None:
    wire = Wire().on("GET disputes/dp_1", dispute(status))
    changes = reported(wire, event("charge.dispute.updated", {"id": "dp_1"}))
    assert changes == [DisputeChange("pi_1", "dp_1", state, 4200, "EUR")]


@pytest.mark.parametrize("kind", ["us_bank_account", "sepa_debit", "bacs_debit"])
def test_a_dispute_of_a_bank_debit_is_its_return(kind: str) -> None:
    back = dispute("lost", kind, reason="insufficient_funds", network_reason_code="R01")
    changes = reported(Wire().on("GET disputes/dp_1", back), event("charge.dispute.created", {"id": "dp_1"}))
    assert changes == [DebitReturned("pi_1", "dp_1", 4200, "EUR", Codes("insufficient_funds", "R01"))]


@pytest.mark.parametrize(
    ("kind", "ref", "path", "left"),
    [
        ("charge.dispute.created", "dp_1", "disputes/dp_1", dispute),
        ("refund.created", "re_1", "refunds/re_1", refund),
        ("charge.refunded", "ch_1", "refunds", refund),
    ],
)
def test_what_has_left_is_told_after_its_payment(kind: str, ref: str, path: str, left: Callable[..., Body]) -> None:
    gone = left(payment_intent=intent())
    wire = Wire().on(f"GET {path}", listed(gone) if path == "refunds" else gone)
    paid, change = reported(wire, event(kind, {"id": ref}))
    assert isinstance(paid, AttemptChange)
    assert isinstance(paid.outcome, Paid)
    assert isinstance(change, DisputeChange | RefundChange)
    assert change.payment_ref == paid.outcome.ref


def test_what_left_a_payment_of_anothers_tells_of_no_attempt() -> None:
    gone = refund(payment_intent=intent(metadata={}))
    assert reported(Wire().on("GET refunds/re_1", gone), event("refund.created", {"id": "re_1"})) == [REFUNDED]


def nothing() -> Wire:
    lists = ("checkout/sessions", "payment_intents", "refunds", "disputes", "events")
    wire = Wire()
    for name in lists:
        wire.on(f"GET {name}", listed())
    return wire


def test_the_sweep_reports_everything_once_and_rereads_what_only_an_event_names() -> None:
    wire = nothing().on("GET checkout/sessions", listed(page("complete", payment_intent=intent(id="pi_1"))))
    declined = intent("requires_payment_method", id="pi_2", metadata={"attempt": "att_12_4"})
    declined["last_payment_error"] = card_error()
    foreign = intent(id="pi_3", metadata={})
    wire.on("GET payment_intents", listed(declined, intent(id="pi_1"), foreign))
    wire.on("GET refunds", listed(refund())).on("GET disputes", listed(dispute()))
    old = intent(id="pi_old", metadata={"attempt": "att_9_1"})
    wire.on(
        "GET events",
        listed(event("payment_intent.succeeded", {"id": "pi_old"}), event("refund.updated", {"id": "re_1"})),
    )
    wire.on("GET payment_intents/pi_old", old)
    changes = list(adapter(wire).changes_since(NOW))
    attempts = {c.attempt: type(c.outcome) for c in changes if isinstance(c, AttemptChange)}
    assert attempts == {"att_12_3": Paid, "att_12_4": Declined, "att_9_1": Paid}
    assert len(changes) == 5
    assert {wire.sent(f"GET {name}")["created[gte]"] for name in ("payment_intents", "refunds", "events")} == {str(T)}
    assert len([name for name in wire.sent("GET events") if name.startswith("types")]) == 20


def test_the_sweep_tells_of_an_older_payment_before_what_left_it_and_once() -> None:
    wire = nothing().on("GET refunds", listed(refund(payment_intent=intent())))
    wire.on("GET disputes", listed(dispute(payment_intent=intent())))
    wire.on("GET events", listed(event("payment_intent.succeeded", {"id": "pi_1"})))
    assert [type(one) for one in adapter(wire).changes_since(NOW)] == [AttemptChange, RefundChange, DisputeChange]


def test_the_sweep_reads_every_page() -> None:
    first, second = refund(), refund(id="re_2")
    wire = nothing().on(
        "GET refunds", lambda form: listed(second) if "starting_after" in form else listed(first, more=True)
    )
    assert [getattr(c, "ref", "") for c in adapter(wire).changes_since(NOW)] == ["re_1", "re_2"]


def test_a_sweep_that_is_cut_off_says_so() -> None:
    wire = nothing().on("GET disputes", stripe.APIConnectionError("gone"))
    with pytest.raises(Refused) as caught:
        list(adapter(wire).changes_since(NOW))
    assert caught.value.code == "provider_unreachable"


def test_the_book_has_what_was_taken_refunded_and_disputed() -> None:
    back = {**paid_charge(), "amount_refunded": 1200, "disputed": True}
    taken = intent(latest_charge=back)
    strange = intent(id="pi_9", metadata={}, currency="eek")
    wire = Wire().on("GET payment_intents", listed(taken, intent("processing", id="pi_2"), strange))
    wire.on("GET disputes", listed(dispute("lost", amount=3000), dispute("won", amount=500)))
    lines = list(adapter(wire).book(NOW, NOW + timedelta(days=1)))
    assert lines == [BookLine("pi_1", "att_12_3", "EUR", 4200, 1200, 3000, NOW)]
    asked = wire.sent("GET payment_intents")
    assert (asked["created[gte]"], asked["created[lt]"]) == (str(T), str(T + 86400))


def test_a_webhook_before_the_answer_and_after_it_say_the_same() -> None:
    wire = Wire().on(READ, intent()).on("POST payment_intents", intent())
    (before,) = reported(wire, event("payment_intent.created", {"id": "pi_1"}))
    answer = adapter(wire).charge(charge())
    (after,) = reported(wire, event("payment_intent.succeeded", {"id": "pi_1"}))
    assert before == after == AttemptChange("att_12_3", answer)
