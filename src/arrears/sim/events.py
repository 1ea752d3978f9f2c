"""What happens to made-up people, and what they and the staff do."""

from __future__ import annotations

from typing import NamedTuple

from arrears.core.account import DoubtKind, HoldScope, Stop


class BillDue(NamedTuple):
    """The operator bills what runs."""


class Pay(NamedTuple):
    """Money for one invoice, by its number within the account; 0 names none. `percent` of what the payer owes."""

    bill: int
    percent: int = 100
    extra_minor: int = 0


class PayEverything(NamedTuple):
    """All that is unpaid in the payer's own book, in one payment per currency."""


class DeclineByBank(NamedTuple):
    """The operator's charge was definitively declined."""

    bill: int


class Return(NamedTuple):
    """The bank takes a payment back."""

    bill: int


class DisputeByCustomer(NamedTuple):
    """The customer objects; after so many hours the dispute is settled."""

    bill: int
    hours: int


class PlaceHold(NamedTuple):
    """Staff stop something for some days; `release_hours` is 0 where they let it run out."""

    scope: HoldScope
    pick: int
    stops: tuple[Stop, ...]
    days: int
    release_hours: int


class Release(NamedTuple):
    """A hold ends early."""

    hold: int


class Raise(NamedTuple):
    """Something about this account is unknown for some hours."""

    kind: DoubtKind
    ref: str
    hours: int


class Clear(NamedTuple):
    """It is known again."""

    kind: DoubtKind
    ref: str


class Cancel(NamedTuple):
    """The customer ends a subscription, and after so many hours may want it back (0: never)."""

    subscription: int
    back_after_hours: int


class Reactivate(NamedTuple):
    """The customer wants it back."""

    subscription: int


class Block(NamedTuple):
    """Another reason than debt stops a subscription for some hours."""

    subscription: int
    hours: int


class Unblock(NamedTuple):
    """That reason is lifted."""

    subscription: int


class GiveUp(NamedTuple):
    """Staff write off what is open of an invoice."""

    bill: int


class Move(NamedTuple):
    """The account gets another zone and another policy, for what starts from then on."""

    zone: str
    policy: str


class GetCard(NamedTuple):
    """The payer sets up a card, and it pays for everything from then on."""


class SettleByCard(NamedTuple):
    """Everything owed, in one act, with the newest card or with another one."""

    new_card: bool


Event = (
    BillDue
    | Pay
    | PayEverything
    | DeclineByBank
    | Return
    | DisputeByCustomer
    | PlaceHold
    | Release
    | Raise
    | Clear
    | Cancel
    | Reactivate
    | Block
    | Unblock
    | GiveUp
    | Move
    | GetCard
    | SettleByCard
)
