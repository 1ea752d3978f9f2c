"""May this be used, read, changed? What a service asks on every request, answered beside the pages (spec, section 8).

`GET /v1/subscriptions/sub_12_3/standing`, and `GET /v1/standing?of=sub_12_3,sub_12_4` for up to a hundred; the
operator's own reference of a subscription is taken instead of an id of ours. An answer is read from the database when
it is asked for; a client may keep it for KEPT_SECONDS, and a token that is revoked is taken for TOKEN_SECONDS more:
together these are how long anybody can be wrong. While the database is away what was known last is answered, and
`unknown`, which allows everything, where nothing was: arrears being away disables nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import msgspec
import psycopg

from arrears.core.account import Account, decode_account
from arrears.core.errors import Refused
from arrears.core.ids import SUBSCRIPTION, format_id, is_id, parse_id
from arrears.core.people.scopes import ScopeAct, ScopeKind, allows, scopes_of
from arrears.core.states import Reason, State, remedy
from arrears.core.states import allows as allowed_in
from arrears.engine.messages.addressing import stable_link
from arrears.store.postgres.standing import KnownToken, StandingReader, SubscriptionStanding
from arrears.web.bridge import WholeAnswer
from arrears.web.gate import PLAIN_HEADERS

KEPT_SECONDS: Final = 5
"""So long a client may keep an answer, and so long it is never wrong for more than."""
STALE_SECONDS: Final = 24 * 3600
"""While arrears cannot be asked, a client goes on with what it has for so long; then with `unknown`."""
TOKEN_SECONDS: Final = 10.0
BULK_MAX: Final = 100
REF_CHARACTERS_MAX: Final = 200
REMEMBERED_MAX: Final = 100_000
"""Answers that a process keeps for when the database is away: about 50 MB."""
_HEADERS: Final = (
    *(one for one in PLAIN_HEADERS if one[0] not in (b"content-type", b"cache-control")),
    (b"vary", b"Authorization"),
)
_PATH: Final = "/v1/subscriptions/"
_BULK: Final = "/v1/standing"

SubscriptionKey = tuple[int, int] | str
"""A subscription by its numbers, or by what the operator's systems call it."""
StandingBody = dict[str, Any]


class StandingPages:
    """Answers by path. `base_url` is where debts are settled, `now` the clock that tokens end by."""

    def __init__(self, url: str, base_url: str, now: Callable[[], datetime]) -> None:
        self._url, self._base_url, self._now = url, base_url, now
        self._reader: StandingReader | None = None
        self._known: OrderedDict[SubscriptionKey, tuple[int, StandingBody]] = OrderedDict()
        self._tokens: dict[bytes, tuple[float, KnownToken]] = {}

    def is_asked(self, path: str) -> bool:
        """Whether a path is one of these."""
        return path == _BULK or (path.startswith(_PATH) and path.endswith("/standing"))

    async def answer(self, method: str, path: str, query: bytes, headers: Mapping[str, str]) -> WholeAnswer:
        """The answer to a request."""
        try:
            if method not in ("GET", "HEAD"):
                raise _Wrong(405, "wrong_method", "ask with GET")
            bound = await self._account_of_token(headers.get("authorization", ""))
            keys = _asked(path, query)
            if path == _BULK:
                found = await asyncio.gather(*(self._standing(key, bound) for key in keys))
                each = [_none(key) if one is None else one for key, one in zip(keys, found, strict=True)]
                return _answered({"standings": each}, headers)
            one = await self._standing(keys[0], bound)
            if one is None:
                raise _Wrong(404, "unknown_subscription", f"there is no {_named(keys[0])}")
            return _answered(one, headers)
        except _Wrong as wrong:
            return _problem(wrong)
        except Refused as refused:
            return _problem(_Wrong(422, refused.code, refused.message))

    async def _account_of_token(self, sent: str) -> int:
        """The account that the token of a request is bound to, 0 for all; _Wrong where it may not ask."""
        digest = hashlib.sha256(sent.removeprefix("Bearer ").encode()).digest()
        seen, token = self._tokens.get(digest, (0.0, None))
        if token is None or time.monotonic() - seen > TOKEN_SECONDS:
            try:
                token = await self._read.token(digest)
            except psycopg.Error:
                # Who was let in last is let in; nobody else can be known now.
                if token is None:
                    raise _Wrong(503, "database_away", "try again in a few seconds") from None
            else:
                self._tokens.pop(digest, None)
                if token is not None:
                    if len(self._tokens) > 1000:
                        self._tokens.clear()
                    self._tokens[digest] = (time.monotonic(), token)
        if token is None or not sent.startswith("Bearer ") or _ended(token, self._now()):
            raise _Wrong(401, "unauthorised", "send a valid token: Authorization: Bearer ...")
        if not _may_read(token.scope):
            raise _Wrong(403, "forbidden", "this token lacks subscriptions:read")
        return token.account

    @property
    def _read(self) -> StandingReader:
        """Made when it is first asked, by the loop that serves."""
        if self._reader is None:
            self._reader = StandingReader(self._url)
        return self._reader

    async def _standing(self, key: SubscriptionKey, bound: int) -> StandingBody | None:
        """How this one stands; None where there is none. Refuses what is not of the account that a token is `bound` to,
        0 for none."""
        if not isinstance(key, str):
            _refuse_another(bound, key[0])
        try:
            row = await (self._read.called(key) if isinstance(key, str) else self._read.standing(*key))
        except psycopg.Error:
            return self._last_known(key, bound)
        if row is None:
            self._known.pop(key, None)
            return None
        _refuse_another(bound, row.account)
        said = said_of(row, self._base_url)
        self._known[key] = (row.account, said)
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        return said

    def _last_known(self, key: SubscriptionKey, bound: int) -> StandingBody:
        account, known = self._known.get(key, (0, None))
        if known is None:
            return unknown(key)
        _refuse_another(bound, account)
        return {**known, "stale": True}


def said_of(row: SubscriptionStanding, base_url: str) -> StandingBody:
    """How a subscription stands, as it is answered; `refusal` is what a refused write is answered with."""
    state = State(row.state)
    may = allowed_in(state)
    named = {"restrict": row.restrict_on, "disable": row.disable_on, "delete": row.delete_on}
    dates = {name: on.isoformat() for name, on in named.items() if on is not None}
    reasons = [{"reason": reason, "lifted_by": remedy(Reason(reason))} for reason in row.reasons]
    said: StandingBody = {
        "subscription": format_id(SUBSCRIPTION, row.account, row.no),
        "service": row.service,
        "generation": row.generation,
        "standing": state,
        "may": {"read": may.read, "delete_own": may.delete_own, "change": may.change},
        "resources": may.resources,
        "charged": may.charged,
        "reasons": reasons,
        "dates": dates,
        "zone": row.zone,
        "refusal": None,
        "stale": False,
    }
    if not may.change:
        account = None if row.account_state is None else decode_account(row.account_state)
        said["refusal"] = {
            "code": f"subscription_{state}",
            "reasons": list(row.reasons),
            "amounts": [] if account is None else amounts(account, row.no),
            "dates": dates,
            "settle_url": stable_link(base_url, row.account),
        }
    return said


def amounts(account: Account, no: int) -> list[StandingBody]:
    """What is to be paid so that this subscription is past due no more, by currency."""
    sums: dict[str, int] = {}
    for debt in account.debts_of(account.subscription(no)):
        if not account.debt_is_held(debt.no):
            sums[debt.currency] = sums.get(debt.currency, 0) + debt.open_minor
    return [{"amount_minor": minor, "currency": currency} for currency, minor in sorted(sums.items())]


def unknown(key: SubscriptionKey) -> StandingBody:
    """What is answered of a subscription of which nothing is known: everything is allowed (spec, section 8)."""
    may = {"read": True, "delete_own": True, "change": True}
    said = {"subscription": _named(key), "standing": "unknown", "may": may}
    return {**said, "refusal": None, "stale": True}


def _none(key: SubscriptionKey) -> StandingBody:
    """What is said among several of one that there is not."""
    return {"subscription": _named(key), "code": "unknown_subscription", "stale": False}


def _named(key: SubscriptionKey) -> str:
    return key if isinstance(key, str) else format_id(SUBSCRIPTION, *key)


def _refuse_another(bound: int, account: int) -> None:
    if bound not in (0, account):
        raise _Wrong(404, "unknown_subscription", "there is no such subscription for this token")


class _Wrong(Exception):
    """A request that is refused, with its status, code and what to do."""

    def __init__(self, status: int, code: str, what: str) -> None:
        super().__init__(what)
        self.status, self.code, self.what = status, code, what


def _asked(path: str, query: bytes) -> list[SubscriptionKey]:
    if path == _BULK:
        texts = [one for text in parse_qs(query.decode("latin-1")).get("of", []) for one in text.split(",") if one]
        if not 0 < len(texts) <= BULK_MAX:
            raise _Wrong(422, "invalid", f"`of` names 1 to {BULK_MAX} subscriptions: ?of=sub_12_3,sub_12_4")
    else:
        texts = [unquote(path.removeprefix(_PATH).removesuffix("/standing"))]
    keys: list[SubscriptionKey] = []
    for text in texts:
        if text and text.isprintable() and len(text) <= REF_CHARACTERS_MAX and not is_id(text):
            keys.append(text)
            continue
        account, no = parse_id(SUBSCRIPTION, text)
        if no >= 2**31 or account >= 2**63:
            raise _Wrong(404, "unknown_subscription", f"there is no subscription {text}")
        keys.append((account, no))
    return keys


@lru_cache(maxsize=1000)
def _may_read(scope: str) -> bool:
    """Whether a token with these scopes may ask: there are few different ones, and each request asks."""
    return allows(scopes_of(scope.split()), ScopeKind.SUBSCRIPTIONS, ScopeAct.READ)


def _ended(token: KnownToken, now: datetime) -> bool:
    return token.good_until is not None and token.good_until <= now


def _answered(body: StandingBody, headers: Mapping[str, str]) -> WholeAnswer:
    octets = msgspec.json.encode(body)
    tag = f'"{hashlib.sha256(octets).hexdigest()[:24]}"'
    stale = body.get("stale") or any(one["stale"] for one in body.get("standings", ()))
    kept = "no-store" if stale else f"private, max-age={KEPT_SECONDS}, stale-if-error={STALE_SECONDS}"
    known = [one.strip().removeprefix("W/") for one in headers.get("if-none-match", "").split(",")]
    if tag in known and not stale:
        return _whole(304, b"", ("etag", tag), ("cache-control", kept))
    return _whole(200, octets, ("etag", tag), ("cache-control", kept))


def _problem(wrong: _Wrong) -> WholeAnswer:
    said = {
        "type": "about:blank",
        "title": wrong.what,
        "status": wrong.status,
        "detail": wrong.what,
        "code": wrong.code,
    }
    more = [("www-authenticate", "Bearer")] if wrong.status == 401 else []
    more += [("retry-after", "5")] if wrong.status == 503 else []
    more += [("allow", "GET, HEAD")] if wrong.status == 405 else []
    body = json.dumps(said).encode()
    return _whole(wrong.status, body, ("cache-control", "no-store"), *more, kind="application/problem+json")


def _whole(status: int, body: bytes, *more: tuple[str, str], kind: str = "application/json") -> WholeAnswer:
    headers = [*_HEADERS, (b"content-length", str(len(body)).encode())]
    headers += [(b"content-type", kind.encode())] if body else []
    return WholeAnswer(status, [*headers, *((name.encode(), value.encode()) for name, value in more)], body)
