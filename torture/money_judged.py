"""What a made-up world of money came to: by the provider's book, what people were asked, and who was stopped."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, NamedTuple

from tests.stories.story import Story

from arrears.adapters.payments.stripe.amounts import amount_limits
from arrears.core import facts as f
from arrears.core.account import Attempt
from arrears.core.payments.trail import KINDS, trail_of
from arrears.core.payments.values import REQUEST_REFUSED, AttemptState, Initiator, MethodKind
from arrears.core.rules.paying import paying
from arrears.core.states import State
from arrears.engine import system
from arrears.engine.payments.attempts import NONE_FOUND_AFTER, attempt_ref
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.reconciliation import check
from arrears.engine.payments.sweep import LOOK_UP_AFTER, note_limits
from torture.money_networks import wrong_by_networks
from torture.money_till import Till

ACCOUNTS: Final = 3

GOOD: Final = ("approve", "approve_mastercard")
DEBIT: Final = "sepa"
NEVER: Final = ("lost_card", "do_not_try_again")
"""Declines after which no card may be tried again."""


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
        self.ahead_seconds = self.ahead_most = 0
        """By how much our clock is ahead of the provider's, and ever was."""
        self.till = Till(
            lambda: int(self.now.timestamp()) - self.ahead_seconds, system.identity(self.store, self.now), dice
        )
        self.providers = Providers({"stripe": self.till.stripe}, "http://127.0.0.1:9")
        self.stage.providers = self.providers
        note_limits(self.store, self.providers, self.now)
        self.count: Counter[str] = Counter()
        self.cards: dict[tuple[int, int], str] = {}
        self.transfers: Counter[tuple[int, str]] = Counter()
        self.wrong: list[str] = []
        self.looked_at: Counter[int] = Counter()
        self.reopening: set[str] = set()
        self.poisoned: dict[str, str] = {}
        self.unread = 0
        self.quiet = {self.numbers[0]}
        """Whose customers do nothing."""
        self.not_asked: defaultdict[int, set[int]] = defaultdict(set)
        self.heard: list[int] = []
        """How many charges there were whenever the provider was read to its end."""
        self.rereads = dice.choice((0.0, 0.0, 0.2))
        """How often a sweep reads everything once more."""

    def taken(self) -> list[Any]:
        """The payments at the provider that took money of this account."""
        mine = f"att_{self.no}_"
        intents = self.till.sandbox.book.intents.values()
        ours = [i for i in intents if i.taken and i.metadata.get("installation") == self.store.system().identity]
        return [i for i in ours if i.metadata.get("attempt", "").startswith(mine)]

    def look_at_stops(self) -> None:
        """What has been recorded since the last look: whoever was stopped had no card that would have paid."""
        for number in self.numbers:
            self.no = number
            history = self.history()
            for recorded in history[self.looked_at[number] :]:
                match recorded.fact:
                    case f.AttemptCreated():
                        self._asked(history, recorded, recorded.fact)
                    case f.Disabled(subscription=subscription):
                        self.count["disabled"] += 1
                        self._stopped(subscription)
                    case f.PaymentBooked():
                        self._credited(recorded.fact)
                    case f.MethodActivated(method=method) if recorded.author == "person:1":
                        self._activated(history[: recorded.seq - 1], method)
                    case (
                        f.RefundAsked(payment_ref=ref, credit_minor=minor)
                        | f.RefundCovered(payment_ref=ref, minor=minor)
                    ):
                        if minor > trail_of(history[: recorded.seq - 1]).payments[ref].credit:
                            self.wrong.append(
                                f"account {number}: a refund of {ref} takes the credit of another payment"
                            )
                    case _:
                        pass
            self.looked_at[number] = len(history)
            self._look_at_what_is_due(history)

    def _look_at_what_is_due(self, history: Sequence[f.Recorded]) -> None:
        """What is due is asked for within two days, where its method pays or has only been empty."""
        account, today = self.account, self.calendar.local_day(self.now)
        asked = {part.debt for one in history if isinstance(one.fact, f.AttemptCreated) for part in one.fact.parts}
        late = set()
        for debt in account.debts if not account.doubts else ():
            method = None if debt.no in asked or account.debt_is_held(debt.no) else paying(account, debt)
            if method is None or debt.charged_back or debt.open_minor < 100 or len(method.tried) > 8:
                continue
            if method.kind is MethodKind.CARD:
                name, last = self.cards.get((self.no, method.no)), [*method.tried][-1:]
                cured = name == "again" and [tried.state for tried in last] == [AttemptState.PAID]
                pays = cured or (name in GOOD and all(tried.state is AttemptState.PAID for tried in method.tried))
            else:
                empty = all(tried.codes.network in ("", "AM04") for tried in method.tried)
                pays = empty and debt.currency == "EUR"
            if pays and debt.due_on < today - timedelta(days=1):
                late.add(debt.no)
        if late & self.not_asked[self.no]:
            self.wrong.append(f"account {self.no}: {sorted(late)} are due, and their method is never asked")
        self.not_asked[self.no] = late

    def look_at_the_unknown(self) -> None:
        """Nothing is unknown once the provider has been read and can be asked."""
        before = self.now - LOOK_UP_AFTER
        for number in self.numbers:
            account = self.account_of(number)
            for one in account.attempts:
                unknown = one.state is AttemptState.UNKNOWN and not one.on_page and one.created_at < before
                if unknown and not self.ahead_seconds and not self._failed_there(number, one):
                    self.wrong.append(f"account {number}: attempt {one.no} stays unknown, and blocks its debts")

    def _failed_there(self, account: int, attempt: Attempt) -> bool:
        """Whether the provider repeats a failure of its own under the attempt's key and shows nothing else of it: what
        was begun then may still be brought to its end there, so nothing is proven for a day (decision 88)."""
        kept = self.till.sandbox.keys.get(attempt.key)
        made = any(
            one.metadata.get("attempt") == attempt_ref(account, attempt.no)
            for one in self.till.sandbox.book.intents.values()
            if one.metadata.get("installation") == self.store.system().identity
        )
        young = self.now - attempt.created_at < NONE_FOUND_AFTER
        return kept is not None and kept[1] >= 500 and young and not made

    def _credited(self, fact: f.PaymentBooked) -> None:
        """Whoever paid what was paid already is told, and offered it back."""
        ours = fact.ref.startswith("stripe:") and not fact.of
        if ours and fact.credit_minor and not fact.allocations and not fact.tell:
            self.wrong.append(f"account {self.no}: nobody is told that {fact.ref} paid what was paid already")

    def _activated(self, before: Sequence[f.Recorded], method: int) -> None:
        """No card is made active that must never be tried again."""
        tried = {r.fact.attempt for r in before if isinstance(r.fact, f.AttemptCreated) and r.fact.method == method}
        for one in before:
            said = one.fact
            if isinstance(said, f.AttemptMoved) and said.attempt in tried and said.codes.decline in NEVER:
                self.wrong.append(f"account {self.no}: method {method} is made active after {said.codes.decline}")

    def _asked(self, history: Sequence[f.Recorded], recorded: f.Recorded, fact: f.AttemptCreated) -> None:
        """We ask for nothing whose day has not come, and for nothing that has been taken and is not booked."""
        known, on = self.store.invoices(self.no), self.calendar.local_day(recorded.at)
        early = [known[part.debt].number for part in fact.parts if known[part.debt].due_on > on]
        if early and recorded.author == f.ARREARS:
            self.wrong.append(f"account {self.no} is charged for {early} before they are due")
        if not amount_limits()[fact.currency].takes(fact.amount_minor):
            self.wrong.append(f"account {self.no} is asked for {fact.amount_minor}, which no charge can be")
        before = [r.fact for r in history if r.seq < recorded.seq]
        if fact.by is Initiator.MERCHANT and self.account.method(fact.method).kind is not MethodKind.CARD:
            self._alone(before, fact)
        booked = {one.ref for one in before if isinstance(one, f.PaymentBooked)}
        wanted = {part.debt for part in fact.parts}
        for one in before:
            if isinstance(one, f.AttemptCreated) and wanted & {part.debt for part in one.parts}:
                for intent in self.taken():
                    mine = intent.metadata["attempt"] == f"att_{self.no}_{one.attempt}"
                    charged_at = self.till.sandbox.book.charges[intent.charge].created
                    asked_at = recorded.at.timestamp() - self.ahead_most
                    if mine and f"stripe:{intent.id}" not in booked and charged_at < asked_at:
                        self.wrong.append(f"account {self.no}: what {intent.id} has taken is asked for again")

    def _alone(self, before: Sequence[f.AnyFact], fact: f.AttemptCreated) -> None:
        """A debit that failed is presented alone: not with what has never been presented."""
        asked = {one.attempt: one for one in before if isinstance(one, f.AttemptCreated) and one.method == fact.method}
        failed = [one.attempt for one in before if isinstance(one, f.AttemptMoved) and one.to is AttemptState.DECLINED]
        again = {part.debt for number in failed if number in asked for part in asked[number].parts}
        ever = {part.debt for one in asked.values() for part in one.parts}
        if (wanted := {part.debt for part in fact.parts}) & again and wanted - ever:
            self.wrong.append(f"account {self.no}: a debit for {sorted(wanted - ever)} is merged with one that failed")

    def _stopped(self, subscription: int) -> None:
        if self.store.swept_until("stripe") is None:
            self.wrong.append(f"account {self.no} was disabled before the provider was ever read")
        account = self.account
        number = account.subscription(subscription).method or account.default_method
        if not number or account.method(number).removed:
            return
        method, name = account.method(number), self.cards.get((self.no, number))
        due = [d for d in account.past_due if subscription in d.subscriptions and not d.charged_back]
        codes = {tried.codes.decline for tried in method.tried}
        if codes & {*NEVER, REQUEST_REFUSED} or len(method.tried) > 8:
            return
        if method.kind is not MethodKind.CARD:
            return
        paid = [place for place, tried in enumerate(method.tried) if tried.state is AttemptState.PAID]
        since = method.tried[paid[-1] + 1 :] if paid else method.tried
        good = name in GOOD or (name == "again" and paid)
        active_at = [at for at, fact in self.facts(f.MethodActivated) if fact.method == number]
        # Whoever pays a part is not charged the rest on the same day.
        good = good and not (active_at and self.now - active_at[-1] < timedelta(days=2))
        if good and due and not any(t.state is AttemptState.DECLINED for t in since):
            self.wrong.append(f"account {self.no} was disabled with a card that pays")

    def verdict(self) -> Verdict:
        """Everything that is not as it must be."""
        found = check(self.store, self.till.stripe, self.instant(-30), self.now + timedelta(days=1))
        self.wrong += map(str, found.differences)
        self.wrong += wrong_by_networks(self.till.sandbox.book, self.heard, self.store.system().identity)
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
        asked = len(self.facts(f.RefundAsked))
        if sum(keys.values()) > asked:
            yield f"{asked} refunds were asked for, and {sum(keys.values())} were paid out"

    def _asked_for(self, currency: str) -> int:
        """What was asked in a currency, but for what was credited or written off; no more can be written off of an
        invoice than it asks."""
        asked, given_up = Counter[int](), Counter[int]()
        for _, issued in self.facts(f.InvoiceIssued):
            asked[issued.debt.no] += issued.debt.total_minor * (issued.debt.currency == currency)
        for _, note in self.facts(f.InvoiceCredited):
            asked[note.debt] -= note.minor * (note.currency == currency)
        for _, off in self.facts(f.WrittenOff):
            given_up[off.debt] += off.minor * (off.currency == currency)
        for _, again in self.facts(f.DebtReopened):
            given_up[again.debt.no] -= again.minor * (again.given_up and again.debt.currency == currency)
        return sum(minor - max(0, min(minor, given_up[debt])) for debt, minor in asked.items())

    def _sums(self) -> Iterable[str]:
        """What was asked and is not open, and what is credit, is what the provider has and what came by transfer, but
        for what was given back in kindness."""
        trail = trail_of(self.store.facts_of([self.no], KINDS)[self.no])
        for currency in ("EUR", "USD"):
            covered = self._asked_for(currency) - sum(
                d.open_minor for d in self.account.debts if d.currency == currency
            )
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
