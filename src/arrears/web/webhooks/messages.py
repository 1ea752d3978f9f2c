"""Where mail providers report what came back. Their formats and signatures are anymail's to know.

Every provider must sign in with `ARREARS_MAIL_WEBHOOK_SECRET` ("user:password"), also those that sign besides.
"""

from __future__ import annotations

from typing import Any, Final

from anymail.exceptions import AnymailWebhookValidationFailure  # type: ignore[import-untyped]
from anymail.webhooks import (  # type: ignore[import-untyped]
    brevo,
    mailersend,
    mailgun,
    mailjet,
    postal,
    postmark,
    resend,
    sendgrid,
    sparkpost,
)
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from arrears.adapters.channels.bounces import bounce_of
from arrears.engine.messages.bounces import Returned, came_back
from arrears.web.errors import problem
from arrears.wiring import installed, settings

VIEWS: Final[dict[str, Any]] = {
    "brevo": brevo.BrevoTrackingWebhookView,
    "mailersend": mailersend.MailerSendTrackingWebhookView,
    "mailgun": mailgun.MailgunTrackingWebhookView,
    "mailjet": mailjet.MailjetTrackingWebhookView,
    "postal": postal.PostalTrackingWebhookView,
    "postmark": postmark.PostmarkTrackingWebhookView,
    "resend": resend.ResendTrackingWebhookView,
    "sendgrid": sendgrid.SendGridTrackingWebhookView,
    "sparkpost": sparkpost.SparkPostTrackingWebhookView,
}


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """Record what came back, once. What cannot be read is answered with 400 and changes nothing."""
    secret = settings().mail_webhook_secret
    if provider not in VIEWS or not secret:
        return problem(404, "no_such_provider", "Not set up", "no mail provider of this name is set up here")
    if request.method == "HEAD":
        return HttpResponse()
    view = VIEWS[provider](webhook_secret=secret)
    try:
        view.run_validators(request)
        events = view.parse_events(request)
    except AnymailWebhookValidationFailure:
        return problem(400, "bad_signature", "Not accepted", "sign in with the secret that was agreed upon")
    except (ValueError, KeyError, TypeError, AttributeError):
        return problem(400, "bad_event", "Not accepted", "this is not what the provider's webhook looks like")
    live = installed()
    for event in events:
        found = bounce_of(event)
        if found is not None:
            returned = Returned(found.message_id, found.address, found.kind, found.status, found.why, by_provider=True)
            came_back(live.store, returned, live.clock.now())
    return HttpResponse(status=200)
