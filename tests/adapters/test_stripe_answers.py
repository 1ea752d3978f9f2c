"""What an error of Stripe's means for us, and when an answer was given by whose clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import stripe
from tests.adapters.stripe_wire import NOW, Wire, adapter, intent, listed, page

from arrears.adapters.payments.stripe.answers import date_in, is_ours, refusal
from arrears.core.payments.values import NeedsCustomer


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own zone is not UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("error", "code", "ours"),
    [
        (stripe.InvalidRequestError("no", "amount"), "provider_refused", True),
        (stripe.IdempotencyError("no"), "provider_refused", True),
        (stripe.CardError("no", "number", "card_declined"), "provider_refused", False),
        (stripe.AuthenticationError("no"), "provider_denied", True),
        (stripe.PermissionError("no"), "provider_denied", True),
        (stripe.APIConnectionError("no"), "provider_unreachable", False),
        (stripe.RateLimitError("no", http_status=429), "provider_unreachable", False),
        (stripe.APIError("no", http_status=500), "provider_unreachable", False),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else str(one),
)
def test_an_error_is_our_mistake_our_key_or_an_answer_that_did_not_come(
    error: stripe.StripeError, code: str, ours: bool
) -> None:
    found = refusal(error)
    assert (found.code, is_ours(error)) == (code, ours)
    assert (found.exit_code == 4) == (code != "provider_refused"), "what may pass by itself is another exit code"


@pytest.mark.parametrize("kind", [stripe.IdempotencyError, stripe.AuthenticationError])
def test_what_stripe_said_is_told_or_else_which_kind_of_error_it_was(kind: type[stripe.StripeError]) -> None:
    told = refusal(kind("no such currency")).message
    assert "no such currency" in told
    assert kind.__name__ not in told
    assert kind.__name__ in refusal(kind()).message


def test_without_an_answer_it_is_told_which_status_came_or_that_none_did() -> None:
    assert "(HTTP 503)" in refusal(stripe.APIError("a paragraph", http_status=503)).message
    assert "(no connection)" in refusal(stripe.APIConnectionError("a paragraph")).message


@pytest.mark.usefixtures("far_away")
@pytest.mark.parametrize(
    ("said", "hour"),
    [
        ("Mon, 23 Nov 2026 12:00:00 GMT", 12),
        ("Mon, 23 Nov 2026 12:00:00 -0000", 12),
        ("Mon, 23 Nov 2026 12:00:00 +0200", 10),
    ],
)
def test_the_time_of_an_answer_is_its_own_zones_or_utc_never_this_machines(said: str, hour: int) -> None:
    for name in ("Date", "date"):
        assert date_in({name: said}) == datetime(2026, 11, 23, hour, tzinfo=UTC)


@pytest.mark.parametrize("said", ["", "yesterday", "Mon, 23 Nov 99999 12:00:00 GMT"])
def test_what_is_no_date_says_nothing(said: str) -> None:
    assert date_in({"Date": said}) is None
    assert date_in({}) is None


def test_what_became_of_a_payment_on_a_page_is_said_by_its_own_page() -> None:
    other = page("expired", id="cs_2", payment_intent="pi_2")
    own = page("open", payment_intent="pi_1")
    waits = intent("requires_payment_method", metadata={"attempt": "att_12_3", "page": "1"})
    wire = Wire().on("GET payment_intents/pi_1", waits).on("GET checkout/sessions", listed(other, own))
    found = adapter(wire).look_up("att_12_3", "cus_1", "pi_1", NOW)
    assert isinstance(found, NeedsCustomer)
    assert found.ref == "cs_1"
