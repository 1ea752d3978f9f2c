"""What the engine needs to reach people: words, channels, and the book of every message."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import msgspec

from arrears.core.address import mailbox_of
from arrears.core.messages.content import Content
from arrears.core.messages.recipients import EMAIL, ChannelName, Contacts


class Fate(StrEnum):
    """What became of a message or an order."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class Attachment(NamedTuple):
    """A file that goes along with a mail: a PDF."""

    name: str
    body: bytes


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
    attachments: tuple[Attachment, ...] = ()


class DeliveryAbout(StrEnum):
    """What an answer is about. SERVER: nothing at all is taken now (no connection, the wrong key, too many messages),
    so the next message need not be tried. SENDER: who we are is refused (our address, our host), at least by those who
    take mail for this recipient. Neither says anything about the message or its address. EITHER is kept of a message
    for which a server took nothing once it knew the recipient (`Delivery.broke`): the next one tells which it was.
    LIMIT is kept of one that was not tried, since its address has had the most of a day."""

    ADDRESS = "address"
    SERVER = "server"
    SENDER = "sender"
    EITHER = "either"
    LIMIT = "limit"


class Delivery(NamedTuple):
    """What became of a message that was handed over; the server's own words about it; and its code for that, which
    names nobody and may stand in a fact ("550 5.1.1", empty for none). What codes mean only the channel knows. `dead`:
    the server says that the address does not exist. `broke`: a server broke off, answered out of step or said that it
    takes nothing when it had been told of this recipient: that may be about this one alone."""

    fate: Fate
    about: DeliveryAbout = DeliveryAbout.ADDRESS
    reply: str = ""
    code: str = ""
    dead: bool = False
    broke: bool = False


class Channel(Protocol):
    """A way to hand messages over to people: a mail server, a provider's API, a folder."""

    def send(self, message: Message) -> Delivery:
        """Hand one message over. Never called twice for one id unless `look_up` proved that it was not sent."""

    def look_up(self, message_id: str) -> Fate:
        """What became of a message whose sender died; UNKNOWN where this channel cannot tell."""


class OtherChannel(Channel, Protocol):
    """A channel beside mail: what an address of it is, only it knows."""

    def checked(self, address: str) -> str:
        """The address in the one form in which it is stored, compared and handed over. Refuses `bad_address`."""


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
    """What puts a message into words."""

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


TEXT_GONE: Final = "sha256:"
"""So begins what stands in the place of a text that is kept no longer, before its digest."""

QUEUED: Final = "queued"
"""Of a message that is claimed: its turn has not come, so that it has not left, whatever becomes of its sender."""


class Mail(msgspec.Struct, frozen=True, gc=False):
    """One message to one address, as its book has it: the row may be erased, the facts keep only its digest.

    It is named by the fact that asked for it and its number there. `kind`, `cause` and `on_day` (the local day it was
    handed over) make it unique for an address of its `channel`. `text` is the plain part without its link. `person` is
    0 for nobody that we know by number. `at` is when it came to its state, or was handed over for what happened to it
    later. `reply` are the server's words, and name the address; `code` is its code for them, which does not. `about` is
    a DeliveryAbout while it waits because of what is not its own, else empty. `mark` is random and of this row alone: a
    database that was restored counts up to numbers that were mailed before. `handing` says of a claimed one that it
    is QUEUED, or the fate that its channel has answered; empty while it is with the channel.
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
    code: str = ""
    channel: ChannelName = EMAIL
    about: str = ""
    mark: str = ""
    handing: str = ""

    @property
    def id(self) -> str:
        """The name by which mail servers know it, the same however often it is handed over."""
        return f"a{self.account}-{self.seq}-{self.no}{self.mark and '-'}{self.mark}"

    @property
    def mailbox(self) -> str:
        """What its address has in common with other spellings of it."""
        return mailbox_of(self.address)

    @property
    def digest(self) -> str:
        """What the facts keep of its text: SHA-256 of it, in hexadecimal."""
        if self.text.startswith(TEXT_GONE):
            return self.text.removeprefix(TEXT_GONE)
        return hashlib.sha256(self.text.encode()).hexdigest()


class MailMove(NamedTuple):
    """A message has come to another state."""

    account: int
    seq: int
    no: int
    state: MailState
    reply: str
    code: str
    about: str = ""


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
    """Of the last hour: how many messages were handed over, to how many addresses, and how many of these are dead by
    what came of it. Of an account one address counts, and none that its people typed (invitations, tests, addresses
    that nobody has confirmed, technical contacts): they prove nothing about our mail. `paused`: staff have been told
    that too many are dead. `to`, of the last day: how many messages of each kind were handed over to each mailbox
    (`mailbox_of`) asked about."""

    handed: int
    addresses: int
    dead: int
    paused: bool
    to: Mapping[tuple[str, str], int]


class StuckMail(NamedTuple):
    """Messages that wait because of what is not their own: how many, to how many domains, some of these, and what was
    said last."""

    messages: int
    domains: int
    named: tuple[str, ...]
    reply: str


NOT_STUCK: Final = StuckMail(0, 0, (), "")

SEVERAL: Final = 3
"""So many addresses of one domain for which nothing is taken are no longer one recipient's own trouble."""


class MailHealth(NamedTuple):
    """How mail as a whole is doing, letters to people who do not sign in among it: when a message was last taken, what
    waits for the server, because of who we are, and because its address has had the most of a day; how many of the last
    hour's were handed over and did not arrive, to how many addresses each (of messages alone); and the open tasks of
    the installation about mail, by kind. Addresses count as in MailCounts."""

    accepted_at: datetime | None
    server: StuckMail
    sender: StuckMail
    limit: StuckMail
    handed: int
    back: int
    addresses: int
    addresses_back: int
    open: Mapping[str, str]


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


class ContactBook(Protocol):
    """How the people of accounts can be reached. It may be erased, so no fact holds it."""

    def contacts(self, numbers: Sequence[int]) -> Mapping[int, Contacts]:
        """How each of these accounts can be reached."""


class WarningBook(ContactBook, Protocol):
    """How people can be reached, and the messages that they got: whether somebody has been warned."""

    def mails_of_notices(self, notices: Sequence[tuple[int, int]]) -> Sequence[Mail]:
        """Every message that these facts (account, seq) asked for, in order."""


class MailBook(WarningBook, Protocol):
    """Every message to one address: what was claimed for handing over, and what became of it."""

    def keep_report(self, report: KeptReport, now: datetime) -> None:
        """Keep what somebody reported; of what proves nothing the newest REPORTS_MAX."""

    def reports_of(self, message: str) -> Sequence[KeptReport]:
        """What was reported about a message, the oldest first; of no message (empty) what proves nothing."""

    def mails_of(self, account: int) -> Sequence[Mail]:
        """Every message of an account, in order."""

    def mails_to(self, address: str, since: datetime) -> Sequence[Mail]:
        """The messages to an address that were handed over since then, of any account, the oldest first."""

    def claim_mails(self, mails: Sequence[Mail], links: Sequence[PayLink]) -> Sequence[Mail]:
        """Claim these for handing over, new ones and those that wait (or whose sender died, with proof that they did
        not leave); committed when this returns, with their links. Only the claimed are returned: not one of a kind and
        cause that its address has today already. Of these that are `waiting` the row is written where there is none."""

    def begin_mail(self, mail: Mail, over: Sequence[MailMove]) -> bool:
        """Say that this one, claimed and QUEUED, is with its channel from now on, and keep what channels have answered
        of others (`state` as it follows from their fate); committed when this returns. False, and it must not be handed
        over, where somebody else has begun it or it has come to another state."""

    def mail_counts(self, now: datetime, mailboxes: Collection[str]) -> MailCounts:
        """How many messages were handed over and came back lately, and to each of these mailboxes (`mailbox_of`): what
        the limits on mail are compared with."""

    def mail_health(self, now: datetime) -> MailHealth:
        """How mail as a whole is doing."""

    def renew_address_link(self, request: int, digest: bytes) -> None:
        """From now on the link that confirms an address is the one whose token has this digest; the links sent for
        this request before are worth nothing."""

    def renew_sign_in_link(self, link: int, digest: bytes) -> None:
        """The same for a link that lets somebody in: an invitation, or a way to choose another password."""


class PayLinkBook(Protocol):
    """The pay links that messages carried."""

    def pay_link(self, digest: bytes) -> PayLink | None:
        """The link whose token has this digest; None for one that was never sent."""
