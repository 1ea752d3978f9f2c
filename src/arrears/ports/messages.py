"""What the engine needs to reach people: words, channels, and the book of every message."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import msgspec

from arrears.core.messages.content import Content
from arrears.core.messages.recipients import Contacts


class Fate(StrEnum):
    """What became of a message or an order."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class Message(NamedTuple):
    """One message, ready to hand over. `id` is the same however often it is tried; `html` may be empty; messages of
    one `thread` hang together in the reader's mail program; `at` is when it was written."""

    id: str
    to: str
    subject: str
    text: str
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    thread: str = ""
    at: datetime | None = None


class Delivery(NamedTuple):
    """What became of a message that was handed over, and the server's own words about it."""

    fate: Fate
    reply: str = ""


class Channel(Protocol):
    """A way to reach people."""

    def send(self, message: Message) -> Delivery:
        """Hand one message over. Never called twice for one id unless `look_up` proved that it was not sent."""

    def look_up(self, message_id: str) -> Fate:
        """What became of a message whose sender died; UNKNOWN where this channel cannot tell."""


class MessageText(Protocol):
    """A message in words: one line, the plain text, the HTML (may be empty), and the language it is in."""

    @property
    def subject(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def html(self) -> str: ...

    @property
    def language(self) -> str: ...


class Writer(Protocol):
    """Whoever finds the words."""

    def render(self, content: Content) -> MessageText:
        """The message in its reader's language."""


class MailState(StrEnum):
    """How far a message is. `waiting`: not handed over, will be tried again; `claimed`: being handed over;
    `bounced_hard`: its address does not exist; `came_back`: it did not arrive, for any other final reason."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    DROPPED = "dropped"
    BOUNCED_HARD = "bounced_hard"
    CAME_BACK = "came_back"
    COMPLAINED = "complained"


TAKEN = frozenset({MailState.ACCEPTED, MailState.COMPLAINED})
"""A mail server took it, and nothing final says that it did not arrive."""

BACK = frozenset({MailState.BOUNCED_HARD, MailState.CAME_BACK})
"""It did not arrive. No answer that is stored later undoes that."""


class Mail(msgspec.Struct, frozen=True, gc=False):
    """One message to one address, as its book has it: the row may be erased, the facts keep only its digest.

    It is named by the fact that asked for it and its number there. `kind`, `cause` and `on_day` (the local day it was
    handed over) make it unique for an address. `text` is the plain part without its link. `person` is 0 for nobody
    that we know by number. `at` is when it came to its state, or was handed over for what happened to it later.
    """

    account: int
    seq: int
    no: int
    kind: str
    cause: str
    on_day: date
    address: str
    role: str
    person: int
    language: str
    subject: str
    text: str
    state: MailState
    reply: str
    at: datetime

    @property
    def id(self) -> str:
        """Its name at mail servers."""
        return f"a{self.account}-{self.seq}-{self.no}"

    @property
    def digest(self) -> str:
        """What the facts keep of it: SHA-256 of its text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class MailMove(NamedTuple):
    """A message has come to another state."""

    account: int
    seq: int
    no: int
    state: MailState
    reply: str


class PayLink(NamedTuple):
    """The capability in one message: only the SHA-256 of its token is kept. It ends with the case, and with the
    administrator that it was given to (`person`; 0 and the address where nobody is)."""

    digest: bytes
    account: int
    person: int
    address: str
    case: int
    made_at: datetime


class MailCounts(NamedTuple):
    """Of the last hour: how many messages were handed over, and how many came back for good. `paused`: staff have
    been told that too many did. Of the last day: how many were handed over to each address asked about."""

    handed: int
    bounced: int
    paused: bool
    to: Mapping[str, int]


class KeptReport(NamedTuple):
    """What somebody reported about a message. `message` is ports.Message.id where the report proves to be about it;
    empty for a report that proves nothing and changes nothing. `text` is the report itself, the first of it."""

    message: str
    address: str
    how: str
    status: str
    why: str
    text: str


REPORTS_MAX: Final = 10_000
"""So many of the reports that prove nothing are kept, the newest: anybody can send them."""


class MailBook(Protocol):
    """Who can be reached, and every message to them."""

    def keep_report(self, report: KeptReport, now: datetime) -> None:
        """Keep what somebody reported; of what proves nothing the newest REPORTS_MAX."""

    def reports_of(self, message: str) -> Sequence[KeptReport]:
        """What was reported about a message, the oldest first; of no message (empty) what proves nothing."""

    def contacts(self, numbers: Sequence[int]) -> Mapping[int, Contacts]:
        """How each account can be reached."""

    def mails(self, notices: Sequence[tuple[int, int]]) -> Sequence[Mail]:
        """Every message of these facts (account, seq), in order."""

    def mails_of(self, account: int) -> Sequence[Mail]:
        """Every message of an account, in order."""

    def mails_to(self, address: str, since: datetime) -> Sequence[Mail]:
        """The messages to an address that were handed over since then, of any account, the oldest first."""

    def claim_mails(self, mails: Sequence[Mail], links: Sequence[PayLink]) -> Sequence[Mail]:
        """Claim these for handing over, new ones and those that wait (or whose sender died, with proof that they did
        not leave); committed when this returns, with their links. Only the claimed are returned: not one of a kind and
        cause that its address has today already."""

    def mail_counts(self, now: datetime, addresses: Collection[str]) -> MailCounts:
        """What limits look at."""

    def give_token(self, request: int, digest: bytes) -> None:
        """The link of this request is now the one with this digest; links before it are worth nothing."""

    def give_link(self, link: int, digest: bytes) -> None:
        """The same for a link that lets somebody in."""

    def pay_link(self, digest: bytes) -> PayLink | None:
        """The link whose token has this digest."""
