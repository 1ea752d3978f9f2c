"""What a web server calls (WSGI). `wiring.set_up_django` has been called before."""

from __future__ import annotations

from django.core.handlers.wsgi import WSGIHandler


def get_application() -> WSGIHandler:
    """The WSGI application."""
    return WSGIHandler()
