"""The first pages: sign in, sign out, home, language.

Customers at /, staff at /console/, and never the one as the other.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arrears.web.identities import Somebody, accounts_of, sign_in, still_here
from arrears.wiring import RealClock

HOME: Final = {"person": "/", "staff": "/console/"}
DOOR: Final = {"person": "/sign-in", "staff": "/console/sign-in"}


def signed_in(request: HttpRequest, kind: str) -> Somebody | None:
    """Who asks, if they are signed in as this kind and still may come in."""
    known = request.session.get(kind)
    if not isinstance(known, dict):
        return None
    somebody = Somebody(kind, int(known["number"]), str(known["name"]))
    if still_here(somebody):
        return somebody
    request.session.flush()
    return None


def safe_next(request: HttpRequest, kind: str) -> str:
    """Where to go after signing in: a place of ours below the same door, else home."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    if ours and wanted.startswith("/") and wanted.startswith("/console/") == (kind == "staff"):
        return wanted
    return HOME[kind]


@require_http_methods(["GET", "HEAD", "POST"])
def door(request: HttpRequest, kind: str) -> HttpResponse:
    """Sign in."""
    if request.method != "POST":
        return _door(request, kind, wrong=False)
    email, password = request.POST.get("email", ""), request.POST.get("password", "")
    address = request.META.get("REMOTE_ADDR", "")
    somebody = sign_in(kind, email.strip()[:254], password[:1000], address, RealClock().now())
    if somebody is None:
        return _door(request, kind, wrong=True)
    target = safe_next(request, kind)
    request.session.flush()
    request.session[kind] = {"number": somebody.number, "name": somebody.name}
    return HttpResponseRedirect(target)


def _door(request: HttpRequest, kind: str, *, wrong: bool) -> HttpResponse:
    title = _("Sign in for staff") if kind == "staff" else _("Sign in")
    values = {
        "title": title,
        "wrong": wrong,
        "email": request.POST.get("email", ""),
        "next": safe_next(request, kind),
        "here": DOOR[kind],
    }
    return render(request, "sign_in.html", values, status=403 if wrong else 200)


@require_POST
def leave(request: HttpRequest, kind: str) -> HttpResponse:
    """Sign out; nothing of the session is left, here or in the browser."""
    request.session.flush()
    response = HttpResponseRedirect(DOOR[kind])
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@require_safe
def home(request: HttpRequest, kind: str) -> HttpResponse:
    """The first page behind the door."""
    somebody = signed_in(request, kind)
    if somebody is None:
        return HttpResponseRedirect(f"{DOOR[kind]}?next={HOME[kind]}")
    accounts = accounts_of(somebody.number) if kind == "person" else []
    values = {"title": _("Your accounts") if kind == "person" else _("Console"), "somebody": somebody}
    return render(request, "home.html", {**values, "accounts": accounts, "kind": kind})


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Show pages in another language from now on."""
    wanted = request.POST.get("language", "")
    kind = "staff" if request.POST.get("next", "").startswith("/console/") else "person"
    response = HttpResponseRedirect(safe_next(request, kind))
    if wanted in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            wanted,
            max_age=365 * 24 * 3600,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response
