"""People and addresses: where warnings arrive, who else is warned, language and zone, who is told what when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from arrears.core.account import Action
from arrears.core.closed import closed
from arrears.core.errors import Refused
from arrears.core.messages.kinds import FORESEEN, MessageKind
from arrears.core.people.links import LASTS, Capability
from arrears.core.people.throttles import Throttled
from arrears.engine.messages.unreached import Unreached
from arrears.engine.messages.upcoming import Telling, plan_of
from arrears.engine.people import access, profile
from arrears.notices.values import place as named_place
from arrears.web.account_centre.billed_to import billed_to
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.zones import zone_groups
from arrears.web.names import called
from arrears.web.numbers import whole
from arrears.web.refusals import in_words
from arrears.web.sign_in.security import step_up
from arrears.web.throttle import throttled_as

PLAN_MAX: Final = 40
"""More lines would be more than a page of 50 kB; the timeline has them when they come near."""

MESSAGES: dict[MessageKind, Promise | str] = closed("names of messages ahead", FORESEEN, {
    MessageKind.REMINDER: gettext_lazy("reminder"),
    MessageKind.STOP_WARNING: gettext_lazy("warning before a service stops"),
    MessageKind.DELETION_WARNING: gettext_lazy("warning before data is deleted"),
})  # fmt: skip

WAITS: Final[dict[Action, Promise | str]] = closed("words of what waits for a warning", Action, {
    Action.RESTRICT: gettext_lazy("that %(service)s can only be read"),
    Action.DISABLE: gettext_lazy("that %(service)s stops"),
    Action.DELETE: gettext_lazy("that the data of %(service)s is deleted"),
})  # fmt: skip

PROVED: Final = ("address", "invite", "withdraw", "remove", "warn", "unwarn")
"""What is done only for somebody who has just shown who they are."""


@throttled_as(Throttled.TYPED_ADDRESS)
@account_page(methods=("GET", "HEAD", "POST"), acts=False)
def page(visit: Visit) -> HttpResponse:
    """The page; with POST what its forms ask for. Language and zone are everybody's own."""
    if visit.request.method != "POST":
        return shown(visit)
    form = visit.request.POST
    try:
        if form.get("do") == "read":
            _read_as(visit, visit.request)
            return visit.did("profile", "read")
        if not visit.may_act:
            return shown(visit, _("Only the account administrator can do this"), 403)
        if form.get("do") in PROVED:
            step_up(visit.request)
        done = _done(visit, form.get("do", ""), form.get("address", ""))
    except Refused as refused:
        visit.fresh()
        return shown(visit, in_words(refused), 422, wrong=form.get("do", ""))
    return visit.did("profile", done) if done else visit.to("profile")


def _read_as(visit: Visit, request: HttpRequest) -> None:
    assert visit.somebody is not None, "an account page has somebody"
    language, zone = request.POST.get("language", ""), request.POST.get("zone", "")
    if language not in dict(settings.LANGUAGES):
        raise Refused("unknown_locale", "not one of ours")
    was = visit.person.locale if visit.person else ""
    locale = was if was.partition("-")[0] == language else language
    profile.set_profile(visit.live.store, visit.account, visit.somebody.number, locale, zone)


def _done(visit: Visit, do: str, address: str) -> str:
    """Do it; the word of what was done, for the answer."""
    store, account = visit.live.store, visit.account
    assert visit.somebody is not None, "only the administrator comes here"
    person = visit.somebody.number
    match do:
        case "address":
            profile.change_address(store, account, person, address, visit.now, visit.author)
        case "again":
            unconfirmed = unconfirmed_address(visit)
            if not unconfirmed:
                return ""
            profile.change_address(store, account, person, unconfirmed, visit.now, visit.author)
        case "test":
            profile.send_test(store, account, person, visit.now, visit.author)
        case "invite":
            name = visit.request.POST.get("name", "")
            access.invite(store, account, address, "billing_reader", name, visit.now, visit.author, by_person=person)
        case "withdraw":
            access.withdraw(store, account, _number(visit, "link"), visit.now, visit.author)
        case "remove":
            access.remove(store, account, _number(visit, "person"), visit.now, visit.author)
        case "warn":
            profile.add_extra(store, account, address, "", "", now=visit.now, author=visit.author)
        case "unwarn":
            profile.remove_extra(store, account, address, visit.now)
        case _:
            return ""
    return do


def pending_address(visit: Visit) -> str:
    """The new contact address of the reader that waits for its link to be opened; empty for none."""
    person = visit.person
    asked = [one for one in visit.contacts.requests if person is not None and one.person == person.no]
    newest = max(asked, key=lambda one: one.no, default=None)
    return newest.new if newest is not None and not newest.used and newest.new != person.contact else ""


def unconfirmed_address(visit: Visit) -> str:
    """The address to which a link can be sent once more: the one that waits for its link, or else the reader's own
    that is to be confirmed and takes mail; empty for none."""
    own = visit.person.contact or visit.person.sign_in if visit.person else ""
    to_confirm = profile.needs_confirming(visit.contacts, visit.now) and not visit.contacts.is_dead(own)
    return pending_address(visit) or (own if to_confirm else "")


def _number(visit: Visit, field: str) -> int:
    return whole(visit.request.POST.get(field, ""))


def shown(visit: Visit, why: str = "", status: int = 200, wrong: str = "") -> HttpResponse:
    """The page itself; `wrong` names the form that was refused, in which what was typed is kept."""
    if visit.request.method == "POST":
        visit.contacts = visit.live.store.contacts([visit.account])[visit.account]
    contacts = visit.contacts
    plan = plan_of(visit.view, contacts, visit.live.store)
    person = visit.person
    tellings = lines(visit, plan.tellings)
    values = {
        "why": why,
        "wrong": wrong,
        "typed": visit.request.POST.get("address", "")[:254],
        "done": visit.done.what,
        "contact": person.contact or person.sign_in if person else "",
        "sign_in": person.sign_in if person else "",
        "confirmed": visit.day(visit.local_day(person.confirmed_at)) if person and person.confirmed_at else "",
        "pending": pending_address(visit) if visit.may_act else "",
        "to_confirm": visit.may_act and profile.needs_confirming(contacts, visit.now),
        "dead": bool(person and person.addresses and contacts.is_dead(person.addresses[0])),
        "people": [
            {
                "no": one.no,
                "name": visit.name(one.name),
                "address": visit.address(one.contact or one.sign_in),
                "role": str(one.role),
                "dead": contacts.is_dead(one.contact or one.sign_in),
            }
            for one in contacts.people
        ],
        "invited": [
            {
                "no": one.no,
                "address": visit.address(one.address),
                "until": visit.day(visit.local_day(one.asked_at + LASTS[Capability.INVITATION])),
            }
            for one in contacts.links
            if not one.person and visit.now - one.asked_at <= LASTS[Capability.INVITATION]
        ],
        "extras": [
            {"address": visit.address(one.address), "dead": contacts.is_dead(one.address)} for one in contacts.extras
        ],
        "unreached": _unreached(visit, plan.unreached),
        "plan": tellings[:PLAN_MAX],
        "plan_more": len(tellings) > PLAN_MAX,
        "plan_zone": named_place(plan.zone, visit.locale),
        "billed_to": billed_to(visit),
        "zone_now": person.zone if person else "",
        "zones": zone_groups(plan.zone, person.zone if person else "", (visit.now.year, visit.now.month), visit.locale),
    }
    return visit.page("profile", _("People and addresses"), status, **values)


def _after(one: Telling) -> str:
    """How long after something that has not happened yet; day 0 is the day after the due date."""
    if one.kind is MessageKind.DELETION_WARNING:
        text = ngettext(
            "%(days)s day after a service has stopped", "%(days)s days after a service has stopped", one.day
        )
        return text % {"days": one.day}
    days = one.day + 1
    return ngettext("%(days)s day after the due date", "%(days)s days after the due date", days) % {"days": days}


def _unreached(visit: Visit, found: Unreached | None) -> dict[str, Any] | None:
    """That nobody of the account can be reached, in the reader's words."""
    if found is None:
        return None
    waits = [WAITS[one.action] % {"service": called(visit.snapshot, one.subscription)} for one in found.waiting]
    return {"dead": found.dead, "since": found.since and visit.day(found.since), "waits": visit.listed(waits)}


def lines(visit: Visit, tellings: Sequence[Telling]) -> list[dict[str, str]]:
    """One line for each kind of message of a day, whatever services it is about."""
    grouped: dict[tuple[str, MessageKind, str], list[str]] = {}
    for one in tellings:
        when = visit.day(one.on) if one.on else _after(one)
        to = visit.listed(list(dict.fromkeys(visit.name(visit.address(r.address)) for r in one.to))) or _("nobody")
        names = grouped.setdefault((when, one.kind, to), [])
        if one.subscription:
            names.append(called(visit.snapshot, one.subscription))
    return [
        {"kind": str(MESSAGES[kind]), "services": visit.listed(list(dict.fromkeys(names))), "when": when, "to": to}
        for (when, kind, to), names in grouped.items()
    ]
