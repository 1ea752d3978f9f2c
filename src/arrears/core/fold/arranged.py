"""Promises to pay, folded into the account."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.fold import Folds
from arrears.core.fold.replacing import void


def _made(account: Account, fact: f.ArrangementMade, _: f.Recorded) -> Account:
    made = fact.arrangement
    return replace(account, arrangements=(*account.arrangements, made), arrangement_count=made.no)


def _kept(account: Account, fact: f.ArrangementKept, _: f.Recorded) -> Account:
    moved = tuple(replace(a, kept=fact.kept) if a.no == fact.arrangement else a for a in account.arrangements)
    return replace(account, arrangements=tuple(a for a in moved if a.kept < len(a.parts)))


def _ended(account: Account, fact: f.ArrangementEnded, recorded: f.Recorded) -> Account:
    account = replace(account, arrangements=tuple(a for a in account.arrangements if a.no != fact.arrangement))
    for voided in fact.voided:
        account = void(account, voided.subscription, voided.action, recorded, doubted=False)
    return account


FOLDS: Final[Folds] = {
    f.ArrangementMade: _made,
    f.ArrangementKept: _kept,
    f.ArrangementEnded: _ended,
}
