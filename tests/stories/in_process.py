"""The sandbox without a network: the real adapter on Stripe's SDK, answered in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from arrears.adapters.payments.stripe import Stripe
from arrears.sandbox.control import CONTROLS
from arrears.sandbox.run import SECRET_KEY, WEBHOOK_SECRET
from arrears.sandbox.server import Sandbox


class InProcess(stripe.HTTPClient):
    """Answers from a sandbox at once. While `drops`, what changes something is done and its answer is lost."""

    name = "in process"

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.sandbox = sandbox
        self.drops = False

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[str, int, Mapping[str, str]]:
        parts, verb = urlsplit(url), method.upper()
        key = dict(headers or {}).get("Idempotency-Key", "")
        path = parts.path.removeprefix("/v1/")
        status, answer, _ = self.sandbox.once(verb, path, (post_data or "").encode(), parts.query, key)
        if self.drops and verb == "POST":
            raise stripe.APIConnectionError("the answer was lost")
        return json.dumps(answer), status, self.sandbox.dated()


class Bench:
    """A provider whose time is `now()` and what its offset says, and the adapter in front of it."""

    def __init__(self, now: Any, installation: str) -> None:
        self.sandbox = Sandbox(SECRET_KEY, WEBHOOK_SECRET, now)
        self.sandbox._now = self._now  # type: ignore[method-assign]
        self.client = InProcess(self.sandbox)
        self.stripe = Stripe(SECRET_KEY, [], live=False, http_client=self.client, installation=installation)

    def _now(self) -> int:
        self.sandbox.book.clock = self.sandbox.clock() + self.sandbox.offset
        return self.sandbox.book.clock

    def control(self, what: str, **asked: Any) -> Any:
        """Let something happen at the provider, now."""
        self.sandbox.pass_time()
        return CONTROLS[what](self.sandbox, asked)
