"""The first pages: home, and the choice of a language. Customers are at /, staff at /console/, never mixed."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from arrears.web.identities import accounts_of
from arrears.web.signed_in import HOME, SIGN_IN, safe_next, signed_in


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The first page after signing in."""
    somebody = signed_in(request)
    if somebody is None:
        return HttpResponseRedirect(f"{SIGN_IN['person']}?next={HOME['person']}")
    values = {"title": _("Your accounts"), "somebody": somebody, "accounts": accounts_of(somebody.number)}
    return render(request, "home.html", values)


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
