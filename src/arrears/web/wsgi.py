"""What a web server calls. `wiring.set_up_django` has been called before, or is now (`served`)."""

from __future__ import annotations

import threading

import psycopg
from django.core.handlers.wsgi import WSGIHandler

from arrears.engine.worker import RETRY_SECONDS
from arrears.store.outages import is_away
from arrears.web import logs
from arrears.web.gate import Gate
from arrears.web.logs import LOG
from arrears.web.operation import beside
from arrears.web.serving import end_with_parent, gate
from arrears.web.standing import StandingPages
from arrears.wiring import (
    SERVING_CONNECTIONS_MAX,
    Installation,
    install,
    open_installation,
    set_up_django,
    settings,
)


def get_application() -> WSGIHandler:
    """The pages, for any server (WSGI)."""
    return WSGIHandler()


def gated(live: Installation, pages: WSGIHandler | None = None) -> Gate:
    """The pages of an installation (`pages`, or all that there are) behind the gate, with what machines ask beside
    them."""
    asked = beside(live.url, live.clock.now, settings().metrics_token)
    return gate(pages or get_application(), asked, StandingPages(live.url, live.providers.base_url, live.clock.now))


def _opened() -> Installation:
    """The installation; one that is begun anew while the database is away waits for it."""
    while True:
        try:
            return open_installation(connections_max=SERVING_CONNECTIONS_MAX)
        except psycopg.OperationalError as error:
            if not is_away(error):
                raise
            LOG.warning("database_away", said="waiting for it", exc_info=error)
        threading.Event().wait(RETRY_SECONDS)


def served() -> Gate:
    """The pages behind the gate, in a process of their own: with an installation and connections of its own."""
    end_with_parent()
    logs.begin(settings().log)
    live = _opened()
    live.context()
    install(live)
    set_up_django(live.url)
    return gated(live)
