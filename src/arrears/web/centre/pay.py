"""The narrow page behind a pay link: masked name, sums and debts, and paying them once. It is no sign-in.

The link is exchanged at once for a cookie and a clean address, so that its token stands in no history, log or
referrer. Machines may open it any number of times: nothing happens before a form is sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from arrears.core.errors import Refused
from arrears.core.notice import Role
from arrears.engine.desk import digest_of
from arrears.engine.hosted import open_page
from arrears.engine.links import good_link, known_link
from arrears.engine.settling import StaleQuote
from arrears.ports import PayLink
from arrears.web.centre.frame import Visit, speak
from arrears.web.centre.owed import coming, owed, says
from arrears.web.centre.refusals import in_words
from arrears.web.centre.settle import account_of
from arrears.web.centre.story import UNDER_WAY, look_again, tell
from arrears.web.pages import signed_in
from arrears.wiring import installed

COOKIE: Final = "__Host-pay" if settings.HTTPS else "pay"
SALT: Final = "arrears.pay-link"
COOKIE_SECONDS: Final = 12 * 3600
TOLD_FOR_HOURS: Final = 24
"""How long after a payment its story stands on the page."""


@require_safe
def exchange(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a message: a cookie for a token, and on to the clean address."""
    live = installed()
    digest = digest_of(token)
    if known_link(live.store, digest) is None:
        return over(request)
    response = HttpResponseRedirect("/pay/")
    response.status_code = 303
    response.headers["Referrer-Policy"] = "no-referrer"
    value = signing.dumps(digest.hex(), salt=SALT)
    response.set_cookie(
        COOKIE, value, max_age=COOKIE_SECONDS, secure=settings.HTTPS, httponly=True, samesite="Lax", path="/"
    )
    return response


def over(request: HttpRequest) -> HttpResponse:
    """The link is not good any more, or never was: the same answer for both."""
    values = {"title": _("This link does not work any more")}
    return render(request, "centre/link_over.html", values, status=410)


def link_in(request: HttpRequest) -> PayLink | None:
    """The link that this browser has exchanged, if it still stands for something."""
    try:
        text = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=COOKIE_SECONDS)
    except signing.BadSignature:
        return None
    return known_link(installed().store, bytes.fromhex(text))


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What is open, and one button for each currency."""
    link = link_in(request)
    if link is None:
        return over(request)
    live = installed()
    visit = Visit(
        request,
        live,
        link.account,
        live.store.reach([link.account])[link.account],
        None,
        Role.ADMINISTRATOR,
        live.clock.now(),
    )
    speak(request, visit)
    good = good_link(live.store, link.digest) is not None
    recent = _recent(visit)
    if not good and not recent:
        return over(request)
    if request.method != "POST":
        return shown(visit, recent, good=good)
    if request.POST.get("do") == "look":
        look_again(visit, recent)
        if "HX-Request" in request.headers:
            return shown(visit, recent, good=good_link(live.store, link.digest) is not None)
        return HttpResponseRedirect("/pay/")
    return _go(visit, request.POST.get("quote", ""), good=good)


def _go(visit: Visit, quote: str, *, good: bool) -> HttpResponse:
    """On to the provider's page for one currency of what was shown."""
    live = visit.live
    currency, _colon, shown_hash = quote.partition(":")
    try:
        if not good:
            raise Refused("nothing_owed", "the case of this link is over")
        url = open_page(live.store, live.providers, visit.account, {currency: shown_hash}, visit.now, visit.author)
    except StaleQuote as stale:
        visit.fresh()
        return shown(visit, _recent(visit), in_words(stale), 409, good=good)
    except Refused as refused:
        visit.fresh()
        return shown(visit, _recent(visit), in_words(refused), 422, good=good)
    return render(
        visit.request, "centre/away_narrow.html", {"title": _("You are going to the payment page"), "url": url}
    )


def shown(visit: Visit, numbers: Sequence[int], why: str = "", status: int = 200, *, good: bool) -> HttpResponse:
    """The page itself; what a case that is over leaves to see is what became of its payments."""
    told: dict[str, Any] = tell(visit, numbers) if numbers else {"parts": (), "over": True}
    sums = owed(visit) if good else []
    values = {
        "title": _("Pay what is open") if sums else _("Nothing to pay"),
        "name": masked_name(visit.reach.name),
        "owed": sums,
        "total": visit.listed([one.amount for one in sums]),
        "coming": [says(one) for one in coming(visit) if one.averted] if sums else (),
        "why": why,
        "action": "/pay/",
        "settle": f"/{visit.id}/settle",
        "under_way": any(attempt.on_page for attempt in visit.snapshot.attempts),
        **told,
    }
    template = "centre/pay_story.html" if "HX-Request" in visit.request.headers else "centre/pay.html"
    return render(visit.request, template, values, status=status)


def _recent(visit: Visit) -> Sequence[int]:
    """The payments through a page that are told: not over, or of the last day."""
    return [
        record.no
        for record in visit.live.store.attempts(visit.account)
        if record.on_page
        and record.state != "canceled"
        and (record.state in UNDER_WAY or (visit.now - record.moved_at).total_seconds() < TOLD_FOR_HOURS * 3600)
    ][-3:]


def masked_name(name: str) -> str:
    """A name that its owner recognises and nobody else learns: "De Vr•• Fo••"."""
    return " ".join(word if len(word) <= 2 else f"{word[:2]}••" for word in re.split(r"\s+", name.strip())[:5])


@require_safe
def stable(request: HttpRequest, account: str) -> HttpResponse:
    """`/settle/acc_12`: where alerts, answers and readers' mail lead, and where a payer comes back to. Whoever is
    signed in pays there; whoever came by a pay link of that account goes back to its page; all others sign in."""
    number = account_of(account)
    if signed_in(request, "person") is None:
        link = link_in(request)
        if link is not None and link.account == number:
            return HttpResponseRedirect("/pay/")
    return HttpResponseRedirect(f"/{account}/settle")
