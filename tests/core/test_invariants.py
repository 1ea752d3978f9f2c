"""Each invariant is shown to fire: the code that it guards is broken on purpose, in a world that is clean without."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import chain

import pytest
from msgspec.structs import replace
from tests.sizes import few
from tests.stories.story import Story

from arrears.core import evolve, rows
from arrears.core import facts as f
from arrears.core.account import Account, Action, DoubtKind, ServiceEnd, Subscription
from arrears.core.actions import ActionRow, actions_of
from arrears.core.deadlines import Ahead, ahead
from arrears.core.decide import decide
from arrears.core.escalation import escalate
from arrears.core.facts import Recorded
from arrears.core.guards import Guards
from arrears.core.invariants import (
    INVARIANTS,
    Breach,
    CheckedInstallation,
    check_account,
    check_actions,
    check_chain,
    check_deletion_cap,
    watch,
)
from arrears.core.ledger import CREDIT, Entry, entries_of
from arrears.core.policy import default_policy
from arrears.core.rules import RULES, Rule, credit, delete, disable, hold, lapse, past_due, restrict, resume
from arrears.core.view import Due, Rank, View
from arrears.engine import acting, run, system
from arrears.sim.simulate import simulate
from arrears.store.memory.store import MemoryStore

LITTLE = (5, 200, 12)
WORLDS = (LITTLE, *((14, 300, seed) for seed in (48, 47, *range(40, 47), *range(49, 52), 56)))
"""Accounts, days and seed of worlds in which much happens; the little one shows most sabotages, and with the next two
nearly every one."""

Sabotage = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def nothing_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps a wrong deletion from being ordered is left out: this is about what names it when it was."""
    monkeypatch.setattr(run, "_look_again", lambda *_: None)


def breaches_of(accounts: int, days: int, seed: int) -> Sequence[Breach]:
    return simulate(MemoryStore(), accounts, days, seed, full_check_every=100).breaches


def with_rules(*rules: Rule) -> Sabotage:
    return lambda patch: patch.setattr(acting, "decide", partial(decide, rules=rules))


def without(rule: Rule) -> Sabotage:
    return with_rules(*(r for r in RULES if r is not rule))


def patched(target: object, name: str, value: object) -> Sabotage:
    return lambda patch: patch.setattr(target, name, value)


def no_entry_for_credit(recorded: Recorded) -> list[Entry]:
    return [entry for entry in entries_of(recorded) if entry.ledger != CREDIT]


def disable_what_was_never_restricted(view: View) -> Iterable[Due]:
    mine = (one for one in ahead(view) if one.action is Action.DISABLE)
    return chain.from_iterable(escalate(view, one, disable._disabled) for one in mine)


def everybody_is_past_due(view: View, debts: list[tuple[object, date]]) -> f.BecamePastDue:
    fact = ORIGINAL_PAST_DUE(view, debts)  # type: ignore[arg-type]
    running = tuple(s.no for s in view.account.subscriptions if s.state.value != "deleted")
    return replace(fact, subscriptions=running)


def a_day_early(ahead: Ahead) -> date | None:
    day = ORIGINAL_BASE(ahead)
    return day if day is None else day - timedelta(days=1)


def after_ten_days(ahead: Ahead) -> date | None:
    end = ahead.sub.end
    if ahead.action is not Action.DELETE:
        return ORIGINAL_BASE(ahead)
    return None if end is None or end.ended_on is None else end.ended_on + timedelta(days=10)


def only_the_cool_off(view: View, sub: Subscription, end: ServiceEnd, at: datetime, one: Ahead | None) -> Iterable[Due]:
    mine = one or Ahead(view, sub, Action.DELETE, end)
    ordered = partial(delete._ordered, view, mine, False)
    yield Due(at + timedelta(hours=24), Rank.ESCALATION, sub.no, "delete", ordered)


def no_order_to_resume(recorded: Recorded) -> Iterator[ActionRow]:
    return (row for row in actions_of(recorded) if row.order != "resume")


def payment_changes_nothing(account: Account, _fact: f.Fact, _recorded: Recorded) -> Account:
    return account


def doubts_without_the_clock(view: View) -> tuple[DoubtKind, ...]:
    return tuple(kind for kind in ORIGINAL_DOUBTS(view) if kind is not DoubtKind.CLOCK)


def at_seven(view: View, day: date, calendar: object = None) -> datetime:
    return view.calendar.at(day, time(7))


ORIGINAL_PAST_DUE = past_due._became_past_due
ORIGINAL_BASE = Ahead.base
ORIGINAL_DOUBTS = View.doubts.fget  # type: ignore[attr-defined]

SABOTAGES: dict[str, tuple[str, Sabotage]] = {
    "an entry is left out": ("I1", patched(watch, "entries_of", no_entry_for_credit)),
    "credit is not used": ("I2", without(credit.rule)),
    "the evidence is left out": ("I7", patched(View, "evidence", lambda *_: f.Evidence(policy="x"))),
    "doubts are overlooked": ("I8", patched(View, "doubts", property(lambda _: ()))),
    "holds are overlooked": ("I8", patched(View, "holds_on", lambda *_, **__: [])),
    "no warning is waited for": ("I9", patched(Ahead, "_deadline", lambda self: self.planned)),
    "a small sum voids no warning": ("I9", without(lapse.rule)),
    "a hold voids no warning": ("I9", patched(hold, "_voided", lambda *_: iter(()))),
    "a day is forgotten": ("I10", patched(Ahead, "base", a_day_early)),
    "a stage is skipped": (
        "I10",
        with_rules(*(r for r in RULES if r not in (restrict.rule, disable.rule)), disable_what_was_never_restricted),
    ),
    "a promised date is forgotten": ("I10", patched(Ahead, "_planned", lambda self: self.base())),
    "others answer for the debt": ("I11", patched(past_due, "_became_past_due", everybody_is_past_due)),
    "paying lifts nothing": ("I12", without(resume.rule)),
    "there is no cool-off": ("I13", patched(delete, "timedelta", lambda **_: timedelta(0))),
    "retention is short": ("I13", patched(Ahead, "base", after_ten_days)),
    "there is no second look": ("I13", patched(delete, "_second_look", only_the_cool_off)),
    "an order is not recorded": ("I16", patched(rows, "actions_of", no_order_to_resume)),
    "a payment is not folded": (
        "I18",
        lambda patch: patch.setitem(evolve.FOLDS, f.PaymentBooked, payment_changes_nothing),
    ),
    "the clock is trusted": ("I21", patched(View, "doubts", property(doubts_without_the_clock))),
    "people are woken": ("I22", patched(View, "morning", at_seven)),
}


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", SABOTAGES)
def test_broken_code_is_caught_by_the_invariant_that_guards_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    invariant, sabotage = SABOTAGES[name]
    sabotage(monkeypatch)
    caught: set[str] = set()
    for world in WORLDS:
        caught |= {breach.invariant for breach in breaches_of(*world)}
        if invariant in caught:
            break
    assert invariant in caught


def test_the_same_worlds_are_clean_when_nothing_is_broken() -> None:
    assert [breach for world in WORLDS[: few(3, len(WORLDS))] for breach in breaches_of(*world)] == []


def test_every_invariant_has_a_sabotage_or_a_forgery_that_it_catches() -> None:
    about_money = {"I3", "I4", "I5", "I6"}  # tests/stories/test_money_invariants.py
    assert {invariant for invariant, _ in SABOTAGES.values()} | about_money == set(INVARIANTS)


# -- histories that somebody has tampered with ---------------------------------------------------------------------

START = datetime(2024, 1, 1, tzinfo=UTC)
POLICIES = {default_policy().name: default_policy(), default_policy().version: default_policy()}


@pytest.fixture(scope="module")
def book() -> MemoryStore:
    store = MemoryStore()
    assert simulate(store, 14, 300, 47).holds
    return store


def the_busiest(store: MemoryStore) -> int:
    return max(store.slots, key=lambda number: len(store.facts[number]))


def renumbered(facts: Iterable[Recorded]) -> list[Recorded]:
    return [replace(recorded, seq=number) for number, recorded in enumerate(facts, 1)]


def caught(store: MemoryStore, number: int, history: Sequence[Recorded]) -> set[str]:
    state = store.slots[number].state
    assert state is not None
    now = history[-1].at
    try:
        return {breach.invariant for breach in check_account(state, history, store.policies(), now)}
    except (AssertionError, KeyError):
        return {"I18"}


def test_an_honest_history_breaks_nothing(book: MemoryStore) -> None:
    assert [caught(book, number, book.history(number)) for number in book.slots] == [set()] * len(book.slots)


def test_a_changed_amount_breaks_the_conservation_of_money(book: MemoryStore) -> None:
    number = the_busiest(book)
    history = list(book.history(number))
    place = next(i for i, r in enumerate(history) if isinstance(r.fact, f.PaymentBooked))
    fact = history[place].fact
    assert isinstance(fact, f.PaymentBooked)
    history[place] = replace(history[place], fact=replace(fact, amount_minor=fact.amount_minor + 1))
    assert {"I1", "I2"} <= caught(book, number, history)


def test_a_message_sent_twice_is_caught(book: MemoryStore) -> None:
    number = the_busiest(book)
    history = list(book.history(number))
    place = next(i for i, r in enumerate(history) if isinstance(r.fact, f.Noticed) and r.fact.each(f.Reminder))
    assert "I22" in caught(book, number, renumbered([*history[: place + 1], *history[place:]]))


def test_time_that_goes_back_and_facts_of_the_future_are_caught(book: MemoryStore) -> None:
    number = the_busiest(book)
    history = list(book.history(number))
    back = [*history[:-1], replace(history[-1], at=START - timedelta(days=90))]
    assert "I21" in caught(book, number, back)
    state = book.slots[number].state
    assert state is not None
    early = check_account(state, history, book.policies(), history[-1].at - timedelta(seconds=1))
    assert [breach.invariant for breach in early] == ["I21"]


def test_a_missing_fact_and_a_changed_state_are_caught(book: MemoryStore) -> None:
    number = the_busiest(book)
    history = list(book.history(number))
    assert "I18" in caught(book, number, [*history[:5], *history[6:]])
    state = book.slots[number].state
    assert state is not None
    tampered = check_account(replace(state, parked="no"), history, book.policies(), history[-1].at)
    assert {breach.invariant for breach in tampered} == {"I18"}


def test_a_changed_word_breaks_the_chain(book: MemoryStore) -> None:
    number = the_busiest(book)
    history, head = list(book.history(number)), book.slots[number].head
    assert check_chain(history, head) == []
    history[2] = replace(history[2], why="on second thoughts")
    assert [breach.invariant for breach in check_chain(history, head)] == ["I18"]


def test_an_action_without_its_fact_and_a_fact_without_its_action_are_caught(book: MemoryStore) -> None:
    number = the_busiest(book)
    history = book.history(number)
    keys = [(seq, kind) for account, seq, kind in book.actions if account == number]
    assert check_actions(number, history, keys) == []
    assert [b.invariant for b in check_actions(number, history, keys[1:])] == ["I16"]
    assert [b.invariant for b in check_actions(number, history, [*keys, (1, "order")])] == ["I16"]


def test_the_cap_on_deletions_counts_utc_days_over_all_accounts() -> None:
    fact = f.DeletionOrdered(
        subscription=1, generation=1, service="cloud", order_no=2, evidence=f.Evidence(policy="default")
    )
    evening = datetime(2024, 5, 1, 23, 59, tzinfo=UTC)
    ordered = [Recorded(n, 9, evening, f.ARREARS, "", fact) for n in range(1, 11)]
    tomorrow = Recorded(11, 9, evening + timedelta(minutes=1), f.ARREARS, "", fact)
    assert check_deletion_cap([*ordered, tomorrow], 10) == []
    over = check_deletion_cap([*ordered, replace(tomorrow, at=evening)], 10)
    assert [(b.invariant, b.account) for b in over] == [("I13", 0)]


def test_a_cap_that_nobody_asks_about_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "_within_cap", lambda fact, _: fact)
    story = Story(accounts=3, limits=run.Limits(deletions_per_day=2)).until(125)
    assert {breach.invariant for breach in story.checker.breaches} == {"I13"}


def test_a_doubt_that_ends_before_anybody_looks_at_the_deadline_under_it_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(system, "run", lambda *_: None)
    story = Story().until(30, "23:00")
    system.set_feed(story.store, stale=True, now=story.now, author="api:1")
    story.down_until(31, "01:00")
    system.set_feed(story.store, stale=False, now=story.now, author="api:1")
    story.run()
    assert {breach.invariant for breach in story.checker.breaches} == {"I9"}


def test_a_doubt_of_the_installation_counts_from_its_start_to_its_end() -> None:
    installation = CheckedInstallation()
    installation.changed(START, Guards(feed_stale=True))
    installation.changed(START + timedelta(hours=2), Guards())
    stood = [bool(installation.spans_over(START + timedelta(hours=hours))) for hours in (-1, 0, 1, 2, 3)]
    assert stood == [False, True, True, False, False]
