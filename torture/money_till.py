"""The sandbox provider in this process, behind the real adapter on Stripe's SDK, with a day's weather on its wire."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import stripe

from arrears.adapters.payments.stripe import Stripe
from arrears.sandbox.control import CONTROLS
from arrears.sandbox.run import SECRET_KEY, WEBHOOK_SECRET
from arrears.sandbox.server import Sandbox

WEATHER: Final = ("drop_before", "drop_after", "late", "error_before", "error_after", "limited")
"""What may go wrong with one request; see `sandbox/faults.py`."""

LATE_SECONDS: Final = 1200
"""After how long a request that was late is done: long before its key is forgotten."""


class Wire(stripe.HTTPClient):
    """Answers from a sandbox at once; `bad` of a hundred requests that change something go wrong in some way."""

    name = "in process"

    def __init__(self, sandbox: Sandbox, dice: random.Random) -> None:
        super().__init__()
        self.sandbox, self.dice = sandbox, dice
        self.bad = 0
        self.always = ""
        """What goes wrong with every one of them, if anything."""
        self.lost = 0
        self.at = 0
        """What time it is at the provider while something is done that was late; else it is its own."""
        self.late: list[tuple[int, tuple[str, str, bytes, str, str]]] = []

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """One request, as the SDK makes it."""
        parts, verb, sent = urlsplit(url), method.upper(), dict(headers or {})
        path = parts.path.removeprefix("/v1/")
        dated = self.sandbox.dated()
        for due, asked in list(self.late):
            if due <= self.sandbox.book.clock:
                self.late.remove((due, asked))
                self.at = due
                self.sandbox.once(*asked)
                self.at = 0
        if sent.get("Authorization") != f"Bearer {self.sandbox.secret_key}":
            return _error("invalid_request_error", "Invalid API Key provided."), 401, dated
        if path.startswith(self.sandbox.denied) or f"{verb} {path}".startswith(self.sandbox.denied):
            return (
                _error("invalid_request_error", "The key does not have the required permissions."),
                403,
                dated,
            )
        weather = self.always if verb == "POST" else ""
        if not weather and verb == "POST" and self.dice.randrange(100) < self.bad:
            weather = self.dice.choice(WEATHER)
            self.lost += 1
        if weather == "limited":
            return _error("invalid_request_error", "Too many requests."), 429, dated
        if weather == "error_before":
            return _error("api_error", "An unknown error occurred."), 500, dated
        if weather == "drop_before":
            raise _away("nobody answered")
        key, body = sent.get("Idempotency-Key", ""), (post_data or "").encode()
        if weather == "late":
            self.late.append((self.sandbox.book.clock + LATE_SECONDS, (verb, path, body, parts.query, key)))
            raise _away("nobody answered yet")
        status, answer, replayed = self.sandbox.once(verb, path, body, parts.query, key, fails=weather == "error_after")
        if weather == "drop_after":
            raise _away("the answer was lost")
        return json.dumps(answer), status, {**dated, "idempotent-replayed": "true"} if replayed else dated


def _away(why: str) -> Exception:
    return stripe.APIConnectionError(why)  # type: ignore[no-untyped-call]


def _error(kind: str, message: str) -> str:
    return json.dumps({"error": {"type": kind, "message": message}})


class Till:
    """A provider whose time is `now()`, and the adapter in front of it."""

    def __init__(self, now: Callable[[], int], installation: str, dice: random.Random) -> None:
        self.sandbox = Sandbox(SECRET_KEY, WEBHOOK_SECRET, now)
        self._time = now
        self.sandbox._now = self._now  # type: ignore[method-assign]
        self.wire = Wire(self.sandbox, dice)
        self.stripe = self._adapter(installation)
        self.neighbour = self._adapter("ins_neighbour")
        """Another installation at the same account of the provider."""

    def _adapter(self, installation: str) -> Stripe:
        kinds = ("card", "sepa_debit")
        return Stripe(SECRET_KEY, [], live=False, method_types=kinds, http_client=self.wire, installation=installation)

    def _now(self) -> int:
        self.sandbox.book.clock = self.wire.at or self._time()
        return self.sandbox.book.clock

    def control(self, what: str, **asked: Any) -> Any:
        """Let something happen at the provider, now."""
        self.sandbox.pass_time()
        return CONTROLS[what](self.sandbox, asked)
