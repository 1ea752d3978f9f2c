"""Headers that every answer carries: nothing is loaded from elsewhere, nothing is framed, nothing is guessed.

It stands outside all other middleware, so that the answers to their refusals carry them too.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from arrears.web.host_names import at_localhost, in_figures, name_of
from arrears.web.logs import LOG, enter_request, leave_request

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'; connect-src 'self'; script-src 'nonce-{nonce}'"
)
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def in_the_log(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware before all others: a request has a name, which is in its answer and in all that is said of it, and a
    line of its own. Its address is in none: that has tokens, names and what people typed."""

    def answered(request: HttpRequest) -> HttpResponse:
        name, began = enter_request(), time.perf_counter()
        try:
            response = answer(request)
            response.headers["X-Request-Id"] = name
            match = request.resolver_match
            token = getattr(request, "api_token", None)
            LOG.info(
                "request",
                method=request.method if request.method in _METHODS else "other",
                route=f"/{match.route}" if match is not None else "-",
                status=response.status_code,
                milliseconds=round(1000 * (time.perf_counter() - began)),
                **({} if token is None else {"token": token}),
            )
            return response
        finally:
            leave_request()

    return answered


def security_headers(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Set the headers; no answer is stored by anybody, but for the assets. A view that needs another content security
    policy, or is kept, has set its own."""

    def answered(request: HttpRequest) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = answer(request)
        response.headers.setdefault("Content-Security-Policy", POLICY.format(nonce=nonce))
        # Not `no-referrer`: browsers then send `Origin: null` with our own forms, and every one of them is refused.
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers["Permissions-Policy"] = PERMISSIONS
        # Every page is somebody's own, and the address of some lets its reader in.
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        if "no-store" in response.headers.get("Cache-Control", "no-store"):
            response.headers["Cache-Control"] = "no-store"  # pages of the framework add what that says already
        return response

    return answered


def pages_at_a_name(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: whoever opens a page by this machine's address in figures is sent to the same page at `localhost`,
    where the installation says that it is there. Programs are answered where they ask."""

    def answered(request: HttpRequest) -> HttpResponse:
        elsewhere = at_localhost(request)
        return answer(request) if elsewhere is None else HttpResponseRedirect(elsewhere)

    return answered


def page_parts(request: HttpRequest) -> dict[str, object]:
    """For every template: where the style sheets are, who the operator is, the nonce of this answer."""
    from arrears.web.assets import asset
    from arrears.web.brand import brand
    from arrears.wiring import settings

    ours = brand()
    return {
        "style_path": asset("style.css").path,
        "brand_path": asset("brand.css").path if ours.style else "",
        "icon_path": asset(ours.icon_name or "favicon.svg").path,
        "logo_path": asset(ours.logo_name).path if ours.logo is not None else "",
        "operator": ours.name,
        "identity": settings().legal_identity,
        "htmx_path": asset("htmx.js").path,
        "passkeys_path": asset("passkeys.js").path,
        "charts_style": asset("uplot.css").path,
        "uplot_path": asset("uplot.js").path,
        "charts_path": asset("charts.js").path,
        "csp_nonce": getattr(request, "csp_nonce", ""),
        "host_in_figures": in_figures(request),
        "at_a_name": name_of(settings().base_url),
    }
