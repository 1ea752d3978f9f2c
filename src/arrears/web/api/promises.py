"""Promises to pay and instalments, as they are agreed with a customer by a program of the operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router

from arrears.core.account import Account
from arrears.core.arrangements import Arrangement, Instalment
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, PROMISE, format_id, parse_id
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.engine import commands
from arrears.engine.commands.arrangements import DEBTS_MAX, PARTS_MAX
from arrears.web.api.acts import MoreThanNothing, Reasoned, ReasonWords, debts_of
from arrears.web.api.fields import Day, InvoiceNumber
from arrears.web.api.frame import OfAccount, Strict, account_number, author_of, of_token, terms
from arrears.web.api.idempotency import once_per_key
from arrears.web.api.paging import answered
from arrears.wiring import installed

router = Router(tags=["acts"])

KIND: Final = ScopeKind.CASES


class PromisedPart(Strict):
    """So much is paid by the end of a local day; of a promise in one part the amount may be left out: everything that
    is open."""

    on: Day
    amount: MoreThanNothing | None = None


class PromiseBody(Strict):
    """What a customer has promised about what is past due: of these invoices of one currency, or of all that are asked
    for. Several parts are instalments, together exactly what is open. `collects`: the customer has agreed that each
    part is charged on its day with the method on file."""

    parts: Annotated[list[PromisedPart], Field(min_length=1, max_length=PARTS_MAX)]
    invoices: Annotated[list[InvoiceNumber], Field(max_length=DEBTS_MAX)] = []  # noqa: RUF012 - pydantic copies it
    collects: bool = False
    why: ReasonWords


@router.get("/accounts/{account}/promises", **terms(KIND, ScopeAct.READ))
def promises(request: HttpRequest, account: str) -> HttpResponse:
    """The promises that are open, the oldest first."""
    found = installed().store.snapshots([number := account_number(account)])[number]
    return answered({"promises": [_said(found, one) for one in found.arrangements]})


@router.post("/accounts/{account}/promises", **terms(KIND, ScopeAct.WRITE, keyed=True, status=201))
@once_per_key
def promise(request: HttpRequest, account: str, body: PromiseBody) -> HttpResponse:
    """Agree when what is past due is paid. Until the next day of it nothing is sent, charged or stopped because of
    these invoices; a day that passes unpaid breaks it, and the ladder goes on where it had stopped. An invoice is in
    one promise at a time (409 `already_promised`)."""
    live, number = installed(), account_number(account)
    debts = debts_of(number, body.invoices)
    made = commands.promise(
        live.store,
        number,
        _parts(live.store.snapshots([number])[number], debts, body.parts),
        debts=debts,
        collects=body.collects,
        now=live.clock.now(),
        author=author_of(request),
        why=body.why,
    )
    found = live.store.snapshots([number])[number]
    said = [_said(found, one) for one in found.arrangements if one.no == made]
    return answered(said[0] if said else {}, 201)


@router.post("/promises/{promise}/end", **terms(KIND, ScopeAct.WRITE, of_account=OfAccount.ROUTE_ASKS, keyed=True))
@once_per_key
def end_promise(request: HttpRequest, promise: str, body: Reasoned) -> HttpResponse:
    """End a promise before it is kept: the ladder goes on where it had stopped, with new warnings and their whole
    lead."""
    live = installed()
    account, number = parse_id(PROMISE, promise)
    if not of_token(request, account) or account not in live.store.snapshots([account]):
        raise Refused("unknown_promise", f"there is no promise {promise}")
    commands.end_promise(live.store, account, number, live.clock.now(), author_of(request), body.why)
    return answered({"promise": promise, "ended": True})


def _parts(account: Account, debts: Sequence[int], parts: Sequence[PromisedPart]) -> list[Instalment]:
    """The parts in the one currency of what is promised; refuses another one, and a part of several without a sum."""
    asked = [one for one in account.past_due if not account.arrangement_on(one.no)]
    currencies = {one.currency for one in asked if not debts or one.no in debts}
    if any(part.amount is None for part in parts) and len(parts) > 1:
        raise Refused("bad_amount", "of several parts each has its amount")
    if any(part.amount is not None and currencies and part.amount.currency not in currencies for part in parts):
        raise Refused("wrong_currency", "an amount is in another currency than what is past due")
    if len({part.amount.currency for part in parts if part.amount is not None}) > 1:
        raise Refused("several_currencies", "a promise is in one currency; make one for each")
    return [Instalment(part.on, part.amount.amount_minor if part.amount is not None else 0) for part in parts]


def _said(account: Account, one: Arrangement) -> dict[str, Any]:
    return {
        "promise": format_id(PROMISE, account.no, one.no),
        "account": format_id(ACCOUNT, account.no),
        "invoices": [debt.number for debt in account.debts if debt.no in one.debts],
        "collects": one.collects,
        "parts": [
            {
                "on": part.on,
                "amount": {"amount_minor": part.minor, "currency": one.currency},
                "kept": place < one.kept,
            }
            for place, part in enumerate(one.parts)
        ],
    }
