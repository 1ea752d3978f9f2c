"""Every answer at every stage, however it comes: over TLS, in crumbs, cut off, or with a line too many. Whatever comes,
nothing is *accepted* whose whole text the server has not taken, and the next message is not taken for this one."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.adapters.test_smtp_channel import MESSAGE, channel_to
from tests.adapters.test_smtp_dialogue import CODES, EXPECTED, STAGES, Scripted

from arrears.ports import Fate

pytestmark = pytest.mark.usefixtures("site")


class Way(StrEnum):
    """How an answer comes."""

    PLAIN = "plain"
    TLS = "tls"
    SLOW = "slow"
    """In crumbs, the last of which is the end of its line."""
    CUT_BEFORE = "cut before"
    CUT_WITHIN = "cut within"
    CUT_AFTER = "cut after"
    SURPLUS = "surplus"
    """With a line too many."""


class Wayward(Scripted):
    """A server whose one scripted answer comes in a way of its own."""

    def __init__(self, stage: str, answer: str, way: Way, tls: ssl.SSLContext) -> None:
        self._stage, self._way, self._tls = stage, way, tls
        super().__init__({stage: answer})
        if way is Way.TLS:
            self.url = self.url.replace("smtp://", "smtps://")

    def _talk(self, lines: Any) -> None:
        if self._way is Way.TLS:
            raise AssertionError("spoken in `_serve`")
        super()._talk(lines)

    def _serve(self) -> None:
        while True:
            try:
                talk, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            try:
                if self._way is Way.TLS:
                    talk = self._tls.wrap_socket(talk, server_side=True)
                with talk:
                    talk.settimeout(20)
                    self._answers(talk)
            except OSError:
                continue

    def _answers(self, talk: socket.socket) -> None:
        with talk.makefile("rb") as lines:
            talk.sendall(b"220 hello\r\n")
            while line := lines.readline():
                word = line[:4].decode().strip().upper()
                if word not in ("MAIL", "RCPT", "DATA"):
                    talk.sendall(b"221 bye\r\n" if word == "QUIT" else b"250 ok\r\n")
                    continue
                answer = self._said(talk, word)
                if word == "DATA" and answer.startswith("354"):
                    self._text(lines)
                    self._said(talk, "TEXT")

    def _said(self, talk: socket.socket, stage: str) -> str:
        first = stage in self._first and stage == self._stage
        answer = self._answer(stage)
        whole = f"{answer}\r\n".encode()
        if not first or self._way in (Way.TLS, Way.PLAIN):
            talk.sendall(whole)
        elif self._way is Way.SLOW:
            for at in range(0, len(whole), 4):
                talk.sendall(whole[at : at + 4])
                time.sleep(0.002)
        elif self._way is Way.SURPLUS:
            talk.sendall(whole + b"250 late\r\n")
        else:
            talk.sendall({Way.CUT_BEFORE: b"", Way.CUT_WITHIN: whole[:6], Way.CUT_AFTER: whole}[self._way])
            raise OSError("hangs up")
        return answer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of the loopback, which signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = datetime(2020, 1, 1, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(made)
        .not_valid_after(made + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def _goes_on(stage: str, code: int) -> bool:
    return code < 300 if stage == "TEXT" else code in EXPECTED[stage]


def fate_of(stage: str, code: int) -> set[Fate]:
    """What an answer that came whole may mean."""
    if _goes_on(stage, code):
        return {Fate.ACCEPTED}
    if stage == "TEXT":
        return {Fate.NOT_SENT, Fate.REFUSED, Fate.UNKNOWN}
    return {Fate.NOT_SENT, Fate.REFUSED} if code >= 400 else {Fate.NOT_SENT}


def may_be(way: Way, stage: str, code: int) -> set[Fate]:
    """The fates that this may have."""
    whole = fate_of(stage, code)
    match way:
        case Way.PLAIN | Way.TLS | Way.SLOW:
            return whole
        case Way.CUT_BEFORE | Way.CUT_WITHIN:
            return {Fate.UNKNOWN} if stage == "TEXT" else {Fate.NOT_SENT}
        case Way.CUT_AFTER if (stage, code) == ("DATA", 354):
            return {Fate.NOT_SENT, Fate.UNKNOWN}  # the text may have left before the end was seen
        case Way.CUT_AFTER:
            return {Fate.NOT_SENT} if stage != "TEXT" and _goes_on(stage, code) else whole
        case Way.SURPLUS:
            return {Fate.UNKNOWN} if stage == "TEXT" else {Fate.NOT_SENT, Fate.REFUSED}


@pytest.mark.sample(60)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("way", Way)
def test_however_an_answer_comes_its_stage_decides(
    way: Way, stage: str, code: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    _speak(way, stage, code, _tls(certificate))


@pytest.mark.long
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("way", Way)
def test_of_all_four_hundred_codes_none_is_accepted_without_the_text(
    way: Way, stage: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = _tls(certificate)
    for code in range(200, 600):
        _speak(way, stage, code, tls)


def _tls(certificate: Path) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    return tls


def _speak(way: Way, stage: str, code: int, tls: ssl.SSLContext) -> None:
    with closing(Wayward(stage, f"{code} so it is", way, tls)) as server, channel_to(server.url) as channel:
        fate = channel.send(MESSAGE).fate
        texts = sum(map(bool, server.texts))
        assert fate in may_be(way, stage, code), (way, stage, code, fate)
        assert texts == (stage == "TEXT" or fate is Fate.ACCEPTED), "nothing is accepted without its text"
        assert channel.send(MESSAGE._replace(id="a1-2-1")).fate is Fate.ACCEPTED, "the next is not taken for this one"
        assert sum(map(bool, server.texts)) == texts + 1


@pytest.mark.sample(1)
@pytest.mark.parametrize("stage", STAGES)
def test_an_answer_that_comes_after_our_patience_is_none(stage: str) -> None:
    with closing(Silent(stage)) as server, channel_to(server.url, timeout_seconds=1) as channel:
        assert channel.send(MESSAGE).fate is (Fate.UNKNOWN if stage == "TEXT" else Fate.NOT_SENT)
        assert channel.send(MESSAGE._replace(id="a1-2-1")).fate is Fate.ACCEPTED


class Silent(Scripted):
    """Says nothing at one stage of the first connection, until that is given up."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        super().__init__({})

    def _talk(self, lines: Any) -> None:
        self._lines = lines
        super()._talk(lines)

    def _answer(self, stage: str) -> str:
        if stage == self._stage and self.connections == 1:
            self._lines.read(1)
            raise OSError("given up")
        return super()._answer(stage)

    def _serve(self) -> None:
        while True:
            try:
                talk, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            try:
                with talk, talk.makefile("rwb", buffering=0) as lines:
                    talk.settimeout(20)
                    self._talk(lines)
            except OSError:
                continue
