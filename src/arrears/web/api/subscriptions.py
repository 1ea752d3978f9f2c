"""Subscriptions by the operator's own references: said, read, ended and taken back."""

from __future__ import annotations

from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router

from arrears.core.known import IMPORTER
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.core.view import View
from arrears.engine import commands
from arrears.engine.explaining import explained_subscription
from arrears.engine.finding import named_subscription
from arrears.ports import SubscriptionPlace
from arrears.web.api.acts import Reasoned
from arrears.web.api.fields import Ref, ShortText
from arrears.web.api.frame import Strict, account_number, author_of, terms
from arrears.web.api.idempotency import once_per_key
from arrears.web.api.paging import answered
from arrears.wiring import installed

router = Router(tags=["subscriptions"])

KIND: Final = ScopeKind.SUBSCRIPTIONS
READ: Final = ScopeAct.READ
WRITE: Final = ScopeAct.WRITE


class SubscriptionBody(Strict):
    """An account's use of one service."""

    service: ShortText


@router.get("/accounts/{account}/subscriptions/{subscription}", **terms(KIND, READ))
def subscription(request: HttpRequest, account: str, subscription: str) -> HttpResponse:
    """A subscription as it is here: by the operator's own reference, its service, or its id (`sub_12_3`)."""
    number = account_number(account)
    return answered(subscription_said(number, named_subscription(installed().store, number, subscription)))


@router.put("/accounts/{account}/subscriptions/{subscription}", **terms(KIND, WRITE))
def put_subscription(
    request: HttpRequest, account: str, subscription: Annotated[Ref, Path()], body: SubscriptionBody
) -> HttpResponse:
    """Say by which reference of your own the account's subscription to a service is called; it is added if there is
    none yet. What it is for and what it is called never change (409 `duplicate_ref`)."""
    live, number = installed(), account_number(account)
    was_there = bool(live.store.subscription_places([subscription]))
    sub = commands.call_subscription(live.store, number, subscription, body.service, live.clock.now(), IMPORTER)
    result = "unchanged" if was_there else "created"
    return answered({**subscription_said(number, sub), "result": result}, 200 if was_there else 201)


@router.post("/accounts/{account}/subscriptions/{subscription}/cancel", **terms(KIND, WRITE, keyed=True))
@once_per_key
def cancel(request: HttpRequest, account: str, subscription: str, body: Reasoned) -> HttpResponse:
    """End a subscription today: it is stopped, what is open stays, and its data is kept for the days of retention."""
    live = installed()
    number = account_number(account)
    sub = named_subscription(live.store, number, subscription)
    commands.cancel(live.store, number, sub, live.clock.now(), author_of(request), body.why)
    return answered(subscription_said(number, sub))


@router.post("/accounts/{account}/subscriptions/{subscription}/reactivate", **terms(KIND, WRITE, keyed=True))
@once_per_key
def reactivate(request: HttpRequest, account: str, subscription: str, body: Reasoned) -> HttpResponse:
    """Take the cancellation of a subscription back; it runs again unless something else keeps it stopped."""
    live = installed()
    number = account_number(account)
    sub = named_subscription(live.store, number, subscription)
    commands.reactivate(live.store, number, sub, live.clock.now(), author_of(request), body.why)
    return answered(subscription_said(number, sub))


def subscription_said(account: int, number: int) -> dict[str, Any]:
    """How a subscription stands, with the dates that its customer was told, and what the operator's systems call it."""
    store = installed().store
    view = View(store.policies(), store.snapshots([account])[account], store.system().guards, installed().clock.now())
    ref = store.subscription_refs([account]).get(SubscriptionPlace(account, number))
    return {**explained_subscription(view, number), "subscription_ref": ref}
