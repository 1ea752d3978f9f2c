"""A bank's file in one request: what `arrears statement` takes, with the same answer."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Router

from arrears.adapters.books.statements import BYTES_MAX, read_content_apart, stored_map
from arrears.core.bank.statements import refused_file
from arrears.core.errors import Refused
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.engine.commands.bank.saying import said_of_file
from arrears.web.api.frame import OfAccount, author_of, terms
from arrears.web.errors import problem
from arrears.wiring import installed, settings

router = Router(tags=["bank"])

KIND: Final = "application/octet-stream"
STATUS: Final = {
    "empty_file": 400,
    "file_too_large": 413,
    "statement_too_large": 413,
    "statement_too_slow": 413,
    "packed_file": 415,
    "unknown_statement_format": 415,
}
"""The status of a file that cannot be read; 422 where nothing else is said."""

_FILE: Final = {
    "required": True,
    "content": {
        KIND: {"schema": {"type": "string", "format": "binary", "description": "the file as the bank gave it"}}
    },
}


@router.post("/bank/statements", **terms(ScopeKind.BANK, ScopeAct.WRITE, of_account=OfAccount.OF_ALL, body=_FILE))
def statements(
    request: HttpRequest,
    name: Annotated[str, Query(max_length=200, description="what tasks call the file")] = "",
    map_name: Annotated[str, Query(alias="map", max_length=50, description="of a CSV: the map of its columns")] = "",
    dry_run: Annotated[bool, Query(description="write nothing; say what the file says")] = False,
) -> HttpResponse:
    """A statement of your bank: CAMT.053 (.052 and .054 as early notices), MT940 or MT942, as it came, or a CSV whose
    columns a `map` of yours explains (docs/statements.md). What is matched by itself is booked at once. Sent again
    nothing is booked twice. What does not add up, or cannot be read, is set aside whole with a task (422 and others);
    `file` then says what was found in it. An unknown or wrong `map` (422): nothing was read."""
    if not request.content_type and not int(request.META.get("CONTENT_LENGTH") or 0):
        return problem(400, "empty_file", "The file was not taken", f"nothing was sent; send {KIND}")
    if request.content_type != KIND:
        return problem(415, "wrong_type", "Wrong content type", f"send {KIND}: the file as the bank gave it")
    try:
        columns = stored_map(settings().statements_folder, map_name) if map_name else None
    except Refused as refused:
        return problem(422, refused.code, "Nothing was read", refused.message)
    live, called = installed(), name.strip() or f"a file of {author_of(request)}"
    if int(request.META.get("CONTENT_LENGTH") or 0) > BYTES_MAX:
        too_large = f"it is larger than {BYTES_MAX // 1024**2} MiB; ask the bank for a file a day"
        content, read = b"", refused_file(Refused("file_too_large", too_large))
    else:
        content = request.read(BYTES_MAX)
        read = read_content_apart(content, columns)
    digest, ours = hashlib.sha256(content).digest(), settings().statement_accounts
    said = said_of_file(live.store, read, digest, called, ours, live.clock.now(), dry_run=dry_run)
    if said["state"] == "complete":
        return JsonResponse({"dry_run": dry_run, "files": [said]})
    code = str(said["code"] or "statement_quarantined")
    return problem(STATUS.get(code, 422), code, "The file was not taken", str(said["reason"]), file=_plain(said))


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    """The same without what it is made of, which is as large as the file."""
    return {name: value for name, value in said.items() if name != "entries"}
