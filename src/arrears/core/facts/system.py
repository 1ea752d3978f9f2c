"""Facts of the whole installation, in a stream of their own."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from arrears.core.facts.base import Fact
from arrears.core.payments.limits import AmountLimits


class PolicyAdopted(Fact, frozen=True, tag="policy_adopted"):
    name: str
    version: str


class ClockSuspected(Fact, frozen=True, tag="clock_suspected"):
    """The last tick is too old, or the application's and the database's clocks disagree."""

    why: str


class ClockConfirmed(Fact, frozen=True, tag="clock_confirmed"):
    pass


class ClockDiffers(Fact, frozen=True, tag="clock_differs"):
    """Our clock is so many seconds ahead of a payment provider's (negative: behind), by its own answer; or that is
    `over`."""

    provider: str
    ahead_seconds: int
    over: bool = False


class IdentityTaken(Fact, frozen=True, tag="identity_taken"):
    """Who this installation is to its payment providers from now on; `former` is who it was, empty for its first. What
    was there at `copied_at` is that one's, of which this is a copy."""

    identity: str
    former: str = ""
    copied_at: datetime | None = None


class FeedSet(Fact, frozen=True, tag="feed_set"):
    stale: bool


class BookRefused(Fact, frozen=True, tag="book_refused"):
    """The newest export that comes in under the map `book` was refused as a whole, so that nobody knows what it says of
    whom; or that is `over`."""

    book: str
    over: bool = False


class ChangeSetAside(Fact, frozen=True, tag="change_set_aside"):
    """What a provider reported could not be recorded, nor that it could not, as its account cannot be read."""

    ref: str


class LimitsSet(Fact, frozen=True, tag="limits_set"):
    """What the payment providers take in one charge, by currency, from now on."""

    limits: dict[str, AmountLimits]


class AccountSetAside(Fact, frozen=True, tag="account_set_aside"):
    """An account whose state cannot be read, or whose decision the database refuses, waits for a person."""

    account: int
    why: str


class BreakerSet(Fact, frozen=True, tag="breaker_set"):
    open: bool


class MailPaused(Fact, frozen=True, tag="mail_paused"):
    """So many of the addresses that mail went to in one hour are dead that no more is sent for now; or that is `over`.
    `bounced` and `sent` count addresses."""

    bounced: int
    sent: int
    over: bool = False


class MailTroubleKind(StrEnum):
    """What is wrong with mail as a whole. `server`: nothing leaves at all; `blocked`: what leaves is refused for who we
    are; `limit`: an address has had the most of a day, and more waits; `returned`: nearly everything comes back;
    `key`: reports carry the signature of another secret key."""

    SERVER = "server"
    BLOCKED = "blocked"
    LIMIT = "limit"
    RETURNED = "returned"
    KEY = "key"


class MailTrouble(Fact, frozen=True, tag="mail_trouble"):
    """Something is wrong with mail as a whole, which is a task for staff; or that is `over`."""

    what: MailTroubleKind
    over: bool = False


class EndpointTrouble(Fact, frozen=True, tag="endpoint_trouble"):
    """An endpoint for events or orders is switched off because it takes nothing, or does not take one delivery while it
    takes others; or that is `over`."""

    name: str
    over: bool = False


class SystemTaskClosed(Fact, frozen=True, tag="system_task_closed"):
    """A person has dealt with the task that fact `task` of the installation raised."""

    task: int


SystemFact = (
    AccountSetAside
    | PolicyAdopted
    | ClockSuspected
    | ClockConfirmed
    | ClockDiffers
    | EndpointTrouble
    | FeedSet
    | IdentityTaken
    | BookRefused
    | BreakerSet
    | ChangeSetAside
    | LimitsSet
    | MailPaused
    | MailTrouble
    | SystemTaskClosed
)
