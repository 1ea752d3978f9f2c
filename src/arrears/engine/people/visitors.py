"""Help for people who do not sign in: nothing they see or get depends on whether there is an account.

Their question is kept until its mail address is confirmed by a link; only then the worker looks whether an account is
meant, at a moment that they do not see. Their mail has a queue of its own and says nothing of any account.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from arrears.core.address import check_address
from arrears.core.closed import closed
from arrears.core.errors import Refused
from arrears.core.facts import ARREARS
from arrears.core.messages.content import Content, Reader, Role
from arrears.core.messages.kinds import MessageKind
from arrears.core.people.links import LASTS, Capability
from arrears.core.people.support import About, Via
from arrears.engine.handing_over import SPARED, Patience, handed_over, looked_up
from arrears.engine.message_context import MessageContext
from arrears.engine.people.support import A_DAY, ASKED_A_DAY, checked_text, place
from arrears.engine.tokens import digest_of, new_token
from arrears.ports import (
    AccountsAndVisitors,
    Channel,
    Delivery,
    DeliveryAbout,
    Fate,
    Message,
    SupportBook,
    VisitorBook,
    VisitorSupport,
)
from arrears.ports.support import LetterState, Opens, Request, SupportLetter

LINE_CHARS_MAX: Final = 200
LETTERS_AT_ONCE: Final = 100
TRY_AGAIN_AFTER: Final = timedelta(minutes=15)
LEASE: Final = timedelta(minutes=2)

CONFIRM_PATH: Final = "/help/confirm/"
READ_PATH: Final = "/help/read/"

_PATHS: Final[dict[Opens, str]] = {"confirm": CONFIRM_PATH, "conversation": READ_PATH}
_STATES: Final[dict[Fate, LetterState]] = closed(
    "states of a message by its fate",
    Fate,
    {
        Fate.ACCEPTED: "accepted",
        Fate.REFUSED: "refused",
        Fate.UNKNOWN: "unknown",
        Fate.NOT_SENT: "waiting",
    },
)


class Visitor(NamedTuple):
    """Somebody who does not sign in, as they typed it; `known_by` is an account id or an invoice number."""

    name: str
    address: str
    company: str
    known_by: str
    locale: str


def ask(store: SupportBook, who: Visitor, about: About, text: str, now: datetime) -> int:
    """Keep a question and send a link to the address; no account is looked for. Its number. Refuses `bad_address`,
    `empty_text`, `long_text`. How often somebody may ask: `core/people/throttles.py`."""
    address, body = check_address(who.address), checked_text(text)
    name, company, known_by = (_line(part) for part in (who.name, who.company, who.known_by))
    number = store.add_request(
        Request(
            *(0, 0, 0, about, Via.ANONYMOUS, "unconfirmed", 0, "", (), 0),
            *(name, address, company, known_by, who.locale, now),
        ),
        body,
    )
    store.add_letter(number, MessageKind.SUPPORT_CONFIRM, now)
    return number


def asked_with(store: VisitorBook, token: str, now: datetime) -> Request:
    """The request that a link to confirm stands for; refuses `bad_link`."""
    found = store.request_by_link(digest_of(token), "confirm", now - LASTS[Capability.HELP_LINK])
    if found is None:
        raise Refused("bad_link", "this link is not valid any more; ask again")
    return found


def confirm(store: VisitorSupport, token: str, now: datetime) -> Request:
    """Use a link to confirm: the question will be read. Using it twice changes nothing. Refuses `bad_link`."""
    found = asked_with(store, token, now)
    if store.confirm_request(found.number):
        store.add_letter(found.number, MessageKind.SUPPORT_RECEIVED, now)
    return found


def conversation(store: VisitorBook, digest: bytes, now: datetime) -> Request | None:
    """The request whose conversation a link with this digest opens."""
    return store.request_by_link(digest, "conversation", now - LASTS[Capability.CONVERSATION])


def attend(store: AccountsAndVisitors, channel: Channel, context: MessageContext, now: datetime) -> int:
    """Serve people who do not sign in: their confirmed questions are placed, their letters leave. How many."""
    return place_confirmed(store, now) + send_letters(store, channel, context, now)


def place_confirmed(store: AccountsAndVisitors, now: datetime, limit: int = 100) -> int:
    """Give each confirmed question to the one account that it names, or leave it to staff: of what names none or
    several, and of an account that was asked about too often today."""
    asked = store.requests_to_place(limit)
    for request in asked:
        named = store.accounts_known_by(request.known_by, request.company)
        if len(named) != 1 or _often(store, named[0], now):
            store.move_request(request.number, "open")
            continue
        try:
            place(store, request.number, named[0], now, ARREARS)
        except Refused as refused:
            if refused.code != "has_account":  # another worker was quicker
                raise
    return len(asked)


def _often(store: SupportBook, account: int, now: datetime) -> bool:
    return store.requests_since(now - A_DAY, account, Via.ANONYMOUS) >= ASKED_A_DAY


def send_letters(store: VisitorSupport, channel: Channel, context: MessageContext, now: datetime) -> int:
    """Hand letters over, each at most once, until the server takes no more; how many. One that is put off waits by
    itself, and is given up when its links would have ended."""
    patience = Patience()
    for count in range(LETTERS_AT_ONCE):
        claimed = store.claim_letters(now, now - LEASE, 1)
        if not claimed:
            return count
        letter = claimed[0]
        delivery, address = _handed_over(store, channel, context, letter, patience, now)
        over = patience.is_over(delivery, address)
        if delivery.broke and not over:
            delivery = delivery._replace(about=DeliveryAbout.EITHER)
        waits = delivery.fate is Fate.NOT_SENT
        by_itself = waits and (delivery.broke or delivery.about is not DeliveryAbout.SERVER)
        # What is about this one address is no matter of mail as a whole (see `watch_mail`).
        about = delivery.about if waits and delivery.about is not DeliveryAbout.ADDRESS else ""
        until = now + TRY_AGAIN_AFTER if by_itself else now
        store.end_letter(letter.no, _STATES[delivery.fate], until, about, delivery.reply)
        if over:
            return count
    return LETTERS_AT_ONCE


def _handed_over(
    store: VisitorSupport,
    channel: Channel,
    context: MessageContext,
    letter: SupportLetter,
    patience: Patience,
    now: datetime,
) -> tuple[Delivery, str]:
    """What became of a letter, and the address that it is for."""
    request = store.support_request(letter.request)
    assert request is not None, "a letter is about a request"
    if letter.claimed_at is not None:
        fate = looked_up(channel, letter.id)
        if fate is not Fate.NOT_SENT:
            return Delivery(Fate.ACCEPTED if fate is Fate.ACCEPTED else Fate.UNKNOWN), request.address
    lasts = LASTS[Capability.HELP_LINK if letter.kind is MessageKind.SUPPORT_CONFIRM else Capability.CONVERSATION]
    if now - request.asked_at > lasts:
        return Delivery(Fate.REFUSED), request.address
    if patience.spares(request.address):
        return SPARED, request.address
    return handed_over(channel, _written(store, context, letter, request, now)), request.address


def _written(
    store: VisitorBook, context: MessageContext, letter: SupportLetter, request: Request, now: datetime
) -> Message:
    """The letter with a link of its own. Nothing that was typed is in it: whoever gets it may not have asked."""
    opens: Opens = "confirm" if letter.kind is MessageKind.SUPPORT_CONFIRM else "conversation"
    secret = new_token()
    store.add_support_link(digest_of(secret), request.number, opens, now)
    content = Content(
        kind=letter.kind,
        locale=request.locale,
        account_name="",
        reader=Reader("", Role.TECHNICAL, "UTC"),
        zone="UTC",
        sent_at=now,
        operator=context.operator,
        link=f"{context.base_url}{_PATHS[opens]}{secret}",
        request=str(request.number),
    )
    words = context.writer.render(content)
    return Message(letter.id, request.address, words.subject, words.text, words.html, at=now)


def _line(text: str) -> str:
    """What was typed into one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LINE_CHARS_MAX]
