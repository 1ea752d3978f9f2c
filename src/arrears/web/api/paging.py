"""Lists over the API: so many at a time, going on after the public id of the last that was read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, TypeVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query

from arrears.core.errors import Refused
from arrears.core.ids import parse_id
from arrears.web.api.frame import account_number, no_account, of_token
from arrears.web.api_tokens import Token

ROWS_MAX: Final = 1000
PageSize = Annotated[int, Query(ge=1, le=ROWS_MAX)]
After = Annotated[str, Query(max_length=60, description="`next_after` of the page before; empty for the first")]
OneAccount = Annotated[str, Query(max_length=200, description="of this account alone: `acc_12`, or your own reference")]

T = TypeVar("T")


class PlainEncoder(json.JSONEncoder):
    """Days and instants as ISO 8601 with their zone, as `--json` of a command has them."""

    def default(self, o: Any) -> Any:
        """See json.JSONEncoder."""
        return o.isoformat() if isinstance(o, date) else super().default(o)


def answered(value: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """An answer of plain values, codes, days and instants."""
    return JsonResponse(value, status=status, encoder=PlainEncoder)


def page(
    name: str, rows: Sequence[T], limit: int, say: Callable[[T], dict[str, Any]], cursor_of: Callable[[T], str | int]
) -> HttpResponse:
    """A page of a list of which one row more was read than it has: what each says under its name, and what `after` is
    for the next page, or null."""
    shown = rows[:limit]
    next_after = cursor_of(shown[-1]) if len(rows) > limit else None
    return answered({name: [say(row) for row in shown], "next_after": next_after})


def cursor(kind: str, text: str) -> tuple[int, ...]:
    """The numbers of a cursor, empty for the first page; refuses `bad_cursor`."""
    if not text:
        return ()
    try:
        return parse_id(kind, text)
    except Refused:
        raise Refused("bad_cursor", f"{text!r} is no cursor of this list; send `next_after` as it was") from None


def whose(request: HttpRequest, said: str) -> int:
    """The account that a list is of, 0 for all: what was asked, within what the token is for."""
    token: Token = request.auth  # type: ignore[attr-defined]
    if not said:
        return token.account
    number = account_number(said)
    if not of_token(request, number):
        raise no_account(said)
    return number
