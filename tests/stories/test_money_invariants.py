"""Each invariant about money fires when the code it guards is broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.stories.paying import Paying

from arrears.core import facts as f
from arrears.core.account import Account, Attempt
from arrears.core.invariants.checked import CheckedInstallation
from arrears.core.invariants.watch import Watch
from arrears.core.payments.settlement import Quote, quote_for
from arrears.core.payments.values import AttemptState, Unknown
from arrears.core.rules import charge
from arrears.engine.payments import attempts, settling
from arrears.sandbox.run import Running
from arrears.store.memory.store import MemoryStore


def breaches(story: Paying) -> set[str]:
    return {breach.invariant for breach in story.checker.breaches}


def a_cent_more(account: Account, currency: str, parts: tuple[object, ...]) -> Quote:
    found = quote_for(account, currency, parts)  # type: ignore[arg-type]
    return found._replace(amount_minor=found.amount_minor + 1)


def test_two_open_attempts_on_one_invoice_are_caught(sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(2)
    first, second = story.add("challenge", own=True), story.add("challenge", own=True)
    story.settle(first)
    monkeypatch.setattr(Account, "attempt_on", lambda *_: None)
    monkeypatch.setattr(MemoryStore, "check_attempts", lambda *_: None)
    monkeypatch.setattr(settling, "cancel_open_attempts", lambda *_: None)
    story.settle(second)
    assert "I3" in breaches(story)


def test_a_success_whose_money_is_not_booked_is_caught(sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Paying(sandbox)
    story.card()
    monkeypatch.setattr(attempts, "book", lambda *_: None)
    story.until(0)
    assert "I4" in breaches(story)


def test_a_rule_that_would_charge_without_end_stops_within_the_day(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Paying(sandbox)
    story.card()
    monkeypatch.setattr(attempts, "book", lambda *_: None)
    monkeypatch.setattr(charge, "_first", lambda view, _group: view.now)
    story.until(0)
    assert 1 < len(story.attempts()) <= 2 * charge.CHARGES_A_DAY_MAX


def test_an_attempt_that_is_not_the_sum_of_its_parts_is_caught(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Paying(sandbox)
    story.card()
    monkeypatch.setattr(charge, "quote_for", a_cent_more)
    monkeypatch.setattr(charge, "in_part", lambda quote, *_: quote)
    story.until(0)
    assert "I6" in breaches(story)


def test_a_late_answer_that_revives_an_attempt_that_is_over_is_caught(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    seen: list[Attempt] = []
    honest = attempts._record
    monkeypatch.setattr(attempts, "_record", lambda *a: (seen.append(a[2]), honest(*a)))
    story.until(-1, "12:00")
    assert breaches(story) == set()
    monkeypatch.setattr(Account, "attempt", lambda *_: seen[0])
    monkeypatch.setattr(MemoryStore, "check_attempts", lambda *_: None)
    attempts.record_outcome(story.store, "sandbox", story.no, seen[0].no, Unknown("too late"), story.now)
    assert "I5" in breaches(story)


def forged(story: Paying, change: Callable[[list[f.Recorded]], None]) -> set[str]:
    """What the checker says of the story's own history after somebody has changed it."""
    history = list(story.history())
    change(history)
    renumbered = [replace(recorded, seq=number) for number, recorded in enumerate(history, 1)]
    policies = story.store.policies()
    return {breach.invariant for breach in Watch(policies, CheckedInstallation()).see(renumbered, None, policies)}


def test_an_attempt_that_comes_back_to_life_is_caught(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(-1, "12:00")
    assert forged(story, lambda _: None) == set()

    def repeated(history: list[f.Recorded]) -> None:
        fact = f.AttemptMoved(attempt=1, to=AttemptState.UNKNOWN)
        history.append(replace(history[-1], fact=fact))

    assert "I5" in forged(story, repeated)


def test_a_key_that_is_used_for_two_attempts_is_caught(sandbox: Running) -> None:
    story = Paying(sandbox)
    story.card("insufficient_funds")
    story.until(-1, "12:00")
    [created] = [r for r in story.history() if isinstance(r.fact, f.AttemptCreated)]

    def repeated(history: list[f.Recorded]) -> None:
        history.append(replace(history[-1], fact=replace(created.fact, attempt=2)))

    assert "I4" in forged(story, repeated)
