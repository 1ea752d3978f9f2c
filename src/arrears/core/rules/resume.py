"""Paying lifts the cause at once, in the transaction of the payment (I12); what is stopped for no reason runs.

Also ends the case when nothing in it is past due any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import partial
from typing import Final

from arrears.core.account import Case, CaseOutcome, Debt, Subscription
from arrears.core.calendar import calendar_of
from arrears.core.facts import CaseEnded, Resumed
from arrears.core.states import Reason, State
from arrears.core.view import IMMEDIATELY, ONE_DAY, Due, Rank, View

_LAST: Final = 10**9
_AT_REST: Final = (State.ACTIVE, State.DELETED)
_DEBT_ALONE: Final = ((), (Reason.PAST_DUE,))


def rule(view: View) -> Iterable[Due]:
    """Lift what is no longer owed for, restart what no longer has a reason to be stopped, end the case."""
    account = view.account
    dues: list[Due] = []
    for sub in account.subscriptions:
        if sub.state in _AT_REST or (sub.end is not None and sub.end.ordered_at is not None):
            continue
        lifted = Reason.PAST_DUE in sub.reasons and not view.debts_of(sub)
        relieved = sub.relieved and all(account.debt_is_held(d.no) for d in view.debts_of(sub))
        needless = sub.state is State.DISABLED and not sub.cut and sub.reasons in _DEBT_ALONE
        if lifted or relieved or needless:
            dues.append(Due(IMMEDIATELY, Rank.CONSEQUENCE, sub.no, "resume", partial(_resume, view, sub, lifted)))
    ended = None if account.case is None else _end_of(view, account.case)
    if ended is not None:
        dues.append(ended)
    return dues


def runs(view: View, sub: Subscription) -> bool:
    """Whether it runs, or will with the next look."""
    due = [one for one in rule(view) if one.label == "resume" and one.subject == sub.no]
    return sub.state not in (State.RESTRICTED, State.DISABLED, State.DELETED) or any(
        isinstance(fact := one.build(), Resumed) and fact.after is not State.DISABLED for one in due
    )


def _resume(view: View, sub: Subscription, lifted: bool) -> Resumed:
    others = any(r is not Reason.PAST_DUE for r in sub.reasons)
    still_owes = Reason.PAST_DUE in sub.reasons and not lifted
    running = State.PAST_DUE if still_owes else State.ACTIVE
    after = State.DISABLED if others else running
    stopped = sub.state in (State.RESTRICTED, State.DISABLED)
    entered_on, ended = _stage_it_keeps(view, sub) if after is State.PAST_DUE else (None, False)
    return Resumed(
        subscription=sub.no,
        on=view.today,
        before=sub.state,
        after=after,
        order_no=sub.order_count + 1 if stopped and after is not State.DISABLED else 0,
        keeps_past_due=still_owes,
        entered_on=entered_on or (view.today if still_owes else None),
        goes_on=entered_on is not None,
        ended=ended,
    )


def _stage_it_keeps(view: View, sub: Subscription) -> tuple[date | None, bool]:
    """The day from which the stage of what had stopped for another reason than debt counts when it is back, and whether
    its service had ended meanwhile (decision 74): the days that it had are over, and only the full local days without
    the service do not count. None where its stage starts anew: days may have moved, or nothing was past due."""
    end, entered_on = sub.end, sub.entered_on
    if end is None or sub.cut or entered_on is None:
        return None, False
    calendar = calendar_of(end.terms.zone)
    ended = view.now >= calendar.end_of_day(end.stopped_on) or bool(end.delete.sent)
    without = calendar.local_day(view.now) - end.stopped_on - ONE_DAY
    return entered_on + max(without, timedelta()), ended


def _end_of(view: View, case: Case) -> Due | None:
    if not view.past_due:
        outcome = CaseOutcome.WRITTEN_OFF if case.written_off else CaseOutcome.SETTLED
    elif State.DELETED in [s.state for s in view.account.subscriptions] and all(
        _all_deleted(view, debt) for debt in view.past_due
    ):
        outcome = CaseOutcome.ENDED_DELETED
    else:
        return None
    # After the causes are lifted, so that no subscription is left past due without a case.
    return Due(IMMEDIATELY, Rank.CONSEQUENCE, _LAST, "case ends", partial(CaseEnded, case=case.no, outcome=outcome))


def _all_deleted(view: View, debt: Debt) -> bool:
    subs = [s for s in view.account.subscriptions if view.terms.account_wide or s.no in debt.subscriptions]
    return bool(subs) and all(s.state is State.DELETED for s in subs)
