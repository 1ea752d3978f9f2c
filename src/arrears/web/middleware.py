"""Headers that every answer carries: nothing is loaded from elsewhere, nothing is framed, nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def security_headers(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Set the headers; an answer to somebody who is signed in is never stored by anybody."""

    def answered(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        response.headers["Content-Security-Policy"] = POLICY
        # Not `no-referrer`: browsers then send `Origin: null` with our own forms, and every one of them is refused.
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if not request.path.startswith("/style-"):
            response.headers["Cache-Control"] = "no-store"
        return response

    return answered


def style_sheet(_request: HttpRequest) -> dict[str, str]:
    """For every template: where the style sheet is."""
    from arrears.web.pages import style_path

    return {"style_path": style_path()}
