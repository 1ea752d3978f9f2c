"""What staff see first: what waits for a person by kind, what is done next, what is at risk; and finding an account.

Each answer is one statement over what is open (cases, ends of service, tasks), however many accounts there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, LiteralString, NamedTuple

from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.write import utc


class TaskKind(NamedTuple):
    """Open tasks of one kind: how many, of how many accounts, and since when the oldest is open."""

    kind: str
    open: int
    accounts: int
    since: datetime


class ComingAction(NamedTuple):
    """Something that will be done to a subscription, on the day that its customer was told (`restrict`, `disable`,
    `delete`)."""

    on: date
    action: str
    account: int
    name: str
    subscription: int
    service: str


class AtRisk(NamedTuple):
    """What is past due in one currency, in minor units, of how many accounts."""

    currency: str
    minor: int
    accounts: int


class FoundAccount(NamedTuple):
    """An account that was searched for, and what was found of it: `name`, `ref`, `invoice`, `address`, `payment`,
    `payer`."""

    account: int
    ref: str
    name: str
    by: str


_TASK_KINDS: Final[LiteralString] = """
SELECT t.kind, count(*), count(DISTINCT t.account_id), min(f.at)
FROM task t JOIN fact f ON f.account_id = t.account_id AND f.seq = t.seq
WHERE t.closed_seq IS NULL GROUP BY t.kind ORDER BY min(f.at), t.kind
"""

_ACTIONS: Final[LiteralString] = """
WITH ahead AS (
    SELECT s.account_id, s.no, s.service, told.action, told.on_day
    FROM collection_case c JOIN subscription s USING (account_id),
        LATERAL (VALUES ('restrict', s.restrict_on), ('disable', s.disable_on)) told (action, on_day)
    WHERE c.outcome IS NULL AND told.on_day <= %(until)s
        AND (s.state = 'past_due' OR s.state = 'restricted' AND told.action = 'disable')
    UNION ALL
    SELECT s.account_id, s.no, s.service, 'delete', s.delete_on
    FROM service_end e JOIN subscription s ON s.account_id = e.account_id AND s.no = e.subscription
    WHERE e.generation = s.generation AND s.state = 'disabled' AND e.ordered_at IS NULL AND s.delete_on <= %(until)s
)
SELECT ahead.on_day, ahead.action, account_id, a.name, ahead.no, ahead.service
FROM ahead JOIN account a USING (account_id)
WHERE (ahead.on_day, account_id, ahead.no) > (%(after)s, %(account)s, %(no)s)
ORDER BY ahead.on_day, account_id, ahead.no LIMIT %(limit)s
"""

_AT_RISK: Final[LiteralString] = """
SELECT i.currency, sum(i.open_minor)::bigint, count(DISTINCT i.account_id)
FROM collection_case c JOIN invoice i USING (account_id)
WHERE c.outcome IS NULL AND i.day_0 IS NOT NULL AND i.open_minor > 0 GROUP BY i.currency ORDER BY i.currency
"""

# Each way to find an account has an index of its own; what is typed is compared whole, of names the beginning.
_SEARCH: Final[LiteralString] = """
WITH hit (account_id, by, rank) AS (
    (SELECT account_id, 'ref', 1 FROM account WHERE ref = %(text)s)
    UNION ALL (SELECT account_id, 'invoice', 2 FROM invoice WHERE number = %(text)s)
    UNION ALL (SELECT account_id, 'payment', 3 FROM payment WHERE ref = %(text)s)
    UNION ALL (SELECT r.account_id, 'address', 4 FROM person p JOIN account_role r USING (person_id)
        WHERE p.sign_in_email = lower(%(text)s) LIMIT %(limit)s)
    UNION ALL (SELECT account_id, 'payer', 5 FROM known_payer WHERE iban = %(iban)s LIMIT %(limit)s)
    UNION ALL (SELECT account_id, 'name', 6 FROM account
        WHERE lower(btrim(name)) LIKE %(name)s ORDER BY lower(btrim(name)), account_id LIMIT %(limit)s)
), best AS (SELECT DISTINCT ON (account_id) account_id, by, rank FROM hit ORDER BY account_id, rank)
SELECT account_id, a.ref, a.name, best.by FROM best JOIN account a USING (account_id)
ORDER BY best.rank, a.name, account_id LIMIT %(limit)s
"""

FIRST: Final = (date.min, 0, 0)
"""Before every action."""


def task_kinds(store: PostgresStore) -> Sequence[TaskKind]:
    """The kinds of open tasks, those first that have waited longest."""
    with store.transaction() as db:
        found = db.execute(_TASK_KINDS).fetchall()
    return [TaskKind(kind, number, accounts, utc(since)) for kind, number, accounts, since in found]


def coming_actions(
    store: PostgresStore, until: date, limit: int, after: tuple[date, int, int] = FIRST
) -> Sequence[ComingAction]:
    """What will be done up to this day, by day, then account and subscription; `after` is where the page before ended.
    What is late already is there too: it waits for a doubt, a hold or a person."""
    on, account, no = after
    values = {"until": until, "limit": limit, "after": on, "account": account, "no": no}
    with store.transaction() as db:
        return [ComingAction(*row) for row in db.execute(_ACTIONS, values).fetchall()]


def at_risk(store: PostgresStore) -> Sequence[AtRisk]:
    """What is past due, by currency."""
    with store.transaction() as db:
        return [AtRisk(*row) for row in db.execute(_AT_RISK).fetchall()]


def search_accounts(store: PostgresStore, text: str, limit: int) -> Sequence[FoundAccount]:
    """Accounts by the operator's reference, an invoice's number, a payment's reference, the address that somebody signs
    in with, the IBAN of a known payer, or the beginning of their name; the most exact first."""
    plain = text.strip()
    if not plain or "\0" in plain:
        return []
    begins = plain.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    values = {"text": plain, "iban": plain.replace(" ", "").upper(), "name": f"{begins}%", "limit": limit}
    with store.transaction() as db:
        return [FoundAccount(*row) for row in db.execute(_SEARCH, values).fetchall()]
