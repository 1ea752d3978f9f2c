"""What the installation holds about one person, and how it is erased."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from arrears.core.address import mailbox_of


def digest_of_mailbox(address: str) -> bytes:
    """What is kept of a mailbox whose owner was erased: SHA-256 of it (`mailbox_of`)."""
    return hashlib.sha256(mailbox_of(address).encode()).digest()


class Holder(NamedTuple):
    """Somebody about whom something is held: a person by number, 0 for who is known by an address alone, and the
    mailboxes that are theirs and nobody else's. `sign_in` is the mailbox that they sign in with."""

    person: int
    sign_in: str
    mailboxes: tuple[str, ...]


class Erasure(NamedTuple):
    """Something was erased: what a backup that is older must have erased anew. `person` is 0 for an address alone;
    mailboxes are digests (`digest_of_mailbox`), `sign_in` is empty where they did not sign in."""

    number: int
    person: int
    sign_in: bytes
    mailboxes: tuple[bytes, ...]
    at: datetime
    author: str
    why: str


class KeptFor(NamedTuple):
    """How long an operator keeps what it may choose: the texts of messages and conversations, and people who have no
    account that is served or owes."""

    texts: timedelta
    people: timedelta


class PrivacyBook(Protocol):
    """Personal rows across all tables. Writing happens in the transaction that this thread has open, else in one of
    its own."""

    def holder(self, person: int, address: str) -> Holder | None:
        """Who that is, by number or (number 0) by address; None where nothing is held. Refuses `several_people` for
        an address that several have."""

    def reached(self, who: Holder) -> Mapping[int, str]:
        """The accounts whose mail goes to them, or that they may see, with as what: `administrator`, `billing_reader`,
        `contact` (the operator's own address for it), `technical`."""

    def asking(self, who: Holder) -> Sequence[tuple[int, int]]:
        """Their support requests that are not closed: number, and account (0: none)."""

    def personal(self, who: Holder) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Everything that is held about them, by table."""

    def mail_under_way(self, who: Holder) -> bool:
        """Whether a message to them is being handed over."""

    def erase(self, who: Holder, now: datetime, author: str, why: str) -> int:
        """Remove or make unrecognisable every row about them, and remember that; the erasure's number."""

    def erasures(self) -> Sequence[Erasure]:
        """All of them, the oldest first."""

    def holder_of(self, erasure: Erasure) -> Holder:
        """Who an erasure was about, where a restored database has them again: the same number with the same sign-in,
        and every address with one of its digests."""

    def people_to_forget(self, now: datetime, after: timedelta, limit: int) -> Sequence[int]:
        """Note who has no account (that is served or owes) from now on, and who again; up to `limit` of those who have
        had none for so long."""

    def sweep(self, now: datetime, kept: KeptFor, only: Collection[str] = ()) -> Mapping[str, int]:
        """Remove what is kept no longer, from every table that has not been looked through today, in sets; how many
        rows of each table were removed or emptied. Any number of workers may do this at once."""
