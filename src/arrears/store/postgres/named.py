"""The payment methods that books name (see ports.NamedMethodBook)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, LiteralString

from arrears.core.receivables import NamedMethod
from arrears.ports.payments import MethodAnswer, WaitingMethod
from arrears.store.postgres.write import Db, DbRow, utc

# The same name again is no news; another one is asked for anew.
NAME: Final[LiteralString] = """
INSERT INTO named_method AS n (account_id, at_provider, customer_ref, ref, named_at)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
ON CONFLICT (account_id) DO UPDATE SET at_provider = excluded.at_provider, customer_ref = excluded.customer_ref,
    ref = excluded.ref, named_at = excluded.named_at, answer = 'waiting', why = ''
WHERE (n.at_provider, n.customer_ref, n.ref) <> (excluded.at_provider, excluded.customer_ref, excluded.ref)
"""

WAITING: Final[LiteralString] = """
SELECT n.account_id, n.at_provider, n.customer_ref, n.ref, n.named_at, array(
    SELECT o.account_id FROM named_method o
    WHERE o.at_provider = n.at_provider AND o.ref = n.ref AND o.account_id <> n.account_id
    UNION SELECT m.account_id FROM payment_method m
    WHERE m.at_provider = n.at_provider AND m.ref = n.ref AND m.account_id <> n.account_id ORDER BY 1 LIMIT 10)
FROM named_method n WHERE n.answer = 'waiting' AND n.at_provider = ANY(%s) ORDER BY n.account_id LIMIT %s
"""

ANSWER: Final[LiteralString] = """
UPDATE named_method SET answer = %s, why = %s
WHERE account_id = %s AND (at_provider, customer_ref, ref) = (%s, %s, %s)
"""


REFUSED: Final[LiteralString] = """
SELECT account_id, why FROM named_method WHERE answer = 'refused' AND account_id = ANY(%s)
"""

COUNTED: Final[LiteralString] = """
SELECT at_provider, answer, count(*) FROM named_method GROUP BY at_provider, answer ORDER BY at_provider, answer
"""


class PostgresNamedMethods:
    """See ports.NamedMethodBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def waiting_methods(self, providers: Sequence[str], limit: int) -> Sequence[WaitingMethod]:
        """See ports.NamedMethodBook."""
        with self.reading() as db:
            found = db.execute(WAITING, [list(providers), limit]).fetchall()
        return [
            WaitingMethod(account, NamedMethod(provider, customer, ref), utc(at), tuple(also))
            for account, provider, customer, ref, at, also in found
        ]

    def answer_method(self, account: int, method: NamedMethod, answer: MethodAnswer, why: str) -> None:
        """See ports.NamedMethodBook."""
        with self.transaction() as db:
            db.execute(ANSWER, [answer, why, account, *method])

    def refused_methods(self, accounts: Sequence[int]) -> Mapping[int, str]:
        """See ports.NamedMethodBook."""
        with self.reading() as db:
            return dict(db.execute(REFUSED, [list(accounts)]).fetchall())

    def named_methods(self) -> Mapping[tuple[str, MethodAnswer], int]:
        """See ports.NamedMethodBook."""
        with self.reading() as db:
            return {(provider, answer): count for provider, answer, count in db.execute(COUNTED)}


def named(account: int, method: NamedMethod, now: datetime) -> DbRow:
    """The row of a method that is named now, for NAME."""
    return (account, *method, now)
