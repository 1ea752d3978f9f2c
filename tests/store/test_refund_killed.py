"""Whoever gives money back dies at each step of it: the money is given back once, and both books are equal."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import pytest
from tests.store.scratch import Schemas
from torture.money import Silence
from torture.payer import now, pay, providers_at

from arrears.adapters.services.inprocess import InProcessServices
from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.payments.trail import KINDS
from arrears.core.payments.values import RefundState
from arrears.core.policy import default_policy
from arrears.engine import commands
from arrears.engine.failpoints import REFUND_POINTS, arm
from arrears.engine.payments import methods, refunds
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.reconciliation import check
from arrears.engine.perform import perform_all
from arrears.engine.run import run
from arrears.engine.system import adopt_policy
from arrears.ports import NewAccount
from arrears.sandbox.run import Running, running
from arrears.store.postgres.store import PostgresStore

FORK = multiprocessing.get_context("fork")
COMMITS = [f"command.{side}_commit:{time}" for time in (1, 2) for side in ("before", "after")]


class Shop(NamedTuple):
    """One account that has paid 120.00, in a schema and at a provider of its own."""

    url: str
    schema: str
    store: PostgresStore
    sandbox: Running
    providers: Providers
    payment: str


@pytest.fixture(scope="module")
def shop(database_url: str, schemas: Schemas) -> Iterator[Shop]:
    schema = schemas.take()
    with running() as sandbox:
        store = PostgresStore(database_url, schema=schema, durable=False)
        adopt_policy(store, default_policy(), now(), "staff:1")
        new = NewAccount("A", "A", "NL", "UTC", "nl", Mode.CARD, "default", "a@example.org")
        [number] = commands.open_accounts(store, [(new, ["cloud"])], now(), "api:1")
        due = now().date() - timedelta(days=3)
        commands.issue_invoices(store, [commands.Invoice(number, "I", "EUR", 12_000, due, due, (1,))], now(), "api:1")
        run(store, now())
        providers = providers_at(sandbox.url, sandbox.secret_key, sandbox.webhook_secret)
        page = methods.start_setup(store, providers, number, "stripe", "setup", "en")
        sandbox.control("card", session=page.ref, card="approve", own=True)
        methods.finish_setup(store, providers, number, "stripe", page.ref, now(), "person:1")
        pay(store, providers, number)
        yield Shop(database_url, schema, store, sandbox, providers, f"stripe:{store.attempts(number)[-1].ref}")
        store.close()
    schemas.give_back(schema)


def give(store: PostgresStore, shop: Shop, request: str) -> RefundState:
    return refunds.refund(store, shop.providers, shop.payment, 1_000, now(), "staff:1", "kindness", request).state


def gives_and_dies(shop: Shop, point: str, request: str) -> None:
    store = PostgresStore(shop.url, schema=shop.schema, connections_max=2)
    arm(point)
    give(store, shop, request)


@pytest.mark.sample(3)
@pytest.mark.parametrize("point", [*(f"{point}:1" for point in REFUND_POINTS), *COMMITS])
def test_whoever_dies_while_giving_back_is_followed_and_the_money_leaves_once(shop: Shop, point: str) -> None:
    child = FORK.Process(target=gives_and_dies, args=(shop, point, point))
    child.start()
    child.join(timeout=60)
    assert child.exitcode == -signal.SIGKILL, "it died there"
    if "after" in point:
        perform_all(shop.store, Silence(), InProcessServices(), now, shop.providers)
    assert give(shop.store, shop, point) is RefundState.DONE
    perform_all(shop.store, Silence(), InProcessServices(), now, shop.providers)
    told = [one.fact for one in shop.store.facts_of([1], KINDS)[1]]
    [asked] = [one for one in told if isinstance(one, f.RefundAsked) and one.request == point]
    done = [one for one in told if isinstance(one, f.Refunded)]
    assert [one.amount_minor for one in done if one.refund == asked.refund] == [1_000]
    [line] = shop.sandbox.control("book")
    assert line["refunded"] == sum(one.amount_minor for one in done)
    assert check(shop.store, shop.providers.of("stripe"), now() - timedelta(hours=1), now() + timedelta(hours=1)).holds
