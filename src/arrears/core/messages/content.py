"""Everything that a message says, decided and complete before a word of it is written.

The texts only put it into a language: they look nothing up, reckon nothing and know no clock, so the same content
always gives the same message.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from arrears.core.account import Action


class MessageKind(StrEnum):
    """What a message is about; each has its own text in every language."""

    REMINDER = "reminder"
    DECLINED = "declined"
    CONFIRM = "confirm"
    AUTHORISATION_DECLINED = "authorisation_declined"
    STOP_WARNING = "stop_warning"
    DELETION_WARNING = "deletion_warning"
    RETENTION_ENDS = "retention_ends"
    STOPPED = "stopped"
    DELETED = "deleted"
    SETTLED = "settled"
    RESUMED = "resumed"
    CARD_EXPIRES = "card_expires"
    CONFIRM_ADDRESS = "confirm_address"
    ADDRESS_CHANGED = "address_changed"
    ADMINISTRATOR_CHANGED = "administrator_changed"
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"
    SIGN_IN_CHANGED = "sign_in_changed"
    PAID_AFTER_DELETION = "paid_after_deletion"
    CREDIT_OFFERED = "credit_offered"
    TEST = "test"
    SUPPORT_CONFIRM = "support_confirm"
    SUPPORT_RECEIVED = "support_received"
    SUPPORT_ANSWERED = "support_answered"
    RESUME_LATE = "resume_late"


class Role(StrEnum):
    """Who reads: only the administrator may pay (spec, section 4.8)."""

    ADMINISTRATOR = "administrator"
    READER = "reader"
    TECHNICAL = "technical"


PAYABLE: Final = frozenset(
    {
        MessageKind.REMINDER,
        MessageKind.DECLINED,
        MessageKind.CONFIRM,
        MessageKind.STOP_WARNING,
        MessageKind.DELETION_WARNING,
        MessageKind.STOPPED,
    }
)
"""What asks for money: these always list debts."""

ADMINISTRATOR_ACTS: Final = PAYABLE | {
    MessageKind.CARD_EXPIRES,
    MessageKind.CREDIT_OFFERED,
    MessageKind.AUTHORISATION_DECLINED,
    MessageKind.RETENTION_ENDS,
}
"""What only the administrator can act on: another reader is told who that is, and gets no such button."""

ABOUT_ACTIONS: Final = frozenset(
    {
        MessageKind.STOP_WARNING,
        MessageKind.DELETION_WARNING,
        MessageKind.RETENTION_ENDS,
        MessageKind.STOPPED,
        MessageKind.DELETED,
    }
)
"""What is about services that stop, stopped or are deleted: these always have actions."""

PAID: Final = frozenset(
    {
        MessageKind.SETTLED,
        MessageKind.PAID_AFTER_DELETION,
        MessageKind.CREDIT_OFFERED,
        MessageKind.AUTHORISATION_DECLINED,
    }
)
"""What is about money that arrived, or that a card was refused for: these always say how much."""

SIGN_IN_CHANGES: Final = ("password", "app_added", "app_removed", "passkey_added", "passkey_removed", "codes")
"""How a person signs in can change: another password, an authenticator app, a passkey, new recovery codes."""
SUPPORT: Final = frozenset({MessageKind.SUPPORT_RECEIVED, MessageKind.SUPPORT_ANSWERED, MessageKind.RESUME_LATE})
"""What is about a support request: its link leads to the conversation."""


class DebtLine(msgspec.Struct, frozen=True, gc=False):
    """One unpaid invoice: its number, due date, what is still open in minor units, and what it is for."""

    number: str
    due_on: date
    open_minor: int
    currency: str
    services: tuple[str, ...] = ()


class Sum(msgspec.Struct, frozen=True, gc=False):
    """An amount in minor units; one per currency, because currencies are never added."""

    currency: str
    minor: int


class DatedAction(msgspec.Struct, frozen=True, gc=False):
    """What happens, or happened, to a service, and on which local day of the account.

    `others` are the account's other subscriptions of that service, which this does not touch. `kept_until` is, for
    a service that was disabled, the day until which its data is kept at least.
    """

    service: str
    action: Action
    on: date
    others: tuple[str, ...] = ()
    kept_until: date | None = None


class Reader(msgspec.Struct, frozen=True, gc=False):
    """Who reads this message, and in which time zone (IANA)."""

    name: str
    role: Role
    zone: str


class Operator(msgspec.Struct, frozen=True, gc=False):
    """Who sends it, and where a person finds help. One of address and page may be empty. `iban` is where transfers
    go, empty where the invoices alone say so."""

    name: str
    support_url: str
    support_email: str
    iban: str = ""


class Content(msgspec.Struct, frozen=True, gc=False):
    """One message to one person. What a kind does not need stays empty.

    `zone` is the account's time zone (IANA) and the one of every day here; `sent_at` is aware and UTC: the sums are
    those of that moment. `sums` is what is owed and `paid` what arrived, per currency. `actions` are in the order of
    their dates, and ahead, except in `stopped` and `deleted`, where they have happened. `link` is where the one button
    leads; only if `link_is_pay` can it pay without a sign-in.
    `administrator` is who can pay, and in `administrator_changed` the new one. Addresses are masked by the caller
    where their reader may not see them. Days count from today; `effective_on` is the day from which a new
    administrator acts (None: already). `by_transfer`: the account pays by bank transfer, so nothing is said of cards.
    `expires_on` is the last day of a card or an invitation; `change` is one of SIGN_IN_CHANGES.
    `request` is the number of a support request, `no_deletion_until` and `no_stop_until` the last days that it holds.
    Breaking one of these rules is our own mistake and asserted.
    """

    kind: MessageKind
    locale: str
    account_name: str
    reader: Reader
    zone: str
    sent_at: datetime
    operator: Operator
    link: str
    link_is_pay: bool = False
    debts: tuple[DebtLine, ...] = ()
    sums: tuple[Sum, ...] = ()
    actions: tuple[DatedAction, ...] = ()
    paid: tuple[Sum, ...] = ()
    services: tuple[str, ...] = ()
    card: str = ""
    expires_on: date | None = None
    days_left: int | None = None
    decline: str = ""
    administrator: str = ""
    old_address: str = ""
    new_address: str = ""
    effective_on: date | None = None
    by_transfer: bool = False
    change: str = ""
    request: str = ""
    no_deletion_until: date | None = None
    no_stop_until: date | None = None

    def __post_init__(self) -> None:
        kind = self.kind
        assert self.sent_at.utcoffset() == timedelta(0), self.sent_at
        assert self.link.startswith(("https://", "http://")), self.link
        assert self.operator.support_url or self.operator.support_email, "nobody could ask for help"
        assert not self.link_is_pay or self.reader.role is Role.ADMINISTRATOR, "only the administrator gets a pay link"
        assert bool(self.debts) == bool(self.sums), "the list of debts and their sums go together"
        assert self.debts or kind not in PAYABLE, f"{kind} needs the debts"
        assert self.actions or kind not in ABOUT_ACTIONS, f"{kind} needs what happens, and when"
        assert self.paid or kind not in PAID, f"{kind} needs what was paid"
        assert self.decline or kind is not MessageKind.DECLINED, "declined needs the decline word"
        if kind is MessageKind.CARD_EXPIRES:
            assert self.card, "card_expires needs the card"
            assert self.expires_on is not None, "card_expires needs the date"
            assert self.days_left is not None, "card_expires needs the days left"
        assert (self.change in SIGN_IN_CHANGES) == (kind is MessageKind.SIGN_IN_CHANGED), (
            "only that kind says what changed"
        )
        totals = {one.currency: one.minor for one in self.sums}
        for line in self.debts:
            totals[line.currency] = totals.get(line.currency, 0) - line.open_minor
        assert not any(totals.values()), "the sums are not those of the debts"

    @property
    def can_pay(self) -> bool:
        """Whether this reader may pay and change payment methods."""
        return self.reader.role is Role.ADMINISTRATOR
