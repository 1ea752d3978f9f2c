"""Which facts made an account what it is: those that are still in force, and no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from arrears.core import facts as f
from arrears.core.account import ALL_ACTIONS, Account
from arrears.core.states import Reason, State

Key = tuple[str, *tuple[int | str, ...]]


def causes(account: Account, history: Sequence[f.Recorded]) -> list[int]:
    """The numbers of the facts that the state rests on, oldest first: of each cause the newest. Of an account that
    has none, how its last case ended."""
    wanted = set(_wanted(account))
    if not wanted:
        ended = [r.seq for r in history if isinstance(r.fact, f.CaseEnded)]
        return ended[-1:]
    found = []
    for recorded in reversed(history):
        met = wanted.intersection(_keys(recorded.fact))
        if met:
            found.append(recorded.seq)
            wanted -= met
    return found[::-1]


def _wanted(account: Account) -> Iterator[Key]:
    """What about this account needs a reason."""
    if account.parked:
        yield ("parked",)
    for doubt in account.doubts:
        yield ("doubt", doubt.kind, doubt.ref)
    for hold in account.holds:
        if hold.ended_at is None:
            yield ("hold", hold.no)
    for debt in account.debts:
        if debt.day_0 is not None:
            yield ("past due", debt.no)
            yield ("money", debt.no)
    for sub in account.subscriptions:
        if sub.state is State.RESTRICTED:
            yield ("restricted", sub.no)
        if sub.cut:
            yield ("disabled", sub.no)
        if sub.state is State.DELETED:
            yield ("deleted", sub.no)
            if Reason.PAST_DUE in sub.reasons:
                yield ("owing", sub.no)
        for reason in sub.reasons:
            yield (reason, sub.no)
        for action in ALL_ACTIONS:
            if sub.promise(action).doubted:
                yield ("waits", sub.no, action)
        if sub.end is not None and sub.end.scheduled_at is not None and sub.end.ordered_at is None:
            yield ("scheduled", sub.no)
            if sub.end.awaiting_release:
                yield ("capped", sub.no)


def _keys(fact: f.AnyFact) -> Iterator[Key]:
    """What this fact is a reason for."""
    match fact:
        case f.BecamePastDue(debts=debts, subscriptions=subscriptions):
            yield from (("past due", one.debt) for one in debts)
            yield from (("owing", sub) for sub in subscriptions)
        case f.ChargeDeclined(debts=numbers):
            yield from (("money", number) for number in numbers)
        case f.DebtReopened(debt=debt):
            yield ("money", debt.no)
        case f.DueMoved(debt=number):
            yield ("money", number)
        case f.HoldPlaced(hold=hold):
            yield ("hold", hold.no)
        case f.DoubtRaised(doubt=doubt, ref=ref):
            yield ("doubt", doubt, ref)
        case f.Parked():
            yield ("parked",)
        case f.Restricted(subscription=sub):
            yield ("restricted", sub)
        case f.Disabled(subscription=sub):
            yield ("disabled", sub)
        case f.Canceled(subscription=sub):
            yield (Reason.CANCELED, sub)
        case f.ReasonSet(subscription=sub, reason=reason):
            yield (reason, sub)
        case f.Deferred(subscription=sub, action=action):
            yield ("waits", sub, action)
        case f.DeletionScheduled(subscription=sub):
            yield ("scheduled", sub)
        case f.DeletionCapped(subscription=sub):
            yield ("capped", sub)
        case f.DeletionOrdered(subscription=sub):
            yield ("deleted", sub)
        case _:
            return
