"""A mail server for tests: it collects what it accepts, and misbehaves as it is told.

It runs in a thread on a free port of the loopback, keeps a bounded number of messages and waits a bounded time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from typing import Any, Final, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from torture.outside import own_port

MESSAGES_MAX: Final = 200_000
SLOW_SECONDS_MAX: Final = 30.0


class Act(StrEnum):
    """What the server does with the next message."""

    ACCEPT = "accept"
    REFUSE_SENDER = "refuse_sender"
    REFUSE_RECIPIENT = "refuse_recipient"
    REFUSE_DATA = "refuse_data"
    DEFER_SENDER = "defer_sender"
    DEFER_RECIPIENT = "defer_recipient"
    DEFER_DATA = "defer_data"
    GOODBYE = "goodbye"
    """421 to RCPT, and the connection is over."""
    DROP_AT_RECIPIENT = "drop_at_recipient"
    DROP_UNREAD = "drop_unread"
    """The connection ends when the text has come, which the server forgets."""
    DROP_ACCEPTED = "drop_accepted"
    """The connection ends when the text has come, which the server keeps."""
    SLOW = "slow"
    """The text is kept; the answer comes after `slow_seconds`."""
    BABBLE = "babble"
    """The text is kept; the answer is not SMTP."""


class Received(NamedTuple):
    """One accepted message: its envelope, its octets and over which connection it came (counted from 1)."""

    envelope_from: str
    envelope_to: str
    content: bytes
    options: tuple[str, ...]
    connection: int

    @property
    def mail(self) -> EmailMessage:
        """The message, parsed with the modern policy."""
        parsed = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


class _Session(SMTP):
    """aiosmtpd's server, less the extensions that a test takes away."""

    def __init__(self, server: SmtpServer, **kwargs: Any) -> None:
        super().__init__(server, **kwargs)
        self._server = server

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._server.came(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.went(self.transport)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        answer = self._server.to_data(self.envelope)
        await (super().smtp_DATA(arg) if answer is None else self.push(answer))


class SmtpServer:
    """The server and its orders. `act` holds for every message; orders put in `next_acts` come first, one each."""

    def __init__(self, *, smtputf8: bool = True, eightbit: bool = True, user: tuple[str, str] | None = None) -> None:
        self.act = Act.ACCEPT
        self.next_acts: deque[Act] = deque()
        self.slow_seconds = 1.0
        self.received: deque[Received] = deque(maxlen=MESSAGES_MAX)
        self.connections = 0
        self.dialogues: deque[str] = deque(maxlen=1_000)
        self.refusing: dict[str, str] = {}
        """What it answers to a stage (MAIL, RCPT, DATA, TEXT) of every message to one of `refused_domains`."""
        self.refused_domains: tuple[str, ...] = ()
        """Domains, or single addresses."""
        self.on_accepted: Callable[[Received], None] | None = None
        self._eightbit = eightbit
        self._user = user
        self._smtputf8 = smtputf8
        self._open: list[Any] = []
        self._controller: Controller | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens, without TLS."""
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen; on the port it had before, when it was stopped."""
        self.port = self.port or own_port()
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": self.port, "ready_timeout": 10}

        class Listening(Controller):
            def factory(inner) -> SMTP:  # noqa: N805
                return self._session()

        self._controller = Listening(self, **options)
        self._controller.start()
        self.wait_until(lambda: not self._open)
        self.connections = 0

    def stop(self) -> None:
        """Close every connection and listen no more."""
        if self._controller is not None:
            self.hang_up()
            self._controller.stop()
            self._controller = None

    def hang_up(self) -> None:
        """Close all connections between two messages; returns when they are closed."""
        assert self._controller is not None
        for transport in list(self._open):
            self._controller.loop.call_soon_threadsafe(transport.abort)
        self.wait_until(lambda: not self._open)

    def wait_until(self, done: Callable[[], bool], seconds: float = 10.0) -> None:
        """Poll until `done`; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while not done():
            assert time.monotonic() < deadline, "the mail server did not get there in time"
            pause.wait(0.002)

    def came(self, transport: Any) -> None:
        """A connection is open."""
        self._open.append(transport)
        self.connections += 1

    def went(self, transport: Any) -> None:
        """A connection is closed."""
        if transport in self._open:
            self._open.remove(transport)

    def _session(self) -> SMTP:
        return _Session(
            self,
            enable_SMTPUTF8=self._smtputf8,
            hostname="mail.example.org",
            timeout=60,
            auth_require_tls=False,
            auth_required=self._user is not None,
            authenticator=self._sign_in,
        )

    def _sign_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, told: Any) -> AuthResult:
        assert isinstance(told, LoginPassword)
        pair = (told.login.decode(), told.password.decode())
        # Not handled: the server itself says 535.
        return AuthResult(success=pair == self._user, handled=False)

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [line for line in responses if self._eightbit or "8BITMIME" not in line]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.act = self.next_acts.popleft() if self.next_acts else self.act  # type: ignore[attr-defined]
        self.dialogues.append(f"MAIL {address}")
        if "MAIL" in self.refusing:
            return self.refusing["MAIL"]
        if envelope.act is Act.REFUSE_SENDER:
            return "550 5.7.1 sender not allowed"
        if envelope.act is Act.DEFER_SENDER:
            return "451 4.3.0 try again later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 ok"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        act = envelope.act  # type: ignore[attr-defined]
        if "RCPT" in self.refusing and self._refuses(address):
            return self.refusing["RCPT"]
        if act is Act.REFUSE_RECIPIENT:
            return "550 5.1.1 no such user here"
        if act is Act.DEFER_RECIPIENT:
            return "451 4.7.1 greylisted"
        if act is Act.GOODBYE:
            asyncio.get_running_loop().call_later(0.05, server.transport.close)
            return "421 4.3.2 shutting down"
        if act is Act.DROP_AT_RECIPIENT:
            server.transport.abort()
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        act = envelope.act  # type: ignore[attr-defined]
        if "TEXT" in self.refusing and self._refuses(envelope.rcpt_tos[0]):
            return self.refusing["TEXT"]
        if act is Act.REFUSE_DATA:
            return "554 5.6.0 not this text"
        if act is Act.DEFER_DATA:
            return "452 4.3.1 disk is full"
        if act is Act.DROP_UNREAD:
            server.transport.abort()
            return "250 never sent"
        self._keep(server, envelope)
        if act is Act.DROP_ACCEPTED:
            server.transport.abort()
        if act is Act.SLOW:
            await asyncio.sleep(min(self.slow_seconds, SLOW_SECONDS_MAX))
        if act is Act.BABBLE:
            return "what was the question?"
        return f"250 2.0.0 queued as {len(self.received)}"

    def to_data(self, envelope: Envelope | None) -> str | None:
        """What it answers to the command DATA, where that is not to go on."""
        to = envelope.rcpt_tos if envelope is not None else ()
        return self.refusing.get("DATA") if to and self._refuses(to[0]) else None

    def _refuses(self, address: str) -> bool:
        return not {address, address.rpartition("@")[2]}.isdisjoint(self.refused_domains)

    def _keep(self, server: SMTP, envelope: Envelope) -> None:
        content = envelope.original_content
        assert isinstance(content, bytes)
        got = Received(
            envelope.mail_from or "",
            envelope.rcpt_tos[0],
            content,
            tuple(map(str, envelope.mail_options)),
            self.connections,
        )
        self.received.append(got)
        if self.on_accepted is not None:
            self.on_accepted(got)


@contextmanager
def smtp_server(**options: Any) -> Iterator[SmtpServer]:
    """A server that listens inside the block."""
    server = SmtpServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
