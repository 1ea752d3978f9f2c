"""Accounts and invoices, brought up to date by the operator's own references: an import of the row that is sent (spec,
section 14), so that a request and a file say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from ninja.errors import HttpError
from pydantic import ValidationError

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.ids import check_ref
from arrears.core.known import IMPORTER, known_from
from arrears.core.people.scopes import ScopeAct, ScopeKind, allows
from arrears.engine.commands.import_part import BookPart
from arrears.engine.commands.importing import ImportReport
from arrears.web.api.entities import account_said, etag, invoice_said, known_invoices
from arrears.web.api.frame import OfAccount, account_number, no_account, of_token, terms
from arrears.web.api.upsert_rows import (
    COLUMNS,
    AccountBody,
    InvoiceBody,
    SentAccount,
    SentInvoice,
    SentRows,
    wrong_fields,
)
from arrears.web.errors import problem
from arrears.web.sent_rows import import_rows
from arrears.wiring import installed

router = Router(tags=["upserts"])

ACCOUNTS: Final = ScopeKind.ACCOUNTS
INVOICES: Final = ScopeKind.INVOICES
READ: Final = ScopeAct.READ
WRITE: Final = ScopeAct.WRITE
MONEY: Final = ScopeAct.MONEY
DOCUMENT: Final = "document_url"
ROUTE_ASKS: Final = OfAccount.ROUTE_ASKS

_CONDITIONS: Final = [
    {"in": "header", "name": name, "required": False, "schema": {"type": "string"}}
    for name in ("If-Match", "If-None-Match")
]


@router.get("/accounts/{ref}", **terms(ACCOUNTS, READ, of_account=ROUTE_ASKS))
def account(request: HttpRequest, ref: str) -> HttpResponse:
    """An account as it is here, by the operator's own reference; `ETag` is what `If-Match` asks."""
    return _answered(_account_said(request, ref))


@router.put("/accounts/{ref}", **terms(ACCOUNTS, WRITE, of_account=ROUTE_ASKS, headers=_CONDITIONS))
def put_account(request: HttpRequest, ref: str, body: AccountBody) -> HttpResponse:
    """Say what an account is; it is opened if it is not there (201). With `If-Match` only while it is as it was read,
    with `If-None-Match: *` only if it is not there."""
    if lacking := lacks(request, body):
        raise HttpError(403, f"this token lacks {lacking}")
    if ref not in installed().store.account_numbers([ref]):
        check_ref(ref)
    sent, row = SentRows(), _named(SentAccount, {"kind": "account", "ref": ref}, body)
    sent.add(1, row)
    seen = _Seen(request, ref, _account_of_part)
    report = imported(sent, seen)
    if report.refused:
        return _conflict(report, ref)
    return _taken(seen, report, _account_said(request, ref))


@router.get("/invoices/{path:number}", **terms(INVOICES, READ, of_account=ROUTE_ASKS))
def invoice(request: HttpRequest, number: str) -> HttpResponse:
    """An invoice as it is here, by its own number."""
    return _answered(_invoice_said(request, number))


@router.put("/invoices/{path:number}", **terms(INVOICES, WRITE, of_account=ROUTE_ASKS, headers=_CONDITIONS))
def put_invoice(request: HttpRequest, number: str, body: InvoiceBody) -> HttpResponse:
    """Say what an invoice asks and how it stands; it is issued if it is not there (201). Its account must be there.
    What cannot be taken is 409 `conflicting_row`, and puts the account in doubt as a row of a file does."""
    sent, row = SentRows(), _named(SentInvoice, {"kind": "invoice", "number": number}, body)
    sent.add(1, row)
    seen = _Seen(request, body.account, lambda part, ref: _invoice_of_part(part, ref, number))
    report = imported(sent, seen)
    if report.refused:
        return _conflict(report, body.account)
    if not seen.was_there and report.count["nothing_asked"]:
        return JsonResponse({"result": "nothing_asked", "changed": []})
    linked = installed().store.link_invoices(sent.links)
    return _taken(seen, report, _invoice_said(request, number), linked)


# -- importing -----------------------------------------------------------------------------------------------------


def lacks(request: HttpRequest, said: AccountBody | InvoiceBody) -> str:
    """The scope that a token needs for what a row says, and lacks; empty where it may say that. What is paid with is
    for those to say who may move money."""
    may = request.auth.scopes  # type: ignore[attr-defined]
    if isinstance(said, InvoiceBody):
        return "" if allows(may, INVOICES, WRITE) else f"{INVOICES}:{WRITE}"
    names = said.payment_method is not None
    return f"{ScopeKind.PAYMENTS}:{MONEY}" if names and not allows(may, ScopeKind.PAYMENTS, MONEY) else ""


def imported(sent: SentRows, look: Callable[[BookPart], None]) -> ImportReport:
    """What came of the rows that were sent; see `sent_rows.import_rows`."""
    return import_rows(sent.accounts(), COLUMNS, sent.reasons(), sent.misread(), look)


class _Seen:
    """What one row is about, as it was under its locks, where the conditions of the request are asked."""

    def __init__(self, request: HttpRequest, ref: str, said: Callable[[BookPart, str], dict[str, Any] | None]) -> None:
        self._request = request
        self._ref = ref
        self._said = said
        self.was_there = False

    def __call__(self, part: BookPart) -> None:
        """Refuses another account than the token's, and a version other than the one that was asked for."""
        unit = part.units[self._ref]
        if not of_token(self._request, 0 if unit.is_new else unit.no) or (unit.is_new and _is_bound(self._request)):
            raise no_account(self._ref)
        said = self._said(part, self._ref)
        self.was_there = said is not None
        wanted, unwanted = (self._request.headers.get(name) for name in ("If-Match", "If-None-Match"))
        is_as_wanted = said is not None and (wanted == "*" or wanted == etag(said))
        if wanted is not None and not is_as_wanted:
            raise Refused("version_changed", "it is no longer as it was read; read it again")
        if unwanted is not None and said is not None and (unwanted == "*" or unwanted == etag(said)):
            raise Refused("version_changed", "it is there already")


def _named(kind: Any, names: Mapping[str, str], body: AccountBody | InvoiceBody) -> Any:
    """A row of what a PUT says: its name is in the path, and checked as in a row."""
    try:
        kind.model_validate({**_A_ROW[kind], **names})
    except ValidationError as error:
        raise Refused("bad_id", f"{wrong_fields(error)[0].field}: {wrong_fields(error)[0].what}") from None
    return kind.model_construct(**dict(body), **names)


_ANY_DAY: Final = "2026-01-01"
_A_ROW: Final[Mapping[Any, Mapping[str, Any]]] = {
    SentAccount: {"name": "-", "country": "ZZ", "zone": "UTC", "locale": "en", "payment_mode": "card"},
    SentInvoice: {
        "account": "-",
        "services": ["-"],
        "issued_on": _ANY_DAY,
        "due_on": _ANY_DAY,
        "total": {"amount_minor": 0, "currency": "EUR"},
    },
}


# -- saying what came of it ----------------------------------------------------------------------------------------


def _answered(said: Mapping[str, Any], status: int = 200, **more: object) -> HttpResponse:
    answer = JsonResponse({**said, **more}, status=status)
    answer.headers["ETag"] = etag(said)
    return answer


def _taken(seen: _Seen, report: ImportReport, said: Mapping[str, Any], linked: Set[str] = frozenset()) -> HttpResponse:
    changed = sorted({COLUMNS.get(one.what, one.what) for one in report.changes} | {DOCUMENT for _ in linked})
    changed = changed if seen.was_there else [one for one in changed if one != DOCUMENT]
    result = "created" if not seen.was_there else "changed" if changed else "unchanged"
    return _answered(said, 201 if result == "created" else 200, result=result, changed=changed)


def _conflict(report: ImportReport, ref: str) -> HttpResponse:
    reason = next(iter(report.wrong[ref].values()))
    name, _, what = reason.partition(": ")
    if name == "account":
        raise no_account(ref)
    fields = [{"field": name, "code": "conflicting", "what": what}]
    return problem(409, "conflicting_row", "That cannot be taken", what, fields=fields)


def _is_bound(request: HttpRequest) -> bool:
    return not of_token(request, -1)


# -- an account and an invoice as they are -------------------------------------------------------------------------


def _account_said(request: HttpRequest, ref: str) -> dict[str, Any]:
    store = installed().store
    number = account_number(ref)
    if not of_token(request, number):
        raise no_account(ref)
    return account_said(store.described([number])[number], store.snapshots([number])[number])


def _account_of_part(part: BookPart, ref: str) -> dict[str, Any] | None:
    unit = part.units[ref]
    return None if unit.is_new else account_said(part.described[unit.no], unit.account)


def _invoice_said(request: HttpRequest, number: str) -> dict[str, Any]:
    store = installed().store
    place = store.invoice_places([number]).get(number)
    if place is None or not of_token(request, place.account):
        raise Refused("unknown_invoice", f"there is no invoice {number[:60]!r}")
    known = known_invoices(store, place.account)
    described = store.described([place.account])[place.account]
    account = store.snapshots([place.account])[place.account]
    return invoice_said(described, number, known, account, store.invoice_links(place.account))


def _invoice_of_part(part: BookPart, ref: str, number: str) -> dict[str, Any] | None:
    unit = part.units[ref]
    history = ((author, f.decode_fact(body)) for author, body in part.stored.get(unit.no, ()))
    known = known_from(history, IMPORTER)
    described = part.described.get(unit.no)
    if described is None or number not in known.by_number:
        return None
    return invoice_said(described, number, known, unit.account, installed().store.invoice_links(unit.no))
