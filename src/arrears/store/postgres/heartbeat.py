"""The heartbeat: what each transaction wrote of which accounts, and which run came to its end (SQL 0028).

It stands apart from the accounts, so that it shows what they cannot show of themselves: that one is gone, that an
older one was put back, that one was never looked at when it should have been.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, LiteralString, NamedTuple

from arrears.core.invariants import Breach
from arrears.ports.installation import LEFT_OUT_AFTER
from arrears.store.postgres.write import Db, utc


class CompleteRun(NamedTuple):
    """The last run that came to its end: its instant, how many accounts it found due, how many facts it recorded, and
    how many accounts had been due for an hour and were still there."""

    at: datetime
    accounts: int
    facts: int
    left_out: int


COMPLETE: Final[LiteralString] = """
UPDATE system_state SET complete_run_at = %(now)s, complete_run_accounts = %(accounts)s, complete_run_facts = %(facts)s,
    left_out = (SELECT count(*) FROM account_state WHERE next_at < %(since)s AND recorded_at <= %(now)s)
RETURNING left_out
"""


def record_complete_run(db: Db, now: datetime, accounts: int, facts: int) -> int:
    """See ports.InstallationControl."""
    values = {"now": now, "since": now - LEFT_OUT_AFTER, "accounts": accounts, "facts": facts}
    row = db.execute(COMPLETE, values).fetchone()
    assert row is not None
    return int(row[0])


def complete_run(db: Db) -> CompleteRun | None:
    """The last one; None where no run has come to its end yet."""
    row = db.execute(
        "SELECT complete_run_at, complete_run_accounts, complete_run_facts, left_out FROM system_state"
        " WHERE complete_run_at IS NOT NULL"
    ).fetchone()
    return None if row is None else CompleteRun(utc(row[0]), *row[1:])


_SAID: Final[LiteralString] = """
WITH said AS MATERIALIZED (
    SELECT h.no, h.at, v.* FROM heartbeat h,
        unnest(h.accounts, h.seqs, h.heads, h.next_ats) AS v (account_id, seq, head, next_at)
), newest AS MATERIALIZED (
    SELECT DISTINCT ON (account_id) * FROM said ORDER BY account_id, no DESC
)
SELECT 'gone', account_id, seq, at FROM newest n
WHERE NOT EXISTS (SELECT FROM account_state s WHERE s.account_id = n.account_id)
UNION ALL (
    SELECT DISTINCT ON (account_id) 'older', account_id, s.seq, h.at FROM said h JOIN account_state s USING (account_id)
    WHERE h.seq > s.seq ORDER BY account_id, h.no DESC
) UNION ALL (
    SELECT DISTINCT ON (account_id) 'other', account_id, seq, h.at FROM said h JOIN fact f USING (account_id, seq)
    WHERE h.head <> ('x' || encode(substring(f.hash FOR 4), 'hex'))::bit(32)::integer ORDER BY account_id, seq
) UNION ALL
SELECT 'left_out', account_id, s.seq, n.next_at FROM newest n JOIN account_state s USING (account_id), system_state r
WHERE n.next_at < r.complete_run_at - %(grace)s::interval AND s.seq = n.seq AND s.recorded_at <= r.complete_run_at
    AND NOT EXISTS (SELECT FROM task t WHERE t.account_id = 0 AND t.kind = 'set_aside' AND t.closed_seq IS NULL
        AND starts_with(t.what, 'account ' || account_id || ': '))
ORDER BY 2, 1 LIMIT 1000
"""
_WORDS: Final = {
    "gone": "the account is gone; it was at fact {seq} at {at}",
    "older": "it is at fact {seq}, and was further at {at}: an older state was put back",
    "other": "fact {seq} is not the one that was recorded at {at}",
    "left_out": "it was to be looked at on {at}, and the last complete run left it out",
}


def missed(db: Db) -> Iterator[Breach]:
    """Accounts that are not where their last transaction left them, or that a complete run should have looked at."""
    for what, account, seq, at in db.execute(_SAID, {"grace": LEFT_OUT_AFTER}):
        yield Breach("I18", account, _WORDS[what].format(seq=seq, at=f"{utc(at):%Y-%m-%d %H:%M} UTC"))
