"""What a message is about, and whether it is still true when it is about to leave.

The debt is read again just before sending (spec, section 7): a draft is made from the account as it stands then, and
what is no longer true makes none. One fact can make several messages, one for each kind: a reminder on the day of a
warning is part of the warning, which lists the same debts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import assert_never

from arrears.core import facts as f
from arrears.core.account import Account, Action, Debt, Subscription
from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.core.messages.content import DatedAction, DebtLine, Sum
from arrears.core.messages.kinds import KINDS, MessageKind
from arrears.core.messages.recipients import Contacts
from arrears.core.payments.values import AttemptState, Initiator
from arrears.core.states import RUNNING, Reason, State
from arrears.engine.messages.drafting_announced import Lines, announcement_drafts, expiry_drafts
from arrears.engine.messages.drafting_people import Draft, about_address, about_help, about_sign_in
from arrears.engine.messages.subscription_names import subscription_names

MessageFact = (
    f.Noticed
    | f.PaymentBooked
    | f.ChargeDeclined
    | f.AttemptMoved
    | f.AuthorisationDeclined
    | f.AddressAsked
    | f.AddressConfirmed
    | f.TestAsked
    | f.Invited
    | f.ResetAsked
    | f.SignInChanged
    | f.SupportOpened
    | f.SupportAnswered
    | f.ResumeLate
    | f.Canceled
    | f.Reactivated
)
"""The facts that messages can be made of: those that `core.effects` says leave one."""


def drafts(
    account: Account, fact: f.AnyFact, seq: int, contacts: Contacts, now: datetime, back: tuple[int, ...] = ()
) -> list[Draft]:
    """The messages of a fact that still hold, the gravest first; none where nothing holds any more (I22). `back` are
    the subscriptions that were ordered to run again because of it."""
    assert isinstance(fact, MessageFact), fact
    match fact:
        case f.Noticed():
            found = _noticed(account, fact, seq, contacts, now)
        case f.PaymentBooked():
            found = _received(account, fact, seq, back)
        case f.ChargeDeclined():
            found = [_declined(account, contacts, str(seq))] if _open(account, fact.debts) else []
        case f.AttemptMoved():
            waiting = account.attempt(fact.attempt)
            waits = waiting is not None and waiting.state is AttemptState.NEEDS_CUSTOMER
            found = [_declined(account, contacts, str(seq))] if waits else []
        case f.AuthorisationDeclined():
            found = [_refused_card(account, fact, seq, contacts)]
        case f.AddressAsked() | f.AddressConfirmed():
            found = about_address(fact, seq, contacts)
        case f.TestAsked():
            found = [Draft(MessageKind.TEST, str(seq), person=fact.person)]
        case f.Invited() | f.ResetAsked() | f.SignInChanged():
            found = about_sign_in(account, fact, seq, contacts)
        case f.SupportOpened() | f.SupportAnswered() | f.ResumeLate():
            found = about_help(account, fact, seq)
        case f.Canceled() | f.Reactivated():
            found = _ended_or_back(account, fact, seq)
        case _:
            assert_never(fact)
    return [draft for draft in found if draft.debts or not KINDS[draft.kind].asks_for_money]


def open_now(account: Account) -> tuple[tuple[DebtLine, ...], tuple[DatedAction, ...]]:
    """What a reminder would list and announce if it left now."""
    return _lines(account), _ahead(account)


def _asked(account: Account) -> list[Debt]:
    """What is demanded: past due and not held."""
    if not account.holds:
        return list(account.past_due)
    return [d for d in account.past_due if not account.debt_is_held(d.no)]


def _lines(account: Account) -> tuple[DebtLine, ...]:
    return _lines_of(account, _asked(account))


def _lines_of(account: Account, debts: Iterable[Debt]) -> tuple[DebtLine, ...]:
    names = subscription_names(account)
    return tuple(_line(d, names) for d in debts)


def _line(debt: Debt, names: Mapping[int, str]) -> DebtLine:
    services = tuple(names[no] for no in debt.subscriptions)
    returned = debt.reopened_seq > 0
    part_paid = debt.open_minor < debt.total_minor
    return DebtLine(debt.number, debt.due_on, debt.open_minor, debt.currency, services, part_paid, returned)


def _open(account: Account, debts: Iterable[int]) -> bool:
    wanted = set(debts)
    return any(d.no in wanted for d in _asked(account))


# -- what was decided ------------------------------------------------------------------------------------------


def _noticed(account: Account, fact: f.Noticed, seq: int, contacts: Contacts, now: datetime) -> list[Draft]:
    lines = _lines(account)
    warnings: list[f.Warning] = []
    told: list[f.Told] = []
    reminders: list[f.Reminder] = []
    cards: list[f.Expiring] = []
    announced: list[f.Announcement] = []
    for part in fact.parts:
        match part:
            case f.Warning():
                warnings += [part] if _warns(account, part, seq) else []
            case f.Told():
                told.append(part)
            case f.Reminder():
                reminders += [part] if _reminds(account, part, seq) else []
            case f.Expiring():
                cards.append(part)
            case f.Announcement():
                announced.append(part)
            case _:
                assert_never(part)
    found = [*_warnings(account, warnings, lines), *_change_drafts(account, told, seq, lines)]
    if not any(KINDS[d.kind].asks_for_money for d in found):
        found += [_reminder(account, one, fact.at_once, lines, contacts) for one in reminders]
    found += announcement_drafts(account, announced, contacts, Lines(_lines_of, _dated), now)
    return [*found, *expiry_drafts(account, cards, contacts, now)]


def _warns(account: Account, warning: f.Warning, seq: int) -> bool:
    """Whether no later message has replaced this warning and its cause has not gone."""
    sub = account.subscription(warning.subscription)
    promise = sub.promise(warning.action)
    newest = max((s.seq for s in promise.sent), default=0)
    return sub.generation == warning.generation and newest == seq and seq > promise.since_seq


def _warnings(account: Account, warnings: Iterable[f.Warning], lines: tuple[DebtLine, ...]) -> Iterator[Draft]:
    stops: list[tuple[int, DatedAction]] = []
    deletions: list[tuple[int, DatedAction]] = []
    for w in warnings:
        actions = deletions if w.action is Action.DELETE else stops
        actions.append((w.subscription, _dated(account, w.subscription, w.action, w.promised_on)))
    # Who is asked for everything is told every date that it moves: paying by a later one would not save all of it.
    ahead = tuple(_ahead_by_number(account)) if lines else ()
    if deletions:
        kind = MessageKind.DELETION_WARNING if lines else MessageKind.RETENTION_ENDS
        yield Draft(kind, debts=lines, actions=_with_others(deletions, ahead))
    if stops:
        yield Draft(MessageKind.STOP_WARNING, debts=lines, actions=_with_others(stops, ahead))


def _with_others(
    warned: Iterable[tuple[int, DatedAction]], ahead: Iterable[tuple[int, DatedAction]]
) -> tuple[DatedAction, ...]:
    """What is warned of (of one subscription there can be several), and what lies ahead of every other one."""
    own = tuple(warned)
    numbers = {no for no, _ in own}
    return _by_date([dated for _, dated in own] + [dated for no, dated in ahead if no not in numbers])


def left_out(account: Account, fact: f.AnyFact, seq: int) -> tuple[int, ...]:
    """The subscriptions that a notice was to warn of, and of which its messages no longer speak."""
    if not isinstance(fact, f.Noticed):
        return ()
    warnings = fact.each(f.Warning)
    said = {w.subscription for w in warnings if _warns(account, w, seq)}
    return tuple(sorted({w.subscription for w in warnings} - said))


def _change_drafts(account: Account, tells: Sequence[f.Told], seq: int, lines: tuple[DebtLine, ...]) -> Iterator[Draft]:
    stopped, deleted, back, told_of = [], [], [], {told.subscription for told in tells}
    names = subscription_names(account)
    for told in tells:
        sub = account.subscription(told.subscription)
        if told.what == RUNNING and sub.state in (State.ACTIVE, State.PAST_DUE) and not sub.orders:
            back.append(names[sub.no])
        elif told.what == "deleted":
            deleted.append(_dated(account, sub.no, Action.DELETE, told.on))
        elif told.what == "disabled" and sub.state is State.DISABLED:
            dated = _dated(account, sub.no, Action.DISABLE, told.on)
            stopped.append(_kept(dated, sub))
        elif told.what == "restricted" and sub.state is State.RESTRICTED:
            stopped.append(_dated(account, sub.no, Action.RESTRICT, told.on))
    later = _by_date(dated for no, dated in _ahead_by_number(account) if no not in told_of)
    if stopped:
        yield Draft(MessageKind.STOPPED, str(seq), debts=lines, actions=_by_date(stopped), later=later)
    if deleted:
        yield Draft(MessageKind.DELETED, str(seq), debts=_ended(account), actions=_by_date(deleted), later=later)
    if back:
        yield Draft(
            MessageKind.RESUMED, str(seq), debts=lines, actions=_ahead(account) if lines else (), services=tuple(back)
        )


def _kept(dated: DatedAction, sub: Subscription) -> DatedAction:
    until = sub.promise(Action.DELETE).promised_on
    return DatedAction(dated.service, dated.action, dated.on, dated.others, until)


def _ended(account: Account) -> tuple[DebtLine, ...]:
    """What is still owed after a deletion, also for what the ladder pursues no longer."""
    return _lines_of(account, (d for d in account.debts if d.day_0 is not None and not account.debt_is_held(d.no)))


def _reminds(account: Account, reminder: f.Reminder, seq: int) -> bool:
    """Whether this reminder is the newest of the case that is open."""
    case = account.case
    return case is not None and case.no == reminder.case and case.reminder_seq == seq


def _reminder(
    account: Account, reminder: f.Reminder, at_once: bool, lines: tuple[DebtLine, ...], contacts: Contacts
) -> Draft:
    declined = [d.no for d in _asked(account) if d.declined]
    if reminder.step == 0 and at_once and declined:
        return _declined(account, contacts, "")
    return Draft(MessageKind.REMINDER, debts=lines, actions=_ahead(account))


# -- what has happened -------------------------------------------------------------------------------------------


def _declined(account: Account, contacts: Contacts, cause: str) -> Draft:
    """A charge of ours was refused: for good, or until the customer confirms it at the bank."""
    lines, actions = _lines(account), _ahead(account)
    for attempt in account.attempts:
        if attempt.by is Initiator.MERCHANT and attempt.state is AttemptState.NEEDS_CUSTOMER:
            card = contacts.cards.get(attempt.method, "")
            return Draft(MessageKind.CONFIRM, cause, debts=lines, actions=actions, card=card)
    newest = max(
        ((tried.at, method.no, tried.codes.decline) for method in account.methods for tried in method.tried),
        default=None,
    )
    _, number, word = newest or (None, 0, "")
    return Draft(
        MessageKind.DECLINED,
        cause,
        debts=lines,
        actions=actions,
        card=contacts.cards.get(number, ""),
        decline=word or "generic",
    )


def _refused_card(account: Account, fact: f.AuthorisationDeclined, seq: int, contacts: Contacts) -> Draft:
    names = subscription_names(account)
    numbers = {s.method for s in account.subscriptions if s.method and s.state is not State.DELETED}
    return Draft(
        MessageKind.AUTHORISATION_DECLINED,
        str(seq),
        paid=(Sum(fact.currency, fact.amount_minor),),
        services=tuple(names[s.no] for s in account.subscriptions if s.method in numbers),
        card=contacts.cards.get(min(numbers), "") if len(numbers) == 1 else "",
        decline=fact.decline or "generic",
    )


def _received(account: Account, fact: f.PaymentBooked, seq: int, back: tuple[int, ...]) -> list[Draft]:
    if fact.tell == "credit":
        kept = min(fact.credit_minor, account.credit.get(fact.currency, 0))
        if kept:
            return [Draft(MessageKind.CREDIT_OFFERED, str(seq), paid=(Sum(fact.currency, kept),))]
    names = subscription_names(account)
    paid = (Sum(fact.currency, fact.amount_minor),)
    if fact.tell == "after_deletion":
        gone = tuple(names[s.no] for s in account.subscriptions if s.state is State.DELETED)
        return [Draft(MessageKind.PAID_AFTER_DELETION, str(seq), debts=_ended(account), paid=paid, services=gone)]
    again = tuple(names[no] for no in back)
    lines = _lines(account)
    told = Draft(
        MessageKind.SETTLED,
        str(seq),
        debts=lines,
        actions=_ahead(account) if lines else (),
        paid=paid,
        services=again,
        stays=tuple(names[sub.no] for sub in account.subscriptions if sub.stays_off),
        ends=_ends(account),
    )
    return [told]


def _ended_or_back(account: Account, fact: f.Canceled | f.Reactivated, seq: int) -> list[Draft]:
    """A cancellation, as long as it stands, or that it was taken back and what still keeps the service stopped."""
    sub, canceled = account.subscription(fact.subscription), isinstance(fact, f.Canceled)
    if sub.state is not State.DISABLED or (Reason.CANCELED in sub.reasons) is not canceled:
        return []
    name, lines = subscription_names(account)[sub.no], _lines(account)
    kept_until = sub.promise(Action.DELETE).promised_on
    told = Draft(
        MessageKind.CANCELED if canceled else MessageKind.REACTIVATED,
        str(seq),
        debts=lines,
        actions=_ahead(account) if lines else (),
        services=(name,),
        ends=() if kept_until is None else (DatedAction(name, Action.DELETE, kept_until),),
    )
    if isinstance(fact, f.Canceled):
        return [told._replace(effective_on=fact.on)]
    others = bool(set(sub.reasons) - {Reason.PAST_DUE}) or not lines
    return [told._replace(stays=(name,)) if others else told._replace(ends=())]


def _ends(account: Account) -> tuple[DatedAction, ...]:
    """When the data of what no payment brings back is deleted, where a day is known."""
    names = subscription_names(account)
    dates = [(names[sub.no], sub.promise(Action.DELETE).promised_on) for sub in account.subscriptions if sub.stays_off]
    return _by_date(DatedAction(name, Action.DELETE, on) for name, on in dates if on is not None)


# -- dates -------------------------------------------------------------------------------------------------------


def _ahead(account: Account) -> tuple[DatedAction, ...]:
    """What happens next to each service that is owed for, on the day that every page says."""
    return _by_date(dated for _, dated in _ahead_by_number(account))


def _ahead_by_number(account: Account) -> Iterator[tuple[int, DatedAction]]:
    following = {
        State.PAST_DUE: (Action.RESTRICT, Action.DISABLE),
        State.RESTRICTED: (Action.DISABLE,),
        State.DISABLED: (Action.DELETE,),
    }
    for sub in account.subscriptions:
        if Reason.PAST_DUE not in sub.reasons or Reason.CANCELED in sub.reasons:
            continue
        if not any(not account.debt_is_held(d.no) for d in account.debts_of(sub)):
            continue
        dates = ((action, sub.promise(action).promised_on) for action in following.get(sub.state, ()))
        first = next(((action, on) for action, on in dates if on is not None), None)
        if first is not None:
            yield sub.no, _dated(account, sub.no, *first)


def _by_date(actions: Iterable[DatedAction]) -> tuple[DatedAction, ...]:
    return tuple(sorted(actions, key=lambda dated: (dated.on, dated.service)))


def _dated(account: Account, number: int, action: Action, on: date) -> DatedAction:
    """`others`: of the same service, what this does not touch."""
    service = account.subscription(number).service
    if len(account.subscriptions) == 1:
        return DatedAction(service, action, on)
    named = subscription_names(account)[number]
    running = (State.ACTIVE, State.PAST_DUE)
    others = tuple(
        format_id(SUBSCRIPTION, account.no, s.no)
        for s in account.subscriptions
        if s.no != number and s.service == service and s.state in running and Reason.PAST_DUE not in s.reasons
    )
    return DatedAction(named, action, on, others)
