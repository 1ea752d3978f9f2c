"""Money over the API: what is owed, paying all of it, payment methods, attempts, refunds (spec, sections 4 and 12).

Routes parse, call a command of the engine, and say what came of it. A program may act for a person (`person`); then
that person must be the account administrator, and whoever is not in the account gets the same 404 as for none.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Field, Query, Router

from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, INVOICE, PERSON, SUBSCRIPTION, format_id, parse_id
from arrears.core.money import format_amount
from arrears.core.payments.declines import guidance
from arrears.core.payments.settlement import Quote
from arrears.core.payments.values import AttemptState
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.core.rules.request import SET_UP
from arrears.engine.doubting import asking
from arrears.engine.payments import methods, refunds, settling
from arrears.engine.payments.settling import Result, StaleQuote
from arrears.ports import AttemptRecord, MethodRecord
from arrears.web.api.frame import OfAccount, Strict, account_number, author_of, no_account, of_token, terms
from arrears.web.api.idempotency import once_per_key
from arrears.web.errors import problem
from arrears.web.identities import administrator_of, role_of
from arrears.wiring import Installation, installed

router = Router(tags=["money"])

PAYMENTS: Final = ScopeKind.PAYMENTS
READ: Final = ScopeAct.READ
MONEY: Final = ScopeAct.MONEY

JOIN_SECONDS_MAX: Final = 20.0
"""How long a request waits for the answer of the same one that was first; then it asks the provider itself."""

_UNDER_WAY: Final = (AttemptState.CREATED, AttemptState.UNKNOWN)


class Shown(Strict):
    """One currency of what the payer saw."""

    currency: str
    amount_minor: int
    hash: str


class Settle(Strict):
    """Pay everything that was shown, with a method on file. `also` are invoices not due yet that were chosen too;
    `part_minor`, by currency, is possible after the whole sum has failed."""

    method: int
    quotes: list[Shown]
    person: str | None = None
    also: list[str] = Field(default_factory=list)
    part_minor: dict[str, int] = Field(default_factory=dict)


class Setup(Strict):
    """Where a person sets up a new method: in this language, at this provider or the one that opens new pages here."""

    provider: str = ""
    locale: str = "en"
    person: str | None = None


class Finish(Strict):
    """The provider's page on which a method was set up, and that provider as it was answered when the page was opened:
    left out, the one that opens new pages here."""

    provider: str = ""
    page: str
    person: str | None = None


class Activate(Strict):
    """The subscriptions that this method pays for from now on; all where none is named."""

    subscriptions: list[str] = Field(default_factory=list)
    person: str | None = None


class Renew(Strict):
    """A card's new expiry."""

    month: int
    year: int
    person: str | None = None


class RefundBody(Strict):
    """Give back so much of a payment, and why. `reopens`: what that money has paid is owed again."""

    amount_minor: int
    currency: str
    why: str
    reopens: bool = False


@router.get("/accounts/{account}/settlement", **terms(PAYMENTS, READ))
def show(
    request: HttpRequest, account: str, also: Annotated[list[str] | None, Query(max_length=100)] = None
) -> HttpResponse:
    """What is owed now, one quote for each currency: send it back as it is to pay it.

    `?also=inv_12_3` adds an invoice that is not due yet.
    """
    live = installed()
    number = account_number(account)
    owed = settling.quote(live.store, number, live.clock.now(), _invoices(number, also or []))
    return JsonResponse({"owed": [_quote(q) for q in owed]})


@router.post("/accounts/{account}/settlement", **terms(PAYMENTS, MONEY, keyed=True))
@once_per_key
def settle(request: HttpRequest, account: str, body: Settle) -> HttpResponse:
    """Charge exactly what was shown, once, whoever else asks the same; needs an `Idempotency-Key`.

    A decline is an answer (200) with what to do about it; 409 `stale_quote` carries what is owed now.
    """
    live = installed()
    number = account_number(account)
    author = _author(request, number, body.person)
    also = _invoices(number, body.also)
    _as_quoted(settling.quote(live.store, number, live.clock.now(), also), body.quotes)
    shown = {q.currency: q.hash for q in body.quotes}
    try:
        results = settling.settle(
            live.store,
            live.providers,
            number,
            shown,
            body.method,
            live.clock.now,
            author,
            also=also,
            part_minor=body.part_minor,
            wait=lambda attempt: _wait_for_the_first(live, number, attempt),
        )
    except StaleQuote as stale:
        owed = [_quote(q) for q in stale.now_owed]
        return problem(409, stale.code, "What is owed has changed", stale.message, owed=owed)
    refused = [{"currency": code, "code": r.code, "why": r.message} for code, r in sorted(results.refused.items())]
    return JsonResponse({"results": [_result(r) for r in results], "refused": refused})


def _as_quoted(owed: Sequence[Quote], shown: Sequence[Shown]) -> None:
    """What was sent back must be what was shown; an amount of somebody's own is refused before anything is tried."""
    if len({q.currency for q in shown}) != len(shown):
        raise Refused("bad_quote", "a currency stands twice in `quotes`; send each quote once")
    known = {q.hash: q for q in owed}
    for one in shown:
        quote = known.get(one.hash)
        if quote is not None and (quote.currency, quote.amount_minor) != (one.currency, one.amount_minor):
            due = format_amount(quote.amount_minor, quote.currency)
            raise Refused(
                "bad_amount", f"exactly {due} is owed, so nothing else can be charged; for less, see part_minor"
            )


def _wait_for_the_first(live: Installation, account: int, attempt: int) -> None:
    tick = threading.Event()
    for _ in range(int(JOIN_SECONDS_MAX / 0.05)):
        left = live.store.snapshots([account])[account].attempt(attempt)
        if left is None or left.state not in _UNDER_WAY:
            return
        tick.wait(0.05)


@router.get("/accounts/{account}/payment-methods", **terms(PAYMENTS, READ))
def payment_methods(request: HttpRequest, account: str) -> HttpResponse:
    """The account's payment methods, and the subscriptions that each pays for."""
    live = installed()
    number = account_number(account)
    found = live.store.snapshots([number])[number]
    paying = {(s.method, format_id(SUBSCRIPTION, number, s.no)) for s in found.subscriptions}
    listed = [
        _method(m, sorted(s for n, s in paying if n == m.no)) for m in live.store.methods(number) if not m.removed
    ]
    return JsonResponse({"payment_methods": listed})


@router.post("/accounts/{account}/payment-methods", **terms(PAYMENTS, MONEY, keyed=True, status=201))
@once_per_key
def start_setup(request: HttpRequest, account: str, body: Setup) -> HttpResponse:
    """The provider's page on which a person sets up a method; nothing is collected. Needs an `Idempotency-Key`."""
    live = installed()
    number = account_number(account)
    author = _author(request, number, body.person)
    key = f"{author}-{number}-{request.headers['Idempotency-Key']}"
    provider = body.provider or live.providers.default
    with asking(live.store, number, SET_UP, live.clock.now()):
        page = methods.start_setup(live.store, live.providers, number, provider, key, body.locale)
    return JsonResponse({"page": page.ref, "url": page.url, "provider": provider}, status=201)


@router.post("/accounts/{account}/payment-methods/finish", **terms(PAYMENTS, MONEY, keyed=True))
@once_per_key
def finish_setup(request: HttpRequest, account: str, body: Finish) -> HttpResponse:
    """Store what was set up on a page; the same page gives the same method. It pays for what none pays for; nothing is
    collected at once."""
    live = installed()
    number = account_number(account)
    author = _author(request, number, body.person)
    now = live.clock.now()
    provider = body.provider or live.providers.default
    method = methods.finish_setup(live.store, live.providers, number, provider, body.page, now, author)
    methods.activate_where_needed(live.store, number, method, now, author)
    return JsonResponse(_method(live.store.method(number, method), []))


@router.post("/accounts/{account}/payment-methods/{method}/activate", **terms(PAYMENTS, MONEY, keyed=True))
@once_per_key
def activate(request: HttpRequest, account: str, method: int, body: Activate) -> HttpResponse:
    """Let a method pay for subscriptions from now on, where nothing is past due."""
    live = installed()
    number = account_number(account)
    author = _author(request, number, body.person)
    chosen = tuple(_owned(SUBSCRIPTION, number, text) for text in body.subscriptions)
    methods.activate(live.store, number, method, live.clock.now(), author, chosen)
    return payment_methods(request, account)


@router.post("/accounts/{account}/payment-methods/{method}/renew", **terms(PAYMENTS, MONEY, keyed=True))
@once_per_key
def renew(request: HttpRequest, account: str, method: int, body: Renew) -> HttpResponse:
    """The same card with its new expiry."""
    live = installed()
    number = account_number(account)
    author = _author(request, number, body.person)
    methods.renew(live.store, live.providers, number, method, body.month, body.year, live.clock.now(), author)
    return payment_methods(request, account)


@router.delete("/accounts/{account}/payment-methods/{method}", **terms(PAYMENTS, MONEY))
def remove(request: HttpRequest, account: str, method: int, person: str | None = None) -> HttpResponse:
    """Remove a method; 422 `method_held` lists what holds it and until when."""
    live = installed()
    number = account_number(account)
    author = _author(request, number, person)
    methods.remove(live.store, live.providers, number, method, live.clock.now(), author)
    return payment_methods(request, account)


@router.get("/accounts/{account}/attempts", **terms(PAYMENTS, READ))
def attempts(request: HttpRequest, account: str) -> HttpResponse:
    """The book of attempts, newest first."""
    live = installed()
    number = account_number(account)
    return JsonResponse({"attempts": [_attempt(a) for a in reversed(live.store.attempts(number))]})


@router.post("/payments/{payment}/refund", **terms(PAYMENTS, MONEY, of_account=OfAccount.ROUTE_ASKS, keyed=True))
@once_per_key
def refund(request: HttpRequest, payment: str, body: RefundBody) -> HttpResponse:
    """Give back a payment or a part of it; it reopens nothing unless you say so. Needs an `Idempotency-Key`: with the
    same one it is the same refund, for ever."""
    live = installed()
    record = live.store.payment(payment)
    if record is not None and not of_token(request, record.account):
        raise Refused("unknown_payment", f"there is no payment {payment}")
    if record is not None and record.fact.currency != body.currency:
        raise Refused("bad_amount", f"{payment} was paid in {record.fact.currency}, not in {body.currency[:10]!r}")
    author = author_of(request)
    now = live.clock.now()
    request_of = f"{author} {request.headers['Idempotency-Key']}"
    answer = refunds.refund(
        live.store,
        live.providers,
        payment,
        body.amount_minor,
        now,
        author,
        body.why[:300],
        request_of,
        reopens=body.reopens,
    )
    return JsonResponse({"refund": answer.ref, "state": str(answer.state)})


# -- parsing and saying ----------------------------------------------------------------------------------------


def _owned(kind: str, account: int, text: str) -> int:
    """The number of something of this account; of another account's it says no more than that it is not there."""
    owner, number = parse_id(kind, text)
    if owner != account:
        raise Refused("unknown_id", f"there is no {text} on {format_id(ACCOUNT, account)}")
    return number


def _invoices(account: int, texts: Sequence[str]) -> tuple[int, ...]:
    return tuple(_owned(INVOICE, account, text) for text in texts)


def _author(request: HttpRequest, account: int, person: str | None) -> str:
    """Who acts: the person that the program speaks for, who must be the administrator, or the program itself."""
    if person is None:
        return author_of(request)
    [number] = parse_id(PERSON, person)
    role = role_of(account, number)
    if role is None:
        raise no_account(format_id(ACCOUNT, account))
    if role != "administrator":
        who = administrator_of(account) or "nobody yet; ask support"
        raise Refused("not_administrator", f"only the account administrator may do this: {who}")
    return f"person:{number}"


def _quote(quote: Quote) -> dict[str, Any]:
    invoices = [
        {"invoice": format_id(INVOICE, quote.account, part.debt), "number": number, "open_minor": part.minor}
        for part, number in zip(quote.parts, quote.numbers, strict=True)
    ]
    return {
        "currency": quote.currency,
        "amount_minor": quote.amount_minor,
        "amount": format_amount(quote.amount_minor, quote.currency),
        "hash": quote.hash,
        "invoices": invoices,
    }


def _result(result: Result) -> dict[str, Any]:
    answer = _attempt(result.attempt)
    if result.url:
        answer["confirm_at"] = result.url
    return answer


def _attempt(attempt: AttemptRecord) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "attempt": attempt.no,
        "state": attempt.state,
        "currency": attempt.currency,
        "amount_minor": attempt.amount_minor,
        "method": attempt.method or None,
        "by": attempt.initiator,
        "created_at": attempt.created_at.isoformat(),
    }
    if attempt.decline:
        what = guidance(attempt.decline)
        answer["decline"] = {"code": attempt.decline, "fix": what.fix, "text": what.text, "ask_the_bank": what.checks}
    return answer


def _method(method: MethodRecord, subscriptions: list[str]) -> dict[str, Any]:
    return {
        "method": method.no,
        "provider": method.at_provider,
        "kind": method.kind,
        "label": method.label,
        "expires_on": None if method.expires_on is None else method.expires_on.isoformat(),
        "active_for": subscriptions,
    }
