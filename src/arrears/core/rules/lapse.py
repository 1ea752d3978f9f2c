"""Where nothing follows from what is owed, warnings given so far no longer count (spec, section 3).

Below the minimum there is neither warning nor action, perhaps for months; nor is anything deleted that no past-due debt
names, where the account's debts are the clock. When more becomes due, whoever was warned back then has long forgotten
it: they are warned anew, with the full lead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from arrears.core.deadlines import applying, unnamed
from arrears.core.facts import WarningsLapsed
from arrears.core.states import State
from arrears.core.view import IMMEDIATELY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """At once, with what made the sum small."""
    return _lapsing(view) if view.policy.minimum_minor or view.terms.account_wide else ()


def _lapsing(view: View) -> Iterator[Due]:
    for sub in view.account.subscriptions:
        if sub.state in (State.ACTIVE, State.DELETED) or (sub.state is State.DISABLED and not sub.cut):
            continue
        if view.enough(sub) and not unnamed(view, sub):
            continue
        for one in applying(view, sub, whatever_is_owed=True):
            if any(sent.seq > one.promise.since_seq for sent in one.promise.sent):
                build = partial(WarningsLapsed, subscription=sub.no, action=one.action)
                yield Due(IMMEDIATELY, Rank.CONSEQUENCE, sub.no, f"warnings of {one.action} lapse", build)
