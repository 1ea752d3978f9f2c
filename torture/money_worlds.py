"""Made-up worlds of money: settlements by card, debit and page among refunds, chargebacks, transfers, services and
invoices that come later, keys and pages that are lost, requests that are refused, answers that are lost, in any order.

Each world is a seed. In its end everything is mended and every customer pays with a card that works. Then the
provider's book and ours must agree to the cent, with what was asked and what came besides; nothing was taken or given
back twice, nobody was stopped whose card would have paid, no card was asked that must not be, and nobody is stuck.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tests.stories.story import STAFF

from arrears.core.errors import Refused
from arrears.engine import system
from arrears.engine.payments.sweep import sweep
from torture.money_judged import GOOD, Verdict
from torture.money_oddities import OddWorld
from torture.money_people import POOR

DAYS: Final = 45
"""Long enough for every stop, too short for a deletion: what is deleted does not run again."""
UNREAD: Final = 0.08
"""In so many worlds the provider is not read before the end."""
UNREAD_MOST: Final = 3
"""So many sweeps one after the other reach no end only where something holds up all that is behind it."""


class MoneyWorld(OddWorld):
    """Some accounts at one provider, and everything that can happen to their money."""

    def happen(self) -> None:
        """One thing, to one account; what cannot be done is refused and changes nothing."""
        self.no = self.dice.choice((*self.numbers, self.numbers[-1], self.numbers[-1]))
        events = EVENTS if self.seed < GIVEN_UP_FROM else {**EVENTS, **GIVEN_UP}
        names = [*events]
        [name] = self.dice.choices(names, [events[one][0] for one in names])
        if self.no in self.quiet and name not in QUIET:
            return
        with suppress(Refused):
            events[name][1](self)
            self.count[name] += 1
        self.stage.perform()

    # -- the course of it ------------------------------------------------------------------------------------

    def play(self) -> Verdict:
        """The days of it, a calm end, and what it came to."""
        unread, debit = self.dice.random() < UNREAD, self.dice.random() < 0.4
        for number in self.numbers:
            self.no = number
            if number == self.numbers[1] and debit:
                self.quiet.add(number)
                self.adds_debit()
            elif number != self.numbers[-1] or not unread:
                first = ("challenge",) if self.asked_once else GOOD
                self.adds_card(first if number == self.numbers[0] else (*GOOD, *POOR))
            self.bills()
        if unread:
            self.quiet.add(self.numbers[-1])
            self.lasting = True
            self.till.control("key", secret="sk_test_another")
            self.broken.add("key")
        later = self.dice.randrange(1, 8)
        for day in range(DAYS):
            if day == later:
                self.no = self.numbers[0]
                self.adds_service()
                self.bill(day + 1, 4_200, subscriptions=(len(self.account.subscriptions),))
            if self.ahead_seconds and self.dice.random() < 0.5:
                self.ahead_seconds = 0
            self.till.wire.bad = self.dice.choice((0, 0, 5, 20))
            for _ in range(self.dice.randrange(0, 5)):
                self.happen()
            self.until(day, f"{self.dice.randrange(10, 23)}:00")
            if self.dice.random() < 0.8:
                self.swept()
            if self.asked_once:
                self.confirms_once(day)
            self.look_at_stops()
        self._calm()
        return self.verdict()

    def swept(self) -> None:
        """The sweep reads what is new, now and then everything once more."""
        again = self.dice.random() < self.rereads
        with suppress(Refused):
            sweep(self.store, self.providers, self.now, self.instant(-5) if again else None)
        calm = not self.till.wire.bad and not self.broken & {"key", "narrow"}
        if self.store.swept_until("stripe") == self.now:
            self.heard.append(len(self.till.sandbox.book.charges))
            self.unread = 0
            if calm:
                self.look_at_the_unknown()
        elif calm:
            self.unread += 1
            if self.unread == UNREAD_MOST:
                self.wrong.append("the provider is not read any more")
        self.stage.perform()

    def _calm(self) -> None:
        self.till.wire.bad = 0
        self.lasting, self.ahead_seconds = False, 0
        self.mends()
        if self.poisoned:
            self.heals()
            self.rereads = 1.0
        for dispute in self.till.sandbox.book.disputes.values():
            if dispute.status == "needs_response":
                self.till.sandbox.book.close_dispute(dispute, won=self.dice.random() < 0.5)
        self.no_more_returns()
        for round_of in range(3):
            self.until(DAYS + 3 * round_of + 2)
            self.swept()
            self.book_hears()
            if self.store.system().clock_suspect:
                system.confirm_clock(self.store, self.now, STAFF, "looked at")
            if self.store.system().breaker_open:
                system.set_breaker(self.store, is_open=False, now=self.now, author=STAFF, why="looked at")
            for number in self.numbers:
                self.no = number
                with suppress(Refused):
                    self.pays_everything(("approve",))
                self.stage.perform()
        self.swept()
        self.look_at_stops()


EVENTS: Final[dict[str, tuple[int, Callable[[MoneyWorld], object]]]] = {
    "invoice": (10, MoneyWorld.bills),
    "card": (3, MoneyWorld.adds_card),
    "debit": (3, MoneyWorld.adds_debit),
    "shared card": (4, MoneyWorld.shares_card),
    "activated": (3, MoneyWorld.activates),
    "removed": (1, MoneyWorld.removes),
    "on file": (4, MoneyWorld.pays_on_file),
    "cured": (3, MoneyWorld.is_cured),
    "stubborn": (2, MoneyWorld.is_stubborn),
    "old quote": (2, MoneyWorld.pays_an_old_quote),
    "neighbour": (2, MoneyWorld.neighbour_charges),
    "clock ahead": (2, MoneyWorld.clock_goes_ahead),
    "poison": (1, MoneyWorld.poisons),
    "book": (4, MoneyWorld.book_comes),
    "everything": (10, MoneyWorld.pays_everything),
    "part": (2, lambda w: w.pays_everything(part=100)),
    "page opened": (6, MoneyWorld.opens_page),
    "page used": (7, MoneyWorld.uses_page),
    "bank confirmed": (3, MoneyWorld.confirms),
    "both ways": (2, MoneyWorld.pays_both_ways),
    "lost, and a transfer": (2, MoneyWorld.pays_twice_in_doubt),
    "transfer": (4, MoneyWorld.transfers_money),
    "refund": (5, MoneyWorld.refunds),
    "refund reopens": (4, lambda w: w.refunds(reopens=True)),
    "refund failed": (2, MoneyWorld.refund_fails),
    "chargeback": (3, MoneyWorld.disputed),
    "chargeback ruled": (4, MoneyWorld.ruled),
    "service": (2, MoneyWorld.adds_service),
    "correction": (2, MoneyWorld.corrected),
    "bank changes": (3, MoneyWorld.bank_changes),
    "broken": (2, MoneyWorld.breaks),
    "mended": (3, MoneyWorld.mends),
}
"""What happens, how often beside the others, and what it does."""

GIVEN_UP_FROM: Final = 71_000
"""The worlds from this number on know write-offs too; those before stay what they were when they found a fault."""
GIVEN_UP: Final[dict[str, tuple[int, Callable[[MoneyWorld], object]]]] = {
    "written off": (3, MoneyWorld.given_up),
    "two on one": (8, MoneyWorld.two_on_one),
}


QUIET: Final = ("invoice", "service", "broken", "mended")
"""All that happens to an account whose customer does nothing: the first, whose card is good, often the second, which
pays by debit, and the last, which has no card, where the provider is never read."""


def play(seed: int) -> Verdict:
    """One world."""
    return MoneyWorld(seed).play()
