"""A message before it has a reader, and the messages about people: their addresses, how they come in, the help that
they asked for."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from arrears.core import facts as f
from arrears.core.account import Account, Stop
from arrears.core.address import masked
from arrears.core.calendar import calendar_of
from arrears.core.messages.content import Collection, DatedAction, DebtLine, Sum
from arrears.core.messages.kinds import MessageKind
from arrears.core.messages.recipients import Contacts
from arrears.core.people.links import LASTS, Capability
from arrears.core.people.support import held_until


class Draft(NamedTuple):
    """One message before it has a reader. `cause` tells apart what may be sent on one day to one address; `request`
    is the address request that it is about, `link` the link that lets somebody in, 0 for none; `person` the one
    person it is for, 0 for whoever it goes to, and `to` the one address where it is not simply theirs; `help` is the
    number of a support request; `stays` and `ends` say what no payment brings back, and when its data goes;
    `effective_on` is the day from which what it tells is so; `later` is what lies ahead where `actions` are past."""

    kind: MessageKind
    cause: str = ""
    debts: tuple[DebtLine, ...] = ()
    actions: tuple[DatedAction, ...] = ()
    paid: tuple[Sum, ...] = ()
    services: tuple[str, ...] = ()
    card: str = ""
    expires_on: date | None = None
    days_left: int | None = None
    decline: str = ""
    request: int = 0
    link: int = 0
    person: int = 0
    to: str = ""
    old_address: str = ""
    new_address: str = ""
    change: str = ""
    again: bool = False
    inviter: str = ""
    help: int = 0
    no_deletion_until: date | None = None
    no_stop_until: date | None = None
    stays: tuple[str, ...] = ()
    ends: tuple[DatedAction, ...] = ()
    collects: tuple[Collection, ...] = ()
    effective_on: date | None = None
    later: tuple[DatedAction, ...] = ()


def zone_of(account: Account) -> str:
    """The zone of the account's days: a running case keeps the one it started with."""
    return (account.terms if account.case is None else account.case.terms).zone


def about_address(fact: f.AddressAsked | f.AddressConfirmed, seq: int, contacts: Contacts) -> list[Draft]:
    """A link to the new address; when it has been used, word to the old one."""
    asked = next((r for r in contacts.requests if r.no == fact.request), None)
    if asked is None:
        return []
    if isinstance(fact, f.AddressAsked):
        found = Draft(MessageKind.CONFIRM_ADDRESS, str(seq), request=asked.no, to=asked.new, new_address=asked.new)
        return [] if asked.used else [found._replace(person=fact.person, again=fact.again)]
    told = Draft(
        MessageKind.ADDRESS_CHANGED, str(seq), to=asked.old, old_address=asked.old, new_address=masked(asked.new)
    )
    return [told._replace(person=fact.person)] if asked.old else []


def about_sign_in(
    account: Account, fact: f.Invited | f.ResetAsked | f.SignInChanged, seq: int, contacts: Contacts
) -> list[Draft]:
    """A link that lets somebody in; word to every address of a person that their sign-in has changed."""
    if isinstance(fact, f.SignInChanged):
        to = [address for one in contacts.people if one.no == fact.person for address in dict.fromkeys(one.addresses)]
        told = Draft(MessageKind.SIGN_IN_CHANGED, str(seq), person=fact.person, change=fact.what)
        return [told._replace(to=address) for address in to]
    link = next((one for one in contacts.links if one.no == fact.link), None)
    if link is None:
        return []
    if isinstance(fact, f.ResetAsked):
        return [Draft(MessageKind.PASSWORD_RESET, str(seq), link=link.no, person=fact.person, to=link.address)]
    last = calendar_of(zone_of(account)).local_day(link.asked_at + LASTS[Capability.INVITATION])
    inviter = next((one.name for one in contacts.people if fact.by_person and one.no == fact.by_person), "")
    return [Draft(MessageKind.INVITATION, str(seq), link=link.no, expires_on=last, inviter=inviter)]


def about_help(account: Account, fact: f.SupportOpened | f.SupportAnswered | f.ResumeLate, seq: int) -> list[Draft]:
    """A request has come in, with what it holds; it was answered; or one opened by itself."""
    if isinstance(fact, f.ResumeLate):
        late = {sub.service: 0 for sub in account.subscriptions if any(o.late_seq == seq for o in sub.orders)}
        return [Draft(MessageKind.RESUME_LATE, str(seq), services=tuple(late))] if late else []
    if isinstance(fact, f.SupportAnswered):
        return [Draft(MessageKind.SUPPORT_ANSWERED, str(seq), person=fact.person, help=fact.request)]
    return [
        Draft(
            MessageKind.SUPPORT_RECEIVED,
            str(seq),
            person=fact.person,
            help=fact.request,
            no_deletion_until=held_until(account, fact.holds, Stop.DELETE),
            no_stop_until=held_until(account, fact.holds, Stop.DISABLE),
        )
    ]
