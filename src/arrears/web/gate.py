"""What comes before the pages: a request is let in when all of it is here, in time, and no larger than a page asks for.

Until then it costs a few kilobytes and no thread, so that however many are sent slowly or never to their end, everybody
else is answered. Nothing of a request is ever laid on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from arrears.core.errors import Refused
from arrears.web.bridge import WholeAnswer, Wsgi, answer_of, environ_of
from arrears.web.lanes import Lanes

HEAD_BYTES_MAX: Final = 16 * 1024
"""A request's line and headers together; browsers send two thousand, with all our cookies."""
BODY_BYTES_MAX: Final = 1024 * 1024
ROWS_PATH: Final = "/v1/upserts"
ROWS_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of many rows at once, ten thousand of more than a thousand bytes each. What is larger is answered by the route
itself: a request of rows that is refused leaves a trace."""
STATEMENTS_PATH: Final = "/v1/bank/statements"
STATEMENT_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of a bank's file; what is larger leaves a trace too."""
LARGE: Final = {ROWS_PATH: ROWS_BYTES_MAX, STATEMENTS_PATH: STATEMENT_BYTES_MAX}
"""What takes a large body, and how large a one."""
BODY_SECONDS_MAX: Final = 20.0
"""Longer than a megabyte takes on a bad line."""
ROWS_SECONDS_MAX: Final = 120.0
BODIES_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of all requests that are still coming in, and of all large ones besides: a process stays small, whoever sends,
and who sends rows or files keeps out nobody else."""
UNREAD_BYTES_MAX: Final = 8 * 1024 * 1024
"""So much of a body that is refused is read on, for a client that looks for the answer only when it has sent all."""
UNREAD_SECONDS_MAX: Final = 2.0
WAITING_MAX: Final = 256
"""Requests that wait for a thread; who comes then is asked to come again, instead of waiting in vain."""
ROWS_THREADS: Final = 2
"""Requests of rows and of files have threads of their own: one computes while another waits for the database. Each
thread of a process keeps the most memory that it ever took, and they take a lot; and pages wait for none of them."""
ROWS_WAITING_MAX: Final = 16

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Beside = Callable[[Mapping[str, str]], WholeAnswer]
"""What answers beside the pages, from the headers of a request; it may take its time."""

PLAIN_HEADERS: Final = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


def plain(status: int, text: str, *more: tuple[bytes, bytes]) -> WholeAnswer:
    """A line of text for whoever sent something that no page can answer."""
    body = f"{text}\n".encode()
    return WholeAnswer(status, (*PLAIN_HEADERS, (b"content-length", str(len(body)).encode()), *more), body)


_CLOSE: Final = (b"connection", b"close")
_LATER: Final = (b"retry-after", b"5")


class Aside(Protocol):
    """What answers in the loop itself, without a thread: it waits for nothing but the database."""

    def is_asked(self, path: str) -> bool:
        """Whether it answers for this path."""

    async def answer(self, method: str, path: str, query: bytes, headers: Mapping[str, str]) -> WholeAnswer:
        """The answer."""


class _NotLetIn(Exception):
    """A request that goes no further, with what it is answered."""

    def __init__(self, answer: WholeAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Left(Exception):
    """Who asked has gone."""


class Gate:
    """An ASGI application before a WSGI one. `beside` has its own answers by path, which no page can hold up, and so
    has `aside`, in the loop itself."""

    def __init__(self, pages: Wsgi, threads: int, beside: Mapping[str, Beside], aside: Aside | None = None) -> None:
        self._aside = aside
        self._pages = pages
        self._lanes = Lanes(threads, WAITING_MAX, "pages")
        self._lanes_of_rows = Lanes(ROWS_THREADS, ROWS_WAITING_MAX, "rows")
        self._beside = beside
        self._lane_beside = Lanes(1, 16, "beside")
        self._bodies_bytes = {False: 0, True: 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            answer = await self._answered(scope, receive)
        except _Left:
            return
        start = {"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})

    async def _answered(self, scope: Scope, receive: Receive) -> WholeAnswer:
        headers = _once(scope)
        try:
            _look_at(scope, headers)
            beside = self._beside.get(scope["path"])
            if beside is not None:
                return await self._lane_beside.run(lambda: beside(headers))
            if self._aside is not None and self._aside.is_asked(scope["path"]):
                return await self._aside.answer(scope["method"], scope["path"], scope["query_string"], headers)
            large = LARGE.get(scope["path"], 0)
            body, length = await self._whole(headers, receive, large)
            environ = environ_of(scope, body)
            if length > len(body):
                environ["CONTENT_LENGTH"] = str(length)
            lanes = self._lanes_of_rows if large else self._lanes
            return await lanes.run(lambda: answer_of(self._pages, environ))
        except _NotLetIn as refused:
            return refused.answer
        except Refused:
            return plain(503, "There is too much to do at the moment. Try again in a few seconds.", _LATER, _CLOSE)

    async def _whole(self, headers: Mapping[str, str], receive: Receive, large: int) -> tuple[bytes, int]:
        """The body, once all of it has come, and its length; of a large one that is too large, nothing and its length.
        `large`: how large a body is taken here, 0 where it is a page's."""
        announced = headers.get("content-length", "")
        most = large or BODY_BYTES_MAX
        if announced and (len(announced) > 12 or int(announced) > most):
            await _let_pass(headers, receive, large)
            return _too_large(announced, large)
        if not announced and "transfer-encoding" not in headers:
            return b"", 0
        parts: list[bytes] = []
        taken = 0
        try:
            async with asyncio.timeout(ROWS_SECONDS_MAX if large else BODY_SECONDS_MAX):
                more = True
                while more:
                    part, more = await _next(receive)
                    parts.append(part)
                    taken += len(part)
                    self._bodies_bytes[bool(large)] += len(part)
                    if taken > most:
                        parts.clear()
                        if more:  # What has come to its end has nothing more to wait for.
                            await _let_pass(headers, receive, large)
                        return _too_large(str(taken), large)
                    if self._bodies_bytes[bool(large)] > BODIES_BYTES_MAX:
                        raise _NotLetIn(plain(503, "Try again in a few seconds.", _LATER, _CLOSE))
        except TimeoutError:
            raise _NotLetIn(plain(408, "The request did not come to its end in time.", _CLOSE)) from None
        finally:
            self._bodies_bytes[bool(large)] -= taken
        return b"".join(parts), taken


def _once(scope: Scope) -> dict[str, str]:
    """The headers of a request by name, in lower case; of one that was sent twice, the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _look_at(scope: Scope, headers: Mapping[str, str]) -> None:
    """Refuse what no page can answer, before any of its body is taken."""
    if scope["http_version"] not in ("1.0", "1.1"):
        raise _NotLetIn(plain(505, "Speak HTTP/1.1.", _CLOSE))
    line = len(scope["raw_path"]) + len(scope["query_string"])
    if line + sum(len(name) + len(value) for name, value in scope["headers"]) > HEAD_BYTES_MAX:
        raise _NotLetIn(plain(431, f"A request's line and headers have at most {HEAD_BYTES_MAX} bytes.", _CLOSE))
    if not scope["raw_path"].startswith(b"/"):
        raise _NotLetIn(plain(400, "The address of a request begins with a slash.", _CLOSE))
    if "transfer-encoding" in headers and "content-length" in headers:
        # Two lengths: what stands in front of us may have believed the other one.
        raise _NotLetIn(plain(400, "A request says its length once.", _CLOSE))
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data" and not scope["path"].startswith("/webhooks/mail/"):
        raise _NotLetIn(plain(415, "No file is expected here.", _CLOSE))


def _too_large(length: str, large: int) -> tuple[bytes, int]:
    if large and len(length) <= 12:
        return b"", int(length)
    raise _NotLetIn(plain(413, f"The body of a request has at most {BODY_BYTES_MAX} bytes.", _CLOSE))


async def _let_pass(headers: Mapping[str, str], receive: Receive, large: int) -> None:
    """Read on for a moment without keeping anything: many clients send all before they look for an answer."""
    if headers.get("expect", "").lower() == "100-continue":
        return
    passed, more = 0, True
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX if large else UNREAD_SECONDS_MAX):
            while more and passed < (2 * large if large else UNREAD_BYTES_MAX):
                part, more = await _next(receive)
                passed += len(part)
    except TimeoutError:
        return


async def _next(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise _Left
    return message.get("body", b""), message.get("more_body", False)
