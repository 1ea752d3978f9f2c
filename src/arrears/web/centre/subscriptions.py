"""Subscriptions: how each stands, why, what may be done now, what lifts each reason, and the days that are known."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.account import Subscription
from arrears.core.states import Reason, State, allows
from arrears.engine import commands
from arrears.web.centre.frame import Visit, account_page
from arrears.web.centre.helping import effects, pending, waiting
from arrears.web.centre.owed import coming, says

STATES: Final[dict[State, Promise | str]] = {
    State.ACTIVE: gettext_lazy("running"),
    State.PAST_DUE: gettext_lazy("running, payment is late"),
    State.RESTRICTED: gettext_lazy("restricted"),
    State.DISABLED: gettext_lazy("stopped"),
    State.DELETED: gettext_lazy("deleted"),
}
LIFTS: Final[dict[Reason, Promise | str]] = {
    Reason.PAST_DUE: gettext_lazy("A payment is late. Pay what is open, and it runs again."),
    Reason.CANCELED: gettext_lazy("It was cancelled. The administrator can bring it back while its data is kept."),
    Reason.SPENDING_LIMIT: gettext_lazy("Its spending limit is reached. Raise it where you use the service."),
    Reason.POLICY_VIOLATION: gettext_lazy("It was stopped for breaking the rules of use. Please contact support."),
    Reason.OTHER: gettext_lazy("It was stopped for another reason. Please contact support."),
}


@account_page(methods=("GET", "HEAD", "POST"))
def page(visit: Visit) -> HttpResponse:
    """The list; with POST a cancelled one comes back."""
    if visit.request.method == "POST":
        text = visit.request.POST.get("subscription", "")
        number = int(text) if text.isdecimal() and len(text) < 9 else 0
        if any(sub.no == number for sub in visit.snapshot.subscriptions):
            commands.reactivate(visit.live.store, visit.account, number, visit.now, visit.author)
        return visit.to("subscriptions")
    ahead = coming(visit)
    rows = [
        {**_row(visit, sub), "coming": [says(one) for one in ahead if one.service == sub.service]}
        for sub in visit.snapshot.subscriptions
    ]
    return visit.page(
        "subscriptions", _("Subscriptions"), subscriptions=rows, effects=effects(visit), waiting=waiting(visit)
    )


def _row(visit: Visit, sub: Subscription) -> dict[str, Any]:
    may = allows(sub.state)
    allowed = [
        text
        for text, is_so in (
            (_("read your data"), may.read),
            (_("delete what is yours"), may.delete_own),
            (_("change and start things"), may.change),
        )
        if is_so
    ]
    end = sub.end
    return {
        "no": sub.no,
        "name": sub.service,
        "state": STATES[sub.state],
        "changing": bool(sub.orders),
        "pending": pending(visit, sub),
        "reasons": [LIFTS[reason] for reason in sub.reasons],
        "allowed": visit.listed(allowed),
        "charged": may.charged,
        "stopped_on": visit.day(end.stopped_on) if end is not None else "",
        "canceled": Reason.CANCELED in sub.reasons and sub.state is not State.DELETED,
        "method": visit.reach.cards.get(sub.method, ""),
    }
