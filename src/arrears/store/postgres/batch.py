"""One transaction's batch on PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Final, LiteralString

import psycopg

from arrears.core.address import mailbox_of
from arrears.core.errors import Refused
from arrears.core.facts import Recorded
from arrears.core.guards import Guards
from arrears.core.policy import Policies
from arrears.core.unit import Unit
from arrears.ports import Claim, MailMove, Poisoned
from arrears.store.postgres.audit import audit
from arrears.store.postgres.looking import look, unproven
from arrears.store.postgres.messages import move_mails
from arrears.store.postgres.write import SEAL_STORED, Db, DbRow, Sent, check_sent, send_units

FINISH: Final[LiteralString] = """
UPDATE action a SET status = CASE WHEN v.done THEN 'done' ELSE 'failed' END, lease_until = NULL
FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::integer[], %b::boolean[])
    AS v (account_id, seq, kind, tries, done)
WHERE a.account_id = v.account_id AND a.seq = v.seq AND a.kind = v.kind
  AND a.status = 'claimed' AND a.tries = v.tries
RETURNING a.account_id, a.seq, a.kind
"""

KEEP: Final[LiteralString] = """
UPDATE action a SET tries = a.tries - 1, lease_until = coalesce(v.until, a.lease_until)
FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::integer[], %b::timestamptz[])
    AS v (account_id, seq, kind, tries, until)
WHERE a.account_id = v.account_id AND a.seq = v.seq AND a.kind = v.kind
  AND a.status = 'claimed' AND a.tries = v.tries
RETURNING a.account_id, a.seq, a.kind
"""


class PostgresBatch:
    """See ports.Batch."""

    def __init__(self, db: Db, units: Sequence[Unit], guards: Guards, policies: Policies) -> None:
        self._db = db
        self.units = units
        self.guards = guards
        self.policies = policies
        self._sent: list[Sent] = []
        self._sent_numbers: set[int] = set()
        self._looks: list[tuple[Sequence[Unit], Iterable[DbRow]]] = []
        self._proven: list[int] = []
        self._histories: dict[int, Sequence[Recorded]] = {}

    def write_early(self, units: Sequence[Unit]) -> None:
        """See ports.Batch. The pipeline that `_writing` opened takes them to the server at once."""
        changed = [u for u in units if u.changed]
        if changed:
            self._sent_numbers.update(u.no for u in changed)
            self._sent += send_units(self._db, changed)

    @contextmanager
    def writing(self) -> Iterator[PostgresBatch]:
        """Everything until the end of this context is one pipeline; what was not sent by then is sent last."""
        try:
            with self._db.pipeline():
                yield self
                self.write_early([u for u in self.units if u.no not in self._sent_numbers])
                if self._proven:
                    self._db.execute(SEAL_STORED, [self._proven])
        except psycopg.errors.UniqueViolation as error:
            table = error.diag.table_name
            if table in ("invoice", "payment"):
                raise Refused(f"duplicate_{table}", f"this {table} exists already: {detail_of(error)}") from None
            raise Poisoned(first_line(error)) from error
        except psycopg.IntegrityError as error:
            raise Poisoned(first_line(error)) from error
        check_sent(self._sent)

    def look(self, units: Sequence[Unit]) -> None:
        """See ports.Batch. Answered while others are being decided."""
        if units:
            self._looks.append((units, look(self._db, units)))

    def unproven(self) -> Collection[int]:
        """See ports.Batch."""
        return {number for units, answer in self._looks for number in unproven(units, answer)}

    def audit(self, units: Sequence[Unit]) -> Mapping[int, str]:
        """See ports.Batch."""
        changed, histories = audit(self._db, units)
        self._proven += [unit.no for unit in units if unit.no not in changed]
        self._histories.update(histories)
        return changed

    def audited(self, account: int) -> Sequence[Recorded]:
        """See ports.Batch."""
        return self._histories[account]

    def grant_deletions(self, day: date, wanted: int, cap: int) -> int:
        """See ports.Batch. The day's row serialises everybody who asks."""
        self._db.execute("INSERT INTO deletion_day VALUES (%s, 0) ON CONFLICT DO NOTHING", [day])
        row = self._db.execute("SELECT ordered FROM deletion_day WHERE day = %s FOR UPDATE", [day]).fetchone()
        assert row is not None
        granted = max(0, min(wanted, cap - int(row[0])))
        if granted:
            self._db.execute("UPDATE deletion_day SET ordered = ordered + %s WHERE day = %s", [granted, day])
        return granted

    def postpone_claims(self, claims: Sequence[tuple[Claim, datetime | None]]) -> Sequence[Claim]:
        """See ports.Batch."""
        if not claims:
            return []
        columns = [[c.account for c, _ in claims], [c.seq for c, _ in claims], [c.kind for c, _ in claims]]
        found = self._db.execute(KEEP, [*columns, [c.tries for c, _ in claims], [until for _, until in claims]])
        kept = {(account, seq, kind) for account, seq, kind in found}
        return [c for c, _ in claims if (c.account, c.seq, c.kind) in kept]

    def move_mails(self, moves: Sequence[MailMove], now: datetime) -> Sequence[MailMove]:
        """See ports.Batch."""
        return move_mails(self._db, moves, now)

    def send_notice_again(self, account: int, seq: int) -> None:
        """See ports.Batch."""
        self._db.execute(
            "UPDATE action SET status = 'recorded', tries = 0, lease_until = NULL"
            " WHERE account_id = %s AND seq = %s AND kind = 'notice' AND status IN ('done', 'failed')",
            [account, seq],
        )

    def mark_dead(self, address: str, why: str, now: datetime) -> None:
        """See ports.Batch."""
        self._db.execute(
            "INSERT INTO dead_address VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", [mailbox_of(address), now, why]
        )

    def end_claims(self, claims: Sequence[tuple[Claim, bool]]) -> Sequence[Claim]:
        """See ports.Batch."""
        columns = [[c.account for c, _ in claims], [c.seq for c, _ in claims], [c.kind for c, _ in claims]]
        found = self._db.execute(FINISH, [*columns, [c.tries for c, _ in claims], [done for _, done in claims]])
        kept = {(account, seq, kind) for account, seq, kind in found}
        return [c for c, _ in claims if (c.account, c.seq, c.kind) in kept]


def first_line(error: psycopg.Error) -> str:
    """What the database said, in one line."""
    return (str(error).strip().splitlines() or ["refused"])[0]


def detail_of(error: psycopg.errors.UniqueViolation) -> str:
    """What exists already, as the database names it."""
    return (error.diag.message_detail or "").removeprefix("Key ")
