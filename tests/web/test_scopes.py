"""What a token may do: each route asks for one kind and act, a bound token sees one account, and a rotation is the same
token with another secret."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.sources import ROOT
from tests.web.conftest import NOW

from arrears.core.errors import Refused
from arrears.core.people.scopes import EVERYTHING, ScopeAct, ScopeKind, allows, scopes_of, scopes_text

if TYPE_CHECKING:
    from django.test import Client


def operations() -> list[tuple[str, Any]]:
    """Every route of the API with its methods, and the auth of each."""
    from arrears.web.api import api

    return [
        (f"{'/'.join(operation.methods)} {path}", operation)
        for _, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
    ]


def test_each_route_says_who_may_call_it(site: str) -> None:
    from arrears.web.api.frame import AllowedToken, OfAccount

    for name, operation in operations():
        [auth] = operation.auth_callbacks
        if name == "GET /me":
            continue
        assert isinstance(auth, AllowedToken), name
        if auth.of_account is OfAccount.IN_PATH:
            assert "{account}" in name, f"{name} has no account that a bound token could ask"
        reads = name.startswith("GET ") or name.endswith("/banner-token")
        assert (auth.act is ScopeAct.READ) is reads, name


def test_each_post_that_changes_something_needs_a_key(site: str) -> None:
    for name, operation in operations():
        said = [one["name"] for one in (operation.openapi_extra or {}).get("parameters", [])]
        changes = name.startswith("POST ") and not name.endswith(("/banner-token", "/upserts", "/bank/statements"))
        assert ("Idempotency-Key" in said) is changes, name


@pytest.mark.parametrize("text", ["payments", "payments:pay", "money:read", "*:*", ":", "payments:read ", "a" * 300])
def test_a_scope_that_does_not_exist_is_refused_with_those_that_do(text: str) -> None:
    with pytest.raises(Refused, match="of the kinds") as refused:
        scopes_of([text])
    assert refused.value.code == "bad_scope"


def test_money_is_no_part_of_writing_and_every_kind_is_each() -> None:
    writes = scopes_of(["payments:write", "*:read"])
    may = {(kind, act) for kind in ScopeKind for act in ScopeAct if allows(writes, kind, act)}
    assert may == {(ScopeKind.PAYMENTS, ScopeAct.WRITE), *((kind, ScopeAct.READ) for kind in ScopeKind)}
    assert scopes_text(EVERYTHING) == "*:money *:read *:write"


def test_the_guide_names_every_kind() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    rows = text.partition("<!-- kinds -->")[2].partition("<!-- end -->")[0].strip().splitlines()[2:]
    assert {row.split("`")[1] for row in rows} == {*ScopeKind}


@pytest.fixture
def account(site: str) -> int:
    """The number of an account that is there."""
    from arrears.core.account import Mode
    from arrears.core.policy import default_policy
    from arrears.engine.commands import open_accounts
    from arrears.engine.system import adopt_policy
    from arrears.ports import NewAccount
    from arrears.wiring import installed

    store = installed().store
    if "default" not in store.policies():
        adopt_policy(store, default_policy(), NOW - timedelta(days=100), "staff:1")
    new = NewAccount(f"scopes-{secrets.token_hex(8)}", "Anna", "NL", "Europe/Amsterdam", "nl", Mode.INVOICE)
    return open_accounts(store, [(new, [])], NOW, "staff:1")[0]


def get(client: Client, path: str, token: str) -> tuple[int, Any]:
    answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, json.loads(answer.content)


def test_a_token_does_what_its_scopes_say_and_is_told_which_it_lacks(client: Client, account: int) -> None:
    from arrears.web.api_tokens import create_token

    token = create_token("people", "people:read", NOW)
    assert get(client, f"/v1/accounts/acc_{account}/recipients", token)[0] == 200
    status, said = get(client, f"/v1/accounts/acc_{account}/attempts", token)
    assert (status, said["code"], said["detail"]) == (403, "forbidden", "this token lacks payments:read")


def test_to_a_bound_token_another_account_is_not_there(client: Client, account: int) -> None:
    from arrears.web.api_tokens import create_token

    token = create_token("one", "write", NOW, account=account)
    assert get(client, "/v1/me", token)[1]["account"] == f"acc_{account}"
    assert get(client, f"/v1/accounts/acc_{account}/recipients", token)[0] == 200
    theirs = [get(client, f"/v1/accounts/acc_{number}/recipients", token) for number in (account + 1, 999_999)]
    assert [(status, said["code"]) for status, said in theirs] == [(404, "unknown_account")] * 2


def test_a_rotated_token_is_the_same_token_and_its_secret_before_ends(site: str) -> None:
    from arrears.web.api_tokens import create_token, listed_tokens, revoke_token, rotate_token, token_of

    first = create_token("turning", "read", NOW)
    found = token_of(first, NOW)
    assert found is not None
    second = rotate_token(found.number, NOW, timedelta(hours=2))
    at = NOW + timedelta(hours=1)
    assert token_of(first, at) == token_of(second, at) == found
    assert token_of(first, NOW + timedelta(hours=2)) is None
    third = rotate_token(found.number, at, timedelta(0))
    assert [token_of(one, at) for one in (first, second, third)] == [None, None, found]
    assert (listed_tokens()[-1].rotated_at, listed_tokens()[-1].number) == (at, found.number)
    revoke_token(found.number, at)
    assert token_of(third, at) is None
    for number, code in ((found.number, "token_ended"), (999_999, "unknown_token")):
        with pytest.raises(Refused) as refused:
            rotate_token(number, at)
        assert refused.value.code == code


def test_tokens_of_the_version_before_may_do_what_they_did(site: str) -> None:
    """The migration's own statement, on the words that were there."""
    from pathlib import Path

    import arrears.store

    text = (Path(arrears.store.__file__).parent / "sql" / "0027_token_scopes.sql").read_text()
    [words] = [part.split(" SET scope = ")[1] for part in text.split(";") if part.strip().startswith("UPDATE")]
    with psycopg.connect(site) as db:
        got = dict(
            db.execute(f"SELECT scope, {words} FROM unnest(ARRAY['read', 'write']) AS t (scope)".encode()).fetchall()
        )
    assert {old: scopes_of(new.split()) for old, new in got.items()} == {
        "read": scopes_of(["*:read"]),
        "write": EVERYTHING,
    }
