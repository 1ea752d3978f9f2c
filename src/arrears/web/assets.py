"""Style sheets, scripts and the operator's logo: few, our own, named by their contents so that they are kept for ever.

Nothing is loaded from elsewhere. A name without its digest is not there.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from arrears.web.brand import brand

_STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}


class Asset(NamedTuple):
    """A file that pages load: its address, its type, its bytes."""

    path: str
    content_type: str
    body: bytes


@cache
def asset(name: str) -> Asset:
    """The asset of this name; KeyError for one that pages do not have."""
    body = _bytes(name)
    if body is None:
        raise KeyError(name)
    stem, suffix = name.rsplit(".", 1)
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Asset(f"/assets/{stem}-{digest}.{suffix}", f"{_TYPES['.' + suffix]}; charset=utf-8", body)


def _bytes(name: str) -> bytes | None:
    if name == "brand.css":
        return brand().style.encode()
    if name == "htmx.js":
        return (resources.files("django_htmx") / "static" / "django_htmx" / "htmx-4.min.js").read_bytes()
    ours = brand()
    for body, of in ((ours.logo, ours.logo_name), (ours.icon, ours.icon_name)):
        if body is not None and name == of:
            return body
    path = _STATIC / name
    return path.read_bytes() if path.parent == _STATIC and path.is_file() else None


@require_safe
def serve(_request: HttpRequest, stem: str, digest: str, suffix: str) -> HttpResponse:
    """An asset. One of an older release is not there any more, and its pages are reloaded."""
    try:
        found = asset(f"{stem}.{suffix}")
    except KeyError:
        raise Http404 from None
    if found.path != f"/assets/{stem}-{digest}.{suffix}":
        raise Http404
    response = HttpResponse(found.body, content_type=found.content_type)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """The icon at the address where browsers and feed readers look for it unasked."""
    found = asset(brand().icon_name or "favicon.svg")
    response = HttpResponse(found.body, content_type=found.content_type)
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@require_safe
def banner(_request: HttpRequest) -> HttpResponse:
    """The banner for other portals: one address for ever, so it is looked at again every hour."""
    response = HttpResponse(asset("banner.js").body, content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
