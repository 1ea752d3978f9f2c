"""Who may come in: invitations, new passwords, and the end of both. Whoever holds a link's token has read the mail.

A password reaches these commands only as a hash. What changes here is in one transaction with its fact; that a second
factor changed is recorded after the web shell's sign-in has changed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from arrears.core import facts as f
from arrears.core.address import check_address, mailbox_of
from arrears.core.errors import Refused
from arrears.core.ids import PERSON, format_id
from arrears.core.messages.content import SIGN_IN_CHANGES, Role
from arrears.core.messages.recipients import Contacts
from arrears.core.people.links import LASTS, Capability
from arrears.core.unit import Unit
from arrears.engine.acting import acting, acting_on
from arrears.engine.heard import check_heard
from arrears.engine.people.profile import NAME_CHARS_MAX, check_locale, contacts_of, refuse_typed_often
from arrears.engine.tokens import digest_of
from arrears.ports import AccessBook, AccessLink, AccountsAndAccess

INVITATIONS_A_DAY: Final = 20
RESETS_A_DAY: Final = 5
"""So many links for a new password in the time that one lasts: whoever is refused another has one that works, so
nobody can use the limit to keep somebody else out."""

ROLES: Final = ("administrator", "billing_reader")
ROLE_OF: Final = {"administrator": Role.ADMINISTRATOR, "billing_reader": Role.READER}


def invite(
    store: AccountsAndAccess,
    account: int,
    address: str,
    role: str,
    name: str,
    now: datetime,
    author: str,
    locale: str = "",
    by_person: int = 0,
    *,
    anew: bool = True,
) -> int:
    """Send an invitation that is good for a week and once; an open one to the same address is replaced, or, unless it
    is to be sent `anew`, is enough if it gives the same role. `by_person` is the person of this account in whose name
    it is, 0 for the operator's. The link's number.

    Refuses `bad_role`, `bad_address`, `unknown_locale`, `unknown_account`, `administrator_exists`, `already_there`,
    `too_many_requests` and `typed_often`.
    """
    if role not in ROLES:
        raise Refused("bad_role", f"{role[:40]!r} is not a role; give administrator or billing_reader")
    to = check_address(address)
    if locale:
        check_locale(locale)
    with acting_on(store, account, now) as unit:
        contacts = contacts_of(store, account)
        _refuse_taken(contacts, to, role)
        invited = [link for link in contacts.links if not link.person and mailbox_of(link.address) == mailbox_of(to)]
        lasts = now - LASTS[Capability.INVITATION]
        same = (link.no for link in invited if link.role is ROLE_OF[role] and link.asked_at >= lasts)
        if not anew and (open_one := next(same, 0)):
            return open_one
        if store.invited_since(account, now - timedelta(days=1)) >= INVITATIONS_A_DAY:
            raise Refused("too_many_requests", f"an account invites at most {INVITATIONS_A_DAY} people a day")
        refuse_typed_often(store, to, now, author)
        for link in invited:
            store.end_link(link.no, now)
        number = store.invite(
            account, to, " ".join(name.split())[:NAME_CHARS_MAX], locale or contacts.locale, role, now, by_person
        )
        unit.record(f.Invited(link=number, role=role, by_person=by_person), author)
    return number


def _refuse_taken(contacts: Contacts, address: str, role: str) -> None:
    if role == "administrator" and contacts.administrator is not None:
        raise Refused("administrator_exists", "this account has an administrator already")
    there = (p for p in contacts.people if p.sign_in == address.lower())
    if any(role == "billing_reader" or p.role is Role.ADMINISTRATOR for p in there):
        raise Refused("already_there", "somebody with this address has a role on this account already")


def withdraw(store: AccountsAndAccess, account: int, link: int, now: datetime, author: str) -> None:
    """Take an invitation back. Refuses `unknown_invitation`."""
    with acting_on(store, account, now) as unit:
        if not any(one.no == link and not one.person for one in contacts_of(store, account).links):
            raise Refused("unknown_invitation", "that invitation is not open any more")
        store.end_link(link, now)
        unit.record(f.InvitationWithdrawn(link=link), author)


def link_of(store: AccessBook, kind: str, token: str, now: datetime) -> AccessLink:
    """What a link stands for; `kind` is `invitation` or `reset`. Refuses `bad_link` for one that is unknown, used,
    withdrawn, replaced, or too old."""
    link = store.access_link(digest_of(token))
    lasts = LASTS[Capability.INVITATION if kind == "invitation" else Capability.NEW_PASSWORD]
    if link is None or link.kind != kind or link.over_at is not None or now - link.asked_at > lasts:
        raise Refused("bad_link", "this link is not valid any more; ask for a new one")
    return link


def accept(store: AccountsAndAccess, token: str, name: str, hashed: str | None, now: datetime) -> int:
    """Take an invitation up: the person of its address has the role from now on. A person who is not known yet is made
    with this name and password; one who is known keeps theirs. The person's number. Refuses `bad_link`,
    `no_sign_in` (not known, and no password) and `administrator_exists`."""
    link = link_of(store, "invitation", token, now)
    with acting_on(store, link.account, now) as unit:
        link_of(store, "invitation", token, now)
        if link.role == "administrator" and contacts_of(store, link.account).administrator is not None:
            raise Refused("administrator_exists", "this account has an administrator already")
        person = store.person_at(link.address)
        if person is None:
            if hashed is None:
                raise Refused("no_sign_in", "nobody signs in with this address yet; choose a password")
            known_as = " ".join(name.split())[:NAME_CHARS_MAX] or link.name or link.address
            person = store.new_person(link.address, known_as, hashed, link.locale, now)
        store.give_role(link.account, person, link.role)
        store.end_link(link.number, now)
        unit.record(f.InvitationAccepted(link=link.number, person=person, role=link.role), f"person:{person}")
        check_heard(store, unit, replaced=link.role == "administrator")
    return person


def remove(store: AccountsAndAccess, account: int, person: int, now: datetime, author: str) -> None:
    """Take a billing reader off an account, from the next request on; whoever then sees none is signed out.
    Refuses `unknown_person`; the administrator is replaced, not removed."""
    with acting_on(store, account, now) as unit:
        if not any(one.no == person and one.role is Role.READER for one in contacts_of(store, account).people):
            raise Refused("unknown_person", f"{format_id(PERSON, person)} is no billing reader of this account")
        store.take_role(account, person, now)
        unit.record(f.AccessEnded(person=person), author)
        check_heard(store, unit)


def ask_reset(store: AccountsAndAccess, address: str, now: datetime) -> None:
    """Send a link for a new password to the person who signs in with this address, if there is one. Whoever asks
    learns nothing: neither here nor by an error."""
    try:
        person = store.person_at(check_address(address))
    except Refused:
        return
    account = None if person is None else _first_account(store, person)
    if person is None or account is None:
        return
    with acting_on(store, account, now) as unit:
        if store.resets_since(person, now - LASTS[Capability.NEW_PASSWORD]) < RESETS_A_DAY:
            link = store.ask_reset(account, person, now)
            unit.record(f.ResetAsked(person=person, link=link), "anonymous")


def reset(store: AccountsAndAccess, token: str, hashed: str, now: datetime) -> int:
    """Use a link: the person has another password, no session from before, and nothing that was asked for with the one
    before (see `AccessBook.set_password`). Their number. Refuses `bad_link`."""
    link = link_of(store, "reset", token, now)
    with acting(store, [link.account, *store.accounts_of(link.person)], now) as units:
        link_of(store, "reset", token, now)
        _set_password(store, units, link.account, link.person, hashed, now)
        store.end_sessions(link.person)
    return link.person


def _set_password(
    store: AccessBook, units: Mapping[int, Unit], account: int, person: int, hashed: str, now: datetime
) -> None:
    """With the password ends what was asked for with the one before, whoever it was that knew it."""
    author = f"person:{person}"
    for of, link in store.set_password(person, hashed, now):
        if of in units:
            units[of].record(f.InvitationWithdrawn(link=link), author)
    units[account].record(f.SignInChanged(person=person, what="password"), author)


def change_password(store: AccountsAndAccess, person: int, hashed: str, now: datetime) -> None:
    """Set another password for somebody who has just proved the one before. It ends every other session, and what was
    asked for with it."""
    account = _first_account(store, person)
    if account is None:
        store.set_password(person, hashed, now)
        return
    with acting(store, store.accounts_of(person), now) as units:
        _set_password(store, units, account, person, hashed, now)


def _first_account(store: AccessBook, person: int) -> int | None:
    """Where what becomes of a person's sign-in is recorded."""
    return next(iter(store.accounts_of(person)), None)


def sign_in_changed(store: AccountsAndAccess, person: int, what: str, now: datetime) -> None:
    """Tell a person at every address of theirs that the way they sign in has changed. Somebody who has no account any
    more is not told: nothing of theirs can be reached."""
    assert what in SIGN_IN_CHANGES, what
    account = _first_account(store, person)
    if account is not None:
        with acting_on(store, account, now) as unit:
            unit.record(f.SignInChanged(person=person, what=what), f"person:{person}")


def end_sessions(store: AccessBook, person: int) -> None:
    """End every session of a person, in the transaction that is open: with a new administrator, for example."""
    store.end_sessions(person)
