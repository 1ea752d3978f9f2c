"""The document of the API, completed for generators: a name for each operation, the shape of each answer, and the
routes of standing, which are answered beside the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from arrears.web.api import answers as a
from arrears.web.api import answers_bank as c
from arrears.web.api import answers_beside as b
from arrears.web.api import answers_promises as p
from arrears.web.api.links import links_of

ANSWERS: Final[Mapping[str, Any]] = {
    "get_accounts": a.AccountPage,
    "get_account": a.AccountSaid,
    "put_account": a.SentAccountSaid,
    "get_account_ahead": a.AheadSaid,
    "get_account_alerts": b.AlertsSaid,
    "get_account_attempts": b.AttemptsSaid,
    "post_account_banner_token": b.BannerToken,
    "post_account_contact_address": b.AddressLink,
    "get_account_explanation": a.Explained,
    "get_account_payment_methods": b.MethodsSaid,
    "post_account_payment_methods": b.SetupSaid,
    "post_account_payment_methods_finish": b.MethodSaid,
    "post_account_payment_method_activate": b.MethodsSaid,
    "post_account_payment_method_renew": b.MethodsSaid,
    "delete_account_payment_method": b.MethodsSaid,
    "get_account_people": b.InvolvedPeople,
    "get_account_person": b.InvolvedSaid,
    "put_account_person": b.SentInvolvedSaid,
    "delete_account_person": b.InvolvedPeople,
    "put_account_person_profile": b.RecipientsSaid,
    "get_account_recipients": b.RecipientsSaid,
    "put_account_recipients_extra": b.RecipientsSaid,
    "delete_account_recipients_extra": b.RecipientsSaid,
    "get_account_settlement": b.OwedSaid,
    "get_account_promises": p.PromisesSaid,
    "post_account_promises": p.PromiseSaid,
    "post_account_settlement": b.SettledSaid,
    "get_account_subscription": a.CalledSubscriptionSaid,
    "put_account_subscription": a.SentSubscriptionSaid,
    "post_account_subscription_cancel": a.CalledSubscriptionSaid,
    "post_account_subscription_reactivate": a.CalledSubscriptionSaid,
    "post_account_test_message": b.MessageTo,
    "get_account_timeline": a.TimelinePage,
    "get_account_told_when": b.TellingsSaid,
    "post_bank_statements": c.StatementFilesSaid,
    "get_cases": a.CasePage,
    "get_case": a.CaseSaid,
    "post_credits": a.CreditSaid,
    "post_declines": a.InvoicesSaid,
    "post_disputes": a.DisputeSaid,
    "post_due_dates": a.InvoiceSaid,
    "get_event_endpoints": b.EndpointsSaid,
    "put_event_endpoint": b.EndpointSaid,
    "delete_event_endpoint": b.EndpointRemoved,
    "get_event_endpoint_deliveries": b.DeliveriesSaid,
    "post_event_endpoint_replay": b.EndpointSaid,
    "post_event_endpoint_rotate": b.EndpointSaid,
    "get_events": b.EventsPage,
    "post_holds": a.HoldSaid,
    "post_hold_release": a.HoldReleased,
    "get_invoices": a.InvoicePage,
    "get_invoice": a.InvoiceSaid,
    "put_invoice": a.SentInvoiceSaid,
    "post_payments": a.PaymentSaid,
    "post_payment_refund": b.RefundSaid,
    "post_payment_take_back": a.TakenBackSaid,
    "get_policies": a.PoliciesSaid,
    "get_policy": a.PolicySaid,
    "post_promise_end": p.PromiseEnded,
    "get_standing": b.StandingsSaid,
    "get_subscription_standing": b.StandingSaid,
    "get_subscriptions": a.SubscriptionPage,
    "get_tasks": a.TaskPage,
    "post_task_close": a.TaskClosedSaid,
    "post_upserts": a.RowsSaid,
    "post_voids": a.InvoiceSaid,
    "post_write_offs": a.InvoiceSaid,
}
"""What each operation answers where it does what it was asked."""

ALSO_CREATES: Final = ("put_account", "put_invoice", "put_account_subscription", "put_account_person")
"""Operations that answer 201 where there was nothing before."""

_ONE_OF: Final = {"people": "person", "policies": "policy"}
_COMPONENT: Final = "#/components/schemas/{name}"

_TOO_LONG: Final = {"description": "The address and its headers are too long; one line of text, and no problem"}
"""What the gate answers, before any route is asked (`web/gate.py`)."""


def operation_name(method: str, path: str) -> str:
    """What an operation is called in clients: its method and the fixed parts of its path, each in the singular where
    a name follows. `POST /v1/accounts/{account}/subscriptions/{subscription}/cancel` is
    `post_account_subscription_cancel`."""
    parts = path.removeprefix("/v1/").split("/")
    words = [method.lower()]
    for part, after in zip(parts, [*parts[1:], ""], strict=True):
        if not part.startswith("{"):
            one = _ONE_OF.get(part, part.removesuffix("s")) if after.startswith("{") else part
            words.append(one.replace("-", "_"))
    return "_".join(words)


def complete(document: Mapping[str, Any]) -> None:
    """Give the framework's document what it does not know."""
    document["paths"].update(_standing_paths())
    models = [*ANSWERS.values(), b.StandingProblem]
    refs, defined = msgspec.json.schema_components(models, ref_template=_COMPONENT)
    document["components"]["schemas"].update(defined)
    wrong = {"type": "array", "items": {"$ref": _COMPONENT.format(name="WrongFieldSaid")}}
    document["components"]["schemas"]["Problem"]["properties"]["fields"] = wrong
    answered = dict(zip(ANSWERS, refs, strict=False))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["operationId"] = name = operation_name(method, path)
            for status, answer in list(operation["responses"].items()):
                if int(status) >= 400:
                    answer["content"] = {"application/problem+json": answer["content"]["application/json"]}
                elif name in answered and status != "304":
                    answer["content"] = {"application/json": {"schema": answered[name]}}
                    if links := links_of(name):
                        answer["links"] = links
                    if name in ALSO_CREATES:
                        operation["responses"] = {"201": {**answer, "description": "Created"}, **operation["responses"]}
            operation["responses"]["431"] = _TOO_LONG


def _standing_paths() -> dict[str, Any]:
    """What `web/standing.py` answers: the framework has no route for it."""
    one = {
        "in": "path",
        "name": "subscription",
        "required": True,
        "schema": {"type": "string", "title": "Subscription"},
        "description": "`sub_12_3`, or your own reference",
    }
    several = {
        "in": "query",
        "name": "of",
        "required": True,
        "schema": {"type": "string", "title": "Of"},
        "description": "one to a hundred ids or references of your own, with commas between",
    }
    known = {"in": "header", "name": "If-None-Match", "required": False, "schema": {"type": "string"}}
    said = "May this be used, read, changed? Keep the answer for `max-age`, then ask with `If-None-Match`."
    refused = {"application/json": {"schema": {"$ref": _COMPONENT.format(name="StandingProblem")}}}

    def asked(summary: str, parameter: dict[str, Any]) -> dict[str, Any]:
        answers = {
            "200": {"description": "OK"},
            "304": {"description": "As it was"},
            **{str(code): {"description": "Refused", "content": dict(refused)} for code in (401, 403, 404, 422, 503)},
        }
        security: list[dict[str, list[str]]] = [{"AllowedToken": []}]
        operation = {"summary": summary, "description": said, "parameters": [parameter, known], "tags": ["standing"]}
        return {"get": {**operation, "responses": answers, "security": security}}

    return {
        "/v1/subscriptions/{subscription}/standing": asked("Standing", one),
        "/v1/standing": asked("Standings", several),
    }
