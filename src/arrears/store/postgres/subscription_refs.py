"""The operator's own references of subscriptions (see ports.SubscriptionRefs, SQL 0035)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, LiteralString

from arrears.ports import SubscriptionPlace
from arrears.store.postgres.write import Db

_PLACES: Final[LiteralString] = "SELECT ref, account_id, no FROM subscription_ref WHERE ref = ANY(%s)"
_REFS: Final[LiteralString] = "SELECT account_id, no, ref FROM subscription_ref WHERE account_id = ANY(%s)"
_CALL: Final[LiteralString] = (
    "INSERT INTO subscription_ref (ref, account_id, no) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
)


class PostgresSubscriptionRefs:
    """See ports.SubscriptionRefs."""

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def subscription_places(self, refs: Sequence[str]) -> Mapping[str, SubscriptionPlace]:
        """See ports.SubscriptionRefs."""
        with self.reading() as db:
            return {ref: SubscriptionPlace(*place) for ref, *place in db.execute(_PLACES, [list(refs)])}

    def subscription_refs(self, accounts: Sequence[int]) -> Mapping[SubscriptionPlace, str]:
        """See ports.SubscriptionRefs."""
        with self.reading() as db:
            found = db.execute(_REFS, [list(accounts)])
            return {SubscriptionPlace(account, no): ref for account, no, ref in found}

    def call_subscription(self, place: SubscriptionPlace, ref: str) -> bool:
        """See ports.SubscriptionRefs. Of two who call one so at once the other waits, and finds it called so."""
        with self.reading() as db:
            db.execute(_CALL, [ref, *place])
            found = db.execute(_PLACES, [[ref]]).fetchone()
        return found is not None and tuple(found[1:]) == place
