"""Many rows in one request: an import of them, account by account (spec, section 14).

A request that is refused as a whole is an export that was refused: what it says may be that somebody has paid. So it
leaves what such an export leaves (`arrears import`): a task, and nobody is restricted, disabled or deleted before a
person closes it. That other rows are taken later says nothing about these: a book comes in many requests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from pydantic import ValidationError

from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.core.strict_json import NotStrict, parse
from arrears.engine.commands.import_part import BookPart
from arrears.engine.commands.importing import ImportReport
from arrears.engine.system import set_book_refused
from arrears.web.api.frame import OfAccount, author_of, terms
from arrears.web.api.upsert_rows import COLUMNS, AnyRow, SentRows, WrongField, raw, wrong_fields
from arrears.web.api.upserts import DOCUMENT, imported, lacks
from arrears.web.errors import problem
from arrears.web.gate import ROWS_BYTES_MAX
from arrears.wiring import installed

router = Router(tags=["upserts"])

ACCOUNTS: Final = ScopeKind.ACCOUNTS
WRITE: Final = ScopeAct.WRITE

ROWS_MAX: Final = 10_000
"""So many rows one request may have."""
_FIRST_MAX: Final = 300
_WAY_ON: Final = (
    "nobody is restricted, disabled or deleted before this task is closed: let its program send them again as"
    " docs/api.md says, and close it once they are taken"
)

_BULK: Final = {
    "required": True,
    "content": {
        "application/x-ndjson": {
            "schema": {"type": "string", "description": "one JSON object on each line"},
            "example": '{"kind": "account", "ref": "c-1", "name": "Anna", "country": "NL", "zone": "Europe/Amsterdam",'
            ' "locale": "nl", "payment_mode": "card"}\n',
        }
    },
}


@router.post("/upserts", **terms(ACCOUNTS, WRITE, of_account=OfAccount.OF_ALL, body=_BULK))
def upserts(request: HttpRequest) -> HttpResponse:
    """Many rows at once, a JSON object on each line: `"kind": "account"` with `ref`, or `"kind": "invoice"` with
    `number`, and what a PUT would say. Each account is taken with all its rows or left as it was; the answer says of
    each row which, in order. Sent again it changes nothing more."""
    live, feed = installed(), f"rows of {author_of(request)}"
    try:
        sent = _read(request)
    except _Whole as whole:
        if feed not in live.store.system().books_refused and live.store.invoice_count():
            why = f"{feed} were not taken: {whole.detail[:_FIRST_MAX]}; {_WAY_ON}"
            set_book_refused(live.store, feed, live.clock.now(), why)
        return whole.answer
    if isinstance(sent, HttpResponse):
        return sent
    seen = _SeenMany()
    report = imported(sent, seen)
    for one in report.changes:
        seen.changed[one.account, one.invoice].add(COLUMNS.get(one.what, one.what))
    linked = live.store.link_invoices(sent.links_but(report.wrong))
    for account, kind, key in sent.places.values():
        if kind == "invoice" and key in linked:
            seen.changed[account, key].add(DOCUMENT)
    rows = [_row_said(row, sent, report, seen) for row in sorted(sent.places)]
    refused = sum(one["result"] == "refused" for one in rows)
    return JsonResponse({"taken": len(rows) - refused, "refused": refused, "rows": rows})


class _SeenMany:
    """Which accounts and invoices were there, and which fields of each have changed."""

    def __init__(self) -> None:
        self.changed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.accounts: set[str] = set()
        self.invoices: set[str] = set()

    def __call__(self, part: BookPart) -> None:
        """Look at one part."""
        self.accounts |= {ref for ref, unit in part.units.items() if not unit.is_new}
        self.invoices |= {*part.places}


class _Whole(Exception):
    """A request that is refused as a whole, with the answer to it."""

    def __init__(self, status: int, code: str, title: str, detail: str, **more: object) -> None:
        super().__init__(code)
        self.detail = detail
        self.answer = problem(status, code, title, detail, **more)


def _read(request: HttpRequest) -> SentRows | HttpResponse:
    """The rows; raises _Whole for what can be no rows of a book. What its token may not, or sends by the wrong name of
    its type, is answered at once: that is no export."""
    if request.content_type != "application/x-ndjson":
        return problem(415, "wrong_type", "Wrong content type", "send application/x-ndjson: a JSON object on each line")
    if int(request.META.get("CONTENT_LENGTH") or 0) > ROWS_BYTES_MAX:
        raise _Whole(413, "too_large", "Too large", f"rows have at most {ROWS_BYTES_MAX} bytes together")
    body = request.read(ROWS_BYTES_MAX + 1)
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > ROWS_MAX:
        raise _Whole(413, "too_many_rows", "Too many rows", f"a request has at most {ROWS_MAX} rows")
    if not lines:
        return problem(422, "no_rows", "There is no row", "send a JSON object on each line; nothing was sent")
    sent = SentRows()
    for number, line in enumerate(lines, 1):
        try:
            said = parse(line)
        except NotStrict as error:
            raise _Whole(400, "bad_json", "A row cannot be read", f"row {number}: {error}") from None
        try:
            row = AnyRow.validate_python(said)
        except ValidationError as error:
            kind = raw(said, "kind")
            whose, key = (raw(said, name) for name in (("ref", "ref") if kind == "account" else ("account", "number")))
            if not whose or "\0" in whose:
                fields = [one._asdict() for one in wrong_fields(error)]
                detail = f"row {number} does not say whose it is; nothing was taken"
                raise _Whole(422, "invalid", "A row is not right", detail, row=number, fields=fields) from None
            sent.complain(number, whose, kind, key, wrong_fields(error, skip=1))
            continue
        if lacking := lacks(request, row):
            return problem(403, "forbidden", "Not allowed", f"this token lacks {lacking}")
        sent.add(number, row)
    return sent


def _row_said(row: int, sent: SentRows, report: ImportReport, seen: _SeenMany) -> dict[str, Any]:
    ref, kind, key = sent.places[row]
    said: dict[str, Any] = {"row": row, "kind": kind, "ref" if kind == "account" else "number": key}
    if ref in report.wrong:
        wrong = sent.wrong.get(row) or _reasons(report.wrong[ref], row, kind)
        code = "conflicting_row" if wrong else "account_refused"
        return {**said, "result": "refused", "code": code, "fields": [one._asdict() for one in wrong]}
    changed = sorted(seen.changed[ref, key if kind == "invoice" else ""])
    if key in (seen.accounts if kind == "account" else seen.invoices):
        return {**said, "result": "changed" if changed else "unchanged", "changed": changed}
    return {**said, "result": "nothing_asked" if sent.asks_nothing(row) else "created", "changed": []}


def _reasons(wrong: Mapping[int, str], row: int, kind: str) -> list[WrongField]:
    reason = wrong.get(row) or (wrong.get(0) if kind == "account" else None)
    if reason is None:
        return []
    name, _, what = reason.partition(": ")
    return [WrongField(name, "conflicting", what)]
