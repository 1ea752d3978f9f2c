"""Whether an attempt that was recorded is still to be made: what has happened since may speak against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from arrears.core.account import Account, Attempt, DoubtKind
from arrears.core.payments.planner import Tried
from arrears.core.payments.settlement import Quote
from arrears.core.payments.values import AttemptCanceled, AttemptState, Declined, Initiator, Unknown
from arrears.core.rules.charge import still_planned
from arrears.core.view import View
from arrears.engine.payments.permitted import not_to_be_asked
from arrears.ports import AccountsAndMoney, AttemptRecord

LEFT_AFTER: Final = timedelta(minutes=10)
"""Whoever settles is answered, or gone, long before."""

_OF_ATTEMPTS: Final = frozenset({DoubtKind.ATTEMPT, DoubtKind.REQUEST})
"""Doubts about an attempt itself, which are ended by asking for it again."""


def still_owed(account: Account, attempt: Attempt) -> bool:
    """Whether everything that an attempt would pay is still open, and in no dispute."""
    open_minor = {d.no: d.open_minor for d in account.debts if not account.debt_is_withheld(d.no)}
    return all(open_minor.get(part.debt, 0) >= part.minor for part in attempt.parts)


def may_confirm(account: Account, record: AttemptRecord, owed: Iterable[Quote]) -> bool:
    """Whether its payer can confirm an attempt now: it waits for that and is still owed, or its sum is the whole of
    what is `owed` in its currency, which is then charged once more with the payer there."""
    if record.state != AttemptState.NEEDS_CUSTOMER or record.on_page:
        return False
    waiting = account.attempt(record.no)
    if waiting is not None and still_owed(account, waiting):
        return True
    return any((one.currency, one.amount_minor) == (record.currency, record.amount_minor) for one in owed)


def waits_for_nothing(account: Account, attempt: Attempt) -> bool:
    """Whether an attempt waits for its payer, at the bank or on the provider's page, who owes that no more: paid all
    the same it would be money that nobody asks for, so it is ended as soon as it is seen."""
    waits = attempt.on_page or attempt.state is AttemptState.NEEDS_CUSTOMER
    return waits and not still_owed(account, attempt)


def _left(attempt: Attempt, now: datetime) -> bool:
    """Whether whoever began an attempt is not there any more to want it: it was asked for already, or long ago."""
    return attempt.state is not AttemptState.CREATED or now - attempt.created_at >= LEFT_AFTER


def _still_wanted(view: View, attempt: Attempt) -> bool:
    """Whether an attempt that nobody waits for would be made now: one of ours as the plan says, a payer's while nothing
    else is in doubt."""
    if attempt.by is Initiator.MERCHANT:
        return still_planned(view, attempt)
    return all(doubt.kind in _OF_ATTEMPTS for doubt in view.account.doubts)


def not_to_be_charged(
    store: AccountsAndMoney, snapshot: Account, attempt: Attempt, elsewhere: Sequence[Tried], now: datetime
) -> Declined | AttemptCanceled | Unknown | None:
    """What the networks' rules forbid is not asked for. What was paid in another way, or disputed since the attempt
    was recorded, and what would not be charged any more when it is asked for again, is not charged: it is looked up
    until it is proven that nobody had asked for it either."""
    if not still_owed(snapshot, attempt):
        return Unknown("what it was for is not owed any more, so it is not charged")
    if _left(attempt, now) and not _still_wanted(View(store.policies(), snapshot, store.system().guards, now), attempt):
        return Unknown("it would not be charged now, so it is not charged")
    return not_to_be_asked(snapshot, attempt, elsewhere, now)
