"""The requests to Stripe over real sockets: by connections that are kept, each sent once, and to nobody else."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.adapters.stripe_wire import KEY, SECRET, charge, intent

from arrears.adapters.payments.stripe import Stripe
from arrears.core.payments.values import Outcome, Paid, Unknown


class Listening:
    """Somebody at a port of this machine: counts who comes, and answers the same each time."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, json.dumps(intent()).encode(), {"Date": "now"}
        self.ends, self.answers = False, True
        self.met: list[tuple[Any, ...]] = []
        self.asked: list[str] = []
        self.ended = threading.Semaphore(0)
        self.together: threading.Barrier | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.met.append(self.client_address)
                super().setup()

            def do_POST(self) -> None:
                outer.asked.append(self.requestline)
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if outer.together is not None:
                    outer.together.wait(60)
                self.close_connection = outer.ends or not outer.answers
                if outer.answers:
                    self.send_response(outer.status)
                    for name, value in {**outer.headers, "Content-Length": str(len(outer.body))}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(outer.body)

            def do_CONNECT(self) -> None:
                self.do_POST()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def shutdown_request(self, request: Any) -> None:
                super().shutdown_request(request)
                outer.ended.release()

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def charge(self) -> Outcome:
        return Stripe(KEY, [SECRET], live=False, api_base=f"http://{self.address}").charge(charge())


@pytest.fixture
def listening() -> Iterator[Listening]:
    found = Listening()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_a_connection_is_kept_and_every_thread_may_ask_by_it(listening: Listening) -> None:
    stripe = Stripe(KEY, [SECRET], live=False, api_base=f"http://{listening.address}")
    for _ in range(5):
        with ThreadPoolExecutor(1) as lane:
            assert isinstance(lane.submit(stripe.charge, charge()).result(), Paid)
    assert (len(listening.asked), len(listening.met)) == (5, 1)


def test_as_many_as_ask_at_once_keep_their_connections(listening: Listening) -> None:
    many = 32
    stripe = Stripe(KEY, [SECRET], live=False, api_base=f"http://{listening.address}")
    listening.together = threading.Barrier(many)
    with ThreadPoolExecutor(many) as lanes:
        for _ in range(2):
            assert all(isinstance(found, Paid) for found in lanes.map(stripe.charge, [charge()] * many))
    assert (len(listening.asked), len(listening.met)) == (2 * many, many)


def test_a_connection_that_the_other_side_has_ended_is_made_anew_and_nothing_is_sent_twice(
    listening: Listening,
) -> None:
    listening.ends = True
    stripe = Stripe(KEY, [SECRET], live=False, api_base=f"http://{listening.address}")
    for _ in range(3):
        assert isinstance(stripe.charge(charge()), Paid)
        assert listening.ended.acquire(timeout=10)
    assert (len(listening.asked), len(listening.met)) == (3, 3)


def test_a_request_whose_answer_is_lost_is_sent_once_and_unknown(listening: Listening) -> None:
    listening.answers = False
    assert listening.charge() == Unknown("no certain answer from Stripe: APIConnectionError")
    assert len(listening.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_sent_on_to_another_address(listening: Listening, status: int) -> None:
    elsewhere = Listening()
    listening.status, listening.headers = status, {"Location": f"http://{elsewhere.address}/v1/payment_intents"}
    assert isinstance(listening.charge(), Unknown)
    assert (len(listening.asked), elsewhere.asked) == (1, [])


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"7", b'"paid"', b"<html>", b'{"id": "\xff"}', b"{}"])
def test_an_answer_that_is_no_payment_is_unknown(listening: Listening, body: bytes) -> None:
    listening.body = body
    assert isinstance(listening.charge(), Unknown)


def test_an_answer_may_come_packed(listening: Listening) -> None:
    listening.body = gzip.compress(listening.body)
    listening.headers = {"Content-Encoding": "gzip"}
    assert isinstance(listening.charge(), Paid)


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_stripe_itself_is_reached_through_the_proxy_that_the_environment_names(
    listening: Listening, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    for known in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(known, raising=False)
    monkeypatch.setenv(name, f"{scheme}{listening.address}")
    listening.status = 403
    assert isinstance(Stripe(KEY, [SECRET], live=False).charge(charge()), Unknown)
    assert [line.split()[:2] for line in listening.asked] == [["CONNECT", "api.stripe.com:443"]]


def test_what_is_on_this_machine_is_behind_no_proxy(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = Listening()
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://{elsewhere.address}")
    assert isinstance(listening.charge(), Paid)
    assert elsewhere.met == []


def test_whoever_cannot_prove_to_be_the_address_is_asked_for_nothing(listening: Listening, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    place = tmp_path / "both.pem"
    place.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    over = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    over.load_cert_chain(place)
    listening.server.socket = over.wrap_socket(listening.server.socket, server_side=True)
    base = f"https://localhost:{listening.server.server_address[1]}"
    assert isinstance(Stripe(KEY, [SECRET], live=False, api_base=base).charge(charge()), Unknown)
    assert listening.asked == []
