"""Events over the API: the bodies that endpoints get, a cursor that misses nothing, and endpoints by request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from standardwebhooks import Webhook
from tests.adapters.test_deliveries_over_http import OK, server
from tests.site import using
from tests.web.living import Living, living

from arrears.adapters.services.over_http import HttpTransport
from arrears.core.delivery.targets import allowed_targets
from arrears.core.events import EVENTS
from arrears.engine.courier import Courier, put_what_is_new
from arrears.sandbox.run import Running, running
from arrears.wiring import return_keys

if TYPE_CHECKING:
    from django.test import Client

LOCAL = allowed_targets("127.0.0.0/8")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found, using(delivery_targets=LOCAL):
        yield found


def bearer(shop: Living, scope: str = "write", account: int = 0, **more: str) -> dict[str, str]:
    from arrears.web import api_tokens

    token = api_tokens.create_token("events", scope, shop.clock.now(), account=account)
    return {"Authorization": f"Bearer {token}", **more}


def every(client: Client, headers: dict[str, str], limit: int = 1000) -> list[Any]:
    """All events, page by page."""
    found, cursor = [], "0"
    while True:
        page = client.get(f"/v1/events?after={cursor}&limit={limit}", headers=headers).json()
        found += page["events"]
        if page["cursor"] == cursor:
            return found
        cursor = page["cursor"]


def test_what_happens_to_an_account_is_told_in_its_order_with_money_days_and_instants(
    shop: Living, client: Client
) -> None:
    account = shop.account((12000, "EUR"), days=40)
    put_what_is_new(shop.store, shop.clock.now())
    found = every(client, bearer(shop, account=account))
    kinds = [one["type"] for one in found]
    assert [k for k in kinds if k in ("account.opened", "account.past_due", "subscription.disabled")] == [
        "account.opened",
        "account.past_due",
        "subscription.disabled",
    ]
    assert [one["sequence"] for one in found] == sorted(one["sequence"] for one in found)
    assert {one["account"] for one in found} == {f"acc_{account}"}, "to a bound token no other account is there"
    issued = next(one for one in found if one["type"] == "invoice.issued")
    assert issued["data"]["total"] == {"amount_minor": 12000, "currency": "EUR"}
    assert issued["timestamp"].endswith("Z")
    disabled = next(one for one in found if one["type"] == "subscription.disabled")
    assert disabled["data"]["invoices"] == [issued["data"]["invoice"]]
    assert disabled["version"] == 1
    assert not {kind for kind in kinds if kind not in {row.type for row in EVENTS.values()}}


def test_a_page_at_a_time_gives_the_same_as_all_at_once(shop: Living, client: Client) -> None:
    shop.account((500, "EUR"), days=3)
    put_what_is_new(shop.store, shop.clock.now())
    headers = bearer(shop, "read")
    assert every(client, headers, 7) == every(client, headers)


def test_only_what_is_asked_for_is_listed_and_what_does_not_exist_is_refused(shop: Living, client: Client) -> None:
    shop.account((500, "EUR"))
    put_what_is_new(shop.store, shop.clock.now())
    headers = bearer(shop, "read")
    found = client.get("/v1/events?type=invoice.*&type=account.opened&limit=1000", headers=headers).json()
    assert {one["type"].partition(".")[0] for one in found["events"]} == {"invoice", "account"}
    for query, status, code in (
        ("type=invoice.gone", 422, "bad_event_type"),
        ("after=evt_x", 400, "bad_cursor"),
        ("after=evt_99999999", 400, "bad_cursor"),
    ):
        refused = client.get(f"/v1/events?{query}", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (status, code)


def put(client: Client, headers: dict[str, str], name: str, **body: object) -> Any:
    return client.put(f"/v1/event-endpoints/{name}", json.dumps(body), content_type="application/json", headers=headers)


def test_an_endpoint_gets_the_same_bodies_signed_by_its_secret(shop: Living, client: Client) -> None:
    headers = bearer(shop, "events:read events:write")
    with server(lambda connection, _asked: connection.sendall(OK)) as (url, heard):
        made = put(client, headers, "crm", url=url, types=["invoice.*"])
        assert made.status_code == 200, made.content
        secret = made.json()["secret"]
        assert "secret" not in put(client, headers, "crm", url=url, types=["invoice.*"]).json()
        account = shop.account((500, "EUR"))
        Courier(shop.store, HttpTransport(LOCAL, return_keys(shop.database)), shop.clock).carry_all()
    mine = [one for one in every(client, bearer(shop, account=account)) if one["type"].startswith("invoice.")]
    got = []
    for asked in heard:
        head, _, body = asked.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        at = datetime.fromtimestamp(int(lines["webhook-timestamp"]), UTC)
        assert lines["webhook-signature"] == Webhook(secret).sign(lines["webhook-id"], at, body.decode())
        assert json.loads(body)["id"] == lines["webhook-id"]
        got.append(json.loads(body))
    assert [one for one in got if one["account"] == f"acc_{account}"] == mine != []
    listed = client.get("/v1/event-endpoints", headers=headers).json()["event_endpoints"]
    assert [(one["name"], one["deliveries"]["pending"]) for one in listed] == [("crm", 0)]
    said = client.get("/v1/event-endpoints/crm/deliveries", headers=headers).json()["deliveries"]
    assert {one["status"] for one in said} == {204}
    client.delete("/v1/event-endpoints/crm", headers=headers)
    assert client.get("/v1/event-endpoints", headers=headers).json() == {"event_endpoints": []}


def test_an_endpoint_is_rotated_switched_and_replayed_by_request(shop: Living, client: Client) -> None:
    headers = bearer(shop, "events:read events:write")
    put(client, headers, "erp", url="http://127.0.0.1:1/")
    keyed = {**headers, "Idempotency-Key": "once"}
    post = {"content_type": "application/json", "headers": keyed}
    one = client.post("/v1/event-endpoints/erp/rotate", "{}", **post)
    assert one.json()["secret"].startswith("whsec_")
    again = client.post("/v1/event-endpoints/erp/rotate", "{}", **post).json()
    assert again == {name: value for name, value in one.json().items() if name != "secret"}, "a secret is said once"
    with psycopg.connect(shop.database) as db:
        kept = db.execute("SELECT t::text FROM endpoint_secret t UNION ALL SELECT t::text FROM idempotency_key t")
        assert [row for (row,) in kept if "whsec_" in row] == [], "a copy of the database signs nothing"
    assert put(client, headers, "erp", url="http://127.0.0.1:1/", state="off").json()["state"] == "off"
    replayed = client.post(
        "/v1/event-endpoints/erp/replay", '{"after": "0"}', **{**post, "headers": {**keyed, "Idempotency-Key": "2"}}
    )
    assert replayed.json()["cursor"] == "evt_0"
    client.delete("/v1/event-endpoints/erp", headers=headers)


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("crm", {"url": "https://hooks.example.org/"}, "target_not_allowed"),
        ("crm", {"url": "http://169.254.169.254/latest"}, "target_not_allowed"),
        ("crm", {"url": "file:///etc/passwd"}, "bad_endpoint_url"),
        ("crm", {"url": "http://127.0.0.1/", "types": ["invoice"]}, "bad_event_type"),
        ("crm", {"url": "http://127.0.0.1/", "secret": "mine"}, "invalid"),
        ("c m", {"url": "http://127.0.0.1/"}, "invalid"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_with_what_is_wrong(
    shop: Living, client: Client, name: str, body: dict[str, Any], code: str
) -> None:
    refused = put(client, bearer(shop), name, **body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_endpoints_are_not_for_a_token_that_is_bound_to_one_account(shop: Living, client: Client) -> None:
    account = shop.account()
    headers = bearer(shop, account=account)
    assert client.get("/v1/event-endpoints", headers=headers).status_code == 403
    assert put(client, headers, "crm", url="http://127.0.0.1/").status_code == 403
