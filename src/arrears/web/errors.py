"""What somebody sees when something is not there, not theirs, or not right: one page, plain and kind."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arrears.store.outages import OUTAGES
from arrears.web.logs import request_name

PAGES: dict[int, tuple[Promise | str, Promise | str]] = {
    400: (_("That request was not right"), _("Go back and try once more.")),
    403: (_("This page is not yours to see"), _("If you think it should be, ask the account administrator.")),
    404: (_("There is nothing here"), _("The address may be mistyped, or the page has moved.")),
    429: (_("That was too often"), _("Nothing was changed. Please wait a quarter of an hour, then try again.")),
    503: (_("We are not there for a moment"), _("Nothing was changed. Please try again in a minute.")),
    500: (_("Something went wrong on our side"), _("Nothing was changed. Please try again in a few minutes.")),
}
CODES = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}


def problem(status: int, code: str, title: str, detail: str, **more: object) -> JsonResponse:
    """An answer of the API that something is wrong (RFC 9457), with the name that the request has in the log."""
    body = {"type": f"urn:arrears:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}
    body["request"] = request_name()
    return JsonResponse({**body, **more}, status=status, content_type="application/problem+json")


def _page(request: HttpRequest, status: int) -> HttpResponse:
    title, text = PAGES[status]
    if request.path.startswith("/v1/"):
        return problem(status, CODES[status], str(title), str(text))
    return _shown(request, title, text, status)


def _shown(request: HttpRequest, title: Promise | str, text: Promise | str, status: int) -> HttpResponse:
    """The page, with the name that the request has in the log: whoever is asked for help can find it there."""
    return render(request, "error.html", {"title": title, "text": text, "reference": request_name()}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return _page(request, 404)


def too_often(request: HttpRequest) -> HttpResponse:
    """429."""
    response = _page(request, 429)
    response.headers["Retry-After"] = "900"
    return response


def broken(request: HttpRequest) -> HttpResponse:
    """500, without a word of what was inside; 503 where it was the database that went away, and comes back."""
    # Django calls this while it handles what was raised.
    error = sys.exc_info()[1]
    away = isinstance(error, OUTAGES) or isinstance(error.__cause__ if error else None, OUTAGES)
    response = _page(request, 503 if away else 500)
    if away:
        response.headers["Retry-After"] = "5"
    return response


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403, because the form did not come from our own page."""
    text = _("The page was open for too long, or your browser blocks cookies. Load it again and try once more.")
    return _shown(request, _("Please try once more"), text, 403)
