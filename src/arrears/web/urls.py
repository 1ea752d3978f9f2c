"""Every address: customers at /, staff at /console/, programs at /v1/."""

from __future__ import annotations

from django.urls import path, re_path

from arrears.web import bounces, pages, webhooks
from arrears.web.api import api

urlpatterns = [
    path("", pages.home, {"kind": "person"}),
    path("sign-in", pages.door, {"kind": "person"}),
    path("sign-out", pages.leave, {"kind": "person"}),
    path("console/", pages.home, {"kind": "staff"}),
    path("console/sign-in", pages.door, {"kind": "staff"}),
    path("console/sign-out", pages.leave, {"kind": "staff"}),
    path("language", pages.language),
    re_path(r"^style-(?P<digest>[0-9a-f]{12})\.css$", pages.style),
    path("v1/", api.urls),
    path("webhooks/mail/<slug:provider>", bounces.receive),
    path("webhooks/<slug:provider>", webhooks.receive),
]

handler400 = "arrears.web.errors.bad_request"
handler403 = "arrears.web.errors.forbidden"
handler404 = "arrears.web.errors.not_found"
handler500 = "arrears.web.errors.broken"
