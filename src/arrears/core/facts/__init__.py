"""The facts: everything that can happen to an account, each with all that is needed to fold it.

A fact never refers to something that could change later (a policy, a clock, another table), so folding the facts
of an account gives its state on any machine at any time. Facts name people, subscriptions and invoices by
number; names and addresses live in erasable tables. Amounts are minor units, days are local days of the account,
instants are UTC.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, Final, Union, get_args

import msgspec

from arrears.core.announcements import Announcement
from arrears.core.facts.answered import (
    DeletedInPart,
    NoticeAccepted,
    NoticeBounced,
    NoticeFailed,
    OrderAcknowledged,
    OrderRepeated,
    RecipientsChanged,
    TaskClosed,
    WarnedHow,
    WarnedOtherwise,
)
from arrears.core.facts.arranged import ArrangementEnded, ArrangementKept, ArrangementMade
from arrears.core.facts.base import (
    Allocation,
    Evidence,
    Fact,
    Owing,
)
from arrears.core.facts.decided import (
    BecamePastDue,
    CaseEnded,
    DateMoved,
    Deferred,
    DeletionCapped,
    DeletionOrdered,
    DeletionReleased,
    DeletionScheduled,
    DeletionUnscheduled,
    Disabled,
    DoubtEnded,
    Parked,
    PastDue,
    Restricted,
    Resumed,
    Unparked,
    WarningsLapsed,
    WithinTolerance,
)
from arrears.core.facts.notice import (
    Expiring,
    Noticed,
    NoticePart,
    RemindedDebt,
    Reminder,
    StoredNotice,
    Told,
    Warning,
    from_stored,
    notice_of,
    to_stored,
)
from arrears.core.facts.payments import (
    AttemptCreated,
    AttemptMoved,
    CardTried,
    ChallengeLapsed,
    ChargebackClosed,
    MethodActivated,
    MethodAdded,
    MethodRemoved,
    MethodRenewed,
    MethodSpent,
    RefundAsked,
    RefundCovered,
    Refunded,
    RefundUndone,
    ReturnedDebit,
)
from arrears.core.facts.people import (
    AccessEnded,
    AddressAsked,
    AddressConfirmed,
    InvitationAccepted,
    InvitationWithdrawn,
    Invited,
    LateOrder,
    PersonErased,
    ResetAsked,
    ResumeLate,
    SignInChanged,
    SupportAnswered,
    SupportClosed,
    SupportOpened,
    SupportSaid,
    TestAsked,
)
from arrears.core.facts.reported import (
    AccountOpened,
    AuthorisationDeclined,
    Canceled,
    ChargeDeclined,
    CreditAllocated,
    DebtReopened,
    DoubtCleared,
    DoubtRaised,
    DueMoved,
    HoldEnded,
    HoldPlaced,
    InvoiceCredited,
    InvoiceIssued,
    PaymentBooked,
    Reactivated,
    ReasonLifted,
    ReasonSet,
    SubscriptionAdded,
    TermsChanged,
    Voided,
    WrittenOff,
)
from arrears.core.facts.system import (
    AccountSetAside,
    BookRefused,
    BreakerSet,
    ChangeSetAside,
    ClockConfirmed,
    ClockDiffers,
    ClockSuspected,
    EndpointTrouble,
    FeedSet,
    IdentityTaken,
    LimitsSet,
    MailPaused,
    MailTrouble,
    MailTroubleKind,
    PolicyAdopted,
    SystemFact,
    SystemTaskClosed,
)

__all__ = [
    "ARREARS",
    "AccessEnded",
    "AccountOpened",
    "AccountSetAside",
    "AddressAsked",
    "AddressConfirmed",
    "Allocation",
    "Announcement",
    "AnyFact",
    "ArrangementEnded",
    "ArrangementKept",
    "ArrangementMade",
    "AttemptCreated",
    "AttemptMoved",
    "AuthorisationDeclined",
    "BecamePastDue",
    "BookRefused",
    "BreakerSet",
    "Canceled",
    "CardTried",
    "CaseEnded",
    "ChallengeLapsed",
    "ChangeSetAside",
    "ChargeDeclined",
    "ChargebackClosed",
    "ClockConfirmed",
    "ClockDiffers",
    "ClockSuspected",
    "CreditAllocated",
    "DateMoved",
    "DebtReopened",
    "Deferred",
    "DeletedInPart",
    "DeletionCapped",
    "DeletionOrdered",
    "DeletionReleased",
    "DeletionScheduled",
    "DeletionUnscheduled",
    "Disabled",
    "DoubtCleared",
    "DoubtEnded",
    "DoubtRaised",
    "DueMoved",
    "EndpointTrouble",
    "Evidence",
    "Expiring",
    "Fact",
    "FeedSet",
    "HoldEnded",
    "HoldPlaced",
    "IdentityTaken",
    "InvitationAccepted",
    "InvitationWithdrawn",
    "Invited",
    "InvoiceCredited",
    "InvoiceIssued",
    "LateOrder",
    "LimitsSet",
    "MailPaused",
    "MailTrouble",
    "MailTroubleKind",
    "MethodActivated",
    "MethodAdded",
    "MethodRemoved",
    "MethodRenewed",
    "MethodSpent",
    "NoticeAccepted",
    "NoticeBounced",
    "NoticeFailed",
    "NoticePart",
    "Noticed",
    "OrderAcknowledged",
    "OrderRepeated",
    "Owing",
    "Parked",
    "PastDue",
    "PaymentBooked",
    "PersonErased",
    "PolicyAdopted",
    "Reactivated",
    "ReasonLifted",
    "ReasonSet",
    "RecipientsChanged",
    "Recorded",
    "RefundAsked",
    "RefundCovered",
    "RefundUndone",
    "Refunded",
    "RemindedDebt",
    "Reminder",
    "ResetAsked",
    "Restricted",
    "ResumeLate",
    "Resumed",
    "ReturnedDebit",
    "SignInChanged",
    "SubscriptionAdded",
    "SupportAnswered",
    "SupportClosed",
    "SupportOpened",
    "SupportSaid",
    "SystemFact",
    "SystemTaskClosed",
    "TaskClosed",
    "TermsChanged",
    "TestAsked",
    "Told",
    "Unparked",
    "Voided",
    "WarnedHow",
    "WarnedOtherwise",
    "Warning",
    "WarningsLapsed",
    "WithinTolerance",
    "WrittenOff",
    "decode_fact",
    "decode_system_fact",
    "encode_fact",
    "kind_of",
    "kind_of_type",
    "notice_of",
]

AnyFact = (
    AccountOpened
    | TermsChanged
    | SubscriptionAdded
    | InvoiceIssued
    | PaymentBooked
    | CreditAllocated
    | ChargeDeclined
    | DebtReopened
    | WrittenOff
    | InvoiceCredited
    | DueMoved
    | Canceled
    | Reactivated
    | ReasonSet
    | ReasonLifted
    | HoldPlaced
    | HoldEnded
    | ArrangementMade
    | ArrangementKept
    | ArrangementEnded
    | DoubtRaised
    | DoubtCleared
    | BecamePastDue
    | WithinTolerance
    | Noticed
    | DateMoved
    | Restricted
    | Disabled
    | Deferred
    | DoubtEnded
    | WarningsLapsed
    | Resumed
    | CaseEnded
    | DeletionScheduled
    | DeletionUnscheduled
    | DeletionOrdered
    | DeletionCapped
    | DeletionReleased
    | Parked
    | Unparked
    | OrderAcknowledged
    | OrderRepeated
    | DeletedInPart
    | NoticeAccepted
    | NoticeFailed
    | NoticeBounced
    | RecipientsChanged
    | TaskClosed
    | WarnedOtherwise
    | AttemptCreated
    | AttemptMoved
    | ChallengeLapsed
    | MethodActivated
    | MethodAdded
    | MethodRemoved
    | MethodRenewed
    | MethodSpent
    | Refunded
    | RefundAsked
    | RefundCovered
    | RefundUndone
    | CardTried
    | ChargebackClosed
    | AuthorisationDeclined
    | AddressAsked
    | AddressConfirmed
    | TestAsked
    | Invited
    | InvitationWithdrawn
    | InvitationAccepted
    | AccessEnded
    | PersonErased
    | ResetAsked
    | SignInChanged
    | SupportOpened
    | SupportSaid
    | SupportAnswered
    | SupportClosed
    | ResumeLate
)


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A fact with its place in the stream of one account, its instant and its author: `arrears` for a decision of its
    own, else `staff:7`, `person:12`, `api:3`, `service:cloud`."""

    account: int
    seq: int
    at: datetime
    author: str
    why: str
    fact: AnyFact


ARREARS: Final = "arrears"

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    Union[tuple(StoredNotice if kind is Noticed else kind for kind in get_args(AnyFact))]  # noqa: UP007
)
_system_decoder: msgspec.json.Decoder[SystemFact] = msgspec.json.Decoder(SystemFact)


def encode_fact(fact: Fact) -> str:
    """The canonical JSON text of a fact, as it is stored and hashed."""
    return _encoder.encode(to_stored(fact) if type(fact) is Noticed else fact).decode()


def decode_fact(text: str | bytes) -> AnyFact:
    """The fact from its stored text."""
    fact: AnyFact = _decoder.decode(text)
    return from_stored(fact) if type(fact) is StoredNotice else fact


def decode_system_fact(text: str | bytes) -> SystemFact:
    """A fact of the system stream from its stored text."""
    return _system_decoder.decode(text)


def kind_of(fact: Fact) -> str:
    """The tag a fact is stored under."""
    return kind_of_type(type(fact))


@cache
def kind_of_type(kind: type[Fact]) -> str:
    """The tag that facts of a kind are stored under."""
    return str(kind.__struct_config__.tag)
