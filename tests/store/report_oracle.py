"""The reports once more, from the facts alone and in plain Python: what each account's history comes to, day by day.

Written from the definitions that the page publishes, and not from the statements that it is compared with.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

from arrears.core import facts as f

Sums = dict[tuple[str, str], tuple[int, int, tuple[int, ...]]]
"""Of each group and currency: how many, of how many accounts, and the sums."""


@dataclass
class Move:
    seq: int
    day: date
    utc_day: date
    how: str
    minor: int


@dataclass
class Late:
    """One debt, from its issue on."""

    account: int
    currency: str
    due: date
    moves: list[Move] = field(default_factory=list)
    held: bool = False
    since_seq: int = 0
    day_0: date | None = None
    last_day_0: date | None = None
    zone: str = "UTC"
    version: str = ""

    def open(self) -> int:
        return sum(m.minor for m in self.moves)

    def sums(self) -> tuple[int, ...]:
        after = [m for m in self.moves if m.seq > self.since_seq]
        gone = [-sum(m.minor for m in after if m.how == how) for how in ("recovered", "credited", "written_off")]
        return (sum(m.minor for m in self.moves if m.seq < self.since_seq), *gone, self.open())

    def days_to_pay(self) -> int | None:
        """Days from day 0 until it was paid whole; None where it is not."""
        assert self.day_0 is not None
        paid = [m for m in self.moves if m.how == "recovered" and m.minor < 0]
        whole = self.open() == 0 and self.sums()[1] > 0
        return max(0, (paid[-1].day - self.day_0).days) if whole else None


class Book:
    """Every account's debts, the steps it reached, and the moves of each debt."""

    def __init__(self, histories: Mapping[int, Iterable[f.Recorded]], today: date) -> None:
        self.debts: dict[tuple[int, int], Late] = {}
        self.steps: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
        self.stops: list[tuple[int, date]] = []
        self.today = today
        for account, history in histories.items():
            holds: dict[int, f.HoldPlaced] = {}
            for recorded in history:
                self._take(account, recorded, holds)
            for placed in holds.values():
                stands = placed.hold.until is None or placed.hold.until >= today
                if placed.hold.scope.value == "debt" and stands:
                    self.debts[account, placed.hold.target].held = True

    def _take(self, account: int, r: f.Recorded, holds: dict[int, f.HoldPlaced]) -> None:
        match r.fact:
            case f.InvoiceIssued(debt=d):
                self.debts[account, d.no] = Late(account, d.currency, d.due_on)
                self._move(account, r, d.no, "issued", d.total_minor)
            case f.PaymentBooked() | f.CreditAllocated():
                for part in r.fact.allocations:
                    self._move(account, r, part.debt, "recovered", -part.minor)
            case f.DebtReopened(debt=d):
                self._move(account, r, d.no, "written_off" if r.fact.given_up else "recovered", r.fact.minor)
            case f.WrittenOff():
                self._move(account, r, r.fact.debt, "written_off", -r.fact.minor)
            case f.InvoiceCredited(debt=no) if no:
                self._move(account, r, no, "credited", r.fact.credit_minor - r.fact.minor)
            case f.DueMoved():
                self.debts[account, r.fact.debt].due = r.fact.due_on
            case f.BecamePastDue():
                for one in r.fact.debts:
                    self._past_due(self.debts[account, one.debt], one.day_0, r.seq, r.fact.terms)
            case f.HoldPlaced():
                holds[r.fact.hold.no] = r.fact
            case f.HoldEnded():
                holds.pop(r.fact.hold, None)
            case f.Noticed():
                for reminder in r.fact.each(f.Reminder):
                    self.steps[account].append((r.seq, reminder.step, f"remind {reminder.step}"))
                    for debt in reminder.debts:
                        self.steps[account].append((r.seq, debt.step, f"remind {debt.step}"))
                for warning in r.fact.each(f.Warning):
                    self.steps[account].append((r.seq, warning.step, f"warn_{warning.action} {warning.step}"))
            case f.Restricted():
                self.steps[account].append((r.seq, 0, "restrict"))
            case f.Disabled():
                self.steps[account].append((r.seq, 0, "disable"))
                self.stops.append((account, r.fact.on))
            case f.DeletionOrdered():
                self.steps[account].append((r.seq, 0, "delete"))
            case _:
                pass

    def _move(self, account: int, r: f.Recorded, no: int, how: str, minor: int) -> None:
        debt = self.debts[account, no]
        utc_day = r.at.astimezone(UTC).date()
        debt.moves.append(Move(r.seq, r.at.astimezone(ZoneInfo(debt.zone)).date(), utc_day, how, minor))

    def _past_due(self, debt: Late, day_0: date, seq: int, terms: f.Terms) -> None:
        debt.last_day_0 = day_0
        if debt.day_0 is None:
            debt.day_0, debt.since_seq, debt.zone, debt.version = day_0, seq, terms.zone, terms.policy

    def late(self) -> list[Late]:
        return [d for d in self.debts.values() if d.day_0 is not None]


def summed(lines: Iterable[tuple[int, str, str, tuple[int, ...]]]) -> Sums:
    """Lines of an account, a group, a currency and sums, as figures."""
    numbers: Counter[tuple[str, str]] = Counter()
    accounts: dict[tuple[str, str], set[int]] = defaultdict(set)
    sums: dict[tuple[str, str], list[int]] = {}
    for account, group, currency, parts in lines:
        key = group, currency
        numbers[key] += 1
        accounts[key].add(account)
        sums[key] = [a + b for a, b in zip(sums.get(key, [0] * len(parts)), parts, strict=True)]
    return {key: (numbers[key], len(accounts[key]), tuple(sums[key])) for key in sums}


def bucket(days: int, ends: tuple[int, ...], names: tuple[str, ...]) -> str:
    return next((name for end, name in zip(ends, names, strict=False) if days <= end), names[-1])


def ageing(book: Book) -> Sums:
    names = ("not_due", "1-30", "31-60", "61-90", "91+")
    return summed(
        (
            d.account,
            bucket((book.today - d.due).days, (0, 30, 60, 90), names),
            d.currency,
            (d.open(), d.open() * d.held),
        )
        for d in book.debts.values()
        if d.open() > 0
    )


def recovery(book: Book) -> Sums:
    return summed((d.account, f"{d.day_0:%Y-%m}", d.currency, d.sums()) for d in book.late())


def by_policy(book: Book, names: Mapping[str, str]) -> Sums:
    return summed((d.account, names[d.version], d.currency, d.sums()) for d in book.late())


def time_to_recover(book: Book) -> Sums:
    names = ("0", "1-3", "4-7", "8-14", "15-21", "22-30", "31-60", "61-90", "91+")
    return summed(
        (d.account, bucket(days, (0, 3, 7, 14, 21, 30, 60, 90), names), d.currency, (d.sums()[1],))
        for d in book.late()
        if (days := d.days_to_pay()) is not None
    )


def by_step(book: Book) -> Sums:
    def step(account: int, seq: int) -> str:
        reached = [one for one in book.steps[account] if one[0] < seq]
        last = max(((s, rung) for s, rung, _ in reached), default=None)
        return min((name for s, rung, name in reached if (s, rung) == last), default="")

    return summed(
        (d.account, step(d.account, m.seq), d.currency, (-m.minor,))
        for d in book.late()
        for m in d.moves
        if m.seq > d.since_seq and m.how == "recovered"
    )


def days_sales_outstanding(book: Book, first: date) -> Sums:
    lines, month = [], first.replace(day=1)
    by_account: dict[tuple[int, str], list[Move]] = defaultdict(list)
    for d in book.debts.values():
        by_account[d.account, d.currency] += d.moves
    while month <= book.today:
        following = (month + timedelta(days=31)).replace(day=1)
        end = min(following, book.today + timedelta(days=1))
        for (account, currency), moves in by_account.items():
            stood = [m for m in moves if m.utc_day < end]
            billed = sum(m.minor for m in stood if m.how == "issued" and m.utc_day >= end - timedelta(days=90))
            owed = sum(m.minor for m in stood)
            if owed or billed:
                lines.append((account, f"{month:%Y-%m}", currency, (owed, billed)))
        month = following
    return summed(lines)


def forecast(book: Book) -> Sums:
    ages = (("1-30", 0), ("31-60", 30), ("61-90", 60), ("91+", 90))
    was: Counter[tuple[str, str]] = Counter()
    came: Counter[tuple[str, str]] = Counter()
    for d in book.late():
        assert d.day_0 is not None
        for name, days in ages:
            at = d.day_0 + timedelta(days=days)
            if at + timedelta(days=30) >= book.today:
                continue
            then = sum(m.minor for m in d.moves if m.day <= at)
            if then > 0:
                was[d.currency, name] += then
                came[d.currency, name] -= sum(
                    m.minor for m in d.moves if m.how == "recovered" and at < m.day <= at + timedelta(days=30)
                )

    def expected(d: Late, name: str) -> int:
        if not was[d.currency, name]:
            return 0
        rate = max(0.0, min(1.0, came[d.currency, name] / was[d.currency, name]))
        return round(d.open() * rate)

    lines = []
    for d in book.debts.values():
        if d.open() > 0 and d.last_day_0 is not None:
            name = bucket((book.today - d.last_day_0).days, (29, 59, 89), tuple(n for n, _ in ages))
            lines.append((d.account, name, d.currency, (d.open(), expected(d, name))))
    return summed(lines)
