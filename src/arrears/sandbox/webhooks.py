"""Webhooks: what happened is told to one address, signed, by a thread of its own; again where nobody took it, twice,
backwards, late or not at all, as a test may ask."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from heapq import heappop, heappush
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

TRIES_MAX: Final = 6
RETRY_SECONDS: Final = 0.5
"""The pause before the second try; it doubles each time. The real one goes on for three days."""
ANSWER_SECONDS_MAX: Final = 10
MODE_TIMES_MAX, RETRY_SECONDS_MAX = 20, 3600
"""What may be asked for: the pause after the last try must be one that a thread can wait."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A receiver that points elsewhere has not taken it."""


class Webhooks:
    """Deliveries to `url`; while it is empty none are made. `lose`: none either. `times`: each is made so often.
    `reverse`: the last first. `hold`: they wait until `release`. `tries` and `retry_seconds`: how often one that
    was not taken (2xx) is tried, and the pause before the second. `sign` gives a payload's signature header, anew for
    each try."""

    def __init__(self, sign: Callable[[bytes], str]) -> None:
        self.sign = sign
        self.mode: dict[str, Any] = {
            "url": "",
            "lose": False,
            "times": 1,
            "reverse": False,
            "hold": False,
            "tries": TRIES_MAX,
            "retry_seconds": RETRY_SECONDS,
        }
        self.counts = {"delivered": 0, "given_up": 0, "tries": 0}
        self._held: list[bytes] = []
        self._due: list[tuple[float, int, int, bytes]] = []
        self._busy = 0
        self._order = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        # What is on this machine is never behind the proxy that the environment names.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def set(self, asked: dict[str, Any]) -> None:
        """Change the mode; ValueError for a name that it does not have or a value that the name cannot have."""
        unknown = [name for name in asked if name not in self.mode]
        if unknown:
            raise ValueError(f"webhooks have no {unknown[0]!r}; they have {', '.join(self.mode)}")
        for name, value in asked.items():
            if not _fits(name, value):
                raise ValueError(f"webhooks cannot have {value!r} as {name}")
        self.mode |= asked

    def tell(self, payloads: list[bytes]) -> None:
        """Deliver these, as the mode has it."""
        if not self.mode["url"] or self.mode["lose"] or not payloads:
            return
        if self.mode["hold"]:
            self._held += payloads
            return
        at = time.monotonic()
        with self._changed:
            for payload in reversed(payloads) if self.mode["reverse"] else payloads:
                for _ in range(int(self.mode["times"])):
                    self._put(at, 1, payload)
            self._start()

    def release(self) -> int:
        """Hold no longer, and deliver what was held; how many that are."""
        held, self._held = self._held, []
        self.mode["hold"] = False
        self.tell(held)
        return len(held)

    def figures(self) -> dict[str, Any]:
        """How it stands: delivered, given up, tries made, waiting for a try (or in one), held."""
        with self._changed:
            return {**self.counts, "waiting": len(self._due) + self._busy, "held": len(self._held)}

    def close(self) -> None:
        """Make no more tries."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(ANSWER_SECONDS_MAX)

    def _put(self, at: float, number: int, payload: bytes) -> None:
        self._order += 1
        heappush(self._due, (at, self._order, number, payload))
        self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, daemon=True, name="sandbox webhooks")
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (not self._due or self._due[0][0] > time.monotonic()):
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._closed:
                    return
                _, _, number, payload = heappop(self._due)
                self._busy = 1
            taken = self._try(payload)
            with self._changed:
                self._busy = 0
                self.counts["tries"] += 1
                if taken:
                    self.counts["delivered"] += 1
                elif number >= int(self.mode["tries"]):
                    self.counts["given_up"] += 1
                else:
                    self._put(time.monotonic() + self.mode["retry_seconds"] * 2 ** (number - 1), number + 1, payload)

    def _try(self, payload: bytes) -> bool:
        headers = {"Content-Type": "application/json", "Stripe-Signature": self.sign(payload)}
        try:
            request = urllib.request.Request(self.mode["url"], payload, headers)
            with self._opener.open(request, timeout=ANSWER_SECONDS_MAX) as answer:
                return bool(200 <= answer.status < 300)
        except (OSError, HTTPException, ValueError):  # the last: nobody is to be told any more
            return False


def _fits(name: str, value: object) -> bool:
    match name:
        case "url":
            parts = urlsplit(value) if isinstance(value, str) else None
            return value == "" or (parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname))
        case "lose" | "reverse" | "hold":
            return isinstance(value, bool)
        case "retry_seconds":
            return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= RETRY_SECONDS_MAX
        case _:
            return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MODE_TIMES_MAX
