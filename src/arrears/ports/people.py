"""People and their addresses: what cannot be folded from facts, because it may be erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from arrears.core.messages.recipients import Extra
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


class Link(NamedTuple):
    """A link that lets somebody in: `kind` is `invitation` (then `role` says what is given, `person` is 0) or `reset`.
    Once it is used, withdrawn or replaced, `over_at` says since when."""

    number: int
    account: int
    kind: str
    person: int
    address: str
    name: str
    locale: str
    role: str
    asked_at: datetime
    over_at: datetime | None


class Access(Protocol):
    """Who may come in. What writes does so in the transaction that this thread has open, else in one of its own."""

    def invite(self, account: int, address: str, name: str, locale: str, role: str, now: datetime) -> int:
        """A new invitation; its number."""

    def invited_since(self, account: int, since: datetime) -> int:
        """How many invitations an account has made since then."""

    def ask_reset(self, account: int, person: int, now: datetime) -> int:
        """A new link for a person to choose another password; its number."""

    def resets_since(self, person: int, since: datetime) -> int:
        """How many of those a person has had since then."""

    def link_with(self, digest: bytes) -> Link | None:
        """The link whose token has this digest."""

    def end_link(self, number: int, now: datetime) -> None:
        """It lets nobody in any more."""

    def person_at(self, address: str) -> int | None:
        """Who signs in with this address."""

    def account_of(self, person: int) -> int | None:
        """The first of the accounts on which a person has a role."""

    def new_person(self, address: str, name: str, hashed: str, locale: str, now: datetime) -> int:
        """Somebody who signs in with this address; mail reaches them there, as their link has proved."""

    def give_role(self, account: int, person: int, role: str) -> None:
        """This role from now on, and no other on this account."""

    def take_role(self, account: int, person: int) -> None:
        """None on this account from now on."""

    def set_password(self, person: int, hashed: str, now: datetime) -> None:
        """Another password; sessions and links that came with the one before are over."""

    def end_sessions(self, person: int) -> None:
        """Every session that a person has is over with this transaction."""


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


class PeopleStore(Store, People, Access, Protocol):
    """A store that knows people: every one but the simulator's."""
