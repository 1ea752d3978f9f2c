"""Who is told what: people's addresses, others who are warned, test messages, what will be told when (spec, 7 and 10).

A program may act for a person (`person`); then it must be that person, or the account administrator.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router

from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, PERSON, SUBSCRIPTION, format_id, parse_id
from arrears.core.messages.recipients import EMAIL, ChannelName, Contacts, Recipient
from arrears.core.people.links import LASTS, Capability
from arrears.core.people.scopes import ScopeAct, ScopeKind
from arrears.engine.messages.unreached import WHAT_TO_DO, Unreached
from arrears.engine.messages.upcoming import Telling, upcoming_messages
from arrears.engine.people import profile
from arrears.web.api.frame import Strict, account_number, author_of, terms
from arrears.web.api.idempotency import once_per_key
from arrears.wiring import installed

router = Router(tags=["people"])

PEOPLE: Final = ScopeKind.PEOPLE
READ: Final = ScopeAct.READ
WRITE: Final = ScopeAct.WRITE


class Address(Strict):
    """A person's new contact address."""

    person: str
    address: str


class Whom(Strict):
    """A person of the account."""

    person: str


class Other(Strict):
    """Somebody else who is warned and may do nothing."""

    address: str
    name: str = ""
    locale: str = ""
    channel: str = EMAIL


class Profile(Strict):
    """In which language and zone a person reads; an empty zone is the account's."""

    locale: str
    zone: str = ""


@router.get("/accounts/{account}/recipients", **terms(PEOPLE, READ))
def recipients(request: HttpRequest, account: str) -> HttpResponse:
    """Every address of the account, and whether it works."""
    return JsonResponse(_recipients(account_number(account)))


@router.get("/accounts/{account}/told-when", **terms(PEOPLE, READ))
def tellings(request: HttpRequest, account: str) -> HttpResponse:
    """Who will be told what, when: by the policy, and by the case that is open. Where nobody can be told, `unreachable`
    says why, since when, what waits, and what to do."""
    live, number = installed(), account_number(account)
    plan = upcoming_messages(live.store, number, live.clock.now())
    told = [_telling(one) for one in plan.tellings]
    return JsonResponse({"zone": plan.zone, "tellings": told, "unreachable": _unreached(number, plan.unreached)})


@router.post("/accounts/{account}/contact-address", **terms(PEOPLE, WRITE, keyed=True, status=202))
@once_per_key
def contact_address(request: HttpRequest, account: str, body: Address) -> HttpResponse:
    """Send a link to a new contact address. Mail goes there once the link has been used."""
    live = installed()
    number, person = account_number(account), _person(body.person)
    profile.change_address(live.store, number, person, body.address, live.clock.now(), author_of(request))
    return JsonResponse({"sent_to": body.address, "valid_days": LASTS[Capability.ADDRESS_LINK].days}, status=202)


@router.post("/accounts/{account}/test-message", **terms(PEOPLE, WRITE, keyed=True, status=202))
@once_per_key
def test_message(request: HttpRequest, account: str, body: Whom) -> HttpResponse:
    """Send a person a test message."""
    live = installed()
    profile.send_test(live.store, account_number(account), _person(body.person), live.clock.now(), author_of(request))
    return JsonResponse({"person": body.person}, status=202)


@router.put("/accounts/{account}/recipients/extra", **terms(PEOPLE, WRITE))
def add_extra(request: HttpRequest, account: str, body: Other) -> HttpResponse:
    """Warn somebody else too; the same address again changes name and language."""
    live, number = installed(), account_number(account)
    channel = ChannelName(body.channel)
    profile.add_extra(
        *(live.store, number, body.address, body.name, body.locale, channel, live.channels),
        now=live.clock.now(),
        author=author_of(request),
    )
    return JsonResponse(_recipients(number))


@router.delete("/accounts/{account}/recipients/extra", **terms(PEOPLE, WRITE))
def remove_extra(request: HttpRequest, account: str, address: str) -> HttpResponse:
    """Warn them no longer."""
    number = account_number(account)
    profile.remove_extra(installed().store, number, address, installed().clock.now())
    return JsonResponse(_recipients(number))


@router.put("/accounts/{account}/people/{person}/profile", **terms(PEOPLE, WRITE))
def set_profile(request: HttpRequest, account: str, person: str, body: Profile) -> HttpResponse:
    """In which language and zone a person of this account reads."""
    number = account_number(account)
    profile.set_profile(installed().store, number, _person(person), body.locale, body.zone)
    return JsonResponse(_recipients(number))


def _person(text: str) -> int:
    [number] = parse_id(PERSON, text)
    return number


def _recipients(number: int) -> dict[str, Any]:
    contacts = installed().store.contacts([number]).get(number)
    if contacts is None:
        raise Refused("unknown_account", f"there is no account {format_id(ACCOUNT, number)}")
    return {"account": format_id(ACCOUNT, number), **_people(contacts)}


def _people(contacts: Contacts) -> dict[str, Any]:
    people = [
        {
            "person": format_id(PERSON, one.no),
            "role": one.role,
            "name": one.name,
            "sign_in": one.sign_in,
            "contact": one.contact,
            "locale": one.locale,
            "zone": one.zone or contacts.zone,
            "confirmed_at": one.confirmed_at and one.confirmed_at.isoformat(),
            "bounces": sorted(address for address in set(one.addresses) if contacts.is_dead(address)),
        }
        for one in contacts.people
    ]
    extras = [
        {
            "address": e.address,
            "name": e.name,
            "locale": e.locale or contacts.locale,
            "channel": e.channel,
            "bounces": contacts.is_dead(e.address),
        }
        for e in contacts.extras
    ]
    return {"contact": contacts.contact or None, "people": people, "extra": extras}


def _unreached(account: int, found: Unreached | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "why": "addresses_dead" if found.dead else "no_address",
        "since": found.since and found.since.isoformat(),
        "waits": [
            {
                "action": one.action,
                "service": one.service,
                "subscription": format_id(SUBSCRIPTION, account, one.subscription),
            }
            for one in found.waiting
        ],
        "what_to_do": WHAT_TO_DO,
    }


def _telling(one: Telling) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "service": one.service or None,
        "day": one.day,
        "on": one.on and one.on.isoformat(),
        "names": one.names and one.names.isoformat(),
        "to": [_to(recipient) for recipient in one.to],
    }


def _to(one: Recipient) -> dict[str, Any]:
    return {"address": one.address, "channel": one.channel, "role": one.role, "locale": one.locale}
