"""What machines ask of a serving process: does it live (`/healthz`), can it serve (`/readyz`), how does it all do
(`/metrics`). Answered beside the pages, before hosts, HTTPS and sessions are looked at, and however busy those are."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

import psycopg
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from arrears.store import schema
from arrears.store.postgres.vital_signs import VitalSigns, connected, readiness, vital_signs
from arrears.web.bridge import WholeAnswer
from arrears.web.gate import PLAIN_HEADERS, Beside, plain

WORKER_LATE_SECONDS: Final = 15 * 60
"""Workers look every few seconds; who runs `arrears run` by the hour is late between, and that is said."""

Headers = Mapping[str, str]


def beside(url: str, now: Callable[[], datetime], metrics_token: str) -> Mapping[str, Beside]:
    """The answers by path, for the installation in this database; without a token there are no metrics."""
    found: dict[str, Beside] = {
        "/healthz": lambda _headers: _json(200, {"process": "alive"}),
        "/readyz": lambda _headers: _ready(url, now()),
    }
    if metrics_token:
        found["/metrics"] = lambda headers: _metrics(url, now(), metrics_token, headers)
    return found


def _json(status: int, values: Mapping[str, object]) -> WholeAnswer:
    body = json.dumps(values).encode() + b"\n"
    return _answer(status, b"application/json", body)


def _answer(status: int, kind: bytes, body: bytes) -> WholeAnswer:
    headers = [(name, value) for name, value in PLAIN_HEADERS if name != b"content-type"]
    return WholeAnswer(status, [*headers, (b"content-type", kind), (b"content-length", str(len(body)).encode())], body)


def _ready(url: str, now: datetime) -> WholeAnswer:
    """503 without the database or with another schema's: whoever shares out requests sends none. That no worker looks
    is said and stops nothing: whoever wants to pay still can."""
    try:
        with connected(url) as db:
            found = readiness(db, now)
    except psycopg.Error:
        return _json(503, {"database": "away"})
    wanted = max(schema.versions())
    age = found.worker_seconds
    worker = "never" if age is None else "late" if age > WORKER_LATE_SECONDS else "looking"
    told: dict[str, object] = {
        "database": "there",
        "schema": found.schema,
        "schema_wanted": wanted,
        "worker": worker,
        "worker_seconds": _rounded(age),
        "complete_run_seconds": _rounded(found.complete_run_seconds),
        "left_out": found.left_out,
    }
    return _json(200 if found.schema == wanted else 503, told)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _metrics(url: str, now: datetime, token: str, headers: Headers) -> WholeAnswer:
    sent = headers.get("authorization", "")
    if not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
        return plain(401, "Send the token of ARREARS_METRICS_TOKEN.", (b"www-authenticate", b"Bearer"))
    try:
        with connected(url) as db:
            signs = vital_signs(db, now)
    except psycopg.Error:
        return plain(503, "The database is away.", (b"retry-after", b"5"))
    registry = CollectorRegistry()
    registry.register(_Gauges(signs))
    return _answer(200, b"text/plain; version=0.0.4; charset=utf-8", generate_latest(registry))


class _Gauges(Collector):
    """What was measured, in Prometheus' words."""

    def __init__(self, signs: VitalSigns) -> None:
        self._signs = signs

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """See Collector."""
        signs = self._signs
        for name, what, value in (
            ("worker_age_seconds", "Since a worker or a run last looked", signs.worker_seconds),
            ("complete_run_age_seconds", "Since a run last came to its end", signs.complete_run_seconds),
            ("accounts_left_out", "Accounts that were due then and were not looked at", float(signs.left_out)),
            ("accounts_due", "Accounts whose next decision is due", signs.accounts_due),
            ("lag_seconds", "Since the longest due of them was", signs.lag_seconds or 0.0),
            ("accounts_waiting", "Accounts that wait for a doubt to end", signs.accounts_waiting),
            ("clock_suspect", "1 while a person has to confirm the clock", float(signs.clock_suspect)),
            ("decline_storm", "1 while too many charges are declined", float(signs.breaker_open)),
            (
                "chains_broken",
                "Accounts, of the next thousand, whose journal does not end as stored",
                signs.chains_broken,
            ),
        ):
            if value is not None:
                yield GaugeMetricFamily(f"arrears_{name}", what, value=value)
        oldest = {kind: seconds for kind, (_, seconds) in signs.actions.items()}
        waiting = {kind: count for kind, (count, _) in signs.actions.items()}
        yield _by("actions_waiting", "To be performed: messages, orders to services, charges, refunds", "kind", waiting)
        yield _by("actions_oldest_seconds", "How long the oldest of them has waited", "kind", oldest)
        yield _by("attempts_open", "Charges of which money could still move", "state", signs.attempts)
        yield _by("tasks_open", "What waits for a person", "kind", signs.tasks)
        yield _by("sweep_age_seconds", "Since a payment provider was last read", "provider", signs.sweeps)


def _by(name: str, what: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"arrears_{name}", what, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
