"""The kinds of message, each with everything the rooms decide by: who gets it, who can act on it, where its button
leads and what it always says. What its texts may use stands in `notices/kinds.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from arrears.core.closed import closed


class MessageKind(StrEnum):
    """What a message is about; each has its own text in every language."""

    DUE_SOON = "due_soon"
    BY_TRANSFER = "by_transfer"
    HOLD_ENDS = "hold_ends"
    REMINDER = "reminder"
    DECLINED = "declined"
    CONFIRM = "confirm"
    AUTHORISATION_DECLINED = "authorisation_declined"
    STOP_WARNING = "stop_warning"
    DELETION_WARNING = "deletion_warning"
    LAST_CALL = "last_call"
    RETENTION_ENDS = "retention_ends"
    STOPPED = "stopped"
    DELETED = "deleted"
    SETTLED = "settled"
    RESUMED = "resumed"
    CANCELED = "canceled"
    REACTIVATED = "reactivated"
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


class Audience(StrEnum):
    """Who is written to: every contact of the account at once; or the administrator, or the one person it is about,
    at the first address that works."""

    EVERYBODY = "everybody"
    ONE = "one"


class Actor(StrEnum):
    """Who can act on a message. Where it is the administrator alone, another reader is told who that is, and gets no
    such button."""

    ADMINISTRATOR = "administrator"
    READER = "reader"


class LeadsTo(StrEnum):
    """Where the button of a message leads: what its words say. PAYING is what asks for money, and then always lists
    debts; ACCOUNT is the account's overview, and those after it are its pages, MESSAGE_PLAN the plan of messages."""

    PAYING = "paying"
    ACCOUNT = "account"
    INVOICES = "invoices"
    METHODS = "methods"
    PROFILE = "profile"
    SUBSCRIPTIONS = "subscriptions"
    MESSAGE_PLAN = "message_plan"
    HELP = "help"
    SECURITY = "security"
    CONFIRMING = "confirming"
    INVITATION = "invitation"
    NEW_PASSWORD = "new_password"


class Dated(StrEnum):
    """What a message says of dates on which services stop or are deleted: nothing; what is planned, if anything is;
    always what will happen, so that it counts as a warning; or always what has happened."""

    NOTHING = "nothing"
    PLANNED = "planned"
    AHEAD = "ahead"
    PAST = "past"


class Announces(StrEnum):
    """Of what a kind of message announces the date, once for each date (see `core.announcements`)."""

    DEBT = "debt"
    SUBSCRIPTION = "subscription"
    METHOD = "method"
    HOLD = "hold"


class KindSpec(NamedTuple):
    """One kind of message. `paid`: it always says an amount, which arrived or which a card was refused for.
    `declined`: it says why a bank refused, and what to ask it. `charged`: it is about a charge of ours that a bank
    refused or wants confirmed. `foreseen`: pages say ahead of time on which day it will be sent. `announces`: what it
    says once before its date, in words and with an example that all such kinds share; None for every other message.
    `by_card`: False where what it is about cannot be paid by card, so that it says how a transfer is made. `owing` and
    `off`: where its button leads instead while something is still owed, and while nothing is but services stay off that
    no payment brings back; None where it leads there all the same."""

    to: Audience
    actor: Actor
    leads_to: LeadsTo
    dated: Dated
    paid: bool = False
    declined: bool = False
    charged: bool = False
    foreseen: bool = False
    announces: Announces | None = None
    by_card: bool = True
    owing: LeadsTo | None = None
    off: LeadsTo | None = None

    def button_leads(self, *, owing: bool, off: bool) -> LeadsTo:
        """Where the button of one message leads: what is owed goes before what stays off."""
        return (owing and self.owing) or (not owing and off and self.off) or self.leads_to

    @property
    def asks_for_money(self) -> bool:
        """Whether it asks for money, and so lists the debts."""
        return self.leads_to is LeadsTo.PAYING

    @property
    def about_actions(self) -> bool:
        """Whether it is about services that stop, stopped or are deleted, and so says what happens, and when."""
        return self.dated in (Dated.AHEAD, Dated.PAST)


ACCOUNT_PAGES: Final[Mapping[LeadsTo, str]] = {
    LeadsTo.ACCOUNT: "",
    LeadsTo.INVOICES: "invoices",
    LeadsTo.METHODS: "methods",
    LeadsTo.PROFILE: "profile",
    LeadsTo.SUBSCRIPTIONS: "subscriptions",
    LeadsTo.MESSAGE_PLAN: "profile#told",
}
"""The pages of the account centre that buttons lead to, by their path within the account."""

_PAGES: Final = frozenset({*ACCOUNT_PAGES, LeadsTo.HELP, LeadsTo.SECURITY})

_ANNOUNCING: Final[Mapping[Announces, tuple[frozenset[LeadsTo], Dated]]] = closed(
    "what announcements say",
    Announces,
    {
        Announces.DEBT: (_PAGES, Dated.NOTHING),
        Announces.SUBSCRIPTION: (_PAGES | {LeadsTo.PAYING}, Dated.PLANNED),
        Announces.METHOD: (_PAGES, Dated.NOTHING),
        Announces.HOLD: (_PAGES, Dated.NOTHING),
    },
)
"""Where the button of an announcement may lead, by what it is about, and what it says of dates. An invoice whose day
has not come, or that is held, is never demanded; before what is planned for a subscription, what is owed for it may be.
None counts as a warning: that is a part of a notice of its own."""


def contradiction(spec: KindSpec) -> str:
    """Why no message of a kind with this row could be written, in words; "" where one can."""
    if spec.announces is None:
        return ""
    leads, dated = _ANNOUNCING[spec.announces]
    if spec.leads_to not in leads:
        return f"what announces a {spec.announces} leads to {' or '.join(sorted(leads))}, not to {spec.leads_to}"
    if spec.dated is not dated:
        return f"what announces a {spec.announces} says {dated} of dates, not {spec.dated}"
    if spec.paid or spec.declined or spec.charged:
        return f"what announces a {spec.announces} is about no payment"
    return ""


def checked(kinds: Mapping[MessageKind, KindSpec]) -> Mapping[MessageKind, KindSpec]:
    """The same. Raises TypeError with each kind that nothing could be said of, and why."""
    wrong = [f"{kind}: {why}" for kind, spec in kinds.items() if (why := contradiction(spec))]
    if wrong:
        raise TypeError(f"kinds of message: {'; '.join(wrong)}")
    return kinds


_ALL, _ONE = Audience.EVERYBODY, Audience.ONE
_ADMIN, _READER = Actor.ADMINISTRATOR, Actor.READER

KINDS: Final[Mapping[MessageKind, KindSpec]] = checked(
    closed(
        "kinds of message",
        MessageKind,
        {
            MessageKind.DUE_SOON: KindSpec(_ONE, _ADMIN, LeadsTo.INVOICES, Dated.NOTHING, announces=Announces.DEBT),
            MessageKind.BY_TRANSFER: KindSpec(
                _ONE, _ADMIN, LeadsTo.ACCOUNT, Dated.NOTHING, announces=Announces.DEBT, by_card=False
            ),
            MessageKind.HOLD_ENDS: KindSpec(_ONE, _ADMIN, LeadsTo.ACCOUNT, Dated.NOTHING, announces=Announces.HOLD),
            MessageKind.REMINDER: KindSpec(_ONE, _ADMIN, LeadsTo.PAYING, Dated.PLANNED, foreseen=True),
            MessageKind.DECLINED: KindSpec(_ONE, _ADMIN, LeadsTo.PAYING, Dated.PLANNED, declined=True, charged=True),
            MessageKind.CONFIRM: KindSpec(_ONE, _ADMIN, LeadsTo.PAYING, Dated.PLANNED, charged=True),
            MessageKind.AUTHORISATION_DECLINED: KindSpec(
                _ONE, _ADMIN, LeadsTo.METHODS, Dated.NOTHING, paid=True, declined=True
            ),
            MessageKind.STOP_WARNING: KindSpec(_ALL, _ADMIN, LeadsTo.PAYING, Dated.AHEAD, foreseen=True),
            MessageKind.DELETION_WARNING: KindSpec(_ALL, _ADMIN, LeadsTo.PAYING, Dated.AHEAD, foreseen=True),
            MessageKind.LAST_CALL: KindSpec(
                _ALL, _ADMIN, LeadsTo.PAYING, Dated.PLANNED, announces=Announces.SUBSCRIPTION
            ),
            MessageKind.RETENTION_ENDS: KindSpec(_ALL, _ADMIN, LeadsTo.SUBSCRIPTIONS, Dated.AHEAD),
            MessageKind.STOPPED: KindSpec(_ALL, _ADMIN, LeadsTo.PAYING, Dated.PAST),
            MessageKind.DELETED: KindSpec(_ALL, _READER, LeadsTo.ACCOUNT, Dated.PAST),
            MessageKind.SETTLED: KindSpec(
                _ONE,
                _READER,
                LeadsTo.INVOICES,
                Dated.PLANNED,
                paid=True,
                owing=LeadsTo.PAYING,
                off=LeadsTo.SUBSCRIPTIONS,
            ),
            MessageKind.RESUMED: KindSpec(_ONE, _READER, LeadsTo.SUBSCRIPTIONS, Dated.PLANNED, owing=LeadsTo.PAYING),
            MessageKind.CANCELED: KindSpec(_ONE, _ADMIN, LeadsTo.SUBSCRIPTIONS, Dated.PLANNED, owing=LeadsTo.PAYING),
            MessageKind.REACTIVATED: KindSpec(_ONE, _ADMIN, LeadsTo.SUBSCRIPTIONS, Dated.PLANNED, owing=LeadsTo.PAYING),
            MessageKind.CARD_EXPIRES: KindSpec(_ONE, _ADMIN, LeadsTo.METHODS, Dated.NOTHING),
            MessageKind.CONFIRM_ADDRESS: KindSpec(_ONE, _READER, LeadsTo.CONFIRMING, Dated.NOTHING),
            MessageKind.ADDRESS_CHANGED: KindSpec(_ONE, _READER, LeadsTo.PROFILE, Dated.NOTHING),
            MessageKind.ADMINISTRATOR_CHANGED: KindSpec(_ALL, _READER, LeadsTo.HELP, Dated.NOTHING),
            MessageKind.INVITATION: KindSpec(_ONE, _READER, LeadsTo.INVITATION, Dated.NOTHING),
            MessageKind.PASSWORD_RESET: KindSpec(_ONE, _READER, LeadsTo.NEW_PASSWORD, Dated.NOTHING),
            MessageKind.SIGN_IN_CHANGED: KindSpec(_ONE, _READER, LeadsTo.SECURITY, Dated.NOTHING),
            MessageKind.PAID_AFTER_DELETION: KindSpec(_ONE, _READER, LeadsTo.ACCOUNT, Dated.NOTHING, paid=True),
            MessageKind.CREDIT_OFFERED: KindSpec(_ONE, _ADMIN, LeadsTo.HELP, Dated.NOTHING, paid=True),
            MessageKind.TEST: KindSpec(_ONE, _READER, LeadsTo.MESSAGE_PLAN, Dated.NOTHING),
            MessageKind.SUPPORT_CONFIRM: KindSpec(_ONE, _READER, LeadsTo.HELP, Dated.NOTHING),
            MessageKind.SUPPORT_RECEIVED: KindSpec(_ONE, _READER, LeadsTo.HELP, Dated.NOTHING),
            MessageKind.SUPPORT_ANSWERED: KindSpec(_ONE, _READER, LeadsTo.HELP, Dated.NOTHING),
            MessageKind.RESUME_LATE: KindSpec(_ONE, _READER, LeadsTo.HELP, Dated.NOTHING),
        },
    )
)
"""Everything that is known of each kind outside its texts."""

FORESEEN: Final = tuple(kind for kind, spec in KINDS.items() if spec.foreseen)
"""The kinds whose day is said ahead of time, on the timeline and on the page about messages."""
