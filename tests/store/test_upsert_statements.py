"""An upsert asks the database the same number of questions, however large the book is, and rows together ask fewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from msgspec.structs import replace
from tests.store.contract import at
from tests.store.traced import TracedStore, counted
from tests.stories.ledger import COLUMNS

from arrears.core.known import IMPORTER
from arrears.core.policy import default_policy
from arrears.core.receivables import AccountRows, BookAccount, BookInvoice, rows_of_accounts
from arrears.engine.commands.importing import import_book
from arrears.engine.system import adopt_policy

ANNE: Final = BookAccount("A0", "Anne", "NL", "UTC", "nl", "invoice", "anne@example.org")
ONE: Final = BookInvoice(1, "I0", "A0", ("cloud",), date(2026, 1, 1), date(2026, 1, 10), "EUR", 10_000, False)
STATEMENTS_MAX: Final = 32
"""With BEGIN and COMMIT, and the three that bound the wait for an import; one more reads something twice."""


def several(count: int, first: int = 0) -> list[AccountRows]:
    return [
        AccountRows(replace(ANNE, ref=f"A{k}"), [replace(ONE, row=k, number=f"I{k}", account_ref=f"A{k}")])
        for k in range(first, first + count)
    ]


def sends(store: TracedStore, rows: Sequence[AccountRows]) -> Callable[[], object]:
    source = rows_of_accounts(rows, COLUMNS, {})
    return lambda: import_book(store, source, at(3), IMPORTER, per_account=True, whole=False)


def test_one_row_asks_as_much_whatever_is_there_and_many_together_hardly_more(
    make_traced: Callable[[], TracedStore],
) -> None:
    store = make_traced()
    adopt_policy(store, default_policy(), at(1), "staff:1")
    alone = [counted(store, sends(store, several(1, first))) for first in (0, 1)]
    together = counted(store, sends(store, several(200, 2)))
    later = counted(store, sends(store, several(1, 202)))
    known = counted(store, sends(store, several(1)))
    assert alone == [later] * 2
    assert max(later, together, known) <= STATEMENTS_MAX, (later, together, known)
    assert together <= later + 4, (later, together)
