"""One small made-up business on Stripe Billing, in which everything goes wrong (see torture/billing.py)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.store.conftest import make_postgres, schemas
from torture.billing import played

from arrears.store.postgres.store import PostgresStore

__all__ = ["make_postgres", "schemas"]


@pytest.mark.turn(3)
@pytest.mark.parametrize("seed", [2, 10])
def test_both_books_agree_after_whatever_happened(make_postgres: Callable[[], PostgresStore], seed: int) -> None:
    world = played(make_postgres(), seed, customers=3, days=12)
    assert world.wrong == []
    assert world.counts["looked at"] > 0
