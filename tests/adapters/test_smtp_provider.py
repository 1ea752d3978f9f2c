"""Mail through a provider's API, anymail's real backend against a real HTTP server: what became of a message."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.test import override_settings

from arrears.adapters.channels.smtp import SmtpChannel
from arrears.core.errors import Refused
from arrears.ports import DeliveryAbout, Fate, Message

SENDER = "Acmé Billing <billing@acme.example>"
MESSAGE = Message("a12-3", "jo@example.org", "Your invoice", "You owe € 12.\n", "<p>You owe € 12.</p>")


@pytest.fixture(autouse=True, scope="module")
def _django(site: str) -> None:
    """Django is set up: see tests/site.py."""


class Provider(BaseHTTPRequestHandler):
    """A mail provider's API that answers with the status it is told; 0 hangs up."""

    status = 200
    said = b'{"id": "<p1@provider.example>", "message": "Queued. Thank you."}'
    asked: list[bytes]

    def do_POST(self) -> None:
        type(self).asked.append(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.status:
            return
        body = self.said
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def provider(status: int, said: bytes = Provider.said) -> Iterator[tuple[str, list[bytes]]]:
    asked: list[bytes] = []
    handler = type("Told", (Provider,), {"status": status, "asked": asked, "said": said})
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/v3", asked
        finally:
            http.shutdown()
            thread.join(10)


@contextmanager
def through_provider(api: str) -> Iterator[SmtpChannel]:
    settings = {"MAILGUN_API_KEY": "k", "MAILGUN_API_URL": api, "MAILGUN_SENDER_DOMAIN": "acme.example"}
    with (
        override_settings(ANYMAIL=settings),
        closing(SmtpChannel("", SENDER, timeout_seconds=5, backend="anymail.backends.mailgun.EmailBackend")) as channel,
    ):
        yield channel


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        *((200, Fate.ACCEPTED), (400, Fate.REFUSED), (422, Fate.REFUSED), (401, Fate.NOT_SENT), (403, Fate.NOT_SENT)),
        *((429, Fate.NOT_SENT), (408, Fate.UNKNOWN), (500, Fate.UNKNOWN), (503, Fate.UNKNOWN), (0, Fate.UNKNOWN)),
    ],
)
def test_a_providers_answer_tells_what_became_of_a_message(status: int, fate: Fate) -> None:
    with provider(status) as (api, asked), through_provider(api) as channel:
        delivery = channel.send(MESSAGE)
    assert delivery.fate is fate
    assert delivery.about is (DeliveryAbout.SERVER if fate is Fate.NOT_SENT else DeliveryAbout.ADDRESS)
    assert len(asked) == 1
    assert b"a12-3" in asked[0]
    if fate is Fate.ACCEPTED:
        assert delivery.reply == "queued <p1@provider.example>"


@pytest.mark.parametrize(
    ("said", "about_us"),
    [
        ("{'ErrorCode': 405, 'Message': 'Not allowed to send: you have run out of credits.'}", True),
        ("{'ErrorCode': 400, 'Message': 'The From address you supplied is not a Sender Signature.'}", True),
        ("{'ErrorCode': 412, 'Message': 'While your account is pending approval, all recipients must share'}", True),
        ("{'ErrorCode': 413, 'Message': 'Account may not send email.'}", True),
        ("{'message': 'The acme.example domain is not verified. Please verify your domain'}", True),
        ("{'message': 'Unable to send: your plan has reached its daily limit'}", True),
        (
            "{'ErrorCode': 406, 'Message': 'You tried to send to recipient(s) that have been marked as inactive.'}",
            False,
        ),
        ("{'ErrorCode': 300, 'Message': 'Invalid To address: jo@example.org.'}", False),
        ("{'message': 'to parameter is not a valid address. please check documentation'}", False),
        ("{'message': 'message too big'}", False),
    ],
)
def test_what_a_provider_refuses_for_who_we_are_is_about_every_message(said: str, about_us: bool) -> None:
    with provider(422, said.replace("'", '"').encode()) as (api, _), through_provider(api) as channel:
        delivery = channel.send(MESSAGE)
    assert (delivery.fate is Fate.NOT_SENT) is about_us, delivery
    assert delivery.about is (DeliveryAbout.SENDER if about_us else DeliveryAbout.ADDRESS)


def test_a_provider_that_is_away_got_nothing() -> None:
    with provider(200) as (api, _):
        pass
    with through_provider(api) as channel:
        assert channel.send(MESSAGE).fate is Fate.NOT_SENT


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("mailgun", "give one of anymail's"),
        ("anymail.backends.nobody.EmailBackend", "give one of anymail's"),
        ("anymail.backends.postmark.EmailBackend", "ANYMAIL_POSTMARK_SERVER_TOKEN is missing"),
    ],
)
def test_a_provider_that_is_not_there_or_lacks_its_key_is_refused_in_one_line(backend: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        SmtpChannel("", SENDER, backend=backend)
    assert refused.value.code == "bad_setting"
    assert refused.value.message.startswith(f"ARREARS_MAIL_BACKEND is '{backend}'")
    assert said in refused.value.message
