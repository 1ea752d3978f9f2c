"""One attempt a currency, in the same number of statements however many debts there are and over however many services.

The real adapter against the sandbox provider; statements are counted as they went over the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from tests.store.contract import API, at
from tests.store.traced import TracedStore, counted
from tests.stories.paying import post

from arrears.adapters.payments.stripe import Stripe
from arrears.core.account import Mode
from arrears.core.policy import default_policy
from arrears.core.states import State
from arrears.engine import commands, system
from arrears.engine.payments import methods
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.settling import Result, quote, settle
from arrears.engine.run import run
from arrears.ports import NewAccount
from arrears.sandbox.run import Running, running

SERVICES: Final = ("cloud", "mail", "storage")
DEBTS: Final = (1, 6, 40, 200)
PERSON: Final = "person:1"


def owing(store: TracedStore, sandbox: Running, debts: int, currencies: tuple[str, ...]) -> tuple[Providers, int]:
    """Account 1 with so many debts over three services, on the day they are past due, and a card that can pay."""
    now = at(2)
    sandbox.control("clock", now=int(now.timestamp()))
    system.adopt_policy(store, default_policy(), at(1), API)
    new = NewAccount("A", "A", "NL", "UTC", "nl", Mode.CARD, "default", "a@example.org")
    commands.open_accounts(store, [(new, SERVICES)], at(1), API)
    due = at(1).date()
    invoices = [
        commands.Invoice(1, f"I{k}", currencies[k % len(currencies)], 1_000 + k, due, due, (k % 3 + 1,))
        for k in range(debts)
    ]
    commands.issue_invoices(store, invoices, at(1), API)
    run(store, now)
    providers = Providers({"stripe": Stripe(sandbox.secret_key, [], live=False, api_base=sandbox.url)})
    page = methods.start_setup(store, providers, 1, "stripe", "setup", "en")
    post(page.url, card="approve", do="go")
    return providers, methods.finish_setup(store, providers, 1, "stripe", page.ref, now, PERSON)


@pytest.mark.sample(1)
@pytest.mark.parametrize("currencies", [("EUR",), ("EUR", "USD")], ids=["one currency", "two currencies"])
def test_1_to_200_debts_over_3_services_are_one_attempt_a_currency_and_as_many_statements(
    make_traced: Callable[[], TracedStore], currencies: tuple[str, ...]
) -> None:
    found: dict[int, tuple[int, int]] = {}
    for debts in DEBTS[len(currencies) - 1 :]:
        store = make_traced()
        with running() as sandbox:
            providers, method = owing(store, sandbox, debts, currencies)
            now = at(2) + timedelta(minutes=5)
            shown = {q.currency: q.hash for q in quote(store, 1, now)}
            results: list[Result] = []

            def pay(
                store: TracedStore = store,
                providers: Providers = providers,
                shown: dict[str, str] = shown,
                method: int = method,
                results: list[Result] = results,
            ) -> None:
                results += settle(store, providers, 1, shown, method, lambda: at(2) + timedelta(minutes=5), PERSON)

            statements = counted(store, pay)
            book = sandbox.control("book")
        assert [r.attempt.state for r in results] == ["paid"] * len(currencies)
        account = store.snapshots([1])[1]
        assert (account.debts, {s.state for s in account.subscriptions}) == ((), {State.ACTIVE})
        assert sum(line["taken"] for line in book) == sum(1_000 + k for k in range(debts))
        found[debts] = (len(store.attempts(1)), statements)
    assert len(set(found.values())) == 1, found
    [(attempts, statements)] = set(found.values())
    assert attempts == len(currencies)
    assert statements <= 28 * len(currencies), found
