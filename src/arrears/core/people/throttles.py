"""The places at which somebody who is not known yet can try something, and how often: one table for all of them.

What can be guessed (a password, a code) is counted before it is looked at, so that no burst has more tries than these.
What nobody can guess (a link, a token, a passkey) lets in whoever has it; only what is wrong is counted, so that no
noise keeps anybody from paying.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from arrears.core.closed import closed


class Throttled(StrEnum):
    """Where somebody comes in, or makes us write to somebody."""

    SIGN_IN = "sign_in"
    SECOND_STEP = "second_step"
    REAUTHENTICATION = "reauthentication"
    PASSKEY = "passkey"
    STAFF = "staff"
    FORGOTTEN = "forgotten"
    LINK = "link"
    API = "api"
    WRONG_TOKEN = "wrong_token"
    HELP = "help"
    TYPED_ADDRESS = "typed_address"


class CountedBy(StrEnum):
    """What tries are counted against.

    `NET` is the address that a request comes from, of IPv6 the /64; `NAME` who somebody says to be; `NAME_HERE` the two
    together. A browser that has signed in to a name before is counted as `BROWSER` alone, so it comes in however many
    strangers guess. Where a name is worn out by strangers, a net of its own has the tries of `NAME_ELSEWHERE`: nobody
    can lock a name for good. `TOKEN` is a program's, `SESSION` somebody who is signed in, `MAILBOX` who is written to.
    """

    NET = "net"
    NAME = "name"
    NAME_HERE = "name_here"
    NAME_ELSEWHERE = "name_elsewhere"
    BROWSER = "browser"
    TOKEN = "token"
    SESSION = "session"
    MAILBOX = "mailbox"


class Limit(NamedTuple):
    """So many at once, and as many again in every `within`: what was used comes back one by one."""

    most: int
    within: timedelta

    @property
    def step(self) -> timedelta:
        """After so long one more is there."""
        return self.within // self.most


class CountedTry(NamedTuple):
    """One try, counted under one key."""

    key: str
    limit: Limit


class TriesLeft(NamedTuple):
    """Whether a try was counted and let in, and when all that was used is back."""

    let_in: bool
    until: datetime

    def left(self, limit: Limit, now: datetime) -> int:
        """How many more are let in at once."""
        return max(0, (now + limit.within - self.until) // limit.step)

    def next_in(self, limit: Limit, now: datetime) -> timedelta:
        """In how long there is one more than now."""
        more = (self.left(limit, now) + 1) * limit.step
        return max(self.until - now - limit.within + more, timedelta())


def counted_try(throttled: Throttled, by: CountedBy, value: str) -> CountedTry:
    """One try at a place. Its key is a digest: who it was cannot be read where it is kept."""
    return CountedTry(hashlib.sha256(f"{throttled}:{by}:{value}".encode()).hexdigest()[:32], LIMITS[throttled][by])


QUARTER: Final = timedelta(minutes=15)
DAY: Final = timedelta(days=1)

_PASSWORDS: Final = {
    CountedBy.NAME_HERE: Limit(10, QUARTER),
    # An office, or a proxy that nobody told us of, is one address for many people.
    CountedBy.NET: Limit(100, QUARTER),
    # NIST SP 800-63B allows a hundred wrong ones in a row.
    CountedBy.NAME: Limit(100, QUARTER),
    CountedBy.NAME_ELSEWHERE: Limit(3, DAY),
    CountedBy.BROWSER: Limit(10, QUARTER),
}

LIMITS: Final[Mapping[Throttled, Mapping[CountedBy, Limit]]] = closed(
    "how often at each place",
    Throttled,
    {
        Throttled.SIGN_IN: _PASSWORDS,
        Throttled.STAFF: _PASSWORDS,
        # Only who knows the password comes so far: nobody else can wear it out.
        Throttled.SECOND_STEP: {CountedBy.NAME: Limit(10, QUARTER), CountedBy.BROWSER: Limit(10, QUARTER)},
        # Whoever took a session over guesses no password with it, and locks nobody out.
        Throttled.REAUTHENTICATION: {CountedBy.SESSION: Limit(10, QUARTER)},
        Throttled.PASSKEY: {CountedBy.NET: Limit(100, QUARTER)},
        Throttled.LINK: {CountedBy.NET: Limit(100, QUARTER)},
        # Each may write a letter, so none is given back.
        Throttled.FORGOTTEN: {CountedBy.NET: Limit(20, QUARTER)},
        # A program gone wild waits, and keeps no other waiting.
        Throttled.API: {CountedBy.TOKEN: Limit(600, timedelta(minutes=1))},
        Throttled.WRONG_TOKEN: {CountedBy.NET: Limit(100, QUARTER)},
        # Nobody's mailbox is filled with our links, whoever types its address.
        Throttled.HELP: {CountedBy.NET: Limit(20, timedelta(hours=1)), CountedBy.MAILBOX: Limit(3, DAY)},
        # On whatever accounts: there is no account for each stranger.
        Throttled.TYPED_ADDRESS: {CountedBy.MAILBOX: Limit(10, DAY)},
    },
)
"""What counts at each place; where a request's address cannot be known, what is counted by it is not counted."""
