"""A service that obeys arrears: files for each subscription, on disk, with a page. Read it, or start from it.

    FILES_SECRETS="files:whsec_..." python examples/files_service.py FOLDER [--port 9000]
    FILES_SECRETS="..." FILES_TOKEN="..." python examples/files_service.py FOLDER --arrears http://localhost:8000

`/sub_12_3/` is a customer's page, `/public/sub_12_3/NAME` a file that they publish, `/orders/files` where arrears gives
its orders (docs/services.md). What it is ordered it is: restricted, nothing is published and nothing written, and all
is back at once; disabled, files can be read and deleted, and nothing else; deleted, they are gone.

It needs the standard library and `arrears-receiver` (`pip install ./receiver`, or PYTHONPATH=receiver/src).
"""

from __future__ import annotations

import argparse
import html
import json
import logging
import os
import re
import shutil
import socketserver
import sys
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, quote, unquote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from arrears_receiver import Done, Order, Receiver, SqliteBook, Standing, standing_of, wsgi

NAME_CHARACTERS_MAX: Final = 80
BODY_BYTES_MAX: Final = 200_000
FILES_MAX: Final = 200
ASK_SECONDS_MAX: Final = 2.0
"""So long arrears may take to say how a subscription stands; then its last order counts."""
_PAGE: Final = re.compile(r"/(sub_[1-9][0-9]{0,17}_[1-9][0-9]{0,5})/(?:files/([^/]+)|(delete)?)", re.ASCII)
_PUBLIC: Final = re.compile(r"/public/(sub_[1-9][0-9]{0,17}_[1-9][0-9]{0,5})/([^/]+)", re.ASCII)
_NAME: Final = re.compile(rf"[\w][\w .-]{{0,{NAME_CHARACTERS_MAX - 1}}}")
_STYLE: Final = (
    "body{font:1.06rem/1.55 system-ui,sans-serif;max-width:38rem;margin:2rem auto;padding:0 1.25rem;color:#1c2430;"
    "background:#f5f6f9}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}ul{padding:0;list-style:none}"
    "li{display:flex;gap:1rem;align-items:center;justify-content:space-between;padding:.5rem 0;"
    "border-bottom:1px solid #d5d9e2;flex-wrap:wrap}li a{overflow-wrap:anywhere}input,textarea{font:inherit;width:100%;"
    "padding:.5rem .7rem;border:1px solid #5b6578;border-radius:.4rem;box-sizing:border-box;background:#fff}"
    "label{display:block;margin-top:.8rem}button,a.settle{font:inherit;font-weight:600;padding:.55rem 1.1rem;border:0;"
    "border-radius:.4rem;background:#2b4c8c;color:#fff;cursor:pointer;text-decoration:none;display:inline-block}"
    "form.each button{background:none;color:#8a2b1d;padding:.2rem .4rem}p.state{border-left:.3rem solid #2c6b3f;"
    "background:#e2eee5;padding:.7rem 1rem;border-radius:.3rem}p.state.stopped{border-color:#8a2b1d;background:#f3e4e0}"
)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
SAYS: Final = {
    "active": "Everything works.",
    "past_due": "Everything works. There is an invoice to pay.",
    "unknown": "Everything works.",
    "restricted": "What you published is offline, and nothing can be saved. All of it is kept, and back at once.",
    "disabled": "What you published is offline. Your files can be read, downloaded and deleted, and nothing saved.",
    "deleted": "The files are deleted.",
}

Ask = Callable[[str], Mapping[str, Any]]
"""What arrears says of a subscription (`GET /v1/subscriptions/ID/standing`)."""
StartResponse = Callable[..., Any]


class FilesAnswer(NamedTuple):
    """An answer: its status, the kind of its body, the body, and where to go on."""

    status: HTTPStatus
    kind: str
    body: str
    goes_on: str = ""


class Shelf:
    """The files of every subscription: a folder for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, subscription: str) -> Path:
        """Where the files of a subscription are."""
        return self._folder / subscription

    def names(self, subscription: str) -> list[str]:
        """The names of its files."""
        with suppress(FileNotFoundError):
            return sorted(one.name for one in self.of(subscription).iterdir())
        return []

    def save(self, subscription: str, name: str, text: str) -> None:
        """Write a file; one of this name is replaced whole."""
        self.of(subscription).mkdir(parents=True, exist_ok=True)
        part = self._folder / f".{subscription}-{name}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(self.of(subscription) / name)

    def delete_all(self, subscription: str) -> Done:
        """Delete every file of a subscription, and count what is gone and what cannot be deleted."""
        before = len(self.names(subscription))
        shutil.rmtree(self.of(subscription), ignore_errors=True)
        left = len(self.names(subscription))
        return Done({"files": before - left}, {"files": left})


class FilesService:
    """The whole service, as a WSGI application. `services`: the secrets of each name that arrears has of it; `ask`:
    how arrears is asked on every request, None for going by orders alone; `home`: where its pages lead back to."""

    def __init__(
        self, folder: Path, services: Mapping[str, Sequence[str]], ask: Ask | None = None, home: str = ""
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.shelf, self._ask, self._home = Shelf(folder), ask, home
        self.book = SqliteBook(folder / "orders.db")
        self._orders = {name: wsgi(Receiver(secrets, name, self.obey, self.book)) for name, secrets in services.items()}

    def obey(self, order: Order) -> Done:
        """Carry an order out. What is not published, written or read is asked at each request (`_standing`), so that a
        stop and its end are there at once; a deletion is of the files themselves."""
        return self.shelf.delete_all(order.subscription) if order.command == "delete" else Done()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        name = path.removeprefix("/orders/")
        if name != path and name in self._orders:
            return self._orders[name](environ, start_response)
        found = self._answer(environ, path)
        octets = found.body.encode()
        head = [("Content-Type", found.kind), ("Content-Length", str(len(octets))), ("Cache-Control", "no-store")]
        head += [("Content-Security-Policy", _POLICY), ("X-Content-Type-Options", "nosniff")]
        head += [("Location", found.goes_on)] if found.goes_on else []
        start_response(f"{found.status} {found.status.phrase}", head)
        return [octets]

    def _standing(self, subscription: str) -> tuple[Standing, Mapping[str, Any]]:
        """What may be done now, and what arrears says about a refusal: by its answer, else by its last order."""
        said: dict[str, Any] = {}

        def ask(one: str) -> str | None:
            assert self._ask is not None
            said.update(self._ask(one))
            return str(said.get("standing"))

        standing = standing_of(self.book, subscription, ask if self._ask is not None else None)
        known = self.book.known(subscription)
        if known is not None and known.state == "deleted":
            standing = Standing("deleted", False, False, False, "last_known")
        return standing, said.get("refusal") or {}

    def _answer(self, environ: Mapping[str, Any], path: str) -> FilesAnswer:
        as_json = "json" in environ.get("HTTP_ACCEPT", "")
        if (public := _PUBLIC.fullmatch(path)) is not None:
            return self._published(public[1], public[2])
        match = _PAGE.fullmatch(path)
        if match is None:
            return _page(HTTPStatus.NOT_FOUND, "<h1>There is no such page</h1>")
        subscription, name, delete = match[1], match[2], match[3]
        standing, refusal = self._standing(subscription)
        if environ["REQUEST_METHOD"] != "POST":
            return (
                self._one(subscription, name, standing) if name else self._all(subscription, standing, refusal, as_json)
            )
        form = _form(environ)
        may = standing.delete if delete else standing.change
        if not may:
            return self._refused(subscription, standing, refusal, as_json)
        wanted = " ".join(form.get("name", "").split())
        if not _NAME.fullmatch(wanted) or (not delete and len(self.shelf.names(subscription)) >= FILES_MAX):
            what = f"give a name of letters, digits, spaces, dots and dashes; there are {FILES_MAX} files at the most"
            return _page(HTTPStatus.UNPROCESSABLE_ENTITY, f"<h1>Not saved</h1><p>{what}</p>", as_json, code="bad_name")
        if delete:
            (self.shelf.of(subscription) / wanted).unlink(missing_ok=True)
        else:
            self.shelf.save(subscription, wanted, form.get("text", ""))
        return FilesAnswer(HTTPStatus.SEE_OTHER, "text/plain", "", f"/{subscription}/")

    def _published(self, subscription: str, name: str) -> FilesAnswer:
        standing, _ = self._standing(subscription)
        if not standing.change:
            return FilesAnswer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", "This is offline.\n")
        return self._one(subscription, name, standing)

    def _one(self, subscription: str, name: str, standing: Standing) -> FilesAnswer:
        if standing.read and _NAME.fullmatch(name := unquote(name)):
            with suppress(OSError):
                text = (self.shelf.of(subscription) / name).read_text(encoding="utf-8")
                return FilesAnswer(HTTPStatus.OK, "text/plain; charset=utf-8", text)
        return _page(HTTPStatus.NOT_FOUND, "<h1>There is no such file</h1>")

    def _all(self, subscription: str, standing: Standing, refusal: Mapping[str, Any], as_json: bool) -> FilesAnswer:
        names = self.shelf.names(subscription) if standing.read else []
        if as_json:
            return _json(HTTPStatus.OK, {"state": standing.state, "files": names})
        offer = '<h2>A new file</h2><form method="post"><label for="name">Its name</label><input id="name" name="name"'
        offer += ' required autocomplete="off"><label for="text">What it says</label><textarea id="text" name="text"'
        offer += ' rows="4"></textarea><p><button>Save</button></p></form>'
        listed = "".join(self._line(subscription, name, standing) for name in names) or "<li>No files.</li>"
        stopped = "" if standing.change else " stopped"
        below = offer if standing.change else _why(standing, refusal)
        page = (
            f'<h1>Files of {subscription}</h1><p class="state{stopped}"><strong>{standing.state}</strong>. '
            f"{SAYS[standing.state]}</p><ul>{listed}</ul>{below}{self._back()}"
        )
        return _page(HTTPStatus.OK, page)

    def _line(self, subscription: str, name: str, standing: Standing) -> str:
        where, shown = f"/{subscription}/files/{quote(name)}", html.escape(name)
        forget = (
            f'<form class="each" method="post" action="/{subscription}/delete"><input type="hidden" name="name"'
            f' value="{shown}"><button aria-label="Delete {shown}">Delete</button></form>'
        )
        published = f'<a href="/public/{subscription}/{quote(name)}" aria-label="{shown}, as published">published</a>'
        online = published if standing.change else "offline"
        return f'<li><a href="{where}">{shown}</a><span>{online}</span>{forget if standing.delete else ""}</li>'

    def _refused(self, subscription: str, standing: Standing, refusal: Mapping[str, Any], as_json: bool) -> FilesAnswer:
        """As every service should refuse (spec, section 2): with a stable code, the reasons, the amount, the dates and
        the link that settles it."""
        if as_json:
            return _json(HTTPStatus.FORBIDDEN, {"code": f"subscription_{standing.state}", **refusal})
        page = (
            f"<h1>Your file was not saved</h1>{_why(standing, refusal)}"
            f'<p><a href="/{subscription}/">Back to the files</a></p>{self._back()}'
        )
        return _page(HTTPStatus.FORBIDDEN, page)

    def _back(self) -> str:
        return f'<p><a href="{html.escape(self._home)}">Back to the story</a></p>' if self._home else ""


def _why(standing: Standing, refusal: Mapping[str, Any]) -> str:
    """Why something is not allowed, and what changes that."""
    reasons = ", ".join(str(one).replace("_", " ") for one in refusal.get("reasons", ()))
    sums = " and ".join(f"{one['amount_minor'] / 100:.2f} {one['currency']}" for one in refusal.get("amounts", ()))
    because = f", because: {html.escape(reasons)}" if reasons else ""
    said = f"<p>This is {standing.state}{because} (<code>subscription_{standing.state}</code>).</p>"
    said += f"<p>{html.escape(sums)} is open. Once it is paid, everything works again.</p>" if sums else ""
    said += "".join(f"<p>{html.escape(f'{day}: {what}')}</p>" for what, day in refusal.get("dates", {}).items())
    link = html.escape(str(refusal.get("settle_url", "")))
    return said + (f'<p><a class="settle" href="{link}">Settle it</a></p>' if link else "")


def _form(environ: Mapping[str, Any]) -> dict[str, str]:
    length = environ.get("CONTENT_LENGTH") or "0"
    octets = environ["wsgi.input"].read(min(int(length), BODY_BYTES_MAX)) if length.isdecimal() else b""
    return {key: values[0] for key, values in parse_qs(octets.decode("utf-8", "replace")).items()}


def _page(status: HTTPStatus, page: str, as_json: bool = False, code: str = "not_found") -> FilesAnswer:
    if as_json:
        return _json(status, {"code": code})
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    body = f'<!doctype html><html lang="en">{head}<title>Files</title><style>{_STYLE}</style><main>{page}</main></html>'
    return FilesAnswer(status, "text/html; charset=utf-8", body)


def _json(status: HTTPStatus, body: Mapping[str, Any]) -> FilesAnswer:
    return FilesAnswer(status, "application/json", json.dumps(body))


def asking(arrears: str, token: str) -> Ask:
    """Asks arrears how a subscription stands; raises what urllib raises where it cannot."""

    def ask(subscription: str) -> Mapping[str, Any]:
        url = f"{arrears}/v1/subscriptions/{subscription}/standing"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=ASK_SECONDS_MAX) as answer:
            found: Mapping[str, Any] = json.loads(answer.read())
            return found

    return ask


class QuietHandler(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


class ThreadedServer(socketserver.ThreadingMixIn, WSGIServer):
    """A thread for each request."""

    daemon_threads = True
    request_queue_size = 128


def served(application: FilesService, host: str, port: int) -> ThreadedServer:
    """A server that listens; `serve_forever` serves."""
    server = ThreadedServer((host, port), QuietHandler)
    server.set_app(application)
    return server


def main(arguments: Sequence[str] | None = None) -> None:
    """See above."""
    parser = argparse.ArgumentParser(description="Files for each subscription, which obey arrears.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--arrears", default="", help="where arrears is, to be asked on each request")
    parser.add_argument("--home", default="", help="where the pages lead back to")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    services: dict[str, list[str]] = {}
    for one in os.environ.get("FILES_SECRETS", "").split():
        name, _, secret = one.partition(":")
        services.setdefault(name, []).append(secret)
    if not services:
        parser.error('FILES_SECRETS is missing: give "NAME:whsec_...", as `arrears services add NAME URL` says it')
    token = os.environ.get("FILES_TOKEN", "")
    ask = asking(given.arrears, token) if given.arrears and token else None
    server = served(FilesService(given.folder, services, ask, given.home), given.host, given.port)
    sys.stdout.write(f"serving on http://{given.host}:{server.server_port}/\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
