"""What a made-up world of money came to: by the provider's book, what people were asked, and who was stopped."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, NamedTuple

from tests.stories.story import Story

from arrears.core import facts as f
from arrears.core.payments.trail import KINDS, trail_of
from arrears.core.payments.values import AttemptState
from arrears.core.states import State
from arrears.engine import system
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.reconciliation import check
from arrears.engine.payments.sweep import note_limits
from torture.money_till import Till

ACCOUNTS: Final = 3

GOOD: Final = ("approve", "approve_mastercard")


class Verdict(NamedTuple):
    """What a world came to: how often what happened, and what is wrong."""

    figures: Counter[str]
    wrong: list[str]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong


class JudgedWorld(Story):
    """Some accounts at one provider, and whether all is well with them."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(bill=False, accounts=ACCOUNTS)
        self.dice = dice
        self.till = Till(lambda: int(self.now.timestamp()), system.identity(self.store, self.now), dice)
        self.providers = Providers({"stripe": self.till.stripe}, "http://127.0.0.1:9")
        self.stage.providers = self.providers
        note_limits(self.store, self.providers, self.now)
        self.count: Counter[str] = Counter()
        self.cards: dict[tuple[int, int], str] = {}
        self.transfers: Counter[tuple[int, str]] = Counter()
        self.wrong: list[str] = []
        self.looked_at: Counter[int] = Counter()
        self.reopening: set[str] = set()

    def taken(self) -> list[Any]:
        """The payments at the provider that took money of this account."""
        mine = f"att_{self.no}_"
        intents = self.till.sandbox.book.intents.values()
        return [i for i in intents if i.taken and i.metadata.get("attempt", "").startswith(mine)]

    def look_at_stops(self) -> None:
        """Whoever was stopped had no card that would have paid."""
        for number in self.numbers:
            self.no = number
            history = self.history()
            for recorded in history[self.looked_at[number] :]:
                if isinstance(recorded.fact, f.AttemptCreated):
                    self._asked(history, recorded, recorded.fact)
                if isinstance(recorded.fact, f.Disabled):
                    self.count["disabled"] += 1
                    self._stopped(recorded.fact.subscription)
            self.looked_at[number] = len(history)

    def _asked(self, history: Sequence[f.Recorded], recorded: f.Recorded, fact: f.AttemptCreated) -> None:
        """We ask for nothing whose day has not come, and for nothing that has been taken and is not booked."""
        known, on = self.store.invoices(self.no), self.calendar.local_day(recorded.at)
        early = [known[part.debt].number for part in fact.parts if known[part.debt].due_on > on]
        if early and recorded.author == f.ARREARS:
            self.wrong.append(f"account {self.no} is charged for {early} before they are due")
        before = [r.fact for r in history if r.seq < recorded.seq]
        booked = {one.ref for one in before if isinstance(one, f.PaymentBooked)}
        wanted = {part.debt for part in fact.parts}
        for one in before:
            if isinstance(one, f.AttemptCreated) and wanted & {part.debt for part in one.parts}:
                for intent in self.taken():
                    mine = intent.metadata["attempt"] == f"att_{self.no}_{one.attempt}"
                    charged_at = self.till.sandbox.book.charges[intent.charge].created
                    if mine and f"stripe:{intent.id}" not in booked and charged_at < recorded.at.timestamp():
                        self.wrong.append(f"account {self.no}: what {intent.id} has taken is asked for again")

    def _stopped(self, subscription: int) -> None:
        account = self.account
        sub = account.subscription(subscription)
        number = sub.method or account.default_method
        if not number or account.method(number).removed or self.cards.get((self.no, number)) not in GOOD:
            return
        due = [d for d in account.past_due if subscription in d.subscriptions and not d.charged_back]
        method = account.method(number)
        if due and not any(t.state is AttemptState.DECLINED for t in method.tried):
            self.wrong.append(f"account {self.no} was disabled with a card that pays")

    def verdict(self) -> Verdict:
        """Everything that is not as it must be."""
        found = check(self.store, self.till.stripe, self.instant(-30), self.now + timedelta(days=1))
        self.wrong += map(str, found.differences)
        for number in self.numbers:
            self.no = number
            self.wrong += [f"account {number}: {what}" for what in self._account_is_wrong()]
        with suppress(AssertionError):
            self.check()
            return self._counted()
        self.wrong.append("an invariant is broken")
        return self._counted()

    def _counted(self) -> Verdict:
        self.count["lost answers"] = self.till.wire.lost
        self.count["captures"] = sum(1 for i in self.till.sandbox.book.intents.values() if i.taken)
        return Verdict(self.count, self.wrong)

    def _account_is_wrong(self) -> Iterable[str]:
        account = self.account
        if account.parked:
            yield f"parked: {account.parked}"
        if account.attempts:
            yield f"attempts are open: {[a.state for a in account.attempts]}"
        held = {d.no for d in account.debts if account.debt_is_held(d.no)}
        if [d for d in account.past_due if d.no not in held]:
            yield f"it still owes after it has paid everything: {[(d.number, d.open_minor) for d in account.past_due]}"
        if account.doubts:
            yield f"it is in doubt: {account.doubts}"
        stopped = [s.service for s in account.subscriptions if s.state is not State.ACTIVE]
        if stopped and not held:
            yield f"it does not run: {stopped}"
        for traced in trail_of(self.store.facts_of([self.no], KINDS)[self.no]).payments.values():
            for one in traced.refunds:
                if one.left and not one.undone and one.request in self.reopening and one.ref not in traced.reversals:
                    yield f"refund {one.request} was to reopen, and nobody owes it"
        yield from self._refunded_twice()
        yield from self._sums()

    def _refunded_twice(self) -> Iterable[str]:
        mine = {i.id for i in self.taken()}
        keys = Counter(r.metadata.get("key", r.id) for r in self.till.sandbox.book.refunds.values() if r.intent in mine)
        yield from (f"{key} was paid out {times} times" for key, times in keys.items() if times > 1)

    def _sums(self) -> Iterable[str]:
        """What was asked and is not open, and what is credit, is what the provider has and what came by transfer, but
        for what was given back in kindness."""
        trail = trail_of(self.store.facts_of([self.no], KINDS)[self.no])
        for currency in ("EUR", "USD"):
            asked = sum(x.debt.total_minor for _, x in self.facts(f.InvoiceIssued) if x.debt.currency == currency)
            asked -= sum(x.minor for _, x in self.facts(f.InvoiceCredited) if x.currency == currency)
            covered = asked - sum(d.open_minor for d in self.account.debts if d.currency == currency)
            covered += self.account.credit.get(currency, 0)
            have = sum(i.taken - i.refunded - i.disputed for i in self.taken() if i.currency == currency.lower())
            have += self.transfers[self.no, currency]
            kind = 0
            for traced in trail.payments.values():
                if traced.currency == currency:
                    given = [r for r in traced.refunds if r.left and not r.undone and r.ref not in traced.reversals]
                    kind += sum(r.minor - r.credit for r in given)
                    bank = traced.amount - traced.taken_back - sum(r.credit for r in traced.refunds if not r.undone)
                    kind += max(0, -bank)
            if covered != have + kind:
                yield f"{currency}: {covered} is covered, {have} is there and {kind} was given in kindness"
