"""What is said once about one thing and one date that lies ahead of it: an invoice before it is due, for example."""

from __future__ import annotations

from datetime import date

from arrears.core.messages.kinds import MessageKind
from arrears.core.value import Value


class Announcement(Value, frozen=True, omit_defaults=True):
    """A message of one kind about a day `on` that lies ahead: the due date of a debt, the day on which a subscription
    is stopped or deleted, the last day of a payment method, or that of a hold. One of the four is named by its number,
    the others are 0.

    It is a part of a notice, and the same value is what an account remembers until that day is over, so that it is
    never said twice. Whatever a kind announces, all rooms make their part of it from this value and the kind's row.
    """

    kind: MessageKind
    on: date
    debt: int = 0
    subscription: int = 0
    method: int = 0
    hold: int = 0

    @property
    def about(self) -> int:
        """The number of what it is about, within the account."""
        return self.debt or self.subscription or self.method or self.hold

    @property
    def name(self) -> str:
        """The kind in words for staff: `due soon`."""
        return self.kind.replace("_", " ")
