"""What a sweep leaves where there is nothing to tell, and what one bad account leaves of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from tests.stories.bank import Banked
from tests.stories.paying import Paying, at

from arrears.core.account import Account
from arrears.core.errors import Refused
from arrears.core.payments.values import Change
from arrears.engine.payments import sweep
from arrears.sandbox.run import Running


def test_a_sweep_that_finds_nothing_records_nothing(sandbox: Running) -> None:
    story = Paying(sandbox)
    before = story.store.digest()
    for hours in (0, 1, 8):
        with at(story, story.now + timedelta(hours=hours)):
            sweep.sweep(story.store, story.providers, story.now)
        assert story.store.digest() == before


def test_a_provider_that_is_away_for_a_moment_makes_nobody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Banked()
    sweep.sweep(story.store, story.providers, story.now)
    before = story.store.digest()

    def away(since: datetime) -> Iterator[Change]:
        raise Refused("provider_unreachable", "the bank does not answer")

    monkeypatch.setattr(story.bank, "changes_since", away)
    sweep.sweep(story.store, story.providers, story.now + timedelta(hours=1))
    assert story.store.digest() == before
    sweep.sweep(story.store, story.providers, story.now + timedelta(hours=7))
    assert story.store.system().feed_stale


def test_an_account_that_cannot_be_read_keeps_no_other_from_being_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Banked()
    story.card()
    story.bank.silent = True
    story.until(0)
    [attempt] = story.store.attempts(story.no)
    assert attempt.state == "unknown"
    story.bank.silent = False
    read, listed = story.store.snapshots, story.store.open_attempts

    def snapshots(numbers: Sequence[int]) -> Mapping[int, Account]:
        if 99 in numbers:
            raise Refused("unreadable_state", "the state of account 99 cannot be read")
        return read(numbers)

    def open_attempts(before: datetime, limit: int) -> Sequence[tuple[int, int]]:
        return [(99, 1), *listed(before, limit)]

    monkeypatch.setattr(story.store, "snapshots", snapshots)
    monkeypatch.setattr(story.store, "open_attempts", open_attempts)
    sweep.look_up_open(story.store, story.providers, story.now + timedelta(hours=2))
    assert [one.state for one in story.store.attempts(story.no)] == ["paid"]
