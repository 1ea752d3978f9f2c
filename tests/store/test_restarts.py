"""Workers live through restarts of their database: nothing is lost, nothing done twice, and nobody starts them anew."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import psycopg
import pytest
from tests.sizes import few
from tests.store.contract import API, at, invoice, new_account, wait_until
from tests.stories.story import Hands, Mail

from arrears.core.facts import NoticeAccepted
from arrears.core.policy import default_policy
from arrears.engine import commands, worker
from arrears.engine.run import DEFAULT_LIMITS
from arrears.engine.system import adopt_policy
from arrears.store.outages import OUTAGES
from arrears.store.postgres.store import PostgresStore
from arrears.store.schema import create_scratch
from arrears.store.server import EmbeddedServer
from arrears.web.logs import WorkerLog

RESTARTS: Final = few(1, 20)
ACCOUNTS: Final = 6
SCHEMA: Final = "restarts"


class Noon:
    """A clock that stands: what is due is due, and a worker's outage does not make it doubt the time."""

    def now(self) -> datetime:
        """See ports.Clock."""
        return at(2, 12)


@pytest.fixture
def server(short_folder: Path) -> Iterator[EmbeddedServer]:
    found = EmbeddedServer(short_folder / "restarts", durable=False)
    yield found
    found.stop()


def at_work(store: PostgresStore, mail: Mail, stop: threading.Event) -> threading.Thread:
    """A worker that looks again at once."""

    def work() -> None:
        outside = (store, mail, Hands(), Noon(), DEFAULT_LIMITS)
        wait = lambda seconds: stop.wait(min(seconds, 0.05))  # noqa: E731
        worker.work(*outside, poll_seconds=1, wait=wait, watcher=WorkerLog(OUTAGES))

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def past_due(url: str, round_no: int) -> list[int]:
    """New accounts, each with an invoice that is past due."""
    store = PostgresStore(url, schema=SCHEMA, clock_is_real=False)
    try:
        adopt_policy(store, default_policy(), at(1), "staff:1")
        new = [(new_account(f"R{round_no}-{n}"), ("cloud",)) for n in range(ACCOUNTS)]
        numbers = commands.open_accounts(store, new, at(1), API)
        commands.issue_invoices(store, [invoice(n, f"I{n}") for n in numbers], at(1), API)
        return numbers
    finally:
        store.close()


def reminded(url: str, number: int) -> bool:
    with psycopg.connect(url, options=f"-c search_path={SCHEMA}") as db:
        row = db.execute(
            "SELECT count(*) FROM fact WHERE account_id = %s AND kind = 'notice_accepted'", [number]
        ).fetchone()
    return bool(row and row[0])


@pytest.mark.turn(2)
def test_workers_go_on_after_each_restart_and_do_everything_once(server: EmbeddedServer) -> None:
    url = server.start()
    create_scratch(url, SCHEMA)
    mail, stop, numbers = Mail(), threading.Event(), list[int]()
    stores = [PostgresStore(url, schema=SCHEMA, clock_is_real=False) for _ in range(2)]
    threads = [at_work(store, mail, stop) for store in stores]
    try:
        for restart in range(RESTARTS + 1):
            numbers += past_due(url, restart)
            wait_until(lambda asked=tuple(numbers): all(reminded(url, n) for n in asked))
            assert [thread.is_alive() for thread in threads] == [True, True]
            if restart < RESTARTS:
                server.kill_immediate()
                server.start()
        histories = {number: stores[0].history(number) for number in numbers}
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for store in stores:
            store.close()
    accepted = {n: sum(isinstance(r.fact, NoticeAccepted) for r in history) for n, history in histories.items()}
    assert accepted == dict.fromkeys(numbers, 1)
    assert set(Counter(message.id for message in mail.taken).values()) == {1}
