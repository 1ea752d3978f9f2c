"""The sandbox's objects and its truthful book: what was taken, given back and disputed, in append-only lines.

Plain values that only change through `Book`. Times are seconds of sandbox time; amounts minor units.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from arrears.sandbox.cards import BY_NAME, Card


class WireError(Exception):
    """An answer of the wire that is an error: HTTP status and the error object."""

    def __init__(self, status: int, kind: str, message: str, code: str = "", **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": kind, "message": message, **({"code": code} if code else {}), **more}


def bad_request(message: str, code: str = "", **more: Any) -> WireError:
    """The caller's own mistake."""
    return WireError(400, "invalid_request_error", message, code, **more)


@dataclass
class Method:
    """A stored card. `behaves` names the test card whose bank it has; the bank may change its mind."""

    id: str
    card: Card
    created: int
    customer: str | None = None
    exp_month: int = 12
    exp_year: int = 2034
    behaves: str = ""

    @property
    def bank(self) -> Card:
        """The card whose bank answers now."""
        return BY_NAME[self.behaves or self.card.name]


@dataclass
class Intent:
    """A payment. `taken` is what was captured; `error` the last error object."""

    id: str
    amount: int
    currency: str
    created: int
    metadata: dict[str, str]
    customer: str | None = None
    method: str | None = None
    description: str = ""
    return_url: str = ""
    status: str = "requires_payment_method"
    taken: int = 0
    refunded: int = 0
    disputed: int = 0
    charge: str | None = None
    charged_at: int = 0
    error: dict[str, Any] | None = None
    off_session: bool = False


@dataclass
class Session:
    """A hosted page: to set up a method, or to pay once."""

    id: str
    mode: str
    created: int
    expires_at: int
    customer: str | None
    metadata: dict[str, str]
    success_url: str
    cancel_url: str
    locale: str
    amount: int = 0
    currency: str = ""
    description: str = ""
    intent_metadata: dict[str, str] = field(default_factory=dict)
    status: str = "open"
    intent: str | None = None
    setup_intent: str | None = None
    method: str | None = None


@dataclass
class Refund:
    """Money given back."""

    id: str
    intent: str
    amount: int
    currency: str
    created: int
    metadata: dict[str, str]
    status: str = "succeeded"


@dataclass
class Dispute:
    """A chargeback: open ones have taken the money."""

    id: str
    intent: str
    amount: int
    currency: str
    created: int
    status: str = "needs_response"


@dataclass
class Event:
    """Something that happened, as it is told by webhook and listed."""

    id: str
    type: str
    created: int
    object_id: str
    object_kind: str


class Book:
    """Everything the provider knows, and the only way to change it."""

    def __init__(self, now: int) -> None:
        self.clock = now
        self.count = 0
        self.customers: dict[str, dict[str, Any]] = {}
        self.methods: dict[str, Method] = {}
        self.intents: dict[str, Intent] = {}
        self.sessions: dict[str, Session] = {}
        self.refunds: dict[str, Refund] = {}
        self.disputes: dict[str, Dispute] = {}
        self.events: list[Event] = []
        self.lines: list[tuple[str, str, int]] = []
        """(intent, what, minor): taken +, refunded -, disputed -, dispute won +. Never changed, only added to."""

    def new_id(self, prefix: str) -> str:
        """The next id; counted, so that a run can be repeated."""
        self.count += 1
        return f"{prefix}_sandbox{self.count:08d}"

    def happened(self, kind: str, object_id: str, object_kind: str) -> None:
        """Add an event."""
        self.events.append(Event(self.new_id("evt"), kind, self.clock, object_id, object_kind))

    def confirm(self, intent: Intent, *, completed: bool = False) -> None:
        """Ask the bank. Raises the card error where it says no; `completed`: the customer has just confirmed."""
        method = self.methods.get(intent.method or "")
        if method is None:
            raise bad_request("You cannot confirm this PaymentIntent because it's missing a payment method.")
        bank = method.bank
        if bank.challenge and not completed:
            self._challenge(intent)
            return
        intent.charge, intent.charged_at = self.new_id("ch"), self.clock
        if bank.decline is not None:
            self._declined(intent, bank)
        intent.status, intent.taken, intent.error = "succeeded", intent.amount, None
        self.lines.append((intent.id, "taken", intent.amount))
        self.happened("payment_intent.succeeded", intent.id, "payment_intent")

    def _challenge(self, intent: Intent) -> None:
        if not intent.off_session:
            intent.status = "requires_action"
            self.happened("payment_intent.requires_action", intent.id, "payment_intent")
            return
        intent.status = "requires_payment_method"
        message = "The bank asks the customer to confirm this payment."
        intent.error = {
            "type": "card_error",
            "code": "authentication_required",
            "decline_code": "authentication_required",
            "message": message,
        }
        self.happened("payment_intent.payment_failed", intent.id, "payment_intent")
        raise WireError(
            402, "card_error", message, **{k: v for k, v in intent.error.items() if k not in ("type", "message")}
        )

    def _declined(self, intent: Intent, bank: Card) -> None:
        said = bank.decline
        assert said is not None, "asked for a decline of a card that pays"
        message = "Your card was declined."
        error = {
            "code": said.code,
            "decline_code": said.decline_code,
            "network_decline_code": said.network_code,
            **({"advice_code": said.advice_code} if said.advice_code else {}),
            **({"network_advice_code": said.network_advice} if said.network_advice else {}),
        }
        intent.status = "requires_payment_method"
        intent.error = {"type": "card_error", "message": message, **error}
        self.happened("payment_intent.payment_failed", intent.id, "payment_intent")
        raise WireError(402, "card_error", message, **error)

    def cancel(self, intent: Intent) -> None:
        """Make sure that it never takes money; refused for one that has."""
        if intent.status in ("succeeded", "canceled"):
            raise bad_request(
                f"You cannot cancel this PaymentIntent because it has a status of {intent.status}.",
                "payment_intent_unexpected_state",
            )
        intent.status = "canceled"
        self.happened("payment_intent.canceled", intent.id, "payment_intent")

    def refund(self, intent: Intent, amount: int, metadata: dict[str, str]) -> Refund:
        """Give money back, never more than was taken and is left."""
        left = intent.taken - intent.refunded - intent.disputed
        if left <= 0:
            raise bad_request("Charge has already been refunded or disputed.", "charge_already_refunded")
        if amount > left:
            raise bad_request(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
        refund = Refund(self.new_id("re"), intent.id, amount, intent.currency, self.clock, metadata)
        self.refunds[refund.id] = refund
        intent.refunded += amount
        self.lines.append((intent.id, "refunded", -amount))
        self.happened("refund.created", refund.id, "refund")
        return refund

    def dispute(self, intent: Intent) -> Dispute:
        """The customer's bank takes everything that is left back."""
        left = intent.taken - intent.refunded - intent.disputed
        if left <= 0:
            raise bad_request("Nothing of this payment is left to dispute.")
        dispute = Dispute(self.new_id("du"), intent.id, left, intent.currency, self.clock)
        self.disputes[dispute.id] = dispute
        intent.disputed += left
        self.lines.append((intent.id, "disputed", -left))
        self.happened("charge.dispute.created", dispute.id, "dispute")
        return dispute

    def close_dispute(self, dispute: Dispute, *, won: bool) -> None:
        """The network has ruled."""
        if dispute.status != "needs_response":
            raise bad_request("This dispute is closed.")
        dispute.status = "won" if won else "lost"
        if won:
            self.intents[dispute.intent].disputed -= dispute.amount
            self.lines.append((dispute.intent, "dispute won", dispute.amount))
        self.happened("charge.dispute.closed", dispute.id, "dispute")

    def truth(self) -> Iterator[dict[str, Any]]:
        """Every payment that took money, with its balance recomputed from the lines."""
        sums: dict[str, dict[str, int]] = {}
        for intent, what, minor in self.lines:
            of = sums.setdefault(intent, {})
            of[what] = of.get(what, 0) + minor
        for name, of in sums.items():
            i = self.intents[name]
            disputed = -of.get("disputed", 0) - of.get("dispute won", 0)
            assert (of.get("taken", 0), -of.get("refunded", 0), disputed) == (i.taken, i.refunded, i.disputed), name
            yield {
                "payment_intent": name,
                "attempt": i.metadata.get("attempt", ""),
                "currency": i.currency,
                "taken": i.taken,
                "refunded": i.refunded,
                "disputed": i.disputed,
                "created": i.created,
            }
