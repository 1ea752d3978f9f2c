"""Payment methods: what each pays for, add, make active, renew, remove with the reasons against it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core.account import Action
from arrears.core.errors import Refused
from arrears.core.payments.settlement import usable
from arrears.core.states import State
from arrears.engine.payments import methods
from arrears.engine.payments.permitted import refused_card
from arrears.ports import Processor
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.owed import coming
from arrears.web.account_centre.settle import go_for_a_card, why_of
from arrears.web.account_centre.story import away
from arrears.web.names import called
from arrears.web.refusals import in_words


@account_page(methods=("GET", "HEAD", "POST"))
def page(visit: Visit) -> HttpResponse:
    """The list; with POST what its buttons ask for."""
    if visit.request.method != "POST":
        return shown(visit)
    form, live = visit.request.POST, visit.live
    number = int(form.get("method", "0")) if form.get("method", "0").isdecimal() else 0
    try:
        match form.get("do"):
            case "add":
                return away(visit, go_for_a_card(visit, {}).url)
            case "activate":
                methods.activate(live.store, visit.account, number, visit.now, visit.author)
            case "renew":
                month, year = _number(form.get("month", "")), _number(form.get("year", ""))
                methods.renew(live.store, live.providers, visit.account, number, month, year, visit.now, visit.author)
            case "remove":
                methods.remove(live.store, live.providers, visit.account, number, visit.now, visit.author)
            case _:
                return visit.to("methods")
    except Refused as refused:
        visit.fresh()
        return shown(visit, in_words(refused), 409 if refused.code == "method_held" else 422)
    return visit.to("methods")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 4 else 0


def held_by(visit: Visit, method: int) -> list[str]:
    """Why a method cannot be removed yet, and until when: the reasons of engine.methods.holding, for its owner."""
    account = visit.snapshot
    paid_for = [sub for sub in account.subscriptions if sub.method == method]
    gone_on = {one.subscription: one.day for one in coming(visit) if one.action is Action.DELETE}
    found = []
    for sub in paid_for:
        name = {"service": called(account, sub.no)}
        if sub.state is State.DELETED:
            continue
        if sub.end is None:
            found.append(_("It pays for %(service)s. Choose another one for that first.") % name)
        elif sub.no not in gone_on:
            found.append(_("%(service)s is stopped and can still come back; it is kept for that.") % name)
        else:
            day = gone_on[sub.no]
            text = _("%(service)s is stopped and can come back until %(day)s; it is kept for that.")
            found.append(text % {**name, "day": day})
    numbers = {sub.no for sub in paid_for}
    owed = [debt.number for debt in account.debts if numbers & set(debt.subscriptions)]
    if owed:
        found.append(_("Pay this first: %(numbers)s.") % {"numbers": visit.listed(owed)})
    if any(attempt.method == method for attempt in account.attempts):
        found.append(_("A payment with it is under way."))
    return found


def shown(visit: Visit, why: str = "", status: int = 200) -> HttpResponse:
    """The page itself."""
    account = visit.snapshot
    labels = visit.contacts.cards
    rows: list[dict[str, Any]] = []
    elsewhere = visit.live.store.tries_elsewhere(visit.account) if account.methods else {}
    for method in account.methods:
        if method.removed:
            continue
        services = [
            called(account, s.no)
            for s in account.subscriptions
            if s.method == method.no and s.state is not State.DELETED
        ]
        refused = refused_card(account, method.no, elsewhere.get(method.no, ()), visit.now)
        ready = usable(method, visit.view.today) and not refused
        rows.append(
            {
                "no": method.no,
                "label": labels.get(method.no, ""),
                "expires": visit.day(method.expires_on) if method.expires_on else "",
                "pays_for": visit.listed(services),
                "usable": ready,
                "failed": method.failed,
                "card": method.expires_on is not None,
                "held_by": held_by(visit, method.no),
                "can_activate": ready
                and not method.failed
                and not account.past_due
                and len(services) < len(account.subscriptions),
            }
        )
    added = visit.request.GET.get("added", "")
    label = labels.get(int(added), "") if added.isdecimal() else ""
    values = {
        "methods": rows,
        "why": why or why_of(visit.request),
        "added": label,
        "owes": bool(account.past_due),
        "cards_possible": visit.live.providers.can_open(Processor.open_setup),
        "years": range(visit.view.today.year, visit.view.today.year + 15),
        "months": range(1, 13),
    }
    return visit.page("methods", _("Payment methods"), status, **values)
