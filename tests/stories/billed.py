"""A made-up business on Stripe Billing with arrears beside it: the sandbox bills, the real adapters speak to it, and
time passes in steps in which the worker looks once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import stripe
from tests.stories.in_process import Bench, InProcess

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.payments.stripe import Stripe
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.account import Account
from arrears.core.errors import Refused
from arrears.core.facts import AnyFact
from arrears.core.policy import default_policy
from arrears.engine import system, worker
from arrears.engine.beside import BillingBeside
from arrears.engine.commands.billing.drift import DriftReport, drift
from arrears.engine.commands.billing.sweeping import Swept
from arrears.engine.payments.providers import Providers
from arrears.engine.run import Limits
from arrears.ports.billing import BillingOptions
from arrears.store.postgres.queries import open_tasks
from arrears.store.postgres.store import PostgresStore

FIRST = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPTIONS = BillingOptions(
    since=date(2026, 1, 1), zone="Europe/Amsterdam", country="NL", locale="en", policy="default", service="cloud"
)
CONTACT = "Ann@example.org"


class Owed(NamedTuple):
    """One invoice as both books have it: open here and there, in minor units."""

    here: int
    there: int


class Away(InProcess):
    """The sandbox without a network, which can be away, or lose its answers (`drops`)."""

    away = False

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[str, int, Mapping[str, str]]:
        path = urlsplit(url).path.removeprefix("/v1/")
        if self.away:
            raise stripe.APIConnectionError("nobody is there")
        if self.sandbox.denied and f"{method.upper()} {path}".startswith(self.sandbox.denied):
            return json.dumps({"error": {"type": "invalid_request_error", "message": "not permitted"}}), 403, {}
        return super().request(method, url, headers, post_data)


class Clock:
    """The time of the story."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class Business:
    """The business, its customers at the sandbox, and arrears."""

    def __init__(self, store: PostgresStore, options: BillingOptions = OPTIONS) -> None:
        self.store = store
        self.clock = Clock(FIRST)
        system.adopt_policy(store, default_policy(), self.now, "setup")
        identity = system.identity(store, self.now)
        self.bench = Bench(lambda: int(self.now.timestamp()), identity)
        self.sandbox = self.bench.sandbox
        self.net = Away(self.sandbox)
        keys = (self.sandbox.secret_key, [self.sandbox.webhook_secret])
        how: dict[str, Any] = {"live": False, "installation": identity, "http_client": self.net}
        self.stripe = Stripe(*keys, **how)
        self.billing = BillingBeside(store, self.stripe.billing())
        self.providers = Providers({"stripe": self.stripe}, billing=self.billing)
        self.channel, self.services = MemoryChannel(), InProcessServices()
        store.connect_billing(self.billing.system.name, options, self.now)

    # -- time ----------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return self.clock.at

    def step(self, hours: float = 1, *, look: bool = True) -> Business:
        """Let so much time pass, and the worker look once in the end."""
        self.clock.at += timedelta(hours=hours)
        self.sandbox.pass_time()
        return self.look() if look else self

    def days(self, count: float, *, hours: int = 6) -> Business:
        """Let days pass, with a look each so many hours."""
        for _ in range(round(count * 24 / hours)):
            self.step(hours)
        return self

    def look(self, *, billing: bool = True) -> Business:
        """What the worker does in one look; without `billing` it has no time to read Stripe Billing."""
        providers = self.providers
        if not billing:
            unread = copy(self.billing)
            unread.sweep = lambda _now: Swept()  # type: ignore[method-assign]
            providers = replace(providers, billing=unread)
        worker.work_once(
            self.store,
            self.channel,
            self.services,
            self.clock,
            Limits(),
            providers,
        )
        return self

    def sweep(self, *, everybody: bool = False) -> Business:
        """Read Stripe now."""
        self.billing.sweep_now(self.now, everybody=everybody)
        return self

    # -- customers -----------------------------------------------------------------------------------------------

    def control(self, what: str, **asked: Any) -> Any:
        return self.bench.control(what, **asked)

    def customer(self, card: str = "approve", *, own: bool = True, kind: str = "card") -> str:
        """A customer with a card of their own, with which Stripe charges what is billed."""
        v1: Any = self.billing.system._v1  # type: ignore[attr-defined]
        name = str(v1.customers.create({"name": "Ann", "email": CONTACT, "address": {"country": "NL"}}).id)
        self.control("default_method", customer=name, method=self.method(name, card, own=own, kind=kind))
        return name

    def method(self, customer: str, card: str = "approve", *, own: bool = True, kind: str = "card") -> str:
        """A method that is stored for a customer."""
        v1: Any = self.billing.system._v1  # type: ignore[attr-defined]
        wanted = {"mode": "setup", "customer": customer, "success_url": "http://127.0.0.1:9/"}
        page = v1.checkout.sessions.create({**wanted, "allowed_payment_method_types": [kind]})
        self.control("card", session=page.id, card=card, own=own)
        setup = v1.setup_intents.retrieve(str(v1.checkout.sessions.retrieve(page.id).setup_intent))
        return str(setup.payment_method)

    def method_of_old(self, customer: str) -> str:
        """A method that pays, for somebody who uses it while nobody else reaches Stripe."""
        away, self.net.away = self.net.away, False
        found = self.method(customer)
        self.net.away = away
        return found

    def behave(self, customer: str, card: str) -> None:
        """The bank of the customer's default method answers as this card's from now on."""
        method = self.sandbox.book.billing.defaults[customer]
        self.control("behave", method=method, **{"as": card})

    def subscribed(self, card: str = "approve", amount: int = 1000, **more: Any) -> tuple[str, str]:
        """A customer with a subscription, and its first invoice; an hour passes, after which Stripe charges it."""
        customer = self.customer(card, kind=more.pop("kind", "card"))
        invoice = str(self.control("subscribe", customer=customer, amount=amount, **more)["invoice"])
        self.step(1)
        return customer, invoice

    # -- how it stands -------------------------------------------------------------------------------------------

    def invoice(self, name: str) -> Any:
        """An invoice as Stripe has it, truly."""
        return next(one for one in self.control("invoices") if one["id"] == name)

    def account(self, customer: str) -> Account | None:
        number = self.store.account_numbers([customer]).get(customer, 0)
        return self.store.snapshots([number])[number] if number else None

    def owed(self, invoice: str) -> Owed:
        """What is open of an invoice, here and there."""
        told = self.invoice(invoice)
        account = self.account(told["customer"])
        debts = {debt.number: debt.open_minor for debt in account.debts} if account else {}
        there = told["amount_remaining"] if told["status"] in ("open", "uncollectible") else 0
        return Owed(debts.get(told["number"], 0), there)

    def facts(self, customer: str, *kinds: type[AnyFact]) -> list[AnyFact]:
        number = self.store.account_numbers([customer])[customer]
        return [one.fact for one in self.store.facts_of([number], kinds)[number]]

    def taken(self, customer: str) -> int:
        """What was taken of a customer at Stripe, by whomever, less what was given back."""
        intents = self.sandbox.book.intents.values()
        return sum(one.taken - one.refunded - one.disputed for one in intents if one.customer == customer)

    def drift(self) -> DriftReport:
        return drift(self.store, self.billing.system, self.now)

    def tasks(self) -> Sequence[str]:
        return [f"{task.kind}: {task.what}" for task in open_tasks(self.store)]

    def hear(self, kind: str, customer: str = "") -> None:
        """The newest event of this kind arrives by webhook."""
        sandbox = self.sandbox
        for index in reversed(range(len(sandbox.book.events))):
            event = sandbox.api.event_json(index)
            if event["type"] == kind and customer in ("", event["data"]["object"].get("customer")):
                body = json.dumps(event).encode()
                self.billing.hear(body, sandbox.signed(body, int(self.now.timestamp())), self.now)
                return
        raise AssertionError(f"nothing told of {kind}")

    def try_sweep(self) -> str:
        """Read Stripe; the code with which that was refused, or nothing."""
        try:
            self.sweep()
        except Refused as refused:
            return refused.code
        return ""
