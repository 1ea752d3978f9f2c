"""Doubts about one account: restrictions, disablements and deletions wait while there is one, and no date moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from arrears.core import facts as f
from arrears.core.account import DoubtKind, Mode
from arrears.core.decide import decide
from arrears.core.errors import Refused
from arrears.core.guards import Guards
from arrears.core.policy import Policies
from arrears.core.rules import ESCALATION_RULES
from arrears.core.unit import Unit
from arrears.engine.acting import acting_on
from arrears.ports import Accounts, AccountsAndMoney

OURS: Final = ("provider_refused", "provider_denied")
"""How a provider's refusal of our own request is called: of what it asks, or because our key may not ask it."""

WAY_OUT: Final = (
    "nothing is stopped for it meanwhile: let the provider take it (its dashboard says what this account and key may"
    " do) and close this task, or collect it by bank transfer"
)


def raise_doubt(
    store: Accounts, account: int, kind: DoubtKind, ref: str, now: datetime, author: str, why: str = ""
) -> None:
    """Record that something about this account is unknown: restrictions, disablements and deletions wait until the
    doubt is cleared. No date moves."""
    with acting_on(store, account, now) as unit:
        begin_doubt(unit, kind, ref, author, why)


def begin_doubt(unit: Unit, kind: DoubtKind, ref: str, author: str, why: str = "") -> None:
    """The same of an account that is open for a change; nothing where that doubt stands."""
    if not any(d.kind is kind and d.ref == ref for d in unit.account.doubts):
        unit.record(f.DoubtRaised(doubt=kind, ref=ref), author, why)


def clear_doubt(store: Accounts, account: int, kind: DoubtKind, ref: str, now: datetime, author: str) -> None:
    """End a doubt. What is due is looked at first, while it still stands: a deadline that passed under it has waited,
    even if no run has looked at it since."""
    with acting_on(store, account, now) as unit:
        end_doubt(store, unit, kind, ref, author)


def end_doubt(store: Accounts, unit: Unit, kind: DoubtKind, ref: str, author: str) -> None:
    """The same of an account that is open for a change; nothing where there is no such doubt."""
    if any(d.kind is kind and d.ref == ref for d in unit.account.doubts):
        end_doubt_under(store.policies(), store.system().guards, unit, kind, ref, author)


def end_doubt_under(
    policies: Policies, guards: Guards, unit: Unit, kind: DoubtKind, ref: str, author: str, *, heard_minor: int = 0
) -> None:
    """The same where what decides over the account has been read."""
    if not any(d.kind is kind and d.ref == ref for d in unit.account.doubts):
        return
    _note_what_waited(policies, guards, unit)
    unit.record(f.DoubtCleared(doubt=kind, ref=ref, heard_minor=heard_minor), author)


def before_mode(policies: Policies, guards: Guards, unit: Unit, mode: Mode) -> None:
    """Before an account pays in another way: by card it no longer waits for what the bank says, and a deadline that
    passed under that doubt has waited."""
    if mode is not Mode.INVOICE and DoubtKind.BANK in guards.doubts_of(unit.account.mode):
        _note_what_waited(policies, guards, unit)


def _note_what_waited(policies: Policies, guards: Guards, unit: Unit) -> None:
    """Under a doubt that stands, so that nothing is stopped here."""
    while waits := decide(policies, unit.account, guards, unit.now, rules=ESCALATION_RULES).facts:
        for fact in waits:
            unit.record(fact)


def note_refused(unit: Unit, ref: str, author: str, why: str) -> None:
    """A provider would not even try to take what is owed (`ref` is its currency), or to open a page on which a method
    is added: that is never the payer's fault, so nothing is stopped for it, and staff have one task."""
    if any(not debt.ended for debt in unit.account.debts):
        begin_doubt(unit, DoubtKind.REQUEST, ref, author, f"{why}; {WAY_OUT}")


@contextmanager
def asking(store: AccountsAndMoney, account: int, ref: str, now: datetime) -> Iterator[None]:
    """Ask a provider for something by which a payer could pay: what it refuses as a request is in doubt from then on,
    and what it does not refuse is so no more."""
    try:
        yield
    except Refused as refused:
        if refused.code in OURS:
            with acting_on(store, account, now) as unit:
                note_refused(unit, ref, f.ARREARS, refused.message)
        raise
    clear_doubt(store, account, DoubtKind.REQUEST, ref, now, f.ARREARS)
