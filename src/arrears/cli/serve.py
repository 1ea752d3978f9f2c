"""`arrears serve`: the pages and the API, on this machine."""

from __future__ import annotations

import re
import socketserver
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click

from arrears.core.errors import Refused
from arrears.wiring import SERVING_CONNECTIONS_MAX, install, open_installation, set_up_django


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """One thread a request; enough for one machine, behind a real server elsewhere."""

    daemon_threads = True


class _Handler(WSGIRequestHandler):
    """Says what was asked on standard error, without what is secret: no query strings, no tokens in links."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """One line a request."""
        click.echo(f"{self.command} {_open_part(self.path)} {code}", err=True)


_SECRET: Final = re.compile(r"^/(pay|address|invitation|new-password|help/confirm|help/read)/[^/]+")


def _open_part(path: str) -> str:
    """The path of a request, for a log that others read."""
    return _SECRET.sub(r"/\1/…", path.partition("?")[0])


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
def command(host: str, port: int) -> None:
    """Serve until Ctrl-C."""
    with open_installation(connections_max=SERVING_CONNECTIONS_MAX) as live, listen(host, port) as server:
        live.context()  # texts that are wrong are refused now, and nobody waits for them later
        install(live)
        serve(server, live.url)


def _not_yet(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("503 Service Unavailable", [("Retry-After", "5")])
    return [b""]


def listen(host: str, port: int) -> _Server:
    """A server on an address (port 0: any free one), before there is anything to serve; Refused `cannot_listen`."""
    try:
        return make_server(host, port, _not_yet, server_class=_Server, handler_class=_Handler)
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise Refused("cannot_listen", f"cannot listen on {host}:{port}: {reason}; try --port") from None


def serve(server: _Server, url: str) -> None:
    """Serve the pages of the installation in this database until interrupted."""
    set_up_django(url)
    from arrears.web.brand import brand
    from arrears.web.wsgi import get_application

    brand()  # what is wrong with its file is refused now, not on the first page
    server.set_app(get_application())
    host = server.server_address[0]
    click.echo(f"serving on http://{host!s}:{server.server_port}/ (Ctrl-C ends it)")
    # Being told to end is how a server ends; it is no failure.
    with suppress(KeyboardInterrupt):
        server.serve_forever()
    click.echo("\nstopped", err=True)
