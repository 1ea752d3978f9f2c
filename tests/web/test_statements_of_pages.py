"""A page asks the database as often for 200 debts as for one: nothing is read in a loop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.store.traced import TracedStore
from tests.web.routes import of_an_account, routes, target
from tests.web.states import Town
from tests.web.visitors import forget_sessions, visitor

from arrears import wiring

if TYPE_CHECKING:
    from django.test import Client

STATEMENTS_MAX: Final = 60
"""BEGIN and COMMIT included, which are two in three: the store reads each thing in a transaction of its own."""

NUMBERED: Final = (
    "/<account:account>/receipts/<int:number>",
    "/<account:account>/receipts/<int:number>.pdf",
    "/<account:account>/invoices/<int:number>.pdf",
    "/<account:account>/invoices/<int:number>/credits/<int:place>.pdf",
    "/<account:account>/help/<int:number>",
)
"""Pages of one payment, request or document: these accounts have none. test_page_statements counts a receipt's."""

PAGES: Final = ("/", "/pay/", "/settle/<str:account>")
"""What is looked at besides the pages of an account."""


@pytest.fixture(scope="module")
def traced(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TracedStore]:
    """A store that says how many statements were sent, under the pages."""
    folder: Path = tmp_path_factory.mktemp("trace")
    store = TracedStore(town.shop.database, "public", folder / "trace")
    wiring.install(replace(town.shop.live, store=store))
    yield store
    wiring.install(town.shop.live)
    store.close()
    os.close(store._handle)


def counted(traced: TracedStore, browser: Client, path: str) -> tuple[Any, int]:
    """The answer, and the statements of the store and of Django together."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser.get(path)  # what is loaded once a process is loaded now
    traced.statements()
    with CaptureQueriesContext(connection) as asked:
        answer = browser.get(path)
    return answer, traced.statements() + len(asked)


@pytest.mark.turn(2)
def test_pages_send_as_many_statements_for_200_debts_as_for_one(town: Town, traced: TracedStore) -> None:
    wrong = []
    for route in routes():
        if route in NUMBERED or (not of_an_account(route) and route not in PAGES):
            continue
        found = {}
        for state in ("declined", "200 debts"):
            account = town.accounts[state]
            browser = visitor(town, "link" if route == "/pay/" else "administrator", account)
            answer, found[state] = counted(traced, browser, target(town, route, account))
            assert answer.status_code in (200, 302, 303), f"{route}, {state}: {answer.status_code}"
        if len(set(found.values())) > 1 or max(found.values()) > STATEMENTS_MAX:
            wrong.append(f"{route}: {found['declined']} statements for one debt, {found['200 debts']} for 200")
    assert not wrong, "\n".join(wrong)


def test_a_list_of_many_accounts_takes_no_more_statements(town: Town, traced: TracedStore) -> None:
    forget_sessions()  # which another test may have ended: a page that sends somebody to sign in asks nothing
    answered, few = counted(traced, visitor(town, "other"), "/")
    answered_many, many = counted(traced, visitor(town, "administrator"), "/")
    assert (answered.status_code, answered_many.status_code) == (200, 200)
    assert few == many, f"{few} statements for one account, {many} for {len(town.accounts)}"
