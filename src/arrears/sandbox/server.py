"""The sandbox over HTTP: its state, the wire and the pages. `app.py` puts them at their addresses."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from hashlib import sha256
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from arrears.sandbox.api import Api
from arrears.sandbox.book import SandboxBook
from arrears.sandbox.faults import Faults
from arrears.sandbox.forms import Params, read_form
from arrears.sandbox.objects import WireError
from arrears.sandbox.pages import back_to, challenge_page, language_of, session_page, use_card
from arrears.sandbox.webhooks import Webhooks

BODY_BYTES_MAX: Final = 1 << 20
KEY_CHARS_MAX: Final = 255
KEY_SECONDS: Final = 24 * 3600
"""Idempotency keys are forgotten after a day, as the real one may (docs.stripe.com/api/idempotent_requests)."""
SLOW_SECONDS: Final = 0.2

_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action *; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class Dropped(Response):
    """An answer that breaks off: the caller cannot know what was done."""

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        """Promise a body and end without it."""
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]}
        await send(start)


KeptAnswers = dict[str, tuple[str, int, dict[str, Any], int]]
SandboxMemory = tuple[SandboxBook, KeptAnswers]
"""What a sandbox knows for longer than it runs: its book, and what it has answered under which idempotency key."""


class Sandbox:
    """The state of one sandbox and its requests. All run on one event loop, so each is done at once or not at all. With
    the `memory` of another it goes on as that one."""

    def __init__(
        self, secret_key: str, webhook_secret: str, clock: Callable[[], int], memory: SandboxMemory | None = None
    ) -> None:
        self.secret_key = secret_key
        self.webhook_secret = webhook_secret
        self.clock = clock
        self.book, self.keys = memory or (SandboxBook(clock()), KeptAnswers())
        self.api = Api(self.book, "")
        self.faults = Faults()
        self.late: list[tuple[str, str, bytes, str, str]] = []
        self.webhooks = Webhooks(lambda payload: self.signed(payload, self.book.clock))
        self.told = len(self.book.events)
        self.mistakes: list[str] = []
        """The tracebacks of its own mistakes: they look like an outage to who charges, so they are told at the end."""
        self.follows_clock = True
        self.offset = 0
        """So many seconds is this clock ahead of the one that it follows."""
        self.date: str | None = "own"
        """What its answers say that the time is: its `own`, another text, or nothing (None)."""
        self.denied: tuple[str, ...] = ()
        """What the key may not ask for, by the beginning of the path, or of the verb and the path."""

    def _now(self) -> int:
        if self.follows_clock:
            self.book.clock = max(self.book.clock, self.clock() + self.offset)
        return self.book.clock

    def pass_time(self) -> int:
        """Let happen what is due by now; the sandbox's time in Unix seconds."""
        now = self._now()
        self.book.pass_time()
        return now

    # -- the wire --------------------------------------------------------------------------------------------

    async def wire(self, request: Request) -> Response:
        """One request of the API, answered with the time that it is here."""
        answer = await self._answered(request)
        answer.headers.update(self.dated())
        return answer

    def dated(self) -> dict[str, str]:
        """The header that says when something is answered."""
        if self.date is None:
            return {}
        return {"Date": formatdate(self._now(), usegmt=True) if self.date == "own" else self.date}

    async def _answered(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > BODY_BYTES_MAX:
            return _error(413, "invalid_request_error", "Request body too large.")
        if not hmac.compare_digest(_key_of(request).encode(), self.secret_key.encode()):
            return _error(401, "invalid_request_error", "Invalid API Key provided.")
        path, query, verb = request.path_params["path"].strip("/"), str(request.url.query), request.method
        if path.startswith(self.denied) or f"{verb} {path}".startswith(self.denied):
            message = f"The provided key does not have the required permissions for this endpoint ({path})."
            return _error(403, "invalid_request_error", message)
        key = request.headers.get("idempotency-key", "") if verb == "POST" else ""
        if len(key) > KEY_CHARS_MAX:
            return _error(400, "invalid_request_error", f"Idempotency keys have at most {KEY_CHARS_MAX} characters.")
        fault = self.faults.next_for(verb, path)
        if fault == "drop_before":
            return Dropped()
        if fault == "limited":
            return _error(429, "invalid_request_error", "Too many requests.", "rate_limit")
        if fault == "error_before":
            return _error(500, "api_error", "An unknown error occurred.")
        if fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if fault == "late":
            self.late.append((verb, path, body, query, key))
            return Dropped()
        status, answer, replayed = self.once(verb, path, body, query, key, fails=fault == "error_after")
        self.tell()
        if fault == "drop_after":
            return Dropped()
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        return JSONResponse(answer, status, headers={"Request-Id": f"req_{self.book.count}", **headers})

    def once(
        self, verb: str, path: str, body: bytes, query: str, key: str, *, fails: bool = False
    ) -> tuple[int, dict[str, Any], bool]:
        """Do a request, or answer it as it was answered before under the same key."""
        now = self.pass_time()
        digest = sha256(f"{verb} {path} ".encode() + body).hexdigest()
        kept = self.keys.get(key) if key else None
        if kept is not None and now - kept[3] < KEY_SECONDS:
            if kept[0] != digest:
                message = "Keys for idempotent requests can only be used with the same parameters."
                return 400, {"error": {"type": "idempotency_error", "message": message}}, False
            return kept[1], kept[2], True
        try:
            params = read_form(query.encode() if verb == "GET" else body)
            status, answer = 200, self.api.answer(verb, path.split("/"), params)
        except WireError as error:
            status, answer = error.status, {"error": error.error}
        if fails:
            status, answer = 500, {"error": {"type": "api_error", "message": "An unknown error occurred."}}
        # What was refused before it began may be sent again under its key; everything else is kept.
        if key and status not in (400, 401, 404, 429):
            self.keys[key] = (digest, status, answer, now)
        return status, answer, False

    # -- pages -----------------------------------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        """The hosted page of a session."""
        session = self.book.sessions.get(request.path_params["session"])
        if session is None:
            return HTMLResponse("<h1>404</h1>", 404)
        self.pass_time()
        self.tell()
        lang = language_of(session.locale, request.headers.get("accept-language", ""))
        if request.method == "GET" or session.status != "open":
            return HTMLResponse(session_page(session, lang), headers=_PAGE_HEADERS)
        form = await _form(request)
        if form.get("do") == "cancel":
            return RedirectResponse(back_to(session.cancel_url or session.success_url, session), 303)
        try:
            done = use_card(self.book, session, str(form.get("card", "")))
        except WireError:
            return HTMLResponse(session_page(session, lang, alert="unknown"), 400, headers=_PAGE_HEADERS)
        self.tell()
        asked = self.book.intents.get(session.intent or "")
        if asked is not None and asked.status == "requires_action":
            return RedirectResponse(f"/pay/challenge/{asked.id}", 303)
        if not done:
            return HTMLResponse(session_page(session, lang, alert="declined"), headers=_PAGE_HEADERS)
        return RedirectResponse(back_to(session.success_url, session), 303)

    async def challenge(self, request: Request) -> Response:
        """The bank's page."""
        intent = self.book.intents.get(request.path_params["intent"])
        if intent is None:
            return HTMLResponse("<h1>404</h1>", 404)
        if request.method == "GET":
            lang = language_of("auto", request.headers.get("accept-language", ""))
            return HTMLResponse(challenge_page(intent, lang), headers=_PAGE_HEADERS)
        form = await _form(request)
        self.pass_time()
        self.book.answer_challenge(intent, confirmed=form.get("do") == "yes")
        self.tell()
        if intent.session is not None and self.book.sessions[intent.session].status == "open":
            return RedirectResponse(f"/pay/{intent.session}", 303)
        return RedirectResponse(intent.return_url or "/", 303)

    def signed(self, payload: bytes, at: int) -> str:
        """The signature header of a webhook."""
        digest = hmac.new(self.webhook_secret.encode(), f"{at}.".encode() + payload, sha256).hexdigest()
        return f"t={at},v1={digest}"

    def tell(self) -> None:
        """Hand what has happened since the last time to the webhooks."""
        fresh = range(self.told, len(self.book.events))
        self.told = len(self.book.events)
        if self.webhooks.mode["url"] and not self.webhooks.mode["lose"]:
            self.webhooks.tell([json.dumps(self.api.event_json(index)).encode() for index in fresh])


async def _form(request: Request) -> Params:
    try:
        return read_form(await request.body())
    except WireError:
        return {}


def _key_of(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _error(status: int, kind: str, message: str, code: str = "") -> JSONResponse:
    return JSONResponse({"error": {"type": kind, "message": message, **({"code": code} if code else {})}}, status)
