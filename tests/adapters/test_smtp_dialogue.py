"""Every answer at every stage of the dialogue: nothing is *accepted* whose whole text the server has not taken."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from tests.adapters.test_smtp_channel import MESSAGE, channel_to

from arrears.ports import DeliveryAbout, Fate

pytestmark = pytest.mark.usefixtures("site")

GOOD = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", "TEXT": "250 taken"}
STAGES = tuple(GOOD)
CODES = (
    *(200, 211, 214, 220, 221, 235, 250, 251, 252, 299),
    *(300, 334, 354, 399),
    *(421, 450, 451, 452, 454, 455, 499),
    *(500, 501, 502, 503, 521, 530, 535, 550, 551, 552, 553, 554, 555, 571, 599),
)
EXPECTED = {"MAIL": {250}, "RCPT": {250, 251}, "DATA": {354}, "TEXT": {code for code in CODES if code < 300}}


class Scripted:
    """A server that gives each stage of its first message the answer that is written down, and then behaves."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._first = {**GOOD, **answers}
        self.texts: list[bytes] = []
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(20)
        self.url = f"smtp://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)  # wakes who waits for the next connection
        self._thread.join(20)
        self._listening.close()

    def _serve(self) -> None:
        try:
            while True:
                talk, _ = self._listening.accept()
                self.connections += 1
                with talk, talk.makefile("rwb", buffering=0) as lines:
                    talk.settimeout(20)
                    self._talk(lines)
        except OSError:
            return

    def _talk(self, lines: object) -> None:
        def say(answer: str) -> None:
            lines.write(answer.replace("\n", "\r\n").encode() + b"\r\n")  # type: ignore[attr-defined]

        say("220 hello")
        while line := lines.readline():  # type: ignore[attr-defined]
            word = line[:4].decode().strip().upper()
            if word in ("MAIL", "RCPT", "DATA"):
                say(answer := self._answer(word))
                if word == "DATA" and answer.startswith("354"):
                    self._text(lines)
                    say(self._answer("TEXT"))
            else:
                say("221 bye" if word == "QUIT" else "250 ok")

    def _answer(self, stage: str) -> str:
        return self._first.pop(stage, GOOD[stage])

    def _text(self, lines: object) -> None:
        text = b""
        while (line := lines.readline()) not in (b".\r\n", b""):  # type: ignore[attr-defined]
            text += line
        self.texts.append(text)


@contextmanager
def scripted(answers: Mapping[str, str]) -> Iterator[Scripted]:
    server = Scripted(answers)
    try:
        yield server
    finally:
        server.close()


@pytest.mark.sample(60)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("stage", STAGES)
def test_the_stage_decides_what_an_answer_means(stage: str, code: int) -> None:
    with scripted({stage: f"{code} so it is"}) as server, channel_to(server.url) as channel:
        fate = channel.send(MESSAGE).fate
        if code in EXPECTED[stage]:
            assert (fate, len(server.texts)) == (Fate.ACCEPTED, 1)
        else:
            assert fate is not Fate.ACCEPTED
            assert len(server.texts) == (stage == "TEXT")
        if stage != "TEXT" and not code >= 400 and code not in EXPECTED[stage]:
            assert fate is Fate.NOT_SENT, "before the text nothing can have been accepted, and nothing was refused"


@pytest.mark.parametrize("late", ["250 late", "550 5.7.1 no", "421 closing", "354 go on"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_surplus_line_makes_no_message_accepted(stage: str, late: str) -> None:
    """An answer too many puts every later one out of step: the 250 that comes then is that of another line."""
    with scripted({stage: f"{GOOD[stage]}\n{late}"}) as server, channel_to(server.url) as channel:
        first = channel.send(MESSAGE)
        assert first.fate is (Fate.UNKNOWN if stage == "TEXT" else Fate.NOT_SENT)
        assert channel.send(MESSAGE).fate is Fate.ACCEPTED, "the next message has a connection of its own"
        assert server.connections == 2


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("code", [252, 250, 354])
def test_after_an_answer_out_of_step_the_connection_is_closed(stage: str, code: int) -> None:
    if code in EXPECTED[stage]:
        code += 1 if stage != "RCPT" else 2
    with scripted({stage: f"{code} whatever"}) as server, channel_to(server.url) as channel:
        first = channel.send(MESSAGE)
        assert first.fate is Fate.NOT_SENT
        assert first.about is DeliveryAbout.SERVER
        assert first.broke is (stage != "MAIL"), "it may be about this recipient alone"
        assert channel.send(MESSAGE).fate is Fate.ACCEPTED
        assert (server.connections, len(server.texts)) == (2, 1)
