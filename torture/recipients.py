"""The systems of those who are written to: a real mail server and a mail provider, which treat each address in a way of
its own, and remember what really became of every message.

What they took and kept has reached somebody. What they took and sent back, refused, forgot or answered at the wrong
moment has not, whatever the number of the answer was.
"""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, ClassVar, Final, NamedTuple

from anymail.message import AnymailRecipientStatus, AnymailStatus  # type: ignore[import-untyped]
from anymail.signals import AnymailTrackingEvent  # type: ignore[import-untyped]
from django.core.mail.backends.base import BaseEmailBackend

from arrears.adapters.channels.headers import ComposedMail
from arrears.core.account import Action
from torture.reports import Report, report_of

PROMISE: Final = re.compile(rb"(\w+): the (service stops|data is deleted) on (\d{4}-\d\d-\d\d)")
_ACTIONS: Final = {b"service stops": Action.DISABLE, b"data is deleted": Action.DELETE}


class Way(StrEnum):
    """How a recipient's system treats a message."""

    TAKES = "takes"
    RCPT_252 = "answers 252 to RCPT and forgets the text"
    DATA_250 = "answers 250 to DATA and forgets the text"
    SURPLUS = "has one answer too many"
    SILENT_KEPT = "keeps the text and never answers"
    SILENT_LOST = "loses the text and never answers"
    HANGS_UP = "hangs up at RCPT"
    DEFERS = "451, later"
    FULL = "552 after the text"
    BLOCKED = "554 5.7.1 to RCPT"
    NO_SUCH_USER = "550 5.1.1 to RCPT"
    BACK_DEAD = "takes it and reports that there is no such user"
    BACK_FULL = "takes it and reports a full mailbox"
    BACK_BLOCKED = "takes it and reports a block list"
    BACK_FORWARD = "takes it and reports the address that it was passed on to"
    BACK_UNCLEAR = "takes it and reports in words that nobody knows"
    BACK_EXCHANGE = "takes it and reports unless the mail asks it not to"
    BACK_GATEWAY = "takes it, and a gateway with a return path of its own says in its language that it is gone"
    BACK_GIVEN_UP = "takes it and reports that it is delayed, and given up"
    SAID_REJECTED = "the provider says rejected"
    SAID_FAILED = "the provider says failed"
    SAID_UNKNOWN = "the provider says nothing that is known"
    EVENT_BOUNCED = "the provider's event: bounced"
    EVENT_REJECTED = "the provider's event: rejected, blocked"
    EVENT_FAILED = "the provider's event: failed"


BY_SMTP: Final = tuple(way for way in Way if not way.name.startswith(("SAID", "EVENT", "TAKES")))
BY_PROVIDER: Final = tuple(way for way in Way if way.name.startswith(("SAID", "EVENT")))
DYING: Final = (Way.NO_SUCH_USER, Way.BACK_DEAD)
"""These say that the address does not exist, and it never will again."""


class Spell(NamedTuple):
    """So an address is treated until an instant; reports come so much later, at once for zero."""

    way: Way
    until: datetime
    late: timedelta


class Handed(NamedTuple):
    """One text that came whole: to whom, when, what it promises, and whether somebody has it."""

    to: str
    message: str
    at: datetime
    promises: tuple[tuple[Action, date], ...]
    kept: bool


class Recipients:
    """All of them, behind one server. Used as a context, it listens on a free port of the loopback."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.spells: dict[str, Spell] = {}
        self.handed: list[Handed] = []
        self.reports: list[tuple[datetime, Report]] = []
        self.events: list[tuple[datetime, AnymailTrackingEvent]] = []
        self.asked: list[tuple[datetime, str]] = []
        self.dead: dict[str, datetime] = {}
        self.outage: tuple[datetime, datetime] | None = None
        """Meanwhile the server takes nothing that is from us."""
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Dialogue)
        self._server.daemon_threads = True
        self._server.recipients = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Recipients:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def way(self, address: str) -> Way:
        """How this address is treated now. What does not exist stays so."""
        spell = self.spells.get(address)
        if spell is None or (self.now >= spell.until and address not in self.dead):
            return Way.TAKES
        return spell.way

    @property
    def refuses_us(self) -> bool:
        """Whether this is that time."""
        return self.outage is not None and self.outage[0] <= self.now < self.outage[1]

    def died(self, address: str) -> None:
        """Somebody was told that it does not exist."""
        self.dead.setdefault(address, self.now)

    def took(self, to: str, message: str, content: bytes, *, kept: bool) -> None:
        """A whole text has come."""
        found = tuple((_ACTIONS[what], date.fromisoformat(day.decode())) for _, what, day in PROMISE.findall(content))
        self.handed.append(Handed(to, message, self.now, found, kept))

    def sends_back(self, sender: str, to: str, content: bytes) -> None:
        """What was taken comes back, now or later."""
        way = self.way(to)
        late = self.spells[to].late
        if way is Way.BACK_EXCHANGE and re.search(rb"(?im)^X-Auto-Response-Suppress:.*\b(All|NDR)\b", content):
            return
        if way is Way.BACK_DEAD:
            if to in self.dead:
                return  # said once, and not again: whoever shares the address must be told by that
            self.died(to)
        self.reports.append((self.now + late, report_of(way.name, sender, to, content)))

    def due(self) -> tuple[Sequence[Report], Sequence[AnymailTrackingEvent]]:
        """The reports and events that have come by now; each once."""
        reports = [one for at, one in self.reports if at <= self.now]
        events = [one for at, one in self.events if at <= self.now]
        self.reports = [pair for pair in self.reports if pair[0] > self.now]
        self.events = [pair for pair in self.events if pair[0] > self.now]
        return reports, events

    def next_due(self) -> datetime | None:
        """When the next of them comes."""
        return min((at for at, _ in (*self.reports, *self.events)), default=None)


class _Dialogue(socketserver.StreamRequestHandler):
    """One connection, word by word: the numbers that a server should never say are said too."""

    def handle(self) -> None:
        """Until the other side goes, or we do."""
        with suppress(ConnectionError):
            self._talk()

    def _talk(self) -> None:
        us: Recipients = self.server.recipients  # type: ignore[attr-defined]
        self._say("220 recipients.example")
        sender = to = ""
        while line := self.rfile.readline(4_000).decode("latin-1").strip():
            verb = line[:4].upper()
            if verb == "EHLO":
                self._say("250-recipients.example\r\n250 8BITMIME")
            elif verb == "MAIL":
                sender = line.partition("<")[2].partition(">")[0]
                self._say("553 5.1.8 sender address rejected" if us.refuses_us else "250 2.1.0 ok")
            elif verb == "RCPT":
                to = line.partition("<")[2].partition(">")[0]
                if us.way(to) is Way.HANGS_UP:
                    return
                self._recipient(us, to)
            elif verb == "DATA":
                if not self._data(us, sender, to):
                    return
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 2.0.0 ok")

    def _recipient(self, us: Recipients, to: str) -> None:
        us.asked.append((us.now, to))
        match us.way(to):
            case Way.RCPT_252:
                self._say("252 2.5.2 cannot verify, will try")
            case Way.SURPLUS:
                self._say("250 2.1.5 ok\r\n354 go ahead")
            case Way.DEFERS:
                self._say("451 4.7.1 try again later")
            case Way.BLOCKED:
                self._say("554 5.7.1 Service unavailable; client host blocked using a block list")
            case Way.NO_SUCH_USER:
                us.died(to)
                self._say(f"550 5.1.1 <{to}>: Recipient address rejected: User unknown")
            case _:
                self._say("250 2.1.5 ok")

    def _data(self, us: Recipients, sender: str, to: str) -> bool:
        """Take a text; whether the connection goes on."""
        way = us.way(to)
        if way is Way.SURPLUS:
            self._say("250 2.0.0 whatever")  # the answer to DATA; the text that may follow is nobody's
        else:
            self._say("250 2.0.0 ok" if way is Way.DATA_250 else "354 go ahead")
        lines = []
        while (line := self.rfile.readline(4_000)) and line != b".\r\n":
            lines.append(line)
        if not line:
            return False
        content = b"".join(lines)
        kept = way in (Way.TAKES, Way.SILENT_KEPT)
        us.took(to, sender, content, kept=kept)
        if way in (Way.SILENT_KEPT, Way.SILENT_LOST):
            return False
        if way.name.startswith("BACK"):
            us.sends_back(sender, to, content)
        self._say("552 5.2.2 mailbox full" if way is Way.FULL else "250 2.0.0 taken")
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class ProviderBackend(BaseEmailBackend):
    """A mail provider as anymail shows it: an answer for each recipient, and events that come later."""

    recipients: ClassVar[Recipients]

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        """Take each, and say what is said of its address."""
        for mail in email_messages:
            assert isinstance(mail, ComposedMail)
            self._take(mail)
        return len(email_messages)

    def _take(self, mail: ComposedMail) -> None:
        us, to = self.recipients, mail.envelope_to
        us.asked.append((us.now, to))
        way = us.way(to)
        us.took(to, mail.envelope_id, mail.octets(), kept=way is Way.TAKES)
        said = {Way.SAID_REJECTED: "rejected", Way.SAID_FAILED: "failed", Way.SAID_UNKNOWN: "unknown"}.get(
            way, "queued"
        )
        mail.anymail_status = AnymailStatus()  # type: ignore[attr-defined]
        mail.anymail_status.set_recipient_status({to: AnymailRecipientStatus("p1", said)})  # type: ignore[attr-defined]
        if way in (Way.EVENT_BOUNCED, Way.EVENT_REJECTED, Way.EVENT_FAILED):
            kind, reason, words = {
                Way.EVENT_BOUNCED: ("bounced", "bounced", "552 5.2.2 mailbox full"),
                Way.EVENT_REJECTED: ("rejected", "blocked", "blocked by the recipient's provider"),
                Way.EVENT_FAILED: ("failed", "other", ""),
            }[way]
            event = AnymailTrackingEvent(
                event_type=kind, recipient=to, reject_reason=reason, description=words, mta_response="",
                metadata={"message_id": mail.envelope_id}, message_id="p1", timestamp=None, event_id="",
            )  # fmt: skip
            us.events.append((us.now + us.spells[to].late, event))
