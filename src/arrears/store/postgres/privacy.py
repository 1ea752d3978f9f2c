"""What is held about one person, across all tables, and what is kept no longer (see ports.privacy)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from arrears.core.address import mailbox_of
from arrears.core.errors import Refused
from arrears.ports.privacy import Erasure, Holder, KeptFor, digest_of_mailbox
from arrears.store.postgres.retention import (
    ASKING,
    MESSAGE_NAMES,
    MESSAGE_UNDER_WAY,
    NOTE_WITHOUT_ACCOUNT,
    TABLES,
    Chosen,
    Sweep,
)
from arrears.store.postgres.write import Db, utc

PAGES_A_SET: Final = 500
"""So many pages (4 MB) are looked through in one transaction: some ten milliseconds."""

ROWS_A_SET: Final = 1_000

NAME_LETTERS_MIN: Final = 3
"""A shorter name stands in half the words of any text."""

_BY_ADDRESS: Final[LiteralString] = (
    "SELECT person_id FROM person WHERE sign_in_email = %s OR lower(contact_email) = %s ORDER BY 1"
)
_PERSON: Final[LiteralString] = "SELECT sign_in_email, coalesce(contact_email, '') FROM person WHERE person_id = %s"
_CALLED: Final[LiteralString] = "SELECT display_name FROM person WHERE person_id = %(person)s"
_EARLIER: Final[LiteralString] = (
    "SELECT old_address FROM address_request WHERE person_id = %(person)s"
    " UNION SELECT new_address FROM address_request WHERE person_id = %(person)s AND used_at IS NOT NULL"
)
_OTHERS: Final[LiteralString] = (
    "SELECT sign_in_email, coalesce(contact_email, '') FROM person WHERE person_id <> %(person)s"
    " AND (sign_in_email = ANY(%(mailboxes)s::text[]) OR lower(contact_email) = ANY(%(mailboxes)s::text[]))"
)
_REACHED: Final[LiteralString] = """
SELECT account_id, 'technical' FROM extra_recipient WHERE lower(address) = ANY(%(mailboxes)s::text[])
UNION ALL SELECT account_id, 'contact' FROM account WHERE lower(contact) = ANY(%(mailboxes)s::text[])
UNION ALL SELECT account_id, role FROM account_role WHERE person_id = %(person)s
"""
_ACCOUNTS: Final[LiteralString] = f"""
SELECT account_id FROM ({_REACHED}) AS reached
UNION SELECT account_id FROM message WHERE mailbox = ANY(%(mailboxes)s::text[])
UNION SELECT account_id FROM sign_in_link WHERE person_id = %(person)s OR mailbox = ANY(%(mailboxes)s::text[])
UNION SELECT account_id FROM address_request WHERE person_id = %(person)s
ORDER BY 1
"""
_ACTS: Final[LiteralString] = """
SELECT f.account_id, f.seq, f.at, f.kind, f.why FROM unnest(%(accounts)s::bigint[]) AS a (account_id)
JOIN account_fact f USING (account_id) WHERE f.author = 'person:' || %(person)s ORDER BY f.at, f.account_id, f.seq
"""
_ATTEMPTS: Final[LiteralString] = """
SELECT t.account_id, t.no, t.currency, t.amount_minor, t.state, t.decline, t.created_at, t.moved_at
FROM unnest(%(accounts)s::bigint[]) AS a (account_id) JOIN account_fact f USING (account_id)
JOIN attempt t ON t.account_id = f.account_id AND t.no = (f.body::jsonb ->> 'attempt')::integer
WHERE f.kind = 'attempt_created' AND f.author = 'person:' || %(person)s ORDER BY 1, 2
"""
_TASKS: Final[LiteralString] = """
SELECT t.account_id, t.no, t.kind, t.what FROM task t
JOIN support_request r ON r.account_id = t.account_id AND t.kind = 'support_request' AND t.cause = r.request_id::text
WHERE (r.person_id = %(person)s AND r.person_id > 0) OR (r.mailbox = ANY(%(mailboxes)s::text[]) AND r.mailbox <> '')
ORDER BY 1, 2
"""
BESIDES: Final[Mapping[str, LiteralString]] = {"acts": _ACTS, "attempts": _ATTEMPTS, "tasks": _TASKS}
"""What of the books is theirs: what they did, the payments they tried, and what staff were asked to do for them."""

_WITH_DIGESTS: Final[LiteralString] = """
SELECT DISTINCT mailbox FROM (
    SELECT mailbox FROM message UNION ALL SELECT mailbox FROM support_request UNION ALL SELECT mailbox FROM sign_in_link
    UNION ALL SELECT mailbox FROM dead_address UNION ALL SELECT lower(contact) FROM account WHERE contact IS NOT NULL
    UNION ALL SELECT lower(address) FROM extra_recipient
    UNION ALL SELECT lower(contact_email) FROM person WHERE person_id = %(person)s AND contact_email IS NOT NULL
    UNION ALL SELECT lower(old_address) FROM address_request WHERE person_id = %(person)s
) AS held (mailbox) WHERE sha256(convert_to(mailbox, 'UTF8')) = ANY(%(digests)s::bytea[]) ORDER BY 1
"""
_DUE: Final[LiteralString] = """
INSERT INTO retention_sweep (table_name, swept_at) VALUES (%(table)s, %(now)s)
ON CONFLICT (table_name) DO UPDATE SET swept_at = excluded.swept_at
WHERE retention_sweep.swept_at < date_trunc('day', %(now)s::timestamptz, 'UTC')
RETURNING coalesce(until, '-infinity')::text
"""


class PostgresPrivacy:
    """See ports.PrivacyBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def holder(self, person: int, address: str) -> Holder | None:
        """See ports.PrivacyBook."""
        with self.reading() as db:
            if not person:
                mailbox = mailbox_of(address)
                found = [no for (no,) in db.execute(_BY_ADDRESS, [mailbox, mailbox])]
                if len(found) > 1:
                    named = ", ".join(f"per_{no}" for no in found)
                    raise Refused("several_people", f"{named} have this address; give one of these numbers")
                if not found:
                    who = Holder(0, "", (mailbox,))
                    return who if self._is_held(db, who) else None
                [person] = found
            row = db.execute(_PERSON, [person]).fetchone()
            if row is None:
                return None
            earlier = [a for (a,) in db.execute(_EARLIER, {"person": person})]
            theirs = {mailbox_of(one) for one in (*row, *earlier) if one}
            others = db.execute(_OTHERS, {"person": person, "mailboxes": sorted(theirs)})
            shared = {mailbox_of(one) for pair in others for one in pair}
            return Holder(person, mailbox_of(row[0]), tuple(sorted(theirs - shared)))

    def accounts_reaching(self, who: Holder) -> Mapping[int, str]:
        """See ports.PrivacyBook."""
        with self.reading() as db:
            return {int(no): str(role) for no, role in db.execute(_REACHED, _values(who))}

    def asking(self, who: Holder) -> Sequence[tuple[int, int]]:
        """See ports.PrivacyBook."""
        with self.reading() as db:
            return [(int(number), int(account)) for number, account in db.execute(ASKING, _values(who))]

    def personal(self, who: Holder) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """See ports.PrivacyBook."""
        with self.transaction() as db:
            values = self._all_values(db, who)
            exported = {name: kept.export for name, kept in TABLES.items() if kept.export and name in _there(db)}
            return {name: _dicts(db, one, values) for name, one in {**exported, **BESIDES}.items()}

    def mail_under_way(self, who: Holder) -> bool:
        """See ports.PrivacyBook."""
        with self.reading() as db:
            row = db.execute(MESSAGE_UNDER_WAY, self._all_values(db, who)).fetchone()
            return bool(row and row[0])

    def erase(self, who: Holder, now: datetime, author: str, why: str) -> int:
        """See ports.PrivacyBook."""
        with self.reading() as db:
            values = self._all_values(db, who)
            row = db.execute(
                "INSERT INTO erasure (person_id, signed_in_as, at, author, why) VALUES (%s, %s, %s, %s, %s)"
                " RETURNING erasure_no",
                [who.person, digest_of_mailbox(who.sign_in) if who.sign_in else None, now, author, why],
            ).fetchone()
            assert row is not None
            names = [name for (name,) in db.execute(MESSAGE_NAMES, values)]
            called = [name for (name,) in db.execute(_CALLED, values) if len(name) >= NAME_LETTERS_MIN]
            values |= {"erasure": row[0], "names": names, "called": [*called, *who.mailboxes]}
            there = _there(db)
            for name, kept in TABLES.items():
                for statement in kept.erase if name in there else ():
                    db.execute(statement, values)
            db.execute(
                "INSERT INTO erased_mailbox SELECT unnest(%s::bytea[]), %s ON CONFLICT DO NOTHING",
                [[digest_of_mailbox(one) for one in who.mailboxes], row[0]],
            )
            return int(row[0])

    def erasures(self) -> Sequence[Erasure]:
        """See ports.PrivacyBook."""
        with self.reading() as db:
            found = db.execute(
                "SELECT erasure_no, person_id, coalesce(signed_in_as, ''), array_agg(digest ORDER BY digest)"
                " FILTER (WHERE digest IS NOT NULL), at, author, why FROM erasure LEFT JOIN erased_mailbox"
                " USING (erasure_no) GROUP BY erasure_no ORDER BY erasure_no"
            )
            return [
                Erasure(no, person, bytes(sign_in), tuple(bytes(d) for d in digests or ()), utc(at), author, why)
                for no, person, sign_in, digests, at, author, why in found
            ]

    def holder_of(self, erasure: Erasure) -> Holder:
        """See ports.PrivacyBook."""
        with self.reading() as db:
            row = db.execute(
                "SELECT sign_in_email FROM person WHERE person_id = %s AND created_at <= %s",
                [erasure.person, erasure.at],
            ).fetchone()
            same = row is not None and digest_of_mailbox(row[0]) == erasure.sign_in
            person, sign_in = (erasure.person, mailbox_of(row[0])) if row and same else (0, "")
            found = db.execute(_WITH_DIGESTS, {"person": person, "digests": list(erasure.mailboxes)})
            return Holder(person, sign_in, tuple(name for (name,) in found))

    def people_to_forget(self, now: datetime, after: timedelta, limit: int) -> Sequence[int]:
        """See ports.PrivacyBook."""
        with self.transaction() as db:
            db.execute(NOTE_WITHOUT_ACCOUNT, {"now": now})
            found = db.execute(
                "SELECT person_id FROM person WHERE without_account_since <= %s ORDER BY 1 LIMIT %s",
                [now - after, limit],
            )
            return [int(person) for (person,) in found]

    def sweep(self, now: datetime, kept: KeptFor, only: Collection[str] = ()) -> Mapping[str, int]:
        """See ports.PrivacyBook."""
        with self.transaction() as db:
            there = _there(db)
        counts = {}
        for name, one in TABLES.items():
            if one.sweep is None or name not in there or (only and name not in only):
                continue
            with self.transaction() as db:
                row = db.execute(_DUE, {"table": name, "now": now}).fetchone()
            if row is not None:
                before = now - _period(one.sweep, kept)
                counts[name] = self._by_time(one.sweep, name, row[0], before) if one.sweep.by_time else 0
                counts[name] += 0 if one.sweep.by_time else self._by_pages(one.sweep, name, now, before)
        return counts

    def _by_pages(self, sweep: Sweep, name: str, now: datetime, before: datetime) -> int:
        count = 0
        with self.transaction() as db:
            row = db.execute("SELECT pg_relation_size(%s::regclass) / 8192", [name]).fetchone()
        for first in range(0, row[0] if row else 0, PAGES_A_SET):
            with self.transaction() as db:
                values = {"first": f"({first},0)", "after": f"({first + PAGES_A_SET},0)", "now": now, "before": before}
                count += sum(db.execute(statement, values).rowcount for statement in sweep.statements)
        return count

    def _by_time(self, sweep: Sweep, name: str, until: str, before: datetime) -> int:
        count, limit = 0, ROWS_A_SET
        while True:
            with self.transaction() as db:
                values = {"until": until, "before": before, "limit": limit}
                found = [at for (at,) in db.execute(sweep.statements[0], values)]
                newest = str(max(found)) if found else until
                db.execute("UPDATE retention_sweep SET until = %s::timestamptz WHERE table_name = %s", [newest, name])
            count += len(found)
            if len(found) < limit:
                return count
            # More of one instant than are taken at once would be taken again and again.
            until, limit = newest, 2 * limit if newest == until else limit

    def _all_values(self, db: Db, who: Holder) -> dict[str, Any]:
        values = _values(who)
        return {**values, "accounts": [no for (no,) in db.execute(_ACCOUNTS, values)]}

    def _is_held(self, db: Db, who: Holder) -> bool:
        values = self._all_values(db, who)
        there = _there(db)
        held = (_dicts(db, one.export, values) for name, one in TABLES.items() if one.export and name in there)
        return any(held)


def _values(who: Holder) -> dict[str, Any]:
    return {"person": who.person, "mailboxes": list(who.mailboxes)}


def _period(sweep: Sweep, kept: KeptFor) -> timedelta:
    match sweep.kept:
        case Chosen.TEXTS:
            return kept.texts
        case Chosen.PEOPLE:
            return kept.people
        case _:
            return sweep.kept


def _there(db: Db) -> set[str]:
    """The tables of this schema: a scratch one has none of the web framework's."""
    found = db.execute("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace")
    return {name for (name,) in found}


def _dicts(db: Db, statement: LiteralString, values: dict[str, Any]) -> list[dict[str, Any]]:
    cursor = db.execute(statement, values)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def markdown() -> Iterator[str]:
    """The table of docs/operate.md, a line at a time."""
    yield "| table | kept | why |"
    yield "|---|---|---|"
    for kept in dict.fromkeys(TABLES.values()):
        names = ", ".join(f"`{name}`" for name, one in TABLES.items() if one == kept)
        yield f"| {names} | {kept.how_long} | {kept.why} |"
