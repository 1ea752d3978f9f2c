"""The pages at Stripe: setting up a method, and paying once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import stripe
from tests.adapters.stripe_wire import (
    NOW,
    Answer,
    T,
    Wire,
    adapter,
    card_error,
    charge,
    intent,
    listed,
    method,
    page,
    refusal,
)

from arrears.core.errors import Refused
from arrears.core.payments.values import (
    AttemptCanceled,
    Codes,
    Funding,
    HostedPage,
    NeedsCustomer,
    Outcome,
    Paid,
    Processing,
    SetupDone,
    SetupFailed,
    SetupOpen,
    SetupOutcome,
    Unknown,
)

SESSIONS = "POST checkout/sessions"
SESSION = "GET checkout/sessions/cs_1"
EXPIRE = "POST checkout/sessions/cs_1/expire"
URL = "https://checkout.stripe.com/c/pay/cs_1"
SHOP = "https://shop.example/settle/acc_12"
OPENED = HostedPage("cs_1", URL, NOW + timedelta(minutes=30))


def set_up(status: str = "complete", setup: str = "succeeded", **changed: Any) -> dict[str, Any]:
    done = {"id": "seti_1", "status": setup, "payment_method": method(), "last_setup_error": None, **changed}
    return page(status, "setup", setup_intent=done)


def test_a_set_up_page_makes_a_customer_once_and_carries_the_account() -> None:
    wire = Wire().on("POST customers", {"id": "cus_9", "object": "customer"}).on(SESSIONS, page(mode="setup"))
    assert adapter(wire).open_setup("key-1", 12, "", "nl", SHOP) == OPENED
    assert wire.key_of("POST customers") == "key-1:customer"
    assert wire.key_of(SESSIONS) == "key-1"
    sent = wire.sent(SESSIONS)
    assert (sent["mode"], sent["customer"], sent["locale"], sent["metadata[account]"]) == ("setup", "cus_9", "nl", "12")
    assert sent["allowed_payment_method_types[0]"] == "card"


def test_a_set_up_page_uses_the_customer_that_is_known() -> None:
    wire = Wire().on(SESSIONS, page(mode="setup"))
    adapter(wire).open_setup("key-1", 12, "cus_1", "en", SHOP)
    assert (wire.count("POST customers"), wire.sent(SESSIONS)["customer"]) == (0, "cus_1")


@pytest.mark.parametrize(
    ("ours", "theirs"), [("nl-BE", "nl"), ("pt_BR", "pt-BR"), ("en-GB", "en-GB"), ("xx", "auto"), ("", "auto")]
)
def test_a_page_is_in_the_nearest_language_that_stripe_has(ours: str, theirs: str) -> None:
    wire = Wire().on(SESSIONS, page(mode="setup"))
    adapter(wire).open_setup("key-1", 12, "cus_1", ours, SHOP)
    assert wire.sent(SESSIONS)["locale"] == theirs


@pytest.mark.parametrize("answer", [stripe.APIConnectionError("no route"), refusal(500, kind="api_error")], ids=repr)
def test_a_page_that_could_not_be_opened_may_be_asked_for_again(answer: Answer) -> None:
    with pytest.raises(Refused) as caught:
        adapter(Wire().on(SESSIONS, answer)).open_setup("key-1", 12, "cus_1", "en", SHOP)
    assert caught.value.code == "provider_unreachable"


@pytest.mark.parametrize(
    ("session", "wanted"),
    [
        (page("open", "setup"), SetupOpen()),
        (set_up(setup="processing"), SetupOpen()),
        (page("expired", "setup"), SetupFailed(Codes("abandoned"))),
        (set_up("expired", "requires_payment_method"), SetupFailed(Codes("abandoned"))),
        (set_up("expired", "processing"), SetupFailed(Codes("abandoned"))),
        (set_up("expired", "succeeded"), SetupFailed(Codes("abandoned"))),
        (set_up(setup="requires_action"), SetupOpen()),
        (
            set_up("expired", "requires_payment_method", last_setup_error=card_error("do_not_honor")),
            SetupFailed(Codes("do_not_honor")),
        ),
        (
            set_up(
                setup="requires_payment_method", last_setup_error=card_error("", "setup_intent_authentication_failure")
            ),
            SetupFailed(Codes("authentication_failed")),
        ),
        (set_up(payment_method=method("link")), SetupFailed(Codes("not_permitted"))),
    ],
)
def test_every_end_of_a_set_up_page_has_one_meaning(session: dict[str, Any], wanted: SetupOutcome) -> None:
    assert adapter(Wire().on(SESSION, session)).setup_outcome("cs_1") == wanted


def test_a_method_that_was_set_up_comes_with_its_customer_and_funding() -> None:
    wire = Wire().on(SESSION, set_up(payment_method=method(customer=None, funding="prepaid")))
    found = adapter(wire).setup_outcome("cs_1")
    assert isinstance(found, SetupDone)
    assert (found.method.customer_ref, found.method.funding) == ("cus_1", Funding.PREPAID)
    assert "setup_intent.payment_method" in wire.sent(SESSION).values()


def test_a_set_up_page_says_for_which_account_it_was_opened() -> None:
    for metadata, account in (({"account": "12"}, 12), ({}, 0)):
        session = {**set_up(payment_method=method()), "metadata": metadata}
        assert adapter(Wire().on(SESSION, session)).setup_outcome("cs_1")[1] == account


def test_a_payment_page_asks_for_exactly_this_amount_and_stores_nothing() -> None:
    wire = Wire().on(SESSIONS, page())
    assert adapter(wire).open_payment(charge(customer_ref=""), NOW + timedelta(minutes=45), "en") == OPENED
    sent = wire.sent(SESSIONS)
    assert sent["line_items[0][price_data][unit_amount]"] == "4200"
    assert sent["line_items[0][price_data][currency]"] == "eur"
    assert sent["adaptive_pricing[enabled]"] == "false"
    assert sent["expires_at"] == str(T + 45 * 60)
    assert sent["metadata[attempt]"] == sent["payment_intent_data[metadata][attempt]"] == "att_12_3"
    assert "customer" not in sent
    assert not [name for name in sent if "setup_future_usage" in name]


@pytest.mark.parametrize(("asked", "given"), [(5, 31), (30, 31), (48 * 60, 24 * 60 - 1)])
def test_an_end_that_stripe_refuses_is_moved_to_the_nearest_it_takes(asked: int, given: int) -> None:
    too_near = refusal(400, param="expires_at")
    wire = Wire().on(SESSIONS, too_near, page())
    assert adapter(wire).open_payment(charge(), NOW + timedelta(minutes=asked), "en") == OPENED
    assert wire.sent(SESSIONS)["expires_at"] == str(T + given * 60)
    assert wire.key_of(SESSIONS) == "key-1:moved"


def test_a_page_whose_end_was_moved_is_found_when_it_is_asked_for_again() -> None:
    wire = Wire().on(SESSIONS, refusal(400, param="expires_at"), refusal(400, kind="idempotency_error"))
    wire.on("GET payment_intents", listed()).on("GET checkout/sessions", listed(page()))
    assert adapter(wire).open_payment(charge(), NOW, "en") == OPENED


BEHIND = {"attempt": "att_12_3", "page": "1"}


@pytest.mark.parametrize(
    ("session", "wanted"),
    [
        (page("open"), NeedsCustomer("cs_1", URL, NOW)),
        (page("open", payment_intent=intent("requires_payment_method")), NeedsCustomer("cs_1", URL, NOW)),
        (page("expired"), AttemptCanceled("cs_1", reached_network=False)),
        (page("expired", payment_intent=intent("canceled")), AttemptCanceled("cs_1", reached_network=False)),
        (
            page("expired", payment_intent=intent("requires_payment_method", latest_charge="ch_1")),
            AttemptCanceled("cs_1", reached_network=True),
        ),
        (page("expired", payment_intent=intent("processing")), Processing("pi_1")),
        (page("expired", payment_intent=intent("requires_action")), NeedsCustomer("pi_1", "", NOW)),
        (page("complete", payment_intent=intent("processing")), Processing("pi_1")),
        (page("complete"), Unknown("the page has no payment yet", "cs_1")),
    ],
)
def test_every_state_of_a_payment_page_has_one_meaning(session: dict[str, Any], wanted: Outcome) -> None:
    wire = Wire().on(EXPIRE, page("expired")).on(SESSION, session)
    assert adapter(wire).expire_payment("cs_1", "k") == wanted
    assert adapter(wire).look_up("att_12_3", "cus_1", "cs_1", NOW) == wanted


def test_a_page_that_was_paid_in_time_is_paid_whoever_ends_it() -> None:
    wire = Wire().on(EXPIRE, refusal(400)).on(SESSION, page("complete", payment_intent=intent()))
    found = adapter(wire).expire_payment("cs_1", "k")
    assert isinstance(found, Paid)
    assert found.ref == "pi_1"


def test_a_decline_on_a_page_that_is_still_open_ends_nothing() -> None:
    refused = intent("requires_payment_method", last_payment_error=card_error(), latest_charge="ch_1", metadata=BEHIND)
    wire = Wire().on("GET payment_intents/pi_1", refused)
    wire.on("GET checkout/sessions", listed(page("open", payment_intent=refused)))
    assert adapter(wire).look_up("att_12_3", "cus_1", "pi_1", NOW) == NeedsCustomer("cs_1", URL, NOW)
    assert wire.sent("GET checkout/sessions")["payment_intent"] == "pi_1"


def test_a_renewed_card_has_its_new_expiry() -> None:
    wire = Wire().on("POST payment_methods/pm_1", method(exp_month=1, exp_year=2031))
    found = adapter(wire).renew("pm_1", 1, 2031, "renew-1")
    assert str(found.expires_on) == "2031-01-31"
    assert wire.sent("POST payment_methods/pm_1") == {"card[exp_month]": "1", "card[exp_year]": "2031"}
    assert wire.key_of("POST payment_methods/pm_1") == "renew-1"


@pytest.mark.parametrize(
    "answer",
    [method(customer=None), refusal(404, "resource_missing"), refusal(400, message="is not attached to a customer")],
    ids=repr,
)
def test_a_method_that_is_gone_is_forgotten(answer: Answer) -> None:
    wire = Wire().on("POST payment_methods/pm_1/detach", answer)
    adapter(wire).forget("pm_1", "forget-1")
    assert wire.key_of("POST payment_methods/pm_1/detach") == "forget-1"


def test_a_method_that_cannot_be_forgotten_says_so() -> None:
    with pytest.raises(Refused):
        adapter(Wire().on("POST payment_methods/pm_1/detach", refusal(401))).forget("pm_1", "k")


@pytest.mark.parametrize(
    "answer",
    [(400, {"error": {"type": "invalid_request_error"}}), stripe.InvalidRequestError("at another time", "expires_at")],
    ids=["of nothing", "at no time"],
)
def test_a_refusal_that_does_not_say_when_a_page_may_end_is_a_mistake_of_ours(answer: Answer) -> None:
    wire = Wire().on(SESSIONS, answer)
    with pytest.raises(Refused) as caught:
        adapter(wire).open_payment(charge(), NOW + timedelta(hours=1), "en")
    assert (caught.value.code, wire.count(SESSIONS)) == ("provider_refused", 1)
