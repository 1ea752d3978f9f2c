"""What pages show of support requests: their kinds in words, what they hold until when, what is late to run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.account import Stop, Subscription
from arrears.core.closed import closed
from arrears.core.errors import Refused
from arrears.core.messages.content import Role
from arrears.core.people.support import About, Via, bracket, held_until, slot
from arrears.ports.support import Request
from arrears.web.account_centre.frame import Visit

KINDS: Final[Mapping[About, Promise | str]] = closed(
    "words of a request",
    About,
    {
        About.PAID_BUT_DISABLED: gettext_lazy("I have paid, but a service is still stopped"),
        About.CANNOT_PAY: gettext_lazy("I cannot pay now"),
        About.INVOICE_QUESTION: gettext_lazy("I have a question about an invoice"),
        About.ADMINISTRATOR_GONE: gettext_lazy("The account administrator has left"),
        About.INVOICE_MODE: gettext_lazy("I want to pay by invoice"),
        About.OTHER: gettext_lazy("Something else"),
    },
)
OFFERED: Final = frozenset(About) - {About.INVOICE_MODE}
"""The kinds of a form for help: paying by invoice is asked for on the page of payment methods."""
STATES: Final[Mapping[str, Promise | str]] = {
    "confirmed": gettext_lazy("we will answer"),
    "open": gettext_lazy("we will answer"),
    "answered": gettext_lazy("answered"),
    "closed": gettext_lazy("closed"),
}
SENTENCES: Final[Mapping[Stop, Promise | str]] = {
    Stop.DELETE: gettext_lazy("Deletion is on hold until %(day)s."),
    Stop.DISABLE: gettext_lazy("No service stops before %(day)s is over."),
}


class Effect(NamedTuple):
    """One sentence about what is held, or is late, because of which request; `path` is empty where this reader may not
    open it."""

    text: str
    number: int
    path: str
    note: str = ""


def about_in(text: str) -> About:
    """The kind that a form names; refuses `no_kind`."""
    if text not in {kind.value for kind in OFFERED}:
        raise Refused("no_kind", f"{text[:40]!r} is not a kind of request")
    return About(text)


def choices(chosen: str = "") -> list[dict[str, object]]:
    """The kinds for a form."""
    return [
        {"value": str(kind), "text": text, "chosen": kind == chosen} for kind, text in KINDS.items() if kind in OFFERED
    ]


def may_read(visit: Visit, request: Request) -> bool:
    """Whose conversation it is: of who asked; of the administrator, what came through a pay link; what opened by
    itself is everybody's who may see the account."""
    if request.via is Via.ARREARS:
        return True
    if request.via is Via.LINK:
        return visit.role is Role.ADMINISTRATOR
    return visit.somebody is not None and request.person == visit.somebody.number


def effects(visit: Visit) -> list[Effect]:
    """What is held, each thing once: by the request that holds it longest."""
    found = []
    for stop, sentence in SENTENCES.items():
        days = [(on, r.number, r) for r in visit.requests if (on := held_until(visit.snapshot, r.holds, stop))]
        if days:
            on, _number, request = max(days)
            note = _("asked without signing in") if request.via is Via.ANONYMOUS else ""
            found.append(Effect(str(sentence) % {"day": visit.day(on)}, request.number, path_of(visit, request), note))
    return found


def waiting(visit: Visit) -> list[Effect]:
    """One's own requests that have no answer yet."""
    return [
        Effect("", r.number, path_of(visit, r))
        for r in visit.requests
        if r.state == "open" and r.via is not Via.ARREARS and may_read(visit, r)
    ]


def path_of(visit: Visit, request: Request) -> str:
    """Where its conversation is, for who is signed in and may read it."""
    return f"/{visit.id}/help/{request.number}" if visit.somebody and may_read(visit, request) else ""


def name_of(request: Request) -> str:
    """What a request is about."""
    if request.via is Via.ARREARS:
        return _("A service is not running yet")
    return str(KINDS[request.about])


def held(visit: Visit, request: Request) -> list[str]:
    """What one request holds, and until which day; where it puts nothing off because an earlier one of its kind did,
    that it does not."""
    days = [
        str(sentence) % {"day": visit.day(on)}
        for stop, sentence in SENTENCES.items()
        if (on := held_until(visit.snapshot, request.holds, stop))
    ]
    now = bracket(visit.snapshot), slot(request.via, request.about)
    before = any(r.holds and (r.case, r.slot) == now for r in visit.requests)
    if request.holds or request.state != "open" or not before:
        return days
    return [_("You have asked about this before, and that put things off once. This request puts nothing off.")]


def pending(visit: Visit, sub: Subscription) -> Effect | None:
    """That a service should run again by now and does not."""
    order = next((order for order in sub.orders if order.late_seq), None)
    if order is None:
        return None
    if visit.live.store.payment_of_fact(visit.account, order.given_seq):
        text = _("%(service)s: paid, reactivation pending.") % {"service": sub.service}
    else:
        text = _("%(service)s: reactivation pending.") % {"service": sub.service}
    more = _("It takes longer than the 24 hours that we promise. You need do nothing: we are looking into it.")
    request = next((r for r in visit.requests if r.seq == order.late_seq), None)
    if request is None:
        return Effect(f"{text} {more}", 0, "")
    return Effect(f"{text} {more}", request.number, path_of(visit, request))


def all_pending(visit: Visit) -> list[Effect]:
    """The same of every service."""
    return [found for sub in visit.snapshot.subscriptions if (found := pending(visit, sub))]
