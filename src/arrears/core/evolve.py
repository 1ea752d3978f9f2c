"""Folding: what each fact does to the account. The stored state is this fold and nothing else.

One small function a kind of fact, by the rooms in `fold/`; a kind without one is refused when this is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, get_args

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.closed import closed
from arrears.core.fold import arranged as fold_arranged
from arrears.core.fold import decided as fold_decided
from arrears.core.fold import payments as fold_money
from arrears.core.fold import reported as fold_reported

FOLDS: Final = closed(
    "folds",
    set(get_args(f.AnyFact)) - {f.AccountOpened},
    fold_reported.FOLDS,
    fold_arranged.FOLDS,
    fold_decided.FOLDS,
    fold_money.FOLDS,
)
"""How each fact but the first changes the account."""


def evolve(account: Account, recorded: f.Recorded) -> Account:
    """The account after one more fact."""
    return FOLDS[type(recorded.fact)](account, recorded.fact, recorded)


def open_account(recorded: f.Recorded) -> Account:
    """The account that its first fact makes."""
    fact = recorded.fact
    assert isinstance(fact, f.AccountOpened), fact
    return Account(no=recorded.account, terms=fact.terms, mode=fact.mode)


def fold(history: Iterable[f.Recorded]) -> Account:
    """The account that a whole stream of facts gives; the first fact opens it."""
    stream = iter(history)
    account = open_account(next(stream))
    for recorded in stream:
        account = evolve(account, recorded)
    return account
