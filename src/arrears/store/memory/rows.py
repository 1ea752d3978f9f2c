"""What the memory store keeps of an account and an action, and what may exist only once."""

from __future__ import annotations

from datetime import datetime

from arrears.core.account import Account
from arrears.core.rows import Rows
from arrears.core.unit import GENESIS
from arrears.ports import Poisoned


class Duplicate(Poisoned):
    """Something would exist twice, or be what it may not be: the memory's answer to UNIQUE and CHECK constraints."""


class Slot:
    """One account as committed."""

    __slots__ = ("head", "next_at", "seq", "state", "waits")

    def __init__(self) -> None:
        self.state: Account | None = None
        self.seq = 0
        self.head = GENESIS
        self.next_at: datetime | None = None
        self.waits = False


class QueuedAction:
    """One action and how far it is."""

    __slots__ = ("lease_until", "order", "order_no", "status", "subscription", "tries")

    def __init__(self, subscription: int, order_no: int, order: str) -> None:
        self.subscription = subscription
        self.order_no = order_no
        self.order = order
        self.status = "recorded"
        self.tries = 0
        self.lease_until: datetime | None = None


def keys_of(rows: Rows) -> list[tuple[object, ...]]:
    """Everything in these rows that may exist only once."""
    keys: list[tuple[object, ...]] = []
    if rows.steps:
        keys += [
            ("step", s.account, s.kind, s.subscription, s.generation, s.case, s.rung, s.promised_on) for s in rows.steps
        ]
    if rows.invoices:
        keys += [("invoice", i.number) for i in rows.invoices]
        keys += [("invoice", i.account_id, i.no) for i in rows.invoices]
    if rows.payments:
        keys += [("payment", p.ref) for p in rows.payments]
    if rows.cases:
        keys += [("case", c.account_id, c.no) for c in rows.cases]
    if rows.actions:
        keys += [("action", a.account, a.seq, a.kind) for a in rows.actions]
        keys += [("order", a.account, a.subscription, a.order_no) for a in rows.actions if a.kind == "order"]
    if rows.attempts:
        keys += [("attempt", a.key) for a in rows.attempts]
    if rows.methods:
        keys += [("method", m.account_id, m.no) for m in rows.methods]
    if rows.card_tries:
        keys += [("card try", c.account_id, c.ref) for c in rows.card_tries]
    if rows.refunds:
        keys += [("refund", r.ref) for r in rows.refunds]
    return keys
