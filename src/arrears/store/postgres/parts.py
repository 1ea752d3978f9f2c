"""One transaction over many accounts, a part of them at a time.

All of it is one pipeline: the server writes a part while the next is being decided. What is read in between waits for
what was sent before it, so a part is read before the one before it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, LiteralString, cast

import psycopg

from arrears.core.account import decode_account
from arrears.core.errors import Refused
from arrears.core.unit import GENESIS, Unit
from arrears.ports import NewAccount, Poisoned
from arrears.store.postgres.batch import detail_of, first_line
from arrears.store.postgres.book import WARN_TOO, describe
from arrears.store.postgres.installation import read_system
from arrears.store.postgres.named import NAME, named
from arrears.store.postgres.write import (
    Db,
    DbRow,
    Sent,
    Statement,
    check_sent,
    columns_of,
    send,
    statements_of,
    utc,
)

LOCK: Final[LiteralString] = """
SELECT account_id, seq, head, next_at, state, recorded_at FROM account_state
WHERE account_id = ANY(%b) ORDER BY account_id FOR NO KEY UPDATE
"""
OPEN: Final[LiteralString] = """
INSERT INTO account (account_id, ref, name, country, zone, locale, mode, policy, contact, billing_address,
    tax_number)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::text[])
"""
IN_PARTS_LOCK: Final = 7_220_016
"""Who takes accounts in parts holds this advisory lock of the database until the transaction ends."""
TURN: Final[LiteralString] = "SELECT pg_advisory_xact_lock(%s)"
WAITS: Final[LiteralString] = "SELECT set_config('lock_timeout', %s, true)"
NUMBERS: Final[LiteralString] = "SELECT nextval('account_number') FROM generate_series(1, %s)"


def take_turn(db: Db, wait_max: timedelta | None) -> None:
    """Wait until no other transaction takes accounts in parts: the second reads what the first has written, and says
    right what was there before. Refuses `import_under_way` after `wait_max`."""
    if wait_max is None:
        db.execute(TURN, [IN_PARTS_LOCK])
        return
    try:
        db.execute(WAITS, [f"{wait_max // timedelta(milliseconds=1)}ms"])
        db.execute(TURN, [IN_PARTS_LOCK])
        db.execute(WAITS, ["0"])
    except psycopg.errors.LockNotAvailable:
        raise Refused("import_under_way", "a book is being imported, which takes long; try again later") from None


def newest(rows: Sequence[DbRow], now: datetime) -> datetime:
    """The instant of the newest fact that is there, if that is later than `now`."""
    return max([now, *(utc(recorded_at) for *_, recorded_at in rows)])


def units_of(rows: Sequence[DbRow], now: datetime) -> list[Unit]:
    """Their time does not go back (I21): whoever waited for the lock, or has a slower clock, writes at the instant of
    the newest fact that is there."""
    now = newest(rows, now)
    return [Unit(no, decode_account(state), seq, head, now, next_at) for no, seq, head, next_at, state, _ in rows]


def opening(units: Sequence[Unit], accounts: Sequence[NewAccount]) -> list[Statement]:
    """What is known of customers that come now: themselves, their further addresses, their payment methods."""
    if not accounts:
        return []
    rows = [
        (
            u.no,
            a.ref,
            a.name,
            a.country,
            a.zone,
            a.locale,
            a.mode.value,
            a.policy,
            a.contact,
            a.billing_address or None,
            a.tax_number or None,
        )
        for u, a in zip(units, accounts, strict=True)
    ]
    copies = [(u.no, address) for u, a in zip(units, accounts, strict=True) for address in a.copies]
    also = [Statement(WARN_TOO, columns_of(copies))] if copies else []
    methods = [named(u.no, a.method, u.now) for u, a in zip(units, accounts, strict=True) if a.method is not None]
    if methods:
        also.append(Statement(NAME, columns_of(methods)))
    return [Statement(OPEN, columns_of(rows)), *also]


def ready(units: Sequence[Unit], opened: Mapping[int, NewAccount]) -> list[Statement]:
    """See ports.AccountsInParts.encoder."""
    changed = [unit for unit in units if unit.changed]
    new = [unit for unit in changed if unit.is_new]
    return [*opening(new, [opened[unit.no] for unit in new]), *statements_of(changed)] if changed else []


def new_units(db: Db, count: int, now: datetime) -> list[Unit]:
    """Units of accounts that do not exist yet, with the next numbers."""
    if not count:
        return []
    return [Unit(int(number), None, 0, GENESIS, now) for (number,) in db.execute(NUMBERS, [count]).fetchall()]


class PostgresParts:
    """See ports.AccountsInParts."""

    def __init__(self, db: Db, now: datetime) -> None:
        self._db = db
        self._now = now
        self._sent: list[Sent] = []
        self.guards = read_system(db).guards

    def units(self, new: int, also: Sequence[int]) -> Sequence[Unit]:
        """See ports.AccountsInParts."""
        rows = self._db.execute(LOCK, [sorted(also)], binary=True).fetchall() if also else []
        now = newest(rows, self._now)
        units = new_units(self._db, new, now)
        check_sent(self._sent)
        self._sent = []
        # Each is read where it is decided, which may be in another process.
        return [*units, *(Unit(no, None, seq, head, now, at, state) for no, seq, head, at, state, _ in rows)]

    def encoder(self) -> Callable[[Sequence[Unit], Mapping[int, NewAccount]], Sequence[object]]:
        """See ports.AccountsInParts."""
        return ready

    def send(self, encoded: Sequence[object]) -> None:
        """See ports.AccountsInParts."""
        self._sent += send(self._db, cast(Sequence[Statement], encoded))

    def keep_sending(self) -> None:
        """See ports.AccountsInParts. The socket takes only so much at a time, and the server begins with a statement
        when all of it is there."""
        self._db.pgconn.flush()

    def describe(self, account: int, known: NewAccount) -> None:
        """See ports.AccountsInParts."""
        describe(self._db, account, known, self._now)

    @contextmanager
    def writing(self) -> Iterator[PostgresParts]:
        """Everything until the end of this context is one pipeline."""
        with refused_as_ours(), self._db.pipeline():
            yield self
        check_sent(self._sent)


@contextmanager
def refused_as_ours() -> Iterator[None]:
    """What the database refuses to have twice is refused in our words; anything else that it refuses is Poisoned."""
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        table = error.diag.table_name
        if table == "account":
            raise Refused("account_exists", f"an account exists already: {detail_of(error)}") from None
        if table in ("invoice", "payment"):
            raise Refused(f"duplicate_{table}", f"this {table} exists already: {detail_of(error)}") from None
        raise Poisoned(first_line(error)) from error
    except psycopg.IntegrityError as error:
        raise Poisoned(first_line(error)) from error
