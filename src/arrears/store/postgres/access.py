"""Who may come in, as rows (see ports.people)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, LiteralString

from arrears.core.address import mailbox_of
from arrears.ports.people import AccessLink
from arrears.ports.privacy import digest_of_mailbox
from arrears.store.postgres.people import END_ASKED
from arrears.store.postgres.write import Db, utc

END_RESETS: Final[LiteralString] = "UPDATE sign_in_link SET over_at = %s WHERE person_id = %s AND over_at IS NULL"
END_INVITATIONS: Final[LiteralString] = """
UPDATE sign_in_link SET over_at = %s WHERE by_person = %s AND kind = 'invitation' AND over_at IS NULL
RETURNING account_id, link_id
"""
# Not the link that asks whether the address is still right: that one changes nothing.
END_CHANGES: Final[LiteralString] = f"{END_ASKED} AND new_address <> old_address"


class PostgresAccess:
    """See ports.AccessBook."""

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def invite(
        self, account: int, address: str, name: str, locale: str, role: str, now: datetime, by_person: int
    ) -> int:
        """See ports.AccessBook."""
        return self._number(
            "INSERT INTO sign_in_link (account_id, kind, address, mailbox, name, locale, role, asked_at, by_person)"
            " VALUES (%s, 'invitation', %s, %s, %s, %s, %s, %s, %s) RETURNING link_id",
            [account, address, mailbox_of(address), name, locale, role, now, by_person],
        )

    def invited_since(self, account: int, since: datetime) -> int:
        """See ports.AccessBook."""
        return self._number(
            "SELECT count(*) FROM sign_in_link WHERE account_id = %s AND kind = 'invitation' AND asked_at > %s",
            [account, since],
        )

    def ask_reset(self, account: int, person: int, now: datetime) -> int:
        """See ports.AccessBook."""
        return self._number(
            "INSERT INTO sign_in_link (account_id, kind, person_id, address, name, locale, asked_at)"
            " SELECT %s, 'reset', person_id, sign_in_email, display_name, locale, %s FROM person"
            " WHERE person_id = %s RETURNING link_id",
            [account, now, person],
        )

    def resets_since(self, person: int, since: datetime) -> int:
        """See ports.AccessBook."""
        return self._number(
            "SELECT count(*) FROM sign_in_link WHERE person_id = %s AND asked_at > %s AND over_at IS NULL",
            [person, since],
        )

    def access_link(self, digest: bytes) -> AccessLink | None:
        """See ports.AccessBook."""
        with self.reading() as db:
            row = db.execute(
                "SELECT link_id, account_id, kind, coalesce(person_id, 0), address, name, locale, coalesce(role, ''),"
                " asked_at, CASE WHEN by_person = 0 OR EXISTS (SELECT FROM account_role r WHERE r.person_id = by_person"
                " AND r.account_id = l.account_id AND r.role = 'administrator') THEN over_at"
                " ELSE coalesce(over_at, asked_at) END FROM sign_in_link l WHERE digest = %s",
                [digest],
            ).fetchone()
        if row is None:
            return None
        link = AccessLink(*row)
        return link._replace(asked_at=utc(link.asked_at), over_at=link.over_at and utc(link.over_at))

    def end_link(self, number: int, now: datetime) -> None:
        """See ports.AccessBook."""
        self._do("UPDATE sign_in_link SET over_at = %s WHERE link_id = %s AND over_at IS NULL", [now, number])

    def person_at(self, address: str) -> int | None:
        """See ports.AccessBook."""
        return self._found("SELECT person_id FROM person WHERE sign_in_email = %s", [address.lower()])

    def accounts_of(self, person: int) -> Sequence[int]:
        """See ports.AccessBook."""
        raise NotImplementedError

    def new_person(self, address: str, name: str, hashed: str, locale: str, now: datetime) -> int:
        """See ports.AccessBook."""
        self._do("DELETE FROM erased_mailbox WHERE digest = %s", [digest_of_mailbox(address)])
        return self._number(
            "INSERT INTO person (sign_in_email, contact_email, display_name, locale, password, created_at,"
            " contact_confirmed_at) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING person_id",
            [address.lower(), address, name, locale, hashed, now, now],
        )

    def give_role(self, account: int, person: int, role: str) -> None:
        """See ports.AccessBook."""
        self._do(
            "INSERT INTO account_role (account_id, person_id, role) VALUES (%s, %s, %s)"
            " ON CONFLICT (account_id, person_id) DO UPDATE SET role = excluded.role",
            [account, person, role],
        )

    def take_role(self, account: int, person: int, now: datetime) -> None:
        """See ports.AccessBook."""
        self._do("DELETE FROM account_role WHERE account_id = %s AND person_id = %s", [account, person])
        if not self.accounts_of(person):
            self.end_sessions(person)
            self._do(END_RESETS, [now, person])
            self._do(END_ASKED, [now, person])

    def set_password(self, person: int, hashed: str, now: datetime) -> Sequence[tuple[int, int]]:
        """See ports.AccessBook."""
        with self.reading() as db:
            db.execute("UPDATE person SET password = %s WHERE person_id = %s", [hashed, person])
            db.execute(END_RESETS, [now, person])
            db.execute(END_CHANGES, [now, person])
            ended = db.execute(END_INVITATIONS, [now, person]).fetchall()
        return [(int(account), int(link)) for account, link in ended]

    def end_sessions(self, person: int) -> None:
        """See ports.AccessBook."""
        self._do("UPDATE person SET session_epoch = session_epoch + 1 WHERE person_id = %s", [person])
        self._do("DELETE FROM sign_in_session WHERE person_id = %s", [person])

    def _do(self, statement: LiteralString, values: list[Any]) -> None:
        with self.reading() as db:
            db.execute(statement, values)

    def _found(self, statement: LiteralString, values: list[Any]) -> int | None:
        with self.reading() as db:
            row = db.execute(statement, values).fetchone()
        return None if row is None or row[0] is None else int(row[0])

    def _number(self, statement: LiteralString, values: list[Any]) -> int:
        found = self._found(statement, values)
        assert found is not None, statement
        return found
