"""Who may come in to an account, by their addresses: said, read, and taken off it.

Nobody has a role without having used the link of an invitation: what the operator's systems say of a person is that
they are invited, once, and what they may do when they come.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router

from arrears.core.address import check_address, mailbox_of
from arrears.core.errors import Refused
from arrears.core.ids import PERSON, format_id, parse_id
from arrears.core.messages.content import Role
from arrears.core.messages.recipients import ContactPerson, Contacts, SignInLink
from arrears.core.people.links import LASTS, Capability
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.engine.people import access
from arrears.engine.people.profile import contacts_of
from arrears.web.api.fields import LocaleName
from arrears.web.api.frame import Strict, account_number, author_of, terms
from arrears.web.api.paging import answered
from arrears.wiring import installed

router = Router(tags=["people"])

PEOPLE: Final = ScopeKind.PEOPLE
READ: Final = ScopeAct.READ
WRITE: Final = ScopeAct.WRITE
ROLES: Final = {Role.ADMINISTRATOR: "administrator", Role.READER: "billing_reader"}


class PersonBody(Strict):
    """What somebody may do on an account. `name` and `locale` are what the invitation is written with; whoever has
    accepted one changes their own."""

    role: Literal["administrator", "billing_reader"]
    name: Annotated[str, Field(max_length=200)] = ""
    locale: LocaleName | None = None


@router.get("/accounts/{account}/people", **terms(PEOPLE, READ))
def people(request: HttpRequest, account: str) -> HttpResponse:
    """Everybody with a role on the account, and everybody who is invited."""
    contacts = contacts_of(installed().store, account_number(account))
    there = [_there(one) for one in contacts.people if one.role in ROLES]
    return answered({"people": [*there, *map(_invited, _open(contacts, installed().clock.now()))]})


@router.get("/accounts/{account}/people/{person}", **terms(PEOPLE, READ))
def person(request: HttpRequest, account: str, person: str) -> HttpResponse:
    """One of them, by the address that they sign in with or are invited at, or by id (`per_12`)."""
    contacts = contacts_of(installed().store, account_number(account))
    return answered(_said(*_found(contacts, person, installed().clock.now())))


@router.put("/accounts/{account}/people/{person}", **terms(PEOPLE, WRITE))
def put_person(request: HttpRequest, account: str, person: str, body: PersonBody) -> HttpResponse:
    """Say what somebody at an address may do: they are invited (201), unless they are already, or have that role. An
    account has one administrator (409 `administrator_exists`)."""
    live, number = installed(), account_number(account)
    now, address = live.clock.now(), check_address(person)
    there = _at(contacts_of(live.store, number), address)
    if there is not None and ROLES[there.role] == body.role:
        return answered({**_there(there), "result": "unchanged"})
    before = {link.no for link in contacts_of(live.store, number).links}
    link = access.invite(
        *(live.store, number, address, body.role, body.name, now, author_of(request)),
        locale=body.locale or "",
        anew=False,
    )
    invited = next(one for one in contacts_of(live.store, number).links if one.no == link)
    is_new = link not in before
    return answered({**_invited(invited), "result": "created" if is_new else "unchanged"}, 201 if is_new else 200)


@router.delete("/accounts/{account}/people/{person}", **terms(PEOPLE, WRITE))
def remove_person(request: HttpRequest, account: str, person: str) -> HttpResponse:
    """Take a billing reader off the account, or an invitation back. The administrator is replaced, not removed."""
    live, number = installed(), account_number(account)
    there, invited = _found(contacts_of(live.store, number), person, live.clock.now())
    if there is not None:
        access.remove(live.store, number, there.no, live.clock.now(), author_of(request))
    if invited is not None:
        access.withdraw(live.store, number, invited.no, live.clock.now(), author_of(request))
    return people(request, account)


def _at(contacts: Contacts, address: str) -> ContactPerson | None:
    """Who has a role and signs in with this address."""
    theirs = (one for one in contacts.people if one.role in ROLES and mailbox_of(one.sign_in) == mailbox_of(address))
    return next(theirs, None)


def _open(contacts: Contacts, now: datetime) -> list[SignInLink]:
    """The invitations that can still be accepted."""
    lasts = LASTS[Capability.INVITATION]
    return [one for one in contacts.links if not one.person and now - one.asked_at <= lasts]


def _found(contacts: Contacts, said: str, now: datetime) -> tuple[ContactPerson | None, SignInLink | None]:
    """Who is there, and who is invited; refuses `unknown_person` where there is neither."""
    if "@" in said:
        mailbox = mailbox_of(check_address(said))
        there = _at(contacts, said)
        invited = next((one for one in _open(contacts, now) if mailbox_of(one.address) == mailbox), None)
    else:
        [number] = parse_id(PERSON, said)
        there = next((one for one in contacts.people if one.no == number and one.role in ROLES), None)
        invited = None
    if there is None and invited is None:
        raise Refused("unknown_person", f"{said[:80]!r} has no role on this account, and is not invited")
    return there, invited


def _said(there: ContactPerson | None, invited: SignInLink | None) -> dict[str, Any]:
    if there is not None:
        return _there(there)
    assert invited is not None, "one of them is there"
    return _invited(invited)


def _there(one: ContactPerson) -> dict[str, Any]:
    return {
        "person": format_id(PERSON, one.no),
        "address": one.sign_in,
        "role": ROLES[one.role],
        "name": one.name,
        "locale": one.locale,
        "state": "there",
    }


def _invited(one: SignInLink) -> dict[str, Any]:
    return {
        "person": None,
        "address": one.address,
        "role": ROLES[one.role],
        "name": one.name,
        "locale": one.locale,
        "state": "invited",
    }
