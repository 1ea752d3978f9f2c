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
from arrears.core.messages.kinds import KINDS, Dated, MessageKind


class Role(StrEnum):
    """Who reads: only the administrator may pay (spec, section 4.8)."""

    ADMINISTRATOR = "administrator"
    READER = "reader"
    TECHNICAL = "technical"


SIGN_IN_CHANGES: Final = ("password", "app_added", "app_removed", "passkey_added", "passkey_removed", "codes")
"""How a person signs in can change: another password, an authenticator app, a passkey, new recovery codes."""


class DebtLine(msgspec.Struct, frozen=True, gc=False):
    """One unpaid invoice: its number, due date, what is still open in minor units, and what it is for. `part_paid`: a
    part of it is paid; `returned`: it was paid, and that money has left again. Of neither it is said that nobody paid
    (spec, section 4.10)."""

    number: str
    due_on: date
    open_minor: int
    currency: str
    services: tuple[str, ...] = ()
    part_paid: bool = False
    returned: bool = False


class Sum(msgspec.Struct, frozen=True, gc=False):
    """An amount in minor units; one per currency, because currencies are never added."""

    currency: str
    minor: int


class Collection(msgspec.Struct, frozen=True, gc=False):
    """What we will collect by ourselves, in minor units, on which local day of the account, and from which card."""

    on: date
    minor: int
    currency: str
    card: str


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
    go, empty where the invoices alone say so. `identity` is the legal one, as the foot says it: name, address, register
    number."""

    name: str
    support_url: str
    support_email: str
    iban: str = ""
    identity: str = ""


class Content(msgspec.Struct, frozen=True, gc=False):
    """One message to one person. What a kind does not need stays empty.

    `zone` is the account's time zone (IANA) and the one of every day here; `sent_at` is aware and UTC: the sums are
    those of that moment. `sums` is what is owed and `paid` what arrived, per currency. `actions` are in the order of
    their dates, and ahead, except in `stopped` and `deleted`, where they have happened. `link` is where the one button
    leads; only if `link_is_pay` can it pay without a sign-in.
    `administrator` is who can pay, and in `administrator_changed` the new one. Addresses are masked by the caller
    where their reader may not see them. Days count from today; `effective_on` is the day from which a new
    administrator acts (None: already). `by_transfer`: the account pays by bank transfer, so nothing is said of cards.
    `no_method`: no payment method of the account pays for any of the debts. `nothing_follows`: by the account's policy
    nothing more happens to any service, however long this is unpaid; `never_deleted`: no data is deleted for it.
    `expires_on` is the last day of a card, an invitation or a hold; `change` is one of SIGN_IN_CHANGES. `again`: an
    address in use is to be confirmed once more. `inviter` is the person who invites, empty where the operator's staff
    do. `request` is the number of a support request, `no_deletion_until` and `no_stop_until` the last days that it
    holds. `stays` are the services that no payment brings back, `ends` when the data of each of them is deleted, where
    that is planned; `collects` is what we collect by ourselves of what is still owed. `later` is what lies ahead of the
    other services where `actions` have happened.
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
    no_method: bool = False
    nothing_follows: bool = False
    never_deleted: bool = False
    change: str = ""
    again: bool = False
    inviter: str = ""
    request: str = ""
    no_deletion_until: date | None = None
    no_stop_until: date | None = None
    stays: tuple[str, ...] = ()
    ends: tuple[DatedAction, ...] = ()
    collects: tuple[Collection, ...] = ()
    later: tuple[DatedAction, ...] = ()

    def __post_init__(self) -> None:
        kind, spec = self.kind, KINDS[self.kind]
        assert self.sent_at.utcoffset() == timedelta(0), self.sent_at
        assert self.link.startswith(("https://", "http://")), self.link
        assert self.operator.support_url or self.operator.support_email, "nobody could ask for help"
        assert not self.link_is_pay or self.reader.role is Role.ADMINISTRATOR, "only the administrator gets a pay link"
        assert bool(self.debts) == bool(self.sums), "the list of debts and their sums go together"
        assert self.debts or not spec.asks_for_money, f"{kind} needs the debts"
        assert self.actions or not spec.about_actions, f"{kind} needs what happens, and when"
        assert self.paid or not spec.paid, f"{kind} needs what was paid"
        assert self.decline or not spec.declined, f"{kind} needs the decline word"
        assert not self.later or spec.dated is Dated.PAST, "what lies ahead is said by the actions"
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
