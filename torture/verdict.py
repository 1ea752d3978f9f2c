"""What is counted when the disturbed run has ended: everything is read back from the tables and the files."""

from __future__ import annotations

from collections import Counter
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path
from typing import Any

from arrears.core.actions import actions_of
from arrears.core.evolve import fold
from arrears.core.facts import decode_fact
from arrears.core.unit import GENESIS, chained
from arrears.store.postgres.check import check_store
from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.write import utc
from torture.book import Plan
from torture.calm import Calm, Performed, views
from torture.outside import FileServices


def judge(store: PostgresStore, folder: Path, plan: Plan, calm: Calm) -> dict[str, Any]:
    """The figures; `lost`, `performed_twice`, `mails_twice`, `disagreeing` and the last two must be zero."""
    numbers = range(1, plan.accounts + 1)
    snapshots = store.snapshots(numbers)
    histories = {n: store.history(n) for n in numbers}
    expected = {(a.account, a.seq, a.kind) for h in histories.values() for r in h for a in actions_of(r)}
    actions = _actions(store)
    mails = _mails(folder / "mail")
    services = FileServices(folder / "orders")
    now, then = views(store, plan.accounts), calm.views
    differ = {n for n in numbers if now.get(n) != then[n]}
    differ |= {n for n in numbers if fold(histories[n]) != snapshots[n]}
    performed = services.performed()
    differ |= {account for account, sub in calm.orders if performed.get((account, sub)) != calm.orders[(account, sub)]}
    texts = Counter(mails.values())
    sent = {key for key, status in actions.items() if key[2] == "notice" and status == "done"}
    named = {"-".join(name.split("-")[:3]) for name in mails}
    missing_mails = sum(1 for account, seq, _ in sent if f"a{account}-{seq}-1" not in named)
    return {
        "actions": len(expected),
        "lost": len(expected ^ set(actions))
        + sum(1 for status in actions.values() if status not in ("done", "failed"))
        + missing_mails
        + (calm.mails - texts).total(),
        "orders": sum(map(len, performed.values())),
        "deliveries": services.lines("deliveries"),
        "performed_twice": _repeats(performed) + _more_than(performed, calm.orders),
        "mails": len(mails),
        "mails_twice": (texts - calm.mails).total(),
        "notices_failed": sum(1 for status in actions.values() if status == "failed"),
        "disagreeing": len(differ),
        "breaches": len(check_store(store).breaches),
        "chains_broken": _broken_chains(store, numbers),
        "ledger_differs": _ledger_differences(store, snapshots),
    }


def _actions(store: PostgresStore) -> dict[tuple[int, int, str], str]:
    with store.transaction() as db:
        return {(a, s, k): status for a, s, k, status in db.execute("SELECT account_id, seq, kind, status FROM action")}


def _mails(folder: Path) -> dict[str, tuple[str, str, str]]:
    """Each delivered message by its id: to whom, and what it said."""
    found = {}
    for path in folder.glob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        found[path.stem] = (str(mail["To"]), str(mail["Subject"]), mail.get_content().rstrip("\n"))
    return found


def _more_than(performed: Performed, calm: Performed) -> int:
    """Orders that an undisturbed year has not."""
    return sum(max(0, len(orders) - len(calm.get(key, ()))) for key, orders in performed.items())


def _repeats(performed: Performed) -> int:
    """The same command twice in a row for one subscription, or a number out of its order."""
    count = 0
    for orders in performed.values():
        for (number, command, generation), following in pairwise(orders):
            count += following[0] <= number or following[1:] == (command, generation)
    return count


def _broken_chains(store: PostgresStore, numbers: range) -> int:
    """Streams whose stored facts do not lead to the stored head."""
    heads = dict.fromkeys(numbers, GENESIS)
    with store.transaction() as db:
        rows = db.execute(
            "SELECT account_id, seq, at, author, why, body FROM fact WHERE account_id > 0 ORDER BY account_id, seq"
        )
        for account, seq, at, author, why, body in rows:
            decode_fact(body)
            heads[account] = chained(heads[account], account, seq, utc(at), author, why, body)
        stored = dict(db.execute("SELECT account_id, head FROM account_state").fetchall())
    return sum(1 for account, head in heads.items() if stored.get(account) != head)


def _ledger_differences(store: PostgresStore, snapshots: Any) -> int:
    """Debts whose open sum is not what the entries add up to, and currencies whose entries do not balance."""
    with store.transaction() as db:
        sums = {
            (account, debt): minor
            for account, debt, minor in db.execute(
                "SELECT account_id, debt, sum(minor)::bigint FROM entry WHERE ledger = 'receivable' GROUP BY 1, 2"
                " HAVING sum(minor) <> 0"
            )
        }
        rows = {
            (account, no): minor
            for account, no, minor in db.execute("SELECT account_id, no, open_minor FROM invoice WHERE open_minor > 0")
        }
        unbalanced = db.execute("SELECT currency FROM entry GROUP BY currency HAVING sum(minor) <> 0").fetchall()
    owed = {(n, d.no): d.open_minor for n, account in snapshots.items() for d in account.debts}
    return len(sums.items() ^ owed.items()) + len(rows.items() ^ owed.items()) + len(unbalanced)
