"""The receiver behind a web server: WSGI, ASGI or a Django view. POST is an order, GET a page of states."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from arrears_receiver.orders import BODY_BYTES_MAX
from arrears_receiver.receiver import PAGE_MAX, Receiver, Reply, as_json

log = logging.getLogger("arrears_receiver")

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Asgi = Callable[[dict[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


def answer_to(receiver: Receiver, method: str, headers: Mapping[str, str], query: str, body: bytes) -> Reply:
    """What is answered to a request, however it came. A failure of the service's own is 500, with its
    traceback in the log `arrears_receiver`: the order comes again."""
    try:
        if method == "POST":
            return receiver.receive(headers, body)
        if method == "GET":
            asked = parse_qs(query)
            limit = asked.get("limit", [""])[0]
            return receiver.states(headers, asked.get("after", [""])[0], int(limit) if _is_number(limit) else PAGE_MAX)
    except Exception:
        log.exception("the service could not answer a %s of arrears", method)
        return Reply(500, {"code": "failed"})
    return Reply(405, {"code": "bad_method"})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def wsgi(receiver: Receiver) -> Wsgi:
    """A WSGI application."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        wanted = int(length) if length.isdecimal() else 0
        body = environ["wsgi.input"].read(min(wanted, BODY_BYTES_MAX + 1))
        headers = {k[5:].replace("_", "-").lower(): v for k, v in environ.items() if k.startswith("HTTP_")}
        reply = answer_to(receiver, environ["REQUEST_METHOD"], headers, environ.get("QUERY_STRING", ""), body)
        octets = as_json(reply)
        status = f"{reply.status} {HTTPStatus(reply.status).phrase}"
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(octets)))])
        return [octets]

    return application


def asgi(receiver: Receiver) -> Asgi:
    """An ASGI application. What the service does is done in a thread, so that it keeps nobody waiting."""

    async def application(
        scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            raise ValueError(f"this answers http, not {scope['type']}")
        body, more = b"", True
        while more and len(body) <= BODY_BYTES_MAX:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        query = scope.get("query_string", b"").decode("latin-1")
        reply = await asyncio.to_thread(answer_to, receiver, scope["method"], headers, query, body)
        octets = as_json(reply)
        kind = [(b"content-type", b"application/json"), (b"content-length", str(len(octets)).encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": kind})
        await send({"type": "http.response.body", "body": octets})

    return application


def django_view(receiver: Receiver) -> Callable[..., Any]:
    """A view for Django's `urlpatterns`. Its requests are signed, so it is exempt from the token of forms."""

    def view(request: Any) -> Any:
        from django.http import HttpResponse

        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = answer_to(receiver, request.method, headers, request.META.get("QUERY_STRING", ""), request.body)
        return HttpResponse(as_json(reply), status=reply.status, content_type="application/json")

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view
