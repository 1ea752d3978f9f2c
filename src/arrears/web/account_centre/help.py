"""Help for who is signed in: ask, see what that holds, read the answers, write more. It needs no service that runs."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from arrears.core.errors import Refused
from arrears.core.messages.content import Role
from arrears.core.people.support import Via
from arrears.engine.people import support
from arrears.ports.support import Request
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.support_shown import (
    STATES,
    about_in,
    all_pending,
    choices,
    effects,
    held,
    may_read,
    name_of,
    waiting,
)
from arrears.web.languages import language_now
from arrears.web.refusals import in_words

BOTH: Final = ("GET", "HEAD", "POST")


@account_page(methods=BOTH, acts=False)
def page(visit: Visit) -> HttpResponse:
    """One's requests and the form; with POST a new one."""
    if visit.request.method != "POST":
        return shown(visit)
    form = visit.request.POST
    assert visit.somebody is not None, "an account page has somebody"
    try:
        asked = support.open_request(
            visit.live.store,
            visit.account,
            Via.ADMINISTRATOR if visit.role is Role.ADMINISTRATOR else Via.READER,
            about_in(form.get("about", "")),
            form.get("text", ""),
            visit.now,
            visit.author,
            person=visit.somebody.number,
            locale=language_now(),
        )
    except Refused as refused:
        return shown(visit, in_words(refused), 422)
    return visit.to(f"help/{asked.number}")


def shown(visit: Visit, why: str = "", status: int = 200) -> HttpResponse:
    """The page itself; what was typed is kept."""
    form = visit.request.POST
    values: dict[str, Any] = {
        "why": why,
        "choices": choices(form.get("about", visit.request.GET.get("about", ""))),
        "text": form.get("text", ""),
        "most": support.TEXT_CHARS_MAX,
        "requests": [
            {"number": one.number, "kind": name_of(one), "state": STATES[one.state]}
            for one in visit.requests
            if may_read(visit, one)
        ],
        "effects": effects(visit),
        "waiting": waiting(visit),
        "pending": all_pending(visit),
        "is_administrator": visit.role is Role.ADMINISTRATOR,
    }
    return visit.page("help", _("Help"), status, **values)


@account_page(methods=BOTH, acts=False)
def one(visit: Visit, number: int) -> HttpResponse:
    """One conversation; with POST more is said in it."""
    asked = next((r for r in visit.requests if r.number == number and may_read(visit, r)), None)
    if asked is None:
        raise Http404
    if visit.request.method != "POST":
        return talk(visit, asked)
    try:
        support.say(visit.live.store, number, visit.request.POST.get("text", ""), visit.now, visit.author)
    except Refused as refused:
        return talk(visit, asked, in_words(refused), 422)
    return visit.to(f"help/{number}")


def talk(visit: Visit, asked: Request, why: str = "", status: int = 200) -> HttpResponse:
    """What was said, in order."""
    store = visit.live.store
    late = [o for s in visit.snapshot.subscriptions for o in s.orders if asked.seq and o.late_seq == asked.seq]
    paid = [ref for order in late if (ref := store.payment_of_fact(visit.account, order.given_seq))]
    values: dict[str, Any] = {
        "why": why,
        "text": visit.request.POST.get("text", "") if why else "",
        "most": support.TEXT_CHARS_MAX,
        "kind": name_of(asked),
        "state": STATES[asked.state],
        "held": held(visit, asked),
        "late": next((one.text for one in all_pending(visit) if one.number == asked.number), ""),
        "payment": paid[0] if paid else "",
        "asked_on": visit.moment(asked.asked_at),
        "zone": visit.place,
        "said": [
            {"ours": bool(entry.author), "at": visit.moment(entry.at), "body": entry.body}
            for entry in store.support_entries(asked.number)
        ],
    }
    return visit.page("help_talk", _("Request %(number)s") % {"number": asked.number}, status, **values)
