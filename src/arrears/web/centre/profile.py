"""People and addresses: where warnings arrive, who else is warned, language and zone, who is told what when."""

from __future__ import annotations

from typing import Final
from zoneinfo import available_timezones

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.errors import Refused
from arrears.core.notice import Kind
from arrears.core.recipients import INVITATION_LASTS
from arrears.engine import access, profile
from arrears.engine.told_when import Telling, told_when
from arrears.web.centre.frame import Visit, account_page
from arrears.web.centre.refusals import in_words
from arrears.web.door.security import step_up

KINDS: dict[Kind, Promise | str] = {
    Kind.REMINDER: gettext_lazy("reminder"),
    Kind.STOP_WARNING: gettext_lazy("warning before a service stops"),
    Kind.DELETION_WARNING: gettext_lazy("warning before data is deleted"),
}


PROVED: Final = ("address", "invite", "withdraw", "remove")
"""What is done only for somebody who has just shown who they are."""


@account_page(methods=("GET", "HEAD", "POST"), acts=False)
def page(visit: Visit) -> HttpResponse:
    """The page; with POST what its forms ask for. Language and zone are everybody's own."""
    if visit.request.method != "POST":
        return shown(visit)
    form = visit.request.POST
    try:
        if form.get("do") == "read":
            _read_as(visit, visit.request)
            return visit.to("profile")
        if not visit.may_act:
            return shown(visit, _("Only the account administrator can do this"), 403)
        if form.get("do") in PROVED:
            step_up(visit.request)
        done = _done(visit, form.get("do", ""), form.get("address", ""))
    except Refused as refused:
        visit.fresh()
        return shown(visit, in_words(refused), 422)
    return visit.to(f"profile?done={done}" if done else "profile")


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
        case "test":
            profile.send_test(store, account, person, visit.now, visit.author)
        case "invite":
            name = visit.request.POST.get("name", "")
            access.invite(store, account, address, "billing_reader", name, visit.now, visit.author)
        case "withdraw":
            access.withdraw(store, account, _number(visit, "link"), visit.now, visit.author)
            return ""
        case "remove":
            access.remove(store, account, _number(visit, "person"), visit.now, visit.author)
            return ""
        case "warn":
            profile.add_extra(store, account, address, "", "")
            return ""
        case "unwarn":
            profile.remove_extra(store, account, address)
            return ""
        case _:
            return ""
    return do


def _number(visit: Visit, field: str) -> int:
    text = visit.request.POST.get(field, "")
    return int(text) if text.isdecimal() and len(text) <= 18 else 0


def shown(visit: Visit, why: str = "", status: int = 200) -> HttpResponse:
    """The page itself."""
    visit.reach = visit.live.store.reach([visit.account])[visit.account]
    reach = visit.reach
    plan = told_when(visit.live.store, visit.account, visit.now)
    person = visit.person
    values = {
        "why": why,
        "done": visit.request.GET.get("done", ""),
        "contact": person.contact or person.sign_in if person else "",
        "confirmed": visit.day(visit.local_day(person.confirmed_at)) if person and person.confirmed_at else "",
        "dead": bool(person and person.addresses and person.addresses[0] in reach.dead),
        "people": [
            {"no": one.no, "name": visit.name(one.name), "address": one.contact or one.sign_in, "role": str(one.role)}
            for one in reach.people
        ],
        "invited": [
            {"no": one.no, "address": one.address, "until": visit.day(visit.local_day(one.asked_at + INVITATION_LASTS))}
            for one in reach.links
            if not one.person and visit.now - one.asked_at <= INVITATION_LASTS
        ],
        "extras": [one.address for one in reach.extras],
        "plan": [_line(visit, one) for one in plan.tellings],
        "plan_zone": plan.zone,
        "zone_now": person.zone if person else "",
        "zones": sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")),
    }
    return visit.page("profile", _("People and addresses"), status, **values)


def _line(visit: Visit, one: Telling) -> dict[str, str]:
    when = visit.day(one.on) if one.on else _("day %(day)s after the due date has passed") % {"day": one.day}
    to = visit.listed(list(dict.fromkeys(recipient.address for recipient in one.to)))
    return {"kind": str(KINDS.get(one.kind, "")), "service": one.service, "when": when, "to": to}
