"""The accounts that a dry run looks at: those of which something is due before its end. They are only read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, LiteralString

from arrears.core.dry_run import PART_ACCOUNTS, DryRunWork, DueAccount
from arrears.core.guards import Guards
from arrears.core.messages.kinds import MessageKind
from arrears.core.messages.recipients import recipients
from arrears.core.policy import Policy
from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.write import utc

_DUE: Final[LiteralString] = "FROM account_state WHERE account_id > %s AND (next_at <= %s OR waits)"
_NEXT: Final[LiteralString] = (
    f"SELECT account_id, state, CASE WHEN waits THEN NULL ELSE next_at END {_DUE} ORDER BY account_id LIMIT %s"
)


def dry_run_work(store: PostgresStore, new: Policy, now: datetime, until: datetime) -> DryRunWork:
    """What a dry run does with each account: as the installation stands, but for its doubts, which pass."""
    under = store.system().guards
    guards = Guards(limits=under.limits, identity=under.identity, copied_at=under.copied_at)
    return DryRunWork(dict(store.policies()), new, guards, now, until)


def due_count(store: PostgresStore, until: datetime) -> int:
    """Of how many accounts something is due before the end, or waits for a doubt to be over."""
    with store.reading() as db:
        row = db.execute(f"SELECT count(*) {_DUE}", [0, until]).fetchone()
    assert row is not None
    return int(row[0])


def due_parts(store: PostgresStore, until: datetime) -> Iterator[Sequence[DueAccount]]:
    """These accounts in the order of their numbers, PART_ACCOUNTS at a time, each part as it is when it is read: the
    accounts do not depend on each other, and no transaction stays open for as long as a dry run takes."""
    last = 0
    while True:
        with store.reading() as db:
            found = db.execute(_NEXT, [last, until, PART_ACCOUNTS]).fetchall()
        if not found:
            return
        last = found[-1][0]
        contacts = store.contacts([number for number, *_ in found])
        heard = {number for number, one in contacts.items() if recipients(one, MessageKind.STOP_WARNING)}
        yield [
            DueAccount(number, state, number in heard, None if next_at is None else utc(next_at))
            for number, state, next_at in found
        ]
