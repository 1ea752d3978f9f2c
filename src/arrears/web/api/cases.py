"""Why an account is in its state and what lies ahead, the tasks that wait for people, and the policies in force."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import time
from itertools import islice
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, CASE, format_id, parse_id
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.core.policy import Policy
from arrears.core.view import View
from arrears.engine.commands import close_task
from arrears.engine.explaining import explain, foretold, shown_ahead
from arrears.engine.messages.unreached import unreached
from arrears.store.postgres.lists import case_of, list_tasks
from arrears.store.postgres.queries import Task, open_task
from arrears.web.api.acts import Reasoned
from arrears.web.api.frame import OfAccount, account_number, author_of, of_token, terms
from arrears.web.api.idempotency import once_per_key
from arrears.web.api.lists import case_said
from arrears.web.api.paging import OneAccount, PageSize, answered, page, whose
from arrears.wiring import installed

router = Router(tags=["cases"])

READ: Final = ScopeAct.READ
WRITE: Final = ScopeAct.WRITE
ROUTE_ASKS: Final = OfAccount.ROUTE_ASKS
NUMBER_MAX: Final = 2**62
AHEAD_MAX: Final = 200


@router.get("/cases/{case}", **terms(ScopeKind.CASES, READ, of_account=ROUTE_ASKS))
def case(request: HttpRequest, case: str) -> HttpResponse:
    """One case (`case_12_1`); while it is open with what `arrears explain --json` says of its account
    (`explanation`): codes, dates and the facts that are the evidence."""
    live = installed()
    account, number = parse_id(CASE, case)
    found = case_of(live.store, account, number) if of_token(request, account) else None
    if found is None:
        raise Refused("unknown_case", f"there is no case {case}")
    is_open = found.outcome is None
    explanation = explain(live.store, account, live.clock.now()).value if is_open else None
    return answered({**case_said(found), "explanation": explanation})


@router.get("/accounts/{account}/explanation", **terms(ScopeKind.CASES, READ))
def explanation(request: HttpRequest, account: str) -> HttpResponse:
    """Reasoned an account is in its state, what comes next and what makes it wait, as `arrears explain --json` says it
    (docs/json.md): codes, dates, and the facts that are the evidence, by their numbers on the timeline."""
    live = installed()
    number = account_number(account)
    value = explain(live.store, number, live.clock.now()).value
    return answered({**value, "method_not_added": live.store.refused_methods([number]).get(number, "")})


@router.get("/accounts/{account}/ahead", **terms(ScopeKind.CASES, READ))
def ahead(request: HttpRequest, account: str, limit: Annotated[int, Query(ge=1, le=AHEAD_MAX)] = 50) -> HttpResponse:
    """What becomes of an account if nothing changes and nobody pays, in order: the decisions themselves, taken ahead of
    time. `at` is null for what is due at the next look, and for what waits for a doubt to be over."""
    live = installed()
    number = account_number(account)
    view = View(
        live.store.policies(), live.store.snapshots([number])[number], live.store.system().guards, live.clock.now()
    )
    heard = unreached(view, live.store.contacts([number])[number], live.store) is None
    coming = islice(foretold(view, heard=heard), limit)
    return answered({"account": format_id(ACCOUNT, number), "ahead": [shown_ahead(view, one) for one in coming]})


@router.get("/tasks", **terms(ScopeKind.TASKS, READ, of_account=ROUTE_ASKS))
def tasks(
    request: HttpRequest,
    after: Annotated[int, Query(ge=0, le=NUMBER_MAX)] = 0,
    limit: PageSize = 100,
    account: OneAccount = "",
    kind: Annotated[str | None, Query(max_length=60)] = None,
) -> HttpResponse:
    """What waits for a person, in the order in which it was first asked for; about one `account`, of one `kind`."""
    found = list_tasks(installed().store, after, limit + 1, account=whose(request, account), kind=kind)
    return page("tasks", found, limit, _task, lambda one: one.no)


@router.post("/tasks/{task_no}/close", **terms(ScopeKind.TASKS, WRITE, of_account=ROUTE_ASKS, keyed=True))
@once_per_key
def close(request: HttpRequest, task_no: int, body: Reasoned) -> HttpResponse:
    """Close a task that was dealt with. What asks for it again opens another."""
    live = installed()
    found = open_task(live.store, _bounded(task_no))
    if not of_token(request, found.account):
        raise Refused("unknown_task", f"there is no open task {task_no}")
    close_task(live.store, found.account, found.seq, live.clock.now(), author_of(request), body.why.strip())
    return answered({"task": task_no, "closed": True})


@router.get("/policies", **terms(ScopeKind.POLICIES, READ, of_account=OfAccount.OF_ALL))
def policies(request: HttpRequest) -> HttpResponse:
    """The policies in force, and how many accounts follow each; `GET /v1/accounts?policy=NAME` lists those."""
    store = installed().store
    found, follow = store.policies(), store.policy_followers()
    names = sorted({one.name for one in found.values()})
    return answered(
        {"policies": [{"name": n, "version": found[n].version, "accounts": follow.get(n, 0)} for n in names]}
    )


@router.get("/policies/{name}", **terms(ScopeKind.POLICIES, READ, of_account=OfAccount.OF_ALL))
def policy(request: HttpRequest, name: str) -> HttpResponse:
    """One policy as it is in force, each key with its value."""
    found = installed().store.policies().get(name)
    if found is None or found.name != name:
        raise Refused("unknown_policy", f"no policy {name[:60]!r} is in force")
    return answered({"policy": policy_said(found), "version": found.version})


def policy_said(found: Policy) -> dict[str, Any]:
    """Each key of a policy, with what it says."""
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    return {key: value.isoformat("minutes") if isinstance(value, time) else value for key, value in values.items()}


def _bounded(number: int) -> int:
    if not 0 < number <= NUMBER_MAX:
        raise Refused("unknown_task", f"there is no open task {number}")
    return number


def _task(one: Task) -> dict[str, Any]:
    said = asdict(one)
    number, account = said.pop("no"), said.pop("account")
    return {"task": number, "account": format_id(ACCOUNT, account) if account else None, **said}
