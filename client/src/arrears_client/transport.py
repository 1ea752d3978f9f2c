"""One request, until it has its answer: sent again where nothing came back or the server asks for that."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader

from arrears_client.problems import ApiProblem, NotReached

Query = Mapping[str, "str | int | bool | Sequence[str] | None"]
Headers = Mapping[str, "str | None"]

TRIES: Final = 6
FIRST_PAUSE_SECONDS: Final = 0.5
PAUSE_SECONDS_MAX: Final = 60.0
"""Who is asked to come again later than this is told so, instead of waiting."""
_TRIED_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
_STILL_RUNNING: Final = "still_running"
_RATE_LIMIT: Final = re.compile(r";\s*r=(\d+)\s*;\s*t=(\d+)")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `body` is the JSON, None where there was none (204, 304)."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def etag(self) -> str | None:
        """The version of what was read, for `if_match`."""
        return self.headers.get("ETag")


class Transport:
    """Sends requests over kept connections; any number of threads may share one. Each request of ours may be sent
    again: reading changes nothing, PUT and DELETE say how things are, rows and a bank's file are compared with what is
    there, and every other POST has an `Idempotency-Key`, the same with each try."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_seconds: float = 30.0,
        tries: int = TRIES,
        pool: urllib3.PoolManager | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._url, self._token, self._tries, self._sleep = url.rstrip("/"), token, tries, sleep
        self._pool = pool or urllib3.PoolManager(maxsize=16, timeout=timeout_seconds)
        self._lock = threading.Lock()
        self._not_before = 0.0

    def close(self) -> None:
        """Give the connections back."""
        self._pool.clear()

    def ask(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        headers: Headers | None = None,
        body: bytes | None = None,
        kind: str = "application/json",
    ) -> Answer:
        """The answer to a request; raises ApiProblem for what is refused, NotReached where none came."""
        url = self._url + path + _query_text(query or {})
        sent = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        sent |= {name: value for name, value in (headers or {}).items() if value is not None}
        sent |= {} if body is None else {"Content-Type": kind}
        for tried in range(1, self._tries + 1):
            self._wait_for_the_limit()
            last = tried == self._tries
            try:
                found = self._pool.request(method, url, body=body, headers=sent, retries=False, redirect=False)
            except HTTPError as error:
                if last:
                    raise NotReached(f"{method} {path}: no answer in {tried} tries ({type(error).__name__})") from error
                self._sleep(_pause(tried, None))
                continue
            self._count(found.headers.get("RateLimit"))
            answer = _answered(found.status, found.headers, found.data)
            if answer is not None:
                return answer
            problem = ApiProblem(found.status, _said(found.data))
            asked = _retry_after(found.headers.get("Retry-After"))
            again = found.status in _TRIED_AGAIN or problem.code == _STILL_RUNNING
            if last or not again or (asked or 0) > PAUSE_SECONDS_MAX:
                raise problem
            self._sleep(_pause(tried, asked))
        raise ValueError("tries must be 1 or more")

    def _wait_for_the_limit(self) -> None:
        with self._lock:
            wait = self._not_before - time.monotonic()
        if wait > 0:
            self._sleep(wait)

    def _count(self, said: str | None) -> None:
        """Where nothing of the limit is left, the next request waits until there is."""
        found = _RATE_LIMIT.search(said or "")
        if found is not None and found[1] == "0":
            with self._lock:
                self._not_before = time.monotonic() + min(int(found[2]), PAUSE_SECONDS_MAX)


def path_of(template: str, **names: str | int) -> str:
    """A path with what it names, each as one segment; ValueError for what no path can name."""
    for name, value in names.items():
        if str(value) in ("", ".", ".."):
            raise ValueError(f"{name} cannot be {str(value)!r} in a path")
    return template.format(**{name: quote(str(value), safe="") for name, value in names.items()})


def _query_text(query: Query) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, str | int):
            pairs.append((name, str(value)))
        elif value is not None:
            pairs += [(name, one) for one in value]
    return "?" + urlencode(pairs) if pairs else ""


def _answered(status: int, headers: Mapping[str, str], data: bytes) -> Answer | None:
    """The API's own word that it was done. A redirect is none, nor is a page of whatever stands before it: whoever took
    one for an answer would believe to have said what nobody has heard."""
    if status not in (304, *range(200, 300)):
        return None
    try:
        return Answer(status, headers, json.loads(data) if data else None)
    except ValueError:
        return None


def _said(data: bytes) -> Mapping[str, Any]:
    """The problem that a body tells; what stands before arrears may have answered in words of its own."""
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"detail": data[:200].decode("utf-8", "replace")}


def _retry_after(said: str | None) -> float | None:
    try:
        return None if said is None else urllib3.Retry().parse_retry_after(said)
    except InvalidHeader:
        return None


def _pause(tried: int, asked: float | None) -> float:
    """Longer with each try, and never before the server's own word; a part of it by chance, so that many clients do
    not come back at once."""
    longest = min(FIRST_PAUSE_SECONDS * 2**tried, PAUSE_SECONDS_MAX)
    return (asked or 0.0) + random.uniform(longest / 2, longest)
