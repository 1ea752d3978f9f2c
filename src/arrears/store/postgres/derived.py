"""Every table compared with what the journal says that is in it: all rows, some hundred accounts at a time.

`TABLES` has a row for each table that the numbered files make: with what it is compared, or why with nothing. A test
walks the schema, so that a new table cannot be forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, LiteralString, NamedTuple

from arrears.core import facts as f
from arrears.core.ids import ref_digest
from arrears.core.invariants import Breach
from arrears.core.payments.rows import MethodRow
from arrears.core.replayed import Columns, Replayed, Versions
from arrears.store.postgres.derived_messages import changed_messages
from arrears.store.postgres.derived_tasks import changed_tasks
from arrears.store.postgres.write import Db


class Exactly(NamedTuple):
    """The rows that `statement` reads for these accounts are those that the facts of each have written, each beginning
    with the account and a number by which a person finds it."""

    name: str
    statement: LiteralString
    wanted: Callable[[Replayed], Iterable[Columns]]


class OneOf(NamedTuple):
    """The same, for rows that may be as they were at any moment of the last instant; `key` is that many columns."""

    name: str
    statement: LiteralString
    wanted: Callable[[Replayed], Versions]
    key: int


class Judged(NamedTuple):
    """A table about which the journal says something else than its rows."""

    changed: Callable[[Db, Sequence[int], Sequence[Replayed]], Iterator[Breach]]


def _cases(one: Replayed) -> Iterator[Columns]:
    ends = {end.no: end for end in one.rows.case_ends}
    for row in one.rows.cases:
        end = ends.get(row.no)
        yield row if end is None else row._replace(outcome=end.outcome, ended_at=end.ended_at)


def _invoices(one: Replayed) -> Iterator[Columns]:
    due = {moved.no: moved.due_on for moved in one.rows.invoice_moves}
    for row in one.rows.invoices:
        yield *row[:5], row.issued_on, due.get(row.no, row.due_on)


def _methods(one: Replayed) -> Iterator[MethodRow]:
    now = {method.no: method for method in one.accounts[-1].methods}
    for row in one.rows.methods:
        m = now[row.no]
        yield row._replace(expires_on=m.expires_on, durable=m.durable, failed=m.failed, removed=m.removed)


def _attempts(one: Replayed) -> Versions:
    """Without the provider's own id: of two moves in one transaction that of the first may be kept."""
    found = Versions()
    rows = {row.no: row._replace(ref="") for row in one.rows.attempts}
    for row in rows.values():
        found.add(row[:2], row.moved_at, _without_ref(row))
    for change in one.rows.attempt_changes:
        changed = {name: value for name, value in change._asdict().items() if name != "ref"}
        rows[change.no] = rows[change.no]._replace(**changed)
        found.add(change[:2], change.moved_at, _without_ref(rows[change.no]))
    return found


def _without_ref(row: Columns) -> Columns:
    return *row[:11], *row[12:]


def _accounts(db: Db, numbers: Sequence[int], replayed: Sequence[Replayed]) -> Iterator[Breach]:
    """An account's row has the terms of its opening, or those that somebody has given it since; and it is called as it
    was when it was last called otherwise."""
    known = {one.accounts[0].no: one for one in replayed}
    for account, ref, zone, policy, mode in db.execute(_ACCOUNTS, [numbers]):
        if account in known:
            yield from _account(account, ref, (zone, policy, mode), known[account].history)


def _account(account: int, ref: str, terms: Columns, history: Sequence[f.Recorded]) -> Iterator[Breach]:
    given: list[Columns] = []
    called = digest = ""
    for r in history:
        if isinstance(r.fact, f.AccountOpened | f.TermsChanged):
            given.append((r.fact.terms.zone, r.fact.terms.policy, r.fact.mode.value))
            digest = r.fact.ref_digest or digest
        if isinstance(r.fact, f.TermsChanged) and r.fact.was_called:
            called, digest = r.why, r.fact.ref_digest
            if ref == r.fact.was_called:
                yield Breach("I18", account, "the row of the account is called as it was before it was renamed")
    if any(value not in values for value, values in zip(terms, zip(*given, strict=True), strict=True)):
        yield Breach("I18", account, "the row of the account has terms that nobody gave it")
    elif digest != ref_digest(account, ref) if digest else called and not called.startswith(f"called {ref}, not "):
        yield Breach("I18", account, "the row of the account is called as nobody has called it")


_ACCOUNTS: Final[LiteralString] = "SELECT account_id, ref, zone, policy, mode FROM account WHERE account_id = ANY(%b)"


def _closed_days(db: Db, numbers: Sequence[int], replayed: Sequence[Replayed]) -> Iterator[Breach]:
    """Day 0 of what is paid is a day 0 that it had."""
    days = {one.accounts[0].no: one.days_0 for one in replayed}
    for account, no, day_0 in db.execute(
        "SELECT account_id, no, day_0 FROM invoice WHERE account_id = ANY(%b) AND open_minor = 0 AND day_0 IS NOT NULL",
        [numbers],
    ):
        if account in days and day_0 not in days[account].get(no, ()):
            yield Breach("I18", account, f"the row of invoice {no} is not what the journal says")


def _attempt_ids(db: Db, numbers: Sequence[int], replayed: Sequence[Replayed]) -> Iterator[Breach]:
    """A provider's own id is one that the provider gave."""
    given = {
        (r.account, r.fact.attempt, r.fact.ref)
        for one in replayed
        for r in one.history
        if isinstance(r.fact, f.AttemptMoved)
    }
    for row in db.execute(
        "SELECT account_id, no, ref FROM attempt WHERE account_id = ANY(%b) AND ref <> ''", [numbers]
    ):
        if row not in given:
            yield Breach("I18", row[0], f"the row of attempt {row[1]} is not what the journal says")


Compared = Exactly | OneOf | Judged | str

TABLES: Final[Mapping[str, tuple[Compared, ...]]] = {
    "account": (Judged(_accounts),),
    "account_state": (
        "its text with the fold of the facts (check.py), its next look with what is decided (tampering.py)",
    ),
    "fact": ("the journal itself: each hash with the one before, the last with the head, that with the heartbeat",),
    **dict.fromkeys(
        ("unnumbered", "event", "endpoint", "endpoint_secret", "delivery", "service_drift"),
        ("what is told outside, and where: no decision reads it, and the journal has what it says",),
    ),
    "heartbeat": ("with the accounts that it names (heartbeat.py); it can only grow",),
    "step": (
        Exactly(
            "step",
            "SELECT account_id, seq, kind, case_no, subscription, generation, rung, promised_on, skipped"
            " FROM step WHERE account_id = ANY(%b)",
            lambda one: (
                (s.account, s.seq, s.kind, s.case, s.subscription, s.generation, s.rung, s.promised_on, s.skipped)
                for s in one.rows.steps
            ),
        ),
    ),
    "action": (
        Exactly(
            "action",
            "SELECT account_id, seq, kind, subscription, order_no, what FROM action WHERE account_id = ANY(%b)",
            lambda one: ((a.account, a.seq, a.kind, a.subscription, a.order_no, a.order) for a in one.rows.actions),
        ),
    ),
    "entry": (
        Exactly(
            "entries of fact",
            "SELECT account_id, seq, line, ledger, debt, currency, minor FROM entry WHERE account_id = ANY(%b)",
            lambda one: ((e.account, e.seq, e.line, e.ledger, e.debt, e.currency, e.minor) for e in one.rows.entries),
        ),
    ),
    "invoice": (
        Exactly(
            "invoice",
            "SELECT account_id, no, number, currency, total_minor, issued_on, due_on FROM invoice"
            " WHERE account_id = ANY(%b)",
            _invoices,
        ),
        Judged(_closed_days),
    ),
    "payment": (
        Exactly(
            "payment",
            "SELECT account_id, seq, ref, currency, amount_minor FROM payment WHERE account_id = ANY(%b)",
            lambda one: one.rows.payments,
        ),
    ),
    "collection_case": (
        Exactly(
            "case",
            "SELECT account_id, no, opened_on, policy, zone, outcome, ended_at FROM collection_case"
            " WHERE account_id = ANY(%b)",
            _cases,
        ),
    ),
    "hold": (
        OneOf(
            "hold",
            "SELECT account_id, no, scope, target, stops, reason, from_at, until, ended_at FROM hold"
            " WHERE account_id = ANY(%b)",
            lambda one: one.holds,
            2,
        ),
    ),
    "service_end": (
        OneOf(
            "service end",
            "SELECT account_id, subscription, generation, stopped_on, ended_on, delete_on, scheduled_at,"
            " awaiting_release, ordered_at FROM service_end WHERE account_id = ANY(%b)",
            lambda one: one.ends,
            3,
        ),
    ),
    "subscription": ("with the state, which is the fold of the facts (check.py)",),
    "payment_method": (
        Exactly(
            "method",
            "SELECT account_id, no, at_provider, ref, customer_ref, kind, network, fingerprint, label, funding,"
            " country, credential, expires_on, durable, failed, removed FROM payment_method WHERE account_id = ANY(%b)",
            _methods,
        ),
    ),
    "attempt": (
        OneOf(
            "attempt",
            "SELECT account_id, no, key, ordinal, method, initiator, on_page, currency, amount_minor, quote, state,"
            " decline, network_code, advice, reached_network, created_at, moved_at, at_provider FROM attempt"
            " WHERE account_id = ANY(%b)",
            _attempts,
            2,
        ),
        Judged(_attempt_ids),
    ),
    "attempt_part": (
        Exactly(
            "part of attempt",
            "SELECT account_id, attempt, debt, minor FROM attempt_part WHERE account_id = ANY(%b)",
            lambda one: (part[:4] for part in one.rows.parts),
        ),
    ),
    "refund": (
        Exactly(
            "refund",
            "SELECT account_id, seq, ref, payment_ref, currency, amount_minor FROM refund WHERE account_id = ANY(%b)",
            lambda one: one.rows.refunds,
        ),
    ),
    "card_try": (
        Exactly(
            "card try",
            "SELECT account_id, ref, at_provider, fingerprint, tried_at, amount_minor, currency, decline, network_code,"
            " advice FROM card_try WHERE account_id = ANY(%b)",
            lambda one: one.rows.card_tries,
        ),
    ),
    "task": (Judged(changed_tasks),),
    "message": (Judged(changed_messages),),
    "policy": ("with the facts by which each was adopted, and its text with its version (tampering.py)",),
    "system_state": ("with the fold of the installation's facts (check.py)",),
    "deletion_day": ("with the deletions that were ordered on it: what it has granted (check.py)",),
    "support_request": (
        "with the facts that opened one (check.py); what people wrote can be erased, and is in no fact",
    ),
    **dict.fromkeys(
        ("support_entry", "support_link", "support_letter", "mail_report", "address_request", "sign_in_link"),
        ("what people wrote and links that were sent: can be erased, and no promise and no cut rests on it",),
    ),
    **dict.fromkeys(
        ("person", "account_role", "extra_recipient", "dead_address", "pay_link", "sign_in_session"),
        ("who people are and how they are reached: can be erased; facts name them by number alone",),
    ),
    **dict.fromkeys(
        ("erasure", "erased_mailbox", "retention_sweep", "staff", "api_token", "idempotency_key", "throttle"),
        ("no fact follows from it, and it follows from none",),
    ),
    **dict.fromkeys(
        ("setup_page", "named_method", "provider_sweep", "foreign_object", "web_cache"),
        ("what is under way with others, or is met there: it becomes facts before anything rests on it",),
    ),
    **dict.fromkeys(
        ("bank_file", "bank_statement", "bank_entry", "bank_credit", "bank_part", "bank_doubt", "known_payer"),
        ("what banks reported and people decided: what it paid, and who is in doubt for it, are facts of accounts",),
    ),
    **dict.fromkeys(
        ("invoice_reference", "document"),
        ("kept as it was shown and made, under its own digest; it can only grow, and no cut rests on it",),
    ),
    "billing_system": ("how far a billing system was read; what it says stands in the journal",),
    "invoice_link": ("where the operator's own document is; no promise and no cut rests on it",),
    "subscription_ref": ("how the operator's systems call what is here; no promise and no cut rests on it",),
    "schema_version": ("with what this program needs, before anything else",),
}
"""By table."""


def changed_rows(db: Db, numbers: Sequence[int], replayed: Sequence[Replayed]) -> Iterator[Breach]:
    """Every row of these accounts that the journal does not say, and every one that it says and is not there."""
    for compared in (one for several in TABLES.values() for one in several):
        match compared:
            case Exactly(name, statement, wanted):
                rows = Counter(row for one in replayed for row in map(tuple, wanted(one)))
                stored = Counter(_rows(db, statement, numbers))
                yield from _differing(name, (rows - stored) + (stored - rows))
            case OneOf(name, statement, versions, key):
                may_be = {k: v for one in replayed for v in [versions(one)] for k in v.had}
                there = {row[:key]: row for row in _rows(db, statement, numbers)}
                keys = may_be.keys() | there.keys()
                wrong = (k for k in keys if there.get(k) not in (may_be[k].may_be(k) if k in may_be else [None]))
                yield from _differing(name, wrong)
            case Judged(changed):
                yield from changed(db, numbers, replayed)
            case str():
                pass


def _rows(db: Db, statement: LiteralString, numbers: Sequence[int]) -> Iterator[Columns]:
    return map(tuple, db.execute(statement, [numbers]))


def _differing(name: str, rows: Iterable[Columns]) -> Iterator[Breach]:
    known: set[Any] = {row[:2] for row in rows}
    for account, no in sorted(known):
        yield Breach("I18", account, f"the row of {name} {no} is not what the journal says")
