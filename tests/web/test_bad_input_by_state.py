"""Rows of the list of bad input that need something to be there first: another account, a key that was used, what is
owed, a version; and that every row of an API and of webhooks, 1 to 42, has its test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.site import using
from tests.sources import ROOT
from tests.web.conftest import NOW
from tests.web.test_acts_api import Acting, acting
from tests.web.test_bad_input import ROWS
from tests.web.test_bad_webhooks import ROWS as WEBHOOKS
from tests.web.test_money_api import Shop, sandbox, shop
from tests.web.test_upserts import billing, history, money

from arrears.core.address import check_address
from arrears.core.delivery.targets import allowed_targets
from arrears.core.people.throttles import LIMITS, CountedBy, Limit, Throttled

__all__ = ["acting", "billing", "history", "sandbox", "shop"]  # fixtures of the same names


def token(*scopes: str, account: int = 0) -> str:
    from arrears.web.api_tokens import create_token

    return create_token("bad input", " ".join(scopes), NOW, account=account)


def test_row_3_of_another_account_nothing_is_there(acting: Acting) -> None:
    mine = acting.ref
    acting.ref = f"{mine}-other"
    other = acting.account()[1]["account"]
    acting.token = token("*:read", "*:write", "*:money", account=int(other.removeprefix("acc_")))
    for said in (mine, "nobody-at-all"):
        for path in ("", "/explanation", "/recipients", "/people", "/settlement", "/timeline", "/subscriptions/cloud"):
            status, body = acting.ask("GET", f"accounts/{said}{path}")
            assert (status, body["code"]) == (404, "unknown_account"), path
    assert acting.ask("GET", f"invoices/{acting.number}")[1]["code"] == "unknown_invoice"


def test_row_11_an_amount_that_is_not_what_is_owed_is_409_with_what_is(shop: Shop) -> None:
    account = shop.account((12_000, "EUR"))
    method, shown = shop.card(account), shop.shown(account)
    other = [{**shown[0], "amount_minor": 11_000}]
    answer = shop.send(f"accounts/acc_{account}/settlement", {"method": method, "quotes": other})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_amount"), "a sum of somebody's own"
    shop.send("voids", {"invoice": _number(shop, account), "why": "billed twice"})
    stale = shop.send(f"accounts/acc_{account}/settlement", {"method": method, "quotes": shown})
    assert (stale.status_code, stale.json()["code"], stale.json()["owed"]) == (409, "stale_quote", [])
    assert shop.captures(account) == []


def _number(shop: Shop, account: int) -> str:
    [one] = shop.get(f"invoices?account=acc_{account}").json()["invoices"]
    return str(one["number"])


def test_rows_13_and_15_a_key_is_one_request_and_has_one_answer(acting: Acting, history: Any) -> None:
    body, key = {"account": acting.ref, "ref": f"k-{acting.ref}", "amount": money(100)}, f"k-{acting.ref}"
    first = acting.act("payments", body, key=key)
    assert acting.act("payments", body, key=key) == first
    assert acting.act("payments", {**body, "amount": money(200)}, key=key)[1]["code"] == "idempotency_key_reused"
    assert acting.act("payments", {**body, "amount": money(200)}, key=key)[0] == 422
    assert history(acting.ref).count("payment_booked") == 1


def test_row_14_while_the_first_still_runs_the_same_key_waits_and_is_told_so(
    acting: Acting, monkeypatch: pytest.MonkeyPatch, site: str
) -> None:
    import psycopg

    from arrears.web.api import idempotency
    from arrears.web.api_tokens import token_of

    monkeypatch.setattr(idempotency, "WAIT_SECONDS_MAX", 0.1)
    body, key = {"account": acting.ref, "ref": f"r-{acting.ref}", "amount": money(100)}, f"r-{acting.ref}"
    first = acting.act("payments", body, key=key)
    found = token_of(acting.token, NOW)
    assert found is not None
    with psycopg.connect(site) as db:
        db.execute(
            "UPDATE idempotency_key SET status = NULL, response = NULL WHERE token_id = %s AND key = %s",
            [found.number, key],
        )
    status, said = acting.act("payments", body, key=key)
    assert (first[0], status, said["code"]) == (201, 409, "still_running")


def test_row_16_the_same_key_of_another_token_is_another(acting: Acting) -> None:
    body, key = {"account": acting.ref, "ref": f"s-{acting.ref}", "amount": money(100)}, f"s-{acting.ref}"
    assert acting.act("payments", body, key=key)[0] == 201
    acting.token = token("*:read", "*:write")
    assert acting.act("payments", {**body, "ref": f"{key}-2"}, key=key)[0] == 201


@pytest.mark.parametrize("where", ["email", "person", "extra"])
@pytest.mark.parametrize(
    "address",
    [
        "a@example.org\r\nBcc: x@example.org",
        "a@b@example.org",
        f"{'l' * 65}@example.org",
        "a b@example.org",
        "@example.org",
        "a@",
        "<script>@example.org",
    ],
)
def test_row_25_an_address_that_is_none_is_stored_nowhere(acting: Acting, where: str, address: str) -> None:
    from urllib.parse import quote

    path, body = {
        "email": (f"accounts/{acting.ref}", {"payment_mode": "invoice", "name": "A", "country": "NL", "zone": "UTC"}),
        "person": (f"accounts/{acting.ref}/people/{quote(address, safe='')}", {"role": "billing_reader"}),
        "extra": (f"accounts/{acting.ref}/recipients/extra", {"address": address}),
    }[where]
    status, _ = acting.ask("PUT", path, {**body, "locale": "nl", "email": address} if where == "email" else body)
    assert status == 422
    said = json.dumps([acting.ask("GET", f"accounts/{acting.ref}/{one}")[1] for one in ("people", "recipients")])
    assert "example.org" not in said.replace("anna@example.org", "")


def test_row_25_an_address_in_letters_of_its_own_country_is_stored_as_it_is(acting: Acting) -> None:
    for address in ("jörg@example.org", "a@bücher.example", "用户@例え.jp"):
        status, said = acting.ask("PUT", f"accounts/{acting.ref}/recipients/extra", {"address": address})
        assert status == 200, said
        assert check_address(address) in [one["address"] for one in said["extra"]]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "file:///etc/passwd",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.8/",
        "https://user:secret@hooks.example.org/",
        "https://hooks.example.org@10.0.0.8/",
        "gopher://hooks.example.org/",
        "//hooks.example.org/",
    ],
)
def test_row_26_a_webhook_goes_nowhere_but_where_anybody_may_be(acting: Acting, url: str) -> None:
    """Also where every host is allowed; that a name is resolved once, and what it says is looked at when it is
    connected to, is in `tests/adapters/test_deliveries_over_http.py`."""
    acting.token = token("*:read", "*:write")
    with using(delivery_targets=allowed_targets("*")):
        status, said = acting.ask("PUT", "event-endpoints/crm", {"url": url})
    assert (status, said["code"] in ("bad_endpoint_url", "target_not_allowed")) == (422, True), said
    assert acting.ask("GET", "event-endpoints")[1]["event_endpoints"] == []


def test_row_28_what_looks_like_code_is_text(acting: Acting, history: Any) -> None:
    name = "<script>alert(1)</script>'); DROP TABLE account; --{{ config }}${7*7}"
    assert acting.account(name=name)[1]["name"] == name
    acting.number = f"{acting.ref}-<b>'"
    acting.invoice()
    body = {"account": acting.ref, "ref": f"'{name}"[:80], "amount": money(100), "invoices": [acting.number]}
    assert acting.act("payments", body)[0] == 201
    assert acting.ask("GET", f"accounts/{acting.ref}")[1]["name"] == name
    page = acting.client.get("/")
    assert b"<script>alert(1)" not in page.content


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two requests a minute, for the 600 that there are."""
    monkeypatch.setitem(LIMITS, Throttled.API, {CountedBy.TOKEN: Limit(2, timedelta(minutes=1))})  # type: ignore[arg-type]
    return


@pytest.mark.usefixtures("seldom")
def test_row_29_one_request_too_many_is_429_and_says_when(acting: Acting) -> None:
    assert LIMITS[Throttled.API][CountedBy.TOKEN].most == 2
    sent = {"Authorization": f"Bearer {token('*:read')}"}
    answers = [acting.client.get("/v1/me", headers=sent) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].json()["code"] == "too_many_requests"


def test_row_29_the_limit_is_six_hundred_a_minute() -> None:
    limit = LIMITS[Throttled.API][CountedBy.TOKEN]
    assert (limit.most, limit.within) == (600, timedelta(minutes=1))


def test_row_30_a_version_that_is_no_longer_is_412(acting: Acting) -> None:
    version = acting.ask("GET", f"invoices/{acting.number}")[1]["ETag"]
    acting.act("due-dates", acting.about(due_on="2027-06-02"))
    status, said = acting.ask(
        "PUT", f"invoices/{acting.number}", acting.word(total=money(100)), **{"If-Match": version}
    )
    assert (status, said["code"]) == (412, "version_changed")
    assert acting.ask("GET", f"invoices/{acting.number}")[1]["open"] == money(12_000)


def test_every_row_of_the_list_has_its_test() -> None:
    here = (ROOT / "tests" / "web" / "test_bad_input_by_state.py").read_text(encoding="utf-8")
    numbers = re.findall(r"def test_rows?_([0-9]+)(?:_and_([0-9]+))?", here)
    named = {int(row) for pair in numbers for row in pair if row}
    found = {one.row for one in ROWS} | {one.row for one in WEBHOOKS} | named
    assert sorted(found) == [*range(1, 43)]
