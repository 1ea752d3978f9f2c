"""Paying over the API, with the real adapter, the sandbox provider and a real database."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.stories.paying import post as post_form

from arrears import wiring
from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.payments.stripe import Stripe
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.payments.trail import KINDS, trail_of
from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.payments import methods, settling
from arrears.engine.payments.providers import Providers
from arrears.engine.run import DEFAULT_LIMITS, run
from arrears.ports import NewAccount
from arrears.sandbox.run import Running, running
from arrears.store.postgres.store import PostgresStore

if TYPE_CHECKING:
    from django.test import Client


_counter = itertools.count(1)


class Clock:
    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at


class Shop:
    """An installation that is served, and a program that speaks to it."""

    def __init__(self, url: str, sandbox: Running, client: Client) -> None:
        from arrears.web import api_tokens

        self.sandbox, self.clock, self.client = sandbox, Clock(), client
        self.store = PostgresStore(url, connections_max=16)
        stripe = Stripe(sandbox.secret_key, [sandbox.webhook_secret], live=False, api_base=sandbox.url)
        self.providers = Providers({"stripe": stripe}, "http://127.0.0.1:9")
        channel, services = MemoryChannel(), InProcessServices()
        live = wiring.Installation(url, self.store, channel, services, self.clock, DEFAULT_LIMITS, self.providers)
        wiring.install(live)
        system.adopt_policy(self.store, default_policy(), self.clock.at, "staff:1")
        self.token = api_tokens.create_token("shop", "write", self.clock.at)
        self.keys, self.name = 0, f"shop{next(_counter)}"

    def account(self, *sums: tuple[int, str]) -> int:
        """An account that owes these sums since yesterday, one invoice each; its number."""
        yesterday = self.clock.at.date() - timedelta(days=1)
        with psycopg.connect(self.store_url) as db:
            row = db.execute("SELECT count(*) FROM account").fetchone()
        name = f"S{row[0] if row else 0}"
        new = NewAccount(name, name, "NL", "UTC", "nl", Mode.CARD, "default", f"{name}@example.org")
        [number] = commands.open_accounts(self.store, [(new, ("cloud",))], self.clock.at, "api:1")
        due = [
            commands.Invoice(number, f"{name}-{k}", currency, minor, yesterday, yesterday, (1,))
            for k, (minor, currency) in enumerate(sums, 1)
        ]
        if due:
            commands.issue_invoices(self.store, due, self.clock.at, "api:1")
        run(self.store, self.clock.at)
        return number

    @property
    def store_url(self) -> str:
        return wiring.installed().url

    def card(self, account: int, name: str = "approve") -> int:
        page = methods.start_setup(self.store, self.providers, account, "stripe", f"setup-{account}-{name}", "en")
        post_form(page.url, card=name, do="go")
        return methods.finish_setup(self.store, self.providers, account, "stripe", page.ref, self.clock.at, "person:1")

    def get(self, path: str) -> Any:
        return self.client.get(f"/v1/{path}", headers={"Authorization": f"Bearer {self.token}"})

    def send(self, path: str, body: object, key: str | None = "", verb: str = "post", client: Any = None) -> Any:
        """Send as a program does; every call with a key of its own unless one is given, or none (None)."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if key is not None:
            self.keys += 1
            headers["Idempotency-Key"] = key or f"key-{self.keys}-{self.name}"
        sender = getattr(client or self.client, verb)
        return sender(f"/v1/{path}", json.dumps(body), content_type="application/json", headers=headers)

    def shown(self, account: int) -> list[dict[str, Any]]:
        """The quotes as they are sent back."""
        owed = self.get(f"accounts/acc_{account}/settlement").json()["owed"]
        return [{k: q[k] for k in ("currency", "amount_minor", "hash")} for q in owed]

    def captures(self, account: int) -> list[int]:
        """What the provider has taken for this account, payment by payment."""
        lines = self.sandbox.control("book")
        return [line["taken"] for line in lines if line["attempt"].startswith(f"att_{account}_") and line["taken"]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """One provider for the whole book: its ids are never used twice."""
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, client: Client, sandbox: Running) -> Iterator[Shop]:
    with psycopg.connect(site) as db:
        db.execute("SELECT setval('account_number', 1000 + (SELECT max(account_id) FROM account))")
    found = Shop(site, sandbox, client)
    try:
        yield found
    finally:
        wiring.install(None)
        found.store.close()


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_everything_is_shown_paid_and_found_in_the_book_of_attempts(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"), (500, "EUR"), (700, "USD"))
    method = shop.card(account)
    shown = shop.get(f"accounts/acc_{account}/settlement").json()["owed"]
    assert [(q["amount"], len(q["invoices"])) for q in shown] == [("€125.00", 2), ("$7.00", 1)]
    answer = shop.send(f"accounts/acc_{account}/settlement", {"method": method, "quotes": shop.shown(account)})
    assert answer.status_code == 200, answer.content
    paid = [(r["state"], r["currency"], r["amount_minor"]) for r in answer.json()["results"]]
    assert paid == [("paid", "EUR", 12_500), ("paid", "USD", 700)]
    assert shop.get(f"accounts/acc_{account}/settlement").json() == {"owed": []}
    book = shop.get(f"accounts/acc_{account}/attempts").json()["attempts"]
    assert [(a["attempt"], a["state"]) for a in book] == [(2, "paid"), (1, "paid")]
    [listed] = shop.get(f"accounts/acc_{account}/payment-methods").json()["payment_methods"]
    assert (listed["method"], listed["active_for"]) == (method, [f"sub_{account}_1"])


def test_a_decline_is_an_answer_that_says_what_to_do(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    method = shop.card(account, "insufficient_funds")
    answer = shop.send(f"accounts/acc_{account}/settlement", {"method": method, "quotes": shop.shown(account)})
    [result] = answer.json()["results"]
    assert (answer.status_code, result["state"], result["decline"]["code"]) == (200, "declined", "insufficient_funds")
    assert "not enough money" in result["decline"]["text"]
    assert shop.captures(account) == []


def test_a_bank_that_asks_for_confirmation_is_answered_with_where_to_go(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    method = shop.card(account, "challenge")
    answer = shop.send(f"accounts/acc_{account}/settlement", {"method": method, "quotes": shop.shown(account)})
    [result] = answer.json()["results"]
    assert (result["state"], result["confirm_at"].startswith(shop.sandbox.url)) == ("needs_customer", True)


@pytest.mark.sample(1)
@pytest.mark.parametrize("lost", [False, True], ids=["with its answer", "with the first answer lost"])
@pytest.mark.parametrize("one_key", [True, False], ids=["one key", "a key each"])
def test_fifty_identical_requests_at_once_are_one_capture_and_one_answer(shop: Shop, lost: bool, one_key: bool) -> None:
    from django.db import connection
    from django.test import Client

    account = shop.account((12_000, "EUR"))
    body = {"method": shop.card(account), "quotes": shop.shown(account)}
    if lost:
        shop.sandbox.control("faults", plan=[{"kind": "drop_after", "path": "/v1/payment_intents", "times": 1}], seed=1)

    def ask(number: int) -> Any:
        try:
            key = "the one" if one_key else f"try {number}"
            browser = Client(raise_request_exception=False, HTTP_HOST="localhost")
            return shop.send(f"accounts/acc_{account}/settlement", body, f"{key}-{account}", client=browser)
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ask, range(50)))
    assert {a.status_code for a in answers} == {200}, {a.content for a in answers}
    assert len({a.content for a in answers}) == 1, {a.content for a in answers}
    assert answers[0].json()["results"][0]["state"] == "paid"
    assert shop.captures(account) == [12_000]


def test_what_changed_meanwhile_is_shown_again_and_nothing_is_charged(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    shown = shop.shown(account)
    due = shop.clock.at.date() - timedelta(days=1)
    more = commands.Invoice(account, f"more-{account}", "EUR", 300, due, due, (1,))
    commands.issue_invoices(shop.store, [more], shop.clock.at, "api:1")
    run(shop.store, shop.clock.at)
    answer = shop.send(f"accounts/acc_{account}/settlement", {"method": shop.card(account), "quotes": shown})
    assert code(answer) == (409, "stale_quote")
    assert [q["amount_minor"] for q in answer.json()["owed"]] == [12_300]
    assert shop.captures(account) == []


def test_an_amount_or_currency_of_ones_own_is_refused(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    method = shop.card(account)
    [shown] = shop.shown(account)
    path = f"accounts/acc_{account}/settlement"
    less = shop.send(path, {"method": method, "quotes": [{**shown, "amount_minor": 1}]})
    assert code(less) == (422, "bad_amount")
    other = shop.send(path, {"method": method, "quotes": [{**shown, "currency": "USD"}]})
    assert code(other) == (422, "bad_amount")
    twice = shop.send(path, {"method": method, "quotes": [shown, shown]})
    assert code(twice) == (422, "bad_quote")
    nothing = shop.send(path, {"method": method, "quotes": []})
    assert (code(nothing), [q["amount_minor"] for q in nothing.json()["owed"]]) == ((409, "stale_quote"), [12_000])
    assert shop.captures(account) == []


def test_a_method_of_another_account_does_not_exist_here(shop: Shop) -> None:
    account, other = shop.account((12_000, "EUR")), shop.account((100, "EUR"))
    shop.card(other)
    answer = shop.send(f"accounts/acc_{account}/settlement", {"method": 1, "quotes": shop.shown(account)})
    assert code(answer) == (404, "unknown_method")


def test_scenario_13_a_reader_who_settles_is_told_who_may_and_a_stranger_that_there_is_nothing(
    shop: Shop,
) -> None:
    from arrears.web import identities

    account = shop.account((12_000, "EUR"))
    method = shop.card(account)
    people = {
        role: identities.create_person(
            f"{role}-{account}@example.org", f"The {role}", "correct horse battery", "nl", shop.clock.at
        )
        for role in ("administrator", "billing_reader", "stranger")
    }
    identities.grant(account, people["administrator"], "administrator")
    identities.grant(account, people["billing_reader"], "billing_reader")
    path = f"accounts/acc_{account}/settlement"

    def settle_as(who: str) -> Any:
        return shop.send(path, {"method": method, "quotes": shop.shown(account), "person": f"per_{people[who]}"})

    reader = settle_as("billing_reader")
    assert code(reader) == (403, "not_administrator")
    assert "The administrator" in reader.json()["detail"]
    assert code(settle_as("stranger")) == (404, "unknown_account")
    assert shop.captures(account) == []
    assert settle_as("administrator").json()["results"][0]["state"] == "paid"


def test_the_key_is_required_and_belongs_to_one_request(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    path = f"accounts/acc_{account}/settlement"
    body = {"method": shop.card(account), "quotes": shop.shown(account)}
    assert code(shop.send(path, body, key=None)) == (400, "idempotency_key_required")
    first = shop.send(path, body, key=f"k-{account}")
    again = shop.send(path, body, key=f"k-{account}")
    assert (first.status_code, first.content) == (200, again.content)
    assert code(shop.send(path, {**body, "also": []}, key=f"k-{account}")) == (422, "idempotency_key_reused")
    assert shop.captures(account) == [12_000]


def test_a_request_whose_process_died_may_be_sent_again_after_a_while(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    path = f"accounts/acc_{account}/settlement"
    body = {"method": shop.card(account), "quotes": shop.shown(account)}
    assert shop.send(path, body, key=f"k-{account}").status_code == 200
    with psycopg.connect(shop.store_url) as db:
        db.execute(
            "UPDATE idempotency_key SET status = NULL, response = NULL, created_at = created_at - interval '1 hour'"
            " WHERE key = %s",
            [f"k-{account}"],
        )
    again = shop.send(path, body, key=f"k-{account}").json()
    assert again["results"][0]["state"] == "paid"
    assert shop.captures(account) == [12_000]


def test_methods_are_set_up_made_active_renewed_and_removed(shop: Shop) -> None:
    account = shop.account()
    started = shop.send(f"accounts/acc_{account}/payment-methods", {"locale": "nl"})
    assert started.status_code == 201, started.content
    post_form(started.json()["url"], card="approve", do="go")
    finish = f"accounts/acc_{account}/payment-methods/finish"
    first = shop.send(finish, {"page": started.json()["page"]}).json()
    assert shop.send(finish, {"page": started.json()["page"]}).json() == first
    path = f"accounts/acc_{account}/payment-methods/{first['method']}"
    active = shop.send(f"{path}/activate", {"subscriptions": [f"sub_{account}_1"]}).json()
    assert active["payment_methods"][0]["active_for"] == [f"sub_{account}_1"]
    assert code(shop.send(f"{path}/activate", {"subscriptions": ["sub_1_1"]})) == (404, "unknown_id")
    year = shop.clock.at.year + 5
    assert shop.send(f"{path}/renew", {"month": 2, "year": year}).json()["payment_methods"][0]["expires_on"][:7] == (
        f"{year}-02"
    )
    held = shop.send(path, {}, verb="delete")
    assert code(held) == (409, "method_held")
    assert "cloud" in held.json()["detail"]


def test_a_page_that_was_opened_for_another_account_gives_this_one_no_method(shop: Shop) -> None:
    ours, theirs = shop.account((12_000, "EUR")), shop.account((500, "EUR"))
    opened = shop.send(f"accounts/acc_{theirs}/payment-methods", {"provider": "stripe", "locale": "en"}).json()
    post_form(opened["url"], card="approve", do="go")
    answer = shop.send(f"accounts/acc_{ours}/payment-methods/finish", {"provider": "stripe", "page": opened["page"]})
    assert code(answer) == (404, "unknown_page")
    assert shop.get(f"accounts/acc_{ours}/payment-methods").json()["payment_methods"] == []
    answer = shop.send(f"accounts/acc_{theirs}/payment-methods/finish", {"provider": "stripe", "page": opened["page"]})
    assert answer.status_code == 200


def test_a_refund_is_bounded_by_its_payment_and_given_once(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    shop.send(f"accounts/acc_{account}/settlement", {"method": shop.card(account), "quotes": shop.shown(account)})
    [(ref, *_)] = [p for p in shop.store.provider_payments("stripe", shop.clock.at) if p[1] == account]
    path = f"payments/{ref}/refund"
    assert code(shop.send(path, {"amount_minor": 12_001, "currency": "EUR", "why": "x"})) == (422, "bad_amount")
    assert code(shop.send(path, {"amount_minor": 100, "currency": "USD", "why": "x"})) == (422, "bad_amount")
    assert shop.send(path, {"amount_minor": 2_000, "currency": "EUR", "why": "goodwill"}).json()["state"] == "done"
    trail = trail_of(shop.store.facts_of([account], KINDS)[account])
    assert trail.payments[ref].given_back == 2_000
    again = {"amount_minor": 300, "currency": "EUR", "why": "wrong card", "reopens": True}
    assert shop.send(path, again).json()["state"] == "done"
    assert [d.open_minor for d in shop.store.snapshots([account])[account].past_due] == [300]
    assert code(shop.send("payments/stripe:pi_none/refund", {"amount_minor": 1, "currency": "EUR", "why": "x"})) == (
        404,
        "unknown_payment",
    )


def test_the_same_idempotency_key_is_the_same_refund_after_its_answer_is_forgotten_too(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    shop.send(f"accounts/acc_{account}/settlement", {"method": shop.card(account), "quotes": shop.shown(account)})
    [(ref, *_)] = [p for p in shop.store.provider_payments("stripe", shop.clock.at) if p[1] == account]
    body = {"amount_minor": 5_000, "currency": "EUR", "why": "goodwill"}
    first = shop.send(f"payments/{ref}/refund", body, key="once").json()
    with psycopg.connect(shop.store_url) as db:
        db.execute("DELETE FROM idempotency_key")
    assert shop.send(f"payments/{ref}/refund", body, key="once").json() == first
    assert trail_of(shop.store.facts_of([account], KINDS)[account]).payments[ref].given_back == 5_000


@pytest.mark.parametrize("path", ["payments/stripe:pi%00x/refund", "accounts/acc_1%00/settlement"])
def test_a_nul_in_an_address_is_refused(shop: Shop, path: str) -> None:
    answer = shop.send(path, {"amount_minor": 1, "currency": "EUR", "why": "x"})
    assert code(answer) == (400, "bad_address")


def test_a_webhook_is_recorded_and_a_forged_unknown_or_huge_one_changes_nothing(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    shop.sandbox.control("faults", plan=[{"kind": "drop_after", "path": "/v1/payment_intents", "times": 1}], seed=1)
    shop.send(f"accounts/acc_{account}/settlement", {"method": shop.card(account), "quotes": shop.shown(account)})
    digest = shop.store.digest()

    def hook(body: bytes, signature: str = "t=1,v1=00", provider: str = "stripe") -> Any:
        headers = {"Stripe-Signature": signature}
        return shop.client.post(f"/webhooks/{provider}", body, content_type="application/json", headers=headers)

    assert code(hook(b'{"id": "evt_1", "type": "payment_intent.succeeded"}')) == (400, "bad_signature")
    assert code(hook(b"\xff" * 100)) == (400, "bad_signature")
    assert code(hook(b" " * (20 * 1024 * 1024))) == (413, "too_large")
    assert code(hook(b"{}", provider="other")) == (404, "no_such_provider")
    assert shop.client.get("/webhooks/stripe").status_code == 405
    unknown = json.dumps({"id": "evt_1", "object": "event", "type": "tax.changed", "livemode": False}).encode()
    signature = shop.sandbox.sandbox.signed(unknown, int(shop.clock.at.timestamp()))
    assert hook(unknown, signature).status_code == 200
    assert shop.store.digest() == digest


@pytest.mark.turn(3)
def test_a_webhook_that_comes_two_hundred_times_at_once_is_recorded_once(shop: Shop) -> None:
    from django.db import connection
    from django.test import Client

    account = shop.account((12_000, "EUR"))
    method = shop.card(account, "challenge")
    answer = shop.send(f"accounts/acc_{account}/settlement", {"method": method, "quotes": shop.shown(account)})
    assert answer.json()["results"][0]["state"] == "needs_customer"
    ref = shop.store.attempts(account)[-1].ref
    shop.sandbox.control("challenge", intent=ref, confirmed=True)
    event = {
        "id": "evt_200",
        "object": "event",
        "type": "payment_intent.succeeded",
        "livemode": False,
        "created": int(shop.clock.at.timestamp()),
        "data": {"object": {"id": ref, "object": "payment_intent"}},
    }
    body = json.dumps(event).encode()
    signature = shop.sandbox.sandbox.signed(body, int(shop.clock.at.timestamp()))

    def hook(_: int) -> int:
        try:
            browser = Client(raise_request_exception=False, HTTP_HOST="localhost")
            headers = {"Stripe-Signature": signature}
            return browser.post("/webhooks/stripe", body, content_type="application/json", headers=headers).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(hook, range(200))) == {200}
    moved = [r.fact for r in shop.store.history(account) if isinstance(r.fact, f.AttemptMoved)]
    assert [m.to for m in moved].count("paid") == 1
    booked = [r.fact for r in shop.store.history(account) if isinstance(r.fact, f.PaymentBooked)]
    assert [b.amount_minor for b in booked] == [12_000]


@pytest.mark.turn(2)
def test_sixteen_payers_on_two_connections_all_get_their_answer(shop: Shop) -> None:
    owing = [(shop.account((1_000, "EUR")), n) for n in range(16)]
    cards = {account: shop.card(account) for account, _ in owing}
    narrow = PostgresStore(shop.store_url, connections_max=2)

    def pay(account: int) -> str:
        shown = {q.currency: q.hash for q in settling.quote(narrow, account, shop.clock.at)}
        [result] = settling.settle(
            narrow, shop.providers, account, shown, cards[account], lambda: shop.clock.at, "person:1"
        )
        return result.attempt.state

    with ThreadPoolExecutor(16) as pool:
        states = list(pool.map(pay, cards))
    narrow.close()
    assert states == ["paid"] * 16


LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
NUMBER = re.compile(r"(?<![0-9a-fA-F.-])[0-9](?:[ -]?[0-9]){12,18}(?![0-9a-fA-F.-])")


def is_card(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    return sum(LUHN_DOUBLED[d] if k % 2 else d for k, d in enumerate(reversed(digits))) % 10 == 0


def secrets_in(url: str) -> list[str]:
    """Every card number, key and token in any row of any table (I24)."""
    found = []
    with psycopg.connect(url) as db:
        tables = [row[0] for row in db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for table in tables:
            # A seal is a hash of 64 bits: one in ten looks like a card's number.
            for (row,) in db.execute(f"SELECT (to_jsonb(t) - 'seal' - 'journal')::text FROM {table} t".encode()):
                found += [f"{table}: {word}" for word in ("sk_test", "sk_live", "whsec_", "arr_") if word in row]
                found += [f"{table}: {m[0]}" for m in NUMBER.finditer(row) if is_card(m[0])]
    return found


def test_no_card_number_key_or_token_is_anywhere_in_the_database(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    shop.send(f"accounts/acc_{account}/settlement", {"method": shop.card(account), "quotes": shop.shown(account)})
    assert secrets_in(shop.store_url) == []
    assert is_card("4242 4242 4242 4242")
    with psycopg.connect(shop.store_url) as db:
        db.execute("UPDATE account SET name = 'card 4242424242424242, key sk_test_1' WHERE account_id = %s", [account])
        db.commit()
        assert len(secrets_in(shop.store_url)) == 2
        db.execute("UPDATE account SET name = 'as it was' WHERE account_id = %s", [account])
