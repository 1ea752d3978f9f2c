"""What is here, listed: accounts, subscriptions, invoices, cases, and the tasks that wait for people."""

from __future__ import annotations

from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from arrears.core.ids import ACCOUNT, CASE, INVOICE, SUBSCRIPTION, format_id
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.core.states import State
from arrears.store.postgres import lists
from arrears.store.postgres.lists import ListedCase, ListedInvoice, ListedSubscription
from arrears.web.api.entities import account_said
from arrears.web.api.frame import OfAccount, terms
from arrears.web.api.paging import After, OneAccount, PageSize, cursor, page, whose
from arrears.wiring import installed

router = Router(tags=["lists"])

READ: Final = ScopeAct.READ
ROUTE_ASKS: Final = OfAccount.ROUTE_ASKS
Flag = Annotated[bool | None, Query()]
Name = Annotated[str | None, Query(max_length=200)]


@router.get("/accounts", **terms(ScopeKind.ACCOUNTS, READ, of_account=ROUTE_ASKS))
def accounts(
    request: HttpRequest, after: After = "", limit: PageSize = 100, policy: Name = None, in_case: Flag = None
) -> HttpResponse:
    """Accounts in the order in which they came; those that follow a `policy`, those with a case that is open
    (`in_case=true`), or without."""
    store, own = installed().store, whose(request, "")
    [number] = cursor(ACCOUNT, after) or (0,)
    found = lists.list_accounts(store, number, limit + 1, of=own, policy=policy, in_case=in_case)
    described, snapshots = store.described(found), store.snapshots(found)
    return page(
        "accounts",
        found,
        limit,
        lambda one: account_said(described[one], snapshots[one]),
        lambda one: format_id(ACCOUNT, one),
    )


@router.get("/subscriptions", **terms(ScopeKind.SUBSCRIPTIONS, READ, of_account=ROUTE_ASKS))
def subscriptions(
    request: HttpRequest,
    after: After = "",
    limit: PageSize = 100,
    account: OneAccount = "",
    service: Name = None,
    state: Annotated[State | None, Query()] = None,
) -> HttpResponse:
    """Subscriptions; of one `account`, to one `service`, in one `state`."""
    found = lists.list_subscriptions(
        installed().store,
        _within(cursor(SUBSCRIPTION, after)),
        limit + 1,
        account=whose(request, account),
        service=service,
        state=state,
    )
    return page("subscriptions", found, limit, _subscription, lambda one: format_id(SUBSCRIPTION, one.account, one.no))


@router.get("/invoices", **terms(ScopeKind.INVOICES, READ, of_account=ROUTE_ASKS))
def invoices(
    request: HttpRequest,
    after: After = "",
    limit: PageSize = 100,
    account: OneAccount = "",
    open: Flag = None,
    past_due: Flag = None,
) -> HttpResponse:
    """Invoices; of one `account`, of which something is `open`, that are `past_due`, or not."""
    found = lists.list_invoices(
        installed().store,
        _within(cursor(INVOICE, after)),
        limit + 1,
        account=whose(request, account),
        is_open=open,
        past_due=past_due,
    )
    return page("invoices", found, limit, _invoice, lambda one: format_id(INVOICE, one.account, one.no))


@router.get("/cases", **terms(ScopeKind.CASES, READ, of_account=ROUTE_ASKS))
def cases(
    request: HttpRequest,
    after: After = "",
    limit: PageSize = 100,
    account: OneAccount = "",
    open: Flag = None,
) -> HttpResponse:
    """Past-due episodes; of one `account`, those that are `open`, or have ended."""
    found = lists.list_cases(
        installed().store,
        _within(cursor(CASE, after)),
        limit + 1,
        account=whose(request, account),
        is_open=open,
    )
    return page("cases", found, limit, case_said, lambda one: format_id(CASE, one.account, one.no))


def _within(numbers: tuple[int, ...]) -> tuple[int, int]:
    account, number = numbers or (0, 0)
    return account, number


def _subscription(one: ListedSubscription) -> dict[str, Any]:
    return {
        "subscription": format_id(SUBSCRIPTION, one.account, one.no),
        "account": format_id(ACCOUNT, one.account),
        "ref": one.ref,
        "subscription_ref": one.subscription_ref,
        "service": one.service,
        "state": one.state,
        "reasons": one.reasons,
        "restricted_on": one.restrict_on,
        "stops_on": one.disable_on,
        "deleted_on": one.delete_on,
    }


def _invoice(one: ListedInvoice) -> dict[str, Any]:
    return {
        "invoice": format_id(INVOICE, one.account, one.no),
        "number": one.number,
        "account": format_id(ACCOUNT, one.account),
        "ref": one.ref,
        "issued_on": one.issued_on,
        "due_on": one.due_on,
        "total": {"amount_minor": one.total_minor, "currency": one.currency},
        "open": {"amount_minor": one.open_minor, "currency": one.currency},
        "past_due_since": one.day_0,
    }


def case_said(one: ListedCase) -> dict[str, Any]:
    """A case: whose it is, since when, and how it ended; its days are days of its zone."""
    return {
        "case": format_id(CASE, one.account, one.no),
        "account": format_id(ACCOUNT, one.account),
        "ref": one.ref,
        "opened_on": one.opened_on,
        "policy": one.policy,
        "zone": one.zone,
        "outcome": one.outcome,
        "ended_at": one.ended_at,
    }
