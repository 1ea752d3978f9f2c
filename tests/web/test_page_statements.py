"""A page asks the database the same number of questions however much the account has had and owes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.store.traced import TracedStore, counted
from tests.web.living import Living, living
from tests.web.test_centre import sign_in

from arrears import wiring
from arrears.core import facts as f
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client

PAGES = (
    *("", "settle", "methods", "subscriptions", "invoices", "invoices.csv", "statement", "statement.csv"),
    "statement.pdf",
    *("timeline", "profile", "receipts/{}"),
)
STATEMENTS_MAX = 24
"""Of the store, with BEGIN and COMMIT; a page that wants more reads something twice."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        yield found


def grown(shop: Living, debts: int, subscriptions: int) -> int:
    """An account that owes so much, with as much again that was paid, for so many subscriptions of two services."""
    account = shop.account((12000, "EUR"), days=40)
    now = shop.clock.now()
    numbers = [1, 2]
    for k in range(subscriptions - 2):
        service = ("cloud", "mail")[k % 2]
        numbers.append(commands.add_subscription(shop.store, account, service, now - timedelta(days=50), "api:1"))
    due = now.date() - timedelta(days=34)
    invoices = [
        commands.Invoice(
            account, f"G{account}-{k}", "EUR", 900, due - timedelta(days=9), due, (numbers[k % len(numbers)],)
        )
        for k in range(2 * debts)
    ]
    commands.issue_invoices(shop.store, invoices, now - timedelta(days=36), "api:1")
    payments = [Payment(account, f"g-{account}-{k}", "EUR", 900, (k + 2,)) for k in range(debts)]
    commands.record_payments(shop.store, payments, now - timedelta(days=35), "api:1")
    shop.until(now - timedelta(days=33), now)
    return account


@pytest.mark.turn(3)
def test_the_statements_of_a_page_do_not_grow_with_the_account(shop: Living, client: Client, tmp_path: Path) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    accounts = [grown(shop, 1, 2), grown(shop, 120, 14)]
    traced = TracedStore(shop.database, "public", tmp_path / "trace")
    live = shop.live
    wiring.install(
        wiring.Installation(
            live.url, traced, live.channel, live.services, live.clock, live.limits, live.providers
        )
    )  # fmt: skip
    found: dict[int, dict[str, tuple[int, int]]] = {}
    try:
        for account in accounts:
            client.post("/sign-out")
            sign_in(client, shop.email(account))
            seq = next(r.seq for r in shop.store.history(account) if isinstance(r.fact, f.PaymentBooked))
            found[account] = {}
            for page in PAGES:
                path = f"/acc_{account}/{page.format(seq)}"
                assert client.get(path).status_code == 200, path
                with CaptureQueriesContext(connection) as shell:
                    statements = counted(traced, lambda path=path: client.get(path))  # type: ignore[misc]
                found[account][page] = (statements, len(shell))
    finally:
        wiring.install(live)
        traced.close()
    small, large = found.values()
    assert small == large
    assert {page: count for page, (count, _) in small.items() if count > STATEMENTS_MAX} == {}
    assert {page: count for page, (_, count) in small.items() if count > 4} == {}
