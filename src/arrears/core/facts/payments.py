"""Facts about payment methods, attempts to take money, and money that left again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from arrears.core.account import DebtPart
from arrears.core.facts.base import Fact
from arrears.core.payments.planner import Tried
from arrears.core.payments.values import AttemptState, CardTry, Codes, Initiator, MethodDetails
from arrears.core.value import Value


class MethodAdded(Fact, frozen=True, tag="method_added"):
    """A method was set up at its provider. `credential` is the first method of this account that is the same card
    or bank account: the networks count attempts on that."""

    method: int
    at_provider: str
    details: MethodDetails
    credential: int


class MethodActivated(Fact, frozen=True, tag="method_activated"):
    """From now on this method pays for these subscriptions. `charged_from`: no charge of ours is made with it before,
    because its payer was not shown what is owed; None where there is no such day."""

    method: int
    subscriptions: tuple[int, ...]
    charged_from: datetime | None = None


class MethodRenewed(Fact, frozen=True, tag="method_renewed"):
    """The same card has a new expiry."""

    method: int
    expires_on: date


class MethodSpent(Fact, frozen=True, tag="method_spent"):
    """The method has turned out to work only once: it is never tried again, and another is asked for."""

    method: int


class MethodRemoved(Fact, frozen=True, tag="method_removed"):
    method: int


class AttemptCreated(Fact, frozen=True, tag="attempt_created"):
    """Somebody wants to take this much for these debts. Recorded, with its key, before the provider is asked.

    `quote` is the hash of what the payer was shown (empty where nobody was there). `on_page`: on a page of the
    provider, storing nothing; then `method` is 0, and `at_provider` is who opens that page (empty where nobody could
    but one). With a method it is at that method's provider. `activates`: on success the method becomes active for
    every subscription whose active method has failed. `in_part`: less than the whole set, after a failed settlement.
    `entry`: the number of the first attempt of the bank debit that this presents again; 0 for a debit made anew, and
    for every card.
    """

    attempt: int
    key: str
    ordinal: int
    method: int
    by: Initiator
    currency: str
    amount_minor: int
    parts: tuple[DebtPart, ...]
    quote: str = ""
    on_page: bool = False
    activates: bool = False
    in_part: bool = False
    at_provider: str = ""
    entry: int = 0


class AttemptMoved(Fact, frozen=True, tag="attempt_moved"):
    """The attempt is now in another state, on this evidence from the provider. `ref` is the provider's own id.

    `counts`: it started a challenge that counts as in flight. `tell`: the bank wants the customer to confirm a charge
    of ours for what is past due already. `under_way`: the payer has paid on the provider's page, and the money is on
    its way, as with a bank debit; only its outcome can end it.
    """

    attempt: int
    to: AttemptState
    ref: str = ""
    codes: Codes = Codes()
    reached_network: bool = True
    counts: bool = False
    why: str = ""
    tell: bool = False
    under_way: bool = False


class CardTried(Fact, frozen=True, tag="card_tried"):
    """Somebody tried a card in vain at the provider's own page: to pay (`attempt`, else 0), or to set it up. The
    networks count it on that card, whoever stores it then or later."""

    at_provider: str
    tried: CardTry
    attempt: int = 0


class ChallengeLapsed(Fact, frozen=True, tag="challenge_lapsed"):
    """A challenge that nobody finished within a day no longer holds anything up. The attempt stays open: its money
    could still move, until the provider has canceled it."""

    attempt: int


TAKEN_BACK: Final = "back:"
"""How the reference begins of what never came, or has left again, by a person's word or a newer book's."""


class ReturnedDebit(Value, frozen=True, omit_defaults=True):
    """The attempt by which a payment came that the bank has returned, as the networks count it from now on: declined,
    with the return's code. `debts` are what it has paid; presented again for them it is the same entry."""

    method: int
    tried: Tried
    debts: tuple[int, ...]


class Refunded(Fact, frozen=True, tag="refunded"):
    """Money that has left again and is no invoice's any more: given back by staff, or what a chargeback or a returned
    debit took beyond the debts it reopened. `credit_minor` of it was account credit. `ref` is the provider's, so that
    the same is recorded once; a chargeback that only reopened debts has an amount of 0.

    `reversal`: the bank or network took it back, or staff gave it back so that it is owed again; `open` while the
    network has not ruled. `refund` is the number of the refund that was asked for, 0 for one that was made at the
    provider itself. `debit`: of a bank debit that was returned, the attempt.
    """

    ref: str
    payment_ref: str
    currency: str
    amount_minor: int
    credit_minor: int = 0
    reopened_minor: int = 0
    """How much of what was taken back besides is owed again, by the facts right before this one."""
    reversal: bool = False
    open: bool = False
    refund: int = 0
    debit: ReturnedDebit | None = None


class RefundAsked(Fact, frozen=True, tag="refund_asked"):
    """Somebody wants to give back so much of a payment. Recorded, with its key, before the provider is asked, and the
    account credit that it takes is set aside. `request` names who asked for it and how they call it: asked again it is
    this refund, for ever. `reopens`: what the payment has paid is owed again, once that money has left."""

    refund: int
    key: str
    request: str
    payment_ref: str
    currency: str
    amount_minor: int
    credit_minor: int = 0
    reopens: bool = False


class RefundUndone(Fact, frozen=True, tag="refund_undone"):
    """What was to leave has stayed, or has come back: `amount_minor` of it has come back, and `credit_minor` is account
    credit again. `refund` and `ref` name it: our number where we asked for it, the provider's reference where it is
    known. A chargeback that was won and had reopened nothing is undone in the same way."""

    refund: int
    ref: str
    payment_ref: str
    currency: str
    amount_minor: int = 0
    credit_minor: int = 0


class RefundCovered(Fact, frozen=True, tag="refund_covered"):
    """An invoice asks less by what had been given back of its payment before, in whatever order the two were told: the
    account credit that the lower invoice left is that refund, and no second one. `refund` and `ref` name the refund as
    in RefundUndone; should it fail, this is account credit again."""

    refund: int
    ref: str
    payment_ref: str
    currency: str
    minor: int


class ChargebackClosed(Fact, frozen=True, tag="chargeback_closed"):
    """The network has ruled on a chargeback."""

    ref: str
    payment_ref: str
    won: bool
