"""Which payment methods an account has that could be charged, and what each pays for, as its journal says: nothing is
deleted for money that nobody has asked a working method for (spec, section 4, point 3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from arrears.core import facts as f
from arrears.core.payments.values import MethodKind


class ReadMethods:
    """The methods of one account, fact by fact."""

    def __init__(self) -> None:
        self._last_days: dict[int, date] = {}
        """The last day of each that can still be charged; of what does not expire, the last day there is."""
        self._kinds: dict[int, MethodKind] = {}
        self._paying: dict[int, int] = {}
        self._for_all = 0
        """The method that was made active last, where that was before there was anything to pay for."""

    def take(self, fact: f.AnyFact) -> None:
        """One more fact."""
        match fact:
            case f.MethodAdded(method=number, details=details):
                self._kinds[number] = details.kind
                self._lasts(number, details.expires_on)
            case f.MethodRenewed(method=number, expires_on=expires_on) if number in self._last_days:
                self._lasts(number, expires_on)
            case f.MethodSpent(method=number) | f.MethodRemoved(method=number):
                self._last_days.pop(number, None)
            case f.MethodActivated(method=number, subscriptions=subscriptions):
                self._paying.update(dict.fromkeys(subscriptions, number))
                self._for_all = 0 if subscriptions else number
            case _:
                pass

    def _lasts(self, number: int, expires_on: date | None) -> None:
        is_card = self._kinds[number] is MethodKind.CARD
        self._last_days[number] = expires_on if is_card and expires_on is not None else date.max

    def passed_over(self, number: int, others: Iterable[int], today: date) -> int:
        """A method that could be charged and pays for one of these others, where nothing that could be charged pays for
        this subscription; 0 where there is none."""
        if self._could_be_charged(self._paying.get(number, 0), today):
            return 0
        pay = [self._for_all, *(self._paying.get(other, 0) for other in others)]
        return next((method for method in pay if self._could_be_charged(method, today)), 0)

    def _could_be_charged(self, method: int, today: date) -> bool:
        last_day = self._last_days.get(method)
        return last_day is not None and today <= last_day
