"""A service behind the receiver obeys, however orders come, and the kit finds what does not."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from arrears_receiver import (
    Book,
    Done,
    MemoryBook,
    Order,
    Receiver,
    Reply,
    SqliteBook,
    asgi,
    standing_of,
    wsgi,
)
from arrears_receiver.adapters import answer_to
from arrears_receiver.book import Record
from arrears_receiver.kit import OverHttp, message, prove, signed
from arrears_receiver.orders import STATE_AFTER

SECRET = "whsec_" + "c2VjcmV0IG9mIGEgc2VydmljZSBvZiB0aGUgdGVzdHM="
OTHER = "whsec_" + "YW5vdGhlciBzZWNyZXQgb2YgdGhlIHNhbWUgc2VydmljZQ=="


class Notes:
    """A service: what it was told to do, and what it is in."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.obeyed: list[tuple[str, int, str]] = []
        self.left: dict[str, int] = {}
        self.broken = self.slow = False

    def __call__(self, order: Order) -> Done | None:
        if self.broken:
            raise OSError("the disk is full")
        self.obeyed.append((order.subscription, order.sequence, order.command))
        if self.slow:
            return None
        if order.command == "delete":
            if not self.left:
                self.states[order.subscription] = "deleted"
            return Done({"files": 3}, self.left)
        self.states[order.subscription] = STATE_AFTER[order.command]
        return Done()

    def state_in(self, subscription: str) -> str:
        return self.states.get(subscription, "active")


def sent(receiver: Receiver, sequence: int, command: str, secret: str = SECRET, **other: Any) -> Reply:
    body = json.dumps(message("sub_7_1", sequence, command, "notes", **other)).encode()
    return receiver.receive(signed(secret, body), body)


@pytest.fixture(params=["memory", "sqlite"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Book:
    return MemoryBook() if request.param == "memory" else SqliteBook(tmp_path / "orders.db")


def test_the_kit_has_nothing_to_say_about_a_service_behind_the_receiver(book: Book) -> None:
    notes = Notes()
    receiver = Receiver([SECRET], "notes", notes, book)

    def send(headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        return receiver.receive(headers, body)

    assert prove(send, SECRET, "notes", notes.state_in) == []
    assert len(set(notes.obeyed)) == len(notes.obeyed), "nothing is carried out twice"


class TakesEverything(Receiver):
    def _is_signed(self, headers: object, body: bytes) -> bool:
        return True


class ForgetsOrder(Receiver):
    def _take(self, order: Order, record: Record) -> Reply:
        record.sequence = 0
        record.command = ""
        return super()._take(order, record)


class TakesAnyName(Receiver):
    def _known_name(self, order: Order, record: Record) -> str:
        return order.account_name


class Lies(Receiver):
    def _take(self, order: Order, record: Record) -> Reply:
        return Reply(200, {"state": "done", "order": order.id})


class CountsNothing(Receiver):
    def _take(self, order: Order, record: Record) -> Reply:
        status, body = super()._take(order, record)
        return Reply(status, {name: body[name] for name in ("state", "order") if name in body})


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (CountsNothing, "what was deleted and what is left"),
        (TakesEverything, "another secret"),
        (ForgetsOrder, "after a deletion"),
        (TakesAnyName, "another customer"),
        (Lies, "restrict: "),
    ],
)
def test_the_kit_finds_what_is_wrong(kind: type[Receiver], said: str) -> None:
    notes = Notes()
    receiver = kind([SECRET], "notes", notes, MemoryBook())
    found = prove(receiver.receive, SECRET, "notes", notes.state_in)
    assert any(said in line for line in found), found


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[tuple[Receiver, Notes, str]]:
    notes = Notes()
    receiver = Receiver([SECRET], "notes", notes, MemoryBook())
    with make_server("127.0.0.1", 0, wsgi(receiver), handler_class=Quiet) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver, notes, f"http://127.0.0.1:{server.server_port}/orders"
        server.shutdown()
        thread.join()


def test_the_kit_proves_a_service_over_http(served: tuple[Receiver, Notes, str]) -> None:
    _, notes, url = served
    assert prove(OverHttp(url), SECRET, "notes", notes.state_in) == []


def test_asgi_answers_as_wsgi_does() -> None:
    notes = Notes()
    application = asgi(Receiver([SECRET], "notes", notes, MemoryBook()))

    def send(headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        said: list[dict[str, Any]] = []
        parts = [body[: len(body) // 2], body[len(body) // 2 :]]

        async def receive() -> dict[str, Any]:
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def answered(message: Any) -> None:
            said.append(message)

        names = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "headers": names, "query_string": b""}

        async def ask() -> None:
            await application(scope, receive, answered)

        with ThreadPoolExecutor(1) as apart:
            apart.submit(asyncio.run, ask()).result()
        return said[0]["status"], json.loads(said[1]["body"])

    assert prove(send, SECRET, "notes", notes.state_in) == []


def test_both_secrets_are_taken_while_one_is_changed(book: Book) -> None:
    receiver = Receiver([OTHER, SECRET], "notes", Notes(), book)
    assert [sent(receiver, n, "disable", secret).status for n, secret in ((1, SECRET), (2, OTHER))] == [200, 200]
    assert sent(Receiver([OTHER], "notes", Notes(), book), 3, "resume").status == 401


def test_what_died_while_it_obeyed_obeys_when_the_order_comes_again(book: Book) -> None:
    notes = Notes()
    receiver = Receiver([SECRET], "notes", notes, book)
    notes.broken = True
    with pytest.raises(OSError, match="full"):
        sent(receiver, 1, "disable")
    notes.broken = False
    assert sent(receiver, 1, "disable").body["state"] == "done"
    assert notes.state_in("sub_7_1") == "disabled"


def test_a_failure_of_the_service_is_500_and_leaves_its_traceback_in_the_log(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    notes = Notes()
    notes.broken = True
    body = json.dumps(message("sub_7_1", 1, "disable", "notes")).encode()
    reply = answer_to(Receiver([SECRET], "notes", notes, book), "POST", signed(SECRET, body), "", body)
    assert (reply.status, [bool(record.exc_info) for record in caplog.records]) == (500, [True])


def test_what_was_only_accepted_is_done_later_and_an_overtaken_one_never(book: Book) -> None:
    notes = Notes()
    notes.slow = True
    receiver = Receiver([SECRET], "notes", notes, book)
    first = sent(receiver, 1, "disable")
    assert (first.status, first.body["state"]) == (202, "accepted")
    assert sent(receiver, 1, "disable") == first == receiver.answer(first.body["order"])
    assert len(notes.obeyed) == 1
    second = sent(receiver, 2, "resume").body["order"]
    assert receiver.done(first.body["order"], Done()).body["code"] == "overtaken"
    assert receiver.done(second, Done()).body["state"] == "done"
    assert standing_of(book, "sub_7_1").state == "active"


def test_a_deletion_in_part_is_obeyed_again_until_nothing_is_left(book: Book) -> None:
    notes = Notes()
    notes.left = {"backups": 1}
    receiver = Receiver([SECRET], "notes", notes, book)
    assert sent(receiver, 1, "delete").body["left"] == {"backups": 1}
    assert standing_of(book, "sub_7_1").read, "it is not deleted yet"
    notes.left = {}
    assert sent(receiver, 1, "delete").body == {
        "state": "done",
        "order": "osub_7_1-1",
        "deleted": {"files": 3},
        "left": {},
    }
    assert not standing_of(book, "sub_7_1").read


def test_whose_it_is_is_asked_of_the_service_where_it_knows(book: Book) -> None:
    receiver = Receiver([SECRET], "notes", Notes(), book, lambda subscription: "Bakery")
    assert sent(receiver, 1, "delete").body["code"] == "name_mismatch"
    assert sent(receiver, 1, "delete", account_name="Bakery").status == 200


def test_an_older_generation_is_overtaken(book: Book) -> None:
    notes = Notes()
    receiver = Receiver([SECRET], "notes", notes, book)
    sent(receiver, 1, "resume", generation=2)
    assert sent(receiver, 2, "delete", generation=1).body["state"] == "overtaken"
    assert notes.state_in("sub_7_1") == "active"


def test_the_states_are_told_a_page_at_a_time_to_whoever_signs(book: Book) -> None:
    receiver = Receiver([SECRET], "notes", Notes(), book)
    for number in (1, 2, 3):
        body = json.dumps(message(f"sub_{number}_1", 1, "disable", "notes")).encode()
        receiver.receive(signed(SECRET, body), body)
    first = receiver.states(signed(SECRET, b""), limit=2).body["states"]
    rest = receiver.states(signed(SECRET, b""), after=first[-1]["subscription"]).body["states"]
    assert [one["subscription"] for one in (*first, *rest)] == ["sub_1_1", "sub_2_1", "sub_3_1"]
    assert {one["state"] for one in first} == {"disabled"}
    assert receiver.states({}).status == 401


def away(subscription: str) -> str:
    raise TimeoutError(subscription)


@pytest.mark.parametrize(
    ("ask", "state", "change", "source"),
    [
        (None, "disabled", False, "last_known"),
        (away, "disabled", False, "last_known"),
        (lambda _: None, "disabled", False, "last_known"),
        (lambda _: "nonsense", "disabled", False, "last_known"),
        (lambda _: "active", "active", True, "arrears"),
    ],
)
def test_arrears_is_asked_and_the_last_known_standing_holds_while_it_is_away(
    book: Book,
    ask: Callable[[str], str | None] | None,
    state: str,
    change: bool,
    source: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent(Receiver([SECRET], "notes", Notes(), book), 1, "disable")
    found = standing_of(book, "sub_7_1", ask)
    assert (found.state, found.change, found.source) == (state, change, source)
    assert [record.levelname for record in caplog.records] == (["WARNING"] if ask is away else [])


@pytest.mark.parametrize("ask", [None, away])
def test_whom_nobody_knows_may_do_everything(book: Book, ask: Callable[[str], str | None] | None) -> None:
    assert standing_of(book, "sub_9_9", ask) == ("unknown", True, True, True, "none")


def test_what_is_too_long_or_for_another_service_is_refused(book: Book) -> None:
    receiver = Receiver([SECRET], "notes", Notes(), book)
    assert receiver.receive({}, b"x" * 65_537).status == 413
    other = Receiver([SECRET], "mail", Notes(), book)
    assert sent(other, 1, "disable").body["code"] == "wrong_service"


def test_the_receiver_imports_the_standard_library_and_one_more() -> None:
    folder = Path(__file__).parents[2] / "receiver" / "src" / "arrears_receiver"
    taken = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                taken |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                taken.add((node.module or "").split(".")[0])
    assert "arrears" not in taken
    assert taken - sys.stdlib_module_names == {"arrears_receiver", "standardwebhooks", "django"}


DJANGO = """
import json
from django.conf import settings
settings.configure()
from django.test import RequestFactory
from arrears_receiver import MemoryBook, Receiver, django_view
from arrears_receiver.kit import prove
from tests.receiver.test_receiver import SECRET, Notes
notes = Notes()
view = django_view(Receiver([SECRET], "notes", notes, MemoryBook()))
def send(headers, body):
    named = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    answer = view(RequestFactory().post("/", body, content_type="application/json", **named))
    return answer.status_code, json.loads(answer.content)
print(prove(send, SECRET, "notes", notes.state_in), view.csrf_exempt)
"""


def test_a_django_view_answers_as_wsgi_does() -> None:
    """In a process of its own: this one's Django has settings."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'receiver' / 'src'}{os.pathsep}{root}"}
    ran = subprocess.run([sys.executable, "-c", DJANGO], env=environment, capture_output=True, text=True, timeout=120)
    assert ran.stdout == "[] True\n", ran.stderr
