"""What each fact leaves besides the account's new state: a fact that leaves nothing says so here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Flag, auto
from typing import Final, get_args

from arrears.core import facts as f
from arrears.core.closed import closed


class Leaves(Flag):
    """What a fact may leave, not always does: a rung that is done for good (`actions.steps_of`), a message or another
    action to perform (`actions.actions_of`), a task for staff (`tasks.tasks_of`) or its end (`tasks.ends_of`), entries
    of the ledger (`ledger.entries_of`), a row of its own in another table (`rows.rows_of`)."""

    NOTHING = 0
    STEP = auto()
    MESSAGE = auto()
    ACTION = auto()
    TASK = auto()
    TASK_END = auto()
    ENTRY = auto()
    ROW = auto()


_NOTHING, _STEP, _MESSAGE = Leaves.NOTHING, Leaves.STEP, Leaves.MESSAGE
_ACTION, _TASK, _OVER = Leaves.ACTION, Leaves.TASK, Leaves.TASK_END
_ENTRY, _ROW = Leaves.ENTRY, Leaves.ROW

LEAVES: Final[Mapping[type[f.Fact], Leaves]] = closed(
    "what each fact leaves",
    get_args(f.AnyFact),
    {
        f.AccountOpened: _NOTHING,
        f.TermsChanged: _NOTHING,
        f.SubscriptionAdded: _NOTHING,
        f.InvoiceIssued: _TASK | _ENTRY | _ROW,
        f.PaymentBooked: _MESSAGE | _TASK | _OVER | _ENTRY | _ROW,
        f.CreditAllocated: _OVER | _ENTRY,
        f.ChargeDeclined: _MESSAGE,
        f.DebtReopened: _ENTRY,
        f.WrittenOff: _OVER | _ENTRY,
        f.InvoiceCredited: _OVER | _ENTRY,
        f.DueMoved: _ROW,
        f.Canceled: _MESSAGE | _ACTION,
        f.Reactivated: _MESSAGE,
        f.ReasonSet: _ACTION,
        f.ReasonLifted: _NOTHING,
        f.HoldPlaced: _NOTHING,
        f.HoldEnded: _NOTHING,
        f.ArrangementMade: _NOTHING,
        f.ArrangementKept: _NOTHING,
        f.ArrangementEnded: _NOTHING,
        f.DoubtRaised: _TASK,
        f.DoubtCleared: _OVER,
        f.AuthorisationDeclined: _MESSAGE,
    },
    {
        f.BecamePastDue: _ROW,
        f.WithinTolerance: _NOTHING,
        f.Noticed: _STEP | _MESSAGE | _TASK,
        f.DateMoved: _NOTHING,
        f.Restricted: _STEP | _ACTION | _OVER,
        f.Disabled: _STEP | _ACTION | _OVER,
        f.Deferred: _TASK,
        f.DoubtEnded: _OVER,
        f.WarningsLapsed: _OVER,
        f.Resumed: _ACTION | _OVER,
        f.CaseEnded: _ROW | _OVER,
        f.DeletionScheduled: _NOTHING,
        f.DeletionUnscheduled: _OVER,
        f.DeletionOrdered: _STEP | _ACTION | _OVER,
        f.DeletionCapped: _TASK,
        f.DeletionReleased: _OVER,
        f.Parked: _TASK,
        f.Unparked: _OVER,
    },
    {
        f.OrderAcknowledged: _OVER,
        f.OrderRepeated: _ACTION,
        f.DeletedInPart: _TASK,
        f.NoticeAccepted: _OVER,
        f.NoticeFailed: _TASK,
        f.NoticeBounced: _TASK,
        f.RecipientsChanged: _TASK,
        f.TaskClosed: _ROW,
        f.WarnedOtherwise: _OVER,
    },
    {
        f.AttemptCreated: _ACTION | _ROW,
        f.AttemptMoved: _MESSAGE | _TASK | _OVER | _ROW,
        f.ChallengeLapsed: _NOTHING,
        f.MethodActivated: _NOTHING,
        f.MethodAdded: _ROW,
        f.MethodRemoved: _NOTHING,
        f.MethodRenewed: _NOTHING,
        f.MethodSpent: _NOTHING,
        f.Refunded: _OVER | _ENTRY | _ROW,
        f.RefundAsked: _ACTION | _OVER | _ENTRY,
        f.RefundCovered: _ENTRY,
        f.RefundUndone: _TASK | _ENTRY,
        f.ChargebackClosed: _NOTHING,
        f.CardTried: _ROW,
    },
    {
        f.AddressAsked: _MESSAGE,
        f.AddressConfirmed: _MESSAGE | _OVER,
        f.TestAsked: _MESSAGE,
        f.Invited: _MESSAGE,
        f.InvitationWithdrawn: _NOTHING,
        f.InvitationAccepted: _NOTHING,
        f.AccessEnded: _NOTHING,
        f.PersonErased: _NOTHING,
        f.ResetAsked: _MESSAGE,
        f.SignInChanged: _MESSAGE,
        f.SupportOpened: _MESSAGE | _TASK,
        f.SupportSaid: _TASK,
        f.SupportAnswered: _MESSAGE,
        f.SupportClosed: _NOTHING,
        f.ResumeLate: _STEP | _MESSAGE | _TASK | _ROW,
    },
)
"""The table, by the rooms in which the facts are told (`core/facts/`)."""


def _that_leave(what: Leaves) -> frozenset[type[f.Fact]]:
    return frozenset(kind for kind, leaves in LEAVES.items() if leaves & what)


STEPPING: Final = _that_leave(Leaves.STEP)
TELLING: Final = _that_leave(Leaves.MESSAGE)
ACTING: Final = _that_leave(Leaves.MESSAGE | Leaves.ACTION)
ASKING: Final = _that_leave(Leaves.TASK)
TASK_ENDING: Final = _that_leave(Leaves.TASK_END)
MOVING_MONEY: Final = _that_leave(Leaves.ENTRY)
IN_OTHER_ROWS: Final = _that_leave(Leaves.ROW)
