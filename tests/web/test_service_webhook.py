"""Services that speak without being asked: heard by the signature of their own secret, and by nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, ClassVar, Final

import pytest
from arrears_receiver import Record, Reply, Teller
from arrears_receiver.kit import message, signed
from tests.web.living import Living, living

from arrears.core.delivery.signing import secret_text
from arrears.ports import EndpointUse, NewEndpoint
from arrears.sandbox.run import Running, running
from arrears.wiring import installed

if TYPE_CHECKING:
    from django.test import Client

SECRET: Final = secret_text(bytes(range(32)))
OTHER: Final = secret_text(bytes(range(1, 33)))
DONE: Final = {"order": "o1-1-1", "state": "done"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        found.store.add_endpoint(
            NewEndpoint(
                EndpointUse.SERVICE, "files", "https://files.example.org/", installed().transport().sealed(SECRET)
            ),
            found.clock.now(),
        )
        yield found


def said(kind: str, data: object) -> bytes:
    return json.dumps({"type": kind, "data": data}).encode()


def test_a_service_is_heard_by_its_signature_alone(shop: Living, client: Client) -> None:
    now, before = datetime.now(UTC), shop.store.digest()
    body = said("states.reported", {"states": []})
    ten = timedelta(minutes=10)
    order = json.dumps(message("sub_1_1", 1, "disable", "files")).encode()
    rows = (
        ("files", body, signed(SECRET, body), 200),
        ("files", body, {}, 401),
        ("files", body, signed(OTHER, body), 401),
        ("files", body, signed(SECRET, body + b" "), 401),
        ("files", body, signed(SECRET, body, now - ten), 401),
        ("files", body, signed(SECRET, body, now + ten), 401),
        ("files", body, {**signed(SECRET, body), "webhook-signature": "v1,%"}, 401),
        ("mail", body, signed(SECRET, body), 401),
        # What we have signed ourselves, sent back.
        ("files", order, signed(SECRET, order), 400),
        ("files", b"", signed(SECRET, b""), 400),
        *(("files", one, signed(SECRET, one), 400) for one in (b"[]", b"7", b'{"type": "x", "data": 1}', b"[" * 9000)),
        ("files", said("order.answered", DONE), signed(SECRET, said("order.answered", DONE)), 409),
        ("files", said("order.answered", 7), signed(SECRET, said("order.answered", 7)), 400),
        ("files", said("states.reported", {"states": 7}), signed(SECRET, said("states.reported", {"states": 7})), 400),
    )
    for service, sent, head, status in rows:
        url = f"/webhooks/services/{service}"
        answer = client.post(url, sent, content_type="application/json", headers=head)
        assert answer.status_code == status, (service, sent[:60], answer.content)
    assert shop.store.digest() == before
    assert client.get("/webhooks/services/files").status_code == 405


class Kept(BaseHTTPRequestHandler):
    """Keeps what it is sent, and answers with 409."""

    sent: ClassVar[list[tuple[bytes, dict[str, str]]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.sent.append((body, {name.lower(): value for name, value in self.headers.items()}))
        self.send_error(409)

    def log_message(self, *_: object) -> None:
        pass


def test_the_teller_of_the_receiver_says_what_arrears_reads(shop: Living, client: Client) -> None:
    with HTTPServer(("127.0.0.1", 0), Kept) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        teller = Teller(f"http://127.0.0.1:{server.server_port}/webhooks/services/files", SECRET)
        assert teller.answered(Reply(200, DONE)) == 409
        assert teller.states([Record("sub_1_1", sequence=1, state="disabled")]) == 409
        server.shutdown()
        thread.join()
    answers = [
        client.post("/webhooks/services/files", body, content_type="application/json", headers=head)
        for body, head in Kept.sent
    ]
    assert [answer.status_code for answer in answers] == [409, 200]
    assert answers[1].json() == {"differences": 1}
