"""E-mail by SMTP, or by a mail provider's API: hands a message over at most once and keeps the server's own words.

What became of a message is read from how far the dialogue came. Until the line with the single dot has left, nothing
can have been accepted (RFC 5321, 4.1.1.4); between that line and its answer nobody can tell.

Django must be set up; its settings are not read for SMTP, for a provider they are anymail's.
"""

from __future__ import annotations

import io
import re
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from smtplib import SMTP, SMTP_SSL
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import utf8_charset_qp

from arrears.adapters.channels.answers import NOT_SIGNED_IN, answered, line_of, reply_of, says_us, words_of
from arrears.adapters.channels.headers import ComposedMail, compose, origin
from arrears.core.errors import Refused
from arrears.ports import Delivery, DeliveryAbout, Fate, Message

_SCHEMES: Final = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_EXPECTED: Final = {"MAIL": (250,), "RCPT": (250, 251), "DATA": (354,)}
_END: Final = b".\r\n"


class SmtpChannel:
    """One kept connection to one server. `url` is smtp://user:password@host:port, smtps:// or smtp+starttls://;
    `sender` may be `Name <address>`. With `bounce_to`, bounces go to that address with the message's id in it, which
    `key` signs. With `backend`, the dotted path of an anymail backend, mail goes through that provider and `url` is not
    used.

    One message takes at most four times `timeout_seconds` besides connecting. Refuses `bad_mail_url` and
    `bad_address`.
    """

    def __init__(
        self,
        url: str,
        sender: str,
        reply_to: str = "",
        timeout_seconds: int = 20,
        backend: str = "",
        bounce_to: str = "",
        key: bytes = b"",
    ) -> None:
        self._origin = origin(sender, reply_to, bounce_to, key)
        self._connection: KeptConnection | BaseEmailBackend
        if backend:
            self._connection = _backend(backend, timeout_seconds)
        else:
            self._connection = KeptConnection(_server(url), timeout_seconds)

    def send(self, message: Message) -> Delivery:
        """See ports.Channel. What cannot be written as a mail is refused without asking the server."""
        try:
            letter = compose(message, self._origin)
        except Refused as refused:
            return Delivery(Fate.REFUSED, reply=refused.message)
        if isinstance(self._connection, KeptConnection):
            return self._connection.deliver(letter)
        return _by_provider(self._connection, letter)

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel: SMTP cannot be asked."""
        return Fate.UNKNOWN

    def close(self) -> None:
        """Take leave of the server. The next message connects again."""
        self._connection.close()


def _backend(name: str, timeout_seconds: int) -> BaseEmailBackend:
    try:
        return get_connection(name, timeout=timeout_seconds)
    except ImportError:
        why = f"is {name[:80]!r}; give one of anymail's, like anymail.backends.postmark.EmailBackend"
    except ImproperlyConfigured as error:
        key = re.search("ANYMAIL_[A-Z_]+", str(error))
        why = f"is {name[:80]!r}, and {key[0] if key else 'something'} is missing"
    raise Refused("bad_setting", f"ARREARS_MAIL_BACKEND {why}")


class Server(NamedTuple):
    """Where mail is handed over; `user` and `password` are both empty where the server asks for none."""

    scheme: str
    host: str
    port: int
    user: str
    password: str


class _Lost(Exception):
    """The connection is of no use any more, and nothing of the message was handed over. `broke`: the recipient had been
    named, so that it may be about that one alone."""

    def __init__(self, said: str, command: str = "") -> None:
        super().__init__(line_of(said))
        self.broke = command.startswith(("RCPT", "DATA"))


class _OutOfStep(_Lost):
    """The server answers something else than it was asked; whatever it says next means nothing."""


class _WholeLines(io.BufferedReader):
    """A server's lines. One that is cut off is none: its 250 may be that of a line that goes on."""

    def readline(self, size: int | None = -1, /) -> bytes:
        """The next line with its end; nothing where the connection ended before."""
        line = super().readline(size)
        return line if line.endswith(b"\n") or len(line) == size else b""


class _Dialogue(SMTP):
    """smtplib's dialogue, which would take half a line for an answer."""

    def getreply(self) -> tuple[int, bytes]:
        """The next answer, whole."""
        if self.file is None and self.sock is not None:
            self.file = _WholeLines(self.sock.makefile("rb", buffering=0))
        return super().getreply()


class _TlsDialogue(_Dialogue, SMTP_SSL):
    """The same, under TLS from its first octet."""


class KeptConnection(EmailBackend):
    """Django's SMTP backend, with the connection kept from message to message and the dialogue spoken step by step.

    Not `sendmail`, which says of a connection that broke only that it broke.
    """

    _partial_connection: SMTP | None

    @property
    def connection_class(self) -> type[SMTP]:
        """What speaks with the server (see Django's backend)."""
        return _TlsDialogue if self.use_ssl else _Dialogue

    def __init__(self, server: Server, timeout_seconds: int) -> None:
        super().__init__(
            host=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.scheme == "smtp+starttls",
            use_ssl=server.scheme == "smtps",
            timeout=timeout_seconds,
        )
        self.delivery = Delivery(Fate.NOT_SENT, DeliveryAbout.SERVER)
        self._patience_seconds = timeout_seconds
        self._deadline = 0.0

    def deliver(self, letter: ComposedMail) -> Delivery:
        """Hand one mail over. A kept connection that proves dead before the mail's text is replaced once."""
        with self._lock:
            self._deadline = time.monotonic() + 2 * self._patience_seconds
            while True:
                kept = self.connection is not None
                try:
                    self._connect()
                    self.send_messages([letter])
                except _Lost as lost:
                    self._drop()
                    if kept and not isinstance(lost, _OutOfStep) and time.monotonic() < self._deadline:
                        continue
                    return Delivery(Fate.NOT_SENT, DeliveryAbout.SERVER, str(lost), broke=lost.broke)
                return self.delivery

    def close(self) -> None:
        """Say goodbye, or hang up where nobody answers."""
        with self._lock:
            try:
                if self.connection is not None:
                    self.connection.quit()
            except OSError:
                return
            finally:
                self._drop()

    def _connect(self) -> None:
        if self.connection is not None:
            return
        try:
            self.open()
            assert self.connection is not None
            self.connection.ehlo_or_helo_if_needed()
        except (OSError, ValueError) as error:
            raise _Lost(f"cannot use the mail server {self.host}:{self.port}: {words_of(error)}") from None

    def _drop(self) -> None:
        for one in (self.connection, self._partial_connection):
            if one is not None:
                with suppress(OSError):
                    one.close()
        self.connection = self._partial_connection = None

    def _send(self, email_message: EmailMessage) -> bool:
        assert isinstance(email_message, ComposedMail)
        assert self.connection is not None
        whole = False
        try:
            self.delivery = self._hand_over(self.connection, email_message)
            whole = True
        finally:
            if not whole:
                # Whatever interrupted the dialogue, its next answer would be taken for that of another message.
                self._drop()
        return self.delivery.fate is Fate.ACCEPTED

    def _hand_over(self, smtp: SMTP, letter: ComposedMail) -> Delivery:
        utf8 = not letter.envelope_to.isascii()
        if utf8 and not smtp.has_extn("smtputf8"):
            return Delivery(
                Fate.REFUSED,
                reply=f"the mail server takes only ASCII before the @ of an address, not {letter.envelope_to}",
            )
        if not smtp.has_extn("8bitmime"):
            letter.encoding = utf8_charset_qp
        content = letter.octets()
        for command in _commands(smtp, letter, content):
            code, text = self._ask(smtp, command, utf8)
            if code not in _EXPECTED[command[:4]]:
                if not 400 <= code < 600:
                    # The stage decides, not the number: before the text nothing can have been accepted.
                    raise _OutOfStep(f"{reply_of(code, text)} is no answer to {command[:4]}", command)
                # With a line too many the next answer would be that of another message.
                self._drop() if _says_more(smtp) else self._forget(smtp, code)
                return answered(command[:4], code, text, letter.envelope_to, letter.envelope_from)
            if _says_more(smtp):
                raise _OutOfStep(f"more than one answer to {command[:4]}", command)
        return self._write(smtp, letter, content.replace(b"\r\n.", b"\r\n..") + _END)

    def _ask(self, smtp: SMTP, command: str, utf8: bool) -> tuple[int, bytes]:
        """Say one command that hands nothing over yet; the answer."""
        left = self._deadline - time.monotonic()
        if left <= 0 or smtp.sock is None:
            raise _Lost("the mail server is too slow" if left <= 0 else "the mail server hung up", command)
        try:
            smtp.sock.settimeout(min(left, self._patience_seconds))
            smtp.command_encoding = "utf-8" if utf8 else "ascii"
            code, text = smtp.docmd(command)
        except OSError as error:
            raise _Lost(f"no answer to {command[:4]}: {words_of(error)}", command) from None
        if code in (421, -1):
            raise _Lost(reply_of(code, text), command)
        return code, text

    def _forget(self, smtp: SMTP, code: int) -> None:
        """Have the server forget a message that it did not take; sign in anew where it forgot who we are."""
        try:
            reset = self._ask(smtp, "RSET", utf8=False)[0] == 250 and code not in NOT_SIGNED_IN
        except _Lost:
            reset = False
        if not reset:
            self._drop()

    def _write(self, smtp: SMTP, letter: ComposedMail, content: bytes) -> Delivery:
        rest = memoryview(content)
        sock: socket.socket = smtp.sock  # type: ignore[assignment]
        try:
            sock.settimeout(self._patience_seconds)
            while rest:
                rest = rest[sock.send(rest) :]
        except OSError as error:
            self._drop()
            ended = len(rest) < len(_END)
            why = line_of(f"broken off: {words_of(error)}")
            if ended:
                return Delivery(Fate.UNKNOWN, reply=why)
            return Delivery(Fate.NOT_SENT, DeliveryAbout.SERVER, why, broke=True)
        try:
            sock.settimeout(2 * self._patience_seconds)  # for who looks into the text first (RFC 5321, 4.5.3.2.6)
            code, text = smtp.getreply()
        except OSError as error:
            self._drop()
            return Delivery(Fate.UNKNOWN, reply=line_of(f"handed over whole, but without an answer: {words_of(error)}"))
        if _says_more(smtp):
            self._drop()
            return Delivery(Fate.UNKNOWN, reply=line_of(f"more than one answer to the text: {reply_of(code, text)}"))
        if code == 421 or not 200 <= code < 600:
            self._drop()
        return answered("TEXT", code, text, letter.envelope_to, letter.envelope_from)


def _says_more(smtp: SMTP) -> bool:
    """Whether the server has said more than the answer that was just read: then what it says next is an answer to
    nobody knows what, and its 250 must not be taken for that of a text."""
    sock, answers = smtp.sock, smtp.file
    if sock is None or answers is None:
        return False
    patience = sock.gettimeout()
    sock.settimeout(0)
    try:
        return bool(answers.peek(1))
    except OSError:
        return False  # nothing more yet, or it hung up: the next command says so
    finally:
        sock.settimeout(patience)


def _commands(smtp: SMTP, letter: ComposedMail, content: bytes) -> Sequence[str]:
    """MAIL with what the server offers of SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531) and DSN
    (RFC 3461): the head alone comes back, and our id with it."""
    options = ""
    if smtp.has_extn("size"):
        options += f" SIZE={len(content)}"
    if smtp.has_extn("8bitmime") and not content.isascii():
        options += " BODY=8BITMIME"
    if not letter.envelope_to.isascii():
        options += " SMTPUTF8"
    if smtp.has_extn("dsn"):
        options += f" RET=HDRS ENVID={letter.envelope_id}"
    return f"MAIL FROM:<{letter.envelope_from}>{options}", f"RCPT TO:<{letter.envelope_to}>", "DATA"


def _server(url: str) -> Server:
    """The server that a URL names; no message repeats the URL, which holds a password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _SCHEMES.get(parts.scheme, 0)
        host.encode("idna")
    except ValueError:
        raise _wrong_url() from None
    if not host or not port or parts.scheme not in _SCHEMES or parts.path not in ("", "/") or parts.query:
        raise _wrong_url()
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise Refused("bad_mail_url", "the mail server's URL has a user or a password, but not both; give both or none")
    return Server(parts.scheme, host, port, user, password)


def _wrong_url() -> Refused:
    return Refused("bad_mail_url", "the mail server's URL is wrong; write smtp+starttls://user:password@host:587")


def _by_provider(backend: BaseEmailBackend, letter: ComposedMail) -> Delivery:
    """Through anymail. The id travels as metadata, which comes back in the provider's webhooks."""
    # These take longer to load than this module, and most installations have a mail server of their own.
    from anymail import exceptions as refusals  # type: ignore[import-untyped]
    from requests import RequestException

    letter.metadata = {"message_id": letter.envelope_id}
    try:
        backend.open()
        backend.send_messages([letter])
    except (
        refusals.AnymailRecipientsRefused,
        refusals.AnymailInvalidAddress,
        refusals.AnymailSerializationError,
        refusals.AnymailUnsupportedFeature,
    ) as error:
        return Delivery(Fate.REFUSED, reply=line_of(str(error)))
    except refusals.AnymailError as error:
        fate = _fate_of_call(error, error.status_code)
        about = DeliveryAbout.SERVER if fate is Fate.NOT_SENT else DeliveryAbout.ADDRESS
        if fate is Fate.REFUSED and (error.status_code == HTTPStatus.PAYMENT_REQUIRED or says_us(str(error))):
            return Delivery(Fate.NOT_SENT, DeliveryAbout.SENDER, line_of(str(error)))
        # A provider that answered had been told of the recipient.
        broke = fate is Fate.NOT_SENT and error.status_code is not None
        return Delivery(fate, about, line_of(str(error)), broke=broke)
    except (RequestException, OSError) as error:
        return Delivery(Fate.UNKNOWN, reply=line_of(words_of(error)))
    status = getattr(letter, "anymail_status", None)
    if status is None:
        return Delivery(Fate.ACCEPTED)
    said = {str(one.status) for one in status.recipients.values()}
    taken = said and said <= {"sent", "queued"}
    fate = Fate.ACCEPTED if taken else Fate.UNKNOWN
    return Delivery(fate, reply=line_of(f"{' '.join(sorted(said))} {status.message_id or ''}"))


def _fate_of_call(error: BaseException, http_status: int | None) -> Fate:
    """A provider that could not be reached, or that answered about our key or our pace, took nothing; one that
    answered about the message refused it. Of anything else nobody can tell."""
    from requests.exceptions import ConnectTimeout
    from urllib3.exceptions import NewConnectionError

    if http_status in (401, 403, 429):
        return Fate.NOT_SENT
    if http_status is not None and 400 <= http_status < 500 and http_status != 408:
        return Fate.REFUSED
    # What urllib3 said lies beneath what requests and anymail made of it.
    beneath = error.__cause__.args[0] if error.__cause__ is not None and error.__cause__.args else None
    never = isinstance(error, ConnectTimeout) or isinstance(getattr(beneath, "reason", None), NewConnectionError)
    return Fate.NOT_SENT if never else Fate.UNKNOWN
