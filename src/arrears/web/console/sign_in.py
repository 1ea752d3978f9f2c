"""Staff sign in and out, in two steps: a password, then a code of their app. Their sign-in is not the customers'.

Between the two a browser has a session that opens nothing but the second step, for some minutes.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from allauth.mfa.adapter import get_adapter
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arrears.core.errors import Refused
from arrears.core.people.throttles import Throttled
from arrears.web import throttle
from arrears.web.brand import brand
from arrears.web.console.members import (
    Member,
    choose_password,
    code_lets_in,
    member,
    member_of,
    new_key,
    set_up_app,
)
from arrears.web.console.openid_connect import OpenIdProvider, read_provider
from arrears.web.refusals import in_words
from arrears.web.signed_in import SIGN_IN, is_ours, left, safe_next
from arrears.wiring import RealClock, settings

HALFWAY: Final = "staff_halfway"
HALFWAY_SECONDS: Final = 15 * 60
SECOND_STEP: Final = "/console/second-step"


@sensitive_post_parameters("password")
@throttle.throttled_as(Throttled.STAFF)
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The first step: address and password."""
    if request.method != "POST":
        return first_step(request)
    email, password = request.POST.get("email", "").strip()[:254], request.POST.get("password", "")[:1000]
    try:
        with throttle.one_try(request, Throttled.STAFF, name=email):
            somebody = None if "\x00" in email + password else member_of(email, password)
            if somebody is None:
                raise _Wrong
    except (throttle.TooManyTries, _Wrong):
        return first_step(request, wrong=True)
    request.session.flush()
    go_halfway(request, somebody, safe_next(request, "staff"))
    return HttpResponseRedirect(SECOND_STEP)


class _Wrong(Exception):
    """Not this name, or not this password or code."""


def go_halfway(request: HttpRequest, somebody: Member, onward: str, *, by_provider: bool = False) -> None:
    """Somebody has taken the first step, and a session that opens the second alone begins. Whom the operator's provider
    has proved chooses no password of their own."""
    began, chooses = RealClock().now().timestamp(), somebody.first_password and not by_provider
    kept = {"number": somebody.number, "proof": somebody.proof, "began": began, "next": onward, "chooses": chooses}
    if not somebody.has_app:
        kept["key"] = get_adapter().encrypt(new_key())
    request.session[HALFWAY] = kept


def _halfway(request: HttpRequest) -> tuple[Member, dict[str, Any]] | None:
    kept = request.session.get(HALFWAY)
    if not isinstance(kept, dict) or RealClock().now().timestamp() - float(kept["began"]) > HALFWAY_SECONDS:
        return None
    somebody = member(int(kept["number"]))
    return (somebody, kept) if somebody is not None and constant_time_compare(somebody.proof, kept["proof"]) else None


@sensitive_post_parameters("password", "code")
@throttle.throttled_as(Throttled.SECOND_STEP)
@require_http_methods(["GET", "HEAD", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """The second step: a code of the app. Whoever comes for the first time chooses a password before it, and sets the
    app up."""
    found = _halfway(request)
    if found is None:
        return HttpResponseRedirect(SIGN_IN["staff"])
    somebody, kept = found
    if request.method != "POST":
        return _step(request, somebody, kept)
    if kept["chooses"]:
        return _chosen(request, somebody, kept)
    code = request.POST.get("code", "")[:20]
    try:
        with throttle.one_try(request, Throttled.SECOND_STEP, name=f"staff:{somebody.number}"):
            let_in = _let_in(somebody, kept, code)
            if let_in is None:
                raise _Wrong
    except throttle.TooManyTries:
        return _step(request, somebody, kept, _("That was tried too often. Wait a quarter of an hour."))
    except _Wrong:
        return _step(request, somebody, kept, _("That code is not right, or was used already. Type the one of now."))
    return come_in(request, let_in, str(kept["next"]))


def come_in(request: HttpRequest, somebody: Member, onward: str) -> HttpResponse:
    """Everything has been proved: a session of staff begins, and goes on where they wanted to."""
    request.session.flush()
    request.session["staff"] = {"number": somebody.number, "proof": somebody.proof}
    response = HttpResponseRedirect(onward if is_ours(onward, "staff") else "/console/")
    throttle.remember(request, response, Throttled.STAFF, somebody.email)
    return response


def _let_in(somebody: Member, kept: dict[str, Any], code: str) -> Member | None:
    if somebody.has_app:
        return somebody if code_lets_in(somebody, code) else None
    return set_up_app(somebody, get_adapter().decrypt(kept["key"]), code)


def _chosen(request: HttpRequest, somebody: Member, kept: dict[str, Any]) -> HttpResponse:
    password = request.POST.get("password", "")[:1000]
    try:
        if "\x00" in password or password != request.POST.get("again", "")[:1000]:
            raise Refused("passwords_differ", "the two passwords are not the same")
        chosen = choose_password(somebody, password)
    except Refused as refused:
        return _step(request, somebody, kept, in_words(refused))
    go_halfway(request, chosen, str(kept["next"]))
    return HttpResponseRedirect(SECOND_STEP)


def _step(request: HttpRequest, somebody: Member, kept: dict[str, Any], why: object = "") -> HttpResponse:
    if kept["chooses"]:
        title = _("Choose a password of your own")
    else:
        title = _("The second step") if somebody.has_app else _("Set up your authenticator app")
    key = "" if somebody.has_app or kept["chooses"] else get_adapter().decrypt(kept["key"])
    values = {"title": title, "somebody": somebody, "why": why, "key": key, "here": SECOND_STEP}
    values["chooses"] = kept["chooses"]
    return render(request, "console/second_step.html", values, status=422 if why else 200)


@require_safe
def picture(request: HttpRequest) -> HttpResponse:
    """The key of the app that is being set up, to photograph."""
    found = _halfway(request)
    if found is None or found[0].has_app or found[1]["chooses"]:
        raise Http404
    somebody, kept = found
    adapter = get_adapter()
    label = f"{brand().name} console"
    svg = adapter.build_totp_svg(_address(label, somebody.email, adapter.decrypt(kept["key"])))
    return HttpResponse(svg, content_type="image/svg+xml")


def _address(issuer: str, name: str, key: str) -> str:
    return (
        f"otpauth://totp/{quote(issuer)}:{quote(name)}?{urlencode({'secret': key, 'issuer': issuer}, quote_via=quote)}"
    )


def signed_in_staff(request: HttpRequest) -> Member | None:
    """The member of staff who asks, if both steps were taken and they still may come in."""
    kept = request.session.get("staff")
    if not isinstance(kept, dict):
        return None
    somebody = member(int(kept["number"]))
    if somebody is not None and constant_time_compare(somebody.proof, kept["proof"]):
        return somebody
    request.session.flush()
    return None


def staff_provider() -> OpenIdProvider | None:
    """The operator's provider for staff, where there is one. Refuses `bad_staff_sign_in`."""
    ours = settings()
    return _provider(ours.staff_sign_in, ours.mode == "live") if ours.staff_sign_in else None


@cache
def _provider(path: Path, live: bool) -> OpenIdProvider:
    return read_provider(path, live=live)


def first_step(request: HttpRequest, *, wrong: bool = False, why: object = "") -> HttpResponse:
    """The page of the first step; `why` says why it is shown again."""
    provider = staff_provider()
    values = {
        "title": _("Sign in for staff"),
        "wrong": wrong,
        "email": request.POST.get("email", ""),
        "next": safe_next(request, "staff"),
        "here": SIGN_IN["staff"],
        "why": why,
        "provider": provider.name if provider else "",
    }
    return render(request, "sign_in.html", values, status=403 if wrong or why else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out; nothing of the session is left, here or in the browser."""
    request.session.flush()
    return left("staff")
