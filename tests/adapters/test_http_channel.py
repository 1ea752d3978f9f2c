"""A channel over HTTP, as somebody would write one: what its numbers mean stays in it, and the engine is told whether
an answer is about one address or about everything."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.stories.story import Story
from tests.stories.test_notices import ANNA, SAM, known, states

from arrears.core import facts as f
from arrears.core.states import State
from arrears.ports import Delivery, DeliveryAbout, Fate, Message

MESSAGE = Message("a12-3-1", "anna@contact.example", "Please pay", "Please pay.")
TAKES_NOBODY = (401, 403, 429, 503)


class Service:
    """A message service on loopback. `answers` are its statuses by address, `""` for everybody; `taken` are the ids of
    what it took, `asked` the addresses it was asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, int] = {}
        self.taken: list[str] = []
        self.asked: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.asked.append(said["to"])
                status = service.answers.get("") or service.answers.get(said["to"], 202)
                if status == 202:
                    service.taken.append(said["id"])
                self.answered(status)

            def do_GET(self) -> None:
                self.answered(200 if self.path.rpartition("/")[2] in service.taken else 404)

            def answered(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Tests read answers, not logs."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/messages"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Nobody listens any more."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join(10)


class HttpChannel:
    """Hands a message over by POST; its id makes sure that it is taken once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        body = json.dumps({"id": message.id, "to": message.to, "text": message.text}).encode()
        try:
            with self._opener.open(urllib.request.Request(self._url, body), timeout=5) as answer:
                return Delivery(Fate.ACCEPTED, reply=f"HTTP {answer.status}", code=f"HTTP {answer.status}")
        except urllib.error.HTTPError as error:
            code, words = f"HTTP {error.code}", f"HTTP {error.code} {error.reason} for {message.to}"
            if error.code in TAKES_NOBODY:
                return Delivery(Fate.NOT_SENT, DeliveryAbout.SERVER, words, code)
            return Delivery(Fate.REFUSED if error.code < 500 else Fate.UNKNOWN, reply=words, code=code)
        except urllib.error.URLError as error:
            return Delivery(Fate.NOT_SENT, DeliveryAbout.SERVER, str(error.reason))
        except OSError as error:
            return Delivery(Fate.UNKNOWN, reply=str(error))

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel."""
        try:
            self._opener.open(f"{self._url}/{message_id}", timeout=5).close()
        except urllib.error.HTTPError as error:
            return Fate.NOT_SENT if error.code == 404 else Fate.UNKNOWN
        except OSError:
            return Fate.UNKNOWN
        return Fate.ACCEPTED


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()
    yield found
    found.close()


@pytest.fixture
def story(service: Service) -> Story:
    found = known(Story(), ANNA, SAM)
    found.stage.channel = HttpChannel(service.url)
    return found


@pytest.mark.parametrize(
    ("status", "fate", "about"),
    [
        (202, Fate.ACCEPTED, DeliveryAbout.ADDRESS),
        (422, Fate.REFUSED, DeliveryAbout.ADDRESS),
        (500, Fate.UNKNOWN, DeliveryAbout.ADDRESS),
        *((status, Fate.NOT_SENT, DeliveryAbout.SERVER) for status in TAKES_NOBODY),
    ],
)
def test_an_answer_is_about_the_address_or_about_the_service(
    service: Service, status: int, fate: Fate, about: DeliveryAbout
) -> None:
    service.answers[""] = status
    delivery = HttpChannel(service.url).send(MESSAGE)
    assert (delivery.fate, delivery.about, delivery.code) == (fate, about, f"HTTP {status}")
    assert HttpChannel(service.url).look_up(MESSAGE.id) is (Fate.ACCEPTED if status == 202 else Fate.NOT_SENT)


def test_a_service_that_is_not_there_takes_nothing(service: Service) -> None:
    channel = HttpChannel(service.url)
    service.close()
    assert channel.send(MESSAGE)[:2] == (Fate.NOT_SENT, DeliveryAbout.SERVER)
    assert channel.look_up(MESSAGE.id) is Fate.UNKNOWN


@pytest.mark.parametrize("status", TAKES_NOBODY)
def test_where_the_service_takes_nothing_the_next_message_is_not_even_tried(
    story: Story, service: Service, status: int
) -> None:
    service.answers[""] = status
    story.until(21, "08:00")
    before = len(service.asked)
    story.until(21, "09:00")
    asked = service.asked[before:]
    assert len(asked) == len(set(asked)) == 1, "a warning goes to three addresses; the first answer was enough"
    assert story.sub().disable.accepted_at is None
    service.answers.clear()
    story.until(22, "10:00")
    assert story.sub().disable.accepted_at is not None
    assert len(service.taken) == len(set(service.taken))
    story.check()


def test_what_is_refused_for_one_address_holds_no_other_up_and_leaves_no_address_in_the_facts(
    story: Story, service: Service
) -> None:
    service.answers |= {"anna@contact.example": 422, "anna@sign-in.example": 404}
    story.until(21, "10:00")
    assert states(story) == {
        "anna@contact.example": "refused",
        "anna@sign-in.example": "refused",
        "sam@sign-in.example": "accepted",
    }
    assert story.sub().disable.accepted_at == story.instant(21, "09:00")
    assert {fact.why for _, fact in story.facts(f.NoticeFailed)} == {"refused: HTTP 404"}
    assert not any("example" in str(recorded.fact) for recorded in story.history())
    story.until(40)
    assert story.sub().state is State.DISABLED
    story.check()
