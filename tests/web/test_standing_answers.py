"""Standing: may a subscription be used and changed, what a refused write is answered with, and with arrears away."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.web.living import Living, living

from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.core.states import State, allows
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.sandbox.run import Running, running
from arrears.web import serving, standing


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        yield found


def no_page(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return [b"a page"]


class Asking:
    """A served installation, and a token to ask it with."""

    def __init__(self, port: int, pages: standing.StandingPages, token: str) -> None:
        self.port, self.pages, self.token = port, pages, token

    def get(self, path: str, **headers: str) -> tuple[int, Any, dict[str, str]]:
        one = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        one.request("GET", path, headers={"Authorization": f"Bearer {self.token}", **headers})
        answer = one.getresponse()
        body = answer.read()
        one.close()
        said = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, json.loads(body) if body[:1] == b"{" else body, said

    def of(self, account: int, no: int = 1) -> Any:
        return self.get(f"/v1/subscriptions/{format_id(SUBSCRIPTION, account, no)}/standing")[1]


@pytest.fixture
def asking(shop: Living, site: str) -> Iterator[Asking]:
    from arrears.web import api_tokens

    token = api_tokens.create_token("service", "read", shop.clock.now())
    pages = standing.StandingPages(site, "https://pay.example.org", shop.clock.now)
    listening = serving.listen("127.0.0.1", 0)
    with serving.serving_beside(listening, serving.gate(no_page, aside=pages)):
        yield Asking(serving.port_of(listening), pages, token)


@pytest.mark.turn(2)
def test_each_state_is_answered_as_the_table_has_it_with_what_a_refused_write_says(
    shop: Living, asking: Asking
) -> None:
    for days, state in ((None, State.ACTIVE), (3, State.PAST_DUE), (40, State.DISABLED)):
        account = shop.account() if days is None else shop.account((12000, "EUR"), days=days)
        said = asking.of(account)
        may = allows(state)
        assert said["standing"] == state
        assert said["may"] == {"read": may.read, "delete_own": may.delete_own, "change": may.change}
        if may.change:
            assert said["refusal"] is None
            continue
        refusal = said["refusal"]
        assert (refusal["code"], refusal["reasons"]) == ("subscription_disabled", ["past_due"])
        assert refusal["amounts"] == [{"amount_minor": 12000, "currency": "EUR"}]
        assert refusal["settle_url"] == f"https://pay.example.org/settle/acc_{account}"
        assert said["reasons"] == [{"reason": "past_due", "lifted_by": "settle_past_due"}]
        assert set(refusal["dates"]) >= {"disable"}


def test_an_answer_may_be_kept_for_five_seconds_and_asked_for_anew_by_its_tag(shop: Living, asking: Asking) -> None:
    path = f"/v1/subscriptions/sub_{shop.account()}_1/standing"
    status, _, headers = asking.get(path)
    assert status == 200
    assert headers["cache-control"] == "private, max-age=5, stale-if-error=86400"
    again, body, _ = asking.get(path, **{"If-None-Match": f'"other", {headers["etag"]}'})
    assert (again, body) == (304, b"")
    assert asking.get(path, **{"If-None-Match": '"other"'})[0] == 200


@pytest.mark.turn(2)
def test_several_are_answered_at_once_in_the_order_in_which_they_are_asked(shop: Living, asking: Asking) -> None:
    one, other = shop.account(), shop.account((100, "EUR"), days=40)
    _, said, _ = asking.get(f"/v1/standing?of=sub_{other}_1,sub_{one}_1&of=sub_{one}_99")
    assert [each.get("standing") for each in said["standings"]] == ["disabled", "active", None]
    assert said["standings"][2]["code"] == "unknown_subscription"
    for query in ("", "?of=", "?of=" + ",".join(["sub_1_1"] * 101)):
        assert asking.get(f"/v1/standing{query}")[0] == 422


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/subscriptions/sub_999999_1/standing", 404, "unknown_subscription"),
        ("/v1/subscriptions/acc_1/standing", 422, "wrong_id_type"),
        ("/v1/subscriptions/sub_1_999999999999/standing", 404, "unknown_subscription"),
        ("/v1/subscriptions/%FF%00/standing", 422, "bad_id"),
    ],
)
def test_what_is_not_there_is_said_in_one_code(asking: Asking, path: str, status: int, code: str) -> None:
    found, said, headers = asking.get(path)
    assert (found, said["code"]) == (status, code)
    assert headers["content-type"] == "application/problem+json"


@pytest.mark.turn(2)
def test_only_a_token_that_may_read_subscriptions_asks_and_only_about_its_own(shop: Living, asking: Asking) -> None:
    from arrears.web import api_tokens

    account, now = shop.account(), shop.clock.now()
    path = f"/v1/subscriptions/sub_{account}_1/standing"
    wanted = {
        "nobody": 401,
        api_tokens.create_token("a", "payments:read", now): 403,
        api_tokens.create_token("b", "read", now, account=shop.account()): 404,
        api_tokens.create_token("c", "read", now, account=account): 200,
    }
    for token, status in wanted.items():
        asking.token = token
        assert asking.get(path)[0] == status


def test_a_token_that_was_revoked_is_taken_ten_seconds_more_at_the_most(
    shop: Living, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arrears.web import api_tokens

    path = f"/v1/subscriptions/sub_{shop.account()}_1/standing"
    assert asking.get(path)[0] == 200
    number = max(one.number for one in api_tokens.listed_tokens() if one.name == "service")
    api_tokens.revoke_token(number, shop.clock.now())
    monkeypatch.setattr(standing, "TOKEN_SECONDS", -1.0)
    assert asking.get(path)[0] == 401


@pytest.mark.turn(2)
def test_while_the_database_is_away_what_was_known_last_is_answered_else_unknown_which_allows_everything(
    shop: Living, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, other = shop.account((100, "EUR"), days=40), shop.account((100, "EUR"), days=40)
    before = asking.of(stopped)

    async def away(*_: object) -> None:
        raise psycopg.OperationalError("away")

    monkeypatch.setattr(asking.pages._read, "_rows", away)
    assert asking.of(stopped) == {**before, "stale": True}
    status, said, headers = asking.get(f"/v1/subscriptions/sub_{other}_1/standing")
    assert (status, said["standing"], set(said["may"].values())) == (200, "unknown", {True})
    assert headers["cache-control"] == "no-store"
    monkeypatch.undo()
    assert asking.of(other)["standing"] == "disabled"


@pytest.mark.turn(2)
def test_it_is_right_as_soon_as_it_changes(shop: Living, asking: Asking) -> None:
    account = shop.account((100, "EUR"), days=40)
    assert asking.of(account)["standing"] == "disabled"
    paid = Payment(account, f"standing-{account}", "EUR", 100, (1,))
    commands.record_payments(shop.store, [paid], shop.clock.now(), "api:1")
    shop.work()
    assert asking.of(account)["standing"] == "active"


@pytest.mark.turn(2)
def test_the_operators_own_reference_is_asked_for_as_an_id_is(shop: Living, asking: Asking, site: str) -> None:
    from arrears.web import api_tokens

    account, other = shop.account((12000, "EUR"), days=40), shop.account()
    ref = f"own/{account} 1"
    commands.call_subscription(shop.store, account, ref, "cloud", shop.clock.now(), "import")
    path = "/v1/subscriptions/own%2F" + f"{account}%201/standing"
    assert asking.get(path)[1] == asking.of(account)
    _, said, _ = asking.get(f"/v1/standing?of=own%2F{account}%201,nobody")
    assert [one.get("standing", one.get("code")) for one in said["standings"]] == ["disabled", "unknown_subscription"]
    for bound, status in ((account, 200), (other, 404)):
        asking.token = api_tokens.create_token("bound", "read", shop.clock.now(), account=bound)
        assert asking.get(path)[0] == status
