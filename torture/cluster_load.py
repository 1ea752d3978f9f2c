"""What goes on in `torture.cluster` while hosts fail: an operator's billing system, customers who pay, and services.

All of it speaks HTTP to the pages' hosts, one after the other until one answers, with the same key for every try, as a
client of the API does. What was answered is written down: that is what must be there in the end.
"""

from __future__ import annotations

import http.client
import http.server
import itertools
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from arrears_receiver import Done, MemoryBook, Order, Receiver
from arrears_receiver.adapters import answer_to
from arrears_receiver.receiver import as_json

from torture.restarts import zone_at_noon

PORT: Final = 8000
TRY_SECONDS_MAX: Final = 8.0
"""So long a client waits for an answer before it asks the other host."""
AMOUNT: Final = 12_000
PAUSE_SECONDS: Final = 0.25
SAID_ALREADY: Final = ("duplicate_payment", "already_canceled", "not_canceled")
"""What a try is refused with where an earlier one was taken, and its answer was lost (docs/api.md)."""


class Refusal(Exception):
    """An answer that is final, and no success: a fault of this torture or of arrears."""


class Api:
    """The API as a program uses it, at several hosts."""

    def __init__(self, hosts: Sequence[str], token: str, over: threading.Event) -> None:
        self._hosts, self._token, self._over = itertools.cycle(hosts), token, over
        self._host = next(self._hosts)
        self._lock = threading.Lock()
        self.failures: Counter[str] = Counter()

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """The answer of this request, however often it must be sent; Refusal where it is no success."""
        while True:
            status, answer = self._try(self._host, method, path, body, key)
            if 200 <= status < 300:
                return answer
            code = answer.get("code", "") if isinstance(answer, dict) else ""
            if code in SAID_ALREADY:
                return None
            if status not in (0, 429) and status < 500 and code != "still_running":
                raise Refusal(f"{method} {path}: {status} {answer}")
            with self._lock:
                self.failures[str(status)] += 1
                self._host = next(self._hosts)
            if self._over.wait(0.2):
                raise Refusal(f"{method} {path}: no answer when it was over")

    def _try(self, host: str, method: str, path: str, body: Any, key: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Host": "localhost", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        line = http.client.HTTPConnection(host, PORT, timeout=TRY_SECONDS_MAX)
        try:
            line.request(method, f"/v1/{path}", None if body is None else json.dumps(body), headers)
            answer = line.getresponse()
            said = answer.read()
            return answer.status, json.loads(said) if said else None
        except (OSError, http.client.HTTPException, ValueError):
            return 0, None
        finally:
            line.close()


@dataclass
class Answered:
    """What was answered, by what it was; `acknowledged` are the instants (monotonic) of every success of a write."""

    accounts: list[str] = field(default_factory=list)
    invoices: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)
    came_back: list[str] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Load:
    """Customers who come, owe, are written to, pay, leave and come back: `n % 4` says which of it a customer does."""

    def __init__(self, hosts: Sequence[str], token: str) -> None:
        self.over = threading.Event()
        self.api = Api(hosts, token, self.over)
        self.done = Answered()
        self._numbers = itertools.count(1)
        self._threads = [threading.Thread(target=self._run, args=(what,)) for what in (self._writes, self._acts)]
        self._waiting: list[int] = []
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Begin."""
        for one in self._threads:
            one.start()

    def end(self) -> None:
        """Come to an end; what was begun is finished."""
        self._closing = True
        for one in self._threads:
            one.join(120)
        self.over.set()

    _closing = False

    def _run(self, what: Callable[[], None]) -> None:
        while not self._closing:
            try:
                what()
            except Refusal as refusal:
                self.done.refused.append(str(refusal))
            time.sleep(PAUSE_SECONDS)

    def _writes(self) -> None:
        """The operator's billing system: one more customer, whose invoice is past due since yesterday."""
        number = next(self._numbers)
        now = datetime.now(UTC)
        ref = f"C{number}"
        account = {"name": f"Customer {number}", "country": "NL", "zone": zone_at_noon(now), "locale": "en"}
        self._acknowledged(
            "PUT", f"accounts/{ref}", {**account, "payment_mode": "card", "email": f"c{number}@example.org"}
        )
        self.done.accounts.append(ref)
        days = {"issued_on": str((now - timedelta(days=30)).date()), "due_on": str((now - timedelta(days=2)).date())}
        total = {"amount_minor": AMOUNT, "currency": "EUR"}
        invoice = {"account": ref, "services": ["cloud"], **days, "total": total}
        self._acknowledged("PUT", f"invoices/I-{number}", invoice)
        self.done.invoices.append(f"I-{number}")
        with self._lock:
            self._waiting.append(number)

    def _acts(self) -> None:
        """A customer pays with a card, pays by transfer, or leaves and comes back; every fourth does nothing."""
        with self._lock:
            if not self._waiting:
                return
            number = self._waiting.pop(0)
        ref = f"C{number}"
        if number % 4 == 1:
            self._settles(ref)
        elif number % 4 == 2:
            total = {"amount_minor": AMOUNT, "currency": "EUR"}
            body = {"account": ref, "ref": f"bank-{number}", "amount": total, "invoices": [f"I-{number}"]}
            self._acknowledged("POST", "payments", body, f"pay-{number}")
            self.done.paid.append(ref)
        elif number % 4 == 3:
            way = f"accounts/{ref}/subscriptions/cloud"
            self._acknowledged("POST", f"{way}/cancel", {"why": "leaves"}, f"cancel-{number}")
            self.done.canceled.append(ref)
            self._acknowledged("POST", f"{way}/reactivate", {"why": "comes back"}, f"back-{number}")
            self.done.came_back.append(ref)

    def _settles(self, ref: str) -> None:
        way = f"accounts/{ref}"
        page = self._acknowledged("POST", f"{way}/payment-methods", {}, f"setup-{ref}")
        chosen(page["url"])
        method = self._acknowledged("POST", f"{way}/payment-methods/finish", {"page": page["page"]}, f"card-{ref}")
        owed = self.api.ask("GET", f"{way}/settlement")["owed"]
        if not owed:
            return  # the card that it has now was charged by ourselves
        quotes = [{key: one[key] for key in ("currency", "amount_minor", "hash")} for one in owed]
        try:
            said = self._acknowledged(
                "POST", f"{way}/settlement", {"method": method["method"], "quotes": quotes}, f"settle-{ref}"
            )
        except Refusal as refusal:
            if "attempt_in_flight" in str(refusal) or "nothing_owed" in str(refusal) or "stale_quote" in str(refusal):
                return  # we were first
            raise
        if any(one["state"] == "paid" for one in said["results"]):
            self.done.settled.append(ref)

    def _acknowledged(self, method: str, path: str, body: Any, key: str = "") -> Any:
        answer = self.api.ask(method, path, body, key)
        self.done.acknowledged.append(time.monotonic())
        return answer


def chosen(url: str) -> None:
    """A person chooses a card on the provider's page."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    form = urllib.parse.urlencode({"card": "approve", "do": "go"}).encode()
    with suppress(urllib.error.HTTPError):
        urllib.request.build_opener(Stay, urllib.request.ProxyHandler({})).open(url, form, timeout=30).close()


class CloudService:
    """The service that obeys, behind the real receiver: how often each order was carried out."""

    def __init__(self, address: str) -> None:
        self.carried_out: Counter[str] = Counter()
        self.receiver: Receiver | None = None
        service = self

        class OneRequest(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._answer("POST", body)

            def do_GET(self) -> None:
                self._answer("GET", b"")

            def _answer(self, method: str, body: bytes) -> None:
                assert service.receiver is not None
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = answer_to(service.receiver, method, headers, urllib.parse.urlsplit(self.path).query, body)
                said = as_json(reply)
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = http.server.ThreadingHTTPServer((address, 0), OneRequest)
        self.url = f"http://{address}:{self._server.server_port}/orders"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def begin(self, secret: str) -> None:
        """Obey what is signed by this secret."""
        self.receiver = Receiver([secret], "cloud", self._obey, MemoryBook())
        self._thread.start()

    def end(self) -> None:
        """Close."""
        self._server.shutdown()

    def _obey(self, order: Order) -> Done:
        self.carried_out[order.id] += 1
        return Done()
