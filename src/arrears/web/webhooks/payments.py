"""Where payment providers report. The body is read as it came: its signature is over the raw bytes.

An event that is not the provider's is answered with 400 and changes nothing; one of no interest with 200; a failure
of ours with 500, so that the provider sends it again.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from arrears.core.errors import Refused
from arrears.engine.beside import billing_of
from arrears.engine.payments.attempts import UNREAD
from arrears.engine.payments.recording import record_change
from arrears.web.api.strict import BODY_BYTES_MAX
from arrears.web.errors import problem
from arrears.wiring import installed


@csrf_exempt
@require_POST
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """Record what a provider says happened, once, whatever the order."""
    live = installed()
    processor = live.providers.by_name.get(provider)
    if processor is None:
        return problem(404, "no_such_provider", "Not set up", "no payment provider of this name is set up here")
    if int(request.META.get("CONTENT_LENGTH") or 0) > BODY_BYTES_MAX:
        return problem(413, "too_large", "Too large", f"a body has at most {BODY_BYTES_MAX} bytes")
    now = live.clock.now()
    try:
        found = processor.changes_in(request.body, request.headers.get(processor.signature_header, ""), now)
    except Refused as refused:
        # What could not be read now is sent again by the provider where it hears that we are not there.
        status = 503 if refused.code in UNREAD else 400
        return problem(status, refused.code, "Not accepted", refused.message)
    for change in found:
        record_change(live.store, live.providers, provider, change, now)
    billing = billing_of(live.providers)
    if billing is not None and billing.system.provider == provider:
        signature = request.headers.get(processor.signature_header, "")
        try:
            billing.hear(request.body, signature, now)
        except Refused as refused:
            return problem(503, refused.code, "Not read", refused.message)
    return HttpResponse(status=200)
