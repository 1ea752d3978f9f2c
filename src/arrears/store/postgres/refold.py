"""Stored states made anew from the facts, for a program that folds them in another way than the one that wrote them.

The journal is the truth and is only read. Accounts are taken some hundred at a time, each group in a transaction of
its own, so that nobody waits long and breaking off loses nothing: what was done is found equal the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString

from arrears.core.account import Account, encode_account
from arrears.core.evolve import fold
from arrears.core.invariants import Breach
from arrears.core.rows import Rows, rows_of_state
from arrears.store.postgres.check import CheckedStore
from arrears.store.postgres.inserts import INSERTS
from arrears.store.postgres.streams import states_after, streams
from arrears.store.postgres.write import SEAL_STORED, Db


@dataclass(slots=True)
class RefoldReport:
    """What refolding came to. `broken` are the accounts whose chain of facts does not hold: their states were left as
    they are, because nobody knows what is true of them."""

    accounts: int = 0
    rewritten: int = 0
    broken: list[Breach] = field(default_factory=list)


REWRITE: Final[LiteralString] = """
UPDATE account_state s SET state = v.state, waits = v.waits,
    next_at = CASE WHEN v.parked OR EXISTS (
        SELECT FROM task t WHERE t.account_id = 0 AND t.kind = 'set_aside' AND t.closed_seq IS NULL
        AND starts_with(t.what, 'account ' || s.account_id || ': ')
    ) THEN s.next_at ELSE least(s.next_at, %b) END
FROM unnest(%b::bigint[], %b::text[], %b::boolean[], %b::boolean[]) AS v (account_id, state, waits, parked)
WHERE s.account_id = v.account_id
"""
"""A rewritten account is looked at by the next run, except one that waits for a person."""


def refold_states(store: CheckedStore, now: datetime, progress: Callable[[int], None] | None = None) -> RefoldReport:
    """Fold each account's facts, and where that gives another state than the stored one, write it with the rows that
    follow from it, and let the next run look at the account. `progress` is told how many
    accounts were looked at since it was told last. May run beside workers, may be broken off and run again; the second
    time it changes nothing."""
    report = RefoldReport()
    last = 0
    while True:
        with store.transaction() as db:
            states = states_after(db, last, lock=True)
            if not states:
                return report
            last = states[-1].number
            changed: list[Account] = []
            for stream in streams(db, states):
                broken = stream.broken()
                if broken is not None or not stream.history:
                    report.broken.append(broken or Breach("I18", stream.state.number, "there is a state and no fact"))
                    continue
                account = fold(stream.history)
                if encode_account(account) != stream.state.text:
                    changed.append(account)
            _rewrite(db, changed, now)
        report.accounts += len(states)
        report.rewritten += len(changed)
        if progress is not None:
            progress(len(states))


def _rewrite(db: Db, accounts: Sequence[Account], now: datetime) -> None:
    if not accounts:
        return
    columns: list[list[Any]] = [
        [a.no for a in accounts],
        [encode_account(a) for a in accounts],
        [a.waits for a in accounts],
        [bool(a.parked) for a in accounts],
    ]
    db.execute(REWRITE, [now, *columns])
    db.execute(SEAL_STORED, [columns[0]])
    rows = Rows()
    for account in accounts:
        rows_of_state(account, rows)
    for name, statement in INSERTS.items():
        found = getattr(rows, name)
        if found:
            db.execute(statement.encode(), [list(column) for column in zip(*found, strict=True)])
