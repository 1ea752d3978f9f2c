"""What somebody changed by hand of the installation as a whole, and of what is to be done when.

Rows are compared in derived.py with what the journal says that they must be, the database's own rules in shape.py with
the numbered files that made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString

from psycopg import sql

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.actions import ORDER, actions_of
from arrears.core.decide import decide
from arrears.core.errors import Refused
from arrears.core.invariants import Breach
from arrears.core.policy import Policies, load_policy
from arrears.store.postgres.heartbeat import missed
from arrears.store.postgres.installation import read_system
from arrears.store.postgres.streams import Stream
from arrears.store.postgres.write import SEAL, Db, utc

SETS: Final[tuple[tuple[str, LiteralString], ...]] = (
    (
        "the seal of its state is not that of this state",
        f"SELECT account_id FROM account_state s WHERE seal <> {SEAL.format('s', 's.journal')}",
    ),
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
    row = db.execute("SELECT last_tick_at, complete_run_at FROM system_state").fetchone()
    assert row is not None
    ticked_at, complete_at = row
    if complete_at is not None and (ticked_at is None or complete_at > ticked_at):
        yield Breach(
            "I21", 0, f"the last complete run is said to be of {utc(complete_at):%Y-%m-%d %H:%M} UTC, after the last"
        )
    if now is not None and ticked_at is not None and utc(ticked_at) > now + grace:
        yield Breach("I21", 0, f"the last run was at {utc(ticked_at):%Y-%m-%d %H:%M} UTC, which lies ahead")
    yield from missed(db)
    yield from _left_behind(db)
    yield from _policies(db)


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


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


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


# -- when each is looked at next ------------------------------------------------------------------------------------


def changed_looks(
    db: Db, streams: Sequence[Stream], accounts: Sequence[Account], policies: Policies
) -> Iterator[Breach]:
    """Nothing that was due at the last run is left out: each account is decided upon once more, as of that run or its
    newest fact, and looks again no later than that says. What waits, and the newest instant, are as the state says."""
    row = db.execute("SELECT last_tick_at FROM system_state").fetchone()
    assert row is not None
    try:
        guards, ticked_at = read_system(db).guards, row[0]
    except Refused:
        return  # that the installation's state cannot be read is named by itself, and nothing is decided by it
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


# -- what is to be done ----------------------------------------------------------------------------------------------


_OPEN: Final[LiteralString] = """
SELECT account_id, seq, kind, subscription, order_no FROM action
WHERE account_id = ANY(%b) AND status IN ('recorded', 'claimed') AND kind IN ('notice', 'order')"""


def done_again(db: Db, numbers: list[int], facts: Iterable[f.Recorded]) -> Iterator[Breach]:
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
    if given:
        named = {f"o{account}-{subscription}-{no}": (account, subscription, no) for account, subscription, no in given}
        given -= {named[message] for (message,) in db.execute(_ON_THEIR_WAY, [list(named)])}
    for account, subscription, order_no in sorted(given):
        yield Breach("I16", account, f"order {order_no} of subscription {subscription} is struck off, and not done")
    for account, seq in db.execute(_SENT_AGAIN, [numbers]):
        yield Breach("I16", account, f"a letter of fact {seq} waits to be sent, and its notice is done")


_ON_THEIR_WAY: Final[LiteralString] = """
SELECT d.message FROM delivery d JOIN endpoint e USING (endpoint_id)
WHERE d.message = ANY(%b::text[]) AND d.state <> 'acknowledged' AND e.use = 'service'"""

_SENT_AGAIN: Final[LiteralString] = """
SELECT DISTINCT m.account_id, m.seq FROM message m
JOIN action a ON a.account_id = m.account_id AND a.seq = m.seq AND a.kind = 'notice'
WHERE m.account_id = ANY(%b) AND m.state IN ('waiting', 'claimed') AND a.status IN ('done', 'failed')"""
