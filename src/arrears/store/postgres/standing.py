"""What a service asks on every request: how a subscription stands, and whose token asks. Read over one connection of
the event loop; what is asked for while a statement is under way goes together with the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Generic, LiteralString, NamedTuple, TypeVar

import psycopg

from arrears.store.outages import WAIT_SECONDS_MAX
from arrears.store.postgres.write import utc

StandingKey = TypeVar("StandingKey")
StandingFound = TypeVar("StandingFound")

# The state of the account is read only where there is something to say of what it owes.
_STANDING: Final[LiteralString] = """
SELECT v.account_id, v.no, s.service, s.state, s.generation, s.reasons, s.restrict_on, s.disable_on, s.delete_on,
    a.zone,
    CASE WHEN s.state <> 'active' THEN (SELECT t.state FROM account_state t WHERE t.account_id = v.account_id) END
"""
_JOINED: Final[LiteralString] = """
JOIN subscription s ON s.account_id = v.account_id AND s.no = v.no
JOIN account a ON a.account_id = v.account_id
"""
STANDING: Final[LiteralString] = (
    f"{_STANDING} FROM unnest(%(accounts)s::bigint[], %(numbers)s::integer[]) AS v (account_id, no) {_JOINED}"
)
CALLED: Final[LiteralString] = (
    f"{_STANDING}, v.ref FROM unnest(%(refs)s::text[]) AS w (ref) JOIN subscription_ref v USING (ref) {_JOINED}"
)
"""The same by the operator's own references."""
TOKENS: Final[LiteralString] = """
SELECT v.digest, t.scope, coalesce(t.account_id, 0), t.expires_at, t.before_until
FROM unnest(%(digests)s::bytea[]) AS v (digest)
CROSS JOIN LATERAL (
    SELECT scope, account_id, expires_at, NULL::timestamptz AS before_until, revoked_at FROM api_token
    WHERE digest = v.digest
    UNION ALL SELECT scope, account_id, expires_at, before_until, revoked_at FROM api_token
    WHERE digest_before = v.digest
) t WHERE t.revoked_at IS NULL
"""


class SubscriptionStanding(NamedTuple):
    """How a subscription stands: its row, the zone of its days, and the whole account's state as its stored text, None
    where the subscription is active."""

    account: int
    no: int
    service: str
    state: str
    generation: int
    reasons: tuple[str, ...]
    restrict_on: date | None
    disable_on: date | None
    delete_on: date | None
    zone: str
    account_state: str | None


class KnownToken(NamedTuple):
    """What a token may, and how long it is good at the most (None: until it is revoked)."""

    scope: str
    account: int
    good_until: datetime | None


class StandingReader:
    """Reads standings and tokens. Belongs to one event loop; raises psycopg.Error while the database is away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._db: psycopg.AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()
        self._standings = _Together(self._read_standings)
        self._called = _Together(self._read_called)
        self._tokens = _Together(self._read_tokens)

    async def standing(self, account: int, no: int) -> SubscriptionStanding | None:
        """How this subscription stands; None where there is none."""
        return await self._standings.get((account, no))

    async def called(self, ref: str) -> SubscriptionStanding | None:
        """The same of the one that the operator's systems call so."""
        return await self._called.get(ref)

    async def token(self, digest: bytes) -> KnownToken | None:
        """The token with this digest that is not revoked; None where there is none."""
        return await self._tokens.get(digest)

    async def _rows(self, statement: LiteralString, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        async with self._turn:
            try:
                async with asyncio.timeout(WAIT_SECONDS_MAX):
                    if self._db is None or self._db.closed:
                        options = "-c default_transaction_read_only=on -c timezone=UTC"
                        self._db = await psycopg.AsyncConnection.connect(self._url, autocommit=True, options=options)
                    cursor = await self._db.execute(statement, values, prepare=True, binary=True)
                    return await cursor.fetchall()
            except (psycopg.Error, TimeoutError, OSError) as error:
                if self._db is not None:
                    await self._db.close()
                    self._db = None
                raise psycopg.OperationalError("the database is away") from error

    async def _read_standings(self, keys: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], SubscriptionStanding]:
        values = {"accounts": [account for account, _ in keys], "numbers": [no for _, no in keys]}
        return {(row[0], row[1]): _standing(row) for row in await self._rows(STANDING, values)}

    async def _read_called(self, refs: Sequence[str]) -> Mapping[str, SubscriptionStanding]:
        return {ref: _standing(row) for *row, ref in await self._rows(CALLED, {"refs": list(refs)})}

    async def _read_tokens(self, digests: Sequence[bytes]) -> Mapping[bytes, KnownToken]:
        found = {}
        for digest, scope, account, *ends in await self._rows(TOKENS, {"digests": list(digests)}):
            until = min((utc(one) for one in ends if one is not None), default=None)
            found[bytes(digest)] = KnownToken(scope, account, until)
        return found


def _standing(row: Sequence[Any]) -> SubscriptionStanding:
    account, no, service, state, generation, reasons, *more = row
    return SubscriptionStanding(account, no, service, state, generation, tuple(reasons.split()), *more)


class _Together(Generic[StandingKey, StandingFound]):
    """Reads what is asked for at the same time by one statement."""

    def __init__(self, read: Callable[[Sequence[StandingKey]], Awaitable[Mapping[StandingKey, StandingFound]]]) -> None:
        self._read = read
        self._waiting: dict[StandingKey, asyncio.Future[StandingFound | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, key: StandingKey) -> StandingFound | None:
        """What is found for a key; raises what reading raises."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_all())
        return await asyncio.shield(future)

    async def _read_all(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            try:
                found = await self._read(list(asked))
            except psycopg.Error as error:
                for future in asked.values():
                    future.set_exception(error)
                    future.exception()  # who asked may be gone: then nobody retrieves it
            else:
                for key, future in asked.items():
                    future.set_result(found.get(key))
