"""The client sends a request until its answer came, as one request; and reads lists, events and rows piece by piece."""

from __future__ import annotations

import ast
import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from arrears_client import ApiProblem, Client, NotReached, client, transport
from tests.sources import ROOT

Reply = tuple[int, Mapping[str, str], Any] | None
"""Status, headers and JSON; None hangs up without an answer."""


class Scripted:
    """A server that gives these replies in order, the last one for ever, and keeps what it was sent."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.sent: list[tuple[str, str, dict[str, str], bytes]] = []
        self.paused: list[float] = []
        self.answer: Callable[[str, bytes], Any] | None = None

    def next(self, path: str, body: bytes) -> Reply:
        if self.answer is not None:
            return 200, {}, self.answer(path, body)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture
def server() -> Iterator[tuple[Scripted, Client]]:
    """A server, and a client of it that does not wait, but says how long it would."""
    script = Scripted()

    class OneRequest(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.sent.append((self.command, self.path, dict(self.headers), body))
            reply = script.next(self.path, body)
            if reply is None:
                self.close_connection = True
                return
            octets = json.dumps(reply[2]).encode()
            self.send_response(reply[0])
            for name, value in {**reply[1], "Content-Length": str(len(octets))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    for verb in ("GET", "POST", "PUT", "DELETE"):
        setattr(OneRequest, f"do_{verb}", OneRequest.handle_any)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OneRequest) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        with Client(f"http://127.0.0.1:{listening.server_port}", "arr_x", tries=4, sleep=script.paused.append) as one:
            yield script, one
        listening.shutdown()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_no_answer_and_is_not_followed(server: tuple[Scripted, Client], status: int) -> None:
    script, one = server
    script.replies = [(status, {"Location": "https://elsewhere.example/v1/declines"}, None)]
    with pytest.raises(ApiProblem, match=str(status)):
        one.post_declines({"invoices": ["I-1"]})
    assert len(script.sent) == 1


def refusal(status: int, code: str, **headers: str) -> Reply:
    return status, headers, {"code": code, "detail": "no", "request": "r-1"}


DONE: Reply = (200, {}, {"hold": "hold_1_1", "released": True})
AFTER: Mapping[str, str] = {"Retry-After": "7"}


@pytest.mark.parametrize(
    ("failures", "pauses"),
    [
        ([None], (0.5, 1.0)),
        ([refusal(503, "unavailable"), None], (0.5, 1.0)),
        ([(502, {}, "a proxy's own page")], (0.5, 1.0)),
        ([refusal(500, "internal_error")], (0.5, 1.0)),
        ([refusal(409, "still_running")], (0.5, 1.0)),
        ([(429, AFTER, {"code": "too_many_requests"})], (7.5, 8.0)),
    ],
)
def test_what_failed_for_now_is_sent_again_as_the_same_request(
    server: tuple[Scripted, Client], failures: list[Reply], pauses: tuple[float, float]
) -> None:
    script, one = server
    script.replies = [*failures, DONE]
    assert one.post_hold_release("hold_1_1", {"why": "paid"}) == {"hold": "hold_1_1", "released": True}
    assert len(script.sent) == len(failures) + 1
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in script.sent}
    assert len(keys) == 1, "one key for all tries"
    assert {(method, path, body) for method, path, _, body in script.sent} == {
        ("POST", "/v1/holds/hold_1_1/release", b'{"why": "paid"}')
    }
    assert pauses[0] <= script.paused[0] <= pauses[1]


def test_each_thing_that_is_meant_once_has_a_key_of_its_own_or_the_callers(server: tuple[Scripted, Client]) -> None:
    script, one = server
    script.replies = [DONE]
    one.post_hold_release("hold_1_1", {"why": "a"})
    one.post_hold_release("hold_1_1", {"why": "a"})
    one.post_hold_release("hold_1_1", {"why": "a"}, idempotency_key="mine")
    first, second, mine = (headers["Idempotency-Key"] for _, _, headers, _ in script.sent)
    assert first != second
    assert mine == "mine"


@pytest.mark.parametrize(
    "reply", [refusal(422, "invalid"), refusal(409, "nothing_changes"), refusal(404, "unknown_id")]
)
def test_what_is_refused_is_not_asked_again_and_says_its_code(server: tuple[Scripted, Client], reply: Reply) -> None:
    script, one = server
    assert reply is not None
    said = {**reply[2], "fields": [{"field": "why", "code": "missing", "what": "is missing"}]}
    script.replies = [(reply[0], reply[1], said)]
    with pytest.raises(ApiProblem) as refused:
        one.post_hold_release("hold_1_1", {"why": "a"})
    problem = refused.value
    assert (problem.status, problem.code, problem.request) == (reply[0], reply[2]["code"], "r-1")
    assert problem.fields == (("why", "missing", "is missing"),)
    assert "why: is missing" in str(problem)
    assert len(script.sent) == 1


def test_it_gives_up_after_so_many_tries_and_says_whether_there_was_an_answer(
    server: tuple[Scripted, Client],
) -> None:
    script, one = server
    script.replies = [None]
    with pytest.raises(NotReached, match="4 tries"):
        one.get_me()
    script.replies = [refusal(503, "unavailable")]
    with pytest.raises(ApiProblem, match="unavailable"):
        one.get_me()
    assert len(script.sent) == 8
    assert script.paused[:3] == sorted(script.paused[:3]), "ever later"
    script.replies, script.paused[:] = [(429, {"Retry-After": "3600"}, {"code": "too_many_requests"})], []
    with pytest.raises(ApiProblem, match="too_many_requests"):
        one.get_me()
    assert script.paused == [], "an hour is not waited"


def test_where_nothing_of_the_limit_is_left_the_next_request_waits(server: tuple[Scripted, Client]) -> None:
    script, one = server
    script.replies = [(200, {"RateLimit": '"token";r=3;t=1'}, {}), (200, {"RateLimit": '"token";r=0;t=9'}, {}), DONE]
    one.get_me()
    one.get_me()
    assert script.paused == []
    one.get_me()
    [waited] = script.paused
    assert 0 < waited <= 9


def test_a_list_is_followed_to_its_end(server: tuple[Scripted, Client]) -> None:
    script, one = server
    script.replies = [
        (200, {}, {"invoices": [{"number": "a/1"}], "next_after": "inv_1_1"}),
        (200, {}, {"invoices": [{"number": "b"}], "next_after": None}),
    ]
    assert [found["number"] for found in one.each_invoice(past_due=True, limit=1)] == ["a/1", "b"]
    paths = [path for _, path, _, _ in script.sent]
    assert paths == ["/v1/invoices?limit=1&past_due=true", "/v1/invoices?after=inv_1_1&limit=1&past_due=true"]


def test_events_have_the_cursor_of_the_one_in_hand_and_go_on_where_the_last_reader_was(
    server: tuple[Scripted, Client],
) -> None:
    script, one = server

    def answer(path: str, _body: bytes) -> Any:
        after = int(path.partition("after=evt_")[2].partition("&")[0])
        found = range(after + 1, min(after + 3, 8))
        return {
            "events": [{"id": f"evt_{n}"} for n in found if n != 7],
            "cursor": f"evt_{found[-1] if found else after}",
        }

    script.answer = answer
    stream = one.events(after="evt_0", types=["account.*"])
    first = [next(stream)["id"] for _ in range(3)]
    assert (first, stream.cursor) == (["evt_1", "evt_2", "evt_3"], "evt_3")
    rest = one.events(after=stream.cursor)
    assert [event["id"] for event in rest] == ["evt_4", "evt_5", "evt_6"]
    assert rest.cursor == "evt_7", "what the filter leaves out is passed too"


def test_rows_go_in_requests_of_a_size_that_is_taken(
    server: tuple[Scripted, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, one = server
    monkeypatch.setattr(client, "ROWS_MAX", 2)
    script.answer = lambda _, body: {
        "rows": [{"row": n, "ref": json.loads(line)["ref"]} for n, line in enumerate(body.splitlines(), 1)]
    }
    said = list(one.upsert({"kind": "account", "ref": str(n)} for n in range(5)))
    assert [(row["row"], row["ref"]) for row in said] == [(n + 1, str(n)) for n in range(5)]
    assert [len(body.splitlines()) for _, _, _, body in script.sent] == [2, 2, 1]
    assert {headers["Content-Type"] for _, _, headers, _ in script.sent} == {"application/x-ndjson"}


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_no_path_can_have_is_refused_before_it_is_sent(server: tuple[Scripted, Client], name: str) -> None:
    script, one = server
    with pytest.raises(ValueError, match="in a path"):
        one.get_account(name)
    assert script.sent == []


def test_a_name_is_one_part_of_a_path_whatever_stands_in_it() -> None:
    assert transport.path_of("/v1/accounts/{ref}/ahead", ref="a/b?c=ü") == "/v1/accounts/a%2Fb%3Fc%3D%C3%BC/ahead"


def test_it_needs_nothing_of_arrears() -> None:
    taken = set()
    for path in (ROOT / "client" / "src" / "arrears_client").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                taken |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                taken.add((node.module or "").split(".")[0])
    assert taken - sys.stdlib_module_names == {"arrears_client", "urllib3"}
