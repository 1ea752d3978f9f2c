"""Looking at accounts before something of theirs is cut: that nobody has changed by hand what the cut rests on.

One statement for a whole batch. The server works out the hashes; the facts are folded here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Final, LiteralString

from arrears.core import facts as f
from arrears.core.account import Account, Action
from arrears.core.actions import steps_of
from arrears.core.evolve import fold
from arrears.core.facts import Recorded, decode_fact
from arrears.core.rows import hold_row, service_end_row, subscription_row
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
SELECT account_id, 'account', '', concat_ws('|', zone, policy, mode) FROM account WHERE account_id = ANY(%(accounts)s)
UNION ALL
SELECT account_id, 'case', no::text, concat_ws('|', opened_on, policy, zone) FROM collection_case
WHERE account_id = ANY(%(accounts)s) AND outcome IS NULL
UNION ALL
SELECT account_id, 'hold', no::text, concat_ws('|', scope, target, stops, until) FROM hold
WHERE account_id = ANY(%(accounts)s) AND ended_at IS NULL
UNION ALL
SELECT account_id, 'service end', subscription || ', ' || generation,
    concat_ws('|', stopped_on, ended_on, delete_on, awaiting_release) FROM service_end
WHERE account_id = ANY(%(accounts)s)
UNION ALL
SELECT account_id, 'warning', concat_ws('|', seq, kind, subscription, generation, rung, promised_on), '' FROM step
WHERE account_id = ANY(%(accounts)s) AND kind LIKE 'warn%%'
UNION ALL
SELECT m.account_id, 'letter', m.seq::text, string_agg(CASE WHEN starts_with(body, 'sha256:') THEN substr(body, 8)
    ELSE encode(sha256(convert_to(body, 'UTF8')), 'hex') END, ' ') FROM message m
WHERE m.account_id = ANY(%(accounts)s) AND m.state IN ('accepted', 'complained') AND EXISTS (
    SELECT FROM step s WHERE s.account_id = m.account_id AND s.seq = m.seq AND s.kind LIKE 'warn%%')
GROUP BY m.account_id, m.seq
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


def audit(db: Db, units: Sequence[Unit]) -> tuple[Mapping[int, str], Mapping[int, Sequence[Recorded]]]:
    """What is not as arrears left it, by account; and the journal of each account of which everything is."""
    said: dict[int, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for account, kind, name, value in db.execute(AUDIT, {"accounts": [u.no for u in units]}):
        said[account][kind][name] = value
    found: dict[int, str] = {}
    histories: dict[int, Sequence[Recorded]] = {}
    for unit in units:
        assert unit.before is not None, "only what is stored is cut"
        why = _differing(unit.before, said[unit.no])
        if not why:
            histories[unit.no] = history = _history(unit.no, said[unit.no]["fact"])
            if fold(history) != unit.before:
                why = "its state was changed by hand"
            else:
                why = _unlike_journal(unit.before, history, said[unit.no])
        if why:
            found[unit.no] = why
    return found, histories


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


def _unlike_journal(account: Account, history: Sequence[Recorded], said: Mapping[str, Mapping[str, str]]) -> str:
    """Which row of what the cut is announced by, and of whose days it follows, is not what the facts say."""
    opened: dict[str, str] = {}
    warnings: dict[str, str] = {}
    digests: dict[int, str] = {}
    came_back: set[int] = set()
    terms: set[tuple[str, str, str]] = set()
    for recorded in history:
        match recorded.fact:
            case f.AccountOpened() | f.TermsChanged():
                terms.add((recorded.fact.terms.zone, recorded.fact.terms.policy, recorded.fact.mode.value))
            case f.BecamePastDue(opened=True, terms=of_case):
                first = min(debt.day_0 for debt in recorded.fact.debts)
                opened = {str(recorded.fact.case): _text(first, of_case.policy, of_case.zone)}
            case f.CaseEnded():
                opened = {}
            case f.Noticed():
                for step in steps_of(recorded):
                    if step.kind.startswith("warn"):
                        named = (step.seq, step.kind, step.subscription, step.generation, step.rung, step.promised_on)
                        warnings[_text(*named)] = ""
            case f.NoticeAccepted(notice=notice, digest=digest):
                digests[notice] = digest
            case f.NoticeBounced(notice=notice):
                came_back.add(notice)
            case _:
                pass
    return _first_unlike(account, said, opened, warnings, terms) or _letters_gone(account, said, digests, came_back)


def _first_unlike(
    account: Account,
    said: Mapping[str, Mapping[str, str]],
    opened: Mapping[str, str],
    warnings: Mapping[str, str],
    terms: Set[tuple[str, str, str]],
) -> str:
    row = tuple(said.get("account", {}).get("", "").split("|"))
    if not all(value in given for value, given in zip(row, zip(*terms, strict=True), strict=False)) or len(row) != 3:
        return "the row of the account was changed by hand"
    holds = {str(h.no): _text(*hold_row(account.no, h)[2:5], h.until) for h in account.holds if h.ended_at is None}
    ends = {
        f"{s.no}, {s.generation}": _text(*row[3:6], "t" if row.awaiting_release else "f")
        for s in account.subscriptions
        if s.end is not None
        for row in [service_end_row(account.no, s)]
    }
    stored_ends = {name: value for name, value in said.get("service end", {}).items() if name in ends}
    for what, wanted, stored in (
        ("case", opened, said.get("case", {})),
        ("hold", holds, said.get("hold", {})),
        ("service end", ends, stored_ends),
        ("warning", warnings, said.get("warning", {})),
    ):
        for name in sorted(_unlike(wanted, stored)):
            return f"the row of {what} {name.partition('|')[0]} was changed by hand"
    return ""


def _letters_gone(
    account: Account, said: Mapping[str, Mapping[str, str]], digests: Mapping[int, str], came_back: Set[int]
) -> str:
    """Of each warning that counts there is a letter that a mail system has taken, and its text is that of the fact."""
    promises = [sub.promise(action) for sub in account.subscriptions for action in Action]
    counting = {w.seq for promise in promises for w in promise.counting if not w.otherwise}
    for seq in sorted(counting & {notice for notice, digest in digests.items() if digest}):
        taken = said.get("letter", {}).get(str(seq), "").split()
        if not taken or (digests[seq] not in taken and seq not in came_back):
            return f"the warning of fact {seq} was changed by hand"
    return ""


def _unlike(wanted: Mapping[str, str], said: Mapping[str, str]) -> set[str]:
    return {name for name, _ in set(wanted.items()) ^ set(said.items())}


def _text(*values: object) -> str:
    """As PostgreSQL's concat_ws joins them: what is NULL is left out."""
    return "|".join(str(value) for value in values if value is not None)
