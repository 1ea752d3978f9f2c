"""The form of an act, as it was filled in: each value is what it has to be, or refused with what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.numbers import get_decimal_symbol
from django.utils.translation import gettext as _

from arrears.core.account import Debt
from arrears.core.errors import Refused
from arrears.core.money import typed_amount
from arrears.engine.commands.arrangements import promisable
from arrears.engine.finding import find_subscription
from arrears.ports import Receivables
from arrears.web.account_centre.frame import Visit
from arrears.web.console.frame import ConsoleRequest
from arrears.web.numbers import whole

LINE_MAX = 300

Act = Callable[[Any], object]
"""Runs a command on a store, which may be one that takes everything back (`engine/rehearsing.py`)."""


@dataclass(frozen=True)
class Filled:
    """What a member of staff has typed about one account."""

    console: ConsoleRequest
    visit: Visit

    @property
    def store(self) -> Receivables:
        """What is booked, for reading."""
        return self.console.live.store

    def text(self, name: str) -> str:
        """A field as it was typed, in one line."""
        return " ".join(self.console.request.POST.get(name, "").split())[:LINE_MAX]

    def line(self, name: str = "why") -> str:
        """A line of words; refuses `no_reason`."""
        found = self.text(name)
        if not found or not found.isprintable():
            raise Refused("no_reason", _("Say why, in a line of words; it is kept with the fact."))
        return found

    def day(self, name: str) -> date:
        """A day; refuses `bad_date`."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise Refused("bad_date", _("Choose a day.")) from None

    def invoice(self) -> str:
        """The number of one of the account's open invoices; refuses `unknown_invoice`."""
        return self.debt().number

    def debt(self) -> Debt:
        """One of the account's open invoices; refuses `unknown_invoice`."""
        wanted = self.text("invoice")
        for debt in self.visit.snapshot.debts:
            if debt.number == wanted:
                return debt
        raise Refused("unknown_invoice", _("Choose an invoice that is open."))

    def amount(self, currency: str) -> int:
        """An amount of this currency as the page's language writes it, in minor units; refuses `bad_amount`."""
        return typed_amount(self.text("amount"), currency, decimal_mark=get_decimal_symbol(self.console.locale))

    def subscription(self) -> int:
        """The number of one of the account's subscriptions; refuses `unknown_subscription`."""
        return find_subscription(self.visit.snapshot, self.text("subscription"))

    def promised(self) -> list[Debt]:
        """The past-due invoices that are promised: all of a currency, or one; refuses `unknown_invoice`."""
        chosen = self.text("promised")
        found = [d for d in promisable(self.visit.snapshot) if chosen in (d.currency, f"inv:{d.no}")]
        if not found:
            raise Refused("unknown_invoice", _("Choose what is promised."))
        return found

    def arrangement(self) -> int:
        """The number of a promise to pay that is open; refuses `unknown_promise`."""
        number = whole(self.text("arrangement"))
        if number not in [one.no for one in self.visit.snapshot.arrangements]:
            raise Refused("unknown_promise", _("Choose a promise that is open."))
        return number

    def hold(self) -> int:
        """The number of a hold that has not ended; refuses `unknown_hold`."""
        number = whole(self.text("hold"))
        if number not in [h.no for h in self.visit.snapshot.holds if h.ended_at is None and not h.arrangement]:
            raise Refused("unknown_hold", _("Choose a hold that has not ended."))
        return number
