"""A debt due on D is past due from the first instant of D + 1, or on the day its charge was definitively declined
(spec, section 3, Exact days). An unknown outcome makes nothing past due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import partial

from arrears.core.account import Debt
from arrears.core.facts import BecamePastDue, PastDue, WithinTolerance
from arrears.core.states import State
from arrears.core.view import IMMEDIATELY, ONE_DAY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """One proposal for each instant at which debts go past due, and one for all that have passed; rests within the
    tolerance, or below what a payer by card can pay, never do."""
    tolerance = view.policy.tolerance_minor
    dues: list[Due] = []
    by_instant: dict[datetime, list[tuple[Debt, date]]] = {}
    for debt in view.account.debts:
        small = view.too_small(debt)
        if debt.day_0 is not None:
            if small and not debt.ended:
                above = debt.open_minor > tolerance.get(debt.currency, 0)
                done = WithinTolerance(debts=(debt.no,), below_minor=view.carried_below(debt.currency) if above else 0)
                dues.append(Due(IMMEDIATELY, Rank.PAST_DUE, debt.no, "within tolerance", partial(_same, done)))
            continue
        if small:
            continue
        if debt.past_due_from is not None:
            by_instant.setdefault(IMMEDIATELY, []).append((debt, debt.past_due_from))
        else:
            at = view.calendar.end_of_day(debt.due_on)
            by_instant.setdefault(at, []).append((debt, debt.due_on + ONE_DAY))
    if len(by_instant) > 1:
        # Days that nobody looked at are one fact: two thousand invoices must not take two thousand decisions.
        over = sorted([at for at in by_instant if at <= view.now])
        for at in over[1:]:
            by_instant[over[0]] += by_instant.pop(at)
    for at, debts in by_instant.items():
        dues.append(Due(at, Rank.PAST_DUE, debts[0][0].no, "past due", partial(_became_past_due, view, debts)))
    return dues


def _same(fact: WithinTolerance) -> WithinTolerance:
    return fact


def _became_past_due(view: View, debts: list[tuple[Debt, date]]) -> BecamePastDue:
    account = view.account
    case = account.case
    for_all = view.pinned.account_wide
    concerned = {no for debt, _ in debts for no in debt.subscriptions}
    first = min(day for _, day in debts)
    # The stage counts from day 0, unless this is being recorded so late that people had no such day (I10).
    entered = first if view.today <= first + ONE_DAY else view.today
    return BecamePastDue(
        debts=tuple(PastDue(debt.no, day) for debt, day in debts),
        subscriptions=tuple(
            s.no for s in account.subscriptions if (for_all or s.no in concerned) and s.state is not State.DELETED
        ),
        entered_on=entered,
        terms=view.pinned,
        case=account.case_count + 1 if case is None else case.no,
        opened=case is None,
    )
