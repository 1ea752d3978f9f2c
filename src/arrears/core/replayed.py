"""An account's facts taken one by one from the first: the state that they give, and every row that they have written.

For comparing what is stored with what it must be. Facts of one instant may have been one transaction, which writes a
row once, as it has come to be; so a row may have any content that it had at the last instant at which it changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import field
from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.evolve import evolve, open_account
from arrears.core.rows import Rows, hold_row, rows_of_facts, service_end_row

RowKey = tuple[int, ...]
Columns = tuple[Any, ...]


class Versions(msgspec.Struct):
    """What a row may be, by its key: each content that it had, and since when."""

    had: dict[RowKey, list[tuple[datetime, Columns | None]]] = field(default_factory=dict)

    def add(self, key: RowKey, at: datetime, row: Columns | None) -> None:
        """From this instant on it is this; None: it is written no more, and stays as it was."""
        self.had.setdefault(key, []).append((at, row))

    def may_be(self, key: RowKey) -> list[Columns | None]:
        """What it may be; None among them where it may never have been written."""
        versions = self.had.get(key, [])
        rows = [(at, row) for at, row in versions if row is not None]
        if not rows:
            return [None]
        last = rows[-1][0]
        found: list[Columns | None] = [row for at, row in rows if at == last]
        over = versions[-1][1] is None and versions[-1][0] == last
        if not over:
            return found[-1:]
        before = [row for at, row in rows if at < last]
        return [*found, before[-1] if before else None]


class Replayed(msgspec.Struct):
    """What one account's facts come to. `accounts` are the states, one after each fact."""

    history: Sequence[f.Recorded]
    accounts: list[Account]
    rows: Rows
    holds: Versions = field(default_factory=Versions)
    ends: Versions = field(default_factory=Versions)
    days_0: dict[int, set[date | None]] = field(default_factory=dict)

    def of_the_same_instant(self, place: int) -> Iterator[Account]:
        """The states after this fact (counted from 0) and after each later one of its instant: whatever was asked
        when its transaction was over was asked of one of them."""
        at = self.history[place].at
        while place < len(self.history) and self.history[place].at == at:
            yield self.accounts[place]
            place += 1


def replay(history: Sequence[f.Recorded]) -> Replayed:
    """Take these facts, all of one account, one by one. AssertionError or KeyError where they are no account's."""
    found = Replayed(history, [], Rows())
    before: Account | None = None
    for recorded in history:
        after = open_account(recorded) if before is None else evolve(before, recorded)
        found.accounts.append(after)
        _holds(found, before, after, recorded)
        _ends(found, before, after, recorded)
        if before is None or before.debts is not after.debts:
            for debt in after.debts:
                found.days_0.setdefault(debt.no, {None}).add(debt.day_0)
        before = after
    rows_of_facts(zip(history, found.accounts, strict=True), found.rows)
    return found


def _holds(found: Replayed, before: Account | None, after: Account, recorded: f.Recorded) -> None:
    if before is not None and before.holds is after.holds:
        return
    was = {hold.no: hold for hold in before.holds} if before is not None else {}
    for hold in after.holds:
        if was.get(hold.no) != hold:
            found.holds.add((after.no, hold.no), recorded.at, hold_row(after.no, hold))
    if isinstance(fact := recorded.fact, f.HoldEnded) and fact.hold not in {hold.no for hold in after.holds}:
        ended = replace(was[fact.hold], ended_at=fact.at)
        found.holds.add((after.no, fact.hold), recorded.at, hold_row(after.no, ended))


def _ends(found: Replayed, before: Account | None, after: Account, recorded: f.Recorded) -> None:
    if before is not None and before.subscriptions is after.subscriptions:
        return
    was = {sub.no: sub for sub in before.subscriptions} if before is not None else {}
    for sub in after.subscriptions:
        old = was.get(sub.no)
        if old is sub:
            continue
        if old is not None and old.end is not None and (sub.end is None or sub.generation != old.generation):
            found.ends.add((after.no, sub.no, old.generation), recorded.at, None)
        if sub.end is not None:
            row = service_end_row(after.no, sub)
            versions = found.ends.had.get((after.no, sub.no, sub.generation))
            if versions is None or versions[-1][1] != row:
                found.ends.add((after.no, sub.no, sub.generation), recorded.at, row)
