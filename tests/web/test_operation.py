"""What machines ask of a serving process: whether it lives, whether it can serve, and how the installation does."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.site import NOW
from tests.store.traced import STATEMENT

from arrears.store import schema
from arrears.store.postgres.vital_signs import connected, readiness, vital_signs
from arrears.web import serving
from arrears.web.operation import WORKER_LATE_SECONDS, beside

TOKEN = "t" * 40
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture
def looked(site: str) -> Iterator[str]:
    """A database at which a worker has looked ten seconds ago; afterwards it is as it was, for the tests of others."""
    read = "SELECT last_tick_at, complete_run_at, left_out FROM system_state"
    put = "UPDATE system_state SET last_tick_at = %s, complete_run_at = %s, left_out = %s"
    with psycopg.connect(site, autocommit=True) as db:
        was = db.execute(read).fetchone()
        db.execute(put, [NOW - timedelta(seconds=10), None, 0])
        yield site
        db.execute(put, was)


def asked(url: str, path: str, headers: dict[str, str] | None = None, token: str = TOKEN) -> tuple[int, Any]:
    answer = beside(url, lambda: NOW, token)[path](headers or {})
    kind = dict(answer.headers)[b"content-type"]
    return answer.status, json.loads(answer.body) if kind == b"application/json" else answer.body.decode()


def test_a_process_lives_whatever_its_database_does() -> None:
    assert asked(NOWHERE, "/healthz") == (200, {"process": "alive"})


def test_it_is_ready_with_its_database_and_its_schema_and_says_when_a_worker_looked(looked: str) -> None:
    status, said = asked(looked, "/readyz")
    wanted = max(schema.versions())
    assert (status, said["database"], said["schema"]) == (200, "there", wanted)
    assert (said["worker"], said["worker_seconds"]) == ("looking", 10.0)
    with psycopg.connect(looked) as db:
        db.execute("UPDATE system_state SET last_tick_at = %s", [NOW - timedelta(seconds=WORKER_LATE_SECONDS + 1)])
    assert asked(looked, "/readyz")[1]["worker"] == "late"


def test_it_says_when_a_run_came_to_its_end_and_what_that_left_out(looked: str) -> None:
    assert [asked(looked, "/readyz")[1][name] for name in ("complete_run_seconds", "left_out")] == [None, 0]
    with psycopg.connect(looked) as db:
        db.execute("UPDATE system_state SET complete_run_at = %s, left_out = 3", [NOW - timedelta(seconds=20)])
    assert [asked(looked, "/readyz")[1][name] for name in ("complete_run_seconds", "left_out")] == [20.0, 3]
    text = asked(looked, "/metrics", {"authorization": f"Bearer {TOKEN}"})[1]
    assert "arrears_accounts_left_out 3.0" in text
    assert "arrears_complete_run_age_seconds 20.0" in text


def test_it_is_not_ready_without_its_database_or_with_anothers_schema(database_url: str) -> None:
    assert asked(NOWHERE, "/readyz") == (503, {"database": "away"})
    status, said = asked(psycopg.conninfo.make_conninfo(database_url, dbname="postgres"), "/readyz")
    assert (status, said["schema"], said["worker"]) == (503, None, "never")


def test_measures_are_for_who_has_the_token_alone(looked: str) -> None:
    assert "/metrics" not in beside(looked, lambda: NOW, "")
    for sent in ({}, {"authorization": "Bearer"}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": "\xff"}):
        assert asked(looked, "/metrics", sent)[0] == 401
    status, text = asked(looked, "/metrics", {"authorization": f"Bearer {TOKEN}"})
    assert status == 200
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert found["arrears_worker_age_seconds"][0].value == 10.0
    assert {"arrears_accounts_due", "arrears_lag_seconds", "arrears_chains_broken", "arrears_tasks_open"} <= set(found)
    assert asked(NOWHERE, "/metrics", {"authorization": f"Bearer {TOKEN}"})[0] == 503


@pytest.mark.parametrize(("asks", "statements"), [(readiness, 1), (vital_signs, 2)])
def test_it_takes_a_fixed_number_of_statements(
    looked: str, tmp_path: Path, asks: Callable[..., object], statements: int
) -> None:
    with connected(looked) as db, (tmp_path / "trace").open("w+") as trace:
        db.pgconn.trace(trace.fileno())
        asks(db, NOW)
        db.pgconn.untrace()
        assert len(re.findall(STATEMENT, (tmp_path / "trace").read_text())) == statements


def test_what_is_measured_is_what_is_there(looked: str) -> None:
    """An account that is due, an order that waits, a task, and a journal whose end is not the stored one."""
    with psycopg.connect(looked) as db:
        others = vital_signs(db, NOW)
        db.execute(
            "INSERT INTO fact VALUES (1, 1, %s, 'x', 'a', '', '\\x01', '{}')",
            [NOW - timedelta(hours=2)],
        )
        db.execute(
            "INSERT INTO account_state (account_id, seq, head, state, next_at, waits, recorded_at)"
            " VALUES (1, 1, decode(repeat('02', 32), 'hex'), '{}', %s, false, %s)",
            [NOW - timedelta(hours=1), NOW - timedelta(hours=2)],
        )
        db.execute("INSERT INTO action VALUES (1, 1, 'order', 1, 1, '{}', 'recorded', 0, NULL)")
        found = vital_signs(db, NOW)
        db.rollback()
    assert (found.accounts_due, found.chains_broken) == (others.accounts_due + 1, others.chains_broken + 1)
    assert found.lag_seconds == max(others.lag_seconds or 0.0, 3600.0)
    count, seconds = others.actions.get("order", (0, 0.0))
    assert found.actions == {**others.actions, "order": (count + 1, max(seconds, 7200.0))}


def test_a_process_says_how_it_is_while_every_page_hangs(looked: str) -> None:
    go_on, hanging = threading.Event(), threading.Semaphore(0)

    def pages(_environ: dict[str, Any], _start: Callable[..., Any]) -> Iterable[bytes]:
        hanging.release()
        go_on.wait(20)
        return []

    listening = serving.listen("127.0.0.1", 0)
    lines = []
    with serving.serving_beside(listening, serving.gate(pages, beside(looked, lambda: NOW, ""))):
        for _ in range(serving.THREADS):
            line = http.client.HTTPConnection("127.0.0.1", serving.port_of(listening), timeout=20)
            line.request("GET", "/")
            lines.append(line)
        for _ in range(serving.THREADS):
            assert hanging.acquire(timeout=20)
        for path in ("/healthz", "/readyz"):
            line = http.client.HTTPConnection("127.0.0.1", serving.port_of(listening), timeout=20)
            line.request("GET", path, headers={"Host": "10.0.0.7"})
            assert line.getresponse().status == 200
        go_on.set()
