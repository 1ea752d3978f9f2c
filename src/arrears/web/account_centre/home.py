"""One glance: what is owed, what happens next and on which day, and one button. Nothing is said twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core.account import Account, Action, Method, Mode, Subscription
from arrears.core.messages.alerts import Level
from arrears.core.payments.settlement import unconfirmed, usable
from arrears.core.states import State
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.owed import (
    Next,
    carried,
    charges_with_days,
    coming,
    goes_on,
    held,
    late_and_held,
    owed,
    promised,
    says,
    stays_ahead,
    to_confirm,
    under_way,
)
from arrears.web.account_centre.subscriptions import is_gone, kept, state_of
from arrears.web.account_centre.support_shown import all_pending, effects, waiting
from arrears.web.alerts import Standing, standing
from arrears.web.names import called

SHOWN_MAX: Final = 20
"""So many bills or services are one glance; the rest is a page further on."""

SOLVED_AT: Final = {Level.BILL_READY: "settle", Level.CARD_EXPIRES: "methods", Level.CONFIRM_ADDRESS: "profile"}


class Said(NamedTuple):
    """Alerts that have the same to say, and where it is dealt with (empty: by the button)."""

    titles: tuple[str, ...]
    text: str
    urgent: bool
    page: str


@account_page()
def page(visit: Visit) -> HttpResponse:
    """The account's standing. Where nothing is owed it is calm."""
    sums = owed(visit)
    ahead = coming(visit)
    present = [sub for sub in visit.snapshot.subscriptions if sub.state is not State.DELETED]
    found = standing(visit.view, visit.contacts, visit.locale)
    if not visit.may_act:
        # Only the administrator has that address, and its link.
        found = [one for one in found if one.alert.level is not Level.CONFIRM_ADDRESS]
    announced = {(one.alert.subscription, one.alert.action) for one in found}
    total = visit.listed([one.amount for one in sums])
    late = next((one for one in found if one.alert.level is Level.PAST_DUE), None)
    # The heading says the sum; the alert about it adds since when, and for what.
    in_heading = late is not None and dict(late.alert.sums) == {one.currency: one.minor for one in sums}
    unusable = "" if sums else _unusable(visit)
    rest = [one for one in found if not (one is late and in_heading) and not (unusable and _is_over(visit, one))]
    pending = all_pending(visit)
    values: dict[str, Any] = {
        "owed": sums,
        "total": total,
        "late": late.text if late is not None and in_heading else "",
        "urgent": said([one for one in rest if one.urgent]),
        "calm": said([one for one in rest if not one.urgent][:SHOWN_MAX]),
        "coming": [
            says(one)
            for one in ahead
            if (one.subscription, one.action) not in announced and one.action is not Action.DELETE
        ],
        "stays_ahead": stays_ahead(visit),
        "charges": charges_with_days(visit) if sums else [],
        "late_and_held": late_and_held(visit),
        "promised": promised(visit),
        "under_way": under_way(visit),
        "held": held(visit)[:SHOWN_MAX],
        "carried": [*goes_on(visit), *carried(visit)[:SHOWN_MAX]],
        "services": services(visit, present[:SHOWN_MAX], ahead),
        "more_services": len(present) > SHOWN_MAX,
        "gone": visit.listed(_gone_and_owed(visit)),
        "effects": effects(visit),
        "waiting": waiting(visit),
        "pending": pending,
        "declining": "" if sums else declining(visit),
        "unusable": unusable,
        "unconfirmed": all(unconfirmed(visit.snapshot, one) for one in _declining(visit)),
    }
    return visit.page("home", _title(visit, total, late=bool(pending)), **values)


def _is_over(visit: Visit, one: Standing) -> bool:
    """Whether an alert is about a card that has expired."""
    return one.alert.level is Level.CARD_EXPIRES and one.alert.on is not None and one.alert.on < visit.view.today


def said(alerts: list[Standing]) -> list[Said]:
    """Alerts in their order, those with one text together."""
    grouped = groupby(alerts, key=lambda one: (one.text, one.urgent, SOLVED_AT.get(one.alert.level, "")))
    return [Said(tuple(one.title for one in group), text, urgent, page) for (text, urgent, page), group in grouped]


def services(visit: Visit, subs: Sequence[Subscription], ahead: Sequence[Next]) -> list[dict[str, Any]]:
    """Each subscription with its state, and how long what is stopped keeps its data."""
    return [
        {"name": called(visit.snapshot, sub.no), "state": state_of(visit, sub), "kept": kept(sub, ahead)}
        for sub in subs
    ]


def _gone_and_owed(visit: Visit) -> list[str]:
    """Services that are deleted, or ordered to be, for which something is still open."""
    account = visit.snapshot
    owing = {no for debt in account.debts for no in debt.subscriptions}
    return [called(account, sub.no) for sub in account.subscriptions if is_gone(sub) and sub.no in owing]


def declining(visit: Visit) -> str:
    """The cards that pay for something and did not the last time: what comes next cannot be charged on them."""
    return visit.listed([visit.contacts.cards.get(one.no, "") for one in _declining(visit)])


def _declining(visit: Visit) -> list[Method]:
    return [one for one in _active(visit.snapshot) if one.failed and not to_confirm(visit, one.no)]


def _active(account: Account) -> list[Method]:
    """The methods that what comes next is charged on."""
    active = {sub.method for sub in account.subscriptions if sub.state is not State.DELETED}
    return [one for one in account.methods if one.no in active and account.mode is Mode.CARD]


def _unusable(visit: Visit) -> str:
    """The cards that pay for something and can never be charged, as one that has expired."""
    over = [one.no for one in _active(visit.snapshot) if not usable(one, visit.view.today)]
    return visit.listed([visit.contacts.cards.get(no, "") for no in over])


def _title(visit: Visit, total: str, *, late: bool) -> str:
    if total:
        return _("Please pay %(total)s") % {"total": total}
    if late:
        return _("Reactivation pending")
    states = {sub.state for sub in visit.snapshot.subscriptions}
    if declining(visit) or _unusable(visit):
        return _("Nothing to pay")
    return _("Everything is in order") if states <= {State.ACTIVE, State.DELETED} else _("Nothing to pay")
