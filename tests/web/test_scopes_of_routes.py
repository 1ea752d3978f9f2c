"""Every route, with a token that may exactly that, with one that may everything else, and with one of another account:
who may is told by the scope alone, and of another account's things nothing is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from tests.web.conftest import NOW
from tests.web.routes import address
from tests.web.test_acts_api import Acting, acting
from tests.web.test_scopes import operations
from tests.web.test_upserts import billing, history

from arrears.core.people.scopes import EVERYTHING, TokenScope, scopes_text

if TYPE_CHECKING:
    from arrears.web.api.frame import AllowedToken

__all__ = ["acting", "billing", "history"]  # fixtures of the same names

CANARY: Final = "Canary of the tests"


class Called(NamedTuple):
    """An operation of the API: its method and path, and who may call it."""

    verb: str
    path: str
    auth: AllowedToken

    @property
    def scope(self) -> TokenScope:
        """What a token needs."""
        return TokenScope(self.auth.kind, self.auth.act)


def all_of_them() -> list[Called]:
    from arrears.web.api.frame import AllowedToken

    found = []
    for name, operation in operations():
        verb, _, path = name.partition(" ")
        [auth] = operation.auth_callbacks
        if isinstance(auth, AllowedToken):
            found.append(Called(verb, path.replace("{", "<").replace("}", ">"), auth))
    return found


def asked(acting: Acting, one: Called, parts: dict[str, object], token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"{acting.ref}{one.path}"}
    kinds = {"/upserts": "application/x-ndjson", "/bank/statements": "application/octet-stream"}
    kind = kinds.get(one.path, "application/json")
    path = f"/v1{address(one.path, parts)}"
    return acting.client.generic(one.verb, path, "" if one.verb == "GET" else "{}", kind, headers=headers)


@pytest.fixture
def parts(acting: Acting) -> dict[str, object]:
    """What the open parts of paths are, of an account that is there."""
    account = acting.account(name=CANARY)[1]["account"]
    number = account.removeprefix("acc_")
    hold = acting.act("disputes", acting.about())[1]["hold"]
    [task, *_] = acting.ask("GET", "tasks")[1]["tasks"] or [{"task": 1}]
    return {
        "account": account,
        "ref": acting.ref,
        "number": acting.number,
        "path:number": acting.number,
        "subscription": f"sub_{number}_1",
        "person": "anna@example.org",
        "hold": hold,
        "promise": f"promise_{number}_1",
        "case": f"case_{number}_1",
        "payment": f"pay-{acting.ref}",
        "path:payment": f"pay-{acting.ref}",
        "method": 1,
        "task_no": task["task"],
        "name": "default",
    }


def test_each_route_is_open_to_its_scope_and_to_no_other(
    acting: Acting, parts: dict[str, object], history: Any
) -> None:
    from arrears.web.api_tokens import create_token

    before, wrong = history(acting.ref), []
    exact = {
        scope: create_token(f"exactly {scope}", scopes_text({scope}), NOW) for scope in {o.scope for o in all_of_them()}
    }
    others = {scope: create_token(f"all but {scope}", scopes_text(every_other(scope)), NOW) for scope in exact}
    for one in all_of_them():
        may = asked(acting, one, parts, exact[one.scope])
        lacks = asked(acting, one, parts, others[one.scope])
        if may.status_code in (401, 403) or may.status_code >= 500:
            wrong.append((one.verb, one.path, "with its scope", may.status_code, may.content[:100]))
        if lacks.status_code != 403 or str(one.scope) not in json.loads(lacks.content)["detail"]:
            wrong.append((one.verb, one.path, "without it", lacks.status_code, lacks.content[:100]))
    assert wrong == []
    assert len(all_of_them()) >= 55
    assert history(acting.ref) == before


def every_other(scope: TokenScope) -> frozenset[TokenScope]:
    """Every scope of every kind but this one."""
    from arrears.core.people.scopes import ScopeAct, ScopeKind

    every = {TokenScope(kind, act) for kind in ScopeKind for act in ScopeAct}
    return frozenset(every - {scope})


def test_to_a_token_of_another_account_no_route_says_anything_of_this_one(
    acting: Acting, parts: dict[str, object], history: Any
) -> None:
    from arrears.web.api_tokens import create_token

    mine, acting.ref = acting.ref, f"{acting.ref}-other"
    other = acting.account(name="Other")[1]["account"]
    token = create_token("of another", scopes_text(EVERYTHING), NOW, account=int(other.removeprefix("acc_")))
    before, wrong = history(mine), []
    for one in all_of_them():
        answer = asked(acting, one, parts, token)
        said = answer.content.decode()
        told = CANARY in said or (answer.status_code < 400 and f'"{mine}"' in said)
        names_it = any(f"<{part}>" in one.path for part in ("account", "ref", "path:number", "hold", "promise", "case"))
        hidden = (403, 404, 422) if one.verb != "GET" else (403, 404)
        if told or answer.status_code >= 500 or (names_it and answer.status_code not in hidden):
            wrong.append((one.verb, one.path, answer.status_code, said[:120]))
    assert wrong == []
    assert history(mine) == before
