"""The API's frame: tokens, problems, strict input, and one answer for one key."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.web.conftest import NOW

from arrears.core.people.throttles import LIMITS, CountedBy, Limit, Throttled
from arrears.wiring import install, installed

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def write_token(site: str) -> str:
    from arrears.web.api_tokens import create_token

    return create_token("the shop", "write", NOW)


@pytest.fixture
def money(site: str) -> Iterator[list[int]]:
    """A route shaped like a money route, for as long as a test runs: it counts how often it was really run."""
    from django.http import HttpRequest, HttpResponse, JsonResponse
    from django.urls import path
    from ninja import NinjaAPI

    from arrears.core.people.scopes import ScopeAct, ScopeKind
    from arrears.web import urls
    from arrears.web.api import frame
    from arrears.web.api.idempotency import once_per_key

    runs: list[int] = []
    trial = NinjaAPI(
        auth=frame.AllowedToken(ScopeKind.PAYMENTS, ScopeAct.MONEY, frame.OfAccount.ROUTE_ASKS),
        urls_namespace="trial",
        openapi_url=None,
        docs_url=None,
    )
    for kind, handler in frame.api._exception_handlers.items():
        trial.add_exception_handler(kind, handler)

    class Pay(frame.Strict):
        amount_minor: int

    @trial.post("/pay")
    @once_per_key
    def pay(request: HttpRequest, body: Pay) -> HttpResponse:
        runs.append(1)
        return JsonResponse({"run": len(runs)}, status=201)

    added = path("v1/trial/", trial.urls)
    urls.urlpatterns.append(added)
    from django.urls import clear_url_caches

    clear_url_caches()
    yield runs
    urls.urlpatterns.remove(added)
    clear_url_caches()


def post(client: "Client", token: str, body: object = None, key: str | None = "k1", **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}", **({} if key is None else {"Idempotency-Key": key})}
    sent = body if isinstance(body, bytes | str) else json.dumps({"amount_minor": 1} if body is None else body)
    return client.post("/v1/trial/pay", sent, **({"content_type": "application/json", "headers": headers} | more))


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"]


def test_a_token_says_who_it_is_and_a_bad_one_gets_nowhere(client: "Client", write_token: str) -> None:
    from arrears.web.api_tokens import create_token

    good = client.get("/v1/me", headers={"Authorization": f"Bearer {write_token}"})
    scopes = ["*:money", "*:read", "*:write"]
    assert json.loads(good.content) == {"name": "the shop", "scopes": scopes, "account": None, "expires_at": None}
    expired = create_token("old", "read", NOW, NOW + timedelta(days=1))
    for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {expired}"}):
        assert problem(client.get("/v1/me", headers=header)) == (401, "unauthorised")


def test_the_last_use_of_a_token_is_known_to_the_minute(site: str) -> None:
    from arrears.web.api_tokens import create_token, listed_tokens, token_of

    token = create_token("seldom", "read", NOW)
    used = []
    for seconds in (0, 59, 60, 61):
        assert token_of(token, NOW + timedelta(seconds=seconds)) is not None
        used.append(listed_tokens()[-1].last_used_at)
    assert used == [NOW, NOW, NOW + timedelta(seconds=60), NOW + timedelta(seconds=60)]


def test_a_read_only_token_does_not_write(client: "Client", money: list[int]) -> None:
    from arrears.web.api_tokens import create_token

    assert problem(post(client, create_token("reader", "read", NOW))) == (403, "forbidden")
    assert money == []


def test_only_a_digest_of_a_token_is_kept(site: str, write_token: str) -> None:
    import psycopg

    with psycopg.connect(site) as db:
        found = db.execute("SELECT t::text FROM api_token t").fetchall()
    assert found
    assert all(write_token not in text for (text,) in found)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"amount_minor": 1, "amount_minor": 2}', (400, "bad_json")),
        (b"[" * 1000 + b"]" * 1000, (400, "bad_json")),
        (b'{"amount_minor": "\xff"}', (400, "bad_json")),
        (b'{"amount_minor": "\\u0000"}', (400, "bad_json")),
        (b'{"amount_minor": "\\ud800"}', (400, "bad_json")),
        (b'{"amount_minor": NaN}', (400, "bad_json")),
        (b"{", (400, "bad_json")),
        ({"amount_minor": 1, "admin": True}, (422, "invalid")),
        ({}, (422, "invalid")),
        ({"amount_minor": "10.00"}, (422, "invalid")),
        ({"amount_minor": 10.0}, (422, "invalid")),
        ({"amount_minor": True}, (422, "invalid")),
        (b"1" * (1024 * 1024 + 1), (413, "too_large")),
    ],
)
def test_a_body_that_is_not_strict_is_refused(
    client: "Client", money: list[int], write_token: str, body: object, wanted: tuple[int, str]
) -> None:
    assert problem(post(client, write_token, body)) == wanted
    assert money == []


def test_the_wrong_type_and_the_wrong_method_are_named(client: "Client", money: list[int], write_token: str) -> None:
    assert problem(post(client, write_token, content_type="text/plain")) == (415, "wrong_type")
    answer = client.delete("/v1/me", headers={"Authorization": f"Bearer {write_token}"})
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_one_key_is_run_once_and_answered_the_same(client: "Client", money: list[int], write_token: str) -> None:
    first, second = post(client, write_token), post(client, write_token)
    assert (first.status_code, first.content) == (second.status_code, second.content) == (201, b'{"run": 1}')
    assert money == [1]
    assert problem(post(client, write_token, {"amount_minor": 2})) == (422, "idempotency_key_reused")
    assert problem(post(client, write_token, key=None)) == (400, "idempotency_key_required")
    assert problem(post(client, write_token, key="k" * 256)) == (400, "bad_idempotency_key")
    assert money == [1]


def test_the_same_key_of_another_token_is_another_key(client: "Client", money: list[int], write_token: str) -> None:
    from arrears.web.api_tokens import create_token

    post(client, write_token)
    assert post(client, create_token("another", "write", NOW)).content == b'{"run": 2}'


def test_a_key_that_is_still_running_says_so(
    client: "Client", money: list[int], site: str, write_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arrears.web.api import idempotency

    monkeypatch.setattr(idempotency, "WAIT_SECONDS_MAX", 0.2)

    post(client, write_token)
    with psycopg.connect(site) as db:
        db.execute("UPDATE idempotency_key SET status = NULL, response = NULL WHERE key = 'k1'")
    assert problem(post(client, write_token)) == (409, "still_running")
    assert money == [1]


@pytest.mark.parametrize("done", [False, True], ids=["it was not done", "its answer was lost"])
@pytest.mark.parametrize(("fails", "status"), [(1, 503), (2, 201)], ids=["the claim", "what is kept"])
def test_a_database_that_is_away_for_a_moment_leaves_no_key_running(
    client: "Client",
    money: list[int],
    write_token: str,
    monkeypatch: pytest.MonkeyPatch,
    fails: int,
    status: int,
    done: bool,
) -> None:
    from django.db import OperationalError

    from arrears.web.api import idempotency

    client.raise_request_exception = False
    monkeypatch.setattr(idempotency, "AGAIN_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(idempotency, "WAIT_SECONDS_MAX", 20.0)
    execute, calls = idempotency._execute, []

    def failing(statement: str, values: list[Any]) -> tuple[Any, ...] | None:
        calls.append(statement)
        if len(calls) in (fails, fails + 1, fails + 2):
            if done and len(calls) == fails:
                execute(statement, values)
            raise OperationalError("the database is away") from psycopg.OperationalError()
        return execute(statement, values)

    monkeypatch.setattr(idempotency, "_execute", failing)
    assert post(client, write_token).status_code == status
    deadline = time.monotonic() + 30
    while len(calls) < fails + 3:
        assert time.monotonic() < deadline, "it was not tried again"
        time.sleep(0.01)
    again = post(client, write_token)
    assert (again.status_code, again.content, money) == (201, b'{"run": 1}', [1])


def test_too_many_requests_wait(client: "Client", write_token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, Throttled.API, {CountedBy.TOKEN: Limit(3, timedelta(hours=1))})  # type: ignore[arg-type]
    answers = [client.get("/v1/me", headers={"Authorization": f"Bearer {write_token}"}) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    said = [(a.headers["RateLimit-Policy"], a.headers["RateLimit"].partition(";t=")[0]) for a in answers]
    assert said == [('"token";q=3;w=3600', f'"token";r={left}') for left in (2, 1, 0, 0)]
    assert 1190 <= int(answers[3].headers["Retry-After"]) <= 1200, "one more is there after a third of an hour"


@pytest.mark.parametrize("hours", [-7, 7])
def test_what_is_left_is_said_by_the_clock_that_counts(client: "Client", write_token: str, hours: int) -> None:
    """A demo's clock is hours beside the wall's: a program that reads what is left would wait for nothing."""

    class Beside:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(hours=hours)

    live = installed()
    install(replace(live, clock=Beside()))
    try:
        answer = client.get("/v1/me", headers={"Authorization": f"Bearer {write_token}"})
    finally:
        install(live)
    assert answer.headers["RateLimit"] == '"token";r=599;t=1'


def test_the_document_of_the_api_declares_every_problem(client: "Client") -> None:
    document = json.loads(client.get("/v1/openapi.json").content)
    answers = document["paths"]["/v1/me"]["get"]["responses"]
    assert {"200", "400", "401", "403", "404", "409", "413", "415", "422", "429"} <= set(answers)
    kinds = {status: [*answer.get("content", ())] for status, answer in answers.items()}
    assert kinds.pop("431") == [], "it is answered before anybody knows that a program asks"
    assert kinds == {one: ["application/json" if one == "200" else "application/problem+json"] for one in kinds}


def test_what_is_not_there_is_a_problem_too(client: "Client") -> None:
    assert problem(client.get("/v1/nothing")) == (404, "not_found")
