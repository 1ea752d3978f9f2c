"""Who is signed in as a customer, and where customers and staff come in and go out."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from arrears.store.models import Person
from arrears.web.identities import Somebody

HOME: Final = {"person": "/", "staff": "/console/"}


SIGN_IN: Final = {"person": "/sign-in", "staff": "/console/sign-in"}


def signed_in(request: HttpRequest) -> Somebody | None:
    """The customer who asks, if they are signed in."""
    person = request.user
    return Somebody(person.pk, person.display_name) if isinstance(person, Person) else None


def is_ours(wanted: str, kind: str) -> bool:
    """Whether an address is a page of ours for the same people: never another host, never another scheme."""
    ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return ours and wanted.startswith("/") and wanted.startswith("/console/") == (kind == "staff")


def safe_next(request: HttpRequest, kind: str) -> str:
    """Where to go after signing in: a page of ours for the same people, else home."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if is_ours(wanted, kind) else HOME[kind]


def left(kind: str) -> HttpResponse:
    """To the sign-in page, with nothing kept in the browser."""
    response = HttpResponseRedirect(SIGN_IN[kind])
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
