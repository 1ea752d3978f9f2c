"""A person's addresses: changed only by a link that the new one received, confirmed again every 90 days, tested on
request (spec, sections 7 and 10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from babel.core import Locale, UnknownLocaleError

from arrears.core import facts as f
from arrears.core.address import check_address, mailbox_of
from arrears.core.calendar import calendar_of
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, PERSON, format_id
from arrears.core.messages.content import Role
from arrears.core.messages.recipients import EMAIL, ChannelName, ContactPerson, Contacts, Extra
from arrears.core.people.links import LASTS, Capability
from arrears.core.people.throttles import CountedBy, Throttled, counted_try
from arrears.engine.acting import acting, acting_on
from arrears.engine.heard import check_heard
from arrears.engine.tokens import digest_of
from arrears.ports import AccountsAndAddresses, AddressBook, ContactBook, ContactsAndFacts, OtherChannel, ThrottleBook
from arrears.ports.people import AskedAddress

CONFIRMED_FOR: Final = timedelta(days=90)

ASKS_A_DAY: Final = 5
"""Nobody else's mailbox is filled with our links, whoever types its address."""

TESTS_A_DAY: Final = 5
EXTRAS_MAX: Final = 10
NAME_CHARS_MAX: Final = 200
NO_OTHERS: Final[Mapping[ChannelName, OtherChannel]] = {}


def change_address(
    store: AccountsAndAddresses, account: int, person: int, address: str, now: datetime, author: str
) -> int:
    """Send a link to a new contact address; until it is used, nothing changes, and it takes the place of one that is
    open. The request's number. Refuses
    `bad_address`, `same_address`, `unknown_person`, `too_many_requests`, `typed_often`."""
    new = check_address(address)
    who = _person(store, account, person)
    if new == who.contact and who.confirmed_at is not None and now - who.confirmed_at < CONFIRMED_FOR:
        raise Refused("same_address", "this is the contact address already, and it is confirmed")
    with acting_on(store, account, now) as unit:
        if store.asked_since(person, now - timedelta(days=1)) >= ASKS_A_DAY:
            raise Refused("too_many_requests", "a link can be sent five times a day; use the newest one, or wait a day")
        if mailbox_of(new) != mailbox_of(who.contact):
            refuse_typed_often(store, new, now, author)
        number = store.ask_address(account, person, who.contact, new, now)
        unit.record(f.AddressAsked(person=person, request=number, again=who.contact == new), author)
    return number


def refuse_typed_often(store: ThrottleBook, address: str, now: datetime, author: str) -> None:
    """Count an address of somebody else that a person typed. Refuses `typed_often` where that was done too often, on
    whatever accounts. What the operator's systems and staff give is theirs to answer for."""
    if not author.startswith("person:"):
        return
    if not store.count_tries([counted_try(Throttled.TYPED_ADDRESS, CountedBy.MAILBOX, mailbox_of(address))], now):
        raise Refused("typed_often", "this address was given too often today; wait a day")


def request_of(store: AddressBook, token: str, now: datetime) -> AskedAddress:
    """The request that a link stands for; refuses `bad_link` for one that is unknown, replaced, ended, or too old."""
    asked = store.asked_address(digest_of(token))
    if asked is None or (asked.used_at is None and now - asked.asked_at > LASTS[Capability.ADDRESS_LINK]):
        raise Refused("bad_link", "this link is not valid any more; ask for a new one in the account centre")
    return asked


def confirm_address(store: AccountsAndAddresses, token: str, now: datetime) -> AskedAddress:
    """Use a link: mail goes to its address from now on, and the address before is told so. Using it twice changes
    nothing. Refuses `bad_link`."""
    asked = request_of(store, token, now)
    if asked.used_at is not None:
        return asked
    with acting(store, [asked.account, *store.accounts_of(asked.person)], now) as units:
        before = store.confirm_address(asked, now)
        if before is not None:
            asked = asked._replace(old=before)
            changed = mailbox_of(before) != mailbox_of(asked.new)
            confirmed = f.AddressConfirmed(person=asked.person, request=asked.number, changed=changed)
            units[asked.account].record(confirmed, f"person:{asked.person}")
            for unit in units.values():
                check_heard(store, unit)
    return asked


def ask_unconfirmed(store: AccountsAndAddresses, now: datetime, limit: int = 100) -> int:
    """Ask administrators whose contact address was last confirmed 90 days ago, or never; how many. Any number of
    workers may do this at once: each person is looked at again under the account's lock."""
    count = 0
    for account, person, address in store.unconfirmed_addresses(now - CONFIRMED_FOR, limit):
        with acting_on(store, account, now) as unit:
            if store.asked_since(person, now - CONFIRMED_FOR):
                continue
            number = store.ask_address(account, person, address, address, now)
            unit.record(f.AddressAsked(person=person, request=number, again=True), f.ARREARS)
            count += 1
    return count


def send_test(store: ContactsAndFacts, account: int, person: int, now: datetime, author: str) -> None:
    """Send a person a test message, so that they see where warnings will arrive. Refuses `unknown_person`, and
    `too_many_requests` where the account has had TESTS_A_DAY of them in 24 hours."""
    _person(store, account, person)
    with acting_on(store, account, now) as unit:
        asked = store.facts_of([account], [f.TestAsked]).get(account, ())
        if sum(one.at > now - timedelta(days=1) for one in asked) >= TESTS_A_DAY:
            raise Refused("too_many_requests", f"an account gets {TESTS_A_DAY} test messages a day; wait a day")
        unit.record(f.TestAsked(person=person), author)


def set_profile(store: AccountsAndAddresses, account: int, person: int, locale: str, zone: str) -> None:
    """Set in which language and zone a person reads. Refuses `unknown_person`, `unknown_locale`, `unknown_zone`."""
    _person(store, account, person)
    check_locale(locale)
    if zone:
        calendar_of(zone)
    store.set_profile(person, locale, zone)


def check_locale(locale: str) -> None:
    """Refuses `unknown_locale` for what names no language."""
    try:
        Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise Refused("unknown_locale", f"{locale[:40]!r} is not a locale; give one like en or nl-BE") from None


def add_extra(
    store: AccountsAndAddresses,
    account: int,
    address: str,
    name: str,
    locale: str,
    channel: ChannelName = EMAIL,
    channels: Mapping[ChannelName, OtherChannel] = NO_OTHERS,
    *,
    now: datetime,
    author: str,
) -> Extra:
    """Add a technical contact: warned too, with no rights, by mail or by one of the other `channels`. Refuses
    `bad_address`, `too_many_recipients`, `typed_often`, `unknown_account`, `unknown_channel`."""
    if channel != EMAIL and channel not in channels:
        there = ", ".join([EMAIL, *channels])
        raise Refused("unknown_channel", f"no channel {channel[:40]!r} is set up here; give one of: {there}")
    checked = check_address(address) if channel == EMAIL else channels[channel].checked(address)
    extra = Extra(checked, " ".join(name.split())[:NAME_CHARS_MAX], locale, channel)
    known = contacts_of(store, account).extras
    if (channel, extra.address) not in {(one.channel, one.address) for one in known}:
        if len(known) >= EXTRAS_MAX:
            raise Refused("too_many_recipients", f"an account warns at most {EXTRAS_MAX} others; remove one first")
        refuse_typed_often(store, extra.address, now, author)
    store.add_extra(account, extra)
    return extra


def remove_extra(store: AccountsAndAddresses, account: int, address: str, now: datetime) -> None:
    """Remove a technical contact, by whatever channel it is warned. Refuses `unknown_recipient`, and `bad_address` for
    what is neither known nor an address of mail."""
    known = {one.address for one in contacts_of(store, account).extras}
    with acting_on(store, account, now) as unit:
        if not store.remove_extra(account, address if address in known else check_address(address)):
            raise Refused("unknown_recipient", f"{address[:80]!r} is not one of the extra recipients")
        check_heard(store, unit)


def needs_confirming(contacts: Contacts, now: datetime) -> bool:
    """Whether the administrator's contact address is to be confirmed, or does not work."""
    who = contacts.administrator
    if who is None:
        return False
    stale = who.confirmed_at is None or now - who.confirmed_at >= CONFIRMED_FOR
    return stale or any(contacts.is_dead(address) for address in who.addresses[:1])


def contacts_of(store: ContactBook, account: int) -> Contacts:
    """How an account can be reached. Refuses `unknown_account`."""
    found = store.contacts([account]).get(account)
    if found is None:
        raise Refused("unknown_account", f"there is no account {format_id(ACCOUNT, account)}")
    return found


def _person(store: ContactBook, account: int, person: int) -> ContactPerson:
    for one in contacts_of(store, account).people:
        if one.no == person and one.role in (Role.ADMINISTRATOR, Role.READER):
            return one
    raise Refused("unknown_person", f"{format_id(PERSON, person)} has nothing to do with {format_id(ACCOUNT, account)}")
