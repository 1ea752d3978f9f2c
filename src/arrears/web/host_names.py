"""Names and figures: a browser keeps a passkey for a host's name, and for none that is an address in figures."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.http.request import split_domain_port

from arrears.wiring import settings

LOCALHOST: Final = "localhost"
_LOCALHOST_IN_FIGURES: Final = ("127.0.0.1", "[::1]")
_ASKED_BY_PROGRAMS: Final = ("/v1/", "/webhooks/", "/assets/", "/banner.js")
"""Addresses that no person opens; those for machines (`/healthz`, ...) are answered beside the pages."""


def is_in_figures(host: str) -> bool:
    """Whether a host, without its port, is an IP address."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def in_figures(request: HttpRequest) -> str:
    """The IP address by which a page was opened, as the browser has it; empty where that was a name."""
    host = split_domain_port(request.META.get("HTTP_HOST", ""))[0]
    return host if is_in_figures(host) else ""


def name_of(base_url: str) -> str:
    """The address of the account centre where its host is a name, else empty."""
    return "" if is_in_figures(urlsplit(base_url).hostname or "") else base_url


def at_localhost(request: HttpRequest) -> str | None:
    """The same page at `localhost`, for a page that was opened by this machine's address in figures; None elsewhere,
    for what programs ask, and where `ARREARS_BASE_URL` says that the account centre is not at `localhost`."""
    if request.method not in ("GET", "HEAD") or request.path.startswith(_ASKED_BY_PROGRAMS):
        return None
    ours = settings()
    if ours.https or LOCALHOST not in ours.hosts or urlsplit(ours.base_url).hostname != LOCALHOST:
        return None
    host, port = split_domain_port(request.META.get("HTTP_HOST", ""))
    if host not in _LOCALHOST_IN_FIGURES:
        return None
    return f"http://{LOCALHOST}{f':{port}' if port else ''}{request.get_full_path()}"
