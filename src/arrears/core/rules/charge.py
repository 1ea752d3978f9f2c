"""Charge a card invoice at 09:00 of its due date, and again as the networks and the strategy allow (spec, sections 3
and 5): one automatic attempt per method and currency, for all that is due on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Final, NamedTuple

from msgspec.structs import replace

from arrears.core.account import Account, Attempt, Debt, DebtPart, DoubtKind, HoldScope, Method, Mode, Stop
from arrears.core.facts import AttemptCreated
from arrears.core.payments.limits import charge_of
from arrears.core.payments.networks import load_rules
from arrears.core.payments.planner import EXPIRED, NEW_ENTRY, Allowed, Tried, Wanted, earliest
from arrears.core.payments.settlement import attempt_key, in_part, ordinal_of, quote_for
from arrears.core.payments.strategies import Strategy, plan
from arrears.core.payments.strategies.fixed_days import FixedDays
from arrears.core.payments.strategies.paydays import Paydays
from arrears.core.payments.values import REQUEST_REFUSED, AttemptState, Initiator, MethodKind
from arrears.core.policy import Policy
from arrears.core.rules.charge_agreed import agreed, agreed_and_due
from arrears.core.rules.paying import history_of, paying, wanted_of
from arrears.core.view import ONE_DAY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """The next charge of all methods and currencies: one after the other, so that each is seen by the next. While
    anything is in doubt nothing is charged; only whether a provider takes it after all is found by asking it again."""
    account = view.account
    waits = any(doubt.kind is not DoubtKind.REQUEST for doubt in account.doubts)
    if not account.methods or account.mode is not Mode.CARD or waits:
        return ()
    proposals = [*_proposals(view), *agreed(view)]
    if not proposals:
        return ()
    first = min(proposals, key=lambda due: due.at)
    if view.guards.book_refused and first.at < view.now + LOOK_AGAIN:
        return [replace(first, at=view.now + LOOK_AGAIN)]
    return [first]


LOOK_AGAIN: Final = timedelta(hours=1)
"""While the newest export of the book is not taken, what would be charged is looked at again after this. It may say who
has paid, and what the operator has charged itself: what it takes in then is charged twice by nobody."""


CHARGES_A_DAY_MAX: Final = 20
"""Of one method: more than the parts of any sum that a provider takes, and than a day of invoices brings."""


class _Group(NamedTuple):
    """What one attempt is for: everything that is due on a card, in one currency; of a bank debit only what has never
    been debited, or what one debit that failed was for. `entry` is the planner's (see `payments.planner.Wanted`)."""

    method: Method
    currency: str
    entry: int
    debts: list[Debt]


def _groups(view: View) -> Iterator[_Group]:
    found: dict[tuple[int, str, int], list[Debt]] = {}
    for debt in view.account.debts:
        method = paying(view.account, debt)
        if method is not None and _chargeable(view, debt):
            entry = _entry_of(view.account, method, debt)
            found.setdefault((method.no, debt.currency, entry), []).append(debt)
    for (no, currency, entry), debts in sorted(found.items()):
        yield _Group(view.account.method(no), currency, entry, debts)


def _entry_of(account: Account, method: Method, debt: Debt) -> int:
    """Which entry a debit for this debt would be: the failed one that it presents again, or a new one. That it was paid
    otherwise since, and that money left again, changes nothing for the bank that refused it; its own success does."""
    if method.kind is MethodKind.CARD:
        return 0
    history = history_of(account, method)
    failed = [t for t in history if debt.no in t.debts and t.state is AttemptState.DECLINED and t.reached_network]
    if failed:
        last = max(failed, key=attrgetter("no"))
        paid = any(t.entry == last.entry and t.no > last.no and t.state is AttemptState.PAID for t in history)
        return NEW_ENTRY if paid else last.entry
    # A book from before entries were counted does not say: the same amount is then taken for the same entry.
    unsaid = any(
        not t.entry and t.state is not AttemptState.PAID and t.amount_minor == debt.open_minor for t in history
    )
    return 0 if unsaid else NEW_ENTRY


def _proposals(view: View) -> Iterator[Due]:
    for group in _groups(view):
        at = min(filter(None, (_first(view, group), _retry(view, group))), default=None)
        if at is None:
            continue
        at = _not_without_end(history_of(view.account, group.method), max(at, group.method.charged_from or at))
        build = partial(_attempt, view, group, _taken(view, group, at))
        yield Due(at, Rank.CHARGE, group.method.no, f"charge {group.currency}", build)


def _not_without_end(history: Sequence[Tried], at: datetime) -> datetime:
    """The instant itself, or the first one before which fewer than CHARGES_A_DAY_MAX charges of ours lie within a day.
    No order of events should ever come to that; a mistake that would charge again and again stops at it."""
    ours = sorted(t.at for t in history if t.by is Initiator.MERCHANT and t.at > at - ONE_DAY)
    return at if len(ours) < CHARGES_A_DAY_MAX else ours[-CHARGES_A_DAY_MAX] + ONE_DAY


def _taken(view: View, group: _Group, at: datetime) -> list[Debt]:
    """What an attempt at this instant takes: never what is due only later."""
    return [d for d in group.debts if d.day_0 is not None or view.morning(d.due_on) <= max(at, view.now)]


def charged_with(account: Account, debt: Debt) -> Method | None:
    """The method from which a debt is collected on its due date, without its payer doing anything; None where that is
    not so, or cannot be promised: its last attempt was declined, it expires before, or a hold lasts that long."""
    method = paying(account, debt) if account.mode is Mode.CARD else None
    if method is None or method.failed or debt.settled_separately or debt.charged_back or debt.ended:
        return None
    if method.expires_on is not None and method.expires_on < debt.due_on:
        return None
    held = any(
        Stop.CHARGE in hold.stops
        and hold.ended_at is None
        and hold.target
        in {HoldScope.SUBSCRIPTION: debt.subscriptions, HoldScope.DEBT: (debt.no,)}.get(hold.scope, (hold.target,))
        and (hold.until is None or hold.until >= debt.due_on)
        for hold in account.holds
    )
    return None if held else method


def _chargeable(view: View, debt: Debt) -> bool:
    account = view.account
    if debt.settled_separately or debt.ended or debt.charged_back or account.attempt_on([debt.no]) is not None:
        return False
    subs = [s for s in account.subscriptions if s.no in debt.subscriptions]
    held = [h for sub in subs for h in view.holds_on(Stop.CHARGE, sub, debt)]
    # A hold that has no known end, or has not ended: its own end makes the account due again.
    return all(h.ended_at is not None for h in held)


def still_planned(view: View, attempt: Attempt) -> bool:
    """Whether a charge of ours that is under way would be planned now too: everything that it takes is due, and is paid
    by its method; no hold, doubt or other mode of paying has come since."""
    kept = tuple(doubt for doubt in view.account.doubts if doubt.kind not in (DoubtKind.ATTEMPT, DoubtKind.REQUEST))
    others = tuple(one for one in view.account.attempts if one.no != attempt.no)
    anew = View(view.policies, replace(view.account, attempts=others, doubts=kept), view.guards, view.now)
    if kept or view.guards.book_refused or anew.account.mode is not Mode.CARD:
        return False
    groups = [one for one in _groups(anew) if (one.method.no, one.currency) == (attempt.method, attempt.currency)]
    if agreed_and_due(anew, attempt):
        return True
    taken = {debt.no for group in groups for debt in _taken(anew, group, view.now)}
    return all(part.debt in taken for part in attempt.parts)


def _first(view: View, group: _Group) -> datetime | None:
    """When the first of these is charged for the first time: at 09:00 of its due date, or as soon as the networks let
    us. What they forbid is not attempted, and no decline of the customer's; an expired card has failed."""
    mornings = [view.morning(d.due_on) for d in group.debts if not (d.charged or d.declined or d.reopened_seq)]
    if not mornings:
        return None
    history = history_of(view.account, group.method)
    # What is too little for a charge of its own waits for the next that falls due.
    enough = [one for one in sorted(mornings) if _amount(view, group, _taken(view, group, one))]
    if not enough:
        return None
    at = max([enough[0], *_anew(view.account, group.currency, history)])
    wanted = _wanted(view, group, _taken(view, group, at))
    allowed = earliest(load_rules(), wanted, history, max(at, view.now))
    if isinstance(allowed, Allowed):
        return max(at, allowed.at) if allowed.rule else at
    return at if allowed.rule == EXPIRED else allowed.until


REFUSED_AGAIN: Final = timedelta(days=10)
"""After how long a provider that would not even try is asked again, while staff have not said that it would now."""


def _anew(account: Account, currency: str, history: Sequence[Tried]) -> list[datetime]:
    """From when each charge of ours that came to nothing, proven at the provider or not asked for, may be made anew: at
    most once a day. It counts as none, so nothing else would keep us from making it again at once, for ever. What the
    provider would not even try keeps no other currency from being charged."""
    doubted = any(doubt.kind is DoubtKind.REQUEST and doubt.ref == currency for doubt in account.doubts)
    canceled = [t for t in history if t.state is AttemptState.CANCELED and t.by is Initiator.MERCHANT]
    refused = [t.at for t in canceled if t.codes.decline == REQUEST_REFUSED and t.currency == currency]
    others = [t.at for t in canceled if t.codes.decline != REQUEST_REFUSED]
    return [*(at + (REFUSED_AGAIN if doubted else ONE_DAY) for at in refused), *(at + ONE_DAY for at in others)]


def _retry(view: View, group: _Group) -> datetime | None:
    """When those that are past due are tried again."""
    past_due = [d for d in group.debts if d.day_0 is not None]
    if not past_due:
        return None
    history = history_of(view.account, group.method)
    own = [t for t in history if group.entry in (t.no, t.entry)] if group.entry > 0 else history
    if not _amount(view, group, past_due):
        return None
    wanted = _wanted(view, group, past_due)
    day_0 = min(d.day_0 for d in past_due if d.day_0 is not None)
    since = max([t.at for t in own], default=view.calendar.start_of_day(day_0))
    planned = plan(
        load_rules(),
        strategy_of(view.policy),
        wanted,
        history,
        own=own,
        zone=view.terms.zone,
        day_0=day_0,
        now=max(since, view.calendar.start_of_day(day_0)),
        account_no=view.account.no,
    )
    if not isinstance(planned, datetime):
        return None
    planned = max([planned, *_anew(view.account, group.currency, history)])
    if planned <= view.now:
        # Late is late, and the networks are asked again about now.
        allowed = earliest(load_rules(), wanted, history, view.now)
        return allowed.at if isinstance(allowed, Allowed) else None
    return planned


def strategy_of(policy: Policy) -> Strategy:
    """On which days declined charges are tried again: those of the policy, or the likeliest ones."""
    if policy.retry_days:
        return FixedDays(policy.retry_days, policy.retry_attempts_max)
    return Paydays(policy.retry_attempts_max)


def _wanted(view: View, group: _Group, debts: Iterable[Debt]) -> Wanted:
    return wanted_of(group.method, _amount(view, group, debts), group.currency, Initiator.MERCHANT, group.entry)


def _amount(view: View, group: _Group, debts: Iterable[Debt]) -> int:
    """What one charge for these takes: all, or the most that the provider takes at once; 0 where it takes nothing."""
    return charge_of(view.guards.limits, group.currency, sum(d.open_minor for d in debts))


def _attempt(view: View, group: _Group, debts: list[Debt]) -> AttemptCreated:
    account = view.account
    whole = quote_for(account, group.currency, tuple(DebtPart(d.no, d.open_minor) for d in debts))
    amount = _amount(view, group, debts)
    quote = whole if amount == whole.amount_minor else in_part(whole, account, amount)
    ordinal = ordinal_of(account, quote.parts)
    return AttemptCreated(
        attempt=account.attempt_count + 1,
        key=attempt_key(quote, group.method.no, ordinal, view.guards.identity),
        ordinal=ordinal,
        method=group.method.no,
        by=Initiator.MERCHANT,
        currency=group.currency,
        amount_minor=quote.amount_minor,
        parts=quote.parts,
        entry=max(group.entry, 0),
    )
