"""What a program says has been done, or asks to be done: money received outside, credits, voids, write-offs, disputes,
holds, declines, subscriptions that end or come back.

Each is the engine's own command, recorded as this token's. A request that runs again although its first try was
recorded is refused (`duplicate_...`, `nothing_changes`) instead of done twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router
from pydantic import WithJsonSchema

from arrears.core.account import ALL_STOPS, HoldScope, Stop
from arrears.core.errors import Refused
from arrears.core.ids import HOLD, format_id, parse_id
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.commands import corrections
from arrears.engine.finding import named_subscription
from arrears.web.api.entities import invoice_said, known_invoices
from arrears.web.api.fields import Amount, Day, InvoiceNumber, Ref, ShortText
from arrears.web.api.frame import OfAccount, Strict, account_number, author_of, no_account, of_token, terms
from arrears.web.api.idempotency import once_per_key
from arrears.web.api.paging import answered
from arrears.wiring import installed

router = Router(tags=["acts"])

WRITE: Final = ScopeAct.WRITE
ROUTE_ASKS: Final = OfAccount.ROUTE_ASKS

ReasonWords = Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S")]
"""Why, for the journal."""


StopName = Annotated[
    str, Field(pattern=f"^({'|'.join(ALL_STOPS)})$"), WithJsonSchema({"type": "string", "enum": [*ALL_STOPS]})
]


class MoreThanNothing(Amount):
    """Money, and not none."""

    amount_minor: Annotated[int, Field(ge=1, le=2**53)]


class OneInvoice(Strict):
    """An invoice by its own number, and why."""

    invoice: InvoiceNumber
    why: ReasonWords


class PaymentBody(Strict):
    """Money that arrived outside: `ref` is its own, so that it is booked once; `invoices` are those that it names, in
    the order in which they are paid. What they do not take is account credit."""

    account: Ref
    ref: Ref
    amount: MoreThanNothing
    invoices: Annotated[list[InvoiceNumber], Field(max_length=100)] = []  # noqa: RUF012 - pydantic copies it


class CreditBody(OneInvoice):
    """A credit note: so much less is asked of an invoice. `number` is its own, so that it is taken once."""

    number: InvoiceNumber
    amount: MoreThanNothing


class DueDate(OneInvoice):
    """Another day on which an invoice is due."""

    due_on: Day


class DeclineBody(Strict):
    """The charge of these invoices, all of one account, was definitively declined."""

    invoices: Annotated[list[InvoiceNumber], Field(min_length=1, max_length=100)]


class HoldBody(Strict):
    """A hold up to and including the local day `until`: on the account, or on what of it is named. On an invoice it
    stops everything."""

    account: Ref
    subscription: ShortText | None = None
    invoice: InvoiceNumber | None = None
    stops: Annotated[list[StopName], Field(min_length=1, max_length=len(ALL_STOPS))] | None = None
    until: Day
    why: ReasonWords


class Reasoned(Strict):
    """Why, for the journal."""

    why: ReasonWords


@router.post("/payments", **terms(ScopeKind.PAYMENTS, WRITE, of_account=ROUTE_ASKS, keyed=True, status=201))
@once_per_key
def received(request: HttpRequest, body: PaymentBody) -> HttpResponse:
    """Book money that arrived outside arrears, once for its `ref` (409 `duplicate_payment`)."""
    live = installed()
    number = _own(request, body.account)
    debts = debts_of(number, body.invoices)
    if body.ref in live.store.payment_places([body.ref]):
        raise Refused("duplicate_payment", f"payment {body.ref!r} is booked already")
    names = debts[0] if len(debts) == 1 else 0
    payment = Payment(number, body.ref, body.amount.currency, body.amount.amount_minor, tuple(debts), names=names)
    commands.record_payments(live.store, [payment], live.clock.now(), author_of(request))
    return answered({"ref": body.ref, "invoices": [_invoice(one) for one in body.invoices]}, 201)


@router.post(
    "/payments/{path:payment}/take-back", **terms(ScopeKind.PAYMENTS, WRITE, of_account=ROUTE_ASKS, keyed=True)
)
@once_per_key
def take_back(request: HttpRequest, payment: str, body: Reasoned) -> HttpResponse:
    """A payment that was booked from outside never came, or has left again, all of it: what it paid is owed again from
    today. What a payment provider took is refused: it reports that by itself."""
    live = installed()
    place = live.store.payment_places([payment]).get(payment)
    if place is None or not of_token(request, place.account):
        raise Refused("unknown_payment", f"there is no payment {payment[:60]!r}")
    took = corrections.take_back(live.store, payment, None, live.clock.now(), author_of(request), body.why)
    amount = {"amount_minor": took.minor, "currency": took.currency}
    return answered({"ref": payment, "taken_back": amount, "other_parts": list(took.others)})


@router.post("/credits", **terms(ScopeKind.INVOICES, WRITE, of_account=ROUTE_ASKS, keyed=True, status=201))
@once_per_key
def credit(request: HttpRequest, body: CreditBody) -> HttpResponse:
    """Ask so much less of an invoice; what is paid of that already is account credit. Once for each `number` of the
    account (409 `duplicate_credit`)."""
    store = installed().store
    _own_invoice(request, body.invoice)
    if corrections.currency_of(store, body.invoice) != body.amount.currency:
        raise Refused("wrong_currency", f"invoice {body.invoice!r} is not in {body.amount.currency}")
    now, author = installed().clock.now(), author_of(request)
    corrections.credit(store, body.invoice, body.amount.amount_minor, now, author, body.why, body.number)
    return answered({"credit": body.number, **_invoice(body.invoice)}, 201)


@router.post("/voids", **terms(ScopeKind.INVOICES, WRITE, of_account=ROUTE_ASKS, keyed=True))
@once_per_key
def void(request: HttpRequest, body: OneInvoice) -> HttpResponse:
    """Withdraw an invoice: nothing is asked any more; what is paid of it is account credit."""
    _own_invoice(request, body.invoice)
    corrections.void(installed().store, body.invoice, installed().clock.now(), author_of(request), body.why)
    return answered(_invoice(body.invoice))


@router.post("/write-offs", **terms(ScopeKind.INVOICES, WRITE, of_account=ROUTE_ASKS, keyed=True))
@once_per_key
def write_off(request: HttpRequest, body: OneInvoice) -> HttpResponse:
    """Give up what is open of an invoice. It ends what that caused, as a payment does."""
    _own_invoice(request, body.invoice)
    corrections.give_up(installed().store, body.invoice, installed().clock.now(), author_of(request), body.why)
    return answered(_invoice(body.invoice))


@router.post("/due-dates", **terms(ScopeKind.INVOICES, WRITE, of_account=ROUTE_ASKS, keyed=True))
@once_per_key
def due_date(request: HttpRequest, body: DueDate) -> HttpResponse:
    """Give an invoice another due date: later, or earlier as long as nothing about it was said to the customer."""
    _own_invoice(request, body.invoice)
    now, author = installed().clock.now(), author_of(request)
    corrections.move_due(installed().store, body.invoice, body.due_on, now, author, body.why)
    return answered(_invoice(body.invoice))


@router.post("/declines", **terms(ScopeKind.PAYMENTS, WRITE, of_account=ROUTE_ASKS, keyed=True))
@once_per_key
def declined(request: HttpRequest, body: DeclineBody) -> HttpResponse:
    """Report that a charge that somebody else made was definitively declined: what it was for is past due from
    today."""
    live = installed()
    account = _own_invoice(request, body.invoices[0])
    debts = debts_of(account, body.invoices)
    commands.report_decline(live.store, account, debts, live.clock.now(), author_of(request), journal=live.store)
    return answered({"invoices": [_invoice(one) for one in body.invoices]})


@router.post("/disputes", **terms(ScopeKind.CASES, WRITE, of_account=ROUTE_ASKS, keyed=True, status=201))
@once_per_key
def dispute(request: HttpRequest, body: OneInvoice) -> HttpResponse:
    """Hold everything about an invoice to which the customer objects, until the hold is released."""
    live = installed()
    account = _own_invoice(request, body.invoice)
    [debt] = debts_of(account, [body.invoice])
    now, author = live.clock.now(), author_of(request)
    number = commands.dispute(live.store, account, debt, now, author, body.why, journal=live.store)
    return answered({"hold": format_id(HOLD, account, number), **_invoice(body.invoice)}, 201)


@router.post("/holds", **terms(ScopeKind.CASES, WRITE, of_account=ROUTE_ASKS, keyed=True, status=201))
@once_per_key
def hold(request: HttpRequest, body: HoldBody) -> HttpResponse:
    """Stop escalation until a day: of an account, or of one subscription or invoice of it."""
    live = installed()
    account = _own(request, body.account)
    if body.subscription is not None and body.invoice is not None:
        raise Refused("bad_hold", "a hold is on one thing: name a subscription, an invoice, or neither")
    scope, target = HoldScope.ACCOUNT, 0
    if body.invoice is not None:
        scope, [target] = HoldScope.DEBT, debts_of(account, [body.invoice])
    elif body.subscription is not None:
        scope = HoldScope.SUBSCRIPTION
        target = named_subscription(live.store, account, body.subscription)
    number = commands.hold(
        live.store,
        account,
        scope=scope,
        target=target,
        stops=ALL_STOPS if body.stops is None else tuple(Stop(one) for one in dict.fromkeys(body.stops)),
        reason=body.why,
        until=body.until,
        now=live.clock.now(),
        author=author_of(request),
        journal=live.store,
    )
    return answered({"hold": format_id(HOLD, account, number), "scope": scope, "until": body.until}, 201)


@router.post("/holds/{hold}/release", **terms(ScopeKind.CASES, WRITE, of_account=ROUTE_ASKS, keyed=True))
@once_per_key
def release(request: HttpRequest, hold: str, body: Reasoned) -> HttpResponse:
    """End a hold now. Warnings whose date it moved no longer count: new ones follow, with their whole lead."""
    live = installed()
    account, number = parse_id(HOLD, hold)
    if not of_token(request, account) or account not in live.store.snapshots([account]):
        raise Refused("unknown_hold", f"there is no hold {hold}")
    commands.release(live.store, account, number, live.clock.now(), author_of(request), body.why)
    return answered({"hold": hold, "released": True})


def _own(request: HttpRequest, said: str) -> int:
    number = account_number(said)
    if not of_token(request, number):
        raise no_account(said)
    return number


def _own_invoice(request: HttpRequest, number: str) -> int:
    """The account of an invoice; to a token of another one it is not there."""
    place = installed().store.invoice_places([number]).get(number)
    if place is None or not of_token(request, place.account):
        raise _no_invoice(number)
    return place.account


def debts_of(account: int, numbers: Sequence[str]) -> list[int]:
    """The numbers within the account of its invoices; refuses one that is another's, and one that is named twice."""
    if len(set(numbers)) != len(numbers):
        raise Refused("same_invoice", "an invoice is named twice")
    known = known_invoices(installed().store, account).by_number if numbers else {}
    for number in numbers:
        if number not in known:
            raise _no_invoice(number)
    return [known[number] for number in numbers]


def _no_invoice(number: str) -> Refused:
    return Refused("unknown_invoice", f"there is no invoice {number[:60]!r}")


def _invoice(number: str) -> dict[str, Any]:
    store = installed().store
    place = store.invoice_places([number])[number]
    known, account = known_invoices(store, place.account), store.snapshots([place.account])[place.account]
    of, links = store.described([place.account])[place.account], store.invoice_links(place.account)
    return invoice_said(of, number, known, account, links)
