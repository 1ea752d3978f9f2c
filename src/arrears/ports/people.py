"""People, their addresses and their access: what cannot be folded from facts, because it may be erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from arrears.core.messages.recipients import Extra
from arrears.core.people.throttles import CountedTry, TriesLeft


class AskedAddress(NamedTuple):
    """A request to confirm the address `new` of a person, who had `old` before: row `number`, of `account`."""

    number: int
    account: int
    person: int
    old: str
    new: str
    asked_at: datetime
    used_at: datetime | None


class AccessLink(NamedTuple):
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


class ThrottleBook(Protocol):
    """What is tried where that is throttled, common to all processes. Writing happens in the transaction that this
    thread has open, else in one of its own."""

    def count_tries(self, tries: Sequence[CountedTry], now: datetime) -> bool:
        """Count one try under each of these keys. False, and none is counted, where one of them has no more."""

    def count_try(self, one: CountedTry, now: datetime) -> TriesLeft:
        """Count one try under one key, if it has room; what is left of it."""

    def take_back(self, tries: Sequence[CountedTry]) -> None:
        """What was counted was no wrong try."""


class AccessBook(ThrottleBook, Protocol):
    """Who may sign in, and the links that let people in. Writing happens in the transaction that this thread has open,
    else in one of its own."""

    def invite(
        self, account: int, address: str, name: str, locale: str, role: str, now: datetime, by_person: int
    ) -> int:
        """Add an invitation, in the name of this person (0: the operator's); the number of its link."""

    def invited_since(self, account: int, since: datetime) -> int:
        """How many invitations an account has made since then."""

    def ask_reset(self, account: int, person: int, now: datetime) -> int:
        """Add a link with which a person chooses another password; its number."""

    def resets_since(self, person: int, since: datetime) -> int:
        """How many of those links a person has had since then."""

    def access_link(self, digest: bytes) -> AccessLink | None:
        """The link whose token has this digest, over or not. An invitation is over when who made it is no longer the
        administrator."""

    def end_link(self, number: int, now: datetime) -> None:
        """From now on this link lets nobody in."""

    def person_at(self, address: str) -> int | None:
        """The person who signs in with this address."""

    def new_person(self, address: str, name: str, hashed: str, locale: str, now: datetime) -> int:
        """Add somebody who signs in with this address; their number. The address counts as confirmed, because the link
        that brought them was read there."""

    def give_role(self, account: int, person: int, role: str) -> None:
        """Give a person this role on an account, in place of any other there."""

    def take_role(self, account: int, person: int, now: datetime) -> None:
        """Leave a person no role on an account. Of who then sees no account every session is over, and every link for
        a new password or to confirm an address."""

    def accounts_of(self, person: int) -> Sequence[int]:
        """The accounts on which a person has a role, in order."""

    def set_password(self, person: int, hashed: str, now: datetime) -> Sequence[tuple[int, int]]:
        """Set another password. Sessions that came with the one before are over, and so is what was asked for with it:
        other links for a new one, changes of the contact address, and invitations, which are returned (account, link).
        """

    def end_sessions(self, person: int) -> None:
        """End every session of a person with this transaction."""


class AddressBook(ThrottleBook, Protocol):
    """The addresses of people and in which language and zone they read; technical contacts of accounts. Writing
    happens in the transaction that this thread has open."""

    def ask_address(self, account: int, person: int, old: str, new: str, now: datetime) -> int:
        """Add a request to confirm an address, in place of those that a person has open; its number."""

    def asked_address(self, digest: bytes) -> AskedAddress | None:
        """The request whose link has the token with this digest, used or not; None where it is over: replaced, or ended
        with what it was asked for."""

    def asked_since(self, person: int, since: datetime) -> int:
        """How many requests to confirm an address a person has made since then."""

    def confirm_address(self, asked: AskedAddress, now: datetime) -> str | None:
        """Use a link: the address is the person's contact address, it is confirmed, and it is no longer dead; every
        other such link of the person is over. The address that it takes the place of; None, and nothing changes, if
        the link had been used before or is over."""

    def accounts_of(self, person: int) -> Sequence[int]:
        """The accounts on which a person has a role, in order."""

    def unconfirmed_addresses(self, before: datetime, limit: int) -> Sequence[tuple[int, int, str]]:
        """Up to `limit` administrators (account, person, address) whose address was last confirmed, and last asked
        about, before then."""

    def set_profile(self, person: int, locale: str, zone: str) -> None:
        """Set in which language and zone a person reads; an empty zone is the account's."""

    def add_extra(self, account: int, extra: Extra) -> None:
        """Add a technical contact to an account, or change it."""

    def remove_extra(self, account: int, address: str) -> bool:
        """Remove a technical contact; False if it was none."""
