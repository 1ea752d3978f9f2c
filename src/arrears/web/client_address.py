"""Where a request comes from: the one place that knows what stands in front of this server.

Each server of one's own adds to `X-Forwarded-For` who asked it, so with N of them the Nth entry from the right was
written by the first of them; what stands left of it is whatever somebody sent.
"""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(request: HttpRequest) -> IPAddress | None:
    """The address that a request comes from; None where that cannot be known: a server in front has not said it."""
    text = request.META.get("REMOTE_ADDR", "")
    if settings.PROXIES:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        text = hops[-settings.PROXIES].strip() if len(hops) >= settings.PROXIES else ""
    return _parsed(text)


def net_of(request: HttpRequest) -> str:
    """By what a request is counted: its address, of IPv6 the network of 64 bits that one customer has; empty where it
    cannot be known."""
    found = address_of(request)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found or "")


def _parsed(text: str) -> IPAddress | None:
    host, bracket, _port = text.removeprefix("[").partition("]")
    if not bracket and text.count(":") == 1:
        host = text.partition(":")[0]  # some servers add the port
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
