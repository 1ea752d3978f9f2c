"""The API: who may, how often, and how everything that is wrong is said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from functools import cached_property
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer
from pydantic import BaseModel, ConfigDict

from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.people.scopes import ScopeAct, ScopeKind, TokenScope, allows, scopes_text
from arrears.core.people.throttles import Throttled
from arrears.engine.finding import find_account
from arrears.web import throttle
from arrears.web.api.document import complete
from arrears.web.api_tokens import Token, token_of
from arrears.web.errors import problem
from arrears.wiring import RealClock, installed


class Strict(BaseModel):
    """Base of everything that comes in: unknown fields are refused, and no value is bent into another type. Not the
    framework's own base, which would wrap each value to be read as an object of the database: that is most of the time
    that a row takes."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(Schema):
    """RFC 9457, with a stable `code`, and the name of the request in the operator's log."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request: str


STATUS: Final = {
    "bad_cursor": 400,
    "not_administrator": 403,
    "stale_quote": 409,
    "attempt_in_flight": 409,
    "method_held": 409,
    "settle_first": 409,
    "account_exists": 409,
    "administrator_exists": 409,
    "already_there": 409,
    "nothing_changes": 409,
    "already_canceled": 409,
    "not_canceled": 409,
    "already_promised": 409,
    "provider_reports": 409,
    "demanded": 409,
    "deleted": 409,
    "version_changed": 412,
    "import_under_way": 503,
    "provider_unreachable": 503,
    "provider_denied": 503,
}
STATUS_BY_START: Final = (("unknown_", 404), ("duplicate_", 409))
"""The status of what a command refuses; 422 where nothing else is said."""

PROBLEMS: Final = dict.fromkeys((400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503), Problem)


class OfAccount(Enum):
    """Where a request says whose account it is about, which a token that is bound to one account asks."""

    IN_PATH = auto()
    ROUTE_ASKS = auto()
    """The route itself asks `of_token`."""
    OF_ALL = auto()
    """It is about many: no token that is bound to one may ask."""


class AnyToken(HttpBearer):
    """A token of ours; too many requests are refused before anything else."""

    def authenticate(self, request: HttpRequest, token: str) -> Token:
        """The token; AuthenticationError and HttpError say the rest."""
        found = token_of(token, RealClock().now())
        if found is None:
            raise wrong(request)
        request.api_token = found.number  # type: ignore[attr-defined]
        counted = throttle.take_of_token(found.number)
        request.api_tries = counted  # type: ignore[attr-defined]
        if not counted.let_in:
            raise HttpError(429, "too many requests")
        _refuse_query(request)
        return found


def _refuse_query(request: HttpRequest) -> None:
    """Refuse what an address asks that the route does not know, as a body's fields: a filter that is misspelt would
    list everything. Nor is one of two words about the same thing taken."""
    if not request.GET or request.resolver_match is None:
        return
    path = _CONVERTED.sub(r"{\1}", f"/{request.resolver_match.route}")
    known = api.queries.get((str(request.method).lower(), path), {})
    wrong = [
        *((name, "extra_forbidden", "is not known here") for name in request.GET if name not in known),
        *(
            (n, "said_twice", "stands there twice")
            for n, many in known.items()
            if not many and len(request.GET.getlist(n)) > 1
        ),
    ]
    if wrong:
        raise ValidationError([{"loc": ("query", name), "type": code, "msg": what} for name, code, what in wrong])


_CONVERTED: Final = re.compile(r"<(?:\w+:)?(\w+)>")
"""A part of an address that the framework reads, `<path:number>`; the document calls it `{number}`."""


class AllowedToken(AnyToken):
    """A token of ours that lets its program do this to things of this kind."""

    def __init__(self, kind: ScopeKind, act: ScopeAct, of_account: OfAccount = OfAccount.IN_PATH) -> None:
        super().__init__()
        self.kind, self.act, self.of_account = kind, act, of_account

    def authenticate(self, request: HttpRequest, token: str) -> Token:
        """See AnyToken. Another account than the token's own is answered as one that is not there."""
        found = super().authenticate(request, token)
        if not allows(found.scopes, self.kind, self.act):
            raise HttpError(403, f"this token lacks {TokenScope(self.kind, self.act)}")
        if found.account and self.of_account is OfAccount.OF_ALL:
            raise HttpError(403, "this token is for one account")
        if found.account and self.of_account is OfAccount.IN_PATH:
            match = request.resolver_match
            said = str(match.kwargs["account"]) if match is not None else ""
            if account_number(said) != found.account:
                raise no_account(said)
        return found


def account_number(said: str) -> int:
    """The number of the account that a path names, `acc_12` or the operator's own reference; refuses
    `unknown_account`. Every route asks here, so that a token that is bound to one account is asked about the same."""
    return find_account(installed().store, said)


def no_account(said: str) -> Refused:
    """What is refused of an account that is not there, or not there for this token."""
    return Refused("unknown_account", f"there is no account {said[:60]!r}; give one like acc_12, or your own reference")


def of_token(request: HttpRequest, account: int) -> bool:
    """Whether the token of this request is for all accounts, or for this one."""
    token: Token = request.auth  # type: ignore[attr-defined]
    return token.account in (0, account)


def author_of(request: HttpRequest) -> str:
    """Who acts, as the journal names it: the program, by the number of its token."""
    token: Token = request.auth  # type: ignore[attr-defined]
    return f"token:{token.number}"


_KEY: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "One for each request that is meant once; the same with every try.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}


def terms(
    kind: ScopeKind,
    act: ScopeAct,
    *,
    keyed: bool = False,
    status: int = 200,
    headers: Sequence[Mapping[str, Any]] = (),
    body: Mapping[str, Any] | None = None,
    of_account: OfAccount = OfAccount.IN_PATH,
    auth: type[AllowedToken] = AllowedToken,
) -> dict[str, Any]:
    """What a route says of itself to the router: who may call it, what it answers, whether it runs `once_per_key`, what
    further headers it reads, and what body it reads itself."""
    said: dict[str, Any] = {"response": {status: dict[str, Any], **PROBLEMS}, "auth": auth(kind, act, of_account)}
    parameters = [*([_KEY] if keyed else []), *headers]
    more = {**({"parameters": parameters} if parameters else {}), **({"requestBody": body} if body else {})}
    return {**said, "openapi_extra": more} if more else said


def wrong(request: HttpRequest) -> Exception:
    """What to raise for a token that is none of ours: 401, or 429 where too many of them came from one net."""
    if throttle.may_be_wrong(request, Throttled.WRONG_TOKEN):
        return AuthenticationError()
    return HttpError(429, "too many tokens that are not valid")


class _Api(NinjaAPI):
    """Its description is worked out once: it takes half a second, and anybody may ask for it."""

    @cached_property
    def _description(self) -> OpenAPISchema:
        found = super().get_openapi_schema(path_prefix=self.get_root_path({}))
        complete(found)
        return found

    @cached_property
    def queries(self) -> Mapping[tuple[str, str], Mapping[str, bool]]:
        """What may be asked in the address of each operation, by its method and path, and whether more than once."""
        return {
            (method, path): {
                one["name"]: "array" in {kind.get("type") for kind in (one["schema"], *one["schema"].get("anyOf", ()))}
                for one in operation.get("parameters", ())
                if one["in"] == "query"
            }
            for path, operations in self._description["paths"].items()
            for method, operation in operations.items()
        }

    def get_openapi_schema(self, **_: Any) -> OpenAPISchema:
        """The description; the API stands in one place."""
        return self._description


api = _Api(
    title="arrears", version="1", auth=AnyToken(), docs_url=None, openapi_url="openapi.json", urls_namespace="v1"
)


@api.exception_handler(AuthenticationError)
def _unknown(_request: HttpRequest, _error: Exception) -> HttpResponse:
    answer = problem(401, "unauthorised", "Who are you?", "send a valid token: Authorization: Bearer ...")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@api.exception_handler(HttpError)
def _http(_request: HttpRequest, error: Any) -> HttpResponse:
    codes = {400: "bad_json", 403: "forbidden", 404: "not_found", 405: "wrong_method", 429: "too_many_requests"}
    answer = problem(error.status_code, codes.get(error.status_code, "error"), str(error).capitalize(), str(error))
    if error.status_code == 429:
        answer.headers["Retry-After"] = "60"  # `api/limits.py` says it to the second, of a token that is known
    return answer


@api.exception_handler(ValidationError)
def _wrong(_request: HttpRequest, error: Any) -> HttpResponse:
    fields = [
        {"field": ".".join(str(p) for p in e["loc"][2:] or e["loc"][1:]), "code": e["type"], "what": e["msg"]}
        for e in error.errors
    ]
    return problem(422, "invalid", "Some fields are not right", "see `fields`", fields=fields)


@api.exception_handler(Refused)
def _refused(_request: HttpRequest, error: Any) -> HttpResponse:
    status = STATUS.get(error.code) or next((s for start, s in STATUS_BY_START if error.code.startswith(start)), 422)
    return problem(status, error.code, "That cannot be done", error.message)


class Me(Schema):
    """Who a token is: what it may do, the account that it is bound to, and when it ends."""

    name: str
    scopes: list[str]
    account: str | None
    expires_at: str | None


@api.get("/me", response={200: Me, **PROBLEMS}, auth=AnyToken())
def me(request: HttpRequest) -> Me:
    """Say whose token this is, and what it may do."""
    token: Token = request.auth  # type: ignore[attr-defined]
    return Me(
        name=token.name,
        scopes=scopes_text(token.scopes).split(),
        account=format_id(ACCOUNT, token.account) if token.account else None,
        expires_at=None if token.expires_at is None else token.expires_at.isoformat(),
    )
