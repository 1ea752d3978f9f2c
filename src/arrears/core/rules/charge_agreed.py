"""Charging what a customer has agreed to pay on certain days: once, at 09:00 of the day of each instalment, what is due
by then and not paid. What is declined is not tried again: the day is missed when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from arrears.core.account import Account, Attempt, DebtPart, Method, Stop
from arrears.core.arrangements import Arrangement
from arrears.core.facts import AttemptCreated
from arrears.core.payments.arranged import arranged_debts, due_parts
from arrears.core.payments.limits import charge_of
from arrears.core.payments.networks import load_rules
from arrears.core.payments.planner import NEW_ENTRY, Allowed, earliest
from arrears.core.payments.settlement import attempt_key, ordinal_of, quote_for
from arrears.core.payments.values import Initiator
from arrears.core.rules.paying import history_of, paying, wanted_of
from arrears.core.view import Due, Rank, View


def agreed(view: View) -> Iterator[Due]:
    """The charge of the next part of each arrangement whose parts are charged."""
    for one in view.account.arrangements:
        method = collected_with(view.account, one) if one.collects else None
        if method is None or _kept_back(view, one):
            continue
        parts = due_parts(view.account, one, max(one.next.on, view.today))
        at = _at(view, one, method, sum(part.minor for part in parts))
        if parts and at is not None:
            label = f"charge {one.currency}, promise {one.no}"
            yield Due(at, Rank.CHARGE, method.no, label, partial(_attempt, view, one, method, parts))


def collected_with(account: Account, arrangement: Arrangement) -> Method | None:
    """The method that pays for every invoice of an arrangement; None where there is no such one."""
    methods = {paying(account, debt) for debt in arranged_debts(account, arrangement)}
    return methods.pop() if len(methods) == 1 else None


def agreed_and_due(view: View, attempt: Attempt) -> bool:
    """Whether a charge of ours that is under way is what an arrangement says for today."""
    return any(
        one.collects
        and not _kept_back(view, one)
        and (method := collected_with(view.account, one)) is not None
        and method.no == attempt.method
        and due_parts(view.account, one, view.today) == attempt.parts
        for one in view.account.arrangements
    )


def _kept_back(view: View, one: Arrangement) -> bool:
    """Whether no charge of ours is made for it now: a payment for it is under way, or one of its invoices is paid
    apart, was charged back, is no longer pursued, or is held otherwise."""
    account = view.account
    if account.attempt_on(one.debts) is not None:
        return True
    for debt in arranged_debts(account, one):
        subs = [sub for sub in account.subscriptions if sub.no in debt.subscriptions]
        holds = [hold for sub in subs for hold in view.holds_on(Stop.CHARGE, sub, debt)]
        if debt.settled_separately or debt.charged_back or debt.ended:
            return True
        if any(hold.ended_at is None and not hold.arrangement for hold in holds):
            return True
    return False


def _at(view: View, one: Arrangement, method: Method, amount_minor: int) -> datetime | None:
    """When it is charged: at 09:00 of its day, or as soon on that day as the networks let us; None where it is not."""
    morning = view.morning(one.next.on)
    at = max(morning, method.charged_from or morning)
    history = history_of(view.account, method)
    tried = any(
        t.by is Initiator.MERCHANT and t.at >= morning and (t.currency, t.amount_minor) == (one.currency, amount_minor)
        for t in history
    )
    if tried or charge_of(view.guards.limits, one.currency, amount_minor) != amount_minor:
        return None
    # The customer has agreed to this sum on this day: to a bank that is a debit of its own, and no other one again.
    wanted = wanted_of(method, amount_minor, one.currency, Initiator.MERCHANT, NEW_ENTRY)
    allowed = earliest(load_rules(), wanted, history, max(at, view.now))
    if not isinstance(allowed, Allowed):
        return None
    at = max(at, allowed.at) if allowed.rule else at
    return at if view.calendar.local_day(at) == one.next.on else None


def _attempt(view: View, one: Arrangement, method: Method, parts: tuple[DebtPart, ...]) -> AttemptCreated:
    account = view.account
    quote = quote_for(account, one.currency, parts)
    ordinal = ordinal_of(account, parts)
    return AttemptCreated(
        attempt=account.attempt_count + 1,
        key=attempt_key(quote, method.no, ordinal, view.guards.identity),
        ordinal=ordinal,
        method=method.no,
        by=Initiator.MERCHANT,
        currency=one.currency,
        amount_minor=quote.amount_minor,
        parts=parts,
        in_part=True,
    )
