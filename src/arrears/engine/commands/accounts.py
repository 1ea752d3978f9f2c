"""Accounts: opened, their terms changed, doubts about them, and those that were left to a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from arrears.core import facts as f
from arrears.core.account import Mode, Terms
from arrears.core.address import check_address
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.ids import ref_digest
from arrears.core.tasks import SYSTEM
from arrears.engine import system
from arrears.engine.acting import acting_on
from arrears.engine.doubting import before_mode, clear_doubt
from arrears.engine.failpoints import reached
from arrears.ports import AccountOpening, Accounts, AccountsAndInstallation, NewAccount


def open_accounts(
    store: AccountOpening, accounts: Sequence[tuple[NewAccount, Sequence[str]]], now: datetime, author: str
) -> list[int]:
    """Open accounts, each with one subscription per named service; their numbers in the same order. Refuses
    `unknown_policy`, `unknown_zone` and `bad_address`: an address that nobody can write to warns nobody."""
    accounts = [
        (new if new.contact is None else new._replace(contact=check_address(new.contact)), services)
        for new, services in accounts
    ]
    known = store.policies()
    for new, _ in accounts:
        if new.policy not in known:
            raise Refused("unknown_policy", f"account {new.ref!r} names policy {new.policy!r}, which is not adopted")
        calendar_of(new.zone)
    with store.open_accounts([new for new, _ in accounts], now) as batch:
        for unit, (new, services) in zip(batch.units, accounts, strict=True):
            terms, digest = Terms(new.policy, new.zone), ref_digest(unit.no, new.ref)
            unit.record(f.AccountOpened(terms=terms, mode=new.mode, ref_digest=digest), author)
            for number, service in enumerate(services, 1):
                unit.record(f.SubscriptionAdded(subscription=number, service=service), author)
        numbers = [unit.no for unit in batch.units]
        reached("command.before_commit")
    reached("command.after_commit")
    return numbers


def change_terms(
    store: Accounts, account: int, now: datetime, author: str, *, policy: str, zone: str, mode: Mode
) -> None:
    """Give an account another policy, zone or way of paying, for what starts from now on; a running case keeps its own.
    Refuses `unknown_policy` and `unknown_zone`."""
    if policy not in store.policies():
        raise Refused("unknown_policy", f"policy {policy!r} is not adopted")
    calendar_of(zone)
    with acting_on(store, account, now) as unit:
        before_mode(store.policies(), store.system().guards, unit, mode)
        unit.record(f.TermsChanged(terms=Terms(policy, zone), mode=mode), author)


def unpark(store: Accounts, account: int, now: datetime, author: str, why: str) -> None:
    """Decide upon a parked account again, once staff have looked at it."""
    with acting_on(store, account, now) as unit:
        if not unit.account.parked:
            raise Refused("not_parked", f"account {account} is not parked")
        unit.record(f.Unparked(), author, why)


def close_task(
    store: AccountsAndInstallation, account: int, task: int, now: datetime, author: str, outcome: str
) -> None:
    """Close a task that staff have dealt with; `task` is the number of the fact that raised it, `account` is 0 for one
    of the installation. Refuses `no_reason`."""
    if not outcome.strip():
        raise Refused("no_reason", "say why it is done; it is kept with the fact")
    if account == SYSTEM:
        system.close_task(store, task, now, author, outcome)
        return
    raised = next((r.fact for r in store.history(account) if r.seq == task), None)
    with acting_on(store, account, now) as unit:
        unit.record(f.TaskClosed(task=task, outcome=outcome), author)
    if isinstance(raised, f.DoubtRaised):
        # What could not be recorded has been dealt with by hand, so the account waits for it no more.
        clear_doubt(store, account, raised.doubt, raised.ref, now, author)
