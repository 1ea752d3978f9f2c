"""Random accounts, made by playing: people do things at odd hours, the engine runs, and sometimes it stands still.

Nothing is put into a state by hand, so whatever a property finds can happen. Hypothesis shrinks a play to the few
moves that matter; its `repr` is the list of moves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st
from tests.stories.story import API, STAFF, Hands, Mail

from arrears.core.account import ALL_STOPS, Account, DoubtKind, HoldScope, Mode, Stop
from arrears.core.arrangements import Instalment
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.facts import InvoiceIssued, Recorded
from arrears.core.people.support import About, Via
from arrears.core.policy import Policy, load_policy
from arrears.core.states import Reason
from arrears.engine import commands, system
from arrears.engine.booking import Payment
from arrears.engine.people import support
from arrears.ports import NewAccount
from arrears.sim.checker import Checker
from arrears.sim.faults import POLICY_TEXTS, RENEWED
from arrears.sim.stage import Stage
from arrears.sim.watched import watched
from arrears.store.memory.store import MemoryStore

ZONES = (
    "Pacific/Niue",
    "Pacific/Kiritimati",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "America/New_York",
    "Europe/Amsterdam",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/St_Johns",
    "UTC",
)
"""From UTC-11 to UTC+14, with clocks that change by half an hour and at midnight."""

POLICIES = [load_policy(text, where=name) for name, text in POLICY_TEXTS.items()]
"""Default; with restriction; account-wide; with minimum and tolerance; never disabled; on working days alone; never
deleted; as quick as is allowed."""

# The days around which dates go wrong: clock changes, year ends, leap days, and a century of nothing special.
DAYS = (
    date(2023, 3, 10),
    date(2023, 10, 27),
    date(2023, 12, 30),
    date(2024, 1, 29),
    date(2024, 2, 28),
    date(2025, 4, 4),
    date(2026, 10, 1),
    date(2028, 2, 1),
    date(2028, 2, 27),
)


class Move(NamedTuple):
    """After so many hours somebody does something; `pick` chooses which, `many` how much or how long."""

    hours: int
    what: str
    pick: int
    many: int


class Plot(NamedTuple):
    """A whole play."""

    zone: str
    policy: int
    start: date
    moves: tuple[Move, ...]


MOVES = {
    "wait": 4,
    "bill": 5,
    "pay": 4,
    "pay all": 3,
    "send money": 2,
    "decline": 2,
    "reopen": 2,
    "write off": 1,
    "dispute": 2,
    "hold": 4,
    "promise": 3,
    "end promise": 1,
    "release": 3,
    "doubt": 3,
    "clear": 3,
    "cancel": 1,
    "reactivate": 1,
    "block": 1,
    "unblock": 1,
    "stand still": 3,
    "mail": 2,
    "services": 2,
    "feed": 2,
    "breaker": 1,
    "confirm": 3,
    "adopt": 1,
    "move": 1,
    "help": 3,
}
KINDS = tuple(kind for kind, weight in MOVES.items() for _ in range(weight))
HOURS = (0, 1, 7, 15, 24, 24 * 3, 24 * 7, 24 * 14, 24 * 29, 24 * 45)

moves = st.builds(
    Move,
    hours=st.sampled_from(HOURS),
    what=st.sampled_from(KINDS),
    pick=st.integers(0, 5),
    many=st.integers(0, 40),
)


def plots(moves_max: int = 24) -> st.SearchStrategy[Plot]:
    """Whole plays: a zone, a policy, a first day and what happens."""
    return st.builds(
        Plot,
        zone=st.sampled_from(ZONES),
        policy=st.integers(0, len(POLICIES) - 1),
        start=st.builds(lambda day, add: day + timedelta(days=add), st.sampled_from(DAYS), st.integers(-4, 4)),
        moves=st.lists(moves, min_size=1, max_size=moves_max).map(tuple),
    )


class Play:
    """The stage on which a plot is played; `account` is the one account in it."""

    new_store: Callable[[], MemoryStore] = MemoryStore

    def __init__(self, plot: Plot, at_rest: Callable[[Play], None] | None = None) -> None:
        self.plot = plot
        self.inner = self.new_store()
        self.checker = Checker(self.inner, 10, lambda _: None)
        self.store = watched(self.inner, self.checker.committed, self.checker.system_changed)
        self.mail, self.hands = Mail(), Hands()
        self.at_rest = at_rest
        start = datetime.combine(plot.start, datetime.min.time(), UTC)
        self.stage = Stage(self.store, self.mail, self.hands, start, after_step=self._after_step)
        for policy in POLICIES:
            system.adopt_policy(self.store, policy, start, STAFF)
        name = POLICIES[plot.policy].name
        new = NewAccount("A1", "A", "NL", plot.zone, "nl", Mode.CARD, name, "a@example.org")
        commands.open_accounts(self.store, [(new, ("cloud", "mail"))], start, API)
        self.count = 0
        self._bill(0, 10)

    @property
    def account(self) -> Account:
        """As committed."""
        return self.store.snapshots([1])[1]

    @property
    def history(self) -> Sequence[Recorded]:
        """All its facts."""
        return self.store.history(1)

    @property
    def now(self) -> datetime:
        """Where the play stands."""
        return self.stage.now

    @property
    def next_at(self) -> datetime | None:
        """When the account is looked at again, as stored."""
        return self.inner.slots[1].next_at

    def _after_step(self, now: datetime) -> None:
        due = self.store.next_due()
        if self.at_rest is not None and (due is None or due > now):
            self.at_rest(self)

    def play(self) -> Play:
        """All moves, then half a year in which nothing more goes wrong."""
        for move in self.plot.moves:
            self._one(move)
        self.mail.works, self.hands.busy = True, False
        return self

    def calm(self, days: int = 200) -> Play:
        """Nothing more goes wrong, and nobody pays."""
        system.set_feed(self.store, stale=False, now=self.now, author=API)
        system.set_breaker(self.store, is_open=False, now=self.now, author=API)
        for doubt in self.account.doubts:
            commands.clear_doubt(self.store, 1, doubt.kind, doubt.ref, self.now, API)
        system.confirm_clock(self.store, self.now, STAFF)
        self.stage.until(self.now + timedelta(days=days))
        return self

    def release_everything(self) -> None:
        """End every promise, every hold and every dispute."""
        for one in self.account.arrangements:
            commands.end_promise(self.store, 1, one.no, self.now, STAFF, "over")
        for hold in self.account.holds:
            if hold.ended_at is None and not hold.arrangement:
                commands.release(self.store, 1, hold.no, self.now, STAFF)

    def _one(self, move: Move) -> None:
        at = self.now + timedelta(hours=move.hours)
        if move.what == "stand still":
            self.stage.now = at + timedelta(hours=13 * move.many)
            self.stage.step()
            return
        self.stage.until(at)
        try:
            getattr(self, "_" + move.what.replace(" ", "_"))(move.pick, move.many)
        except Refused:
            return
        self.stage.perform()

    # -- the moves ---------------------------------------------------------------------------------------------

    def _wait(self, pick: int, many: int) -> None:
        self.stage.until(self.now + timedelta(days=many))

    def _bill(self, pick: int, many: int) -> None:
        self.count += 1
        today = calendar_of(self.account.terms.zone).local_day(self.now)
        due_on = today + timedelta(days=many - 5)
        subs = ((1,), (2,), (1, 2))[pick % 3]
        minor = (12_000, 150, 9_500)[many % 3]
        invoice = commands.Invoice(1, f"I{self.count}", "EUR", minor, min(today, due_on), due_on, subs)
        commands.issue_invoices(self.store, [invoice], self.now, API)

    def _money(self, minor: int, debts: tuple[int, ...]) -> None:
        self.count += 1
        payment = Payment(1, f"P{self.count}", "EUR", minor, debts)
        commands.record_payments(self.store, [payment], self.now, API)

    def _pay(self, pick: int, many: int) -> None:
        debts = self.account.debts
        if debts:
            debt = debts[pick % len(debts)]
            self._money((debt.open_minor, max(1, debt.open_minor // 2), debt.open_minor + 77)[many % 3], (debt.no,))

    def _pay_all(self, pick: int, many: int) -> None:
        self.pay_everything()

    def pay_everything(self) -> None:
        """Every open debt, held or not, in one payment."""
        debts = self.account.debts
        if debts:
            self._money(sum(d.open_minor for d in debts), tuple(d.no for d in debts))

    def _send_money(self, pick: int, many: int) -> None:
        self._money(1_000 * (many + 1), ())

    def _decline(self, pick: int, many: int) -> None:
        debts = self.account.debts
        commands.report_decline(self.store, 1, [debts[pick % len(debts)].no] if debts else [99], self.now, API)

    def _reopen(self, pick: int, many: int) -> None:
        issued = [r.fact.debt for r in self.history if isinstance(r.fact, InvoiceIssued)]
        debt = issued[pick % len(issued)]
        commands.reopen(self.store, 1, debt, max(1, debt.total_minor // (1 + many % 2)), "returned", self.now, API)

    def _write_off(self, pick: int, many: int) -> None:
        debts = self.account.debts
        commands.write_off(self.store, 1, debts[pick % len(debts)].no if debts else 99, self.now, STAFF, "lost")

    def _dispute(self, pick: int, many: int) -> None:
        debts = self.account.debts
        commands.dispute(self.store, 1, debts[pick % len(debts)].no if debts else 99, self.now, STAFF)

    def _hold(self, pick: int, many: int) -> None:
        scope = (HoldScope.ACCOUNT, HoldScope.SUBSCRIPTION, HoldScope.DEBT)[pick % 3]
        debts = self.account.debts
        target = 1 + many % 2 if scope is HoldScope.SUBSCRIPTION else debts[many % len(debts)].no if debts else 99
        stops = (ALL_STOPS, (Stop.REMIND,), (Stop.DISABLE, Stop.DELETE), (Stop.RESTRICT,))[many % 4]
        until = calendar_of(self.account.terms.zone).local_day(self.now) + timedelta(days=many)
        commands.hold(
            self.store,
            1,
            scope=scope,
            target=target,
            stops=stops,
            reason="asked",
            until=until,
            now=self.now,
            author=STAFF,
        )

    def _promise(self, pick: int, many: int) -> None:
        debts = [d.no for d in self.account.past_due][: pick % 3] if pick % 2 else []
        today = calendar_of((self.account.case or self.account).terms.zone).local_day(self.now)
        owed = sum(d.open_minor for d in self.account.past_due if not debts or d.no in debts)
        days = [today + timedelta(days=1 + many * (place + 1) // 2) for place in range(1 + pick // 2)]
        each = owed // len(days)
        sums = [each] * (len(days) - 1) + [owed - each * (len(days) - 1)] if len(days) > 1 else [0]
        parts = [Instalment(day, minor) for day, minor in zip(days, sums, strict=True)]
        commands.promise(self.store, 1, parts, debts=debts, now=self.now, author=STAFF, why="agreed")

    def _end_promise(self, pick: int, many: int) -> None:
        promises = [one.no for one in self.account.arrangements]
        commands.end_promise(self.store, 1, promises[pick % len(promises)] if promises else 99, self.now, STAFF, "over")

    def _release(self, pick: int, many: int) -> None:
        open_holds = [h.no for h in self.account.holds if h.ended_at is None]
        commands.release(self.store, 1, open_holds[pick % len(open_holds)] if open_holds else 99, self.now, STAFF)

    def _doubt(self, pick: int, many: int) -> None:
        kind = (DoubtKind.ATTEMPT, DoubtKind.BANK_CREDIT)[pick % 2]
        commands.raise_doubt(self.store, 1, kind, str(many % 2), self.now, API)

    def _clear(self, pick: int, many: int) -> None:
        for doubt in self.account.doubts[: 1 + pick % 2]:
            commands.clear_doubt(self.store, 1, doubt.kind, doubt.ref, self.now, API)

    def _cancel(self, pick: int, many: int) -> None:
        commands.cancel(self.store, 1, 1 + pick % 2, self.now, "person:1")

    def _reactivate(self, pick: int, many: int) -> None:
        commands.reactivate(self.store, 1, 1 + pick % 2, self.now, "person:1")

    def _block(self, pick: int, many: int) -> None:
        commands.set_reason(self.store, 1, 1 + pick % 2, Reason.POLICY_VIOLATION, self.now, STAFF, "abuse")

    def _unblock(self, pick: int, many: int) -> None:
        commands.lift_reason(self.store, 1, 1 + pick % 2, Reason.POLICY_VIOLATION, self.now, STAFF, "done")

    def _help(self, pick: int, many: int) -> None:
        via, about = list(Via)[pick % 3], list(About)[many % len(About)]
        asked = support.open_request(self.store, 1, via, about, "Help", self.now, "person:1")
        if many % 3 == 0:
            support.close(self.store, asked.number, "done", self.now, STAFF)
        elif many % 3 == 1:
            support.grant_hold(self.store, asked.number, (Stop.DELETE,), 1 + many, "more", self.now, STAFF)

    def _mail(self, pick: int, many: int) -> None:
        self.mail.works = not self.mail.works

    def _services(self, pick: int, many: int) -> None:
        self.hands.busy = not self.hands.busy

    def _feed(self, pick: int, many: int) -> None:
        system.set_feed(self.store, stale=pick % 2 == 0, now=self.now, author=API)

    def _breaker(self, pick: int, many: int) -> None:
        system.set_breaker(self.store, is_open=pick % 2 == 0, now=self.now, author=API)

    def _confirm(self, pick: int, many: int) -> None:
        system.confirm_clock(self.store, self.now, STAFF)

    def _adopt(self, pick: int, many: int) -> None:
        texts: list[Policy] = [load_policy(RENEWED, where="renewed"), POLICIES[0]]
        system.adopt_policy(self.store, texts[pick % 2], self.now, STAFF)

    def _move(self, pick: int, many: int) -> None:
        name = POLICIES[many % len(POLICIES)].name
        zone = ZONES[(pick + many) % len(ZONES)]
        commands.change_terms(self.store, 1, self.now, API, policy=name, zone=zone, mode=Mode.CARD)


def played(plot: Plot, at_rest: Callable[[Play], None] | None = None, calm_days: int = 0) -> Play:
    """A plot, played to its end."""
    play = Play(plot, at_rest).play()
    return play.calm(calm_days) if calm_days else play
