"""Support requests on PostgreSQL (see ports.support)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, LiteralString

from arrears.core.address import mailbox_of
from arrears.core.messages.kinds import MessageKind
from arrears.core.people.support import About, Via
from arrears.ports.support import (
    ConversationEntry,
    LetterState,
    Opens,
    Request,
    RequestState,
    SupportLetter,
)
from arrears.store.postgres.write import Db, utc

_COLUMNS: Final[LiteralString] = (
    "r.request_id, r.account_id, r.seq, r.about, r.via, r.state, r.case_no, r.slot, r.holds, r.person_id, r.name,"
    " r.address, r.company, r.known_by, r.locale, r.asked_at"
)
ADD: Final[LiteralString] = """
WITH added AS (
    INSERT INTO support_request (account_id, seq, about, via, state, case_no, slot, holds, person_id, name, address,
        company, known_by, locale, asked_at, mailbox)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING request_id, seq, asked_at
)
INSERT INTO support_entry SELECT request_id, 1, '', %s, seq, asked_at FROM added RETURNING request_id
"""
CLAIM: Final[LiteralString] = """
WITH free AS MATERIALIZED (
    SELECT letter_id, at, state FROM support_letter
    WHERE (state = 'waiting' AND at <= %(now)s) OR (state = 'claimed' AND at < %(stuck)s)
    ORDER BY letter_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE support_letter l SET state = 'claimed', at = %(now)s FROM free WHERE l.letter_id = free.letter_id
RETURNING l.letter_id, l.request_id, l.kind, CASE WHEN free.state = 'claimed' THEN free.at END
"""
NAMED: Final[LiteralString] = """
SELECT account_id FROM account WHERE ref = %(known)s
UNION SELECT account_id FROM account WHERE account_id = %(number)s
UNION SELECT account_id FROM invoice WHERE number = %(known)s
LIMIT 2
"""
BEHIND: Final[LiteralString] = """
SELECT p.ref FROM fact r JOIN payment p ON p.account_id = r.account_id AND p.seq < r.seq
JOIN fact f ON f.account_id = p.account_id AND f.seq = p.seq AND f.at = r.at
WHERE r.account_id = %s AND r.seq = %s ORDER BY p.seq DESC LIMIT 1
"""


class PostgresSupport:
    """See ports.SupportBook and ports.VisitorBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def add_request(self, request: Request, body: str) -> int:
        """See ports.SupportBook."""
        with self.reading() as db:
            of_enums = [request.about.value, request.via.value]
            values = [
                *request[1:3],
                *of_enums,
                *request[5:8],
                list(request.holds),
                *request[9:],
                mailbox_of(request.address),
                body,
            ]
            row = db.execute(ADD, values).fetchone()
            assert row is not None
            return int(row[0])

    def support_request(self, number: int) -> Request | None:
        """See ports.SupportBook."""
        found = self._requests("WHERE r.request_id = %s", [number])
        return found[0] if found else None

    def requests_of(self, account: int) -> Sequence[Request]:
        """See ports.SupportBook."""
        return self._requests("WHERE r.account_id = %s AND r.account_id > 0 ORDER BY r.request_id DESC", [account])

    def waiting_requests(self, limit: int, *, every: bool) -> Sequence[Request]:
        """See ports.SupportBook."""
        if every:
            return self._requests("WHERE r.state <> 'unconfirmed' ORDER BY r.request_id DESC LIMIT %s", [limit])
        return self._requests("WHERE r.state IN ('confirmed', 'open') ORDER BY r.request_id LIMIT %s", [limit])

    def requests_to_place(self, limit: int) -> Sequence[Request]:
        """See ports.VisitorBook."""
        return self._requests("WHERE r.state = 'confirmed' ORDER BY r.request_id LIMIT %s", [limit])

    def _requests(self, where: LiteralString, values: Sequence[Any]) -> list[Request]:
        with self.reading() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM support_request r {where}", values).fetchall()
        return [_request(row) for row in rows]

    def confirm_request(self, number: int) -> bool:
        """See ports.VisitorBook."""
        with self.reading() as db:
            done = db.execute(
                "UPDATE support_request SET state = 'confirmed' WHERE request_id = %s AND state = 'unconfirmed'"
                " RETURNING 1",
                [number],
            )
            return done.fetchone() is not None

    def place_request(self, request: Request) -> bool:
        """See ports.SupportBook."""
        with self.reading() as db:
            placed = db.execute(
                "UPDATE support_request SET account_id = %s, seq = %s, state = %s, case_no = %s, slot = %s, holds = %s"
                " WHERE request_id = %s AND account_id = 0 RETURNING 1",
                [
                    *(request.account, request.seq, request.state, request.case, request.slot, list(request.holds)),
                    request.number,
                ],
            )
            # Inside a unit's pipeline a count is not known before its answer is fetched.
            return placed.fetchone() is not None

    def move_request(self, number: int, state: RequestState) -> None:
        """See ports.SupportBook."""
        with self.reading() as db:
            db.execute("UPDATE support_request SET state = %s WHERE request_id = %s", [state, number])

    def add_hold(self, number: int, hold: int) -> None:
        """See ports.SupportBook."""
        with self.reading() as db:
            db.execute("UPDATE support_request SET holds = holds || %s::integer WHERE request_id = %s", [hold, number])

    def requests_since(self, since: datetime, account: int, via: Via) -> int:
        """See ports.SupportBook."""
        with self.reading() as db:
            row = db.execute(
                "SELECT count(*) FROM support_request"
                " WHERE account_id = %s AND account_id > 0 AND asked_at > %s AND via = %s",
                [account, since, via.value],
            ).fetchone()
            assert row is not None
            return int(row[0])

    def slots_held(self, account: int, case: int) -> set[str]:
        """See ports.SupportBook."""
        with self.reading() as db:
            found = db.execute(
                "SELECT slot FROM support_request WHERE account_id = %s AND case_no = %s AND slot <> ''",
                [account, case],
            )
            return {slot for (slot,) in found}

    def add_entry(self, entry: ConversationEntry) -> None:
        """See ports.SupportBook."""
        with self.reading() as db:
            # The request's row is the lock: two that speak at once speak one after the other.
            db.execute("SELECT FROM support_request WHERE request_id = %s FOR UPDATE", [entry.request])
            db.execute(
                "INSERT INTO support_entry SELECT %s, coalesce(max(no), 0) + 1, %s, %s, %s, %s FROM support_entry"
                " WHERE request_id = %s",
                [entry.request, entry.author, entry.body, entry.seq, entry.at, entry.request],
            )

    def support_entries(self, number: int) -> Sequence[ConversationEntry]:
        """See ports.SupportBook."""
        with self.reading() as db:
            rows = db.execute(
                "SELECT request_id, no, author, body, seq, at FROM support_entry WHERE request_id = %s ORDER BY no",
                [number],
            ).fetchall()
        return [entry._replace(at=utc(entry.at)) for entry in (ConversationEntry(*row) for row in rows)]

    def tasks_open(self, account: int, seqs: Sequence[int]) -> Sequence[int]:
        """See ports.SupportBook."""
        with self.reading() as db:
            found = db.execute(
                "SELECT seq FROM task WHERE account_id = %s AND seq = ANY(%s) AND closed_seq IS NULL ORDER BY seq",
                [account, list(seqs)],
            )
            return [int(seq) for (seq,) in found]

    def add_support_link(self, digest: bytes, number: int, opens: Opens, now: datetime) -> None:
        """See ports.VisitorBook."""
        with self.reading() as db:
            db.execute("INSERT INTO support_link VALUES (%s, %s, %s, %s)", [digest, number, opens, now])

    def request_by_link(self, digest: bytes, opens: Opens, since: datetime) -> Request | None:
        """See ports.VisitorBook."""
        found = self._requests(
            "JOIN support_link l USING (request_id) WHERE l.digest = %s AND l.opens = %s AND l.made_at > %s",
            [digest, opens, since],
        )
        return found[0] if found else None

    def add_letter(self, number: int, kind: MessageKind, now: datetime) -> None:
        """See ports.SupportBook."""
        with self.reading() as db:
            db.execute(
                "INSERT INTO support_letter (request_id, kind, state, at) VALUES (%s, %s, 'waiting', %s)",
                [number, kind.value, now],
            )

    def claim_letters(self, now: datetime, stuck_before: datetime, limit: int) -> Sequence[SupportLetter]:
        """See ports.VisitorBook."""
        with self.transaction() as db:
            found = db.execute(CLAIM, {"now": now, "stuck": stuck_before, "limit": limit}).fetchall()
        return [
            SupportLetter(no, request, MessageKind(kind), at and utc(at)) for no, request, kind, at in sorted(found)
        ]

    def end_letter(self, number: int, state: LetterState, now: datetime, about: str = "", reply: str = "") -> None:
        """See ports.VisitorBook."""
        with self.transaction() as db:
            db.execute(
                "UPDATE support_letter SET state = %s, at = %s, about = %s, reply = %s WHERE letter_id = %s",
                [state, now, about, reply, number],
            )

    def accounts_known_by(self, known_by: str, company: str) -> Sequence[int]:
        """See ports.VisitorBook."""
        number = known_by.removeprefix("acc_")
        values = {"known": known_by, "number": int(number) if number.isdecimal() and len(number) < 18 else 0}
        if number == known_by:
            values["number"] = 0
        with self.reading() as db:
            found = db.execute(NAMED, values).fetchall() if known_by else []
            if not found and company:
                found = db.execute(
                    "SELECT account_id FROM account WHERE lower(btrim(name)) = lower(btrim(%s)) LIMIT 2", [company]
                ).fetchall()
        return [int(account) for (account,) in found]

    def payment_of_fact(self, account: int, seq: int) -> str:
        """See ports.MoneyBook."""
        with self.reading() as db:
            row = db.execute(BEHIND, [account, seq]).fetchone()
        return "" if row is None else str(row[0])


def _request(row: Any) -> Request:
    request = Request(*row)
    return request._replace(
        about=About(request.about), via=Via(request.via), holds=tuple(request.holds), asked_at=utc(request.asked_at)
    )
