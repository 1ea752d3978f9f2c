"""What happened, over the API, and the endpoints that it is sent to with the same bodies."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Router
from pydantic import Field

from arrears.core.delivery.signing import SECRET_BYTES, secret_text
from arrears.core.errors import Refused
from arrears.core.events import number_of_event, wanted_types
from arrears.core.ids import ACCOUNT, format_id, parse_id
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.ports import DeliveryEndpoint, DeliveryState, EndpointState, EndpointUse, ListedDelivery, NewEndpoint
from arrears.web.api.frame import OfAccount, Strict, author_of, terms
from arrears.web.api.idempotency import once_per_key
from arrears.web.api_tokens import Token
from arrears.wiring import installed

router = Router(tags=["events"])

EVENTS: Final = ScopeKind.EVENTS
READ: Final = ScopeAct.READ
WRITE: Final = ScopeAct.WRITE
OF_ALL: Final = OfAccount.OF_ALL
EVENTS_MAX: Final = 1000
"""So many events one answer may have."""
OVERLAP_HOURS: Final = 24

EndpointName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Types = Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=100)]
Url = Annotated[str, Field(min_length=1, max_length=2000)]


class EndpointWanted(Strict):
    """Where events go. `types` are all where none is named; `account` and `after` count only for a new endpoint."""

    url: Url
    types: Types | None = None
    state: Literal["on", "off"] = "on"
    account: Annotated[str, Field(max_length=60)] | None = None
    after: Annotated[str, Field(max_length=60)] | None = None


class RotationWanted(Strict):
    """How long the secret before signs too."""

    overlap_hours: Annotated[int, Field(ge=0, le=720)] = OVERLAP_HOURS


class ReplayWanted(Strict):
    """The last event that was right."""

    after: Annotated[str, Field(max_length=60)]


@router.get("/events", **terms(EVENTS, READ, of_account=OfAccount.ROUTE_ASKS))
def events(
    request: HttpRequest,
    after: Annotated[str, Query(max_length=60)] = "0",
    limit: Annotated[int, Query(ge=1, le=EVENTS_MAX)] = 100,
    type: Annotated[list[str] | None, Query(max_length=100)] = None,
) -> HttpResponse:
    """Events after a cursor, the oldest first. Go on with `cursor`, until it stays as it was."""
    token: Token = request.auth  # type: ignore[attr-defined]
    since = _known_cursor(after)
    found, looked = installed().store.events_after(since, limit, wanted_types(type or []), token.account)
    return JsonResponse({"events": [json.loads(one.body) for one in found], "cursor": f"evt_{looked}"})


def _known_cursor(text: str) -> int:
    """The place of the event that a cursor names. One that no event has had is refused: whoever has it was told of a
    book that was taken back to a backup, and would miss what happens until there are as many events again."""
    number = number_of_event(text)
    if number and installed().store.events_after(number - 1, 1)[1] < number:
        message = f"no event here is {text[:60]!r}: was a backup put back? read on from an event of before it, or evt_0"
        raise Refused("bad_cursor", message)
    return number


@router.get("/event-endpoints", **terms(EVENTS, READ, of_account=OF_ALL))
def endpoints(request: HttpRequest) -> HttpResponse:
    """The endpoints, how they do, and how much was taken, waits, or is parked."""
    found = [one for one in installed().store.endpoints() if one.use is EndpointUse.EVENTS]
    return JsonResponse({"event_endpoints": [_endpoint(one) for one in found]})


@router.put("/event-endpoints/{name}", **terms(EVENTS, WRITE, of_account=OF_ALL))
def put_endpoint(request: HttpRequest, name: EndpointName, body: EndpointWanted) -> HttpResponse:
    """Make an endpoint, or say of one that is there where it is, what it wants, and whether it is on. `secret` is in
    the answer that made it alone."""
    live = installed()
    store, now = live.store, live.clock.now()
    live.transport().check(body.url)
    types = wanted_types(body.types or [])
    there = next((one for one in store.endpoints() if one.name == name), None)
    secret = ""
    if there is None:
        secret = secret_text(secrets.token_bytes(SECRET_BYTES))
        account = 0 if body.account is None else parse_id(ACCOUNT, body.account)[0]
        after = None if body.after is None else _known_cursor(body.after)
        kept = live.transport().sealed(secret)
        store.add_endpoint(NewEndpoint(EndpointUse.EVENTS, name, body.url, kept, types, account, after), now)
    else:
        _of_events(there)
        store.change_endpoint(there.number, body.url, types, now)
    one = store.endpoint_named(name)
    if one.state != body.state:
        store.switch_endpoint(one.number, EndpointState(body.state), "switched off by request", now, author_of(request))
        one = store.endpoint_named(name)
    return JsonResponse({**_endpoint(one), **({"secret": secret} if secret else {})})


@router.delete("/event-endpoints/{name}", **terms(EVENTS, WRITE, of_account=OF_ALL))
def delete_endpoint(request: HttpRequest, name: EndpointName) -> HttpResponse:
    """Send nothing there any more; the name may be used anew."""
    live = installed()
    one = _of_events(live.store.endpoint_named(name))
    state, now = EndpointState.REMOVED, live.clock.now()
    live.store.switch_endpoint(one.number, state, "removed by request", now, author_of(request))
    return JsonResponse({"name": name, "state": state})


@router.post("/event-endpoints/{name}/rotate", **terms(EVENTS, WRITE, keyed=True, of_account=OF_ALL))
@once_per_key
def rotate(request: HttpRequest, name: EndpointName, body: RotationWanted) -> HttpResponse:
    """Another secret, in this answer alone; the one before signs too for a while. Needs an `Idempotency-Key`."""
    live = installed()
    one, now = _of_events(live.store.endpoint_named(name)), live.clock.now()
    secret, until = secret_text(secrets.token_bytes(SECRET_BYTES)), now + timedelta(hours=body.overlap_hours)
    live.store.rotate_secret(one.number, live.transport().sealed(secret), now, until)
    return JsonResponse({**_endpoint(one), "secret": secret, "before_until": until.isoformat()})


@router.post("/event-endpoints/{name}/replay", **terms(EVENTS, WRITE, keyed=True, of_account=OF_ALL))
@once_per_key
def replay(request: HttpRequest, name: EndpointName, body: ReplayWanted) -> HttpResponse:
    """Send everything after an event again, with the same ids. Needs an `Idempotency-Key`."""
    live = installed()
    one = _of_events(live.store.endpoint_named(name))
    live.store.replay_events(one.number, _known_cursor(body.after), live.clock.now())
    return JsonResponse(_endpoint(live.store.endpoint_named(name)))


@router.get("/event-endpoints/{name}/deliveries", **terms(EVENTS, READ, of_account=OF_ALL))
def deliveries(
    request: HttpRequest,
    name: EndpointName,
    state: Literal["pending", "acknowledged", "parked"] | None = None,
    limit: Annotated[int, Query(ge=1, le=EVENTS_MAX)] = 100,
) -> HttpResponse:
    """What an endpoint was sent, the newest first, and what it answered."""
    store = installed().store
    one = _of_events(store.endpoint_named(name))
    found = store.listed_deliveries(one.number, DeliveryState(state) if state else None, limit)
    return JsonResponse({"deliveries": [_delivery(each) for each in found]})


def _of_events(one: DeliveryEndpoint) -> DeliveryEndpoint:
    if one.use is not EndpointUse.EVENTS:
        raise Refused("unknown_endpoint", f"{one.name!r} is a service, and no endpoint for events")
    return one


def _endpoint(one: DeliveryEndpoint) -> dict[str, Any]:
    return {
        "name": one.name,
        "url": one.url,
        "types": list(one.kinds),
        "account": format_id(ACCOUNT, one.account) if one.account else None,
        "state": one.state,
        "why": one.why or None,
        "cursor": f"evt_{one.event_no}",
        "failing_since": one.failing_since and one.failing_since.isoformat(),
        "deliveries": {state.value: one.counts[state] for state in DeliveryState},
    }


def _delivery(one: ListedDelivery) -> dict[str, Any]:
    instants = {"made_at": one.made_at, "next_at": one.next_at, "moved_at": one.moved_at}
    said = {"id": one.message, "type": one.kind, "key": one.key, "state": one.state, "tries": one.tries}
    return {
        **said,
        **{name: at.isoformat() for name, at in instants.items()},
        "status": one.status,
        "said": one.said or None,
    }
