"""Every invariant on a live database, read-only: set-wise statements first, then each account from its first fact.

Everything is read in one snapshot, so that what goes on meanwhile is neither seen nor stopped, and a few hundred
accounts at a time, so that memory does not grow with the book.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, Protocol

from arrears.core.account import Account, decode_account, encode_account
from arrears.core.errors import Refused
from arrears.core.facts import AccountOpened, SystemFact, decode_system_fact
from arrears.core.invariants import INVARIANTS, Breach, CheckedInstallation, check_account
from arrears.core.policy import Policies, Policy
from arrears.core.replayed import replay
from arrears.core.rows import subscription_row
from arrears.core.system import System, fold_system
from arrears.core.unit import GENESIS, chained
from arrears.store.postgres.derived import changed_rows
from arrears.store.postgres.derived_tasks import changed_system_tasks
from arrears.store.postgres.installation import read_system
from arrears.store.postgres.shape import SchemaRules, changed_rules, shape_of_files
from arrears.store.postgres.streams import Stream, states_after, streams
from arrears.store.postgres.tampering import changed_in_installation, changed_looks, done_again
from arrears.store.postgres.write import Db, utc

BREACHES_MAX: Final = 1000
"""A database with more needs a person, not a longer list."""

GRACE: Final = timedelta(minutes=5)
"""A decision of this moment may not have seen a doubt of this moment."""


class CheckedStore(Protocol):
    """What of the store is needed to check it."""

    def policies(self) -> Mapping[str, Policy]:
        """See ports.InstallationState."""

    def transaction(self) -> AbstractContextManager[Db]:
        """One transaction on a connection of its own."""


@dataclass(slots=True)
class CheckReport:
    """`checked` counts one for each statement over the whole database and one for each account and invariant."""

    checked: int = 0
    breaches: list[Breach] = field(default_factory=list)


# name of the invariant, what is wrong, and the statement that finds (account, detail); empty is what is hoped for
CHECKS: Final[tuple[tuple[str, str, LiteralString], ...]] = (
    (
        "I1",
        "the entries of fact {} do not add up to nothing",
        "SELECT account_id, seq FROM entry GROUP BY account_id, seq, currency HAVING sum(minor) <> 0",
    ),
    (
        "I1",
        "what is open of invoice {} is not what its entries add up to",
        """
SELECT coalesce(i.account_id, e.account_id), coalesce(i.no, e.debt)
FROM invoice i FULL JOIN (
    SELECT account_id, debt, min(currency) AS currency, max(currency) AS other, sum(minor) AS minor
    FROM entry WHERE ledger = 'receivable' GROUP BY account_id, debt
) e ON e.account_id = i.account_id AND e.debt = i.no
WHERE i.open_minor IS DISTINCT FROM e.minor OR e.currency <> e.other OR e.currency <> i.currency""",
    ),
    (
        "I2",
        "the payment of fact {} is not what the bank's ledger took",
        """
SELECT account_id, p.seq FROM payment p
LEFT JOIN LATERAL (
    SELECT sum(minor) AS minor, min(currency) AS currency FROM entry e
    WHERE e.account_id = p.account_id AND e.seq = p.seq AND e.ledger = 'bank'
) e ON true
WHERE e.minor IS DISTINCT FROM p.amount_minor OR e.currency IS DISTINCT FROM p.currency""",
    ),
    (
        "I2",
        "more credit in {} is used than there was",
        "SELECT account_id, currency FROM entry WHERE ledger = 'credit' GROUP BY 1, 2 HAVING sum(minor) > 0",
    ),
    (
        "I2",
        "invoice {} is open by less than nothing or more than its total",
        "SELECT account_id, no FROM invoice WHERE open_minor < 0 OR open_minor > total_minor",
    ),
    (
        "I12",
        "subscription {} is stopped or past due, and the account owes nothing that is past due",
        """
SELECT s.account_id, s.no FROM subscription s JOIN account_state a USING (account_id)
WHERE s.state <> 'deleted' AND 'past_due' = ANY(string_to_array(s.reasons, ' '))
  AND NOT EXISTS (SELECT FROM invoice i WHERE i.account_id = s.account_id AND i.open_minor > 0 AND i.day_0 IS NOT NULL)
  AND NOT EXISTS (SELECT FROM service_end e WHERE e.account_id = s.account_id AND e.subscription = s.no
                  AND e.generation = s.generation AND e.ordered_at IS NOT NULL)
  AND position('"parked":' IN a.state) = 0""",
    ),
    (
        "I12",
        "subscription {} is stopped for no reason",
        """
SELECT s.account_id, s.no FROM subscription s JOIN account_state a USING (account_id)
WHERE s.state IN ('past_due', 'restricted', 'disabled') AND s.reasons = '' AND position('"parked":' IN a.state) = 0""",
    ),
    (
        "I16",
        "fact {} and the actions do not agree: there is one if and only if the fact asks for it",
        """
WITH wanted AS (
    SELECT account_id, seq, 'notice' AS kind FROM fact
    WHERE kind IN ('noticed', 'authorisation_declined', 'address_asked', 'test_asked', 'invited', 'reset_asked',
        'sign_in_changed', 'resume_late')
    UNION ALL
    SELECT account_id, seq, 'order' FROM fact
    WHERE kind IN ('restricted', 'disabled', 'canceled', 'reason_set', 'deletion_ordered', 'resumed',
        'order_repeated')
      AND coalesce((body::jsonb ->> 'order_no')::integer, 0) > 0
    UNION ALL
    SELECT account_id, seq, 'notice' FROM fact
    WHERE kind IN ('payment_booked', 'charge_declined', 'attempt_moved', 'address_confirmed', 'support_opened',
        'support_answered', 'canceled', 'reactivated')
      AND body::jsonb ?| array['tell', 'changed']
    UNION ALL
    SELECT account_id, seq, 'charge' FROM fact WHERE kind IN ('attempt_created', 'refund_asked')
)
SELECT coalesce(w.account_id, a.account_id), coalesce(w.seq, a.seq)
FROM wanted w FULL JOIN action a ON a.account_id = w.account_id AND a.seq = w.seq AND a.kind = w.kind
WHERE w.account_id IS NULL OR a.account_id IS NULL""",
    ),
    (
        "I16",
        "fact {} opened a support request that is not there",
        """
SELECT f.account_id, f.seq FROM fact f
LEFT JOIN support_request r ON r.account_id = f.account_id AND r.seq = f.seq
WHERE f.kind IN ('support_opened', 'resume_late') AND r.request_id IS NULL""",
    ),
    (
        "I16",
        "the orders of subscription {} do not count up by one in the order of their facts",
        """
SELECT account_id, subscription FROM (
    SELECT account_id, subscription, order_no, seq,
           row_number() OVER (PARTITION BY account_id, subscription ORDER BY seq) AS place
    FROM action WHERE kind = 'order'
) o WHERE order_no <> place""",
    ),
    (
        "I3",
        "invoice {} has more than one open attempt",
        """
SELECT account_id, debt FROM attempt_part WHERE is_open GROUP BY account_id, debt HAVING count(*) > 1""",
    ),
    (
        "I4",
        "attempt {} is paid, and its money is not in the book once",
        """
SELECT a.account_id, a.no FROM attempt a
LEFT JOIN payment_method m ON m.account_id = a.account_id AND m.no = a.method
LEFT JOIN payment p ON p.account_id = a.account_id AND p.currency = a.currency AND split_part(p.ref, ':', 2) = a.ref
    AND coalesce(m.at_provider, a.at_provider) IN ('', split_part(p.ref, ':', 1))
WHERE a.state = 'paid' GROUP BY a.account_id, a.no HAVING count(p.ref) <> 1""",
    ),
    (
        "I5",
        "attempt {} is over, and holds its invoices as if it were open",
        """
SELECT DISTINCT a.account_id, a.no FROM attempt a
JOIN attempt_part p ON p.account_id = a.account_id AND p.attempt = a.no
WHERE p.is_open IS DISTINCT FROM (a.state IN ('created', 'submitted', 'unknown', 'needs_customer'))""",
    ),
    (
        "I6",
        "attempt {} is not the sum of its parts",
        """
SELECT a.account_id, a.no FROM attempt a LEFT JOIN attempt_part p ON p.account_id = a.account_id AND p.attempt = a.no
GROUP BY a.account_id, a.no, a.amount_minor HAVING coalesce(sum(p.minor), 0) <> a.amount_minor""",
    ),
    (
        "I13",
        "subscription {} has an order after its deletion was ordered",
        """
SELECT d.account_id, d.subscription FROM action d JOIN action o
    ON o.account_id = d.account_id AND o.subscription = d.subscription AND o.kind = 'order' AND o.seq > d.seq
WHERE d.kind = 'order' AND d.what = 'delete'""",
    ),
    (
        "I13",
        "the deletions ordered on {} are not those that the day is said to have granted",
        # What an account was granted that was set aside then is used up: one for each of its subscriptions at most.
        """
SELECT 0, day::text FROM (
    SELECT (at AT TIME ZONE 'UTC')::date AS day, count(*) FILTER (WHERE kind = 'deletion_ordered') AS ordered,
        coalesce(sum((SELECT count(*) FROM subscription s WHERE s.account_id = fact.account_id))
            FILTER (WHERE kind = 'parked'), 0) AS lost
    FROM fact WHERE kind = 'parked' OR (kind = 'deletion_ordered' AND body::json ->> 'released' IS NULL) GROUP BY 1
) f FULL JOIN deletion_day d USING (day)
WHERE coalesce(d.ordered, 0) NOT BETWEEN coalesce(f.ordered, 0) AND coalesce(f.ordered + f.lost, 0)""",
    ),
    (
        "I22",
        "a rung was taken twice: {}",
        """
SELECT account_id, kind || ' ' || rung FROM step
GROUP BY account_id, kind, subscription, generation, case_no, rung, promised_on HAVING count(*) > 1""",
    ),
    (
        "I18",
        "the state is at fact {}, the journal is not",
        """
SELECT coalesce(s.account_id, f.account_id), coalesce(s.seq, 0) FROM account_state s
FULL JOIN (SELECT account_id, max(seq) AS seq, count(*) AS facts FROM fact WHERE account_id > 0 GROUP BY 1) f
    ON f.account_id = s.account_id
WHERE s.seq IS DISTINCT FROM f.seq OR f.facts <> f.seq""",
    ),
)


def check_database(db: Db) -> list[Breach]:
    """The set-wise checks; one statement each, whatever the size of the book."""
    return [
        Breach(invariant, int(account), what.format(detail))
        for invariant, what, statement in CHECKS
        for account, detail in db.execute(f"{statement} LIMIT {BREACHES_MAX}")
    ]


def check_store(
    store: CheckedStore, progress: Callable[[int], None] | None = None, *, now: datetime | None = None
) -> CheckReport:
    """Everything. `progress` is told how many accounts were checked since it was told last. With `now`, no fact may
    be later; a book that was replayed lies in its own time."""
    policies = store.policies()
    with store.transaction() as db:
        rules = shape_of_files(db)
    with store.transaction() as db:
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return check_book(db, policies, rules, progress, now=now)


def check_book(
    db: Db,
    policies: Policies,
    rules: SchemaRules,
    progress: Callable[[int], None] | None = None,
    *,
    now: datetime | None = None,
) -> CheckReport:
    """The same inside a transaction that is open. `rules` are those that the database is to have."""
    report = CheckReport(len(CHECKS), check_database(db))
    installation = CheckedInstallation(GRACE)
    report.breaches += _system(db, installation)
    report.breaches += changed_in_installation(db, now, GRACE)
    report.breaches += changed_rules(db, rules)
    last = 0
    while states := states_after(db, last):
        last = states[-1].number
        found = list(streams(db, states))
        told = [s for s in found if s.broken() is None and opened(s)]
        replayed = [replay(s.history) for s in told]
        by_number = {one.accounts[-1].no: one.accounts[-1] for one in replayed}
        for stream in found:
            report.checked += len(INVARIANTS)
            if len(report.breaches) < BREACHES_MAX:
                folded = by_number.get(stream.state.number)
                report.breaches += _account(stream, folded, policies, installation, now)
        if len(report.breaches) < BREACHES_MAX:
            numbers = [s.state.number for s in told]
            accounts = {s.number: decode_account(s.text) for s in states}
            report.breaches += _projected(db, accounts)
            report.breaches += changed_rows(db, numbers, replayed)
            report.breaches += done_again(db, numbers, [r for stream in found for r in stream.history])
            report.breaches += changed_looks(db, found, list(accounts.values()), policies)
        if progress is not None:
            progress(len(states))
    return report


def opened(stream: Stream) -> bool:
    """Whether its first fact is the one that makes an account of it."""
    return bool(stream.history) and isinstance(stream.history[0].fact, AccountOpened)


def _account(
    stream: Stream,
    folded: Account | None,
    policies: Policies,
    installation: CheckedInstallation,
    now: datetime | None,
) -> list[Breach]:
    state, history = stream.state, stream.history
    broken = stream.broken()
    if broken is not None:
        # What its facts say is nothing to compare with: one of them is not what was recorded.
        return [broken]
    if history and not opened(stream):
        return [Breach("I18", state.number, "its first fact does not open it: what was recorded before is gone")]
    found: list[Breach] = []
    if folded is not None and encode_account(folded) != state.text:
        found.append(Breach("I18", state.number, "folding the facts does not give the stored text of the state"))
    # Other machines' clocks may be a little ahead of ours.
    until = now + GRACE if now is not None else history[-1].at if history else None
    if until is None:
        return [*found, Breach("I18", state.number, "there is a state and no fact")]
    return found + check_account(decode_account(state.text), history, policies, until, installation)


def _projected(db: Db, accounts: dict[int, Account]) -> list[Breach]:
    """The rows that pages read say what the states say: subscriptions, and what is open (I18)."""
    numbers = list(accounts)
    found: list[Breach] = []
    for name, wanted, stored in (
        ("subscription", _subscriptions(accounts), _rows(db, _SUBSCRIPTIONS, numbers)),
        ("invoice", _invoices(accounts), _rows(db, _INVOICES, numbers)),
    ):
        different = sorted({(key[0], key[1]) for key in wanted ^ stored})
        found += [
            Breach("I18", account, f"the row of {name} {no} is not what the state says") for account, no in different
        ]
    return found


_SUBSCRIPTIONS: Final[LiteralString] = """
SELECT account_id, no, service, state, generation, reasons, restrict_on, disable_on, delete_on
FROM subscription WHERE account_id = ANY(%b)"""
_INVOICES: Final[LiteralString] = """
SELECT account_id, no, currency, open_minor, day_0 FROM invoice WHERE account_id = ANY(%b) AND open_minor > 0"""


def _rows(db: Db, statement: LiteralString, numbers: list[int]) -> set[tuple[Any, ...]]:
    return set(db.execute(statement, [numbers]))


def _subscriptions(accounts: dict[int, Account]) -> set[tuple[Any, ...]]:
    return {tuple(subscription_row(a.no, s)) for a in accounts.values() for s in a.subscriptions}


def _invoices(accounts: dict[int, Account]) -> set[tuple[Any, ...]]:
    return {(a.no, d.no, d.currency, d.open_minor, d.day_0) for a in accounts.values() for d in a.debts}


def _system(db: Db, installation: CheckedInstallation) -> list[Breach]:
    """The installation's own stream: its chain, and what its doubts were over time."""
    state = System(None, False, False, False)
    head = GENESIS
    found: list[Breach] = []
    told: list[tuple[int, datetime, str, SystemFact]] = []
    for seq, at, author, why, digest, body in db.execute(
        "SELECT seq, at, author, why, hash, body FROM fact WHERE account_id = 0 ORDER BY seq"
    ):
        at = utc(at)
        head = chained(head, 0, seq, at, author, why, body)
        if head != bytes(digest) and not found:
            found.append(Breach("I18", 0, f"fact {seq} of the installation is not what was hashed"))
        fact = decode_system_fact(body)
        told.append((seq, at, why, fact))
        state = fold_system(state, fact)
        installation.changed(at, state.guards)
    row = db.execute("SELECT head FROM system_state").fetchone()
    assert row is not None
    try:
        stands = read_system(db)._replace(last_tick_at=state.last_tick_at) == state
    except Refused as refused:
        stands = False
        found.append(Breach("I18", 0, refused.message))
    if bytes(row[0]) != head or not stands:
        found.append(Breach("I18", 0, "the installation's state is not the fold of its facts"))
    return [*found, *changed_system_tasks(db, told)]
