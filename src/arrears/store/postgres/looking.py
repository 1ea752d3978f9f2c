"""A quick look at accounts before something of theirs is cut: whether all that the cut rests on is as it must be.

One statement for all of them, which is sent with what is written and read when the batch is over. It never says what is
wrong: who is not found right here is looked at fact by fact (audit.py), and that decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, LiteralString

from arrears.core.account import Account, Action
from arrears.core.rows import hold_row, service_end_row, subscription_row
from arrears.core.unit import Unit
from arrears.store.postgres.write import FACT_HASH, SEAL, Db, DbRow

LOOK: Final[LiteralString] = f"""
SELECT s.account_id, 'changed' FROM account_state s
LEFT JOIN fact f ON f.seq = s.seq AND f.account_id = s.account_id
LEFT JOIN (
    SELECT account_id, bit_xor(hash) AS journal FROM (
        SELECT account_id, {FACT_HASH.format("fact")} AS hash
        FROM fact WHERE seq = ANY(%(seqs)b) AND account_id = ANY(%(accounts)b) OFFSET 0
    ) h GROUP BY account_id
) j ON j.account_id = s.account_id
WHERE s.account_id = ANY(%(accounts)b)
    AND (s.seal = {SEAL.format("s", "j.journal")} AND f.hash = s.head) IS NOT TRUE
UNION ALL
SELECT account_id, concat_ws('|', 'ledger', debt, sum(minor)) FROM entry
WHERE account_id = ANY(%(accounts)b) AND ledger = 'receivable' GROUP BY account_id, debt HAVING sum(minor) <> 0
UNION ALL
SELECT account_id, concat_ws('|', 'invoice', no, number, currency, open_minor, due_on, day_0) FROM invoice
WHERE account_id = ANY(%(accounts)b) AND open_minor > 0
UNION ALL
SELECT account_id,
    concat_ws('|', 'subscription', no, service, state, generation, reasons, restrict_on, disable_on, delete_on)
FROM subscription WHERE account_id = ANY(%(accounts)b)
UNION ALL
SELECT account_id, concat_ws('|', 'account', zone, policy, mode) FROM account WHERE account_id = ANY(%(accounts)b)
UNION ALL
SELECT account_id, concat_ws('|', 'case', no, opened_on, policy, zone) FROM collection_case
WHERE account_id = ANY(%(accounts)b) AND outcome IS NULL
UNION ALL
SELECT account_id, concat_ws('|', 'hold', no, scope, target, stops, until) FROM hold
WHERE account_id = ANY(%(accounts)b) AND ended_at IS NULL
UNION ALL
SELECT account_id, concat_ws('|', 'end', subscription, generation, stopped_on, ended_on, delete_on, awaiting_release)
FROM service_end WHERE account_id = ANY(%(accounts)b)
UNION ALL
SELECT account_id, concat_ws('|', 'warned', seq, kind, subscription, generation, rung, promised_on) FROM step
WHERE account_id = ANY(%(accounts)b) AND kind LIKE 'warn%%'
UNION ALL
SELECT s.account_id, concat_ws('|', 'letter', s.seq) FROM step s
CROSS JOIN LATERAL (
    SELECT CASE WHEN starts_with(body, 'sha256:') THEN substr(body, 8)
        ELSE encode(sha256(convert_to(body, 'UTF8')), 'hex') END AS digest
    FROM message m WHERE m.account_id = s.account_id AND m.seq = s.seq AND state IN ('accepted', 'complained') OFFSET 0
) m
CROSS JOIN LATERAL (
    SELECT body FROM fact f WHERE f.seq IN (s.seq + 1, s.seq + 2) AND f.account_id = s.account_id
    AND f.kind = 'notice_accepted' OFFSET 0
) f
WHERE s.account_id = ANY(%(accounts)b) AND s.kind LIKE 'warn%%'
    AND position('"notice":' || s.seq || ',"digest":"' || m.digest || '"' IN f.body) > 0
"""
"""What is stored, a line each; `changed` where the journal, its head or the state is not the one that was sealed. A
letter is there where the journal has the acceptance of its text at once after it; where that is further on, the account
is looked at slowly."""

SPARE: Final = ("warned|", "letter|", "end|")
"""Of these there may be more than a state needs: warnings that count no more, times without service that are over."""


def look(db: Db, units: Sequence[Unit]) -> Iterable[DbRow]:
    """Ask about these accounts; what is returned can be read once there is an answer."""
    longest = max(unit.seq_before for unit in units)
    values = {"accounts": [u.no for u in units], "seqs": list(range(1, longest + 1))}
    return db.execute(LOOK, values, prepare=True)


def unproven(units: Sequence[Unit], answer: Iterable[DbRow]) -> set[int]:
    """The accounts of which not all was found as it must be, or more than that."""
    said: dict[int, set[str]] = defaultdict(set)
    for account, line in answer:
        said[account].add(line)
    return {unit.no for unit in units if not _is_right(unit, said[unit.no])}


def _is_right(unit: Unit, said: set[str]) -> bool:
    account = unit.before
    assert account is not None, "only what is stored is cut"
    wanted = set(_lines(account))
    return wanted <= said and all(line.startswith(SPARE) for line in said - wanted)


def _lines(a: Account) -> Iterable[str]:
    """What must be stored of an account in this state, as the statement says it."""
    yield f"account|{a.terms.zone}|{a.terms.policy}|{a.mode.value}"
    if a.case is not None:
        yield f"case|{a.case.no}|{a.case.opened_on}|{a.case.terms.policy}|{a.case.terms.zone}"
    for d in a.debts:
        yield f"ledger|{d.no}|{d.open_minor}"
        yield _line("invoice", d.no, d.number, d.currency, d.open_minor, d.due_on, d.day_0)
    for hold in a.holds:
        if hold.ended_at is None:
            yield _line("hold", *hold_row(a.no, hold)[1:5], hold.until)
    for sub in a.subscriptions:
        yield _line("subscription", *subscription_row(a.no, sub)[1:])
        if sub.end is not None:
            _, no, generation, stopped_on, ended_on, delete_on, _, waits, _ = service_end_row(a.no, sub)
            yield _line("end", no, generation, stopped_on, ended_on, delete_on, "t" if waits else "f")
        for action, kind in _KINDS:
            for warning in sub.promise(action).counting:
                if not warning.otherwise:
                    yield f"warned|{warning.seq}|{kind}|{sub.no}|{sub.generation}|{warning.step}|{warning.promised_on}"
                    yield f"letter|{warning.seq}"


_KINDS: Final = tuple((action, f"warn_{action.value}") for action in Action)


def _line(*values: Any) -> str:
    """As PostgreSQL's concat_ws joins them: what is NULL is left out."""
    return "|".join([str(value) for value in values if value is not None])
