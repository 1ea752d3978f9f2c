"""A sandbox provider, the provider's own SDK in front of it, a person's browser, and a receiver of its webhooks."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
import requests
import stripe

from arrears.sandbox.run import Running, running

BACK = "http://127.0.0.1:9/back"
DAY = 86_400
SECONDS_MAX = 60.0


class Shop:
    """A shop at one sandbox: requests with the SDK, and what a person does on a page."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.control = running.control
        self.client = self.with_key(running.secret_key)
        self.v1: Any = self.client.v1

    def with_key(self, key: str) -> stripe.StripeClient:
        session = requests.Session()
        session.trust_env = False
        return stripe.StripeClient(
            key,
            base_addresses={"api": self.running.url},
            max_network_retries=0,
            http_client=stripe.RequestsClient(session=session),
        )

    def raw(self, verb: str, path: str, params: dict[str, Any] | None = None, **headers: str) -> Any:
        """Any request, whatever the SDK's types say; the parsed answer."""
        answer = self.client.raw_request(verb, path, **(params or {}), headers=headers)
        return answer.data

    @property
    def now(self) -> int:
        return int(self.control("clock")["now"])

    def move(self, seconds: int) -> int:
        return int(self.control("clock", now=self.now + seconds)["now"])

    def customer(self) -> str:
        return str(self.v1.customers.create({"name": "A"}).id)

    def setup_page(self, customer: str, *types: str, **more: Any) -> Any:
        return self.v1.checkout.sessions.create(
            {
                "mode": "setup",
                "customer": customer,
                "allowed_payment_method_types": [*(types or ("card",))],
                "success_url": BACK,
                **more,
            }
        )

    def pay_page(self, amount: int = 4200, currency: str = "eur", **more: Any) -> Any:
        product = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Invoice <7>"}}
        items = [{"quantity": 1, "price_data": product}]
        return self.v1.checkout.sessions.create({"mode": "payment", "line_items": items, "success_url": BACK, **more})

    def method(self, name: str = "approve", customer: str = "", kind: str = "card") -> tuple[str, str]:
        """A stored card or account, and its customer."""
        customer = customer or self.customer()
        page = self.setup_page(customer, kind)
        self.control("card", session=page.id, card=name)
        setup = self.v1.setup_intents.retrieve(str(self.v1.checkout.sessions.retrieve(page.id).setup_intent))
        return str(setup.payment_method), customer

    def charge(self, method: tuple[str, str], amount: int = 4200, currency: str = "eur", **more: Any) -> Any:
        """Charge a stored method off session."""
        options = more.pop("options", {})
        wanted = {
            "amount": amount,
            "currency": currency,
            "payment_method": method[0],
            "customer": method[1],
            "confirm": True,
            "off_session": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            **more,
        }
        return self.v1.payment_intents.create(wanted, options)

    def book(self) -> list[tuple[int, int, int]]:
        """Taken, refunded and disputed of every payment, as it truly is."""
        return [(line["taken"], line["refunded"], line["disputed"]) for line in self.control("book")]


class Reported(NamedTuple):
    body: bytes
    signature: str


class Receiver:
    """Takes webhooks on loopback. `answers` are the next statuses; 0 hangs up without one; then 200."""

    def __init__(self) -> None:
        self.told: list[Reported] = []
        self.answers: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.take(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.told.append(Reported(body, handler.headers["Stripe-Signature"]))
        status = self.answers.pop(0) if self.answers else 200
        if status:
            handler.send_response(status)
            handler.send_header("Location", self.url)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

    def kinds(self) -> list[str]:
        return [json.loads(one.body)["type"] for one in self.told]


class Answer(NamedTuple):
    status: int
    text: str
    location: str
    headers: Any


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Show where it leads instead of going there."""


def browse(url: str, language: str = "", **form: str) -> Answer:
    """What a browser gets; a form is posted."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    request = urllib.request.Request(url, urlencode(form).encode() if form else None)
    if language:
        request.add_header("Accept-Language", language)
    try:
        with opener.open(request, timeout=SECONDS_MAX) as answer:
            return Answer(answer.status, answer.read().decode(), "", answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode(), error.headers.get("Location", ""), error.headers)


def soon(what: Callable[[], bool]) -> None:
    """Wait until this is so."""
    deadline = time.monotonic() + SECONDS_MAX
    while not what():
        assert time.monotonic() < deadline, "it did not come about in time"
        threading.Event().wait(0.005)


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A sandbox of this test's own, whose time stands still until the test moves it."""
    with running() as found:
        own = Shop(found)
        own.move(0)
        yield own


@pytest.fixture(scope="module")
def shared() -> Iterator[Shop]:
    """A sandbox of all tests of a file that leave its clock, its faults and its webhooks alone."""
    with running() as found:
        yield Shop(found)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()
