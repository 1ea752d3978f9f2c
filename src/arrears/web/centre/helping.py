"""What pages show of support requests: their kinds in words, what they hold until when, what is late to run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.account import Stop, Subscription
from arrears.core.errors import Refused
from arrears.core.notice import Role
from arrears.core.support import About, Via, held_until
from arrears.ports.support import Request
from arrears.web.centre.frame import Visit

KINDS: Final[Mapping[About, Promise | str]] = {
    About.PAID_BUT_DISABLED: gettext_lazy("I have paid, but a service is still stopped"),
    About.CANNOT_PAY: gettext_lazy("I cannot pay now"),
    About.INVOICE_QUESTION: gettext_lazy("I have a question about an invoice"),
    About.ADMINISTRATOR_GONE: gettext_lazy("The account administrator has left"),
    About.OTHER: gettext_lazy("Something else"),
}
STATES: Final[Mapping[str, Promise | str]] = {
    "confirmed": gettext_lazy("we will answer"),
    "open": gettext_lazy("we will answer"),
    "answered": gettext_lazy("answered"),
    "closed": gettext_lazy("closed"),
}


class Effect(NamedTuple):
    """What one request changes now: its number, its address where this reader may open it, and sentences."""

    number: int
    kind: str
    path: str
    says: tuple[str, ...]


def about_in(text: str) -> About:
    """The kind that a form names; refuses `no_kind`."""
    try:
        return About(text)
    except ValueError:
        raise Refused("no_kind", f"{text[:40]!r} is not a kind of request") from None


def choices(chosen: str = "") -> list[dict[str, object]]:
    """The kinds for a form."""
    return [{"value": str(kind), "text": text, "chosen": kind == chosen} for kind, text in KINDS.items()]


def may_read(visit: Visit, request: Request) -> bool:
    """Whose conversation it is: of who asked; of the administrator, what came through a pay link; what opened by
    itself is everybody's who may see the account."""
    if request.via is Via.ARREARS:
        return True
    if request.via is Via.LINK:
        return visit.role is Role.ADMINISTRATOR
    return visit.somebody is not None and request.person == visit.somebody.number


def effects(visit: Visit) -> list[Effect]:
    """The requests that wait for an answer or hold something, the newest first."""
    found = []
    for request in visit.requests:
        says = held(visit, request)
        if request.state != "closed" or says:
            path = f"/{visit.id}/help/{request.number}" if may_read(visit, request) else ""
            found.append(Effect(request.number, name_of(request), path, tuple(says)))
    return found


def name_of(request: Request) -> str:
    """What a request is about."""
    if request.via is Via.ARREARS:
        return _("A service is not running yet")
    if request.via is Via.ANONYMOUS:
        return _("%(kind)s (asked without signing in)") % {"kind": KINDS[request.about]}
    return str(KINDS[request.about])


def held(visit: Visit, request: Request) -> list[str]:
    """What it holds, and until which day."""
    account = visit.snapshot
    found = []
    deletion = held_until(account, request.holds, Stop.DELETE)
    stop = held_until(account, request.holds, Stop.DISABLE)
    if deletion is not None:
        found.append(_("Deletion is on hold until %(day)s.") % {"day": visit.day(deletion)})
    if stop is not None:
        found.append(_("No service stops before %(day)s is over.") % {"day": visit.day(stop)})
    return found


def pending(visit: Visit, sub: Subscription) -> str:
    """That a service should run again by now and does not; empty where that is not so."""
    order = next((order for order in sub.orders if order.late_seq), None)
    if order is None:
        return ""
    number = next((r.number for r in visit.requests if r.seq == order.late_seq), 0)
    values = {"service": sub.service, "number": number}
    if visit.live.store.payment_behind(visit.account, order.given_seq):
        return (
            _(
                "%(service)s: paid, reactivation pending. It takes longer than the 24 hours that we promise. "
                "You need do nothing: we are looking into it, as request %(number)s."
            )
            % values
        )
    return (
        _(
            "%(service)s: reactivation pending. It takes longer than the 24 hours that we promise. "
            "You need do nothing: we are looking into it, as request %(number)s."
        )
        % values
    )


def all_pending(visit: Visit) -> Sequence[str]:
    """The same of every service."""
    return [text for sub in visit.snapshot.subscriptions if (text := pending(visit, sub))]
