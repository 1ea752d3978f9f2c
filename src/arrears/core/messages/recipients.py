"""Who is told: the administrator's contact address, after a hard bounce the sign-in address; warnings go to everybody
at once (spec, section 7, Recipients)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple, NewType

from arrears.core.address import mailbox_of
from arrears.core.messages.content import Role
from arrears.core.messages.kinds import KINDS, Audience, MessageKind

ChannelName = NewType("ChannelName", str)
"""A way to reach people, as the operator names it: an address means something only together with it."""

EMAIL: Final = ChannelName("email")
"""The channel of all addresses that people give here themselves; the only one that is shipped."""


class ContactPerson(NamedTuple):
    """Somebody with a role on an account. `contact` may be empty: then mail goes to the sign-in address. `zone` is
    empty where it is the account's; `confirmed_at` is when the contact address last proved to be read."""

    no: int
    role: Role
    name: str
    sign_in: str
    contact: str
    locale: str
    zone: str
    confirmed_at: datetime | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where this person can be written to, the better address first."""
        return tuple(address for address in (self.contact, self.sign_in) if address)


class Extra(NamedTuple):
    """A technical contact: an address of a channel that is warned, and no person with rights."""

    address: str
    name: str
    locale: str
    channel: ChannelName = EMAIL


class AddressRequest(NamedTuple):
    """A link to confirm `new` as the contact address of a person, who had `old` before (the same, where it is only
    confirmed again); `used` where it is used, or over."""

    no: int
    person: int
    old: str
    new: str
    used: bool


class SignInLink(NamedTuple):
    """A link that lets somebody in and has not been used, withdrawn or replaced: an invitation (`person` is 0) to an
    address with the role it gives, or a new password for a person."""

    no: int
    person: int
    address: str
    name: str
    locale: str
    role: Role
    asked_at: datetime


class Contacts(NamedTuple):
    """Everything that is known about reaching one account. `contact` is the address that the operator gave when it
    was opened, used while nobody is its administrator; `dead` are those of all these addresses that have bounced
    hard, whatever the channel; `cards` are the labels of its payment methods by number."""

    account: int
    ref: str
    name: str
    zone: str
    locale: str
    contact: str = ""
    people: tuple[ContactPerson, ...] = ()
    extras: tuple[Extra, ...] = ()
    dead: frozenset[str] = frozenset()
    cards: Mapping[int, str] = {}
    requests: tuple[AddressRequest, ...] = ()
    links: tuple[SignInLink, ...] = ()

    def is_dead(self, address: str) -> bool:
        """Whether the mailbox of this address has bounced hard, however it is spelt."""
        mailbox = mailbox_of(address)
        return any(mailbox_of(dead) == mailbox for dead in self.dead)

    @property
    def administrator(self) -> ContactPerson | None:
        """The one person who gets the billing mail and may pay."""
        return next((p for p in self.people if p.role is Role.ADMINISTRATOR), None)


class Recipient(NamedTuple):
    """One address to write to by its channel, and who reads there; `person` is 0 for nobody that we know by number."""

    address: str
    role: Role
    name: str
    locale: str
    zone: str
    person: int = 0
    channel: ChannelName = EMAIL


def recipients(contacts: Contacts, kind: MessageKind) -> tuple[Recipient, ...]:
    """The addresses that work, in the order of preference, each once. Of what does not go to all, the first that
    takes it is enough."""
    found: dict[tuple[ChannelName, str], Recipient] = {}
    for one in _everybody(contacts) if KINDS[kind].to is Audience.EVERYBODY else _administrator(contacts):
        if not contacts.is_dead(one.address):
            found.setdefault((one.channel, mailbox_of(one.address)), one)
    return tuple(found.values())


def dead_of(contacts: Contacts, dead: Collection[str]) -> frozenset[str]:
    """Which addresses of an account are among these mailboxes (`mailbox_of`)."""
    return frozenset(address for address in addresses(contacts) if mailbox_of(address) in dead)


def addresses(contacts: Contacts) -> set[str]:
    """Every address of an account, working or not."""
    return {one.address for one in _everybody(contacts)}


def _everybody(contacts: Contacts) -> Iterator[Recipient]:
    yield from _administrator(contacts)
    for person in contacts.people:
        if person.role is not Role.ADMINISTRATOR:
            for address in person.addresses[:1]:
                yield _to(contacts, person, address)
    for extra in contacts.extras:
        locale = extra.locale or contacts.locale
        yield Recipient(extra.address, Role.TECHNICAL, extra.name, locale, contacts.zone, channel=extra.channel)


def _administrator(contacts: Contacts) -> Iterator[Recipient]:
    person = contacts.administrator
    if person is None:
        if contacts.contact:
            yield Recipient(contacts.contact, Role.ADMINISTRATOR, "", contacts.locale, contacts.zone)
        return
    for address in person.addresses:
        yield _to(contacts, person, address)


def _to(contacts: Contacts, person: ContactPerson, address: str) -> Recipient:
    return Recipient(
        address, person.role, person.name, person.locale or contacts.locale, person.zone or contacts.zone, person.no
    )
