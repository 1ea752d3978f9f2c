"""The table of events: every kind of fact is one event, with its version, or says why nobody outside cares.

A body never changes under one version: a field that is added leaves the version as it is, a field that goes or means
something else is a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, get_args

from arrears.core import facts as f
from arrears.core.closed import closed
from arrears.core.events import receivables as r
from arrears.core.events import services as s
from arrears.core.events.saying import EventBody, EventNames


class EventRow(NamedTuple):
    """An event: its type, how its body is made of the fact, and the version of that body."""

    type: str
    body: Callable[[Any, EventNames], EventBody]
    version: int = 1


_MONEY: Final[Mapping[type[f.Fact], EventRow]] = {
    f.AccountOpened: EventRow("account.opened", r.account_opened),
    f.TermsChanged: EventRow("account.terms_changed", r.terms_changed),
    f.InvoiceIssued: EventRow("invoice.issued", r.invoice_issued),
    f.PaymentBooked: EventRow("payment.settled", r.payment_settled),
    f.CreditAllocated: EventRow("credit.allocated", r.credit_allocated),
    f.ChargeDeclined: EventRow("invoice.charge_declined", r.charge_declined),
    f.AuthorisationDeclined: EventRow("account.authorisation_declined", r.authorisation_declined),
    f.DebtReopened: EventRow("invoice.reopened", r.invoice_reopened),
    f.WrittenOff: EventRow("invoice.written_off", r.written_off),
    f.InvoiceCredited: EventRow("invoice.credited", r.invoice_credited),
    f.DueMoved: EventRow("invoice.due_moved", r.due_moved),
    f.BecamePastDue: EventRow("account.past_due", r.past_due),
    f.CaseEnded: EventRow("case.ended", r.case_ended),
    f.AttemptCreated: EventRow("attempt.created", r.attempt_created),
    f.AttemptMoved: EventRow("attempt.moved", r.attempt_moved),
    f.ChallengeLapsed: EventRow("attempt.challenge_lapsed", r.challenge_lapsed),
    f.MethodAdded: EventRow("payment_method.added", r.method_added),
    f.MethodActivated: EventRow("payment_method.activated", r.method_activated),
    f.MethodRenewed: EventRow("payment_method.renewed", r.method_renewed),
    f.MethodSpent: EventRow("payment_method.spent", r.method_named),
    f.MethodRemoved: EventRow("payment_method.removed", r.method_named),
    f.Refunded: EventRow("payment.refunded", r.refunded),
    f.RefundAsked: EventRow("refund.asked", r.refund_asked),
    f.RefundUndone: EventRow("refund.undone", r.refund_undone),
    f.RefundCovered: EventRow("refund.covered", r.refund_covered),
    f.ChargebackClosed: EventRow("chargeback.closed", r.chargeback_closed),
}

_SERVICE: Final[Mapping[type[f.Fact], EventRow]] = {
    f.SubscriptionAdded: EventRow("subscription.added", s.subscription_added),
    f.Restricted: EventRow("subscription.restricted", s.stopped),
    f.Disabled: EventRow("subscription.disabled", s.stopped),
    f.Resumed: EventRow("subscription.resumed", s.resumed),
    f.Canceled: EventRow("subscription.canceled", s.canceled),
    f.Reactivated: EventRow("subscription.reactivated", s.of_subscription),
    f.ReasonSet: EventRow("subscription.reason_set", s.reason_set),
    f.ReasonLifted: EventRow("subscription.reason_lifted", s.reason_lifted),
    f.DateMoved: EventRow("subscription.date_moved", s.date_moved),
    f.Deferred: EventRow("subscription.deferred", s.deferred),
    f.DoubtEnded: EventRow("subscription.deferral_ended", s.of_action),
    f.WarningsLapsed: EventRow("subscription.warnings_lapsed", s.of_action),
    f.DeletionScheduled: EventRow("subscription.deletion_scheduled", s.deletion_scheduled),
    f.DeletionUnscheduled: EventRow("subscription.deletion_unscheduled", s.of_subscription),
    f.DeletionCapped: EventRow("subscription.deletion_awaits_release", s.of_subscription),
    f.DeletionReleased: EventRow("subscription.deletion_released", s.of_subscription),
    f.DeletionOrdered: EventRow("subscription.deletion_ordered", s.deletion_ordered),
    f.OrderAcknowledged: EventRow("order.acknowledged", s.order_acknowledged),
    f.DeletedInPart: EventRow("order.done_in_part", s.done_in_part),
    f.ResumeLate: EventRow("order.late", s.orders_late),
    f.Noticed: EventRow("notice.decided", s.noticed),
    f.NoticeAccepted: EventRow("notice.accepted", s.of_notice),
    f.NoticeFailed: EventRow("notice.failed", s.of_notice),
    f.NoticeBounced: EventRow("notice.bounced", s.notice_bounced),
    f.RecipientsChanged: EventRow("notice.recipients_changed", s.recipients_changed),
    f.WarnedOtherwise: EventRow("notice.told_otherwise", s.warned_otherwise),
    f.HoldPlaced: EventRow("hold.placed", s.hold_placed),
    f.HoldEnded: EventRow("hold.ended", s.hold_ended),
    f.ArrangementMade: EventRow("promise.made", s.arrangement_made),
    f.ArrangementKept: EventRow("promise.kept", s.arrangement_kept),
    f.ArrangementEnded: EventRow("promise.ended", s.arrangement_ended),
    f.DoubtRaised: EventRow("doubt.raised", s.doubt),
    f.DoubtCleared: EventRow("doubt.cleared", s.doubt),
    f.Parked: EventRow("account.parked", s.nothing),
    f.Unparked: EventRow("account.unparked", s.nothing),
    f.AddressConfirmed: EventRow("person.address_confirmed", s.address_confirmed),
    f.InvitationAccepted: EventRow("person.access_given", s.person_role),
    f.AccessEnded: EventRow("person.access_ended", s.access_ended),
    f.PersonErased: EventRow("person.erased", s.person_role),
    f.SupportOpened: EventRow("support.opened", s.support_opened),
    f.SupportSaid: EventRow("support.said", s.of_request),
    f.SupportAnswered: EventRow("support.answered", s.of_request),
    f.SupportClosed: EventRow("support.closed", s.of_request),
}

EVENTS: Final[Mapping[type[f.Fact], EventRow]] = {**_MONEY, **_SERVICE}

KEPT_INSIDE: Final[Mapping[type[f.Fact], str]] = {
    f.WithinTolerance: "nothing is asked for, and nothing follows",
    f.CardTried: "counts against the networks' limits; what it was tried for has an event of its own",
    f.TaskClosed: "the staff's own list",
    f.AddressAsked: "a link that only its reader can use; the confirmed address is an event",
    f.TestAsked: "a person tries their own mail",
    f.Invited: "an open invitation gives nobody anything; the accepted one is an event",
    f.InvitationWithdrawn: "an open invitation gave nobody anything",
    f.ResetAsked: "how one person signs in",
    f.SignInChanged: "how one person signs in",
}
"""Facts that are no event, and why nobody outside cares."""

SYSTEM_KEPT_INSIDE: Final = (
    "a fact of the installation: `arrears status`, `arrears tasks` and /metrics tell its operator"
)
"""Why no fact of the installation is an event: each is about arrears itself and about no account."""

closed("what is told of each fact", get_args(f.AnyFact), EVENTS, KEPT_INSIDE)

FACT_KINDS: Final = tuple(sorted(f.kind_of_type(kind) for kind in EVENTS))
"""The tags of the facts that are events."""

_BY_TYPE: Final = {row.type: row for row in EVENTS.values()}
assert len(_BY_TYPE) == len(EVENTS), "each type of event is of one fact"


def row_named(name: str) -> EventRow | None:
    """The row of a type of event, `subscription.disabled`."""
    return _BY_TYPE.get(name)
