"""What people, banks and staff do with money in the made-up worlds of `torture.money_worlds`."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final

from tests.stories.story import STAFF

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.payments.values import AttemptState
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.commands import corrections
from arrears.engine.payments import methods, pages, refunds, settling
from arrears.sandbox.pages import use_card
from torture.money_judged import DEBIT, GOOD, JudgedWorld

POOR: Final = ("insufficient_funds", "generic", "challenge", "wait_a_day", "do_not_honor", "lost")
DEBITS: Final = (DEBIT, DEBIT, "sepa_empty", "sepa_empty", "sepa_returned")
ASKED_ONCE: Final = 0.1
ODD_SUMS: Final = (1, 12, 49, 100_000_000, 140_000_000)
"""Below the least that the provider takes of a currency, and above the most."""


class PayingWorld(JudgedWorld):
    """Some accounts at one provider, and what people, banks and staff do with their money."""

    def __init__(self, seed: int) -> None:
        super().__init__(random.Random(seed))
        self.seed = seed
        # Drawn apart from the rest, so that all other worlds stay what they were.
        self.asked_once = random.Random(f"trusted {seed}").random() < ASKED_ONCE
        """Whether the bank of the customer who does nothing asks once for a confirmation."""
        self.broken: set[str] = set()
        self.serial = 0
        self.lasting = self.dice.random() < 0.4
        """Whether what is broken first stays so until the end."""

    @abstractmethod
    def swept(self) -> None:
        """The provider is read."""

    def bills(self) -> None:
        """An invoice for one of the services, due now or soon."""
        subs = [s.no for s in self.account.subscriptions if s.state is not State.DELETED]
        due = self.day(self.calendar.local_day(self.now)) + self.dice.randrange(0, 6)
        currency = self.dice.choice(("EUR", "EUR", "EUR", "USD"))
        odd = self.no != self.numbers[0] and self.dice.random() < 0.1
        minor = self.dice.choice(ODD_SUMS) if odd else self.dice.randrange(100, 90_000)
        self.bill(due, minor, subscriptions=(self.dice.choice(subs),), currency=currency)

    def adds_card(self, names: Iterable[str] = (*GOOD, *POOR), *, own: bool = True) -> int:
        """A card is added, of its own or one that others have too; as the first it pays for everything."""
        self.serial += 1
        page = methods.start_setup(
            self.store, self.providers, self.no, "stripe", f"setup-{self.no}-{self.serial}", "en"
        )
        name = self.dice.choice([*names])
        self.till.control("card", session=page.ref, card=name, own=own)
        number = methods.finish_setup(self.store, self.providers, self.no, "stripe", page.ref, self.now, "person:1")
        self.cards[self.no, number] = name
        if not self.account.past_due:
            methods.activate(self.store, self.no, number, self.now, "person:1")
        return number

    def pays_everything(self, names: Iterable[str] = (*GOOD, *GOOD, *POOR), part: int = 0) -> None:
        """Everything, or a part, with a card that is added for it."""
        shown = self.shown()
        if not shown:
            return
        method = self.adds_card(names)
        if part and self.dice.random() < 0.9:
            self._mistypes(shown, method)
        self.settles(shown, method, part)

    def settles(self, shown: Mapping[str, str], method: int, part: int = 0) -> settling.Results:
        """Pay what is shown, or so much of each currency, with a method: each is tried and told, whatever became of the
        others."""
        parts = dict.fromkeys(shown, part) if part else {}
        found = settling.settle(
            self.store, self.providers, self.no, shown, method, lambda: self.now, "person:1", part_minor=parts
        )
        told = {one.attempt.currency for one in found} | set(found.refused)
        if told != set(shown):
            self.wrong.append(f"account {self.no} paid {sorted(shown)} and was told of {sorted(told)} alone")
        self.count["settlements"] += len(shown)
        return found

    def shown(self) -> dict[str, str]:
        """What a settlement would take, as the payer sees it: the hash of each currency's quote."""
        return {q.currency: q.hash for q in settling.quote(self.store, self.no, self.now)}

    def _on_file(self, names: Iterable[str] = ()) -> int:
        """One of the account's methods, of these names; 0 where there is none."""
        own = [m.no for m in self.account.methods if not m.removed]
        found = [no for no in own if not names or self.cards.get((self.no, no), "") in names]
        return self.dice.choice(found or [0])

    def pays_on_file(self) -> None:
        """Everything, with a method that is there already."""
        shown, method = self.shown(), self._on_file()
        if shown and method:
            self.settles(shown, method)

    def is_cured(self) -> None:
        """The payer confirms a payment with the card that pays for everything, and the bank trusts it from then on."""
        number, shown = self.account.default_method, self.shown()
        if not number or not shown:
            return
        with suppress(Refused):
            self.settles(shown, number)
        self._answers_the_bank(confirmed=True)
        if self.cards.get((self.no, number)) == "challenge":
            self.till.sandbox.book.methods[self.store.method(self.no, number).ref].behaves = "approve"
            self.cards[self.no, number] = "again"
        self.swept()

    def confirms_once(self, day: int) -> None:
        """Who does nothing else confirms the first payment at the bank, at the second try, and the bank trusts the card
        from then on; so the invoice after that needs nobody."""
        self.no = self.numbers[0]
        if self.cards.get((self.no, 1)) != "challenge" or not self.account.past_due:
            return
        failed = any(tried.state is AttemptState.DECLINED for tried in self.account.method(1).tried)
        if failed:
            self.is_cured()
            self.bill(day + 2, 4_200, subscriptions=(1,))
            return
        with suppress(Refused):
            self.settles(self.shown(), 1)
        self._answers_the_bank(confirmed=False)
        self.swept()

    def _answers_the_bank(self, *, confirmed: bool) -> None:
        for intent in list(self.till.sandbox.book.intents.values()):
            if intent.status == "requires_action" and intent.session is None:
                self.till.sandbox.book.answer_challenge(intent, confirmed=confirmed)

    def is_stubborn(self) -> None:
        """A payer tries two cards again and again, in parts of every size; others have the same cards."""
        lucky = self.dice.choice((-1, 110))
        for name in ("insufficient_funds", "generic"):
            method = self.adds_card((name,), own=False)
            bank = self.till.sandbox.book.methods[self.store.method(self.no, method).ref]
            for part in (0, *range(100, 124)):
                # In between its bank lets one pass, perhaps, which empties no counter.
                bank.behaves = "approve" if part == lucky else name
                with suppress(Refused):
                    self.settles(self.shown(), method, part)
        self.swept()
        if self.store.system().breaker_open:
            self.wrong.append(f"one stubborn payer of account {self.no} is a storm of declines")

    def pays_an_old_quote(self) -> None:
        """A part is paid, and then the whole as it was shown before, with the same card."""
        shown = self.shown()
        if not shown:
            return
        with suppress(Refused):
            self.settles(shown, self.adds_card(("generic",)))
        method = self.adds_card(GOOD)
        parts = {one.attempt.no for one in self.settles(shown, method, 100)}
        with suppress(Refused):
            if any(one.attempt.no in parts for one in self.settles(shown, method)):
                self.wrong.append(f"account {self.no}: an old quote for the whole is answered with a part")

    def activates(self) -> None:
        """A method on file is to pay for everything from now on."""
        if number := self._on_file(("lost", "do_not_honor")) or self._on_file():
            methods.activate(self.store, self.no, number, self.now, "person:1")

    def removes(self) -> None:
        """A method is removed, unless it is needed."""
        if number := self._on_file():
            methods.remove(self.store, self.providers, self.no, number, self.now, "person:1")

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
            use_card(book, session, self.dice.choice((*GOOD, *POOR)), own=self.dice.random() < 0.7)
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

    def pays_twice_in_doubt(self) -> None:
        """A payment by card is lost on its way, and a transfer pays a part of what it was for."""
        shown, wire = self.shown(), self.till.wire
        if not shown or self.broken:
            return
        bad, method = wire.bad, self.adds_card(GOOD)
        wire.always = "drop_before"
        with suppress(Refused):
            self.settles(shown, method)
        wire.bad, wire.always = 0, ""
        self.transfers_money()
        self.stage.until(self.now + timedelta(minutes=5))
        self.swept()
        wire.bad = bad

    def pays_both_ways(self) -> None:
        """A page is used, and a transfer pays the same before anybody has read of that."""
        before = {*self.till.sandbox.book.sessions}
        self.opens_page()
        fresh = [s for name, s in self.till.sandbox.book.sessions.items() if name not in before and s.status == "open"]
        for session in fresh:
            use_card(self.till.sandbox.book, session, "approve", own=True)
        for debt in self.account.debts if fresh else ():
            self.pay(debt.open_minor, (debt.no,), currency=debt.currency)
            self.transfers[self.no, debt.currency] += debt.open_minor

    def refunds(self, *, reopens: bool = False) -> None:
        """Staff give a payment back, or a part of it, and ask for it twice."""
        intent = self.dice.choice(self.taken() or [None])
        if intent is None:
            return
        self.serial += 1
        minor = self.dice.choice((intent.taken, intent.taken // 2, 100, 100))
        lost = self.dice.choice(("drop_after", "error_after", "", ""))
        for always in (lost, ""):
            self.till.wire.always = always
            with suppress(Refused):
                payment, request = f"stripe:{intent.id}", f"r{self.serial}"
                self.reopening |= {request} if reopens else set()
                refunds.refund(
                    self.store, self.providers, payment, minor, self.now, STAFF, "asked", request, reopens=reopens
                )

        self.till.wire.always = ""

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
            one = book.methods[self.store.method(*key).ref]
            debit = one.instrument.kind != "card"
            name = self.dice.choice((DEBIT, "sepa_empty") if debit else (*GOOD, "insufficient_funds", "generic"))
            one.behaves = name
            self.cards[key] = name if name not in (*GOOD, DEBIT) else "again"

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
            with suppress(Refused):
                self.opens_page()
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
