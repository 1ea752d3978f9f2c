"""Which operation follows from the answer of which, and what of that answer it takes: links of the API's document
(OpenAPI 3.1, Link Object), for people who read it and for tools that try it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class NextOperation(NamedTuple):
    """An operation that may follow, and for each open part of its path the place of its value in the answer."""

    name: str
    parts: Mapping[str, str]


_ACCOUNT: Final = {"account": "/account"}
_READS: Final = (
    *("get_account_explanation", "get_account_ahead", "get_account_timeline", "get_account_recipients"),
    *("get_account_people", "get_account_settlement", "get_account_payment_methods", "get_account_attempts"),
    *("get_account_told_when", "get_account_alerts", "get_account_promises"),
)
_OF_ACCOUNT: Final = (NextOperation("get_account", {"ref": "/ref"}), *(NextOperation(one, _ACCOUNT) for one in _READS))
_OF_HOLD: Final = (NextOperation("post_hold_release", {"hold": "/hold"}),)
_OF_INVOICE: Final = (NextOperation("get_invoice", {"number": "/number"}),)
_OF_ENDPOINT: Final = tuple(
    NextOperation(one, {"name": "/name"})
    for one in ("get_event_endpoint_deliveries", "post_event_endpoint_rotate", "post_event_endpoint_replay")
)
NEXT: Final[Mapping[str, tuple[NextOperation, ...]]] = {
    "put_account": _OF_ACCOUNT,
    "get_account": _OF_ACCOUNT,
    "put_invoice": _OF_INVOICE,
    "put_account_subscription": (NextOperation("get_subscription_standing", {"subscription": "/subscription"}),),
    "put_event_endpoint": _OF_ENDPOINT,
    "post_payments": (NextOperation("post_payment_take_back", {"payment": "/ref"}),),
    "post_disputes": (*_OF_HOLD, *_OF_INVOICE),
    "post_holds": _OF_HOLD,
    "post_account_promises": (NextOperation("post_promise_end", {"promise": "/promise"}),),
    "post_credits": _OF_INVOICE,
    "post_due_dates": _OF_INVOICE,
    "get_cases": (NextOperation("get_case", {"case": "/cases/0/case"}),),
    "get_tasks": (NextOperation("post_task_close", {"task_no": "/tasks/0/task"}),),
    "get_policies": (NextOperation("get_policy", {"name": "/policies/0/name"}),),
    "get_invoices": (NextOperation("get_invoice", {"number": "/invoices/0/number"}),),
    "get_subscriptions": (
        NextOperation("get_subscription_standing", {"subscription": "/subscriptions/0/subscription"}),
    ),
}
"""By the operation that is answered. Lists lead on from their first row."""


def links_of(name: str) -> dict[str, Any]:
    """The links of this operation's answer, as the document has them."""
    return {
        one.name: {
            "operationId": one.name,
            "parameters": {part: f"$response.body#{place}" for part, place in one.parts.items()},
        }
        for one in NEXT.get(name, ())
    }
