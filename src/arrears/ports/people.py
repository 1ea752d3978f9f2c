"""People and their addresses: what cannot be folded from facts, because it may be erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from arrears.core.recipients import Extra
from arrears.ports import Store


class Asked(NamedTuple):
    """A request to confirm an address: `number` of `account`, for a person who had `old` before."""

    number: int
    account: int
    person: int
    old: str
    new: str
    asked_at: datetime
    used_at: datetime | None


class People(Protocol):
    """What is known about people besides how to reach them."""

    def ask(self, account: int, person: int, old: str, new: str, now: datetime) -> int:
        """Note a request in the transaction that this thread has open; its number."""

    def asked_with(self, digest: bytes) -> Asked | None:
        """The request whose link has the token with this digest."""

    def asked_since(self, person: int, since: datetime) -> int:
        """How many requests a person has made since then."""

    def confirm(self, asked: Asked, now: datetime) -> bool:
        """In the transaction that this thread has open: the link was used, so the address is the person's contact
        address, it is confirmed, and it is dead no longer. False if it had been used before."""

    def unconfirmed(self, before: datetime, limit: int) -> Sequence[tuple[int, int, str]]:
        """Administrators (account, person, address) whose address was last confirmed, and asked about, before then."""

    def set_profile(self, person: int, locale: str, zone: str) -> None:
        """In which language and zone a person reads; an empty zone is the account's."""

    def add_extra(self, account: int, extra: Extra) -> None:
        """A technical contact, or a change of it."""

    def remove_extra(self, account: int, address: str) -> bool:
        """No longer one; False if it was none."""


class PeopleStore(Store, People, Protocol):
    """A store that knows people: every one but the simulator's."""
