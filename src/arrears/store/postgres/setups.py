"""Pages on which a method is set up, as rows (see ports.setups)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, LiteralString

from arrears.ports.setups import SetupPage, SetupState
from arrears.store.postgres.write import Db, utc

_COLUMNS: Final[LiteralString] = (
    "setup_id, account_id, author, provider, coalesce(ref, ''), url, shown, also, state, why, method, attempts,"
    " started_at"
)


class PostgresSetups:
    """See ports.SetupBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def begin_setup(
        self, account: int, author: str, provider: str, shown: Mapping[str, str], also: Sequence[int], now: datetime
    ) -> int:
        """See ports.SetupBook."""
        with self.transaction() as db:
            row = db.execute(
                "INSERT INTO setup_page (account_id, author, provider, shown, also, state, started_at)"
                " VALUES (%s, %s, %s, %s, %s, 'open', %s) RETURNING setup_id",
                [account, author, provider, json.dumps(dict(shown)), list(also), now],
            ).fetchone()
            assert row is not None
            return int(row[0])

    def record_setup_page(self, number: int, ref: str, url: str) -> None:
        """See ports.SetupBook."""
        with self.transaction() as db:
            db.execute("UPDATE setup_page SET ref = %s, url = %s WHERE setup_id = %s", [ref, url, number])

    def setup(self, number: int) -> SetupPage | None:
        """See ports.SetupBook."""
        return self._one("setup_id = %s", [number])

    def setup_at(self, provider: str, ref: str) -> SetupPage | None:
        """See ports.SetupBook."""
        return self._one("provider = %s AND ref = %s", [provider, ref])

    def _one(self, where: LiteralString, values: list[Any]) -> SetupPage | None:
        with self.reading() as db:
            row = db.execute(f"SELECT {_COLUMNS} FROM setup_page WHERE {where}", values).fetchone()
        if row is None:
            return None
        page = SetupPage(*row)
        return page._replace(also=tuple(page.also), attempts=tuple(page.attempts), started_at=utc(page.started_at))

    def claim_setup(self, number: int, now: datetime, stuck_before: datetime) -> bool:
        """See ports.SetupBook."""
        with self.transaction() as db:
            taken = db.execute(
                "UPDATE setup_page SET state = 'settling', claimed_at = %s WHERE setup_id = %s"
                " AND (state = 'open' OR (state = 'settling' AND claimed_at < %s))",
                [now, number, stuck_before],
            )
            return taken.rowcount > 0

    def end_setup(self, number: int, state: SetupState, method: int, attempts: Sequence[int], why: str) -> None:
        """See ports.SetupBook."""
        with self.transaction() as db:
            db.execute(
                "UPDATE setup_page SET state = %s, method = %s, attempts = %s, why = %s WHERE setup_id = %s",
                [state, method, list(attempts), why, number],
            )

    def stuck_setups(self, before: datetime, limit: int) -> Sequence[int]:
        """See ports.SetupBook."""
        with self.reading() as db:
            found = db.execute(
                "SELECT setup_id FROM setup_page WHERE state = 'settling' AND claimed_at < %s"
                " ORDER BY claimed_at LIMIT %s",
                [before, limit],
            )
            return [int(number) for (number,) in found]
