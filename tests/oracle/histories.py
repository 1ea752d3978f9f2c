"""Random histories, each from one number, played by the engine while the judge reads along; `python -m torture.oracle`
plays many of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.oracle.judge import Judge
from tests.stories.play import DAYS, HOURS, KINDS, POLICIES, ZONES, Move, Play, Plot

from arrears.core import facts as f
from arrears.core.calendar import calendar_of
from arrears.core.system import System
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.commands.warned_otherwise import SpokenWarning, record_warned
from arrears.engine.messages.bounces import Returned, came_back
from arrears.engine.payments.providers import NO_PROVIDERS
from arrears.engine.run import tick
from arrears.sim.stage import Stage
from arrears.sim.world import BRIEF_CONTEXT
from arrears.store.memory.store import MemoryStore

MORE = (
    *("bounce", "bounce", "bounce", "mail server", "mail server", "tell"),
    *("bill abroad", "bill abroad", "hold", "dispute", "pay", "reopen", "cancel", "reactivate", "reactivate"),
)
THEMED = 90_000_000
"""From this number on a history is about one thing: a few policies, and mostly the moves that matter there."""
THEMES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    # Warnings that nobody took, of days that move for more than one reason.
    (
        ("default", "stepwise", "weekdays", "brisk"),
        (
            "mail",
            "mail",
            "mail server",
            "hold",
            "hold",
            "hold",
            "release",
            "pay",
            "bill",
            "bill",
            "write off",
            "reopen",
        ),
    ),
    # One clock for the whole account, and debts that name only a part of it.
    (("whole",), ("bill", "bill", "pay", "pay", "wait", "wait", "dispute", "release", "write off", "services")),
    # Small debts, of which some are held.
    (("patient",), ("bill", "bill", "bill", "dispute", "dispute", "hold", "release", "pay", "wait")),
    # Holds and promises to pay while a doubt keeps the stage before waiting.
    (
        ("stepwise", "weekdays", "brisk", "lenient"),
        (
            *("hold", "hold", "hold", "release", "dispute", "promise", "doubt", "clear", "feed"),
            *("stand still", "stand still", "bill", "bill", "wait", "confirm", "mail", "pay"),
        ),
    ),
)
BACK_AND_FORTH = 95_000_000
"""From this number on somebody who owes stops what they use, and mostly brings it back on the same day."""
MEANWHILE = ("hold", "release", "pay", "bill", "mail", "mail server", "wait", "dispute", "reopen", "tell")
CALM_DAYS = (30, 30, 130, 250)
"""Of four histories one goes on until whatever is left unpaid is deleted."""
LOOK_EVERY = timedelta(days=5)


class JudgedStage(Stage):
    """Time, with the judge told of each run, and asked before each whether it comes too late."""

    store: MemoryStore
    judged: Callable[[datetime, bool], None]
    changed_at = _looked_at = datetime.min.replace(tzinfo=UTC)
    """When something came from outside; what follows from it in the same instant is not late."""

    def step(self) -> None:
        """See Stage. On a day on which nothing is due and nothing waits to be done the run is its tick alone, and the
        judge looks now and then: what is left undone stays so."""
        due_at = self.store.next_due()
        if self.store.open_actions or (due_at is not None and due_at <= self.now):
            if self.changed_at < self.now:
                self.judged(self.now - timedelta(seconds=1), False)
            super().step()
            self.judged(self.now, True)
            return
        tick(self.store, self.now)
        self._ticked_at = self.now
        if self.now - self._looked_at >= LOOK_EVERY:
            self._looked_at = self.now
            self.judged(self.now, True)


class ReadStore(MemoryStore):
    """A store of which all that was recorded is read before a doubt of the installation begins or ends: a run that was
    made under the doubt is judged under it, also where that is over in the same instant."""

    read: Callable[[], None] = staticmethod(lambda: None)

    def record_system(self, fact: f.SystemFact, now: datetime, author: str, why: str) -> None:
        """See ports.InstallationControl."""
        self.read()
        super().record_system(fact, now, author, why)


class Game(Play):
    """A play that the judge follows; `said` is everything that is not as the text says."""

    new_store = ReadStore
    inner: ReadStore

    def __init__(self, plot: Plot) -> None:
        self.said: list[str] = []
        self.judge: Judge | None = None
        self._read = 0
        self._seen: System | None = None
        self._lifted = False
        super().__init__(plot)
        self.stage: JudgedStage
        self.inner.read = self.read
        # The invariants have tests of their own; without them a history takes half the time.
        self.store = self.inner
        now, context = self.stage.now, BRIEF_CONTEXT
        stage = JudgedStage(self.inner, self.mail, self.hands, now, providers=NO_PROVIDERS, context=context)
        stage.judged = self._judged
        self.stage = stage
        self.judge = Judge(self.inner.policies())

    def read(self, *, after_run: bool = False) -> None:
        """What has been recorded since. That a doubt about the whole system is over is seen by a run."""
        judge = self.judge
        if judge is None:
            return
        if self.inner.installation is not self._seen:
            self._seen = self.inner.installation
            doubts = {kind.value for kind in self._seen.guards.doubts}
            self._lifted = self._lifted or bool(judge.system_doubts - doubts)
            judge.system_doubts = doubts
        if after_run and self._lifted:
            self._lifted = False
            judge.doubt_gone(self.stage.now)
        stored = self.inner.facts[1]
        if len(stored) > self._read:
            judge.policies = self.inner.policies()
            for one in stored[self._read :]:
                self.said += judge.take(one.recorded)
            self._read = len(stored)

    def _judged(self, now: datetime, after_run: bool) -> None:
        self.read(after_run=after_run)
        if self.judge is not None and not self.account.parked:
            self.said += self.judge.ran(now)

    def _one(self, move: Move) -> None:
        if move.what == "stand still":
            self.stage.changed_at = datetime.max.replace(tzinfo=UTC)
        super()._one(move)
        self.stage.changed_at = self.now
        self.read()

    def calm(self, days: int = 200) -> Game:
        """See Play."""
        self.stage.changed_at = self.now
        super().calm(days)
        return self

    # -- more moves ------------------------------------------------------------------------------------------------

    def _bounce(self, pick: int, many: int) -> None:
        sent = [r.seq for r in self.history if isinstance(r.fact, f.Noticed)]
        for mail in self.store.mails_of_notices([(1, seq) for seq in sent[-1 - pick % 3 :][:1]]):
            came_back(self.inner, Returned(mail.id, mail.address, "soft", "5.7.1", "blocked"), self.now)

    def _mail_server(self, pick: int, many: int) -> None:
        """It is away for a while, and what it does not take waits."""
        was = self.mail.works
        self.mail.works, self.mail.down = False, True
        self.stage.until(self.now + timedelta(hours=5 * many))
        self.mail.works, self.mail.down = was, False

    def _tell(self, pick: int, many: int) -> None:
        """Somebody is told of the newest warning by telephone."""
        warned = [part for r in self.history if isinstance(r.fact, f.Noticed) for part in r.fact.each(f.Warning)]
        if warned:
            newest = warned[-1]
            today = calendar_of(self.account.terms.zone).local_day(self.now)
            spoken = SpokenWarning(newest.subscription, newest.action, f.WarnedHow.TELEPHONE, today, "call 7")
            record_warned(self.store, 1, spoken, self.now, "staff:1", "told the date")

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
    if number >= BACK_AND_FORTH:
        return _back_and_forth(dice)
    kinds, policies = KINDS + MORE, list(range(len(POLICIES)))
    if number >= THEMED:
        names, kinds = THEMES[number % len(THEMES)]
        policies = [n for n, policy in enumerate(POLICIES) if policy.name in names]
    moves = [
        Move(dice.choice(HOURS), dice.choice(kinds), dice.randint(0, 5), dice.randint(0, 40))
        for _ in range(dice.randint(1, 24))
    ]
    start = dice.choice(DAYS) + timedelta(days=dice.randint(-4, 4))
    return Plot(dice.choice(ZONES), dice.choice(policies), start, tuple(moves))


def _back_and_forth(dice: random.Random) -> Plot:
    def move(hours: tuple[int, ...], *what: str, pick: int = -1) -> Move:
        return Move(
            dice.choice(hours), dice.choice(what), pick if pick >= 0 else dice.randint(0, 5), dice.randint(0, 40)
        )

    moves = [move((0,), "bill"), move((0,), "bill"), move((24 * 3, 24 * 7, 24 * 14, 24 * 20, 24 * 29), "wait")]
    for _ in range(dice.randint(2, 7)):
        sub = dice.randint(0, 1)
        stop, back = dice.choice((("cancel", "reactivate"), ("cancel", "reactivate"), ("block", "unblock")))
        moves.append(move((24, 24 * 3, 24 * 7, 24 * 10), stop, pick=sub))
        moves += [move((0, 1, 7), *MEANWHILE) for _ in range(dice.choice((0, 0, 1, 2)))]
        moves.append(move((0, 1, 1, 7, 15, 24), back, pick=sub))
    start = dice.choice(DAYS) + timedelta(days=dice.randint(-4, 4))
    return Plot(dice.choice(ZONES), dice.choice(range(len(POLICIES))), start, tuple(moves))


def played(number: int) -> Game:
    """The history of a number, played to its end, with a quiet time after it."""
    game = Game(plot(number))
    game.play()
    game.calm(CALM_DAYS[number % len(CALM_DAYS)])
    game.read()
    return game


def disagreements(number: int) -> list[str]:
    """Where the engine and the text differ in a history."""
    return played(number).said
