"""A payment provider that can charge and look up, and nothing else: it pays a whole story, and what it cannot do is
said in one line before anything is recorded."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from datetime import datetime
from typing import Final

import pytest
from tests.stories.paying import ADMIN
from tests.stories.story import PRICE, STAFF, Story, table

from arrears.core import facts as f
from arrears.core.errors import Refused
from arrears.core.payments.values import (
    Charge,
    Codes,
    Declined,
    MethodDetails,
    MethodKind,
    NeedsCustomer,
    Network,
    NotFound,
    Outcome,
    Paid,
    Unknown,
)
from arrears.core.states import State
from arrears.engine.payments import methods, pages, refunds, settling, setups, sweep
from arrears.engine.payments.providers import Providers
from arrears.ports import Processor
from arrears.ports.payments import OPTIONAL


class Till(Processor):
    """Takes money by the name of the card: `empty` is declined, `asks` wants the payer, `silent` is paid unanswered,
    `single` works once, and while it is `deaf` nothing is heard of `deaf`."""

    name = "till"
    live = False

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.said: dict[str, Outcome] = {}
        self.deaf = True

    def charge(self, charge: Charge) -> Outcome:
        """See ports.Processor."""
        if charge.method_ref == "deaf" and self.deaf:
            return Unknown("no answer")
        fresh = charge.attempt not in self.said
        if fresh:
            self.said[charge.attempt] = self._new(charge)
        return Unknown("no answer") if fresh and charge.method_ref == "silent" else self.said[charge.attempt]

    def _new(self, charge: Charge) -> Outcome:
        if charge.method_ref == "empty":
            return Declined(f"t-{charge.attempt}", Codes("insufficient_funds", "51"), self._now())
        if charge.method_ref == "asks":
            return NeedsCustomer(f"t-{charge.attempt}", "", self._now())
        durable = charge.method_ref != "single"
        return Paid(f"t-{charge.attempt}", charge.amount_minor, charge.currency, self._now(), durable=durable)

    def look_up(self, attempt: str, customer_ref: str, ref: str, since: datetime) -> Outcome:
        """See ports.Processor."""
        return self.said.get(attempt, NotFound())


class Small(Story):
    """A story that pays at the till."""

    def __init__(self) -> None:
        super().__init__(bill=False)
        self.till = Till(lambda: self.now)
        self.stage.providers = self.providers = Providers({"till": self.till})
        self.bill(-1)

    def card(self, name: str) -> int:
        """A card of this name, stored; its number."""
        details = MethodDetails(name, "customer", MethodKind.CARD, Network.UNKNOWN, name, name)
        number = methods.add(self.store, self.providers, self.no, "till", details, self.now, ADMIN)
        if not self.account.past_due:
            methods.activate(self.store, self.no, number, self.now, ADMIN)
        return number

    def settle(self, method: int) -> list[str]:
        """Pay everything with a method: the states of the attempts."""
        shown = {q.currency: q.hash for q in settling.quote(self.store, self.no, self.now)}
        found = settling.settle(self.store, self.providers, self.no, shown, method, lambda: self.now, ADMIN)
        self.stage.perform()
        return [r.attempt.state for r in found]


@pytest.fixture
def small() -> Small:
    return Small()


def test_charging_and_looking_up_are_enough_for_a_whole_story(small: Small) -> None:
    small.card("empty")
    small.until(40)
    assert small.sub().state is State.DISABLED
    assert small.settle(small.card("silent")) == ["paid"], "its answer was lost, and is looked up"
    assert small.sub().state is State.ACTIVE
    small.bill(60)
    small.until(60, "10:00")
    sweep.sweep(small.store, small.providers, small.now)
    small.until(70)
    assert small.diary(40, only="attempt paid method resumed") == table("""
        day 40 12:00 method 2 added: silent
        day 40 12:00 attempt 6 by customer: EUR 12000 with method 2 for I1
        day 40 12:00 attempt 6 unknown
        day 40 12:00 attempt 6 paid
        day 40 12:00 paid 12000 EUR
        day 40 12:00 method 2 pays for cloud
        day 40 12:00 resumed cloud: disabled -> active
        day 60 09:00 attempt 7 by merchant: EUR 12000 with method 2 for I2
        day 60 09:00 attempt 7 unknown
        day 60 10:00 attempt 7 paid
        day 60 10:00 paid 12000 EUR
    """)
    assert small.store.swept_until("till") == small.instant(60, "10:00")
    small.check()


def test_without_proof_that_a_payment_was_ended_nothing_else_is_charged(small: Small) -> None:
    small.card("asks")
    small.until(2)
    assert small.account.attempts[0].state == "needs_customer"
    with pytest.raises(Refused) as refusal:
        small.settle(small.card("approve"))
    assert refusal.value.code == "attempt_in_flight"


REFUSED: Final[dict[str, Callable[[Small], object]]] = {
    "open_payment": lambda s: pages.open_page(s.store, s.providers, s.no, {"EUR": "x"}, s.now, ADMIN),
    "open_setup": lambda s: setups.start(s.store, s.providers, s.no, {}, "nl", s.now, ADMIN, back=str),
    "setup_outcome": lambda s: methods.finish_setup(s.store, s.providers, s.no, "till", "page", s.now, ADMIN),
    "expire_payment": lambda s: s.till.expire_payment("page", "key"),
    "renew": lambda s: methods.renew(s.store, s.providers, s.no, 1, 12, 2030, s.now, ADMIN),
    "refund": lambda s: refunds.refund(s.store, s.providers, f"till:t-att_{s.no}_1", 100, s.now, STAFF, "asked", "r"),
    "changes_in": lambda s: s.till.changes_in(b"{}", "", s.now),
    "book": lambda s: s.till.book(s.now, s.now),
    "show": lambda s: s.till.show("approve"),
}


@pytest.mark.parametrize("method", sorted(REFUSED))
def test_what_it_cannot_do_is_refused_in_one_line_and_nothing_is_recorded(small: Small, method: str) -> None:
    small.card("approve")
    small.until(2)
    before = len(small.history())
    with pytest.raises(Refused) as refusal:
        REFUSED[method](small)
    assert (refusal.value.code, refusal.value.message) == (
        "not_supported",
        f"payment provider 'till' cannot {OPTIONAL[method]}",
    )
    assert len(small.history()) == before
    assert small.store.setup(1) is None


def test_a_method_is_removed_here_where_the_provider_keeps_nothing(small: Small) -> None:
    spare = small.card("approve")
    small.card("other")
    small.until(2)
    methods.remove(small.store, small.providers, small.no, spare, small.now, ADMIN)
    assert [fact.method for _, fact in small.facts(f.MethodRemoved)] == [spare]
    assert (small.account.debts, small.store.attempts(small.no)[0].amount_minor) == ((), PRICE)


def test_every_method_that_a_provider_may_leave_out_and_that_nothing_replaces_has_its_words() -> None:
    [contract] = ast.parse(inspect.getsource(Processor)).body
    assert isinstance(contract, ast.ClassDef)
    refusing = {one.name for one in contract.body if isinstance(one, ast.FunctionDef) and "raise" in ast.unparse(one)}
    assert refusing - {"must_support"} == set(OPTIONAL) == set(REFUSED)
    assert Processor.__abstractmethods__ == {"charge", "look_up"}
