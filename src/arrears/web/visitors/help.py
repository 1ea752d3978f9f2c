"""Help without signing in: for who cannot, and for who came by a pay link.

A stranger gets the same answers whether there is such an account or not: nothing here looks for one. The link in the
first letter confirms the address, those in later ones are exchanged at once for a cookie and a clean address.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from arrears.core.address import check_address, mailbox_of
from arrears.core.errors import Refused
from arrears.core.messages.content import Role
from arrears.core.people.support import Via
from arrears.core.people.throttles import Throttled
from arrears.engine.people import support, visitors
from arrears.engine.people.pay_links import good_link
from arrears.engine.tokens import digest_of, new_token
from arrears.notices import values
from arrears.ports import PayLink
from arrears.ports.support import Request
from arrears.web import throttle
from arrears.web.account_centre.frame import Visit, own_accounts
from arrears.web.account_centre.pay import link_in, masked_name
from arrears.web.account_centre.support_shown import KINDS, STATES, about_in, choices, held
from arrears.web.languages import language_now, speak_to
from arrears.web.refusals import in_words
from arrears.web.signed_in import signed_in
from arrears.wiring import installed

COOKIE: Final = "__Host-help" if settings.HTTPS else "help"
SALT: Final = "arrears.help"
COOKIE_SECONDS: Final = 12 * 3600
FIELDS: Final = ("name", "email", "company", "known_by", "about", "text")


@throttle.throttled_as(Throttled.HELP)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The form; with POST the request is kept."""
    link = None if "other" in request.GET or request.POST.get("as") == "stranger" else link_in(request)
    if link is not None:
        contacts = installed().store.contacts([link.account])[link.account]
        person = next((one for one in contacts.people if one.no == link.person), None)
        speak_to(request, person.locale if person else "", contacts.locale)
    if request.method != "POST":
        if "sent" in request.GET:
            return render(request, "help_sent.html", {"title": _("Please look into your mailbox")})
        return shown(request, link)
    try:
        return asked_by_link(request, link) if link is not None else asked_by_visitor(request)
    except Refused as refused:
        return shown(request, link, in_words(refused), 429 if refused.code == "too_many_requests" else 422)


def asked_by_visitor(request: HttpRequest) -> HttpResponse:
    """Keep it until the address is confirmed."""
    form = request.POST
    live = installed()
    who = visitors.Visitor(
        form.get("name", ""), form.get("email", ""), form.get("company", ""), form.get("known_by", ""), language_now()
    )
    about, text = about_in(form.get("about", "")), form.get("text", "")
    try:
        taken = throttle.take(request, Throttled.HELP, mailbox=mailbox_of(check_address(who.address)))
    except throttle.TooManyTries:
        raise Refused("too_many_requests", "this has been asked for several times today; wait a day") from None
    try:
        visitors.ask(live.store, who, about, text, live.clock.now())
    except Refused:
        live.store.take_back(taken)
        raise
    return _to("/help?sent=1")


def asked_by_link(request: HttpRequest, link: PayLink) -> HttpResponse:
    """For the account of a pay link; what is answered goes to the address that it was sent to."""
    live, form = installed(), request.POST
    now = live.clock.now()
    asked = support.open_request(
        live.store,
        link.account,
        Via.LINK,
        about_in(form.get("about", "")),
        form.get("text", ""),
        now,
        "link",
        address=link.address,
        locale=language_now(),
        may_hold=good_link(live.store, link.digest) is not None,
    )
    digest = digest_of(new_token())
    live.store.add_support_link(digest, asked.number, "conversation", now)
    return _with_cookie(digest)


def shown(request: HttpRequest, link: PayLink | None, why: str = "", status: int = 200) -> HttpResponse:
    """The form; what was typed is kept."""
    somebody = signed_in(request)
    name = ""
    if link is not None:
        name = masked_name(installed().store.contacts([link.account])[link.account].name)
    typed = {field: request.POST.get(field, "") for field in FIELDS}
    more = {
        "title": _("Help"),
        "why": why,
        "linked": link is not None,
        "account_name": name,
        "choices": choices(typed["about"]),
        "typed": typed,
        "most": support.TEXT_CHARS_MAX,
        "accounts": own_accounts(somebody) if somebody else [],
    }
    return render(request, "help.html", more, status=status)


@throttle.counts_wrong(Throttled.LINK, 410)
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the first letter. Opening it changes nothing; its button does."""
    live = installed()
    now = live.clock.now()
    try:
        if request.method == "POST":
            asked = visitors.confirm(live.store, token, now)
        else:
            asked = visitors.asked_with(live.store, token, now)
    except Refused:
        return over(request)
    speak_to(request, asked.locale)
    done = request.method == "POST" or asked.state != "unconfirmed"
    title = _("Thank you: we have received your request") if done else _("Did you ask us for help?")
    more = {"title": title, "done": done, "number": asked.number, "kind": KINDS[asked.about]}
    return render(request, "help_confirm.html", more)


@throttle.counts_wrong(Throttled.LINK, 410)
@require_safe
def read(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a later letter: a cookie for a token, and on to the clean address."""
    live = installed()
    digest = digest_of(token)
    if visitors.conversation(live.store, digest, live.clock.now()) is None:
        return over(request)
    return _with_cookie(digest)


def _with_cookie(digest: bytes) -> HttpResponse:
    response = _to("/help/request")
    response.set_cookie(
        COOKIE,
        signing.dumps(digest.hex(), salt=SALT),
        max_age=COOKIE_SECONDS,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def over(request: HttpRequest) -> HttpResponse:
    """The link is not good any more, or never was: the same answer for both."""
    return render(request, "help_over.html", {"title": _("This link does not work any more")}, status=410)


def request_in(request: HttpRequest) -> Request | None:
    """The request whose conversation this browser may read."""
    try:
        text = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=COOKIE_SECONDS)
    except signing.BadSignature:
        return None
    live = installed()
    asked = visitors.conversation(live.store, bytes.fromhex(text), live.clock.now())
    return asked if asked is not None and still_theirs(asked) else None


def still_theirs(asked: Request) -> bool:
    """A pay link ends with its administrator, and so does what was asked through it."""
    if asked.via is not Via.LINK:
        return True
    contacts = installed().store.contacts([asked.account])[asked.account]
    who = contacts.administrator
    theirs = (contacts.contact,) if who is None else who.addresses
    return mailbox_of(asked.address) in {mailbox_of(address) for address in theirs}


@require_http_methods(["GET", "HEAD", "POST"])
def conversation(request: HttpRequest) -> HttpResponse:
    """What was said; with POST more is said. Nothing of the account stands here."""
    asked = request_in(request)
    if asked is None:
        return over(request)
    speak_to(request, asked.locale)
    if request.method != "POST":
        return talk(request, asked)
    live = installed()
    author = "link" if asked.via is Via.LINK else "anonymous"
    try:
        support.say(live.store, asked.number, request.POST.get("text", ""), live.clock.now(), author)
    except Refused as refused:
        return talk(request, asked, in_words(refused), 429 if refused.code == "too_many_requests" else 422)
    return _to("/help/request")


def talk(request: HttpRequest, asked: Request, why: str = "", status: int = 200) -> HttpResponse:
    """The page of one conversation."""
    locale = values.formats_of(language_now(), asked.locale)
    more: dict[str, Any] = {
        "title": _("Request %(number)s") % {"number": asked.number},
        "why": why,
        "text": request.POST.get("text", "") if why else "",
        "most": support.TEXT_CHARS_MAX,
        "kind": KINDS[asked.about],
        "state": STATES[asked.state],
        "held": held_by(request, asked),
        "zone": values.place("UTC", locale),
        "said": [
            {"ours": bool(entry.author), "at": values.moment(entry.at, "UTC", locale), "body": entry.body}
            for entry in installed().store.support_entries(asked.number)
        ],
    }
    return render(request, "help_talk.html", more, status=status)


def held_by(request: HttpRequest, asked: Request) -> list[str]:
    """What it holds, for who came by a pay link of that account; a stranger learns nothing."""
    if asked.via is not Via.LINK:
        return []
    live = installed()
    contacts = live.store.contacts([asked.account])[asked.account]
    visit = Visit(request, live, asked.account, contacts, None, Role.ADMINISTRATOR, live.clock.now())
    return held(visit, asked)


def _to(path: str) -> HttpResponse:
    response = HttpResponseRedirect(path)
    response.status_code = 303
    # Not on a page with a form: browsers then send it with `Origin: null`, and it is refused.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
