"""What somebody sees when something is not there, not theirs, or not right: one page, plain and kind."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PAGES: dict[int, tuple[Promise | str, Promise | str]] = {
    400: (_("That request was not right"), _("Go back and try once more.")),
    403: (_("This page is not yours to see"), _("If you think it should be, ask the account administrator.")),
    404: (_("There is nothing here"), _("The address may be mistyped, or the page has moved.")),
    500: (_("Something went wrong on our side"), _("Nothing was changed. Please try again in a few minutes.")),
}
CODES = {400: "bad_request", 403: "forbidden", 404: "not_found", 500: "internal_error"}


def problem(status: int, code: str, title: str, detail: str, **more: object) -> JsonResponse:
    """An answer of the API that something is wrong (RFC 9457)."""
    body = {"type": f"urn:arrears:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}
    return JsonResponse({**body, **more}, status=status, content_type="application/problem+json")


def _page(request: HttpRequest, status: int) -> HttpResponse:
    title, text = PAGES[status]
    if request.path.startswith("/v1/"):
        return problem(status, CODES[status], str(title), str(text))
    return render(request, "error.html", {"title": title, "text": text}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return _page(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    """500, without a word of what was inside."""
    return _page(request, 500)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403, because the form did not come from our own page."""
    text = _("The page was open for too long, or your browser blocks cookies. Load it again and try once more.")
    return render(request, "error.html", {"title": _("Please try once more"), "text": text}, status=403)
