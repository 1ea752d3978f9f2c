"""The sandbox's objects: plain values that change only through `book.Book`.

Times are seconds of sandbox time; amounts minor units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from arrears.sandbox.accounts import INSTRUMENTS, Instrument


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
class Customer:
    """Who pays. `details` are the name, the address and so on, as they were given."""

    id: str
    created: int
    metadata: dict[str, str]
    details: dict[str, Any]


@dataclass
class SandboxMethod:
    """A stored card or bank account. `behaves` names the test instrument whose bank it has; a bank may change its
    mind. `own`: it is a card of its own, and not the same one as every other of its number."""

    id: str
    instrument: Instrument
    created: int
    customer: str | None = None
    exp_month: int = 12
    exp_year: int = 2034
    behaves: str = ""
    own: bool = False
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def bank(self) -> Instrument:
        """The instrument whose bank answers now."""
        return INSTRUMENTS[self.behaves or self.instrument.name]


@dataclass
class SandboxCharge:
    """One try to take the money: `pending`, `succeeded` or `failed`. `error` is what the bank said."""

    id: str
    intent: str
    method: str
    created: int
    status: str = "pending"
    error: dict[str, Any] | None = None


@dataclass
class Intent:
    """A payment. `taken` is what was captured, `error` the last error object and `refused` the method that it is
    about: a method that failed is no longer the intent's own."""

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
    error: dict[str, Any] | None = None
    refused: str | None = None
    off_session: bool = False
    session: str | None = None


@dataclass
class Session:
    """A hosted page: to set up a method, or to pay once. `types` are the kinds of method that it offers."""

    id: str
    mode: str
    created: int
    expires_at: int
    customer: str | None
    metadata: dict[str, str]
    success_url: str
    cancel_url: str
    locale: str
    types: tuple[str, ...] = ("card",)
    amount: int = 0
    currency: str = ""
    description: str = ""
    intent_metadata: dict[str, str] = field(default_factory=dict)
    status: str = "open"
    intent: str | None = None
    setup_intent: str | None = None


@dataclass
class SetupCheck:
    """One check of a card that somebody wants to save, which the bank refused."""

    id: str
    created: int
    method: str
    error: dict[str, Any]


@dataclass
class SetupIntent:
    """What a set-up page makes: the permission to charge a method later. `refused` are the checks before that."""

    id: str
    created: int
    customer: str | None
    metadata: dict[str, str]
    method: str | None = None
    refused: list[SetupCheck] = field(default_factory=list)


@dataclass
class SandboxRefund:
    """Money given back."""

    id: str
    intent: str
    charge: str
    amount: int
    currency: str
    created: int
    metadata: dict[str, str]
    reason: str = ""
    status: str = "succeeded"


@dataclass
class SandboxDispute:
    """A chargeback: open ones have taken the money. Of a bank debit it is the debit's return, lost from the start."""

    id: str
    intent: str
    charge: str
    amount: int
    currency: str
    created: int
    status: str = "needs_response"
    reason: str = "general"
    network_code: str = ""


@dataclass
class SandboxEvent:
    """Something that happened, as it is told by webhook and listed."""

    id: str
    type: str
    created: int
    object_id: str
    object_kind: str
    listed_at: int
