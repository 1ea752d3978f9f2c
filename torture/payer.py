"""A process that settles accounts and is killed while it does: `torture.money` bears it.

It goes through its accounts in order, settles each that owes, and leaves what is unknown to the next round. Whoever is
born after it starts again from the first account: what is paid is not owed, and what is open is joined.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Final

from arrears.adapters.payments.stripe import Stripe
from arrears.core.errors import Refused
from arrears.engine.failpoints import arm
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.settling import quote, settle
from arrears.store.postgres.store import PostgresStore

AUTHOR: Final = "person:1"
EXPECTED: Final = ("attempt_in_flight", "stale_quote", "retry_later")
"""Refusals that a payer meets on a bad day and comes back from."""


def now() -> datetime:
    """A real clock: the provider's book is compared by time."""
    return datetime.now(UTC)


def providers_at(url: str, key: str, secret: str) -> Providers:
    """The sandbox provider behind the real adapter."""
    return Providers({"stripe": Stripe(key, [secret], live=False, api_base=url)})


def pay(store: PostgresStore, providers: Providers, account: int) -> None:
    """Settle everything one account owes with its newest method, if it owes anything."""
    owed = quote(store, account, now())
    if not owed:
        return
    method = store.methods(account)[-1].no
    try:
        settle(store, providers, account, {q.currency: q.hash for q in owed}, method, now, AUTHOR)
    except Refused as refusal:
        if refusal.code not in EXPECTED:
            raise


def main(arguments: list[str]) -> None:
    """`url sandbox key secret first last armed`: settle the accounts first to last, perhaps dying on the way."""
    url, sandbox, key, secret, first, last, armed = arguments
    store = PostgresStore(url, connections_max=2)
    providers = providers_at(sandbox, key, secret)
    arm(armed if armed != "-" else None)
    for account in range(int(first), int(last) + 1):
        pay(store, providers, account)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1:])
