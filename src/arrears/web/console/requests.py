"""People who ask for help: who waits longest, the conversation, what it holds, and what staff do about it."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from arrears.core.account import Stop
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.people.support import Via
from arrears.engine.finding import find_account
from arrears.engine.people import support
from arrears.notices import values
from arrears.ports.support import Request
from arrears.web.account_centre.frame import READS
from arrears.web.account_centre.support_shown import STATES, held, name_of
from arrears.web.console.frame import ConsoleRequest, account_path, console_page
from arrears.web.numbers import whole
from arrears.web.refusals import SENTENCES

REQUESTS_MAX: Final = 200
"""The oldest that wait, or the newest of all."""


@console_page()
def page(console: ConsoleRequest) -> HttpResponse:
    """Who waits for an answer, the longest first; or every request, the newest first."""
    every = bool(console.request.GET.get("all"))
    found = console.live.store.waiting_requests(REQUESTS_MAX, every=every)
    shown = [
        {
            "number": one.number,
            "about": name_of(one),
            "state": STATES.get(one.state, one.state),
            "since": values.day(one.asked_at.date(), console.locale),
            "account": format_id(ACCOUNT, one.account) if one.account else "",
        }
        for one in found
    ]
    return console.page("requests", _("Requests for help"), requests=shown, every=every)


@console_page(methods=(*READS, "POST"))
def one(console: ConsoleRequest, number: int) -> HttpResponse:
    """One conversation. Its forms answer it, say whose account it is about, hold more for it, and close it."""
    try:
        asked = support.known(console.live.store, number)
    except Refused:
        raise Http404 from None
    if console.request.method in READS:
        return _shown(console, asked)
    try:
        _act(console, asked, console.request.POST.get("do", ""))
    except Refused as refused:
        return _shown(console, asked, str(SENTENCES.get(refused.code) or refused))
    return console.to(f"requests/{number}?done=1")


def _act(console: ConsoleRequest, asked: Request, what: str) -> None:
    store, now, author = console.live.store, console.now, console.author
    form = console.request.POST
    why = " ".join(form.get("why", "").split())[:300]
    if what == "answer":
        support.answer(store, asked.number, form.get("text", "")[: 2 * support.TEXT_CHARS_MAX], now, author)
    elif what == "assign":
        account = find_account(store, form.get("account", "").strip()[:200])
        support.place(store, asked.number, account, now, author, why)
    elif what == "hold":
        days = whole(form.get("days", ""), 4)
        support.grant_hold(store, asked.number, (Stop.DISABLE, Stop.DELETE), days, why, now, author)
    elif what == "close":
        support.close(store, asked.number, why, now, author)
    else:
        raise Refused("no_choice", _("Choose what is done."))


def _shown(console: ConsoleRequest, asked: Request, why: str = "") -> HttpResponse:
    visit = console.visit(asked.account) if asked.account else None
    shown: dict[str, Any] = {
        "request_number": asked.number,
        "about": name_of(asked),
        "state": STATES.get(asked.state, asked.state),
        "open": asked.state != "closed",
        "by_visitor": asked.via is Via.ANONYMOUS,
        "typed": [
            (words, values.clean(text))
            for words, text in (
                (_("Name"), asked.name),
                (_("Company"), asked.company),
                (_("Known by"), asked.known_by),
            )
            if text
        ],
        "account": visit
        and {"name": visit.name(visit.contacts.name), "path": f"/console/{account_path(asked.account)}"},
        "held": held(visit, asked) if visit else [],
        "said": [
            {"by": entry.author, "at": values.moment(entry.at, "UTC", console.locale), "body": entry.body}
            for entry in console.live.store.support_entries(asked.number)
        ],
        "why": why,
        "typed_text": console.request.POST.get("text", "") if why else "",
        "most": support.TEXT_CHARS_MAX,
        "done": bool(console.request.GET.get("done")),
    }
    title = _("Request %(number)s") % {"number": asked.number}
    return console.page("request", title, 422 if why else 200, **shown)
