"""A request that has come whole, as what Django's handler asks for (WSGI, PEP 3333), and its answer."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application."""


class WholeAnswer(NamedTuple):
    """A status, headers as bytes, and a body; all of it is there before any of it is sent."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


_BODILESS = (204, 304)


def environ_of(scope: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """The variables of a request. A header whose name has an underscore is left out: in these variables it could not be
    told from the one with a hyphen, and anybody could send `X_Forwarded_For` past a proxy that sets the other."""
    client, server = scope.get("client") or ("", 0), scope.get("server") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": str(client[0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if b"_" in name or name == b"content-length":
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        text = value.decode("latin-1")
        separator = "; " if name == b"cookie" else ","
        environ[key] = f"{environ[key]}{separator}{text}" if key in environ else text
    # What has come is what there is, however its length was announced.
    environ["CONTENT_LENGTH"] = str(len(body)) if body or _announces(scope) else ""
    return environ


def _announces(scope: Mapping[str, Any]) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


def answer_of(application: Wsgi, environ: dict[str, Any]) -> WholeAnswer:
    """What the application answers; whatever it raises goes through."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        begun[:] = [(status, headers)]
        return lambda _octets: None

    parts = application(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    [(status, given)] = begun
    headers = [(name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in given]
    code = int(status.split(" ", 1)[0])
    if code not in _BODILESS and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(body)).encode()))
    return WholeAnswer(code, headers, body)
