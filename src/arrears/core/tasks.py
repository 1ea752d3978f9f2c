"""What staff must look at because of a fact, and which fact says that this is over.

There is one open task for an account (or the installation) and a cause: what asks for it again is counted, and the fact
with which the cause is gone closes it, else a person. Made from the facts, so both stores have the same tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, assert_never

from arrears.core import facts as f
from arrears.core.account import Account, Action, DoubtKind
from arrears.core.credit_limit import over_limit
from arrears.core.effects import ASKING, TASK_ENDING
from arrears.core.messages.kinds import MessageKind
from arrears.core.money import format_amount
from arrears.core.payments.values import REQUEST_REFUSED, AttemptState
from arrears.core.states import State

SYSTEM: Final = 0
"""The stream of the whole installation, in the place of an account's number."""


class TaskRow(NamedTuple):
    """Something a person must look at, named by the fact that asks for it. What else there is of its kind in an account
    is told apart by `cause`."""

    account: int
    seq: int
    kind: str
    what: str
    cause: str = ""


class TaskGone(NamedTuple):
    """What such tasks were about is over since fact `seq`; `cause` is None where that holds for all of the kind."""

    account: int
    kind: str
    cause: str | None
    seq: int


_ABOUT_REACHING: Final = ("warning_not_accepted", "nobody_reachable", "notice_fate_unknown", "notice_refused")
_OF_A_CASE: Final = (
    *_ABOUT_REACHING,
    "mail_came_back",
    "recipients_changed",
    "deferred",
    "deletion_release",
)
_TWO_STAFF: Final = "waits for the release of two staff"
_NOT_BY_CARD: Final = "an invoice is in a currency that no payment provider takes: collect it by bank transfer"
_CHARGE: Final = ("charge_refused", "")
"""Of one attempt; what a provider would not even try is over with its doubt."""


def tasks_of(recorded: f.Recorded) -> Iterator[TaskRow]:
    """What staff must look at because of this fact."""
    account, seq, fact = recorded.account, recorded.seq, recorded.fact
    if type(fact) not in ASKING:
        return
    match fact:
        case f.PaymentBooked():  # First, because a book that is imported is mostly these.
            if fact.tell == "credit":
                came = f"{format_amount(fact.credit_minor, fact.currency)} of payment {fact.ref} came"
                what = f"{came} for what was paid already: give it back, or keep it as credit"
                yield TaskRow(account, seq, "paid_twice", what, fact.ref)
        case f.InvoiceIssued() if fact.over_limit_minor:
            yield _over_limit(account, seq, fact)
        case f.Noticed() if any(w.late for w in fact.each(f.Warning)):
            numbers = ", ".join(str(w.subscription) for w in fact.each(f.Warning) if w.late)
            yield TaskRow(account, seq, "warning_not_accepted", f"no warning was accepted for subscription {numbers}")
        case f.Noticed() if any(said.kind is MessageKind.BY_TRANSFER for said in fact.each(f.Announcement)):
            yield TaskRow(account, seq, "not_by_card", _NOT_BY_CARD)
        case f.NoticeFailed() | f.NoticeBounced() | f.RecipientsChanged():
            yield from _of_mail(account, seq, fact)
        case f.AttemptMoved(why=why) if why.startswith("refused") and fact.codes.decline != REQUEST_REFUSED:
            yield TaskRow(account, seq, "charge_refused", f"attempt {fact.attempt} cannot go on: {why}")
        case f.Parked(why=why):
            yield TaskRow(account, seq, "parked", why)
        case f.DeletionCapped(subscription=sub):
            yield TaskRow(account, seq, "deletion_release", f"subscription {sub} {_TWO_STAFF}", str(sub))
        case f.DeletedInPart(subscription=sub, left=left):
            what = f"subscription {sub} is deleted in part; still there: {counted(left)}"
            yield TaskRow(account, seq, "deletion_in_part", what, str(sub))
        case f.SupportOpened(request=no, about=about):
            yield TaskRow(account, seq, "support_request", f"request {no}: {about}", str(no))
        case f.SupportSaid(request=no):
            yield TaskRow(account, seq, "support_request", f"request {no}: the person wrote again", str(no))
        case f.ResumeLate(orders=orders):
            late = ", ".join(f"order {o.order_no} of subscription {o.subscription}" for o in orders)
            yield TaskRow(account, seq, "resume_late", f"to run again, not acknowledged for 24 hours: {late}")
        case f.Deferred(subscription=sub, action=action):
            doubts = ", ".join(fact.doubts)
            yield TaskRow(account, seq, "deferred", f"{action} of subscription {sub}: {doubts}", f"{action} {sub}")
        case f.RefundUndone(refund=number) if number:
            what = f"refund {number} of payment {fact.payment_ref} did not arrive; the customer still waits for it"
            yield TaskRow(account, seq, "refund_failed", what, fact.payment_ref)
        case f.DoubtRaised(doubt=DoubtKind.FEED, ref=ref):
            yield TaskRow(account, seq, "change_not_recorded", recorded.why, ref)
        case f.DoubtRaised(doubt=DoubtKind.REQUEST, ref=ref):
            yield TaskRow(account, seq, "charge_refused", recorded.why, ref)
        case f.Noticed() | f.AttemptMoved() | f.RefundUndone() | f.DoubtRaised() | f.InvoiceIssued():
            return  # as planned
        case _:
            raise AssertionError(fact)


def _over_limit(account: int, seq: int, fact: f.InvoiceIssued) -> TaskRow:
    more = format_amount(fact.over_limit_minor, fact.debt.currency)
    what = f"with invoice {fact.debt.number} {more} more is open than the account's credit limit"
    return TaskRow(account, seq, "over_credit_limit", what, fact.debt.currency)


def counted(things: Mapping[str, int]) -> str:
    """What a service has counted, as a person reads it: `12 files, 3 mailboxes`."""
    return ", ".join(f"{count} {what}" for what, count in sorted(things.items())) or "nothing"


def _of_mail(account: int, seq: int, fact: f.NoticeFailed | f.NoticeBounced | f.RecipientsChanged) -> Iterator[TaskRow]:
    if isinstance(fact, f.RecipientsChanged):
        if fact.tell:
            counts = "what others got counts no longer" if fact.lost else "what the same person got before counts on"
            what = f"others are told again after a warning, and {counts}: tell them otherwise (`arrears told`)"
            yield TaskRow(account, seq, "recipients_changed", what)
        return
    about = f"the message of fact {fact.notice}"
    match fact:
        case f.NoticeFailed(why=why) if why.startswith("unknown"):
            yield TaskRow(account, seq, "notice_fate_unknown", f"{about}: {why}")
        case f.NoticeFailed(why=why) if why.startswith("nobody"):
            yield TaskRow(account, seq, "nobody_reachable", f"{about}: {why}")
        case f.NoticeFailed(why=why) if why.startswith("refused"):
            yield TaskRow(account, seq, "notice_refused", f"{about} was {why}")
        case f.NoticeBounced(reachable=False, why=why):
            yield TaskRow(account, seq, "nobody_reachable", f"{about} came back: {why}")
        case f.NoticeBounced(tell=True, why=why):
            yield TaskRow(account, seq, "mail_came_back", f"{about} came back: {why}")
        case f.NoticeFailed() | f.NoticeBounced():
            return
        case _:
            assert_never(fact)


def ends_of(recorded: f.Recorded, account: Account) -> Iterator[TaskGone]:
    """Which tasks are over with this fact; `account` is what it had become when it was written."""
    fact = recorded.fact
    if type(fact) not in TASK_ENDING:
        return
    for kind, cause in _ended(fact, account):
        yield TaskGone(recorded.account, kind, cause, recorded.seq)


_AHEAD: Final = {
    State.PAST_DUE: (Action.RESTRICT, Action.DISABLE),
    State.RESTRICTED: (Action.DISABLE,),
    State.DISABLED: (Action.DELETE,),
}


def _unheard(account: Account) -> bool:
    """Whether an action lies ahead of which there are warnings that nobody has."""
    promises = [sub.promise(action) for sub in account.subscriptions for action in _AHEAD.get(sub.state, ())]
    return any(promise.newest() is not None and not promise.counting for promise in promises)


def _order_ended(fact: f.OrderAcknowledged, account: Account) -> Iterator[tuple[str, str | None]]:
    if fact.overtaken:
        return
    if fact.order == "delete":
        yield "deletion_in_part", str(fact.subscription)
    elif fact.order == "resume" and not any(o.kind == "resume" for sub in account.subscriptions for o in sub.orders):
        yield "resume_late", None


def _deletion_ended(
    fact: f.DeletionOrdered | f.DeletionUnscheduled | f.DeletionReleased, account: Account
) -> Iterator[tuple[str, str | None]]:
    sub = fact.subscription
    if isinstance(fact, f.DeletionReleased):
        end = account.subscription(sub).end
        if end is not None and end.released:
            yield "deletion_release", str(sub)
        return
    yield from (("deletion_release", str(sub)), ("deferred", f"delete {sub}"))


def _ended(fact: f.AnyFact, account: Account) -> Iterator[tuple[str, str | None]]:
    match fact:
        case f.PaymentBooked() | f.WrittenOff() | f.InvoiceCredited():  # First, as above.
            if all(debt.ended for debt in account.debts):
                yield "not_by_card", None
            yield from _within_limit(account, fact.currency)
        case f.NoticeAccepted():
            # Not that mail came back: a full mailbox takes each message first, and then returns it.
            unheard = _unheard(account)
            yield from ((k, None) for k in _ABOUT_REACHING if not (unheard and k == "warning_not_accepted"))
        case f.WarnedOtherwise() if _unheard(account):
            return  # nobody has been told of another action
        case f.AddressConfirmed():
            yield from ((kind, None) for kind in (*_ABOUT_REACHING, "mail_came_back"))
        case f.WarnedOtherwise():
            yield from ((kind, None) for kind in (*_ABOUT_REACHING, "mail_came_back", "recipients_changed"))
        case f.CaseEnded():
            yield from (*((kind, None) for kind in _OF_A_CASE), _CHARGE)
        case f.AttemptMoved(to=AttemptState.PAID):
            yield _CHARGE
        case f.DoubtCleared(doubt=DoubtKind.REQUEST, ref=ref):
            yield "charge_refused", ref
        case f.Unparked():
            yield "parked", None
        case f.DoubtCleared(doubt=DoubtKind.FEED, ref=ref):
            yield "change_not_recorded", ref
        case f.Restricted(subscription=sub):
            yield "deferred", f"restrict {sub}"
        case f.Disabled(subscription=sub):
            yield from (("deferred", f"{action} {sub}") for action in ("restrict", "disable"))
        case f.DeletionOrdered() | f.DeletionUnscheduled() | f.DeletionReleased():
            yield from _deletion_ended(fact, account)
        case f.Resumed(subscription=sub):
            yield "deletion_release", str(sub)
            yield from (("deferred", f"{action} {sub}") for action in ("restrict", "disable", "delete"))
        case f.DoubtEnded(subscription=sub, action=action) | f.WarningsLapsed(subscription=sub, action=action):
            yield "deferred", f"{action} {sub}"
        case f.OrderAcknowledged():
            yield from _order_ended(fact, account)
        case f.RefundAsked(payment_ref=ref):
            yield from (("paid_twice", ref), ("refund_failed", ref))
        case f.Refunded(payment_ref=ref, refund=0):
            yield "paid_twice", ref
        case f.CreditAllocated(currency=currency):
            yield from _credit_used(account, currency)
        case f.AttemptMoved() | f.Refunded() | f.DoubtCleared():
            return
        case _:
            raise AssertionError(fact)


def _credit_used(account: Account, currency: str) -> Iterator[tuple[str, str | None]]:
    if not account.credit.get(currency):
        yield "paid_twice", None
    yield from _within_limit(account, currency)


def _within_limit(account: Account, currency: str) -> Iterator[tuple[str, str | None]]:
    if account.credit_limits and not over_limit(account, currency):
        yield "over_credit_limit", currency


def system_tasks_of(seq: int, fact: f.SystemFact, why: str) -> Iterator[TaskRow]:
    """What staff must look at because of a fact of the installation."""
    match fact:
        case f.BreakerSet(open=True):
            yield TaskRow(SYSTEM, seq, "decline_storm", why)
        case f.MailPaused(over=False):
            yield TaskRow(SYSTEM, seq, "mail_paused", why)
        case f.MailTrouble(what=kind, over=False):
            yield TaskRow(SYSTEM, seq, f"mail_{kind}", why)
        case f.FeedSet(stale=True):
            yield TaskRow(SYSTEM, seq, "provider_unread", why)
        case f.BookRefused(book=book, over=False):
            yield TaskRow(SYSTEM, seq, "book_refused", why, book)
        case f.EndpointTrouble(name=name, over=False):
            yield TaskRow(SYSTEM, seq, "endpoint_trouble", why, name)
        case f.ClockDiffers(over=False):
            yield TaskRow(SYSTEM, seq, "clock_differs", why)
        case f.ChangeSetAside(ref=ref):
            yield TaskRow(SYSTEM, seq, "change_not_recorded", why, ref)
        case f.AccountSetAside(account=number):
            yield TaskRow(SYSTEM, seq, "set_aside", f"account {number}: {why}", str(number))
        case f.BreakerSet() | f.MailPaused() | f.MailTrouble() | f.LimitsSet():
            return
        case (
            f.PolicyAdopted()
            | f.ClockSuspected()
            | f.ClockConfirmed()
            | f.ClockDiffers()
            | f.LimitsSet()
            | f.FeedSet()
            | f.BookRefused()
            | f.EndpointTrouble()
            | f.IdentityTaken()
            | f.SystemTaskClosed()
        ):
            return
        case _:
            assert_never(fact)


def system_ends_of(seq: int, fact: f.SystemFact) -> Iterator[TaskGone]:
    """Which tasks of the installation are over with this fact."""
    match fact:
        case f.FeedSet(stale=False):
            yield TaskGone(SYSTEM, "provider_unread", None, seq)
        case f.BookRefused(book=book, over=True):
            yield TaskGone(SYSTEM, "book_refused", book, seq)
        case f.EndpointTrouble(name=name, over=True):
            yield TaskGone(SYSTEM, "endpoint_trouble", name, seq)
        case f.ClockDiffers(over=True):
            yield TaskGone(SYSTEM, "clock_differs", None, seq)
        case f.BreakerSet(open=False):
            yield TaskGone(SYSTEM, "decline_storm", None, seq)
        case f.MailPaused(over=True):
            yield TaskGone(SYSTEM, "mail_paused", None, seq)
        case f.MailTrouble(what=kind, over=True):
            yield TaskGone(SYSTEM, f"mail_{kind}", None, seq)
        case _:
            return
