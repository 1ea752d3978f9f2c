"""The provider's API: one function a request, on the parsed form, answering with JSON objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from arrears.sandbox.objects import Book, Intent, Session, WireError, bad_request
from arrears.sandbox.wire import (
    currency,
    dispute_json,
    expands,
    integer,
    intent_json,
    method_json,
    object_json,
    only,
    page_of,
    refund_json,
    session_json,
)

Params = dict[str, Any]
Answer = dict[str, Any]


class Api:
    """The requests. `base_url` is where the pages are."""

    def __init__(self, book: Book, base_url: str) -> None:
        self.book = book
        self.base_url = base_url

    def answer(self, verb: str, path: list[str], params: Params) -> Answer:
        """Route one request; WireError for everything the real one refuses."""
        handler = ROUTES.get((verb, path[0], len(path) > 1, path[2] if len(path) > 2 else ""))
        if path[0] == "checkout" and len(path) > 1 and path[1] == "sessions":
            rest = path[2:]
            handler = ROUTES.get((verb, "checkout.sessions", bool(rest), rest[1] if len(rest) > 1 else ""))
            path = ["checkout.sessions", *rest]
        if handler is None:
            raise WireError(404, "invalid_request_error", f"Unrecognized request URL ({verb}: /v1/{'/'.join(path)}).")
        return handler(self, path[1] if len(path) > 1 else "", params)

    # -- customers and methods -------------------------------------------------------------------------------

    def new_customer(self, _: str, params: Params) -> Answer:
        """POST /v1/customers"""
        only(params, "name email metadata preferred_locales description")
        name = self.book.new_id("cus")
        made = {"id": name, "object": "customer", "created": self.book.clock, "livemode": False}
        self.book.customers[name] = {**made, "metadata": params.get("metadata", {})}
        return self.book.customers[name]

    def customer(self, name: str, _: Params) -> Answer:
        """GET /v1/customers/:id"""
        found: Answer = self._known(self.book.customers, name, "customer")
        return found

    def method(self, name: str, _: Params) -> Answer:
        """GET /v1/payment_methods/:id"""
        return method_json(self._known(self.book.methods, name, "payment_method"))

    def change_method(self, name: str, params: Params) -> Answer:
        """POST /v1/payment_methods/:id: the expiry is all that may change."""
        only(params, "card metadata")
        method = self._known(self.book.methods, name, "payment_method")
        card = params.get("card", {})
        method.exp_month, method.exp_year = integer(card, "exp_month"), integer(card, "exp_year", 2000)
        if method.behaves == "" and method.card.name == "expired":
            method.behaves = "approve"
        return method_json(method)

    def detach(self, name: str, _: Params) -> Answer:
        """POST /v1/payment_methods/:id/detach"""
        method = self._known(self.book.methods, name, "payment_method")
        method.customer = None
        return method_json(method)

    def methods(self, _: str, params: Params) -> Answer:
        """GET /v1/payment_methods?customer="""
        found = [method_json(m) for m in self.book.methods.values() if m.customer == params.get("customer")]
        return page_of(found, params, "/v1/payment_methods")

    # -- pages -----------------------------------------------------------------------------------------------

    def new_session(self, _: str, params: Params) -> Answer:
        """POST /v1/checkout/sessions"""
        only(
            params,
            "mode customer currency success_url cancel_url metadata locale expires_at line_items payment_intent_data"
            " payment_method_types allowed_payment_method_types setup_intent_data customer_creation adaptive_pricing",
        )
        mode = params.get("mode")
        if mode not in ("setup", "payment"):
            raise bad_request("Invalid mode.", "parameter_invalid", param="mode")
        if "success_url" not in params:
            raise bad_request("Missing required param: success_url.", "parameter_missing", param="success_url")
        customer = params.get("customer")
        if customer is not None:
            self._known(self.book.customers, customer, "customer")
        now = self.book.clock
        ends = int(params.get("expires_at", now + 86_400))
        if not now + 1800 - 5 <= ends <= now + 86_400 + 5:
            raise bad_request(
                "The `expires_at` timestamp must be 30 minutes to 24 hours from creation.", param="expires_at"
            )
        session = Session(
            self.book.new_id("cs_test"),
            mode,
            now,
            ends,
            customer,
            params.get("metadata", {}),
            params["success_url"],
            params.get("cancel_url", ""),
            params.get("locale", "en"),
        )
        if mode == "payment":
            item = params.get("line_items", {}).get("0", {})
            data = item.get("price_data", {})
            session.amount, session.currency = integer(data, "unit_amount"), currency(data)
            session.description = data.get("product_data", {}).get("name", "")
            session.intent_metadata = params.get("payment_intent_data", {}).get("metadata", {})
        else:
            session.setup_intent = self.book.new_id("seti")
        self.book.sessions[session.id] = session
        return self._session(session, params)

    def session(self, name: str, params: Params) -> Answer:
        """GET /v1/checkout/sessions/:id"""
        return self._session(self._session_known(name), params)

    def expire_session(self, name: str, params: Params) -> Answer:
        """POST /v1/checkout/sessions/:id/expire"""
        session = self._session_known(name)
        if session.status != "open":
            raise bad_request(f"Only open sessions can be expired; this one is {session.status}.")
        session.status = "expired"
        self.book.happened("checkout.session.expired", session.id, "checkout.session")
        return self._session(session, params)

    def sessions(self, _: str, params: Params) -> Answer:
        """GET /v1/checkout/sessions"""
        only(params, "customer payment_intent created limit starting_after ending_before status")
        chosen = [
            s
            for s in map(self._session_known, list(self.book.sessions))
            if params.get("customer", s.customer) == s.customer and params.get("payment_intent", s.intent) == s.intent
        ]
        found = [self._session(s, params) for s in chosen]
        return page_of(found, params, "/v1/checkout/sessions")

    def _session_known(self, name: str) -> Session:
        session: Session = self._known(self.book.sessions, name, "checkout.session")
        if session.status == "open" and self.book.clock >= session.expires_at:
            session.status = "expired"
            self.book.happened("checkout.session.expired", session.id, "checkout.session")
        return session

    def _session(self, session: Session, params: Params) -> Answer:
        return session_json(self.book, session, self.base_url, expands(params))

    # -- payments --------------------------------------------------------------------------------------------

    def new_intent(self, _: str, params: Params) -> Answer:
        """POST /v1/payment_intents"""
        only(
            params,
            "amount currency customer payment_method confirm off_session metadata return_url description"
            " payment_method_types error_on_requires_action statement_descriptor_suffix automatic_payment_methods",
        )
        intent = Intent(
            self.book.new_id("pi"),
            integer(params, "amount"),
            currency(params),
            self.book.clock,
            params.get("metadata", {}),
            description=params.get("description", ""),
            return_url=params.get("return_url", ""),
            off_session=params.get("off_session") == "true",
        )
        if "customer" in params:
            intent.customer = self._known(self.book.customers, params["customer"], "customer")["id"]
        if "payment_method" in params:
            method = self._known(self.book.methods, params["payment_method"], "payment_method")
            if method.customer is None or method.customer != intent.customer:
                raise bad_request("The PaymentMethod does not belong to the Customer.", "resource_missing")
            intent.method, intent.status = method.id, "requires_confirmation"
        self.book.intents[intent.id] = intent
        self.book.happened("payment_intent.created", intent.id, "payment_intent")
        if params.get("confirm") == "true":
            self._confirm(intent)
        return self._intent(intent, params)

    def intent(self, name: str, params: Params) -> Answer:
        """GET /v1/payment_intents/:id"""
        return self._intent(self._known(self.book.intents, name, "payment_intent"), params)

    def confirm_intent(self, name: str, params: Params) -> Answer:
        """POST /v1/payment_intents/:id/confirm"""
        only(params, "payment_method return_url off_session")
        intent = self._known(self.book.intents, name, "payment_intent")
        if intent.status in ("succeeded", "canceled"):
            raise bad_request(f"This PaymentIntent is {intent.status}.", "payment_intent_unexpected_state")
        intent.off_session = params.get("off_session") == "true"
        intent.method = params.get("payment_method", intent.method)
        self._confirm(intent)
        return self._intent(intent, params)

    def cancel_intent(self, name: str, params: Params) -> Answer:
        """POST /v1/payment_intents/:id/cancel"""
        only(params, "cancellation_reason")
        intent = self._known(self.book.intents, name, "payment_intent")
        self.book.cancel(intent)
        return self._intent(intent, params)

    def intents(self, _: str, params: Params) -> Answer:
        """GET /v1/payment_intents"""
        only(params, "customer created limit starting_after ending_before")
        shown = expands(params)
        customer = params.get("customer")
        found = [
            intent_json(self.book, i, self.base_url, shown)
            for i in self.book.intents.values()
            if customer is None or i.customer == customer
        ]
        return page_of(found, params, "/v1/payment_intents")

    def _confirm(self, intent: Intent) -> None:
        try:
            self.book.confirm(intent)
        except WireError as error:
            error.error["payment_intent"] = intent_json(self.book, intent, self.base_url, {"latest_charge"})
            raise

    def _intent(self, intent: Intent, params: Params) -> Answer:
        return intent_json(self.book, intent, self.base_url, expands(params))

    # -- money back ------------------------------------------------------------------------------------------

    def new_refund(self, _: str, params: Params) -> Answer:
        """POST /v1/refunds"""
        only(params, "payment_intent amount reason metadata")
        intent = self._known(self.book.intents, params.get("payment_intent", ""), "payment_intent")
        amount = integer(params, "amount") if "amount" in params else intent.taken - intent.refunded
        return refund_json(self.book.refund(intent, amount, params.get("metadata", {})))

    def refunds(self, _: str, params: Params) -> Answer:
        """GET /v1/refunds"""
        only(params, "payment_intent charge created limit starting_after ending_before")
        found = [refund_json(r) for r in self.book.refunds.values() if self._is_about(r.intent, params)]
        return page_of(found, params, "/v1/refunds")

    def refund(self, name: str, _: Params) -> Answer:
        """GET /v1/refunds/:id"""
        return refund_json(self._known(self.book.refunds, name, "refund"))

    def disputes(self, _: str, params: Params) -> Answer:
        """GET /v1/disputes"""
        only(params, "payment_intent charge created limit starting_after ending_before")
        shown = expands(params)
        chosen = [d for d in self.book.disputes.values() if self._is_about(d.intent, params)]
        return page_of([dispute_json(self.book, d, shown) for d in chosen], params, "/v1/disputes")

    def _is_about(self, intent: str, params: Params) -> bool:
        """Whether a list that may name a payment or a charge wants this one."""
        charge = self.book.intents[intent].charge
        return params.get("payment_intent", intent) == intent and params.get("charge", charge) == charge

    def dispute(self, name: str, params: Params) -> Answer:
        """GET /v1/disputes/:id"""
        return dispute_json(self.book, self._known(self.book.disputes, name, "dispute"), expands(params))

    # -- events ----------------------------------------------------------------------------------------------

    def events(self, _: str, params: Params) -> Answer:
        """GET /v1/events"""
        wanted = params.get("types")
        kinds = set(wanted.values()) if isinstance(wanted, dict) else None
        found = [self.event_json(i) for i, e in enumerate(self.book.events) if kinds is None or e.type in kinds]
        return page_of(found, params, "/v1/events")

    def event_json(self, index: int) -> Answer:
        """One event with its object as it stands now."""
        event = self.book.events[index]
        return {
            "id": event.id,
            "object": "event",
            "type": event.type,
            "created": event.created,
            "livemode": False,
            "api_version": "2025-01-01",
            "data": {"object": object_json(self.book, event.object_kind, event.object_id, self.base_url)},
        }

    def _known(self, table: dict[str, Any], name: str, kind: str) -> Any:
        if name not in table:
            raise WireError(404, "invalid_request_error", f"No such {kind}: '{name}'", "resource_missing", param="id")
        return table[name]


Handler = Callable[[Api, str, Params], Answer]
ROUTES: Final[dict[tuple[str, str, bool, str], Handler]] = {
    ("POST", "customers", False, ""): Api.new_customer,
    ("GET", "customers", True, ""): Api.customer,
    ("GET", "payment_methods", False, ""): Api.methods,
    ("GET", "payment_methods", True, ""): Api.method,
    ("POST", "payment_methods", True, ""): Api.change_method,
    ("POST", "payment_methods", True, "detach"): Api.detach,
    ("POST", "checkout.sessions", False, ""): Api.new_session,
    ("GET", "checkout.sessions", False, ""): Api.sessions,
    ("GET", "checkout.sessions", True, ""): Api.session,
    ("POST", "checkout.sessions", True, "expire"): Api.expire_session,
    ("POST", "payment_intents", False, ""): Api.new_intent,
    ("GET", "payment_intents", False, ""): Api.intents,
    ("GET", "payment_intents", True, ""): Api.intent,
    ("POST", "payment_intents", True, "confirm"): Api.confirm_intent,
    ("POST", "payment_intents", True, "cancel"): Api.cancel_intent,
    ("POST", "refunds", False, ""): Api.new_refund,
    ("GET", "refunds", False, ""): Api.refunds,
    ("GET", "refunds", True, ""): Api.refund,
    ("GET", "disputes", False, ""): Api.disputes,
    ("GET", "disputes", True, ""): Api.dispute,
    ("GET", "events", False, ""): Api.events,
}
