"""What arrears decided and what the world answered, folded into the account."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, assert_never

from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import ALL_ACTIONS, RELEASES, Account, Case, Moved, ServiceEnd, Stop, Subscription, Tell
from arrears.core.fold import Folds
from arrears.core.fold.replacing import (
    accepted,
    came_back,
    fresh,
    later,
    readdressed,
    relieved,
    void,
    with_order,
    with_promise,
    with_subscription,
)
from arrears.core.promises import Promise, SentWarning
from arrears.core.states import RUNNING, Reason, State


def _new_episode(sub: Subscription, seq: int, on: date) -> Subscription:
    return replace(sub, restrict=fresh(sub.restrict, seq, on), disable=fresh(sub.disable, seq, on))


def _became_past_due(account: Account, fact: f.BecamePastDue, recorded: f.Recorded) -> Account:
    day_0 = {d.debt: d.day_0 for d in fact.debts}
    debts = tuple(replace(d, day_0=day_0[d.no], past_due_from=None) if d.no in day_0 else d for d in account.debts)
    account = replace(account, debts=debts)
    if fact.opened:
        case = Case(no=fact.case, opened_on=min(day_0.values()), terms=fact.terms)
        account = replace(account, case=case, case_count=fact.case)
    on = fact.entered_on
    for sub in account.subscriptions:
        if sub.no not in fact.subscriptions or Reason.PAST_DUE in sub.reasons:
            continue
        sub = replace(sub, reasons=(*sub.reasons, Reason.PAST_DUE))
        sub = _new_episode(sub, recorded.seq, on)
        if sub.state is State.ACTIVE:
            sub = replace(sub, state=State.PAST_DUE, entered_on=fact.entered_on)
        account = with_subscription(account, sub)
    return account


def _within_tolerance(account: Account, fact: f.WithinTolerance, _: f.Recorded) -> Account:
    debts = tuple(replace(d, day_0=None, past_due_from=None) if d.no in fact.debts else d for d in account.debts)
    return relieved(account, replace(account, debts=debts), fact.debts)


def _noticed(account: Account, fact: f.Noticed, recorded: f.Recorded) -> Account:
    if not fact.at_once:
        account = replace(account, noticed_on=fact.on)
    for part in fact.parts:
        match part:
            case f.Reminder():
                account = _reminded(account, part, recorded.seq)
            case f.Warning():
                account = _warned(account, part, part.on or fact.on, recorded.seq)
            case f.Told(subscription=number, what=what, on=on):
                sub = account.subscription(number)
                left = tuple(t for t in sub.tells if (t.what, t.on) != (what, on))
                account = with_subscription(account, replace(sub, tells=left))
            case f.Expiring(method=number, days=days):
                methods = tuple(replace(m, announced_days=days) if m.no == number else m for m in account.methods)
                account = replace(account, methods=methods)
            case f.Announcement():
                # What was said of a day that is over cannot be said again.
                ahead = tuple(said for said in account.announced if said.on >= fact.on)
                account = replace(account, announced=(*ahead, part))
            case _:
                assert_never(part)
    return account


def _reminded(account: Account, reminder: f.Reminder, seq: int) -> Account:
    if account.case is None:
        return account
    named = {part.debt: (*part.skipped, part.step) for part in reminder.debts}
    if not named:
        named = {d.no: (*reminder.skipped, reminder.step) for d in account.past_due}
    debts = [replace(d, reminded=(*d.reminded, *named[d.no])) if d.no in named else d for d in account.debts]
    return replace(account, case=replace(account.case, reminder_seq=seq), debts=tuple(debts))


def _warned(account: Account, warning: f.Warning, on: date, seq: int) -> Account:
    sub = account.subscription(warning.subscription)
    promise = sub.promise(warning.action)
    promise = replace(
        promise,
        sent=(*promise.sent, SentWarning(warning.step, warning.promised_on, on, seq)),
        renew_from=None,
    )
    return with_subscription(account, with_promise(sub, warning.action, promise))


def _date_moved(account: Account, fact: f.DateMoved, recorded: f.Recorded) -> Account:
    sub = account.subscription(fact.subscription)
    promise = sub.promise(fact.action)
    if fact.by_holds:
        moved = Moved(sub.no, Stop(fact.action), fact.on, recorded.seq)
        holds = [replace(h, moved=(*h.moved, moved)) if h.no in fact.by_holds else h for h in account.holds]
        account = replace(account, holds=tuple(holds))
    promise = replace(promise, promised_on=later(promise.promised_on, fact.on))
    return with_subscription(account, with_promise(sub, fact.action, promise))


def _restricted(account: Account, fact: f.Restricted, _: f.Recorded) -> Account:
    sub = account.subscription(fact.subscription)
    tell = Tell("restricted", fact.tell_at, fact.on)
    sub = replace(sub, state=State.RESTRICTED, entered_on=fact.entered_on, tells=(*sub.tells, tell))
    return with_subscription(account, with_order(sub, fact.order_no, "restrict"))


def _disabled(account: Account, fact: f.Disabled, recorded: f.Recorded) -> Account:
    sub = account.subscription(fact.subscription)
    end = ServiceEnd(
        terms=fact.terms,
        stopped_on=fact.on,
        recorded_at=recorded.at,
        order_no=fact.order_no,
        delete=Promise(since_seq=recorded.seq),
    )
    tell = Tell("disabled", fact.tell_at, fact.on)
    sub = replace(
        sub, state=State.DISABLED, cut=True, relieved=False, entered_on=fact.on, end=end, tells=(*sub.tells, tell)
    )
    return with_subscription(account, with_order(sub, fact.order_no, "disable"))


def _deferred(account: Account, fact: f.Deferred, recorded: f.Recorded) -> Account:
    return void(account, fact.subscription, fact.action, recorded, doubted=True)


def _doubt_ended(account: Account, fact: f.DoubtEnded, recorded: f.Recorded) -> Account:
    return void(account, fact.subscription, fact.action, recorded, doubted=False)


def _warnings_lapsed(account: Account, fact: f.WarningsLapsed, recorded: f.Recorded) -> Account:
    return void(account, fact.subscription, fact.action, recorded, doubted=False)


def _resumed(account: Account, fact: f.Resumed, recorded: f.Recorded) -> Account:
    sub = account.subscription(fact.subscription)
    runs = fact.after is not State.DISABLED
    if fact.goes_on:
        generation = sub.generation + fact.ended
        sub = replace(sub, state=fact.after, entered_on=fact.entered_on, end=None, tells=(), generation=generation)
        return with_subscription(account, with_order(sub, fact.order_no, "resume", recorded))
    reasons = sub.reasons
    if not fact.keeps_past_due:
        reasons = tuple(r for r in reasons if r is not Reason.PAST_DUE)
    sub = replace(
        _new_episode(sub, recorded.seq, fact.on),
        state=fact.after,
        reasons=reasons,
        cut=False,
        relieved=False,
        entered_on=fact.entered_on if runs or not fact.keeps_past_due else sub.entered_on,
    )
    if runs:
        ended = sub.end is not None
        sub = replace(sub, end=None, generation=sub.generation + 1 if ended else sub.generation, tells=())
    return with_subscription(account, with_order(sub, fact.order_no, "resume", recorded))


def _resume_late(account: Account, fact: f.ResumeLate, recorded: f.Recorded) -> Account:
    for late in fact.orders:
        sub = account.subscription(late.subscription)
        orders = tuple(replace(o, late_seq=recorded.seq) if o.no == late.order_no else o for o in sub.orders)
        account = with_subscription(account, replace(sub, orders=orders))
    return account


def _case_ended(account: Account, fact: f.CaseEnded, _: f.Recorded) -> Account:
    debts = account.debts
    if fact.outcome.value == "ended_deleted":
        debts = tuple(replace(d, ended=True) if d.day_0 is not None else d for d in debts)
    holds = account.holds
    if all(s.end is None for s in account.subscriptions):
        # Ended holds only matter to days that are still being counted.
        holds = tuple(h for h in holds if h.ended_at is None)
    return replace(account, case=None, debts=debts, holds=holds)


def _with_end(account: Account, subscription: int, **changes: Any) -> Account:
    sub = account.subscription(subscription)
    assert sub.end is not None, f"subscription {subscription} of account {account.no} has no service end"
    return with_subscription(account, replace(sub, end=replace(sub.end, **changes)))


def _deletion_scheduled(account: Account, fact: f.DeletionScheduled, recorded: f.Recorded) -> Account:
    return _with_end(account, fact.subscription, scheduled_at=recorded.at)


def _deletion_unscheduled(account: Account, fact: f.DeletionUnscheduled, _: f.Recorded) -> Account:
    return _with_end(account, fact.subscription, scheduled_at=None, awaiting_release=False, released_by=())


def _deletion_capped(account: Account, fact: f.DeletionCapped, _: f.Recorded) -> Account:
    return _with_end(account, fact.subscription, awaiting_release=True)


def _deletion_released(account: Account, fact: f.DeletionReleased, recorded: f.Recorded) -> Account:
    end = account.subscription(fact.subscription).end
    assert end is not None, f"subscription {fact.subscription} of account {account.no} has no service end"
    by = (*end.released_by, recorded.author)
    return _with_end(account, fact.subscription, released_by=by, awaiting_release=len(by) < RELEASES)


def _deleted_in_part(account: Account, fact: f.DeletedInPart, _: f.Recorded) -> Account:
    sub = account.subscription(fact.subscription)
    left = tuple(sorted(fact.left.items()))
    orders = tuple(replace(o, left=left) if o.no == fact.order_no else o for o in sub.orders)
    return with_subscription(account, replace(sub, orders=orders))


def _deletion_ordered(account: Account, fact: f.DeletionOrdered, recorded: f.Recorded) -> Account:
    account = _with_end(account, fact.subscription, ordered_at=recorded.at, awaiting_release=False)
    return with_subscription(account, with_order(account.subscription(fact.subscription), fact.order_no, "delete"))


def _parked(account: Account, fact: f.Parked, _: f.Recorded) -> Account:
    return replace(account, parked=fact.why)


def _unparked(account: Account, _fact: f.Unparked, _: f.Recorded) -> Account:
    return replace(account, parked="")


def _order_acknowledged(account: Account, fact: f.OrderAcknowledged, _: f.Recorded) -> Account:
    sub = account.subscription(fact.subscription)
    sub = replace(sub, orders=tuple(o for o in sub.orders if o.no != fact.order_no))
    if sub.end is not None and fact.ended_on is not None and sub.end.order_no == fact.order_no:
        sub = replace(sub, end=replace(sub.end, ended_on=fact.ended_on))
    if fact.order == "delete":
        assert fact.tell_at is not None, "the acknowledgement of a deletion says when it is told"
        assert fact.on is not None, "the acknowledgement of a deletion says its day"
        tell = Tell("deleted", fact.tell_at, fact.on)
        sub = replace(sub, state=State.DELETED, tells=(*sub.tells, tell))
    if fact.order == "resume" and fact.tell_at is not None and sub.state in (State.ACTIVE, State.PAST_DUE):
        assert fact.on is not None, "what runs again is told with its day"
        sub = replace(sub, tells=(*sub.tells, Tell(RUNNING, fact.tell_at, fact.on)))
    return with_subscription(account, sub)


def _order_repeated(account: Account, fact: f.OrderRepeated, recorded: f.Recorded) -> Account:
    sub = account.subscription(fact.subscription)
    resume = fact.order == "resume"
    after = with_order(sub, fact.order_no, fact.order, recorded if resume else None)
    orders = (*after.orders[:-1], replace(after.orders[-1], repeated=True))
    return with_subscription(account, replace(after, orders=orders, repeats=sub.repeats + 1))


def _notice_accepted(account: Account, fact: f.NoticeAccepted, recorded: f.Recorded) -> Account:
    for sub in account.subscriptions:
        if sub.no in fact.left_out:
            continue
        for action in ALL_ACTIONS:
            promise = sub.promise(action)
            if any(s.seq == fact.notice and s.accepted_at is None for s in promise.sent):
                sub = with_promise(sub, action, accepted(promise, fact.notice, recorded.at))
                account = with_subscription(account, sub)
    return account


def _warned_otherwise(account: Account, fact: f.WarnedOtherwise, recorded: f.Recorded) -> Account:
    """The same as an acceptance of this one warning, that no message which comes back undoes."""
    sub = account.subscription(fact.subscription)
    promise = sub.promise(fact.action)
    if not any(s.seq == fact.notice and s.accepted_at is None for s in promise.sent):
        return account
    after = accepted(promise, fact.notice, recorded.at)
    sent = tuple(replace(s, otherwise=True) if s.seq == fact.notice else s for s in after.sent)
    return with_subscription(account, with_promise(sub, fact.action, replace(after, sent=sent)))


def _notice_bounced(account: Account, fact: f.NoticeBounced, recorded: f.Recorded) -> Account:
    """What no address took after all never counted; of the others the first that did is the one that counts."""
    if not fact.lost:
        return account
    for sub in account.subscriptions:
        for action in ALL_ACTIONS:
            promise = sub.promise(action)
            if any(s.seq in fact.lost for s in promise.sent):
                sub = with_promise(sub, action, came_back(promise, fact.lost, recorded.at))
                account = with_subscription(account, sub)
    return account


def _recipients_changed(account: Account, fact: f.RecipientsChanged, recorded: f.Recorded) -> Account:
    for sub in account.subscriptions:
        for action in ALL_ACTIONS:
            promise = sub.promise(action)
            after = readdressed(promise, fact.lost, recorded.at, replaced=fact.replaced)
            if after != promise:
                sub = with_promise(sub, action, after)
                account = with_subscription(account, sub)
    return account


def _nothing(account: Account, _fact: f.Fact, _: f.Recorded) -> Account:
    return account


FOLDS: Final[Folds] = {
    f.BecamePastDue: _became_past_due,
    f.WithinTolerance: _within_tolerance,
    f.Noticed: _noticed,
    f.DateMoved: _date_moved,
    f.Restricted: _restricted,
    f.Disabled: _disabled,
    f.Deferred: _deferred,
    f.DoubtEnded: _doubt_ended,
    f.WarningsLapsed: _warnings_lapsed,
    f.Resumed: _resumed,
    f.ResumeLate: _resume_late,
    f.CaseEnded: _case_ended,
    f.DeletionScheduled: _deletion_scheduled,
    f.DeletionUnscheduled: _deletion_unscheduled,
    f.DeletionOrdered: _deletion_ordered,
    f.DeletionCapped: _deletion_capped,
    f.DeletionReleased: _deletion_released,
    f.Parked: _parked,
    f.Unparked: _unparked,
    f.OrderAcknowledged: _order_acknowledged,
    f.OrderRepeated: _order_repeated,
    f.DeletedInPart: _deleted_in_part,
    f.NoticeAccepted: _notice_accepted,
    f.NoticeFailed: _nothing,
    f.NoticeBounced: _notice_bounced,
    f.RecipientsChanged: _recipients_changed,
    f.AuthorisationDeclined: _nothing,
    f.AddressAsked: _nothing,
    f.AddressConfirmed: _nothing,
    f.TestAsked: _nothing,
    f.Invited: _nothing,
    f.InvitationWithdrawn: _nothing,
    f.InvitationAccepted: _nothing,
    f.AccessEnded: _nothing,
    f.PersonErased: _nothing,
    f.ResetAsked: _nothing,
    f.SignInChanged: _nothing,
    f.TaskClosed: _nothing,
    f.WarnedOtherwise: _warned_otherwise,
    f.SupportOpened: _nothing,
    f.SupportSaid: _nothing,
    f.SupportAnswered: _nothing,
    f.SupportClosed: _nothing,
}
