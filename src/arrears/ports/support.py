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
    invoice number) are as a visitor typed them."""

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
        """The name by which mail servers know it, the same however often it is handed over."""
        return f"s{self.request}-{self.no}"


class SupportBook(Protocol):
    """Support requests and their conversations. Writing happens in the transaction that this thread has open, else in
    one of its own."""

    def add_request(self, request: Request, body: str) -> int:
        """Add a request with the first thing said; its number (that of the argument is ignored). A slot that holds in
        this case already is refused as a row that exists twice: the batch around it is `Poisoned`."""

    def support_request(self, number: int) -> Request | None:
        """The request with this number."""

    def requests_of(self, account: int) -> Sequence[Request]:
        """Every request of an account, the newest first."""

    def waiting_requests(self, limit: int, *, every: bool) -> Sequence[Request]:
        """Up to `limit` requests that wait for staff, the oldest first; with `every` all that were confirmed, the
        newest first."""

    def requests_since(self, since: datetime, account: int, via: Via) -> int:
        """How many requests of an account have come in this way since then."""

    def place_request(self, request: Request) -> bool:
        """Give a request that belonged to no account to one, with this fact, state, case, slot and holds; False if
        somebody else has placed it. Refuses as `add_request` does."""

    def move_request(self, number: int, state: RequestState) -> None:
        """Record that a request has come to this state."""

    def add_hold(self, number: int, hold: int) -> None:
        """Record one more hold that was placed for a request."""

    def slots_held(self, account: int, case: int) -> set[str]:
        """The slots that requests have used up in this case: each holds by itself once."""

    def add_entry(self, entry: ConversationEntry) -> None:
        """Add the next thing that was said (its `no` is ignored)."""

    def support_entries(self, number: int) -> Sequence[ConversationEntry]:
        """The conversation of a request in order."""

    def tasks_open(self, account: int, seqs: Sequence[int]) -> Sequence[int]:
        """Which of these facts have raised a task for staff that is still open."""

    def add_letter(self, number: int, kind: MessageKind, now: datetime) -> None:
        """Queue a letter to whoever asked, where that is answered by letter."""


class VisitorBook(Protocol):
    """What requests of people who do not sign in need besides: proof of their address, links, letters, and the account
    that they mean. Writing happens as in `SupportBook`."""

    def confirm_request(self, number: int) -> bool:
        """Record that the address of a request is its owner's; False if that was known already."""

    def requests_to_place(self, limit: int) -> Sequence[Request]:
        """Up to `limit` requests that were confirmed and not looked at since, the oldest first."""

    def accounts_known_by(self, known_by: str, company: str) -> Sequence[int]:
        """The accounts that somebody may mean, by the operator's reference, by an invoice's number, else by name. At
        most two: as soon as it is not one, staff must choose."""

    def add_support_link(self, digest: bytes, number: int, opens: Opens, now: datetime) -> None:
        """Add a link to a request; those before it stay good."""

    def request_by_link(self, digest: bytes, opens: Opens, since: datetime) -> Request | None:
        """The request of the link whose token has this digest, if the link was made since then."""

    def claim_letters(self, now: datetime, stuck_before: datetime, limit: int) -> Sequence[SupportLetter]:
        """Claim up to `limit` letters for handing over: those that wait, until no later instant, and those claimed
        before `stuck_before` that are not known to have left. Committed when this returns."""

    def end_letter(self, number: int, state: LetterState, now: datetime, about: str = "", reply: str = "") -> None:
        """Record what became of a claimed letter, in the server's words; one that waits does so until `now`, which may
        lie ahead. `about` is a DeliveryAbout where it waits because of what is not its own, else empty."""
