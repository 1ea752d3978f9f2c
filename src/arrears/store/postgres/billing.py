"""The billing systems that are connected, as rows (see ports.billing)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, LiteralString

import msgspec

from arrears.ports.billing import BillingConnection, BillingOptions
from arrears.store.postgres.write import Db

READ: Final[LiteralString] = """
SELECT options, connected_at, read_at, cursor_at, event_no FROM billing_system WHERE name = %s
"""
# What was booked before it was connected is compared when its customers are read, so events begin with what comes now.
CONNECT: Final[LiteralString] = """
INSERT INTO billing_system (name, options, connected_at) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET options = excluded.options
"""
NOTE: Final[LiteralString] = "UPDATE billing_system SET read_at = %s, cursor_at = %s WHERE name = %s"
INFORMED: Final[LiteralString] = "UPDATE billing_system SET event_no = %s WHERE name = %s"


class PostgresBilling:
    """See ports.BillingBook."""

    def billing(self, name: str) -> BillingConnection | None:
        """See ports.BillingBook."""
        with self.reading() as db:
            row = db.execute(READ, [name]).fetchone()
        if row is None:
            return None
        return BillingConnection(msgspec.json.decode(row[0], type=BillingOptions), *row[1:])

    def connect_billing(self, name: str, options: BillingOptions, now: datetime) -> None:
        """See ports.BillingBook."""
        with self.reading() as db:
            db.execute(CONNECT, [name, msgspec.json.encode(options).decode(), now])

    def note_billing(self, name: str, read_at: datetime, cursor: datetime | None) -> None:
        """See ports.BillingBook."""
        with self.reading() as db:
            db.execute(NOTE, [read_at, cursor, name])

    def note_billing_informed(self, name: str, event_no: int) -> None:
        """See ports.BillingBook."""
        with self.reading() as db:
            db.execute(INFORMED, [event_no, name])

    def reading(self) -> AbstractContextManager[Db]:
        """See PostgresStore."""
        raise NotImplementedError
