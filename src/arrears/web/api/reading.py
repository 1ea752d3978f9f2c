"""What happened to an account, over the API. Lists go on after the last that was read, and miss nothing."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Router

from arrears.core.facts import Recorded, encode_fact
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.web.api.frame import account_number, terms
from arrears.wiring import installed

router = Router(tags=["reading"])

FACTS_MAX: Final = 1000
"""So many facts one answer may have."""
SEQ_MAX: Final = 2**62


@router.get("/accounts/{account}/timeline", **terms(ScopeKind.ACCOUNTS, ScopeAct.READ))
def timeline(
    request: HttpRequest,
    account: str,
    after: Annotated[int, Query(ge=0, le=SEQ_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=FACTS_MAX)] = 100,
) -> HttpResponse:
    """Every fact of an account in order, `limit` at a time: send `after` as `next_after` said, until that is null.
    Facts
    are numbered without a gap that could be filled later, so whoever goes on misses none that is recorded meanwhile."""
    live = installed()
    number = account_number(account)
    found = live.store.history_after(number, after, limit + 1)
    said = [_fact(one) for one in found[:limit]]
    return JsonResponse({"facts": said, "next_after": found[limit - 1].seq if len(found) > limit else None})


def _fact(one: Recorded) -> dict[str, Any]:
    known = {"seq": one.seq, "at": one.at.isoformat(), "author": one.author, "why": one.why}
    return {**known, **json.loads(encode_fact(one.fact))}
