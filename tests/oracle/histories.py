"""Random histories, each from one number, played by the engine while the judge reads along; `python -m torture.oracle`
plays many of them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from tests.oracle.judge import Judge
from tests.stories.play import DAYS, HOURS, KINDS, POLICIES, ZONES, Move, Play, Plot

from arrears.core import facts as f
from arrears.core.calendar import calendar_of
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.messages.bounces import Returned, came_back
from arrears.engine.payments.providers import NO_PROVIDERS
from arrears.sim.stage import Stage

MORE = ("bounce", "bounce", "bill abroad", "bill abroad", "hold", "dispute")
CALM_DAYS = 250


class JudgedStage(Stage):
    """Time, with the judge told of each run."""

    judge_run = staticmethod(lambda now: None)

    def step(self) -> None:
        """See Stage."""
        super().step()
        self.judge_run(self.now)


class Game(Play):
    """A play that the judge follows; `said` is everything that is not as the text says."""

    def __init__(self, plot: Plot) -> None:
        self.said: list[str] = []
        self.judge: Judge | None = None
        self._read = 0
        self._doubted: set[str] = set()
        super().__init__(plot)
        # The invariants have tests of their own; without them a history takes half the time.
        self.store = self.inner
        stage = JudgedStage(self.inner, self.mail, self.hands, self.stage.now, providers=NO_PROVIDERS)
        stage.judge_run = self._after_run
        self.stage = stage
        self.judge = Judge(self.inner.policies())

    def read(self, *, after_run: bool = False) -> None:
        """What has been recorded since. That a doubt about the whole system is over is seen by a run."""
        judge = self.judge
        if judge is None:
            return
        judge.policies = self.inner.policies()
        judge.system_doubts = {kind.value for kind in self.inner.system().guards.doubts}
        if after_run:
            if self._doubted - judge.system_doubts:
                judge.doubt_gone(self.stage.now)
            self._doubted = judge.system_doubts
        history = self.history
        for recorded in history[self._read :]:
            self.said += judge.take(recorded)
        self._read = len(history)

    def _after_run(self, now: datetime) -> None:
        self.read(after_run=True)
        if self.judge is not None and not self.account.parked:
            self.said += self.judge.ran(now)

    def _one(self, move: Move) -> None:
        super()._one(move)
        self.read()

    # -- more moves ------------------------------------------------------------------------------------------------

    def _bounce(self, pick: int, many: int) -> None:
        sent = [r.seq for r in self.history if isinstance(r.fact, f.Noticed)]
        if sent:
            message = f"a1-{sent[-1 - pick % min(3, len(sent))]}-1"
            came_back(self.inner, Returned(message, "", "soft", "5.7.1", "blocked"), self.now)

    def _bill_abroad(self, pick: int, many: int) -> None:
        self.count += 1
        today = calendar_of(self.account.terms.zone).local_day(self.now)
        due_on = today + timedelta(days=many - 5)
        subs = ((1,), (2,), (1, 2))[pick % 3]
        minor = (25_000, 250, 12_500)[many % 3]
        invoice = commands.Invoice(1, f"I{self.count}", "USD", minor, min(today, due_on), due_on, subs)
        commands.issue_invoices(self.store, [invoice], self.now, "api:1")

    def _pay(self, pick: int, many: int) -> None:
        debts = self.account.debts
        if debts:
            debt = debts[pick % len(debts)]
            minor = (debt.open_minor, max(1, debt.open_minor // 2), debt.open_minor + 77)[many % 3]
            self._booked(debt.currency, minor, (debt.no,))

    def pay_everything(self) -> None:
        """Every open debt, held or not, in one payment for each currency."""
        for currency in sorted({d.currency for d in self.account.debts}):
            debts = [d for d in self.account.debts if d.currency == currency]
            self._booked(currency, sum(d.open_minor for d in debts), tuple(d.no for d in debts))

    def _booked(self, currency: str, minor: int, debts: tuple[int, ...]) -> None:
        self.count += 1
        commands.record_payments(self.store, [Payment(1, f"P{self.count}", currency, minor, debts)], self.now, "api:1")


def plot(number: int) -> Plot:
    """The history of a number."""
    dice = random.Random(number)
    kinds = KINDS + MORE
    moves = [
        Move(dice.choice(HOURS), dice.choice(kinds), dice.randint(0, 5), dice.randint(0, 40))
        for _ in range(dice.randint(1, 24))
    ]
    start = dice.choice(DAYS) + timedelta(days=dice.randint(-4, 4))
    return Plot(dice.choice(ZONES), dice.randrange(len(POLICIES)), start, tuple(moves))


def played(number: int) -> Game:
    """The history of a number, played to its end, with a quiet time after it."""
    game = Game(plot(number))
    game.play()
    game.calm(CALM_DAYS)
    game.read()
    return game


def disagreements(number: int) -> list[str]:
    """Where the engine and the text differ in a history."""
    return played(number).said
