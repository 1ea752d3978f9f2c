"""Every subscription of a card account is paid by a method that can be charged, as long as the account has one (spec,
section 4, point 3): what is added later is paid with the account's default, and so is what was paid by a method that
can no longer be charged at all. Whatever the order in which subscription, method and invoice arrive, the end is the
same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import partial

from arrears.core.account import Account, Method, Mode, Subscription
from arrears.core.facts import MethodActivated
from arrears.core.payments.settlement import usable
from arrears.core.states import State
from arrears.core.view import IMMEDIATELY, ONE_DAY, Due, Rank, View


def rule(view: View) -> Iterable[Due]:
    """One proposal for the subscriptions that nothing can pay now, and one for each day on which a card that pays for
    some will have expired."""
    account = view.account
    if not account.methods or account.mode is not Mode.CARD:
        return ()
    without: dict[date, list[int]] = {}
    for sub in _living(account):
        method = account.method(sub.method) if sub.method else None
        if method is None or not usable(method, view.today):
            without.setdefault(view.today, []).append(sub.no)
        elif method.expires_on is not None:
            without.setdefault(method.expires_on + ONE_DAY, []).append(sub.no)
    dues = []
    for day, numbers in without.items():
        method = stand_in(account, day)
        if method is not None:
            fact = MethodActivated(method=method.no, subscriptions=tuple(numbers))
            at = IMMEDIATELY if day == view.today else view.calendar.start_of_day(day)
            dues.append(Due(at, Rank.CONSEQUENCE, 0, f"method {method.no}", partial(_same, fact)))
    return dues


def stand_in(account: Account, day: date) -> Method | None:
    """The method that pays on this day for what has none: the default, or where that can no longer be charged the one
    that pays for the newest other subscription. One that was only added pays for nothing: a person makes it active."""
    if account.default_method and usable(account.method(account.default_method), day):
        return account.method(account.default_method)
    active = [account.method(sub.method) for sub in _living(account) if sub.method]
    return next((method for method in reversed(active) if usable(method, day)), None)


def _living(account: Account) -> Iterable[Subscription]:
    for sub in account.subscriptions:
        if sub.state is not State.DELETED and (sub.end is None or sub.end.ordered_at is None):
            yield sub


def _same(fact: MethodActivated) -> MethodActivated:
    return fact
