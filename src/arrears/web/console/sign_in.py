"""Staff sign in and out. Their sign-in is not the customers'."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from arrears.core.people.throttles import Throttled
from arrears.web import throttle
from arrears.web.identities import staff_of
from arrears.web.signed_in import SIGN_IN, left, safe_next


@throttle.throttled_as(Throttled.STAFF)
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in as staff."""
    if request.method != "POST":
        return _page(request, wrong=False)
    email, password = request.POST.get("email", "").strip()[:254], request.POST.get("password", "")[:1000]
    try:
        with throttle.one_try(request, Throttled.STAFF, name=email):
            somebody = None if "\x00" in email + password else staff_of(email, password)
            if somebody is None:
                raise _Wrong
    except (throttle.TooManyTries, _Wrong):
        return _page(request, wrong=True)
    response = HttpResponseRedirect(safe_next(request, "staff"))
    request.session.flush()
    request.session["staff"] = {"number": somebody.number, "name": somebody.name, "proof": somebody.proof}
    throttle.remember(request, response, Throttled.STAFF, email)
    return response


class _Wrong(Exception):
    """Not this name, or not this password."""


def _page(request: HttpRequest, *, wrong: bool) -> HttpResponse:
    values = {
        "title": _("Sign in for staff"),
        "wrong": wrong,
        "email": request.POST.get("email", ""),
        "next": safe_next(request, "staff"),
        "here": SIGN_IN["staff"],
    }
    return render(request, "sign_in.html", values, status=403 if wrong else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Sign out; nothing of the session is left, here or in the browser."""
    request.session.flush()
    return left("staff")
