"""Every answer that Stripe can give to a request for money, as an outcome of ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import stripe
from tests.adapters.stripe_wire import (
    KEY,
    NOW,
    SECRET,
    Answer,
    Wire,
    adapter,
    card_error,
    charge,
    declined,
    intent,
    listed,
    method,
    page,
    paid_charge,
    refund,
    refusal,
)

from arrears.adapters.payments.stripe import Stripe
from arrears.core.errors import Refused
from arrears.core.payments.values import (
    AttemptCanceled,
    Codes,
    Declined,
    NeedsCustomer,
    Network,
    NotFound,
    Outcome,
    Paid,
    Processing,
    RefundState,
    Unknown,
)

CREATE = "POST payment_intents"
CANCEL = "POST payment_intents/pi_1/cancel"
READ = "GET payment_intents/pi_1"
REDIRECT = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example/3ds"}}
NO_ANSWER = stripe.APIConnectionError("no route")


def test_a_charge_off_session_carries_our_reference_and_key_and_nothing_to_come_back_to() -> None:
    wire = Wire().on(CREATE, intent())
    adapter(wire).charge(charge())
    sent = wire.sent(CREATE)
    assert {name: value for name, value in sent.items() if not name.startswith("expand")} == {
        "amount": "4200",
        "currency": "eur",
        "customer": "cus_1",
        "payment_method": "pm_1",
        "confirm": "true",
        "off_session": "true",
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
        "description": "account 12",
        "metadata[attempt]": "att_12_3",
        "metadata[account]": "12",
    }
    assert wire.key_of(CREATE) == "key-1"


def test_a_charge_on_session_says_where_the_payer_comes_back_to() -> None:
    wire = Wire().on(CREATE, intent())
    adapter(wire).charge(charge(off_session=False))
    assert wire.sent(CREATE)["return_url"] == "https://shop.example/settle/acc_12"
    assert "off_session" not in wire.sent(CREATE)


def test_what_succeeded_is_paid_at_the_time_of_its_charge() -> None:
    found = adapter(Wire().on(CREATE, intent(payment_method=method()))).charge(charge())
    assert isinstance(found, Paid)
    assert found[:4] == ("pi_1", 4200, "EUR", NOW + timedelta(seconds=2))
    assert found.durable
    assert found.method is not None
    assert found.method.network is Network.MASTERCARD


@pytest.mark.parametrize("advice", ["40", "41"])
def test_a_card_that_works_only_once_is_paid_and_not_durable(advice: str) -> None:
    once = intent(latest_charge=paid_charge("mastercard", network_advice_code=advice))
    found = adapter(Wire().on(CREATE, once)).charge(charge())
    assert isinstance(found, Paid)
    assert (found.durable, found.codes) == (False, Codes(advice=advice))


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (intent("processing"), Processing("pi_1")),
        (intent("requires_action", next_action=REDIRECT), NeedsCustomer("pi_1", "https://bank.example/3ds", NOW)),
        (intent("canceled"), AttemptCanceled("pi_1", reached_network=False)),
        (intent("canceled", latest_charge="ch_1"), AttemptCanceled("pi_1", reached_network=True)),
        (intent("requires_confirmation"), Unknown("the payment intent is requires_confirmation", "pi_1")),
        (intent("requires_payment_method"), Unknown("the payment intent is requires_payment_method", "pi_1")),
        (intent("brand_new_status"), Unknown("the payment intent is brand_new_status", "pi_1")),
        (declined(card_error()), Declined("pi_1", Codes("insufficient_funds"), NOW)),
        (declined(card_error("authentication_required")), NeedsCustomer("pi_1", "", NOW)),
        (declined(card_error("", "authentication_required")), NeedsCustomer("pi_1", "", NOW)),
        ((402, {"error": card_error("lost_card")}), Declined("", Codes("lost_card"), NOW)),
    ],
)
def test_every_status_has_one_meaning(answer: Answer, wanted: Outcome) -> None:
    assert adapter(Wire().on(CREATE, answer)).charge(charge()) == wanted


@pytest.mark.parametrize(
    "answer",
    [
        NO_ANSWER,
        stripe.APIConnectionError("Read timed out"),
        refusal(500, kind="api_error"),
        refusal(503, kind="api_error"),
        refusal(409, "idempotency_key_in_use"),
        refusal(429, "lock_timeout"),
        refusal(429, "rate_limit"),
        (502, {"html": "bad gateway"}),
    ],
    ids=repr,
)
def test_where_no_certain_answer_came_the_outcome_is_unknown(answer: Answer) -> None:
    wire = Wire().on(CREATE, answer)
    assert isinstance(adapter(wire).charge(charge()), Unknown)
    assert wire.count(CREATE) == 1, "the SDK tried again by itself"


@pytest.mark.parametrize("answer", [refusal(400, "parameter_missing"), refusal(404, "resource_missing")], ids=repr)
def test_a_charge_that_is_refused_as_a_request_has_taken_nothing(answer: Answer) -> None:
    outcome = adapter(Wire().on(CREATE, answer)).charge(charge())
    assert isinstance(outcome, AttemptCanceled)
    assert (outcome.reached_network, outcome.why[:26]) == (False, "Stripe refused the request")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusal(401), "provider_denied"),
        (refusal(403), "provider_denied"),
        (refusal(400, kind="idempotency_error"), "provider_refused"),
    ],
    ids=repr,
)
def test_a_mistake_of_ours_is_refused(answer: Answer, code: str) -> None:
    with pytest.raises(Refused) as caught:
        adapter(Wire().on(CREATE, answer)).charge(charge())
    assert caught.value.code == code
    assert KEY not in caught.value.message


def test_an_object_of_the_other_mode_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        adapter(Wire().on(CREATE, intent(livemode=True))).charge(charge())
    assert caught.value.code == "wrong_mode"


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (1_000_000, "ISK", "provider_refused"),
        (0, "UGX", "provider_refused"),
        (550, "MGA", "provider_refused"),
        (500, "GHS", "provider_refused"),
        (5124, "KWD", "provider_refused"),
        (5120, "IQD", "provider_refused"),
        (0, "EUR", "provider_refused"),
        (-1, "EUR", "provider_refused"),
        (500, "XXX", "unknown_currency"),
        (500, "eur", "unknown_currency"),
    ],
)
def test_an_amount_that_stripe_would_read_otherwise_is_never_sent(amount: int, currency: str, code: str) -> None:
    wanted = charge(amount_minor=amount, currency=currency)
    with pytest.raises(Refused) as caught:
        adapter(Wire()).open_payment(wanted, NOW, "en")
    assert caught.value.code == code
    assert adapter(Wire()).charge(wanted) == AttemptCanceled("", reached_network=False, why=caught.value.message)


@pytest.mark.parametrize(
    ("amount", "currency"), [(500, "JPY"), (17501, "HUF"), (501, "TWD"), (5120, "KWD"), (51, "EUR")]
)
def test_minor_units_that_are_the_same_go_as_they_are(amount: int, currency: str) -> None:
    wire = Wire().on(CREATE, intent())
    adapter(wire).charge(charge(amount_minor=amount, currency=currency))
    assert (wire.sent(CREATE)["amount"], wire.sent(CREATE)["currency"]) == (str(amount), currency.lower())


@pytest.mark.parametrize(
    ("key", "live", "base", "code"),
    [
        ("", False, None, "no_provider_key"),
        ("pk_test_1", False, None, "no_provider_key"),
        ("sk_live_1", False, None, "wrong_mode"),
        ("rk_live_1", False, None, "wrong_mode"),
        ("sk_test_1", True, None, "wrong_mode"),
        ("sk_live_1", True, "http://127.0.0.1:12111", "wrong_mode"),
        ("sk_test_1", False, "http://stripe.example", "wrong_mode"),
    ],
)
def test_a_key_of_the_other_mode_is_refused_before_anything_is_asked(
    key: str, live: bool, base: str | None, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        Stripe(key, [SECRET], api_base=base, live=live)
    assert caught.value.code == code


@pytest.mark.parametrize(("key", "live", "wanted"), [("sk_live_1", False, "sk_test_"), ("rk_test_1", True, "sk_live_")])
def test_a_key_of_the_other_mode_is_told_which_one_is_wanted(key: str, live: bool, wanted: str) -> None:
    with pytest.raises(Refused, match=f"starts with {wanted}$"):
        Stripe(key, [SECRET], live=live)


@pytest.mark.parametrize(
    ("key", "live", "base"),
    [("sk_test_1", False, None), ("rk_live_1", True, None), ("sk_test_1", False, "http://127.0.0.1:12111")],
)
def test_a_key_of_the_right_mode_is_taken(key: str, live: bool, base: str | None) -> None:
    assert Stripe(key, [SECRET], api_base=base, live=live).live is live


def test_a_look_up_by_id_reads_it_and_checks_that_it_is_ours() -> None:
    wire = Wire().on(READ, intent())
    assert isinstance(adapter(wire).look_up("att_12_3", "cus_1", "pi_1", NOW), Paid)
    wire.on(READ, intent(metadata={"attempt": "att_12_31"})).on("GET payment_intents", listed())
    wire.on("GET checkout/sessions", listed())
    assert adapter(wire).look_up("att_12_3", "cus_1", "pi_1", NOW) == NotFound()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"failure_reason": "declined", "pending_reason": "insufficient_funds"}, "declined"),
        ({"failure_reason": None, "pending_reason": "insufficient_funds"}, "insufficient_funds"),
        ({}, ""),
    ],
)
def test_why_a_refund_waits_or_has_failed_is_what_stripe_says(said: dict[str, Any], why: str) -> None:
    answer = adapter(Wire().on("POST refunds", refund("failed", **said))).refund("pi_1", 1200, "EUR", "refund-1")
    assert (answer.state, answer.ref, answer.why) == (RefundState.REFUSED, "re_1", why)


@pytest.mark.parametrize(("minor", "currency"), [(5, "EUR"), (10**9, "EUR"), (550, "MGA"), (100, "XAU")])
def test_what_stripe_can_never_take_is_said_before_it_is_asked(minor: int, currency: str) -> None:
    adapter(Wire()).takes(5_000, "EUR")
    with pytest.raises(Refused):
        adapter(Wire()).takes(minor, currency)


def test_what_is_gone_is_looked_for_by_our_reference_and_a_mistake_of_ours_is_said() -> None:
    wire = Wire().on("GET payment_intents/pi_1", refusal(404, "resource_missing"))
    wire.on("GET payment_intents", listed(intent("processing", id="pi_9")))
    assert adapter(wire).look_up("att_12_3", "cus_1", "pi_1", NOW) == Processing("pi_9")
    wire.on("GET payment_intents/pi_1", refusal(400, "parameter_invalid_empty"))
    with pytest.raises(Refused) as caught:
        adapter(wire).look_up("att_12_3", "cus_1", "pi_1", NOW)
    assert caught.value.code == "provider_refused"


def test_a_look_up_without_an_id_reads_every_page_of_the_customers_intents() -> None:
    others = [intent(id=f"pi_{n}", metadata={"attempt": f"att_12_3{n}"}) for n in range(2)]
    second = listed(intent("processing", id="pi_9"))
    wire = Wire().on(
        "GET payment_intents", lambda form: second if form.get("starting_after") else listed(*others, more=True)
    )
    assert adapter(wire).look_up("att_12_3", "cus_1", "", NOW) == Processing("pi_9")
    first = wire.asked[0][1]
    assert (first["customer"], first["limit"]) == ("cus_1", "100")
    assert "created[gte]" not in first, "our clock may have been wrong when it was asked for"


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [
        (["canceled", "succeeded"], "pi_1"),
        (["processing", "canceled"], "pi_0"),
        (["canceled", "requires_action", "succeeded"], "pi_2"),
        (["canceled", "canceled"], "pi_0"),
    ],
)
def test_of_several_the_paid_one_speaks_then_one_that_may_still_be_paid_then_the_newest(
    statuses: list[str], wanted: str
) -> None:
    made = int(NOW.timestamp())
    found = [intent(status, id=f"pi_{n}", created=made - n) for n, status in enumerate(statuses)]
    outcome = adapter(Wire().on("GET payment_intents", listed(*found))).look_up("att_12_3", "", "", NOW)
    assert getattr(outcome, "ref", "") == wanted


def test_what_is_nowhere_is_not_found_and_the_payment_pages_are_asked_too() -> None:
    wire = Wire().on("GET payment_intents", listed()).on("GET checkout/sessions", listed())
    assert adapter(wire).look_up("att_12_3", "", "", NOW) == NotFound()
    wire.on("GET checkout/sessions", listed(page("open")))
    assert isinstance(adapter(wire).look_up("att_12_3", "", "", NOW), NeedsCustomer)


@pytest.mark.parametrize("answer", [NO_ANSWER, refusal(500, kind="api_error"), refusal(429, "rate_limit")], ids=repr)
def test_a_look_up_cancel_or_refund_without_an_answer_is_unknown(answer: Answer) -> None:
    wire = Wire().on(READ, answer).on("POST checkout/sessions/cs_1/expire", answer).on("POST refunds", answer)
    assert isinstance(adapter(wire).look_up("att_12_3", "cus_1", "pi_1", NOW), Unknown)
    assert isinstance(adapter(wire).cancel("att_12_3", "cus_1", "pi_1", "k"), Unknown)
    assert isinstance(adapter(wire).expire_payment("cs_1", "k"), Unknown)
    assert adapter(wire).refund("pi_1", 100, "EUR", "k").state is RefundState.UNKNOWN
    wire.on(READ, intent("requires_action")).on(CANCEL, answer)
    assert isinstance(adapter(wire).cancel("att_12_3", "cus_1", "pi_1", "k"), Unknown)


def test_a_cancel_gives_proof_or_the_payment_that_was_faster() -> None:
    wire = Wire().on(READ, intent("requires_action")).on(CANCEL, intent("canceled"))
    assert adapter(wire).cancel("att_12_3", "cus_1", "pi_1", "k") == AttemptCanceled("pi_1", reached_network=False)
    wire = (
        Wire().on(READ, intent("requires_action"), intent()).on(CANCEL, refusal(400, "payment_intent_unexpected_state"))
    )
    assert isinstance(adapter(wire).cancel("att_12_3", "cus_1", "pi_1", "k"), Paid)


def test_a_cancel_without_an_id_finds_it_first_and_never_guesses() -> None:
    wire = Wire().on("GET payment_intents", listed(intent("requires_action"))).on(CANCEL, intent("canceled"))
    assert isinstance(adapter(wire).cancel("att_12_3", "cus_1", "", "k"), AttemptCanceled)
    wire.on("GET payment_intents", listed()).on("GET checkout/sessions", listed())
    assert adapter(wire).cancel("att_12_3", "cus_1", "", "k") == NotFound()
    assert isinstance(adapter(Wire()).cancel("att_12_3", "", "", "k"), Unknown)


def test_a_cancel_of_a_hosted_payment_ends_its_page() -> None:
    behind = intent("requires_action", metadata={"attempt": "att_12_3", "page": "1"})
    over = intent("canceled", metadata=behind["metadata"])
    wire = Wire().on(READ, behind).on("GET checkout/sessions", listed(page("open", payment_intent=behind)))
    wire.on("POST checkout/sessions/cs_1/expire", page("expired"))
    wire.on("GET checkout/sessions/cs_1", page("expired", payment_intent=over))
    assert adapter(wire).cancel("att_12_3", "cus_1", "pi_1", "k") == AttemptCanceled("cs_1", reached_network=False)
    assert wire.count(CANCEL) == 0


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", RefundState.DONE),
        ("pending", RefundState.PENDING),
        ("requires_action", RefundState.PENDING),
        ("failed", RefundState.REFUSED),
        ("canceled", RefundState.REFUSED),
        ("brand_new", RefundState.UNKNOWN),
    ],
)
def test_every_status_of_a_refund_has_one_meaning(status: str, state: RefundState) -> None:
    wire = Wire().on("POST refunds", refund(status))
    answer = adapter(wire).refund("pi_1", 1200, "EUR", "refund-1")
    assert (answer.state, answer.ref) == (state, "re_1")
    assert wire.sent("POST refunds") == {"payment_intent": "pi_1", "amount": "1200", "metadata[key]": "refund-1"}
    assert wire.key_of("POST refunds") == "refund-1"


def test_a_refund_that_cannot_be_made_is_refused_in_words() -> None:
    answer = adapter(Wire().on("POST refunds", refusal(400, "charge_already_refunded"))).refund(
        "pi_1", 1200, "EUR", "k"
    )
    assert (answer.state, answer.why) == (RefundState.REFUSED, "refused: charge_already_refunded")


@pytest.mark.parametrize(
    ("answer", "code"),
    [(refusal(401), "provider_denied"), (refusal(400, kind="idempotency_error"), "provider_refused")],
    ids=repr,
)
def test_a_refund_asked_for_wrongly_is_our_mistake(answer: Answer, code: str) -> None:
    with pytest.raises(Refused) as caught:
        adapter(Wire().on("POST refunds", answer)).refund("pi_1", 1200, "EUR", "k")
    assert caught.value.code == code
