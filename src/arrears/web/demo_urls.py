"""The addresses of the demo: the story at /, and everything else where it always is."""

from __future__ import annotations

from django.urls import path

from arrears.web import demo_pages as pages
from arrears.web import urls

urlpatterns = [
    path("", pages.landing),
    path("demo/time", pages.pass_time),
    path("demo/anew", pages.begin_anew),
    path("demo/service", pages.service),
    path("demo/sign-in", pages.sign_in),
    path("demo/staff", pages.staff),
    path("demo/console", pages.console),
    *urls.urlpatterns,
]

handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
