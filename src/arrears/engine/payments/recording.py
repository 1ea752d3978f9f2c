"""One change that cannot be recorded is set aside: its account waits, staff are told once, and everything else goes on.

It is read again by the sweeps of some hours, and by `arrears money check`; recorded then, the account waits no
more. Staff who have dealt with it by hand close the task, which ends the doubt too.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from enum import Enum, auto

from arrears.core.account import Doubt, DoubtKind
from arrears.core.errors import Refused
from arrears.core.payments.values import (
    AttemptChange,
    CardsTried,
    Change,
    DebitReturned,
    DisputeChange,
    ForeignChange,
    RefundChange,
    SetupChange,
)
from arrears.engine.doubting import clear_doubt, raise_doubt
from arrears.engine.payments.attempts import payment_ref
from arrears.engine.payments.provider_changes import attempt_of, known
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.setups import follow
from arrears.engine.system import set_change_aside
from arrears.ports import AccountReader, MoneyBook, Store


class Recording(Enum):
    """What became of one change: it was recorded, or set aside, for the first time or again; or it is about what
    another installation has at the same account of the provider."""

    RECORDED = auto()
    NEWLY_ASIDE = auto()
    ASIDE = auto()
    FOREIGN = auto()


def record_change(store: Store, providers: Providers, provider: str, change: Change, now: datetime) -> Recording:
    """Record what a provider reports, or set it aside."""
    if isinstance(change, ForeignChange) or not known(store, change):
        told = change if isinstance(change, ForeignChange) else ForeignChange(_named(change), "")
        store.note_foreign(provider, told.ref, told.installation, now)
        return Recording.FOREIGN
    try:
        follow(store, providers, provider, change, lambda: now)
    except Refused as refused:
        return _set_aside(store, provider, change, refused, now)
    account = _account_of(store, provider, change)
    ref = doubt_ref(provider, change)
    if account and any(d.ref == ref for d in _doubts(store, account)):
        clear_doubt(store, account, DoubtKind.FEED, ref, now, f"provider:{provider}")
    return Recording.RECORDED


def _named(change: Change) -> str:
    """What is called foreign by our book alone: the provider's reference, or the attempt's where it has none."""
    outcome_ref = getattr(change.outcome, "ref", "") if isinstance(change, AttemptChange) else ""
    return str(outcome_ref) or doubt_ref("", change).removeprefix(":")


def doubt_ref(provider: str, change: Change) -> str:
    """How the doubt about a change is named."""
    return f"{provider}:{change.attempt if isinstance(change, AttemptChange) else change.ref}"


def _set_aside(store: Store, provider: str, change: Change, refused: Refused, now: datetime) -> Recording:
    account, ref, author = _account_of(store, provider, change), doubt_ref(provider, change), f"provider:{provider}"
    way = "mend that and run `arrears money check`, or close this task when you have dealt with it by hand"
    why = f"{ref} was not recorded: {refused.message}; {way}"
    if any(d.ref == ref for d in _doubts(store, account)):
        return Recording.ASIDE
    try:
        if not account:
            raise refused
        raise_doubt(store, account, DoubtKind.FEED, ref, now, author, why)
    except Refused:
        # An account that cannot be read has a task already; its change has one of its own, so that it is not lost.
        set_change_aside(store, ref, now, author, why)
        return Recording.ASIDE
    return Recording.NEWLY_ASIDE


def _account_of(store: MoneyBook, provider: str, change: Change) -> int:
    """Whose a change is; 0 where nobody knows."""
    match change:
        case AttemptChange(attempt=attempt):
            place = attempt_of(attempt)
            return 0 if place is None else place[0]
        case SetupChange(account=account) | CardsTried(account=account):
            return account
        case ForeignChange():
            return 0
        case RefundChange(payment_ref=ref) | DisputeChange(payment_ref=ref) | DebitReturned(payment_ref=ref):
            record = store.payment(payment_ref(provider, ref))
            return 0 if record is None else record.account


def _doubts(store: AccountReader, account: int) -> tuple[Doubt, ...]:
    with suppress(Refused):
        found = store.snapshots([account]).get(account)
        return () if found is None else found.doubts
    return ()
