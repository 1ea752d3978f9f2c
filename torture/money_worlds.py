"""Made-up worlds of money: settlements by card and page among refunds, chargebacks, transfers, services and invoices
that come later, keys and pages that are lost, requests that are refused, answers that are lost, in any order.

Each world is a seed. In its end everything is mended and every customer pays with a card that works. Then the
provider's book and ours must agree to the cent, with what was asked and what came besides; nothing was taken or given
back twice, nobody was stopped whose card would have paid, and nobody is stuck.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from tests.stories.story import STAFF

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine import commands, system
from arrears.engine.commands import corrections
from arrears.engine.payments import methods, pages, refunds, settling
from arrears.engine.payments.sweep import sweep
from arrears.sandbox.pages import use_card
from torture.money_judged import GOOD, JudgedWorld, Verdict

DAYS: Final = 45
"""Long enough for every stop, too short for a deletion: what is deleted does not run again."""

POOR: Final = ("insufficient_funds", "generic", "challenge", "wait_a_day", "do_not_honor", "lost")


class MoneyWorld(JudgedWorld):
    """Some accounts at one provider, and everything that can happen to their money."""

    def __init__(self, seed: int) -> None:
        super().__init__(random.Random(seed))
        self.broken: set[str] = set()
        self.serial = 0
        self.lasting = self.dice.random() < 0.4
        """Whether what is broken first stays so until the end."""

    # -- what people do --------------------------------------------------------------------------------------

    def happen(self) -> None:
        """One thing, to one account; what cannot be done is refused and changes nothing."""
        self.no = self.dice.choice(self.numbers)
        names = [*EVENTS]
        [name] = self.dice.choices(names, [EVENTS[one][0] for one in names])
        if self.no == self.numbers[0] and name not in QUIET:
            return
        with suppress(Refused):
            EVENTS[name][1](self)
            self.count[name] += 1
        self.stage.perform()

    def bills(self) -> None:
        """An invoice for one of the services, due now or soon."""
        subs = [s.no for s in self.account.subscriptions if s.state is not State.DELETED]
        due = self.day(self.calendar.local_day(self.now)) + self.dice.randrange(0, 6)
        currency = self.dice.choice(("EUR", "EUR", "EUR", "USD"))
        self.bill(due, self.dice.randrange(100, 90_000), subscriptions=(self.dice.choice(subs),), currency=currency)

    def adds_card(self, names: Iterable[str] = (*GOOD, *POOR)) -> int:
        """A card is added, of its own; as the first it pays for everything."""
        self.serial += 1
        page = methods.start_setup(
            self.store, self.providers, self.no, "stripe", f"setup-{self.no}-{self.serial}", "en"
        )
        name = self.dice.choice([*names])
        self.till.control("card", session=page.ref, card=name, own=True)
        number = methods.finish_setup(self.store, self.providers, self.no, "stripe", page.ref, self.now, "person:1")
        self.cards[self.no, number] = name
        if not self.account.past_due:
            methods.activate(self.store, self.no, number, self.now, "person:1")
        return number

    def pays_everything(self, names: Iterable[str] = (*GOOD, *GOOD, *POOR), part: int = 0) -> None:
        """Everything, or a part, with a card that is added for it."""
        shown = {q.currency: q.hash for q in settling.quote(self.store, self.no, self.now)}
        if not shown:
            return
        method = self.adds_card(names)
        parts = dict.fromkeys(shown, part) if part else {}
        if part and self.dice.random() < 0.3:
            self._mistypes(shown, method)
        settling.settle(
            self.store, self.providers, self.no, shown, method, lambda: self.now, "person:1", part_minor=parts
        )
        self.count["settlements"] += len(shown)

    def _mistypes(self, shown: dict[str, str], method: int) -> None:
        """A part of a currency that was not shown is refused."""
        before = self.account.attempt_count
        with suppress(Refused):
            wrong = {currency.lower(): 100 for currency in shown}
            settling.settle(
                self.store, self.providers, self.no, shown, method, lambda: self.now, "person:1", part_minor=wrong
            )
        if self.account.attempt_count != before:
            self.wrong.append(f"account {self.no}: a part in a mistyped currency charged everything")

    def opens_page(self) -> None:
        """The page behind the link in a mail; what becomes of it is seen later."""
        owed = settling.quote(self.store, self.no, self.now)
        if owed:
            one = self.dice.choice(owed)
            pages.open_page(self.store, self.providers, self.no, {one.currency: one.hash}, self.now, "paylink:1")
            self.count["settlements"] += 1

    def uses_page(self) -> None:
        """Somebody tries a card on a page that is open, perhaps one that was replaced."""
        book = self.till.sandbox.book
        self.till.sandbox.pass_time()
        open_ones = [s for s in book.sessions.values() if s.mode == "payment" and s.status == "open"]
        if open_ones:
            session = self.dice.choice(open_ones)
            use_card(book, session, self.dice.choice((*GOOD, *POOR)), own=True)
            asked = book.intents.get(session.intent or "")
            if asked is not None and asked.status == "requires_action":
                book.answer_challenge(asked, confirmed=self.dice.random() < 0.6)

    def confirms(self) -> None:
        """The customer answers the bank."""
        for intent in list(self.till.sandbox.book.intents.values()):
            if intent.status == "requires_action" and intent.session is None:
                self.till.sandbox.book.answer_challenge(intent, confirmed=self.dice.random() < 0.7)

    def transfers_money(self) -> None:
        """A transfer comes in: for an invoice, for too much of it, or for nothing in particular."""
        debts = self.account.debts
        debt = self.dice.choice(debts) if debts else None
        minor = self.dice.choice((debt.open_minor, debt.open_minor + 500, 700)) if debt else 900
        named = (debt.no,) if debt and self.dice.random() < 0.8 else ()
        currency = debt.currency if debt else "EUR"
        self.pay(minor, named, currency=currency)
        self.transfers[self.no, currency] += minor

    def refunds(self, *, reopens: bool = False) -> None:
        """Staff give a payment back, or a part of it, and ask for it twice."""
        intent = self.dice.choice(self.taken() or [None])
        if intent is None:
            return
        self.serial += 1
        minor = self.dice.choice((intent.taken, intent.taken // 2, 100, 100))
        for _ in range(2):
            with suppress(Refused):
                payment, request = f"stripe:{intent.id}", f"r{self.serial}"
                self.reopening |= {request} if reopens else set()
                refunds.refund(
                    self.store, self.providers, payment, minor, self.now, STAFF, "asked", request, reopens=reopens
                )

    def refund_fails(self) -> None:
        """The money of a refund could not be delivered."""
        book = self.till.sandbox.book
        made = [r for r in book.refunds.values() if r.status == "succeeded"]
        if made:
            book.fail_refund(self.dice.choice(made))

    def disputed(self) -> None:
        """The payer's bank takes a payment back, or a part of it."""
        intent = self.dice.choice(self.taken() or [None])
        left = 0 if intent is None else intent.taken - intent.refunded - intent.disputed
        if left > 0:
            self.till.sandbox.book.dispute(intent, self.dice.choice((None, max(1, left // 2))))

    def ruled(self) -> None:
        """The network rules on a chargeback, or finds otherwise than before."""
        book = self.till.sandbox.book
        if book.disputes:
            with suppress(Exception):
                book.close_dispute(self.dice.choice([*book.disputes.values()]), won=self.dice.random() < 0.5)

    def adds_service(self) -> None:
        """A later service, which the account's default card pays."""
        if len(self.account.subscriptions) < 3:
            commands.add_subscription(self.store, self.no, f"s{len(self.account.subscriptions) + 1}", self.now, "api:1")

    def corrected(self) -> None:
        """An invoice is withdrawn, or less is asked."""
        issued = [fact.debt for _, fact in self.facts(f.InvoiceIssued)]
        debt = self.dice.choice(issued or [None])
        if debt is None:
            return
        if self.dice.random() < 0.4:
            corrections.void(self.store, debt.number, self.now, STAFF, "wrong")
        else:
            corrections.credit(self.store, debt.number, min(50, debt.total_minor), self.now, STAFF, "kindness")

    def bank_changes(self) -> None:
        """A card that paid pays no more, or again."""
        book = self.till.sandbox.book
        mine = [key for key in self.cards if key[0] == self.no]
        if mine:
            key = self.dice.choice(mine)
            name = self.dice.choice((*GOOD, "insufficient_funds", "generic"))
            book.methods[self.store.method(*key).ref].behaves = name
            self.cards[key] = name if name not in GOOD else "again"

    def breaks(self) -> None:
        """The key is lost or may not charge, requests are refused, or a page is forgotten."""
        if self.lasting and self.broken:
            return
        what = self.dice.choice(("narrow", "refused") if self.lasting else ("key", "narrow", "refused", "page"))
        self.broken.add(what)
        if what == "key":
            self.till.control("key", secret="sk_test_another")
        elif what == "narrow":
            self.till.control("key", denied=["POST payment_intents", "POST checkout"])
        elif what == "refused":
            self.till.control("refuse", codes={self.dice.choice(("eur", "usd", "any", "setup")): "invalid_currency"})
        else:
            book = self.till.sandbox.book
            opened = [s.id for s in book.sessions.values() if s.mode == "payment" and s.status == "open"]
            book.forgotten.update(opened[-1:])

    def mends(self) -> None:
        """What was broken is mended."""
        if self.lasting:
            return
        self.broken.clear()
        self.till.control("key", secret="sk_test_sandbox", denied=[])
        self.till.control("refuse", codes={})

    # -- the course of it ------------------------------------------------------------------------------------

    def play(self) -> Verdict:
        """The days of it, a calm end, and what it came to."""
        for number in self.numbers:
            self.no = number
            self.adds_card(GOOD if number == self.numbers[0] else (*GOOD, *POOR))
            self.bills()
        later = self.dice.randrange(1, 8)
        for day in range(DAYS):
            if day == later:
                self.no = self.numbers[0]
                self.adds_service()
                self.bill(day + 1, 4_200, subscriptions=(len(self.account.subscriptions),))
            self.till.wire.bad = self.dice.choice((0, 0, 5, 20))
            for _ in range(self.dice.randrange(0, 4)):
                self.happen()
            self.until(day, f"{self.dice.randrange(10, 23)}:00")
            if self.dice.random() < 0.8:
                self.swept()
            self.look_at_stops()
        self._calm()
        return self.verdict()

    def swept(self) -> None:
        """The sweep reads what is new, now and then everything once more."""
        with suppress(Refused):
            since = self.instant(-5) if self.dice.random() < 0.2 else None
            sweep(self.store, self.providers, self.now, since)
        self.stage.perform()

    def _calm(self) -> None:
        self.till.wire.bad = 0
        self.lasting = False
        self.mends()
        for dispute in self.till.sandbox.book.disputes.values():
            if dispute.status == "needs_response":
                self.till.sandbox.book.close_dispute(dispute, won=self.dice.random() < 0.5)
        for round_of in range(3):
            self.until(DAYS + 3 * round_of + 2)
            self.swept()
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
    "everything": (10, MoneyWorld.pays_everything),
    "part": (2, lambda w: w.pays_everything(part=100)),
    "page opened": (6, MoneyWorld.opens_page),
    "page used": (7, MoneyWorld.uses_page),
    "bank confirmed": (3, MoneyWorld.confirms),
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


QUIET: Final = ("invoice", "service", "broken", "mended")
"""All that happens to the first account: its card is good, and its customer never has to do anything."""


def play(seed: int) -> Verdict:
    """One world."""
    return MoneyWorld(seed).play()
