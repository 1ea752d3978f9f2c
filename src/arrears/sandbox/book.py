"""The sandbox's truthful book: what was taken, given back and disputed, in append-only lines; and the only way to
change any of its objects, by a request, by a person on a page, or by time that passes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any

from arrears.sandbox.accounts import SCHEMES, BankAccount, Failure
from arrears.sandbox.billing import SandboxBilling
from arrears.sandbox.cards import Card
from arrears.sandbox.objects import (
    Customer,
    Intent,
    SandboxCharge,
    SandboxDispute,
    SandboxEvent,
    SandboxMethod,
    SandboxRefund,
    Session,
    SetupIntent,
    WireError,
    bad_request,
)

CLOSED = ("succeeded", "canceled")
"""States in which a payment asks for nothing more."""


class SandboxBook:
    """Everything the provider knows."""

    def __init__(self, now: int) -> None:
        self.clock = now
        self.mark = secrets.token_hex(4)
        self.count = 0
        self.customers: dict[str, Customer] = {}
        self.methods: dict[str, SandboxMethod] = {}
        self.intents: dict[str, Intent] = {}
        self.charges: dict[str, SandboxCharge] = {}
        self.sessions: dict[str, Session] = {}
        self.setups: dict[str, SetupIntent] = {}
        self.refunds: dict[str, SandboxRefund] = {}
        self.disputes: dict[str, SandboxDispute] = {}
        self.events: list[SandboxEvent] = []
        self.forgotten: set[str] = set()
        self.refused: dict[str, str] = {}
        """What this account of the provider may not do, and the code that says so: take a currency (`eur`), take
        anything (`any`), set a method up (`setup`)."""
        self.late = 0
        """After how many seconds an event is listed, under the time at which it came about."""
        self.own_cards = False
        """Whether every use of a test card is a card of its own, as customers' are; else its number is one card."""
        self.agenda: list[tuple[int, int, str, str]] = []
        """What time brings: (when, order, what, id), a heap."""
        self.lines: list[tuple[str, str, int]] = []
        """(intent, what, minor): taken +, refunded -, refund failed +, disputed -, dispute won +. Only added to."""
        self.billing = SandboxBilling(self)

    def new_id(self, prefix: str) -> str:
        """The next id; of this book alone, as the real one's are: who was paid by another sandbox before, as a demo
        that is started again, must not take this payment for that one."""
        self.count += 1
        return f"{prefix}_sandbox{self.mark}x{self.count:08d}"

    def add_event(self, kind: str, object_id: str, object_kind: str, at: int | None = None) -> None:
        """Add an event."""
        self.events.append(
            SandboxEvent(
                self.new_id("evt"),
                kind,
                self.clock if at is None else at,
                object_id,
                object_kind,
                self.clock + self.late,
            )
        )

    # -- time ------------------------------------------------------------------------------------------------

    def pass_time(self) -> None:
        """Do what is due by now: debits settle or fail, returned ones come back, pages expire."""
        while self.agenda and self.agenda[0][0] <= self.clock:
            at, _, what, name = heappop(self.agenda)
            self.billing.fall_due(what, name, at)
            if what == "expire" and self.sessions[name].status == "open":
                self.expire(self.sessions[name], at)
            elif what == "settle" and self.intents[name].status == "processing":
                self.end_debit(self.intents[name], at)
            elif what == "return" and not self.intents[name].disputed:
                intent = self.intents[name]
                bank = self.methods[self.charges[intent.charge or ""].method].bank
                if isinstance(bank, BankAccount) and bank.returned and intent.refunded < intent.taken:
                    self.give_back(intent, bank.returned, at)

    def due(self, at: int, what: str, name: str) -> None:
        """Put something on the agenda."""
        self.count += 1
        heappush(self.agenda, (at, self.count, what, name))

    # -- pages -----------------------------------------------------------------------------------------------

    def open_page(self, session: Session) -> None:
        """A new page, until it is used or its time is over."""
        self.sessions[session.id] = session
        self.due(session.expires_at, "expire", session.id)

    def expire(self, session: Session, at: int | None = None) -> None:
        """Close a page that nobody has used."""
        session.status = "expired"
        intent = self.intents.get(session.intent or "")
        if intent is not None and intent.status == "requires_action":
            intent.status = "canceled"
            self.add_event("payment_intent.canceled", intent.id, "payment_intent", at)
        self.add_event("checkout.session.expired", session.id, "checkout.session", at)

    def complete(self, session: Session) -> None:
        """A person has done what the page was for."""
        session.status = "complete"
        if session.setup_intent is not None:
            self.add_event("setup_intent.succeeded", session.setup_intent, "setup_intent")
        self.add_event("checkout.session.completed", session.id, "checkout.session")

    # -- payments --------------------------------------------------------------------------------------------

    def confirm(self, intent: Intent, *, completed: bool = False) -> None:
        """Ask the bank. Raises the card error where it says no; `completed`: the customer has just confirmed."""
        method = self.methods.get(intent.method or "")
        if method is None:
            raise bad_request("You cannot confirm this PaymentIntent because it's missing a payment method.")
        bank = method.bank
        if isinstance(bank, BankAccount):
            self._debit(intent, bank)
            return
        if bank.challenge and not completed and not intent.off_session:
            intent.status = "requires_action"
            self.add_event("payment_intent.requires_action", intent.id, "payment_intent")
            return
        charge = self._charge(intent)
        if bank.challenge and not completed:
            raise self._refused(intent, charge, *_ASKS_CUSTOMER)
        if bank.decline is not None:
            raise self._refused(intent, charge, "Your card was declined.", declined(bank))
        self._taken(intent, charge)

    def _charge(self, intent: Intent) -> SandboxCharge:
        charge = SandboxCharge(self.new_id("ch"), intent.id, intent.method or "", self.clock)
        self.charges[charge.id] = charge
        intent.charge = charge.id
        return charge

    def _taken(self, intent: Intent, charge: SandboxCharge, at: int | None = None) -> None:
        charge.status = "succeeded"
        intent.status, intent.taken, intent.error, intent.refused = "succeeded", intent.amount, None, None
        self.lines.append((intent.id, "taken", intent.amount))
        self.add_event("payment_intent.succeeded", intent.id, "payment_intent", at)
        self.billing.heard(intent, self.clock if at is None else at)

    def _refused(
        self, intent: Intent, charge: SandboxCharge | None, message: str, codes: dict[str, str], at: int | None = None
    ) -> WireError:
        error = {**codes, **({"charge": charge.id} if charge is not None else {})}
        if charge is not None:
            charge.status, charge.error = "failed", error
        intent.status, intent.refused, intent.method = "requires_payment_method", intent.method, None
        intent.error = {"type": "card_error", "message": message, **error}
        self.add_event("payment_intent.payment_failed", intent.id, "payment_intent", at)
        self.billing.heard(intent, self.clock if at is None else at)
        return WireError(402, "card_error", message, **error)

    def answer_challenge(self, intent: Intent, *, confirmed: bool) -> None:
        """The customer has answered the bank, which may still say no."""
        session = None if intent.session is None else self.sessions[intent.session]
        if intent.status != "requires_action" or (session is not None and session.status != "open"):
            return
        if not confirmed:
            self._refused(intent, None, *_CUSTOMER_REFUSED)
            return
        try:
            self.confirm(intent, completed=True)
        except WireError:
            return
        if intent.session is not None:
            self.complete(self.sessions[intent.session])

    def cancel(self, intent: Intent) -> None:
        """Make sure that it never takes money; refused where it has, may already be doing so, or has a page."""
        if intent.session is not None and self.sessions[intent.session].status == "open":
            raise bad_request(
                "You cannot cancel the PaymentIntent of a Checkout Session; expire the Checkout Session instead.",
                "payment_intent_unexpected_state",
            )
        if intent.status in (*CLOSED, "processing"):
            raise bad_request(
                f"You cannot cancel this PaymentIntent because it has a status of {intent.status}.",
                "payment_intent_unexpected_state",
            )
        intent.status = "canceled"
        self.add_event("payment_intent.canceled", intent.id, "payment_intent")

    # -- bank debits -----------------------------------------------------------------------------------------

    def _debit(self, intent: Intent, bank: BankAccount) -> None:
        scheme = SCHEMES[bank.kind]
        assert intent.currency == scheme.currency, "whoever attached the method has compared the currencies"
        self._charge(intent)
        intent.status, intent.error, intent.refused = "processing", None, None
        self.due(self.clock + scheme.settles_seconds, "settle", intent.id)
        self.add_event("payment_intent.processing", intent.id, "payment_intent")

    def end_debit(self, intent: Intent, at: int | None = None) -> None:
        """The bank of a debit has answered. Refused for what is not under way."""
        if intent.status != "processing":
            raise bad_request(f"{intent.id} is {intent.status}; only what is processing can settle.")
        charge = self.charges[intent.charge or ""]
        bank = self.methods[charge.method].bank
        assert isinstance(bank, BankAccount), "only debits take days"
        if bank.failure is not None:
            codes = {"code": bank.failure.code, "network_decline_code": bank.failure.network_code}
            self._refused(intent, charge, "The bank returned this debit.", codes, at)
        else:
            self._taken(intent, charge, at)
            if bank.returned is not None:
                when = (self.clock if at is None else at) + SCHEMES[bank.kind].returns_seconds
                self.due(when, "return", intent.id)
        if intent.session is not None:
            end = "failed" if bank.failure is not None else "succeeded"
            self.add_event(f"checkout.session.async_payment_{end}", intent.session, "checkout.session", at)

    def end_debits(self) -> list[Intent]:
        """All that is under way settles or fails now."""
        found = [intent for intent in self.intents.values() if intent.status == "processing"]
        for intent in found:
            self.end_debit(intent)
        return found

    def give_back(self, intent: Intent, why: Failure | None = None, at: int | None = None) -> SandboxDispute:
        """A debit that had settled is returned: a dispute that is lost from the start. Without `why` the payer has
        asked for the money back."""
        bank = self.methods[self.charges[intent.charge or ""].method].bank if intent.charge else None
        if not isinstance(bank, BankAccount):
            raise bad_request(f"{intent.id} is no bank debit; only those are returned.")
        why = why or SCHEMES[bank.kind].disputed
        dispute = self._dispute(intent, at)
        dispute.status, dispute.reason, dispute.network_code = "lost", why.code, why.network_code
        for step in ("created", "funds_withdrawn", "closed"):
            self.add_event(f"charge.dispute.{step}", dispute.id, "dispute", at)
        return dispute

    # -- money back ------------------------------------------------------------------------------------------

    def fail_refund(self, refund: SandboxRefund) -> None:
        """The money of a refund could not be delivered, days later perhaps: it is here again."""
        if refund.status == "failed":
            raise bad_request("This refund has failed already.")
        refund.status = "failed"
        self.intents[refund.intent].refunded -= refund.amount
        self.lines.append((refund.intent, "refund failed", refund.amount))
        for kind in ("refund.updated", "refund.failed"):
            self.add_event(kind, refund.id, "refund")

    def refund(self, intent: Intent, amount: int | None, metadata: dict[str, str], reason: str = "") -> SandboxRefund:
        """Give money back (all that is left without an amount), never more than was taken and is left."""
        if not intent.taken or intent.charge is None:
            raise bad_request("This PaymentIntent does not have a successful charge to refund.")
        left = intent.taken - intent.refunded - intent.disputed
        if left <= 0 and intent.disputed:
            raise bad_request("Charge has been charged back.", "charge_disputed")
        if left <= 0:
            raise bad_request("Charge has already been refunded.", "charge_already_refunded")
        amount = left if amount is None else amount
        if amount > left:
            raise bad_request(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
        refund = SandboxRefund(
            self.new_id("re"), intent.id, intent.charge, amount, intent.currency, self.clock, metadata, reason
        )
        self.refunds[refund.id] = refund
        intent.refunded += amount
        self.lines.append((intent.id, "refunded", -amount))
        self.add_event("refund.created", refund.id, "refund")
        self.add_event("charge.refunded", intent.charge, "charge")
        return refund

    def dispute(self, intent: Intent, amount: int | None = None) -> SandboxDispute:
        """The customer's bank takes everything that is left back, or so much of it; from a bank debit for good."""
        charge = self.charges.get(intent.charge or "")
        if charge is not None and isinstance(self.methods[charge.method].bank, BankAccount):
            return self.give_back(intent)
        dispute = self._dispute(intent, amount=amount)
        for step in ("created", "funds_withdrawn"):
            self.add_event(f"charge.dispute.{step}", dispute.id, "dispute")
        return dispute

    def _dispute(self, intent: Intent, at: int | None = None, amount: int | None = None) -> SandboxDispute:
        left = intent.taken - intent.refunded - intent.disputed
        if not 0 < (left if amount is None else amount) <= left or intent.charge is None:
            raise bad_request("Nothing of this payment is left to dispute, or less than that.")
        left = left if amount is None else amount
        when = self.clock if at is None else at
        dispute = SandboxDispute(self.new_id("du"), intent.id, intent.charge, left, intent.currency, when)
        self.disputes[dispute.id] = dispute
        intent.disputed += left
        self.lines.append((intent.id, "disputed", -left))
        return dispute

    def close_dispute(self, dispute: SandboxDispute, *, won: bool) -> None:
        """The network has ruled; where it had ruled that it was lost, it may find otherwise."""
        returned = isinstance(self.methods[self.charges[dispute.charge].method].bank, BankAccount)
        if dispute.status != "needs_response" and (dispute.status, won, returned) != ("lost", True, False):
            raise bad_request("This dispute is closed.")
        dispute.status = "won" if won else "lost"
        if won:
            self.intents[dispute.intent].disputed -= dispute.amount
            self.lines.append((dispute.intent, "dispute won", dispute.amount))
            self.add_event("charge.dispute.funds_reinstated", dispute.id, "dispute")
        self.add_event("charge.dispute.closed", dispute.id, "dispute")

    def truth(self) -> Iterator[dict[str, Any]]:
        """Every payment that took money, with its balance recomputed from the lines."""
        sums: dict[str, dict[str, int]] = {}
        for intent, what, minor in self.lines:
            of = sums.setdefault(intent, {})
            of[what] = of.get(what, 0) + minor
        for name, of in sums.items():
            i = self.intents[name]
            disputed = -of.get("disputed", 0) - of.get("dispute won", 0)
            refunded = -of.get("refunded", 0) - of.get("refund failed", 0)
            assert (of.get("taken", 0), refunded, disputed) == (i.taken, i.refunded, i.disputed), name
            yield {
                "payment_intent": name,
                "attempt": i.metadata.get("attempt", ""),
                "currency": i.currency,
                "taken": i.taken,
                "refunded": i.refunded,
                "disputed": i.disputed,
                "created": i.created,
            }


_ASKS_CUSTOMER = (
    "The bank asks the customer to confirm this payment.",
    {"code": "authentication_required", "decline_code": "authentication_required"},
)
_CUSTOMER_REFUSED = (
    "The customer refused.",
    {"code": "payment_intent_authentication_failure"},
)


def declined(bank: Card) -> dict[str, str]:
    """The codes with which a bank refuses this card."""
    said = bank.decline
    assert said is not None, "asked for a decline of a card that pays"
    codes = {
        "code": said.code,
        "decline_code": said.decline_code,
        "network_decline_code": said.network_code,
        "advice_code": said.advice_code,
        "network_advice_code": said.network_advice,
    }
    return {name: code for name, code in codes.items() if code}
