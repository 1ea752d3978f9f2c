"""The facts by what they are about, each group told in one place, and the words that several of them share."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from arrears.core import facts as f
from arrears.core.account import Stop
from arrears.core.closed import closed
from arrears.core.states import Reason

StaffsFact = (
    f.Parked
    | f.Unparked
    | f.TaskClosed
    | f.DeletionCapped
    | f.DeletionReleased
    | f.DeletedInPart
    | f.DoubtEnded
    | f.WarningsLapsed
)
"""What only concerns staff; after a deferred action the customer is warned anew, which is told."""


MailFact = (
    f.Noticed
    | f.NoticeAccepted
    | f.NoticeFailed
    | f.NoticeBounced
    | f.WarnedOtherwise
    | f.AddressAsked
    | f.AddressConfirmed
)


MoneyFact = (
    f.InvoiceIssued
    | f.PaymentBooked
    | f.CreditAllocated
    | f.WrittenOff
    | f.DebtReopened
    | f.InvoiceCredited
    | f.DueMoved
)


LateFact = f.BecamePastDue | f.WithinTolerance | f.CaseEnded | f.ChargeDeclined | f.AuthorisationDeclined


CutFact = f.Restricted | f.Disabled | f.Deferred | f.Resumed | f.DateMoved


DeletionFact = f.DeletionScheduled | f.DeletionUnscheduled | f.DeletionOrdered


ServiceFact = f.SubscriptionAdded | f.Canceled | f.Reactivated | f.ReasonSet | f.ReasonLifted | f.OrderAcknowledged


WaitFact = f.HoldPlaced | f.HoldEnded | f.DoubtRaised | f.DoubtCleared


PromiseFact = f.ArrangementMade | f.ArrangementKept | f.ArrangementEnded


MethodFact = f.MethodAdded | f.MethodActivated | f.MethodRenewed | f.MethodSpent | f.MethodRemoved


TryFact = f.AttemptCreated | f.AttemptMoved | f.ChallengeLapsed | f.CardTried


WHY: Final[dict[Reason, Promise | str]] = closed("words of why a service is off", Reason, {
    Reason.PAST_DUE: gettext_lazy("a payment is late"),
    Reason.CANCELED: gettext_lazy("it was cancelled"),
    Reason.SPENDING_LIMIT: gettext_lazy("its spending limit is reached"),
    Reason.POLICY_VIOLATION: gettext_lazy("the rules of use were broken"),
    Reason.OTHER: gettext_lazy("for another reason, which support can explain"),
})  # fmt: skip


STOPS: Final[dict[Stop, Promise | str]] = closed("words of what a hold stops", Stop, {
    Stop.REMIND: gettext_lazy("reminders"),
    Stop.CHARGE: gettext_lazy("collecting by ourselves"),
    Stop.RESTRICT: gettext_lazy("restricting services"),
    Stop.DISABLE: gettext_lazy("stopping services"),
    Stop.DELETE: gettext_lazy("deleting data"),
})  # fmt: skip


ACKNOWLEDGED: Final[dict[str, Promise | str]] = {
    "restrict": gettext_lazy("%(service)s has confirmed that it is restricted."),
    "disable": gettext_lazy("%(service)s has confirmed that it has stopped."),
    "resume": gettext_lazy("%(service)s is running again."),
    "delete": gettext_lazy("%(service)s has confirmed that its data is deleted."),
}
