"""`arrears serve`: the pages and the API, on this machine."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import click

from arrears.cli.common import begin_log
from arrears.web.serving import PROCESSES, address_of, listen, serve_here, serve_in_processes
from arrears.wiring import Installation, open_installation, set_up_django

if TYPE_CHECKING:
    from arrears.web.demo_handler import DemoWorld


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=PROCESSES,
    show_default=True,
    help="So many answer; with 1 nothing serves while it begins anew.",
)
def command(host: str, port: int, processes: int) -> None:
    """Serve until Ctrl-C."""
    begin_log()
    with closing(listen(host, port)) as listening:
        # What is wrong with the installation, its texts or its brand is refused now, in one line.
        with open_installation() as live:
            live.context()
            _brand_of(live.url)
        if processes == 1:
            from arrears.web.wsgi import served

            application = served()
            _say_where(listening)
            serve_here(listening, application)
        else:
            serve_in_processes(listening, "arrears.web.wsgi:served", lambda: _say_where(listening), processes)
    click.echo("\nstopped", err=True)


def serve_alone(listening: socket.socket, live: Installation, world: DemoWorld) -> None:
    """Serve the installation of this process, in this process, until Ctrl-C: for the demo, whose worker, provider and
    service live here too, in a world of its own."""
    _brand_of(live.url)
    from arrears.web.demo_handler import DemoPages
    from arrears.web.wsgi import gated

    _say_where(listening)
    serve_here(listening, gated(live, DemoPages(world)))
    click.echo("\nstopped", err=True)


def _brand_of(url: str) -> None:
    set_up_django(url)
    from arrears.web.brand import brand
    from arrears.web.console.sign_in import staff_provider

    brand()
    staff_provider()


def _say_where(listening: socket.socket) -> None:
    click.echo(f"serving on {address_of(listening)} (Ctrl-C ends it)")
