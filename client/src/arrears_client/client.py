"""The client: every operation of the API, and iterators over what comes in pages."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Self

import urllib3

from arrears_client.models import RowSaid
from arrears_client.operations import Operations
from arrears_client.transport import TRIES, Answer, Headers, Query, Transport

ROWS_MAX: Final = 10_000
ROWS_BYTES_MAX: Final = 15 * 2**20
"""Of one request; the API takes 16 MiB."""


class Client(Operations):
    """Speaks to the API at `url` with a token. Made once and shared by threads; `tries` is how often a request is sent
    until its answer came, `pool` a urllib3 pool of your own (a proxy, your certificates)."""

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
        self._transport = Transport(url, token, timeout_seconds=timeout_seconds, tries=tries, pool=pool, sleep=sleep)
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def ask(
        self, method: str, path: str, query: Query | None = None, headers: Headers | None = None, body: Any = None
    ) -> Answer:
        """Any request, with its status and headers: `ask("GET", "/v1/accounts/c-17").etag` is for `if_match`."""
        sent = None if body is None else json.dumps(body).encode()
        return self._transport.ask(method, path, query, headers, sent)

    def _call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        headers: Headers | None = None,
        body: Any = None,
        key: str | None = None,
    ) -> Any:
        """See Operations. Where a key is needed and none is given there is a new one, the same for each try."""
        keyed = {} if key is None else {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.ask(method, path, query, {**(headers or {}), **keyed}, body).body

    def _rows(self, path: str, rows: Iterable[Mapping[str, Any]]) -> Any:
        lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        return self._transport.ask("POST", path, body=lines, kind="application/x-ndjson").body

    def _file(self, path: str, file: bytes, query: Query | None = None) -> Any:
        return self._transport.ask("POST", path, query, body=file, kind="application/octet-stream").body

    def upsert(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[RowSaid]:
        """Send any number of rows, up to 10,000 at a time, and say of each what came of it, `row` counted over all.
        Of one account either all rows of a request are taken or none: keep those of one account together."""
        sent, part, size = 0, list[Mapping[str, Any]](), 0
        for row in rows:
            octets = len(json.dumps(row)) + 1
            if part and (len(part) == ROWS_MAX or size + octets > ROWS_BYTES_MAX):
                yield from self._upserted(part, sent)
                sent, part, size = sent + len(part), [], 0
            part.append(row)
            size += octets
        if part:
            yield from self._upserted(part, sent)

    def _upserted(self, part: Sequence[Mapping[str, Any]], before: int) -> Iterator[RowSaid]:
        for said in self.post_upserts(part)["rows"]:
            said["row"] += before
            yield said

    def events(
        self,
        after: str = "evt_0",
        types: Sequence[str] = (),
        *,
        limit: int = 1000,
        follow_seconds: float | None = None,
    ) -> EventStream:
        """Events after a cursor, the oldest first, until there are no more; with `follow_seconds` for ever, asking
        that often while nothing is new."""
        return EventStream(self, after, types, limit, follow_seconds, self._sleep)


class EventStream(Iterator[dict[str, Any]]):
    """Events in their order. `cursor` is where to go on after the events that were given out: keep it once you are done
    with the event that you hold, and you miss none and see none again."""

    def __init__(
        self,
        client: Client,
        after: str,
        types: Sequence[str],
        limit: int,
        follow_seconds: float | None,
        sleep: Callable[[float], object],
    ) -> None:
        self._client, self._types, self._limit = client, types, limit
        self._follow_seconds, self._sleep = follow_seconds, sleep
        self._page: Iterator[dict[str, Any]] = iter(())
        self._read_to = after
        self.cursor = after

    def __next__(self) -> dict[str, Any]:
        while True:
            event = next(self._page, None)
            if event is not None:
                self.cursor = event["id"]
                return event
            self.cursor = self._read_to
            found = self._client.get_events(after=self._read_to, limit=self._limit, type=self._types or None)
            if found["cursor"] == self._read_to:
                if self._follow_seconds is None:
                    raise StopIteration
                self._sleep(self._follow_seconds)
            self._page, self._read_to = iter(found["events"]), found["cursor"]
