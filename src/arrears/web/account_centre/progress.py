"""A line of progress for who owes: what has happened, where they are today, and what comes unless they pay."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from arrears.core.states import Reason, State
from arrears.web.account_centre.frame import Visit
from arrears.web.account_centre.owed import Owed, coming, says
from arrears.web.names import called


class ProgressStep(NamedTuple):
    """One step in words; `place` is "done", "now" or "ahead" of today."""

    text: str
    place: str


def progress(visit: Visit, sums: list[Owed]) -> list[ProgressStep]:
    """The steps in order. What paying does not keep from happening is none of them; without anything owed there are
    none."""
    if not sums:
        return []
    done = [ProgressStep(text, "done") for text in _so_far(visit)]
    now = _("Today: %(total)s is open") % {"total": visit.listed([one.amount for one in sums])}
    return [
        *done,
        ProgressStep(now, "now"),
        *(ProgressStep(says(one), "ahead") for one in coming(visit) if one.averted),
    ]


def _so_far(visit: Visit) -> list[str]:
    account = visit.snapshot
    late = [debt.due_on for debt in visit.view.past_due if not account.debt_is_held(debt.no)]
    found = [capfirst(_("was due on %(day)s") % {"day": visit.day(min(late))})] if late else []
    words = {
        State.RESTRICTED: _("%(service)s was restricted on %(since)s"),
        State.DISABLED: _("%(service)s was stopped on %(since)s"),
    }
    stopped = sorted(
        (since, called(account, sub.no), sub.state)
        for sub in account.subscriptions
        if sub.state in words
        and set(sub.reasons) == {Reason.PAST_DUE}
        and (since := sub.end.stopped_on if sub.end is not None else sub.entered_on) is not None
    )
    return [*found, *(words[state] % {"service": name, "since": visit.day(on)} for on, name, state in stopped)]
