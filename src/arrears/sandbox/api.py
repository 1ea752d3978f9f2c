"""The provider's API: which request is for which function, each on the parsed form, answering with JSON objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from arrears.sandbox import api_billing as billing
from arrears.sandbox import api_pages as pages
from arrears.sandbox import api_payments as payments
from arrears.sandbox.book import SandboxBook
from arrears.sandbox.forms import Params
from arrears.sandbox.objects import WireError
from arrears.sandbox.wire import WireAnswer, WireObjects


class Api:
    """The requests. `base_url` is where the pages are."""

    def __init__(self, book: SandboxBook, base_url: str) -> None:
        self.book = book
        self.wire = WireObjects(book, base_url)
        self.page_max = 0
        """The most that one page of a list holds, where that is less than is asked for."""

    @property
    def base_url(self) -> str:
        """Where the pages are."""
        return self.wire.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.wire.base_url = url

    def answer(self, verb: str, path: list[str], params: Params) -> WireAnswer:
        """Route one request; WireError for everything the real one refuses."""
        place = ["checkout.sessions", *path[2:]] if path[:2] == ["checkout", "sessions"] else path
        name = place[1] if len(place) > 1 else ""
        handler = ROUTES.get((verb, place[0], bool(name), *place[2:]))
        if handler is None:
            raise WireError(404, "invalid_request_error", f"Unrecognized request URL ({verb}: /v1/{'/'.join(path)}).")
        if name in self.book.forgotten:
            raise WireError(404, "invalid_request_error", f"No such object: '{name}'", "resource_missing", param="id")
        if "limit" in params and self.page_max:
            params = {**params, "limit": str(min(int(params["limit"]), self.page_max))}
        found = handler(self.wire, name, params)
        if self.book.forgotten and found.get("object") == "list":
            found["data"] = [one for one in found["data"] if one["id"] not in self.book.forgotten]
        return found

    def event_json(self, index: int) -> WireAnswer:
        """One event with its object as it stands now."""
        return self.wire.event(self.book.events[index])


Handler = Callable[[WireObjects, str, Params], WireAnswer]
ROUTES: Final[dict[tuple[str | bool, ...], Handler]] = {
    ("POST", "customers", False): pages.new_customer,
    ("GET", "customers", True): pages.customer,
    ("GET", "customers", False): billing.customers,
    ("GET", "payment_methods", False): pages.methods,
    ("GET", "payment_methods", True): pages.method,
    ("POST", "payment_methods", True): pages.change_method,
    ("POST", "payment_methods", True, "detach"): pages.detach,
    ("GET", "setup_intents", True): pages.setup,
    ("POST", "checkout.sessions", False): pages.new_session,
    ("GET", "checkout.sessions", False): pages.sessions,
    ("GET", "checkout.sessions", True): pages.session,
    ("POST", "checkout.sessions", True, "expire"): pages.expire_session,
    ("POST", "payment_intents", False): payments.new_intent,
    ("GET", "payment_intents", False): payments.intents,
    ("GET", "payment_intents", True): payments.intent,
    ("POST", "payment_intents", True, "confirm"): payments.confirm_intent,
    ("POST", "payment_intents", True, "cancel"): payments.cancel_intent,
    ("GET", "charges", False): payments.charges,
    ("GET", "charges", True): payments.charge,
    ("GET", "setup_attempts", False): pages.setup_attempts,
    ("POST", "refunds", False): payments.new_refund,
    ("GET", "refunds", False): payments.refunds,
    ("GET", "refunds", True): payments.refund,
    ("GET", "disputes", False): payments.disputes,
    ("GET", "disputes", True): payments.dispute,
    ("GET", "invoices", False): billing.invoices,
    ("GET", "invoices", True): billing.invoice,
    ("GET", "invoices", True, "lines"): billing.lines,
    ("POST", "invoices", True): billing.change_invoice,
    ("POST", "invoices", True, "pay"): billing.pay,
    ("POST", "invoices", True, "attach_payment"): billing.attach_payment,
    ("POST", "invoices", True, "void"): billing.void,
    ("POST", "invoices", True, "mark_uncollectible"): billing.give_up,
    ("GET", "invoice_payments", False): billing.invoice_payments,
    ("POST", "payment_records", True): billing.report_payment,
    ("POST", "payment_records", True, "report_refund"): billing.report_refund,
    ("GET", "payment_records", True): billing.payment_record,
    ("GET", "credit_notes", False): billing.credit_notes,
    ("POST", "credit_notes", False): billing.new_credit_note,
    ("GET", "subscriptions", False): billing.subscriptions,
    ("GET", "subscriptions", True): billing.subscription,
    ("POST", "subscriptions", True): billing.change_subscription,
    ("GET", "events", False): payments.events,
    ("GET", "events", True): payments.event,
}
