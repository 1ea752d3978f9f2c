"""Deliveries over HTTP to real servers on this machine: what is sent, what is made of answers, where nothing goes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from arrears.adapters.services import over_http as http
from arrears.adapters.services.over_http import HttpTransport
from arrears.core.delivery.schedule import GIVEN_UP_AFTER, pause_after
from arrears.core.delivery.signing import secret_bytes, secret_text, signed_headers
from arrears.core.delivery.targets import allowed_targets, target_of
from arrears.core.errors import Refused
from arrears.ports import DeliveryAnswer

HERE = allowed_targets("127.0.0.0/8, *")
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@contextmanager
def server(talk: Callable[[socket.socket, bytes], object]) -> Iterator[tuple[str, list[bytes]]]:
    """A server whose every connection is given to `talk` with what came in first; its URL, and all that came in."""
    heard: list[bytes] = []
    open_ones: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def attend(connection: socket.socket) -> None:
            open_ones.append(connection)
            with connection:
                try:
                    asked = b""
                    while b"\r\n\r\n" not in asked or len(asked.partition(b"\r\n\r\n")[2]) < _length(asked):
                        part = connection.recv(65536)
                        if not part:
                            return
                        asked += part
                    heard.append(asked)
                    talk(connection, asked)
                except OSError:
                    return

        def listen() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=attend, args=(connection,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook?a=1", heard
        listening.shutdown(socket.SHUT_RDWR)


def _length(asked: bytes) -> int:
    found = [line for line in asked.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(found[0].split(b":")[1]) if found else 0


def posted(url: str, *bodies: bytes, limit: float = 30.0) -> list[DeliveryAnswer]:
    requests = [({"webhook-id": f"m{no}"}, body) for no, body in enumerate(bodies or (b"{}",))]
    return list(HttpTransport(HERE, limit_seconds=limit).post(url, requests))


def test_a_parcel_is_one_post_that_says_what_it_is() -> None:
    with server(lambda connection, _asked: connection.sendall(OK)) as (url, heard):
        assert posted(url, b'{"a": 1}') == [DeliveryAnswer(204)]
    head, _, body = heard[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook?a=1 HTTP/1.1"
    assert {"webhook-id: m0", "Content-Length: 8", "User-Agent: arrears", "Connection: close"} <= set(lines[1:])
    assert body == b'{"a": 1}'


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone", 200),
        (b"HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n", 500),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 202),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 200_000, 200),
        (b"SSH-2.0-OpenSSH_9\r\n", None),
        (b"", None),
    ],
)
def test_an_answer_is_its_status_and_nothing_is_followed(said: bytes, status: int | None) -> None:
    with server(lambda connection, _asked: connection.sendall(said)) as (url, heard):
        [answer] = posted(url)
    assert answer.status == status
    assert answer.taken is (status in (200, 202))
    assert len(answer.body) <= http.BODY_BYTES_MAX
    assert len(heard) == 1, "one request, wherever the answer points"
    assert bool(answer.said) or status is not None


def drip(connection: socket.socket, _asked: bytes) -> None:
    """An answer that never ends, a byte at a time."""
    wait = threading.Event()
    for sign in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: y\r\n" * 100_000:
        connection.sendall(bytes([sign]))
        wait.wait(0.05)


def test_nobody_is_waited_for_longer_than_the_limit_however_slowly_they_answer() -> None:
    with server(drip) as (url, _):
        [answer] = posted(url, limit=1.0)
    assert answer == DeliveryAnswer(None, "no answer within 1 seconds")


def test_parcels_of_one_round_do_not_wait_for_each_other() -> None:
    together = threading.Barrier(4)

    def meet(connection: socket.socket, _asked: bytes) -> None:
        together.wait(30)
        connection.sendall(OK)

    with server(meet) as (url, _):
        assert posted(url, *[b"{}"] * 4) == [DeliveryAnswer(204)] * 4


def test_where_nobody_listens_nothing_is_taken() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        [answer] = posted(f"http://127.0.0.1:{bound.getsockname()[1]}/")
    assert answer.status is None
    assert "refused" in answer.said


@pytest.mark.parametrize(
    "allowed",
    ["", "*", "example.org", "10.0.0.0/8, 127.0.0.2/32"],
    ids=["nothing", "any public", "another", "other networks"],
)
def test_nothing_goes_where_the_setting_does_not_let_it(allowed: str) -> None:
    with server(lambda connection, _asked: connection.sendall(OK)) as (url, heard):
        [answer] = HttpTransport(allowed_targets(allowed)).post(url, [({}, b"{}")])
    assert (answer.status, heard) == (None, [])
    assert "ARREARS_DELIVERY_TARGETS" in answer.said


def test_it_connects_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that says one thing when it is checked and another when it is connected to is asked once."""
    asked: list[str] = []
    really = socket.getaddrinfo

    def rebinding(host: str, *more: object, **named: object) -> object:
        if host == "rebinding.example":
            asked.append(host)
            return really("127.0.0.1" if len(asked) == 1 else "127.0.0.9", *more, **named)  # type: ignore[arg-type]
        return really(host, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with server(lambda connection, _asked: connection.sendall(OK)) as (url, heard):
        transport = HttpTransport(allowed_targets("*.example, 127.0.0.1/32"))
        [answer] = transport.post(url.replace("127.0.0.1", "rebinding.example"), [({}, b"{}")])
    assert (answer.status, len(asked)) == (204, 1)
    assert b"Host: rebinding.example:" in heard[0]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1"),
    ],
)
def test_an_address_that_is_not_public_is_reached_only_where_its_network_is_named(address: str) -> None:
    target = target_of("https://hooks.example.org/")
    with pytest.raises(Refused, match="no network that ARREARS_DELIVERY_TARGETS names"):
        allowed_targets("*").address(target, [address])
    assert allowed_targets(f"*, {address}").address(target, ["10.9.9.9", address]) == address


def test_a_public_address_is_reached_over_https_alone() -> None:
    assert allowed_targets("*").address(target_of("https://a.example/"), ["93.184.216.34"]) == "93.184.216.34"
    for url in ("http://a.example/", "https://93.184.216.34/"):
        with pytest.raises(Refused):
            allowed_targets("*").address(target_of(url), ["93.184.216.34"])


@pytest.mark.parametrize(
    ("url", "allowed", "may"),
    [
        ("https://hooks.example.org/x", "hooks.example.org", True),
        ("https://HOOKS.example.org./x", "hooks.example.org", True),
        ("https://hooks.example.org/x", "*.example.org", True),
        ("https://example.org/x", "*.example.org", False),
        ("https://example.org.evil.example/x", "example.org, *.example.org", False),
        ("https://badexample.org/x", "*.example.org", False),
        ("http://10.1.2.3/", "10.1.0.0/16", True),
        ("http://[::1]:8080/", "::1/128", True),
        ("http://10.2.2.3/", "10.1.0.0/16", False),
    ],
)
def test_a_host_is_named_by_itself_by_its_domain_or_by_its_network(url: str, allowed: str, may: bool) -> None:
    transport = HttpTransport(allowed_targets(allowed))
    if may:
        transport.check(url)
        return
    with pytest.raises(Refused) as refused:
        transport.check(url)
    assert refused.value.code == "target_not_allowed"


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://a.example/", "https://", "https://a.example:0/", "https://a.example:99999/", "https:///path"),
        *(
            "https://user:secret@a.example/",
            "https://a.example/#top",
            "https://a.example/a b",
            "https://a.example/\r\nX: y",
        ),
        *("https://a.example\\@evil.example/", "https://a_b..example/", "a.example", "", "https://a.example/é"),
    ],
)
def test_an_address_that_is_none_is_refused_in_a_line_that_repeats_no_password(url: str) -> None:
    with pytest.raises(Refused) as refused:
        target_of(url)
    assert refused.value.code == "bad_endpoint_url"
    assert refused.value.message.isprintable()
    assert "secret" not in refused.value.message


def test_a_delivery_is_signed_as_the_specification_has_it() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed_headers(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_each_secret_that_is_good_proves_it() -> None:
    secrets = [secret_text(bytes([no]) * 32) for no in (1, 2)]
    headers = dict(signed_headers(secrets, "m1", datetime.now(UTC), b"{}"))
    for secret in secrets:
        assert Webhook(secret).verify(b"{}", headers) == {}
        assert len(secret_bytes(secret)) == 32


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_YQ==", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%%"])
def test_a_secret_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="24 to 64 bytes"):
        secret_bytes(text)


def test_pauses_grow_to_half_a_day_and_end_with_the_week() -> None:
    pauses = [pause_after(tries, 0.5) for tries in range(1, 30)]
    assert pauses == sorted(pauses)
    assert 4 <= pauses[0].total_seconds() <= 6
    assert pauses[-1].total_seconds() == 12 * 3600
    assert (
        12
        <= next(n for n in range(30) if sum(p.total_seconds() for p in pauses[:n]) > GIVEN_UP_AFTER.total_seconds())
        < 25
    )
    assert pause_after(3, 0.0) < pause_after(3, 0.99)


def test_a_secret_is_kept_sealed_and_opened_by_this_key_or_one_before_it() -> None:
    old, new = HttpTransport(HERE, [b"old"]), HttpTransport(HERE, [b"new", b"old"])
    kept = old.sealed("whsec_abc")
    assert "whsec" not in kept
    assert [one.opened(kept) for one in (old, new)] == ["whsec_abc"] * 2
    with pytest.raises(Refused, match="sealed by another ARREARS_SECRET_KEY"):
        old.opened(new.sealed("whsec_abc"))
