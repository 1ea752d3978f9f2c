"""`arrears services` beside a real service: where it obeys, what it was told, what it did, and what it is in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from arrears_receiver import SqliteBook
from arrears_receiver.kit import OverHttp, message, signed
from tests.cli import commands
from tests.store.contract import open_book

from arrears.store.postgres.store import PostgresStore

DATABASE = "of_services"
WHO = ("--by", "ann", "--why", "asked for it")
SECONDS_MAX = 60


class Place:
    """An installation with one account of one service, and that service in a process of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        store = PostgresStore(psycopg.conninfo.make_conninfo(url, dbname=DATABASE))
        open_book(store, services=("files",))
        store.close()
        self.folder, self.process = folder, None
        self.environment = {
            "ARREARS_DATABASE_URL": url,
            "ARREARS_DATABASE": DATABASE,
            "ARREARS_HOME": str(folder),
            "ARREARS_DELIVERY_TARGETS": "127.0.0.0/8",
        }

    def arrears(self, *line: str, code: int = 0) -> str:
        done = commands.arrears(*line, **self.environment)
        assert done.returncode == code, done.stderr
        return done.stdout or done.stderr

    def json(self, *line: str, code: int = 0) -> Any:
        return json.loads(self.arrears(*line, "--json", code=code))

    def serve(self, secret: str) -> str:
        root = Path(__file__).parents[2]
        environ = {**os.environ, "FILES_SECRETS": f"files:{secret}", "PYTHONPATH": str(root / "receiver" / "src")}
        line = [sys.executable, str(root / "examples" / "files_service.py"), str(self.folder / "files"), "--port", "0"]
        self.process = subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        return self.process.stdout.readline().removeprefix("serving on ").strip() + "orders/files"

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(SECONDS_MAX)


@pytest.fixture
def place(database_url: str, migrated: str, tmp_path: Path) -> Iterator[Place]:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        db.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {migrated}")
        found = Place(database_url, tmp_path)
        try:
            yield found
        finally:
            found.end()
            db.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


@pytest.mark.turn(2)
def test_a_service_is_connected_obeys_is_asked_and_is_told_of(place: Place) -> None:
    [before] = place.json("services", "list")
    assert (before["name"], before["url"], before["subscriptions"]) == ("files", None, 1)
    assert "a stand-in of test mode obeys" in place.arrears("services", "list")
    refused = place.arrears("services", "add", "files", "https://example.org/", code=2)
    assert "target_not_allowed" in refused

    made = place.json("services", "add", "files", "http://127.0.0.1:9/orders/files")
    address = place.serve(made["secret"])
    assert address in place.arrears("services", "move", "files", address)
    place.arrears("subscription", "cancel", "A1", "files", *WHO)
    place.arrears("worker", "--once")
    [after] = place.json("services", "list")
    assert after["orders"] == {"created": 1, "acknowledged": 1, "pending": 0, "parked": 0}
    [order] = place.json("services", "orders", "files")
    assert (order["id"], order["type"], order["state"]) == ("o1-1-1", "order.disable", "acknowledged")
    assert place.json("services", "check", "files") == []

    body = json.dumps(message("sub_9_1", 1, "disable", "files")).encode()
    assert OverHttp(address)(signed(made["secret"], body), body)[0] == 200
    [once] = place.json("services", "check", code=3)
    assert (once["subscription"], once["kind"], once["certain"]) == ("sub_9_1", "unknown", False)
    assert "there is no such subscription" in place.arrears("services", "check", code=3)
    assert place.json("services", "drift")[0]["certain"] is True
    [task] = [one for one in place.json("tasks") if one["kind"] == "endpoint_trouble"]
    assert "files says that sub_9_1 is disabled" in task["what"]

    again = place.json("services", "secret", "files")
    assert again["secret"] != made["secret"]
    place.arrears("services", "off", "files", "--reason", "it moves house")
    assert "off: it moves house" in place.arrears("services", "list")
    place.arrears("services", "on", "files")
    assert place.arrears("services", "redrive", "files") == "0 are given again\n"
    assert "obeys nowhere" in place.arrears("services", "orders", "mail", code=2)
    assert place.arrears("check")


@pytest.mark.turn(3)
def test_a_person_orders_anew_what_a_service_undid_by_itself(place: Place) -> None:
    """What is to be off, knows so and runs is never repaired by a program (decision 69)."""
    repair = ("services", "repair", "files", "sub_1_1", "--by", "ann", "--why", "a colleague of theirs undid it")
    assert "unknown_service" in place.arrears(*repair, code=2)
    made = place.json("services", "add", "files", "http://127.0.0.1:9/orders/files")
    place.arrears("services", "move", "files", place.serve(made["secret"]))
    place.arrears("subscription", "cancel", "A1", "files", *WHO)
    place.arrears("worker", "--once")
    assert "no_drift" in place.arrears(*repair, code=2)

    book = SqliteBook(place.folder / "files" / "orders.db")
    with book.open("sub_1_1") as record:
        record.state = "active"
    [seen] = place.json("services", "check", "files", code=3)
    assert (seen["kind"], seen["wanted"], seen["reported"], seen["given"]) == ("on", "disabled", "active", 1)
    assert "bad_id" in place.arrears(*repair[:3], "files", *repair[4:], code=2)
    assert place.arrears(*repair) == "sub_1_1 is ordered anew to be disabled\n"
    assert "not_repaired" in place.arrears(*repair, code=2), "while the new order is open nothing is ordered"

    place.arrears("worker", "--once")
    known = book.known("sub_1_1")
    assert known is not None
    assert (known.order, known.state) == ("o1-1-2", "disabled")
    assert place.json("services", "check", "files") == []
    assert "a colleague of theirs undid it" in place.arrears("timeline", "A1", "--json")
    assert "no_drift" in place.arrears(*repair, code=2)
    assert place.arrears("check")
