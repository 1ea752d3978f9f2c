"""What somebody changed by hand: the promises, the rows, the rules of the database itself.

Rows are compared with what the journal says that they must be, all of them; the database's own rules with the numbered
files that made them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from psycopg import sql

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.actions import ORDER, actions_of, steps_of
from arrears.core.decide import decide
from arrears.core.errors import Refused
from arrears.core.invariants import Breach
from arrears.core.policy import Policies, load_policy
from arrears.store import schema
from arrears.store.postgres.batch import read_system
from arrears.store.postgres.heartbeat import missed
from arrears.store.postgres.streams import Stream
from arrears.store.postgres.write import Db, utc

_Row = tuple[Any, ...]

SETS: Final[tuple[tuple[str, LiteralString], ...]] = (
    (
        "it was due before the last complete run, and was left out",
        "SELECT account_id FROM account_state, system_state"
        " WHERE next_at < complete_run_at - interval '1 hour' AND recorded_at <= complete_run_at",
    ),
    (
        "there is an account and no state of it",
        "SELECT account_id FROM account WHERE account_id NOT IN (SELECT account_id FROM account_state)",
    ),
    (
        "there is a state and no account",
        "SELECT account_id FROM account_state WHERE account_id NOT IN (SELECT account_id FROM account)",
    ),
)


_ORPHANS: Final[LiteralString] = """
SELECT DISTINCT t.account_id FROM {} t LEFT JOIN account a USING (account_id)
WHERE t.account_id > 0 AND a.account_id IS NULL LIMIT 100"""


def changed_in_installation(db: Db, now: datetime | None, grace: timedelta) -> Iterator[Breach]:
    """What is wrong with the installation as a whole (account 0) or with the rows of states."""
    for what, statement in SETS:
        for (account,) in db.execute(statement):
            yield Breach("I18", account, what)
    row = db.execute("SELECT last_tick_at FROM system_state").fetchone()
    assert row is not None
    [ticked_at] = row
    if now is not None and ticked_at is not None and utc(ticked_at) > now + grace:
        yield Breach("I21", 0, f"the last run was at {utc(ticked_at):%Y-%m-%d %H:%M} UTC, which lies ahead")
    yield from missed(db)
    yield from _left_behind(db)
    yield from _policies(db)
    yield from _rules(db)


_OF_ACCOUNTS: Final[LiteralString] = """
SELECT table_name::text FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = current_schema() AND column_name = 'account_id' AND table_type = 'BASE TABLE' ORDER BY 1"""


def _left_behind(db: Db) -> Iterator[Breach]:
    """Rows of an account that is not there: it was not closed, it was taken away."""
    gone: dict[int, list[str]] = {}
    for (table,) in db.execute(_OF_ACCOUNTS).fetchall():
        rows = db.execute(sql.SQL(_ORPHANS).format(sql.Identifier(_text(table)))).fetchall()
        for (account,) in rows:
            gone.setdefault(account, []).append(_text(table))
    for account, tables in gone.items():
        yield Breach("I18", account, f"the account is gone, and not its rows in {', '.join(tables)}")


def _policies(db: Db) -> Iterator[Breach]:
    """A policy is known by its contents, and every version that was adopted is in the journal."""
    rows = db.execute("SELECT version, name, body FROM policy").fetchall()
    for version, name, body in rows:
        try:
            policy = load_policy(body, where=version)
        except Refused as refused:
            yield Breach("I18", 0, f"policy {name} cannot be read: {refused.message.splitlines()[0]}")
            continue
        if policy.version != version or policy.name != name:
            yield Breach("I18", 0, f"the text of policy {name} is not the one that was adopted as {version}")
    adopted = {
        (found["version"], found["name"])
        for (found,) in db.execute("SELECT body::jsonb FROM fact WHERE account_id = 0 AND kind = 'policy_adopted'")
    }
    for version, name in sorted(adopted ^ {(version, name) for version, name, _ in rows}):
        yield Breach("I18", 0, f"policy {name} ({version}) is not in both the journal and the table of policies")


# -- the database's own rules ----------------------------------------------------------------------------------------


def _rules(db: Db) -> Iterator[Breach]:
    triggers, indexes, functions = _expected()
    enabled: dict[str, Any] = dict(
        db.execute(
            "SELECT tgname, tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE c.relnamespace = current_schema()::regnamespace AND NOT tgisinternal"
        ).fetchall()
    )
    for name in sorted(triggers):
        if _text(enabled.get(name, "")) not in ("O", "A"):
            yield Breach("I18", 0, f"the trigger {name} is gone or switched off")
    valid = {
        name
        for (name,) in db.execute(
            "SELECT relname FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"
            " WHERE relnamespace = current_schema()::regnamespace AND indisvalid"
        )
    }
    for name in sorted(indexes - valid):
        yield Breach("I18", 0, f"the index {name} is gone")
    bodies: dict[str, str] = dict(
        db.execute("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace").fetchall()
    )
    for name, body in sorted(functions.items()):
        if bodies.get(name) != body:
            yield Breach("I18", 0, f"the function {name} is gone or another one")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


_TABLE: Final = re.compile(r"^CREATE TABLE (\w+) \((.*?)^\)|^CREATE TABLE (\w+) \((.*?)\);", re.M | re.S)
_FUNCTION: Final = re.compile(r"^CREATE (?:OR REPLACE )?FUNCTION (\w+)\(.*?\$\$(.*?)\$\$", re.M | re.S)


def _expected() -> tuple[set[str], set[str], dict[str, str]]:
    """The triggers, the indexes and the functions with their bodies that the numbered files have made by now."""
    triggers: set[str] = set()
    indexes: set[str] = set()
    functions: dict[str, str] = {}
    for version in schema.versions():
        text = schema.text(version)
        triggers |= set(re.findall(r"^CREATE TRIGGER (\w+)", text, re.M))
        indexes |= set(re.findall(r"^CREATE (?:UNIQUE )?INDEX (\w+)", text, re.M))
        for named in re.findall(r"^DROP (?:INDEX|TRIGGER) (?:IF EXISTS )?(\w+(?:,\s*\w+)*)", text, re.M):
            gone = set(re.findall(r"\w+", named))
            triggers, indexes = triggers - gone, indexes - gone
        for table in _TABLE.finditer(text):
            name, body = table[1] or table[3], table[2] or table[4]
            indexes |= {f"{name}_pkey"} if "PRIMARY KEY" in body else set()
            indexes |= {f"{name}_{column}_key" for column in re.findall(r"(\w+) [a-z]+ NOT NULL UNIQUE", body)}
        functions |= dict(_FUNCTION.findall(text))
    return triggers, indexes, functions


def changed_looks(
    db: Db, streams: Sequence[Stream], accounts: Sequence[Account], policies: Policies
) -> Iterator[Breach]:
    """Nothing that was due at the last run is left out: each account is decided upon once more, as of that run or its
    newest fact, and looks again no later than that says. What waits, and the newest instant, are as the state says."""
    row = db.execute("SELECT last_tick_at FROM system_state").fetchone()
    assert row is not None
    guards, ticked_at = read_system(db).guards, row[0]
    newest = {s.state.number: s.history[-1].at for s in streams if s.history}
    aside = {int(name) for (name,) in db.execute(_ASIDE)}
    rows = {no: rest for no, *rest in db.execute(_LOOKS, [[a.no for a in accounts]])}
    for account in accounts:
        next_at, waits, recorded_at = rows[account.no]
        if waits != account.waits:
            yield Breach("I18", account.no, "whether it waits for a doubt is not what the state says")
        looked_at = [newest.get(account.no, utc(recorded_at))] + ([utc(ticked_at)] if ticked_at is not None else [])
        if not looked_at[0] <= utc(recorded_at) <= max(looked_at):
            yield Breach("I18", account.no, "the instant of its newest look is neither a run's nor that of a fact")
            continue
        if account.parked or account.no in aside or ticked_at is None:
            continue
        now = max(utc(ticked_at), utc(recorded_at))
        try:
            decision = decide(policies, account, guards, now)
        except Exception as error:
            yield Breach("I18", account.no, f"it cannot be decided upon: {error!r}"[:300])
            continue
        latest = now if decision.facts else decision.next_at
        if latest is not None and (next_at is None or utc(next_at) > latest):
            yield Breach("I18", account.no, "something is due before its next look: that was changed by hand")


_LOOKS: Final[LiteralString] = """
SELECT account_id, next_at, waits, recorded_at FROM account_state WHERE account_id = ANY(%b)"""
_ASIDE: Final[LiteralString] = """
SELECT split_part(split_part(what, ':', 1), ' ', 2) FROM task
WHERE account_id = 0 AND kind = 'set_aside' AND closed_seq IS NULL"""


# -- the rows of accounts --------------------------------------------------------------------------------------------


def changed_rows(db: Db, streams: Sequence[Stream]) -> Iterator[Breach]:
    """Every row of these accounts that the journal does not say, and every one that it says and is not there."""
    numbers = [s.state.number for s in streams]
    facts = [recorded for stream in streams for recorded in stream.history]
    for name, statement, wanted in (
        ("step", _STEPS, [tuple(_of_step(step)) for r in facts for step in steps_of(r)]),
        ("action", _ACTIONS, [_of_action(action) for r in facts for action in actions_of(r)]),
        ("invoice", _INVOICES, list(_invoices(facts))),
        ("payment", _PAYMENTS, [_payment(r) for r in facts if isinstance(r.fact, f.PaymentBooked)]),
        ("case", _CASES, list(_cases(facts))),
    ):
        stored = Counter(map(tuple, db.execute(statement, [numbers])))
        different = (Counter(wanted) - stored) + (stored - Counter(wanted))
        for account, no in sorted({row[:2] for row in different}):
            yield Breach("I18", account, f"the row of {name} {no} is not what the journal says")
    yield from _accounts(db, numbers, facts)
    yield from _done_again(db, numbers, facts)


def _accounts(db: Db, numbers: list[int], facts: Iterable[f.Recorded]) -> Iterator[Breach]:
    """An account's row has the terms of its opening, or those that somebody has given it since."""
    known: dict[int, list[set[str]]] = {number: [set(), set(), set()] for number in numbers}
    for r in facts:
        if isinstance(r.fact, f.AccountOpened | f.TermsChanged):
            terms = (r.fact.terms.zone, r.fact.terms.policy, r.fact.mode.value)
            for values, value in zip(known[r.account], terms, strict=True):
                values.add(value)
    for account, *row in db.execute(_ACCOUNTS, [numbers]):
        if any(value not in values for values, value in zip(known[account], row, strict=True)):
            yield Breach("I18", account, "the row of the account has terms that nobody gave it")


_STEPS: Final[LiteralString] = """
SELECT account_id, seq, kind, case_no, subscription, generation, rung, promised_on, skipped
FROM step WHERE account_id = ANY(%b)"""
_ACTIONS: Final[LiteralString] = """
SELECT account_id, seq, kind, subscription, order_no, what FROM action WHERE account_id = ANY(%b)"""
_INVOICES: Final[LiteralString] = """
SELECT account_id, no, number, currency, total_minor, issued_on, due_on FROM invoice WHERE account_id = ANY(%b)"""
_PAYMENTS: Final[LiteralString] = """
SELECT account_id, seq, ref, currency, amount_minor FROM payment WHERE account_id = ANY(%b)"""
_CASES: Final[LiteralString] = """
SELECT account_id, no, opened_on, policy, zone, outcome FROM collection_case WHERE account_id = ANY(%b)"""
_ACCOUNTS: Final[LiteralString] = "SELECT account_id, zone, policy, mode FROM account WHERE account_id = ANY(%b)"
_OPEN: Final[LiteralString] = """
SELECT account_id, seq, kind, subscription, order_no FROM action
WHERE account_id = ANY(%b) AND status IN ('recorded', 'claimed') AND kind IN ('notice', 'order')"""


def _of_step(step: Any) -> _Row:
    return (
        *(step.account, step.seq, step.kind, step.case, step.subscription, step.generation, step.rung),
        *(step.promised_on, step.skipped),
    )


def _of_action(action: Any) -> _Row:
    return action.account, action.seq, action.kind, action.subscription, action.order_no, action.order


def _payment(r: f.Recorded) -> _Row:
    assert isinstance(r.fact, f.PaymentBooked)
    return r.account, r.seq, r.fact.ref, r.fact.currency, r.fact.amount_minor


def _invoices(facts: Iterable[f.Recorded]) -> Iterator[_Row]:
    found: dict[tuple[int, int], list[Any]] = {}
    for r in facts:
        if isinstance(r.fact, f.InvoiceIssued):
            debt = r.fact.debt
            row = [r.account, debt.no, debt.number, debt.currency, debt.total_minor, r.fact.issued_on, debt.due_on]
            found[r.account, debt.no] = row
        elif isinstance(r.fact, f.DueMoved):
            found[r.account, r.fact.debt][-1] = r.fact.due_on
    for row in found.values():
        yield tuple(row)


def _cases(facts: Iterable[f.Recorded]) -> Iterator[_Row]:
    found: dict[tuple[int, int], list[Any]] = {}
    for r in facts:
        if isinstance(r.fact, f.BecamePastDue) and r.fact.opened:
            fact = r.fact
            first = min(d.day_0 for d in fact.debts)
            found[r.account, fact.case] = [r.account, fact.case, first, fact.terms.policy, fact.terms.zone, None]
        elif isinstance(r.fact, f.CaseEnded):
            found[r.account, r.fact.case][-1] = r.fact.outcome.value
    for row in found.values():
        yield tuple(row)


def _done_again(db: Db, numbers: list[int], facts: Iterable[f.Recorded]) -> Iterator[Breach]:
    """What the journal says is done must not stand in the queue: it would be done again; and an order that no service
    has carried out must not be struck off: nobody would give it."""
    answered: set[tuple[int, int]] = set()
    carried_out: set[tuple[int, int, int]] = set()
    given: set[tuple[int, int, int]] = set()
    for r in facts:
        match r.fact:
            case f.NoticeAccepted(notice=seq) | f.NoticeFailed(notice=seq):
                answered.add((r.account, seq))
            case f.NoticeBounced(notice=seq, again=True):
                answered.discard((r.account, seq))
            case f.OrderAcknowledged(subscription=no, order_no=order):
                carried_out.add((r.account, no, order))
                given.discard((r.account, no, order))
            case _:
                pass
        given.update((a.account, a.subscription, a.order_no) for a in actions_of(r) if a.kind == ORDER)
    for account, seq, kind, subscription, order_no in db.execute(_OPEN, [numbers]):
        given.discard((account, subscription, order_no))
        if (account, seq) in answered if kind == "notice" else (account, subscription, order_no) in carried_out:
            yield Breach("I16", account, f"the {kind} of fact {seq} is done, and stands to be done again")
    for account, subscription, order_no in sorted(given):
        yield Breach("I16", account, f"order {order_no} of subscription {subscription} is struck off, and not done")
    for account, seq in db.execute(_SENT_AGAIN, [numbers]):
        yield Breach("I16", account, f"a letter of fact {seq} waits to be sent, and its notice is done")


_SENT_AGAIN: Final[LiteralString] = """
SELECT DISTINCT m.account_id, m.seq FROM message m
JOIN action a ON a.account_id = m.account_id AND a.seq = m.seq AND a.kind = 'notice'
WHERE m.account_id = ANY(%b) AND m.state IN ('waiting', 'claimed') AND a.status IN ('done', 'failed')"""
