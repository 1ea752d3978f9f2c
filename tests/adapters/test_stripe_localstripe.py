"""The adapter against somebody else's idea of Stripe: localstripe, in its own process, for the little that it does.

It refuses parameters that it does not know, so those are left out on their way; what it cannot do (Checkout, keys,
filters of lists, disputes) is tested elsewhere.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import stripe
from tests.adapters.stripe_wire import KEY, charge
from torture.outside import own_port

from arrears.adapters.payments.stripe import Stripe
from arrears.core.payments.values import (
    AttemptCanceled,
    Charge,
    Declined,
    NeedsCustomer,
    NotFound,
    Paid,
    RefundState,
    Unknown,
)

START_SECONDS = 20
UNKNOWN_TO_IT = re.compile(r"automatic_payment_methods|description|return_url|created|customer$")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
VISA, VISA_REFUSED, VISA_CHALLENGED = "4242424242424242", "4000000000000341", "4000002500003155"


class Simpler(stripe.RequestsClient):
    """Leaves out what localstripe does not know."""

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        parts = urlsplit(url)
        if parts.path == "/v1/payment_intents":
            keep = ("customer",) if method == "post" else ()
            post_data = _without(post_data, keep) if post_data else post_data
            url = urlunsplit(parts._replace(query=_without(parts.query, keep)))
        return super().request(method, url, headers, post_data)


def _without(form: str, keep: tuple[str, ...]) -> str:
    pairs = parse_qsl(form, keep_blank_values=True)
    return urlencode([(name, value) for name, value in pairs if name in keep or not UNKNOWN_TO_IT.match(name)])


WITH_A_BOOK_OF_ITS_OWN = """
import builtins, runpy, sys
folder, opened = sys.argv.pop(1), open
def own(path, *more, **named):
    return opened(folder + "/book" if str(path).endswith("localstripe.pickle") else path, *more, **named)
builtins.open = own
runpy.run_module("localstripe", run_name="__main__", alter_sys=True)
"""
"""It keeps its book under one fixed name for everybody on the machine, where another user's may lie already."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    said: Path = tmp_path_factory.mktemp("localstripe") / "said"
    with said.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-u", "-c", WITH_A_BOOK_OF_ITS_OWN, str(said.parent), "--port", "0", "--from-scratch"],
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        port = _port(server, said)
        if port is None:
            pytest.skip(f"localstripe does not start here: {said.read_text()[-300:]}")
        yield f"http://localhost:{port}"
    finally:
        server.kill()
        server.wait()


def _port(server: subprocess.Popen[bytes], said: Path) -> str | None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        running = re.search(r"Running on http://\S+:(\d+)", said.read_text())
        if running:
            return running[1]
        try:
            server.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    return None


@pytest.fixture(scope="module")
def client(base: str) -> stripe.StripeClient:
    return stripe.StripeClient(KEY, base_addresses={"api": base}, max_network_retries=0)


@pytest.fixture(scope="module")
def provider(base: str) -> Stripe:
    return Stripe(KEY, [], api_base=base, live=False, http_client=Simpler(timeout=10))


def wanted(client: stripe.StripeClient, number: str, attempt: str) -> Charge:
    """A charge of a fresh customer's card with this number."""
    customer = client.v1.customers.create({"metadata": {"account": "12"}})
    card = {"number": number, "exp_month": 12, "exp_year": 2030, "cvc": "123"}
    made = client.v1.payment_methods.create({"type": "card", "card": card})  # type: ignore[typeddict-item]
    client.v1.payment_methods.attach(made.id, {"customer": customer.id})
    return charge(attempt=attempt, customer_ref=customer.id, method_ref=made.id)


def test_a_card_is_charged_found_again_and_refunded(client: stripe.StripeClient, provider: Stripe) -> None:
    asked = wanted(client, VISA, "att_1_1")
    paid = provider.charge(asked)
    assert isinstance(paid, Paid)
    assert (paid.amount_minor, paid.currency, paid.durable) == (4200, "EUR", True)
    assert paid.at - LONG_AGO > timedelta(days=365)
    assert provider.look_up("att_1_1", asked.customer_ref, paid.ref, LONG_AGO) == paid
    assert provider.look_up("att_1_1", asked.customer_ref, "", LONG_AGO)[0] == paid.ref
    answer = provider.refund(paid.ref, 1200, "EUR", "refund-1")
    assert answer.state is RefundState.DONE
    assert answer.ref.startswith("re_")


def test_a_refused_card_is_declined_and_can_be_canceled_for_good(client: stripe.StripeClient, provider: Stripe) -> None:
    asked = wanted(client, VISA_REFUSED, "att_1_2")
    declined = provider.charge(asked)
    assert isinstance(declined, Declined)
    assert declined.codes.decline == "generic"
    assert provider.cancel("att_1_2", asked.customer_ref, declined.ref, "k") == AttemptCanceled(declined.ref, True)


def test_a_challenge_waits_for_the_customer_until_it_is_canceled(client: stripe.StripeClient, provider: Stripe) -> None:
    asked = wanted(client, VISA_CHALLENGED, "att_1_3")._replace(off_session=False)
    waiting = provider.charge(asked)
    assert isinstance(waiting, NeedsCustomer)
    assert provider.cancel("att_1_3", asked.customer_ref, "", "k") == AttemptCanceled(waiting.ref, False)


def test_a_cancel_that_comes_too_late_is_the_payment(client: stripe.StripeClient, provider: Stripe) -> None:
    asked = wanted(client, VISA, "att_1_4")
    paid = provider.charge(asked)
    assert isinstance(paid, Paid)
    assert provider.cancel("att_1_4", asked.customer_ref, paid.ref, "k") == paid


def test_a_method_is_forgotten(client: stripe.StripeClient, provider: Stripe) -> None:
    asked = wanted(client, VISA, "att_1_5")
    provider.forget(asked.method_ref, "forget-1")
    assert client.v1.payment_methods.retrieve(asked.method_ref).customer is None


def test_a_server_that_is_not_there_is_unknown(provider: Stripe, unused_port: int) -> None:
    nowhere = Stripe(KEY, [], api_base=f"http://127.0.0.1:{unused_port}", live=False)
    assert isinstance(nowhere.charge(charge()), Unknown)
    assert not isinstance(nowhere.look_up("att_1_1", "cus_1", "", LONG_AGO), NotFound)


@pytest.fixture
def unused_port() -> int:
    return own_port()
