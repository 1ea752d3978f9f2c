"""The first pages: home, language, and the door of staff.

Customers at /, staff at /console/, and never the one as the other. The customers' door is in `door/`.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arrears.store.models import Person
from arrears.web.identities import Somebody, accounts_of, sign_in_staff, still_here
from arrears.wiring import RealClock

HOME: Final = {"person": "/", "staff": "/console/"}
DOOR: Final = {"person": "/sign-in", "staff": "/console/sign-in"}


def signed_in(request: HttpRequest, kind: str) -> Somebody | None:
    """Who asks, if they are signed in as this kind and still may come in."""
    if kind == "person":
        person = request.user
        return Somebody("person", person.pk, person.display_name) if isinstance(person, Person) else None
    known = request.session.get(kind)
    if not isinstance(known, dict):
        return None
    somebody = Somebody(kind, int(known["number"]), str(known["name"]))
    if still_here(somebody):
        return somebody
    request.session.flush()
    return None


def is_ours(wanted: str, kind: str) -> bool:
    """Whether an address is a place of ours behind the same door: never another host, never another scheme."""
    ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return ours and wanted.startswith("/") and wanted.startswith("/console/") == (kind == "staff")


def safe_next(request: HttpRequest, kind: str) -> str:
    """Where to go after signing in: a place of ours below the same door, else home."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if is_ours(wanted, kind) else HOME[kind]


@require_http_methods(["GET", "HEAD", "POST"])
def staff_door(request: HttpRequest) -> HttpResponse:
    """Sign in as staff."""
    if request.method != "POST":
        return _staff_door(request, wrong=False)
    email, password = request.POST.get("email", ""), request.POST.get("password", "")
    address = request.META.get("REMOTE_ADDR", "")
    somebody = sign_in_staff(email.strip()[:254], password[:1000], address, RealClock().now())
    if somebody is None:
        return _staff_door(request, wrong=True)
    target = safe_next(request, "staff")
    request.session.flush()
    request.session["staff"] = {"number": somebody.number, "name": somebody.name}
    return HttpResponseRedirect(target)


def _staff_door(request: HttpRequest, *, wrong: bool) -> HttpResponse:
    values = {
        "title": _("Sign in for staff"),
        "wrong": wrong,
        "email": request.POST.get("email", ""),
        "next": safe_next(request, "staff"),
        "here": DOOR["staff"],
    }
    return render(request, "sign_in.html", values, status=403 if wrong else 200)


@require_POST
def staff_leave(request: HttpRequest) -> HttpResponse:
    """Sign out; nothing of the session is left, here or in the browser."""
    request.session.flush()
    return left("staff")


def left(kind: str) -> HttpResponse:
    """To the door, with nothing kept in the browser."""
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
