"""One glance: what is owed, what happens next and on which day, and one button."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core.states import State
from arrears.web.centre.frame import Visit, account_page
from arrears.web.centre.helping import all_pending, effects, waiting
from arrears.web.centre.owed import coming, held, offered, owed, says


@account_page()
def page(visit: Visit) -> HttpResponse:
    """The account's standing. Where nothing is owed it is calm."""
    sums = owed(visit)
    values: dict[str, Any] = {
        "owed": sums,
        "total": visit.listed([one.amount for one in sums]),
        "coming": [says(one) for one in coming(visit)],
        "offered": offered(visit),
        "held": held(visit),
        "services": [
            {"name": sub.service, "running": sub.state in (State.ACTIVE, State.PAST_DUE), "back": bool(sub.orders)}
            for sub in visit.snapshot.subscriptions
            if sub.state is not State.DELETED
        ],
        "effects": effects(visit),
        "waiting": waiting(visit),
        "pending": all_pending(visit),
        "open_attempt": visit.snapshot.attempts[-1].no if visit.snapshot.attempts else 0,
    }
    return visit.page("home", _title(values), **values)


def _title(values: dict[str, Any]) -> str:
    if values["owed"]:
        return _("Please pay %(total)s") % values
    return _("Reactivation pending") if values["pending"] else _("Everything is in order")
