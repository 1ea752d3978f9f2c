"""What `arrears status` lists: deletions above the day's cap wait for people, the oldest first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import pytest
from tests.store.contract import API, at, invoice, open_book

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.cli.status import _installation
from arrears.engine import commands
from arrears.engine.payments.providers import NO_PROVIDERS
from arrears.engine.perform import perform_all
from arrears.engine.run import Limits, run
from arrears.store import schema
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import Installation


class Noon:
    """Noon of day 126, when every deletion has had its cool-off."""

    def now(self) -> datetime:
        return at(126, 12)


@pytest.fixture
def live(database_url: str) -> Iterator[Installation]:
    """Three accounts whose invoices were due one after the other, the last one first; nothing may be deleted."""
    schema.create_scratch(database_url, "status")
    store = PostgresStore(database_url, schema="status", durable=False, clock_is_real=False)
    numbers = open_book(store, 3)
    due = [invoice(n, f"I{n}", due_day=4 - n) for n in numbers]
    commands.issue_invoices(store, due, at(1), API)
    channel, services, limits = MemoryChannel(), InProcessServices(), Limits(deletions_per_day=0)
    for day in range(1, 127):
        run(store, at(day, 9), limits=limits)
        perform_all(store, channel, services, lambda day=day: at(day, 9))  # type: ignore[misc]
    yield Installation(database_url, store, channel, services, Noon(), limits, NO_PROVIDERS)
    store.close()


@pytest.mark.turn(2)
def test_deletions_that_wait_for_release_are_listed_oldest_first(
    live: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    _installation(live, as_json=False)
    told, _, listed = capsys.readouterr().out.partition("deletions that wait for the release of two members of staff")
    assert "subscriptions: 3 disabled" in told
    assert f"everything that was due was looked at: {at(126, 9)}" in told
    assert [line.split() for line in listed.splitlines()[1:]] == [
        ["sub_3_1", "A3", "2026-05-02"],
        ["sub_2_1", "A2", "2026-05-03"],
        ["sub_1_1", "A1", "2026-05-04"],
    ]
    _installation(live, as_json=True)
    listed = json.loads(capsys.readouterr().out)["awaiting_release"]
    assert [waiting["account"] for waiting in listed] == ["acc_3", "acc_2", "acc_1"]
