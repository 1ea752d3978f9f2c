"""Where services speak without being asked: what became of an order, and what they are in (docs/services.md).

The body is read as it came: its signature, by the secret that signs the service's orders, is over the raw bytes. A
message of ours that somebody sends back has another type, and says nothing here.
"""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from arrears.core.delivery.signing import is_signed
from arrears.core.errors import Refused
from arrears.engine.drift import DriftWatch
from arrears.engine.orders import OrderAnswers
from arrears.ports.drift import ServiceAddress
from arrears.web.api.strict import BODY_BYTES_MAX
from arrears.web.errors import problem
from arrears.wiring import Installation, RealClock, installed


@csrf_exempt
@require_POST
def receive(request: HttpRequest, service: str) -> HttpResponse:
    """Record what a service says, once. 401 where no secret of a service of this name has signed it, now."""
    live = installed()
    if int(request.META.get("CONTENT_LENGTH") or 0) > BODY_BYTES_MAX:
        return problem(413, "too_large", "Too large", f"a body has at most {BODY_BYTES_MAX} bytes")
    one = live.store.service_called(service, live.clock.now())
    if one is None or not _is_its(live, one, request):
        return problem(401, "bad_signature", "Not accepted", "sign with the secret of the service, and the time of now")
    try:
        return JsonResponse(_heard(live, one, request.body))
    except Refused as refused:
        return problem(409 if refused.code in _NOT_SO else 400, refused.code, "Not recorded", refused.message)


_NOT_SO = ("unknown_order", "not_overtaken")


def _is_its(live: Installation, one: ServiceAddress, request: HttpRequest) -> bool:
    opened = live.transport().opened
    return is_signed([opened(secret) for secret in one.secrets], request.headers, request.body)


def _heard(live: Installation, one: ServiceAddress, body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
        kind, words = message["type"], message["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused("bad_message", "the body is no message with a type and data (docs/services.md)") from None
    now = live.clock.now()
    match kind:
        case "order.answered":
            return {"recorded": OrderAnswers(live.store).reported(live.store, one[:2], words, now)}
        case "states.reported":
            watch = DriftWatch(live.store, live.transport(), live.clock, RealClock())
            return {"differences": watch.reported(one, words)}
        case _:
            raise Refused("bad_message", "its type is neither order.answered nor states.reported")
