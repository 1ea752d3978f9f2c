"""People's addresses, as rows (see ports.people)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, LiteralString

from arrears.core.address import mailbox_of
from arrears.core.messages.recipients import Extra
from arrears.ports.people import AskedAddress
from arrears.ports.privacy import digest_of_mailbox
from arrears.store.postgres.write import Db, utc

UNCONFIRMED: Final[LiteralString] = """
SELECT min(r.account_id), p.person_id, coalesce(p.contact_email, p.sign_in_email)
FROM account_role r JOIN person p USING (person_id)
WHERE r.role = 'administrator' AND coalesce(p.contact_confirmed_at, '-infinity') < %(before)s
  AND NOT EXISTS (SELECT FROM address_request a WHERE a.person_id = p.person_id AND a.asked_at >= %(before)s)
GROUP BY p.person_id ORDER BY 1 LIMIT %(limit)s
"""

END_ASKED: Final[LiteralString] = """
UPDATE address_request SET over_at = %s WHERE person_id = %s AND used_at IS NULL AND over_at IS NULL
"""
# What is told is the address that it takes the place of, not the one of when it was asked for.
USE_ASKED: Final[LiteralString] = """
UPDATE address_request a SET used_at = %(now)s, old_address = coalesce(p.contact_email, p.sign_in_email)
FROM person p WHERE a.request_id = %(request)s AND a.used_at IS NULL AND a.over_at IS NULL
    AND p.person_id = a.person_id
RETURNING a.old_address
"""
# Whoever was erased is written to no more than who does not exist.
DEAD: Final[LiteralString] = """
SELECT mailbox FROM dead_address WHERE mailbox = ANY(%b) UNION ALL
SELECT v.mailbox FROM unnest(%b::text[], %b::bytea[]) AS v (mailbox, digest) JOIN erased_mailbox USING (digest)
"""


class PostgresPeople:
    """See ports.AddressBook."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Db]:
        """The transaction that this thread has open, else one of its own."""
        raise NotImplementedError

    def ask_address(self, account: int, person: int, old: str, new: str, now: datetime) -> int:
        """See ports.AddressBook."""
        with self.reading() as db:
            db.execute(END_ASKED, [now, person])
            row = db.execute(
                "INSERT INTO address_request (account_id, person_id, old_address, new_address, asked_at)"
                " VALUES (%s, %s, %s, %s, %s) RETURNING request_id",
                [account, person, old, new, now],
            ).fetchone()
            assert row is not None
            return int(row[0])

    def asked_address(self, digest: bytes) -> AskedAddress | None:
        """See ports.AddressBook."""
        with self.reading() as db:
            row = db.execute(
                "SELECT request_id, account_id, person_id, old_address, new_address, asked_at, used_at"
                " FROM address_request WHERE digest = %s AND over_at IS NULL",
                [digest],
            ).fetchone()
        if row is None:
            return None
        asked = AskedAddress(*row)
        return asked._replace(asked_at=utc(asked.asked_at), used_at=asked.used_at and utc(asked.used_at))

    def asked_since(self, person: int, since: datetime) -> int:
        """See ports.AddressBook."""
        with self.reading() as db:
            row = db.execute(
                "SELECT count(*) FROM address_request WHERE person_id = %s AND asked_at > %s", [person, since]
            ).fetchone()
            assert row is not None
            return int(row[0])

    def confirm_address(self, asked: AskedAddress, now: datetime) -> str | None:
        """See ports.AddressBook."""
        with self.reading() as db:
            # In the unit's pipeline there is no count of rows yet; a row that comes back is waited for.
            before = db.execute(USE_ASKED, {"now": now, "request": asked.number}).fetchone()
            if before is None:
                return None
            db.execute(END_ASKED, [now, asked.person])
            db.execute(
                "UPDATE person SET contact_email = %s, contact_confirmed_at = %s WHERE person_id = %s",
                [asked.new, now, asked.person],
            )
            db.execute("DELETE FROM dead_address WHERE mailbox = %s", [mailbox_of(asked.new)])
            db.execute("DELETE FROM erased_mailbox WHERE digest = %s", [digest_of_mailbox(asked.new)])
            return str(before[0])

    def accounts_of(self, person: int) -> Sequence[int]:
        """See ports.AddressBook."""
        with self.reading() as db:
            found = db.execute("SELECT account_id FROM account_role WHERE person_id = %s ORDER BY 1", [person])
            return [int(account) for (account,) in found]

    def unconfirmed_addresses(self, before: datetime, limit: int) -> Sequence[tuple[int, int, str]]:
        """See ports.AddressBook."""
        with self.reading() as db:
            found = db.execute(UNCONFIRMED, {"before": before, "limit": limit})
            return [(int(account), int(person), str(address)) for account, person, address in found]

    def set_profile(self, person: int, locale: str, zone: str) -> None:
        """See ports.AddressBook."""
        with self.transaction() as db:
            db.execute("UPDATE person SET locale = %s, zone = %s WHERE person_id = %s", [locale, zone, person])

    def add_extra(self, account: int, extra: Extra) -> None:
        """See ports.AddressBook."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO extra_recipient (account_id, address, name, locale, channel) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (account_id, channel, address)"
                " DO UPDATE SET name = excluded.name, locale = excluded.locale",
                [account, *extra],
            )

    def remove_extra(self, account: int, address: str) -> bool:
        """See ports.AddressBook."""
        with self.reading() as db:
            gone = db.execute(
                "DELETE FROM extra_recipient WHERE account_id = %s AND address = %s RETURNING true", [account, address]
            )
            return gone.fetchone() is not None


def dead_among(db: Db, addresses: Collection[str]) -> set[str]:
    """Those of these addresses' mailboxes to which nothing is sent: they do not exist, or their owner was erased."""
    mailboxes = sorted({mailbox_of(address) for address in addresses})
    digests = [digest_of_mailbox(mailbox) for mailbox in mailboxes]
    return {mailbox for (mailbox,) in db.execute(DEAD, [mailboxes, mailboxes, digests])}
