"""Pages on which a method is set up, as rows and in memory (see ports.setups)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, LiteralString

from arrears.ports.setups import SetupPage, SetupState
from arrears.store.write import Db, utc

_COLUMNS: Final[LiteralString] = (
    "setup_id, account_id, author, provider, coalesce(ref, ''), url, shown, also, state, why, method, attempts,"
    " started_at"
)


class PostgresSetups:
    """See ports.Setups."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def begin_setup(
        self, account: int, author: str, provider: str, shown: Mapping[str, str], also: Sequence[int], now: datetime
    ) -> int:
        """See ports.Setups."""
        with self.transaction() as db:
            row = db.execute(
                "INSERT INTO setup_page (account_id, author, provider, shown, also, state, started_at)"
                " VALUES (%s, %s, %s, %s, %s, 'open', %s) RETURNING setup_id",
                [account, author, provider, json.dumps(dict(shown)), list(also), now],
            ).fetchone()
            assert row is not None
            return int(row[0])

    def opened_setup(self, number: int, ref: str, url: str) -> None:
        """See ports.Setups."""
        with self.transaction() as db:
            db.execute("UPDATE setup_page SET ref = %s, url = %s WHERE setup_id = %s", [ref, url, number])

    def setup(self, number: int) -> SetupPage | None:
        """See ports.Setups."""
        return self._one("setup_id = %s", [number])

    def setup_at(self, provider: str, ref: str) -> SetupPage | None:
        """See ports.Setups."""
        return self._one("provider = %s AND ref = %s", [provider, ref])

    def _one(self, where: LiteralString, values: list[Any]) -> SetupPage | None:
        with self.reading() as db:
            row = db.execute(f"SELECT {_COLUMNS} FROM setup_page WHERE {where}", values).fetchone()
        if row is None:
            return None
        page = SetupPage(*row)
        return page._replace(also=tuple(page.also), attempts=tuple(page.attempts), started_at=utc(page.started_at))

    def claim_setup(self, number: int, now: datetime, stuck_before: datetime) -> bool:
        """See ports.Setups."""
        with self.transaction() as db:
            taken = db.execute(
                "UPDATE setup_page SET state = 'settling', claimed_at = %s WHERE setup_id = %s"
                " AND (state = 'open' OR (state = 'settling' AND claimed_at < %s))",
                [now, number, stuck_before],
            )
            return taken.rowcount > 0

    def end_setup(self, number: int, state: SetupState, method: int, attempts: Sequence[int], why: str) -> None:
        """See ports.Setups."""
        with self.transaction() as db:
            db.execute(
                "UPDATE setup_page SET state = %s, method = %s, attempts = %s, why = %s WHERE setup_id = %s",
                [state, method, list(attempts), why, number],
            )

    def stuck_setups(self, before: datetime, limit: int) -> Sequence[int]:
        """See ports.Setups."""
        with self.reading() as db:
            found = db.execute(
                "SELECT setup_id FROM setup_page WHERE state = 'settling' AND claimed_at < %s"
                " ORDER BY claimed_at LIMIT %s",
                [before, limit],
            )
            return [int(number) for (number,) in found]


class MemorySetups:
    """See ports.Setups."""

    def __init__(self) -> None:
        self.setup_pages: dict[int, SetupPage] = {}
        self.setup_claims: dict[int, datetime] = {}

    def begin_setup(
        self, account: int, author: str, provider: str, shown: Mapping[str, str], also: Sequence[int], now: datetime
    ) -> int:
        """See ports.Setups."""
        number = len(self.setup_pages) + 1
        self.setup_pages[number] = SetupPage(
            number, account, author, provider, "", "", dict(shown), tuple(also), "open", "", 0, (), now
        )
        return number

    def opened_setup(self, number: int, ref: str, url: str) -> None:
        """See ports.Setups."""
        self.setup_pages[number] = self.setup_pages[number]._replace(ref=ref, url=url)

    def setup(self, number: int) -> SetupPage | None:
        """See ports.Setups."""
        return self.setup_pages.get(number)

    def setup_at(self, provider: str, ref: str) -> SetupPage | None:
        """See ports.Setups."""
        return next((p for p in self.setup_pages.values() if (p.provider, p.ref) == (provider, ref)), None)

    def claim_setup(self, number: int, now: datetime, stuck_before: datetime) -> bool:
        """See ports.Setups."""
        page = self.setup_pages[number]
        if page.state != "open" and not (page.state == "settling" and self.setup_claims[number] < stuck_before):
            return False
        self.setup_pages[number] = page._replace(state="settling")
        self.setup_claims[number] = now
        return True

    def end_setup(self, number: int, state: SetupState, method: int, attempts: Sequence[int], why: str) -> None:
        """See ports.Setups."""
        self.setup_pages[number] = self.setup_pages[number]._replace(
            state=state, method=method, attempts=tuple(attempts), why=why
        )

    def stuck_setups(self, before: datetime, limit: int) -> Sequence[int]:
        """See ports.Setups."""
        stuck = [n for n, p in self.setup_pages.items() if p.state == "settling" and self.setup_claims[n] < before]
        return sorted(stuck, key=lambda n: self.setup_claims[n])[:limit]
