"""Looking at accounts before something of theirs is cut: that nobody has changed by hand what the cut rests on.

One statement for a whole batch. The server works out the hashes; the facts are folded here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString

from arrears.core.account import Account
from arrears.core.evolve import fold
from arrears.core.facts import Recorded, decode_fact
from arrears.core.rows import subscription_row
from arrears.core.unit import Unit
from arrears.store.postgres.write import Db

_STAMP: Final[LiteralString] = """
to_char(f.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    || CASE WHEN f.at = date_trunc('second', f.at) THEN '' ELSE to_char(f.at AT TIME ZONE 'UTC', '.US') END
    || '+00:00'"""
"""An instant as it is hashed (core.unit.stamp)."""

AUDIT: Final[LiteralString] = f"""
WITH wanted AS MATERIALIZED (SELECT * FROM account_state WHERE account_id = ANY(%(accounts)s))
SELECT account_id, 'ledger', debt::text, sum(minor)::text FROM entry
WHERE account_id = ANY(%(accounts)s) AND ledger = 'receivable' GROUP BY account_id, debt HAVING sum(minor) <> 0
UNION ALL
SELECT account_id, 'invoice', no::text, concat_ws('|', number, currency, open_minor, due_on, day_0) FROM invoice
WHERE account_id = ANY(%(accounts)s) AND open_minor > 0
UNION ALL
SELECT account_id, 'subscription', no::text,
    concat_ws('|', service, state, generation, reasons, restrict_on, disable_on, delete_on)
FROM subscription WHERE account_id = ANY(%(accounts)s)
UNION ALL
SELECT f.account_id, 'fact', f.seq || '|' || {_STAMP} || '|' || f.author, f.body
FROM wanted w CROSS JOIN LATERAL generate_series(1, w.seq) AS n (seq)
JOIN fact f ON f.seq = n.seq AND f.account_id = w.account_id
UNION ALL
SELECT w.account_id, 'broken', 'its journal', '' FROM wanted w LEFT JOIN LATERAL (
    SELECT count(*) AS facts, bool_and(h.hash = h.expected) AS hold,
        (array_agg(h.hash) FILTER (WHERE h.seq = w.seq))[1] AS head
    FROM (
        SELECT f.seq, f.hash, sha256(
            coalesce(lag(f.hash) OVER (ORDER BY f.seq), decode(repeat('00', 32), 'hex'))
            || convert_to(f.account_id || '|' || f.seq || '|' || {_STAMP} || '|' || f.author || '|' || f.why
                || '|' || f.body, 'UTF8')) AS expected
        FROM generate_series(1, w.seq) AS n (seq) JOIN fact f ON f.seq = n.seq AND f.account_id = w.account_id
    ) h
) j ON true WHERE j.facts <> w.seq OR NOT j.hold OR j.head IS DISTINCT FROM w.head
"""


def audit(db: Db, units: Sequence[Unit]) -> Mapping[int, str]:
    """What is not as arrears left it, by account; an account of which everything is has no entry."""
    said: dict[int, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for account, kind, name, value in db.execute(AUDIT, {"accounts": [u.no for u in units]}):
        said[account][kind][name] = value
    found: dict[int, str] = {}
    for unit in units:
        assert unit.before is not None, "only what is stored is cut"
        why = _differing(unit.before, said[unit.no])
        if not why and fold(_history(unit.no, said[unit.no]["fact"])) != unit.before:
            why = "its state was changed by hand"
        if why:
            found[unit.no] = why
    return found


def _history(number: int, facts: Mapping[str, str]) -> list[Recorded]:
    found = []
    for place, body in facts.items():
        seq, at, author = place.split("|", 2)
        found.append(Recorded(number, int(seq), datetime.fromisoformat(at), author, "", decode_fact(body)))
    return sorted(found, key=lambda recorded: recorded.seq)


def _differing(account: Account, said: Mapping[str, Mapping[str, str]]) -> str:
    broken = said.get("broken")
    if broken:
        return f"{' and '.join(sorted(broken))} was changed by hand"
    sums = said.get("ledger", {})
    numbers = [d.number for d in account.debts if sums.get(str(d.no), "0") != str(d.open_minor)]
    if numbers:
        return f"the ledger disagrees about invoice {', '.join(numbers[:5])}"
    invoices = {str(d.no): _text(d.number, d.currency, d.open_minor, d.due_on, d.day_0) for d in account.debts}
    for no in sorted(_unlike(invoices, said.get("invoice", {}))):
        return f"the row of invoice {no} was changed by hand"
    subs = {str(s.no): _text(*subscription_row(account.no, s)[2:]) for s in account.subscriptions}
    for no in sorted(_unlike(subs, said.get("subscription", {}))):
        return f"the row of subscription {no} was changed by hand"
    return ""


def _unlike(wanted: Mapping[str, str], said: Mapping[str, str]) -> set[str]:
    return {name for name, _ in set(wanted.items()) ^ set(said.items())}


def _text(*values: object) -> str:
    """As PostgreSQL's concat_ws joins them: what is NULL is left out."""
    return "|".join(str(value) for value in values if value is not None)
