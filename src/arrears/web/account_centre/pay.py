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
from arrears.core.messages.content import Role
from arrears.core.payments.settlement import quotes
from arrears.core.people.throttles import Throttled
from arrears.core.states import State
from arrears.engine.payments.pages import open_page
from arrears.engine.payments.settling import StaleQuote, confirm
from arrears.engine.payments.wanted import may_confirm
from arrears.engine.people.pay_links import good_link, known_link
from arrears.engine.tokens import digest_of
from arrears.ports import AttemptRecord, PayLink, Processor
from arrears.web import throttle
from arrears.web.account_centre.frame import Visit, read_on, speak
from arrears.web.account_centre.owed import coming, owed, stays_ahead
from arrears.web.account_centre.progress import progress
from arrears.web.account_centre.settle import account_of
from arrears.web.account_centre.story import (
    LOOKED_AGAIN,
    UNDER_WAY,
    ask_providers,
    is_back,
    moved_on,
    refused_on_pages,
    still_there,
    tell,
    title_of,
)
from arrears.web.account_centre.subscriptions import gone, once_paid
from arrears.web.errors import too_often
from arrears.web.identities import role_of
from arrears.web.refusals import in_words
from arrears.web.signed_in import signed_in
from arrears.wiring import installed

COOKIE: Final = "__Host-pay" if settings.HTTPS else "pay"
SALT: Final = "arrears.pay-link"
COOKIE_SECONDS: Final = 12 * 3600
SHOWN_FOR_HOURS: Final = 24
"""How long after a payment its story stands on the page."""


@throttle.throttled_as(Throttled.LINK)
@require_safe
def exchange(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a message: a cookie for a token, and on to the clean address. One that pays nothing any more does not
    take the place of one in this browser that does: its page may be open in another tab."""
    live = installed()
    digest = digest_of(token)
    link = known_link(live.store, digest)
    if link is None:
        return over(request) if throttle.may_be_wrong(request, Throttled.LINK) else too_often(request)
    there = link_in(request)
    if there is not None and good_link(live.store, digest) is None and good_link(live.store, there.digest) is not None:
        return HttpResponseRedirect("/pay/") if there.account == link.account else over(request)
    response = HttpResponseRedirect("/pay/")
    response.status_code = 303
    response.headers["Referrer-Policy"] = "no-referrer"
    value = signing.dumps(digest.hex(), salt=SALT)
    response.set_cookie(
        COOKIE, value, max_age=COOKIE_SECONDS, secure=settings.HTTPS, httponly=True, samesite="Lax", path="/"
    )
    return response


def over(request: HttpRequest, *, another: bool = False) -> HttpResponse:
    """The link is not good any more, or never was: the same answer for both. Or `another` was opened in this browser
    since, and the page that was sent is not that one's."""
    title = _("Another link was opened in this browser") if another else _("This link does not work any more")
    values = {"title": title, "another": another}
    return render(request, "account_centre/link_over.html", values, status=410)


def link_in(request: HttpRequest) -> PayLink | None:
    """The link that this browser has exchanged, if it still stands for something."""
    try:
        text = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=COOKIE_SECONDS)
    except signing.BadSignature:
        return None
    return known_link(installed().store, bytes.fromhex(text))


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What is open, and one button for each currency; or what the bank wants confirmed."""
    link = link_in(request)
    if link is None:
        return over(request)
    live = installed()
    visit = Visit(
        request,
        live,
        link.account,
        live.store.contacts([link.account])[link.account],
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
    if request.POST.get("account", visit.id) != visit.id:
        # A link of another account was opened in this browser since: nobody pays a sum that they did not see.
        return over(request, another=True)
    if request.POST.get("do") == "confirm":
        return _confirm(visit, recent, good=good)
    if request.POST.get("do") == "look":
        ask_providers(visit, recent)
        if moved_on(visit, recent):
            return read_on(request, f"/pay/{still_there(visit, recent)}")
        if "HX-Request" in request.headers:
            return shown(visit, recent, good=good_link(live.store, link.digest) is not None)
        return read_on(request, f"/pay/{LOOKED_AGAIN}")
    return _go(visit, request.POST.get("quote", ""), good=good)


def _go(visit: Visit, quote: str, *, good: bool) -> HttpResponse:
    """On to the provider's page for one currency of what was shown."""
    live = visit.live
    currency, _colon, shown_hash = quote.partition(":")
    try:
        if not good:
            raise Refused("link_over", "the case of this link is over")
        wanted = {currency: shown_hash} if quote else {}
        url = open_page(live.store, live.providers, visit.account, wanted, visit.now, visit.author)
    except StaleQuote as stale:
        visit.fresh()
        return shown(visit, _recent(visit), in_words(stale), 409, good=good)
    except Refused as refused:
        visit.fresh()
        return shown(visit, _recent(visit), in_words(refused), 422, good=good)
    return _away(visit.request, url)


def _confirm(visit: Visit, numbers: Sequence[int], *, good: bool) -> HttpResponse:
    """On to the bank, where the payer confirms a charge of the card on file."""
    live = visit.live
    waiting = [record for record in visit.attempts if record.no in numbers and _confirmable(visit, record)]
    for record in waiting if good else ():
        try:
            result = confirm(live.store, live.providers, visit.account, record, live.clock.now, visit.author)
        except Refused as refused:
            visit.fresh()
            return shown(visit, _recent(visit), in_words(refused), 409, good=good)
        if result is not None and result.url:
            return _away(visit.request, result.url)
    return read_on(visit.request, "/pay/")


def _confirmable(visit: Visit, record: AttemptRecord) -> bool:
    """A link makes no method active: only what pays for everything already can be confirmed through it."""
    paying = {sub.method for sub in visit.snapshot.subscriptions if sub.state is not State.DELETED}
    return paying <= {record.method, 0} and may_confirm(visit.snapshot, record, quotes(visit.view))


def _away(request: HttpRequest, url: str) -> HttpResponse:
    return render(
        request, "account_centre/away_narrow.html", {"title": _("You are going to the payment page"), "url": url}
    )


def shown(visit: Visit, numbers: Sequence[int], why: str = "", status: int = 200, *, good: bool) -> HttpResponse:
    """The page itself; what a case that is over leaves to see is what became of its payments."""
    told: dict[str, Any] = tell(visit, numbers) if numbers else {"parts": (), "over": True}
    sums = owed(visit) if good else []
    title = _("Pay what is open") if sums else _("Nothing to pay")
    if told["parts"]:
        title = title_of(told["parts"])
    values = {
        "title": title,
        "name": masked_name(visit.contacts.name),
        "owed": sums,
        "total": visit.listed([one.amount for one in sums]),
        "coming": bool(sums) and any(one.averted for one in coming(visit)),
        "progress": progress(visit, sums),
        "stays_ahead": stays_ahead(visit),
        "account": visit.id,
        "stopped": once_paid(visit),
        "gone": gone(visit),
        "why": why,
        "action": "/pay/",
        "settle": f"/{visit.id}/settle",
        "pages_possible": visit.live.providers.can_open(Processor.open_payment),
        "just_back": is_back(visit.request),
        "under_way": any(attempt.on_page for attempt in visit.snapshot.attempts),
        **told,
    }
    template = "account_centre/story_part.html" if "HX-Request" in visit.request.headers else "account_centre/pay.html"
    return render(visit.request, template, values, status=status)


def _recent(visit: Visit) -> Sequence[int]:
    """The payments that are told: those that are under way; those through a page that are not over, or of the last
    day; and those with a card on file that can be confirmed, or were paid in the last day. Of declines only the newest
    is news, where nothing has been tried since; one of our own charges is told by its mail."""
    records, refused = visit.attempts, refused_on_pages(visit)
    found = []
    for record in records:
        fresh = (visit.now - record.moved_at).total_seconds() < SHOWN_FOR_HOURS * 3600
        declined = record.state == "declined" or (record.state == "canceled" and record.no in refused)
        news = fresh and record is records[-1] and (record.on_page or record.initiator == "customer")
        if declined:
            told = news
        elif record.state in UNDER_WAY:
            told = True
        elif record.on_page:
            told = fresh and record.state != "canceled"
        else:
            told = _confirmable(visit, record) or (fresh and record.state == "paid")
        if told:
            found.append(record.no)
    return found[-3:]


def masked_name(name: str) -> str:
    """A name that its owner recognises and nobody else learns: "De Vr•• Fo••"."""
    return " ".join(word if len(word) <= 2 else f"{word[:2]}••" for word in re.split(r"\s+", name.strip())[:5])


@require_safe
def stable(request: HttpRequest, account: str, attempt: int = 0) -> HttpResponse:
    """`/settle/acc_12`: where alerts, answers and readers' mail lead; `/settle/acc_12/5`: where a payer comes back to
    from the bank or the provider's page. Who has a sign-in to that account pays there, or reads what became of the
    payment; whoever came by its pay link goes back to that link's page; all others sign in. Who left that page
    without paying (`?left=1`) is not taken for somebody who has."""
    number, back = account_of(account), "" if "left" in request.GET else "?back=1"
    somebody = signed_in(request)
    if somebody is None or role_of(number, somebody.number) is None:
        link = link_in(request)
        if link is not None and link.account == number:
            return HttpResponseRedirect(f"/pay/{back}" if attempt else "/pay/")
    return HttpResponseRedirect(f"/{account}/story/{attempt}{back}" if attempt else f"/{account}/settle")
