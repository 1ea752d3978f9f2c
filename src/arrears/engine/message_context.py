"""What a message is made with: the words, who it is from, where its links lead, and how many may leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from arrears.core.messages.content import Operator
from arrears.core.messages.recipients import ChannelName
from arrears.engine.plain import PlainWriter
from arrears.ports import Attachment, Channel, MailBook, Writer

PAY_PATH: Final = "/pay/"


CONFIRM_PATH: Final = "/address/"


INVITATION_PATH: Final = "/invitation/"


RESET_PATH: Final = "/new-password/"


SECURITY_PATH: Final = "/security"


PER_HOUR: Final = 20_000


PER_RECIPIENT_A_DAY: Final = 300
"""Only a loop of our own gets there: what people can ask for is limited where they ask."""


@dataclass(frozen=True, slots=True)
class MailLimits:
    """At most so many messages in an hour, and so many of one kind to one address in 24 hours; what is above waits.

    Where of the addresses that an hour's messages went to at least `bounces_min` are dead, and at least
    `bounces_percent` in a hundred, nothing is sent for now: whoever goes on sending into a storm is soon taken by
    nobody.
    """

    per_hour: int = PER_HOUR
    per_recipient_a_day: int = PER_RECIPIENT_A_DAY
    bounces_min: int = 20
    bounces_percent: int = 20


Attach = Callable[[MailBook, Sequence[str], datetime], Sequence[Attachment]]


@dataclass(frozen=True, slots=True)
class MessageContext:
    """`pay_links`: mail to the administrator carries a link that pays without a sign-in (spec, section 7). `channels`
    are the ways to reach people besides mail; an address of any other is not written to. `attach` gives the documents
    of invoices, by number, that go along with a mail; None: it leads to them."""

    writer: Writer
    operator: Operator
    base_url: str
    pay_links: bool = True
    limits: MailLimits | None = MailLimits()
    channels: Mapping[ChannelName, Channel] = field(default_factory=dict)
    attach: Attach | None = None


PLAIN_CONTEXT: Final = MessageContext(
    PlainWriter(),
    Operator("arrears", "", "help@arrears.invalid"),
    "http://localhost:8000",
    pay_links=False,
    limits=None,
)
"""For simulation and replay."""
