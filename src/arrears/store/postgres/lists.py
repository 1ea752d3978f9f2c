"""Lists of what is here, so many at a time: each goes on after the last that was read, by numbers that do not move, so
that nothing is missed or seen twice while rows come and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, LiteralString, NamedTuple

from arrears.core.rules.arrangement import REASON
from arrears.store.postgres.queries import TASK, Task, task_of
from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.write import utc

OwnNumber = tuple[int, int]
"""The number of an account, and of something within it; (0, 0) is before all."""


class ListedSubscription(NamedTuple):
    """A subscription, and how it stands; the dates are those that were told."""

    account: int
    no: int
    ref: str
    service: str
    state: str
    reasons: Sequence[str]
    restrict_on: date | None
    disable_on: date | None
    delete_on: date | None
    subscription_ref: str | None


class ListedInvoice(NamedTuple):
    """An invoice, what is open of it, and since when it is past due."""

    account: int
    no: int
    ref: str
    number: str
    currency: str
    total_minor: int
    open_minor: int
    issued_on: date
    due_on: date
    day_0: date | None


class ListedCase(NamedTuple):
    """One past-due episode of an account; `outcome` and `ended_at` are None while it is open."""

    account: int
    no: int
    ref: str
    opened_on: date
    policy: str
    zone: str
    outcome: str | None
    ended_at: datetime | None


def list_accounts(
    store: PostgresStore, after: int, limit: int, *, of: int, policy: str | None, in_case: bool | None
) -> list[int]:
    """The numbers of accounts; `of` this one alone (0: all), `policy` those that follow it, `in_case` those with a case
    that is open, or without."""
    where: list[LiteralString] = ["a.account_id > %(after)s"]
    where += ["a.account_id = %(of)s"] * bool(of)
    if policy is not None:
        where.append("a.policy = %(policy)s")
    if in_case is not None:
        where.append(f"{'' if in_case else 'NOT '}EXISTS ({_OPEN_CASE})")
    found = _rows(store, _ACCOUNTS, where, "a.account_id", after, limit, of=of, policy=policy)
    return [number for (number,) in found]


def promising_accounts(store: PostgresStore, limit: int) -> list[int]:
    """The numbers of the accounts on which a promise to pay holds something, in order."""
    with store.transaction() as db:
        found = db.execute(_PROMISING, {"reason": REASON, "limit": limit}).fetchall()
    return [number for (number,) in found]


def list_subscriptions(
    store: PostgresStore, after: OwnNumber, limit: int, *, account: int, service: str | None, state: str | None
) -> list[ListedSubscription]:
    """Subscriptions; of one `account` (0: of all), to one `service`, in one `state`."""
    where: list[LiteralString] = [_AFTER, *_of_account(account)]
    where += ["t.service = %(service)s"] * (service is not None)
    where += ["t.state = %(state)s"] * (state is not None)
    found = _rows(store, _SUBSCRIPTIONS, where, _ORDER, after, limit, account=account, service=service, state=state)
    return [ListedSubscription(*row)._replace(reasons=row[5].split()) for row in found]


def list_invoices(
    store: PostgresStore, after: OwnNumber, limit: int, *, account: int, is_open: bool | None, past_due: bool | None
) -> list[ListedInvoice]:
    """Invoices; of one `account` (0: of all), of which something is open or nothing, that are past due or not."""
    where: list[LiteralString] = [_AFTER, *_of_account(account)]
    if is_open is not None:
        where.append("t.open_minor > 0" if is_open else "t.open_minor = 0")
    if past_due is not None:
        where.append("t.day_0 IS NOT NULL" if past_due else "t.day_0 IS NULL")
    return [ListedInvoice(*row) for row in _rows(store, _INVOICES, where, _ORDER, after, limit, account=account)]


def list_cases(
    store: PostgresStore, after: OwnNumber, limit: int, *, account: int, is_open: bool | None
) -> list[ListedCase]:
    """Cases; of one `account` (0: of all), that are open or have ended."""
    where: list[LiteralString] = [_AFTER, *_of_account(account)]
    if is_open is not None:
        where.append("t.outcome IS NULL" if is_open else "t.outcome IS NOT NULL")
    return _cases(store, where, after, limit, account=account)


def case_of(store: PostgresStore, account: int, no: int) -> ListedCase | None:
    """One case of an account; None where there is none of that number."""
    found = _cases(store, ["t.account_id = %(account)s", "t.no = %(no)s"], (0, 0), 1, account=account, no=no)
    return found[0] if found else None


def _cases(
    store: PostgresStore, where: Sequence[LiteralString], after: OwnNumber, limit: int, **values: object
) -> list[ListedCase]:
    found = _rows(store, _CASES, where, _ORDER, after, limit, **values)
    return [ListedCase(*row)._replace(ended_at=row[7] and utc(row[7])) for row in found]


def list_tasks(store: PostgresStore, after: int, limit: int, *, account: int, kind: str | None) -> list[Task]:
    """Open tasks; about one `account` (0: about any, or the installation), of one `kind`."""
    where: list[LiteralString] = ["t.closed_seq IS NULL", "t.no > %(after)s", *_of_account(account)]
    where += ["t.kind = %(kind)s"] * (kind is not None)
    return [task_of(row) for row in _rows(store, TASK, where, "t.no", after, limit, account=account, kind=kind)]


_ACCOUNTS: Final[LiteralString] = "SELECT a.account_id FROM account a JOIN account_state USING (account_id)"
_OPEN_CASE: Final[LiteralString] = (
    "SELECT FROM collection_case t WHERE t.account_id = a.account_id AND t.outcome IS NULL"
)
_PROMISING: Final[LiteralString] = """
SELECT DISTINCT account_id FROM hold WHERE ended_at IS NULL AND reason = %(reason)s ORDER BY account_id LIMIT %(limit)s
"""
_AFTER: Final[LiteralString] = "(t.account_id, t.no) > (%(after)s, %(after_no)s)"
_ORDER: Final[LiteralString] = "t.account_id, t.no"
_SUBSCRIPTIONS: Final[LiteralString] = """
SELECT t.account_id, t.no, a.ref, t.service, t.state, t.reasons, t.restrict_on, t.disable_on, t.delete_on, r.ref
FROM subscription t JOIN account a USING (account_id)
LEFT JOIN subscription_ref r ON (r.account_id, r.no) = (t.account_id, t.no)
"""
_INVOICES: Final[LiteralString] = """
SELECT t.account_id, t.no, a.ref, t.number, t.currency, t.total_minor, t.open_minor, t.issued_on, t.due_on, t.day_0
FROM invoice t JOIN account a USING (account_id)
"""
_CASES: Final[LiteralString] = """
SELECT t.account_id, t.no, a.ref, t.opened_on, t.policy, t.zone, t.outcome, t.ended_at
FROM collection_case t JOIN account a USING (account_id)
"""


def _of_account(account: int) -> list[LiteralString]:
    return ["t.account_id = %(account)s"] if account else []


def _rows(
    store: PostgresStore,
    select: LiteralString,
    where: Sequence[LiteralString],
    order: LiteralString,
    after: int | OwnNumber,
    limit: int,
    **values: object,
) -> list[tuple[Any, ...]]:
    account, no = after if isinstance(after, tuple) else (after, 0)
    said = {**values, "after": account, "after_no": no, "limit": limit}
    with store.transaction() as db:
        return db.execute(f"{select} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT %(limit)s", said).fetchall()
