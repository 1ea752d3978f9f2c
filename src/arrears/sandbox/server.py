"""The sandbox's HTTP server: the wire, the pages, and the control by which tests give it bad days."""

from __future__ import annotations

import asyncio
import hmac
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from arrears.sandbox.api import Api
from arrears.sandbox.faults import KINDS, Fault, Faults
from arrears.sandbox.objects import Book, WireError
from arrears.sandbox.pages import answer_challenge, challenge_page, session_page, use_card
from arrears.sandbox.wire import read_form

BODY_BYTES_MAX: Final = 1 << 20
KEY_SECONDS: Final = 24 * 3600
"""Idempotency keys are forgotten after a day, as the real one may."""

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


class Sandbox:
    """The state of one sandbox and its requests. All run on one event loop, so each is done at once or not at all."""

    def __init__(self, secret_key: str, webhook_secret: str, clock: Callable[[], int]) -> None:
        self.secret_key = secret_key
        self.webhook_secret = webhook_secret
        self.clock = clock
        self.book = Book(clock())
        self.api = Api(self.book, "")
        self.faults = Faults()
        self.keys: dict[str, tuple[str, int, dict[str, Any], int]] = {}
        self.late: list[tuple[str, str, bytes, str, str]] = []
        self.webhook_url = ""
        self.webhook_mode: dict[str, Any] = {"lose": False, "times": 1, "reverse": False}
        self.told = 0
        self.follows_clock = True

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/{path:path}", self.wire, methods=["GET", "POST"]),
                Route("/pay/challenge/{intent}", self.challenge, methods=["GET", "POST"]),
                Route("/pay/{session}", self.page, methods=["GET", "POST"]),
                Route("/sandbox/{what}", self.control, methods=["GET", "POST"]),
            ]
        )

    def _now(self) -> int:
        if self.follows_clock:
            self.book.clock = max(self.book.clock, self.clock())
        return self.book.clock

    # -- the wire --------------------------------------------------------------------------------------------

    async def wire(self, request: Request) -> Response:
        """One request of the API."""
        body = await request.body()
        if len(body) > BODY_BYTES_MAX:
            return _error(413, "invalid_request_error", "Request body too large.")
        if not hmac.compare_digest(_key_of(request), self.secret_key):
            return _error(401, "invalid_request_error", "Invalid API Key provided.")
        path, query, verb = request.path_params["path"].strip("/"), str(request.url.query), request.method
        fault = self.faults.next_for(verb, path)
        if fault == "drop_before":
            return Dropped()
        if fault == "limited":
            return _error(429, "invalid_request_error", "Too many requests.", "rate_limit")
        if fault == "error_before":
            return _error(500, "api_error", "An unknown error occurred.")
        if fault == "slow":
            await asyncio.sleep(0.2)
        key = request.headers.get("idempotency-key", "") if verb == "POST" else ""
        if fault == "late":
            self.late.append((verb, path, body, query, key))
            return Dropped()
        status, answer, replayed = self.once(verb, path, body, query, key, fails=fault == "error_after")
        if fault == "drop_after":
            return Dropped()
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        await self._tell()
        return JSONResponse(answer, status, headers={"Request-Id": f"req_{self.book.count}", **headers})

    def once(
        self, verb: str, path: str, body: bytes, query: str, key: str, *, fails: bool = False
    ) -> tuple[int, dict[str, Any], bool]:
        """Do a request, or answer it as it was answered before under the same key."""
        now = self._now()
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
        self._now()
        if session.status == "open" and self.book.clock >= session.expires_at:
            session.status = "expired"
            self.book.happened("checkout.session.expired", session.id, "checkout.session")
        if request.method == "GET" or session.status != "open":
            return HTMLResponse(session_page(session), headers=_PAGE_HEADERS)
        form = read_form(await request.body())
        if form.get("do") == "cancel":
            return RedirectResponse(session.cancel_url or session.success_url, 303)
        if not use_card(self.book, session, str(form.get("card", "approve"))):
            await self._tell()
            return HTMLResponse(session_page(session, declined=True), headers=_PAGE_HEADERS)
        await self._tell()
        return RedirectResponse(session.success_url.replace("{CHECKOUT_SESSION_ID}", session.id), 303)

    async def challenge(self, request: Request) -> Response:
        """The bank's page."""
        intent = self.book.intents.get(request.path_params["intent"])
        if intent is None:
            return HTMLResponse("<h1>404</h1>", 404)
        if request.method == "GET":
            return HTMLResponse(challenge_page(intent), headers=_PAGE_HEADERS)
        form = read_form(await request.body())
        answer_challenge(self.book, intent, confirmed=form.get("do") == "yes")
        await self._tell()
        return RedirectResponse(intent.return_url or "/", 303)

    # -- control ---------------------------------------------------------------------------------------------

    async def control(self, request: Request) -> Response:
        """What tests, torture and the demo ask of the sandbox itself; JSON in and out."""
        what = request.path_params["what"]
        asked = json.loads(await request.body() or b"{}") if request.method == "POST" else {}
        found = getattr(self, f"_control_{what}", None)
        if found is None:
            return JSONResponse({"error": f"no control {what!r}"}, 404)
        try:
            answer = found(asked)
        except (KeyError, WireError) as error:
            return JSONResponse({"error": str(error)}, 400)
        await self._tell()
        return JSONResponse(answer)

    def _control_book(self, _: dict[str, Any]) -> Any:
        return list(self.book.truth())

    def _control_clock(self, asked: dict[str, Any]) -> Any:
        if "now" in asked:
            self.follows_clock, self.book.clock = False, int(asked["now"])
        return {"now": self.book.clock}

    def _control_faults(self, asked: dict[str, Any]) -> Any:
        if "plan" in asked:
            planned = [Fault(**one) for one in asked["plan"]]
            assert all(one.kind in KINDS for one in planned), KINDS
            self.faults.plan(planned, int(asked.get("seed", 0)))
        return self.faults.happened

    def _control_release(self, _: dict[str, Any]) -> Any:
        """What was late is done now."""
        late, self.late = self.late, []
        return [self.once(*one)[0] for one in late]

    def _control_behave(self, asked: dict[str, Any]) -> Any:
        self.book.methods[asked["method"]].behaves = asked["as"]
        return {}

    def _control_card(self, asked: dict[str, Any]) -> Any:
        """Choose a card on a page, as a person would."""
        session = self.book.sessions[asked["session"]]
        return {"done": use_card(self.book, session, asked["card"])}

    def _control_challenge(self, asked: dict[str, Any]) -> Any:
        answer_challenge(self.book, self.book.intents[asked["intent"]], confirmed=asked["confirmed"])
        return {}

    def _control_dispute(self, asked: dict[str, Any]) -> Any:
        return {"id": self.book.dispute(self.book.intents[asked["intent"]]).id}

    def _control_close(self, asked: dict[str, Any]) -> Any:
        self.book.close_dispute(self.book.disputes[asked["dispute"]], won=asked["won"])
        return {}

    def _control_webhook(self, asked: dict[str, Any]) -> Any:
        self.webhook_url = asked.get("url", self.webhook_url)
        self.webhook_mode |= {k: v for k, v in asked.items() if k in self.webhook_mode}
        return {}

    def signed(self, payload: bytes, at: int) -> str:
        """The signature header of a webhook."""
        digest = hmac.new(self.webhook_secret.encode(), f"{at}.".encode() + payload, sha256).hexdigest()
        return f"t={at},v1={digest}"

    async def _tell(self) -> None:
        """Deliver what has happened since the last time, as the webhook mode has it."""
        fresh = list(range(self.told, len(self.book.events)))
        self.told = len(self.book.events)
        if not self.webhook_url or self.webhook_mode["lose"] or not fresh:
            return
        if self.webhook_mode["reverse"]:
            fresh.reverse()
        sends = []
        for index in fresh:
            payload = json.dumps(self.api.event_json(index)).encode()
            sends += [(payload, self.signed(payload, self._now()))] * int(self.webhook_mode["times"])
        threading.Thread(target=_deliver, args=(self.webhook_url, sends), daemon=True).start()


def _deliver(url: str, sends: list[tuple[bytes, str]]) -> None:
    for payload, signature in sends:
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
        request = urllib.request.Request(url, payload, headers)
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except (urllib.error.URLError, OSError):
            continue  # the real one tries again for days; here the sweep finds it


def _key_of(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _error(status: int, kind: str, message: str, code: str = "") -> JSONResponse:
    return JSONResponse({"error": {"type": kind, "message": message, **({"code": code} if code else {})}}, status)
