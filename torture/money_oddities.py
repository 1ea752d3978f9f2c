"""What seldom happens around money: debits, another installation at the same account of the provider, a clock that is
ahead, reports that cannot be recorded, and a billing system that has not heard of what was taken back."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import stripe
from tests.stories.story import STAFF

from arrears.core import facts as f
from arrears.core.account import Debt
from arrears.core.errors import Refused
from arrears.core.known import IMPORTER, KINDS, PAID_IN_DOUBT, known_of
from arrears.core.payments.values import Charge, SetupDone
from arrears.core.receivables import BookAccount, BookInvoice, BookPayment, ReceivablesBook
from arrears.engine.commands import corrections
from arrears.engine.commands.importing import import_book
from arrears.engine.payments import methods
from arrears.sandbox.pages import use_card
from torture.money_judged import DEBIT, GOOD
from torture.money_people import DEBITS, PayingWorld

ON_ONE: Final = ("given up", "given up", "void", "less", "transfer", "card", "refund", "chargeback", "ruled")
"""What happens to one invoice, or to the money that has paid it."""

_COLUMNS: Final = {"number": "number", "total_minor": "total", "paid": "paid"}


class OddWorld(PayingWorld):
    """Accounts around which more happens than what people do."""

    def adds_debit(self) -> None:
        """A bank account is added, and pays for everything where nothing is past due."""
        number = self.adds_card(DEBITS)
        if not self.account.past_due:
            methods.activate(self.store, self.no, number, self.now, "person:1")

    def shares_card(self) -> None:
        """Several customers pay with the same card, one after the other; its bank may never want to see it again."""
        card = self.dice.choice(("lost", "lost", "do_not_honor", "insufficient_funds"))
        if self.dice.random() < 0.5:
            self._tries_on_page(card)
        for number in self.numbers[1:]:
            self.no = number
            if shown := self.shown():
                with suppress(Refused):
                    self.settles(shown, self.adds_card((card,), own=False))
                self.swept()

    def _tries_on_page(self, card: str) -> None:
        """Somebody tries that card on a page, in vain."""
        self.no, before = self.numbers[-1], {*self.till.sandbox.book.sessions}
        with suppress(Refused):
            self.opens_page()
        for name, session in list(self.till.sandbox.book.sessions.items()):
            if name not in before and session.status == "open":
                use_card(self.till.sandbox.book, session, card)
        self.swept()

    def no_more_returns(self) -> None:
        """What a bank has not taken back by now, it leaves."""
        book = self.till.sandbox.book
        book.agenda = sorted(one for one in book.agenda if one[2] != "return")
        for method in book.methods.values():
            if method.bank.name == "sepa_returned":
                method.behaves = DEBIT

    def neighbour_charges(self) -> None:
        """Another installation, whose accounts and attempts have the same numbers, charges a card of its own."""
        other, bad = self.till.neighbour, self.till.wire.bad
        self.till.wire.bad = 0
        self.serial += 1
        with suppress(Refused, stripe.StripeError):
            page = other.open_setup(f"theirs-{self.serial}", self.no, "", "en", "http://127.0.0.1:9")
            self.till.control("card", session=page.ref, card="approve", own=True)
            found = other.setup_outcome(page.ref)
            assert isinstance(found, SetupDone), "a card was set up"
            attempt = f"att_{self.no}_{self.dice.randrange(1, self.account.attempt_count + 3)}"
            other.charge(
                Charge(
                    attempt=attempt,
                    key=f"theirs-{self.serial}",
                    customer_ref=found.method.customer_ref,
                    method_ref=found.method.ref,
                    amount_minor=self.dice.randrange(100, 9_000),
                    currency="EUR",
                    off_session=True,
                    return_url="http://127.0.0.1:9",
                    description="",
                )
            )
        self.till.wire.bad = bad

    def clock_goes_ahead(self) -> None:
        """Our clock is some hours ahead of the provider's, for a day or some; a payment is taken back for good then."""
        self.ahead_seconds = self.dice.randrange(2, 20) * 3600
        self.ahead_most = max(self.ahead_most, self.ahead_seconds)
        self.swept()
        before = {*self.till.sandbox.book.disputes}
        self.disputed()
        for ref, dispute in list(self.till.sandbox.book.disputes.items()):
            if ref not in before and dispute.status == "needs_response":
                self.till.sandbox.book.close_dispute(dispute, won=False)

    def poisons(self) -> None:
        """A payment is charged back in another currency than it was made in."""
        disputes = self.till.sandbox.book.disputes
        before = {*disputes}
        self.disputed()
        for ref in disputes.keys() - before:
            self.poisoned[ref] = disputes[ref].currency
            disputes[ref].currency = "gbp"

    def heals(self) -> None:
        """Every report can be recorded again."""
        for ref, currency in self.poisoned.items():
            self.till.sandbox.book.disputes[ref].currency = currency

    def book_comes(self, *, heard: bool = False) -> None:
        """The billing system's book says how much is paid of what was taken back; unless it has `heard`, everything
        that was ever collected."""
        known = known_of(self.store.facts_of([self.no], KINDS)[self.no], IMPORTER)
        ref = f"A{self.no}"
        account = BookAccount(ref, ref, "NL", "UTC", "nl", "card", f"a{self.no}@example.org")
        invoices: list[BookInvoice] = []
        paid: list[BookPayment] = []
        for was in known.invoices.values():
            minor = max(0, known.paid(was.no)) + (0 if heard else was.gone_minor)
            doubted = f"{PAID_IN_DOUBT}{was.number}" in {doubt.ref for doubt in self.account.doubts}
            if doubted or (was.gone_minor and not was.given_up_minor):
                row = len(invoices) + 2
                dates = (was.issued_on, was.due_on)
                invoices.append(
                    BookInvoice(row, was.number, ref, was.services, *dates, was.currency, was.total_minor, False)
                )
                if minor:
                    paid.append(BookPayment(row, was.number, ref, was.number, was.due_on, was.currency, minor, False))
        if invoices:
            book = ReceivablesBook((account,), tuple(invoices), tuple(paid), "", _COLUMNS, ())
            import_book(self.store, book, self.now, IMPORTER)

    def given_up(self) -> None:
        """What is open of an invoice is written off."""
        if debts := self.account.debts:
            corrections.give_up(self.store, self.dice.choice(debts).number, self.now, STAFF, "no more")

    def two_on_one(self) -> None:
        """Two of the things that change what is asked of an invoice or paid of it happen to the same one, one right
        after the other: drawn, so in both orders; the provider is read in between, or not."""
        issued = [fact.debt for _, fact in self.facts(f.InvoiceIssued)]
        debt = self.dice.choice(issued or [None])
        if debt is None:
            return
        for act in self.dice.sample(ON_ONE, 2):
            with suppress(Refused):
                self._on_one(act, debt)
            self.stage.perform()
            if self.dice.random() < 0.3:
                self.swept()

    def _on_one(self, act: str, debt: Debt) -> None:
        match act:
            case "given up":
                corrections.give_up(self.store, debt.number, self.now, STAFF, "no more")
            case "void":
                corrections.void(self.store, debt.number, self.now, STAFF, "wrong")
            case "less":
                minor = self.dice.choice((1, 50, debt.total_minor // 2, debt.total_minor))
                corrections.credit(self.store, debt.number, minor, self.now, STAFF, "kindness")
            case "transfer":
                minor = self.dice.choice((debt.total_minor, debt.total_minor, 700, debt.total_minor + 300))
                self.pay(minor, (debt.no,), currency=debt.currency)
                self.transfers[self.no, debt.currency] += minor
            case "card":
                self.pays_everything(GOOD)
            case "refund":
                self.refunds(reopens=self.dice.random() < 0.5)
            case "chargeback":
                self.disputed()
            case _:
                self.ruled()

    def book_hears(self) -> None:
        """The billing system has heard of everything."""
        for number in self.numbers:
            self.no = number
            if any(isinstance(one.fact, f.DoubtRaised) for one in self.history()):
                self.book_comes(heard=True)
            self.stage.perform()
