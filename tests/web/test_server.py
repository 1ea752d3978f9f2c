"""The web server over real sockets: what is slow, large, wrong or never ends stops nobody else."""

from __future__ import annotations

import http.client
import re
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from arrears.web import connections, gate, serving

SECONDS_MAX = 20
HEAD = b"GET /half HTTP/1.1\r\nHost: here\r\n"
BODY = b"POST /half HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nabc"


class Pages:
    """Pages that say what reached them; `/slow`, and rows with `?slow`, wait until they may go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.asked: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.asked.append(environ)
        if "slow" in (environ["PATH_INFO"].strip("/"), environ["QUERY_STRING"]):
            self.go_on.wait(SECONDS_MAX)
        start_response("200 OK", [("Set-Cookie", " a=1"), ("Set-Cookie", " b=2")])
        return [b"read ", str(len(environ["wsgi.input"].read())).encode()]


@contextmanager
def serving_pages() -> Iterator[tuple[int, Pages]]:
    pages = Pages()
    listening = serving.listen("127.0.0.1", 0)
    with serving.serving_beside(listening, serving.gate(pages)):
        try:
            yield serving.port_of(listening), pages
        finally:
            pages.go_on.set()


@pytest.fixture
def served() -> Iterator[tuple[int, Pages]]:
    with serving_pages() as found:
        yield found


def sent(port: int, octets: bytes) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX)
    one.sendall(octets)
    return one


def answer(one: socket.socket) -> bytes:
    """Everything until the server ends the connection."""
    found = b""
    try:
        while octets := one.recv(65536):
            found += octets
    except ConnectionResetError:
        pass
    return found


def until(so: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + SECONDS_MAX
    while not so():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def asked(port: int, octets: bytes) -> bytes:
    with sent(port, octets) as one:
        return answer(one)


def get(port: int, path: str = "/", headers: dict[str, str] | None = None) -> tuple[int, str]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    line.request("GET", path, headers={"Connection": "close", **(headers or {})})
    got = line.getresponse()
    return got.status, got.read().decode()


def as_many_as_fit(wanted: int) -> int:
    """Both ends of a connection are files of this process here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 2 * wanted + 300), hard), hard))
    return min(wanted, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 300) // 2)


@pytest.mark.parametrize("half", [HEAD, BODY])
def test_a_thousand_requests_that_never_end_stop_nobody(served: tuple[int, Pages], half: bytes) -> None:
    port, pages = served
    with ExitStack() as stack:
        for _ in range(as_many_as_fit(1022)):
            stack.enter_context(sent(port, half))
        assert [get(port) for _ in range(3)] == [(200, "read 0")] * 3
    assert {environ["PATH_INFO"] for environ in pages.asked} == {"/"}


def test_above_the_most_connections_whoever_waits_longest_makes_room(
    served: tuple[int, Pages], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, pages = served
    monkeypatch.setattr(connections, "CONNECTIONS_MAX", 5)
    with ExitStack() as stack:
        working = stack.enter_context(sent(port, b"GET /slow HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"))
        until(lambda: pages.asked)
        half = [stack.enter_context(sent(port, HEAD)) for _ in range(6)]
        assert answer(half[0]) == b""
        assert get(port) == (200, "read 0")
        pages.go_on.set()
        assert answer(working).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("half", [b"", HEAD, BODY])
def test_what_does_not_come_to_its_end_in_time_is_ended(
    served: tuple[int, Pages], monkeypatch: pytest.MonkeyPatch, half: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS_MAX", 0.1)
    monkeypatch.setattr(gate, "BODY_SECONDS_MAX", 0.1)
    assert asked(served[0], half).startswith(b"HTTP/1.1 408")


GARBAGE = [
    b"\r\r\n\r\n",
    b"\x1b[31mEVIL / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /\x1b]0;pwned\x07 HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /a\rPOST HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /x HTTP/9.9\r\n\r\n",
    b"GET /pay/SECRET extra HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /pay/SECRET\r\n\r\n",
    b"GET /SECRET HTTP/1.1\r\nNo colon\r\n\r\n",
    b"GET /SECRET HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /SECRET HTTP/1.1\r\n\r\n",
    b"GET /SECRET HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n",
    b"GET http://h/pay/SECRET HTTP/1.1\r\nHost: h\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    b"POST /SECRET HTTP/1.1\r\nHost: h\r\nContent-Length: abc\r\n\r\n",
    b"POST /SECRET HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
    b"POST /SECRET HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST /SECRET HTTP/1.1\r\nHost: h\r\nContent-Length: " + b"9" * 4301 + b"\r\n\r\n",
    b"POST /SECRET HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /SECRET HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
    b"GET /SECRET HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
]
REFUSED = re.compile(rb"HTTP/1\.1 (400|413|431|505) ")


@pytest.mark.sample(7)
@pytest.mark.parametrize("octets", GARBAGE, ids=lambda octets: repr(octets[:40]))
def test_what_is_no_request_is_refused_without_repeating_it(served: tuple[int, Pages], octets: bytes) -> None:
    port, pages = served
    found = asked(port, octets)
    assert REFUSED.match(found), found
    assert b"SECRET" not in found
    assert b"\x1b" not in found
    assert b"frame-ancestors 'none'" in found
    assert pages.asked == []
    assert get(port)[0] == 200


@pytest.mark.parametrize("method", [b"POST", b"GET", b"HEAD"])
@pytest.mark.parametrize("more", [b"", b"Content-Length: 3\r\n", b"Content-Type: multipart/form-data\r\n"])
@pytest.mark.parametrize("body", [b"zz\r\n", b"3\r\nabcdef\r\n"])
def test_a_chunk_that_is_none_is_a_refused_request_and_no_mistake_of_ours(
    served: tuple[int, Pages], method: bytes, more: bytes, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the head has been refused before: who asked has their answer, and nothing is sent after it."""
    port, pages = served
    head = b" /SECRET HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
    found = asked(port, method + head + more + b"\r\n" + body)
    assert found.startswith(b"HTTP/1.1 400 ")
    assert found.count(b"HTTP/1.1") == 1
    assert (found.partition(b"\r\n\r\n")[2] == b"") is (method == b"HEAD")
    assert get(port)[0] == 200
    assert len(pages.asked) == 1, "that one alone came as far as a page"
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []


def test_a_header_with_an_underscore_is_none(served: tuple[int, Pages]) -> None:
    port, pages = served
    get(port, headers={"X_Forwarded_For": "192.0.2.7", "X-Forwarded-For": "198.51.100.1", "X_Real_Ip": "192.0.2.7"})
    [environ] = pages.asked
    assert "192.0.2.7" not in str(environ)
    assert (environ["HTTP_X_FORWARDED_FOR"], environ["REMOTE_ADDR"]) == ("198.51.100.1", "127.0.0.1")


def chunks(total: int) -> Iterator[bytes]:
    for _ in range(total // 65536):
        yield b"x" * 65536


@pytest.mark.parametrize("how", ["announced", "expecting", "in chunks"])
def test_a_hundred_megabytes_are_refused_and_never_on_disk(
    served: tuple[int, Pages], how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, pages = served
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    total = 100 * 1024 * 1024
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    line.putrequest("POST", "/upload")
    if how == "in chunks":
        line.putheader("Transfer-Encoding", "chunked")
    else:
        line.putheader("Content-Length", str(total))
    if how == "expecting":
        line.putheader("Expect", "100-continue")
    line.endheaders()
    try:
        if how != "expecting":
            for octets in chunks(total):
                line.send(b"10000\r\n%s\r\n" % octets if how == "in chunks" else octets)
    except OSError:
        # Who sends on and on is broken off; whoever stops to listen has the answer.
        assert how != "expecting"
    else:
        assert line.getresponse().status == 413
    assert pages.asked == []
    assert list(tmp_path.iterdir()) == []
    assert get(port)[0] == 200


def test_a_megabyte_comes_through_whole_however_it_is_sent(served: tuple[int, Pages]) -> None:
    for body in (b"x" * gate.BODY_BYTES_MAX, iter([b"x" * 65536] * 16)):
        line = http.client.HTTPConnection("127.0.0.1", served[0], timeout=SECONDS_MAX)
        line.request("POST", "/", body, {"Connection": "close"}, encode_chunked=not isinstance(body, bytes))
        found = line.getresponse()
        assert (found.status, found.read()) == (200, b"read 1048576")
        assert found.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_rows_come_through_whole_and_of_too_many_the_route_is_told_their_length(served: tuple[int, Pages]) -> None:
    port, pages = served
    for length, read in ((gate.ROWS_BYTES_MAX, gate.ROWS_BYTES_MAX), (gate.ROWS_BYTES_MAX + 1, 0)):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
        line.request("POST", gate.ROWS_PATH, b"x" * length, {"Connection": "close"})
        found = line.getresponse()
        assert (found.status, found.read()) == (200, b"read %d" % read)
        assert pages.asked[-1]["CONTENT_LENGTH"] == str(length)
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    line.request("POST", gate.ROWS_PATH, iter([b"x" * 65536] * 257), {"Connection": "close"}, encode_chunked=True)
    assert line.getresponse().read() == b"read 0"
    assert int(pages.asked[-1]["CONTENT_LENGTH"]) > gate.ROWS_BYTES_MAX


def test_no_page_takes_a_file(served: tuple[int, Pages]) -> None:
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    assert asked(served[0], head + b"Content-Length: 9000\r\n\r\n").startswith(b"HTTP/1.1 415")


def test_several_requests_on_one_connection_are_answered_in_their_order(served: tuple[int, Pages]) -> None:
    one = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    last = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    assert re.findall(rb"read \d", asked(served[0], one + one + last)) == [b"read 3", b"read 3", b"read 0"]


def test_what_waits_in_vain_is_asked_to_come_again(served: tuple[int, Pages], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "WAITING_MAX", 1)
    monkeypatch.setattr(serving, "THREADS", 1)
    slow = b"GET /slow HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    with serving_pages() as (port, pages), ExitStack() as stack:
        waiting = [stack.enter_context(sent(port, slow))]
        until(lambda: pages.asked)
        waiting.append(stack.enter_context(sent(port, slow)))
        statuses = {asked(port, slow).split()[1] for _ in range(2)}
        assert b"503" in statuses | {asked(port, slow).split()[1]}
        pages.go_on.set()
        assert [answer(one).split()[1] for one in waiting] == [b"200", b"200"]


def test_rows_wait_for_each_other_and_no_page_for_them(served: tuple[int, Pages]) -> None:
    port, pages = served
    rows = (
        f"POST {gate.ROWS_PATH}?slow HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc".encode()
    )
    with ExitStack() as stack:
        waiting = [stack.enter_context(sent(port, rows)) for _ in range(gate.ROWS_THREADS + 1)]
        until(lambda: len(pages.asked) == gate.ROWS_THREADS)
        for _ in range(serving.THREADS):
            assert asked(port, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").split()[1] == b"200"
        assert sum(one["PATH_INFO"] == gate.ROWS_PATH for one in pages.asked) == gate.ROWS_THREADS
        pages.go_on.set()
        assert [answer(one).split()[1] for one in waiting] == [b"200"] * (gate.ROWS_THREADS + 1)


def test_a_page_that_never_answers_does_not_keep_a_server_from_ending() -> None:
    with serving_pages() as (port, pages), sent(port, b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"):
        until(lambda: pages.asked)
    # Getting here is what is shown: leaving the block waits for the server, and not for its page.
    assert pages.asked
