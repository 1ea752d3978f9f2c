"""Charge a card invoice at 09:00 of its due date, and again as the networks and the strategy allow (spec, sections 3
and 5): one automatic attempt per method and currency, for all that is due on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

from arrears.core.account import Account, Debt, DebtPart, Method, Mode, Stop
from arrears.core.facts import AttemptCreated
from arrears.core.payments.networks import load_rules
from arrears.core.payments.planner import Allowed, Tried, Wanted, earliest
from arrears.core.payments.settlement import attempt_key, ordinal_of, quote_for
from arrears.core.payments.strategies import plan
from arrears.core.payments.strategies.paydays import Paydays
from arrears.core.payments.values import AttemptState, Initiator, MethodKind
from arrears.core.view import ONE_DAY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """The next charge of all methods and currencies: one after the other, so that each is seen by the next. While
    anything is in doubt nothing is charged."""
    account = view.account
    if not account.methods or account.mode is not Mode.CARD or account.doubts:
        return ()
    proposals = list(_proposals(view))
    return [min(proposals, key=lambda due: due.at)] if proposals else ()


def _proposals(view: View) -> Iterator[Due]:
    groups: dict[tuple[int, str], list[Debt]] = {}
    for debt in view.account.debts:
        method = paying(view.account, debt)
        if method is not None and _chargeable(view, debt):
            groups.setdefault((method.no, debt.currency), []).append(debt)
    for (no, currency), debts in sorted(groups.items()):
        method = view.account.method(no)
        at = _at(view, method, debts)
        if at is None:
            continue
        taken = [d for d in debts if d.day_0 is not None or view.morning(d.due_on) <= max(at, view.now)]
        build = partial(_attempt, view, method, currency, taken)
        yield Due(at, Rank.CHARGE, no, f"charge {currency}", build)


def paying(account: Account, debt: Debt) -> Method | None:
    """The method that pays for a debt: the active one of its first subscription that has one that works."""
    for sub in account.subscriptions:
        if sub.no in debt.subscriptions and sub.method:
            method = account.method(sub.method)
            if method.durable and not method.removed:
                return method
    return None


def _chargeable(view: View, debt: Debt) -> bool:
    account = view.account
    if debt.settled_separately or debt.ended or debt.charged_back or account.attempt_on([debt.no]) is not None:
        return False
    subs = [s for s in account.subscriptions if s.no in debt.subscriptions]
    held = [h for sub in subs for h in view.holds_on(Stop.CHARGE, sub, debt)]
    # A hold that has no known end, or has not ended: its own end makes the account due again.
    return all(h.ended_at is not None for h in held)


def _first(view: View, debt: Debt) -> bool:
    """Whether our first charge of a debt is still to come. What its payer tried before its day, or a charge that was
    ended with proof, does not stand in for it."""
    if debt.declined or debt.reopened_seq or not debt.tries or debt.day_0 is None:
        return not (debt.declined or debt.reopened_seq)
    tried = (t for method in view.account.methods for t in method.tried)
    due = view.calendar.start_of_day(debt.due_on)
    return not any(t.state is AttemptState.DECLINED and t.at >= due for t in tried)


def _at(view: View, method: Method, debts: list[Debt]) -> datetime | None:
    history = history_of(view.account, method)
    fresh = [view.morning(d.due_on) for d in debts if _first(view, d)]
    amount = sum(d.open_minor for d in debts)
    wanted = wanted_of(method, amount, debts[0].currency, Initiator.MERCHANT)
    if fresh:
        # One that came to nothing, proven at the provider, is no charge; it is made anew, at most once a day.
        ended = [t.at + ONE_DAY for t in history if t.state is AttemptState.CANCELED and t.by is Initiator.MERCHANT]
        at = max([min(fresh), *ended])
        allowed = earliest(load_rules(), wanted, history, max(at, view.now))
        # What the networks forbid is still a charge that fails: the attempt is refused before they are asked.
        return max(at, allowed.at) if isinstance(allowed, Allowed) and allowed.rule else at
    past_due = [d for d in debts if d.day_0 is not None]
    if not past_due:
        return None
    day_0 = min(d.day_0 for d in past_due if d.day_0 is not None)
    since = max([t.at for t in history], default=view.calendar.start_of_day(day_0))
    planned = plan(
        load_rules(),
        Paydays(),
        wanted,
        history,
        zone=view.terms.zone,
        day_0=day_0,
        now=max(since, view.calendar.start_of_day(day_0)),
        account_no=view.account.no,
    )
    if not isinstance(planned, datetime):
        return None
    if planned <= view.now:
        # Late is late, and the networks are asked again about now.
        allowed = earliest(load_rules(), wanted, history, view.now)
        return allowed.at if isinstance(allowed, Allowed) else None
    return planned


def history_of(account: Account, method: Method) -> list[Tried]:
    """Everything tried on the same card or bank account, whichever method it was added as."""
    return [t for m in account.methods if m.credential == method.credential for t in m.tried]


def wanted_of(method: Method, amount_minor: int, currency: str, by: Initiator) -> Wanted:
    """What the planner is asked about one attempt."""
    return Wanted(
        kind=method.kind,
        network=method.network,
        country=method.country,
        expires_on=method.expires_on if method.kind is MethodKind.CARD else None,
        durable=method.durable,
        amount_minor=amount_minor,
        currency=currency,
        by=by,
        renewed_at=method.renewed_at,
    )


def _attempt(view: View, method: Method, currency: str, debts: list[Debt]) -> AttemptCreated:
    account = view.account
    quote = quote_for(account, currency, tuple(DebtPart(d.no, d.open_minor) for d in debts))
    ordinal = ordinal_of(account, quote.parts)
    return AttemptCreated(
        attempt=account.attempt_count + 1,
        key=attempt_key(quote, method.no, ordinal),
        ordinal=ordinal,
        method=method.no,
        by=Initiator.MERCHANT,
        currency=currency,
        amount_minor=quote.amount_minor,
        parts=quote.parts,
    )
