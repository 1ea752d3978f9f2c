"""The API: who may, how often, and how everything that is wrong is said."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer
from pydantic import ConfigDict

from arrears.core.errors import Refused
from arrears.core.people.throttles import Throttled
from arrears.web import throttle
from arrears.web.api_tokens import Token, token_of
from arrears.web.errors import problem
from arrears.wiring import RealClock


class Strict(Schema):
    """Base of everything that comes in: unknown fields are refused, and no value is bent into another type."""

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
    "not_administrator": 403,
    "stale_quote": 409,
    "attempt_in_flight": 409,
    "method_held": 409,
    "settle_first": 409,
    "provider_unreachable": 503,
    "provider_denied": 503,
}
STATUS_BY_START: Final = (("unknown_", 404), ("duplicate_", 409))
"""The status of what a command refuses; 422 where nothing else is said."""

PROBLEMS: Final = dict.fromkeys((400, 401, 403, 404, 409, 413, 415, 422, 429, 503), Problem)


class Bearer(HttpBearer):
    """A token of ours, read-only or not; too many requests are refused before anything else. Where `reading` is set,
    a POST changes nothing, and a token that may only read may send it."""

    reading = False

    def authenticate(self, request: HttpRequest, token: str) -> Token:
        """The token, or AuthenticationError; TooMany and ReadOnly say the rest."""
        found = token_of(token, RealClock().now())
        if found is None:
            raise wrong(request)
        try:
            throttle.take(request, Throttled.API, token=str(found.number))
        except throttle.TooManyTries:
            raise HttpError(429, "too many requests") from None
        if found.scope == "read" and request.method not in ("GET", "HEAD") and not self.reading:
            raise HttpError(403, "this token may only read")
        return found


def wrong(request: HttpRequest) -> Exception:
    """What to raise for a token that is none of ours: 401, or 429 where too many of them came from one net."""
    if throttle.may_be_wrong(request, Throttled.WRONG_TOKEN):
        return AuthenticationError()
    return HttpError(429, "too many tokens that are not valid")


class _Api(NinjaAPI):
    """Its description is worked out once: it takes half a second, and anybody may ask for it."""

    @cached_property
    def _description(self) -> OpenAPISchema:
        return super().get_openapi_schema(path_prefix=self.get_root_path({}))

    def get_openapi_schema(self, **_: Any) -> OpenAPISchema:
        """The description; the API stands in one place."""
        return self._description


api = _Api(title="arrears", version="1", auth=Bearer(), docs_url=None, openapi_url="openapi.json", urls_namespace="v1")


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
        answer.headers["Retry-After"] = "60"
    return answer


@api.exception_handler(ValidationError)
def _wrong(_request: HttpRequest, error: Any) -> HttpResponse:
    fields = [{"field": ".".join(str(p) for p in e["loc"][1:]), "what": e["msg"]} for e in error.errors]
    return problem(422, "invalid", "Some fields are not right", "see `fields`", fields=fields)


@api.exception_handler(Refused)
def _refused(_request: HttpRequest, error: Any) -> HttpResponse:
    status = STATUS.get(error.code) or next((s for start, s in STATUS_BY_START if error.code.startswith(start)), 422)
    return problem(status, error.code, "That cannot be done", error.message)


class Me(Schema):
    """Who a token is."""

    name: str
    scope: str


@api.get("/me", response={200: Me, **PROBLEMS})
def me(request: HttpRequest) -> Me:
    """Say whose token this is."""
    token: Token = request.auth  # type: ignore[attr-defined]
    return Me(name=token.name, scope=token.scope)
