"""What a replay of the sample book must find, counted from the CSV alone, without a line of arrears.

A day is all it needs: a payment at noon of day S is in time for anything that happens at the first instant
of day S+1, and too late for what happened at the first instant of day S. So a late invoice (settled on S,
after its due date D) is past due from the first instant of D+1 until noon of S; it would end the service at
the first instant of D+32 (spec, section 3: action of day 30, day 0 is D+1). An event is (day, half), half 0
the first instant, half 1 noon.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

NOTHING_PAID_FROM_DAYS = 32
Moment = tuple[date, int]


class Late(NamedTuple):
    """A past-due invoice: past due from `opens` until `paid`; `disables` None if it is held all the while."""

    opens: Moment
    paid: Moment
    disables: Moment | None


def expected(csv_path: Path, disputes: Literal["hold", "ignore"]) -> dict[str, int]:
    """The counts that `arrears replay --disputes hold|ignore` must print; sums in US cents."""
    with csv_path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    late: defaultdict[str, list[Late]] = defaultdict(list)
    paid_late = [_cents(row["InvoiceAmount"]) for row in rows if _day(row["SettledDate"]) > _day(row["DueDate"])]
    for row in rows:
        due, settled = _day(row["DueDate"]), _day(row["SettledDate"])
        if settled > due:
            held = disputes == "hold" and row["Disputed"] == "Yes"
            disables = None if held else (due + timedelta(days=NOTHING_PAID_FROM_DAYS), 0)
            late[row["customerID"]].append(Late((due + timedelta(days=1), 0), (settled, 1), disables))
    ends = [_service_ends(debts) for debts in late.values()]
    return {
        "invoices": len({row["invoiceNumber"] for row in rows}),
        "accounts": len({row["customerID"] for row in rows}),
        "invoiced": sum(_cents(row["InvoiceAmount"]) for row in rows),
        "past_due": sum(paid_late),
        "recovered_minor": sum(paid_late),
        "past_due_invoices": sum(map(len, late.values())),
        "cases": sum(map(_cases, late.values())),
        "accounts_with_case": len(late),
        "disabled": sum(map(len, ends)),
        "resumed": sum(map(len, ends)),
        "days_without_service": sum((on - off).days + 1 for found in ends for (off, _), (on, _) in found),
    }


def _day(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()


def _cents(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0"))


def _cases(debts: list[Late]) -> int:
    """Unions of overlapping [opens, paid): a case opens when none is open and ends with the last debt."""
    cases, open_until = 0, (date.min, 0)
    for debt in sorted(debts):
        if debt.opens > open_until:
            cases += 1
        open_until = max(open_until, debt.paid)
    return cases


def _service_ends(debts: list[Late]) -> list[tuple[Moment, Moment]]:
    """(disabled, resumed) of the one subscription: it resumes with the last past-due debt that is not held."""
    ends: list[tuple[Moment, Moment]] = []
    escalating = sorted(debt for debt in debts if debt.disables is not None)
    for debt in escalating:
        if debt.disables is None or debt.paid < debt.disables or (ends and debt.disables < ends[-1][1]):
            continue
        resumed = debt.paid
        while later := [d.paid for d in escalating if d.opens < resumed < d.paid]:
            resumed = max(later)
        ends.append((debt.disables, resumed))
    return ends


if __name__ == "__main__":
    import json
    import sys

    for disputes in ("hold", "ignore"):
        print(json.dumps({"disputes": disputes} | expected(Path(sys.argv[1]), disputes)))  # noqa: T201
