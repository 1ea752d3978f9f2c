"""Django's cache, as rows of JSON that every process shares: the one-time codes that have been used.

Django's own cache in a database keeps pickles: whoever can write a row would run code in the pages.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

_FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
_LIVE: Final = "SELECT value FROM web_cache WHERE cache_key = %s AND expires > now()"
_PUT: Final = "INSERT INTO web_cache (cache_key, value, expires) VALUES (%s, %s, %s) ON CONFLICT (cache_key) DO UPDATE"
_SET: Final = f"{_PUT} SET value = excluded.value, expires = excluded.expires"
_ADD: Final = f"{_SET} WHERE web_cache.expires <= now() RETURNING true"


class JsonCache(BaseCache):
    """See django.core.cache: what can be said in JSON is kept. What is over is removed by the nightly sweep."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """The value, or the default where there is none, or one that is not JSON."""
        found = _fetch(_LIVE, [self.make_and_validate_key(key, version)])
        if found is None:
            return default
        try:
            return json.loads(found[0])
        except ValueError:
            return default

    def set(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Keep a value for so many seconds; None is for ever."""
        _fetch(_SET, self._row(key, value, timeout, version))

    def add(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep it where nothing is kept; whether it was."""
        return _fetch(_ADD, self._row(key, value, timeout, version)) is not None

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep it longer; whether it was there."""
        moved = "UPDATE web_cache SET expires = %s WHERE cache_key = %s AND expires > now() RETURNING true"
        return _fetch(moved, [self._expires(timeout), self.make_and_validate_key(key, version)]) is not None

    def delete(self, key: str, version: int | None = None) -> bool:
        """Forget it; whether it was there."""
        gone = "DELETE FROM web_cache WHERE cache_key = %s RETURNING true"
        return _fetch(gone, [self.make_and_validate_key(key, version)]) is not None

    def clear(self) -> None:
        """Forget everything."""
        _fetch("DELETE FROM web_cache", [])

    def _row(self, key: str, value: Any, timeout: float | None, version: int | None) -> list[Any]:
        return [self.make_and_validate_key(key, version), json.dumps(value), self._expires(timeout)]

    def _expires(self, timeout: float | None) -> datetime:
        at = self.get_backend_timeout(timeout)
        return _FOREVER if at is None else datetime.fromtimestamp(at, UTC)


def _fetch(statement: str, values: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone() if cursor.description else None
