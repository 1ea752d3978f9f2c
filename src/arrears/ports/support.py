"""Support requests as rows: who asked what, the conversation, links and letters of people who do not sign in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from arrears.core.messages.kinds import MessageKind
from arrears.core.people.support import About, Via

RequestState = Literal["unconfirmed", "confirmed", "open", "answered", "closed"]
Opens = Literal["confirm", "conversation"]
LetterState = Literal["waiting", "claimed", "accepted", "refused", "unknown"]


class Request(NamedTuple):
    """One request. `number` is what people call it; `account` is 0 while it belongs to none. `seq` is the fact that
    opened it, `holds` the holds placed for it, `slot` what it holds by itself once in the case `case`. `person` is who
    asked, where they sign in; `address` where that is answered by letter. `company` and `known_by` (an account id, an
    invoice number) are as a stranger typed them."""

    number: int
    account: int
    seq: int
    about: About
    via: Via
    state: RequestState
    case: int
    slot: str
    holds: tuple[int, ...]
    person: int
    name: str
    address: str
    company: str
    known_by: str
    locale: str
    net: str
    asked_at: datetime

    @property
    def by_letter(self) -> bool:
        """Whether whoever asked is answered by a letter with a link, because they may not sign in."""
        return bool(self.address)


class ConversationEntry(NamedTuple):
    """One thing that was said; `author` is empty for who asked, and `seq` the fact that says so (0: none)."""

    request: int
    no: int
    author: str
    body: str
    seq: int
    at: datetime


class SupportLetter(NamedTuple):
    """One mail to somebody who is not an account's; `claimed_at` is set where its sender may have died."""

    no: int
    request: int
    kind: MessageKind
    claimed_at: datetime | None

    @property
    def id(self) -> str:
        """Its name at mail servers."""
        return f"s{self.request}-{self.no}"


class Lately(NamedTuple):
    """How many requests there have been: of an account in one way, from a mail address, from an address of the net."""

    account: int
    address: int
    net: int


class Support(Protocol):
    """Support requests. Writing happens in the transaction that this thread has open, else in one of its own."""

    def add_request(self, request: Request, body: str) -> int:
        """A new request with the first thing said; its number (that of the argument is ignored). Refuses what holds a
        second time in one case."""

    def support_request(self, number: int) -> Request | None:
        """One request."""

    def requests_of(self, account: int) -> Sequence[Request]:
        """Every request of an account, the newest first."""

    def waiting_requests(self, limit: int, *, every: bool) -> Sequence[Request]:
        """What waits for staff, the oldest first; with `every` all that were confirmed, the newest first."""

    def requests_to_place(self, limit: int) -> Sequence[Request]:
        """Those that were confirmed and have not been looked at since, the oldest first."""

    def confirm_request(self, number: int) -> bool:
        """Its address is its owner's; False if that was known already."""

    def place_request(self, request: Request) -> bool:
        """A request that belonged to no account belongs to this one, with this fact, state, case, slot and holds;
        False if somebody else has placed it. Refuses what holds a second time in one case."""

    def move_request(self, number: int, state: RequestState) -> None:
        """It has come to this state."""

    def add_hold(self, number: int, hold: int) -> None:
        """One more hold was placed for it."""

    def requests_since(self, since: datetime, account: int, via: Via, address: str, net: str) -> Lately:
        """How many there have been since then."""

    def held_in(self, account: int, case: int) -> set[str]:
        """What holds in this case already."""

    def add_entry(self, entry: ConversationEntry) -> None:
        """The next thing said (its `no` is ignored)."""

    def support_entries(self, number: int) -> Sequence[ConversationEntry]:
        """The conversation in order."""

    def tasks_open(self, account: int, seqs: Sequence[int]) -> Sequence[int]:
        """Which of these facts have raised a task that is still open."""

    def add_support_link(self, digest: bytes, number: int, opens: Opens, now: datetime) -> None:
        """A new link to a request; those before it stay good."""

    def support_linked(self, digest: bytes, opens: Opens, since: datetime) -> Request | None:
        """The request of the link with this digest, if it was made since then."""

    def add_letter(self, number: int, kind: MessageKind, now: datetime) -> None:
        """Write to who asked."""

    def claim_letters(self, now: datetime, stuck_before: datetime, limit: int) -> Sequence[SupportLetter]:
        """Letters to hand over, or that were being handed over before then and are not known to have left; committed
        when this returns."""

    def end_letter(self, number: int, state: LetterState, now: datetime) -> None:
        """What became of it."""

    def accounts_named(self, known_by: str, company: str) -> Sequence[int]:
        """The accounts that this names, by their own reference, by an invoice's number, else by their name; at most
        two, since two are as good as none."""

    def payment_behind(self, account: int, seq: int) -> str:
        """The reference of the payment in whose transaction fact `seq` was recorded; empty where there was none."""
