"""The story at /: what the customer has, what came of the last jump in time, and one button for what comes next."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from allauth.account.adapter import get_adapter
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from arrears.core.closed import closed
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.people.roles import StaffRole
from arrears.store.models import Person
from arrears.web.console.members import create_staff, first_password, known_member, members
from arrears.web.demo_handler import DemoWorld, demo_page, today
from arrears.web.demo_story import Chapter, StoryNow, standing_of
from arrears.web.languages import language_now
from arrears.web.numbers import whole
from arrears.wiring import installed

WARNING_DAY: Final = 21
STOPPED_DAY: Final = 31
DELETED_DAY: Final = 122
"""Of the policy that ships with arrears: a service is stopped at the end of day 30, and deleted a day after the end of
day 120."""

NEXT: Final = closed(
    "the day to which the story goes on by itself",
    Chapter,
    {
        Chapter.DECLINED: WARNING_DAY,
        Chapter.WARNED: STOPPED_DAY,
        Chapter.STOPPED: DELETED_DAY,
        Chapter.COMING_BACK: 0,
        Chapter.RUNNING: 0,
        Chapter.ENDED: 0,
        Chapter.ELSEWHERE: 0,
    },
)


def stop_day(now: StoryNow) -> int:
    """The day on which the service that the story follows has stopped, or will have; the policy's while neither is
    known."""
    return STOPPED_DAY if now.stop_day is None else now.stop_day


@require_safe
@demo_page
def landing(request: HttpRequest, world: DemoWorld) -> HttpResponse:
    """The story as it stands."""
    now = standing_of(world)
    next_day = stop_day(now) if now.chapter is Chapter.WARNED else NEXT[now.chapter]
    values = {
        "title": _title(now),
        "now": now,
        "chapter": str(now.chapter),
        "account": format_id(ACCOUNT, world.account),
        "next_day": next_day if next_day > now.day else 0,
        "lines": _lines_of(now),
        "year_under_way": world.year_under_way(),
        "service_runs": world.service_runs(),
    }
    return render(request, "demo/landing.html", values)


def _title(now: StoryNow) -> str:
    match now.chapter:
        case Chapter.DECLINED:
            return _("A card was declined")
        case Chapter.WARNED:
            return _("The warning has come")
        case Chapter.STOPPED:
            return _("The service has stopped: its files can only be read")
        case Chapter.COMING_BACK:
            return _("Paid: the services are being switched on")
        case Chapter.RUNNING:
            return _("Everything is paid and running again") if now.any_stopped else _("Paid in time: nothing stopped")
        case Chapter.ENDED:
            return _("Nobody paid: the data is deleted, as was announced")
        case Chapter.ELSEWHERE:
            return _("The story has gone another way")


def _lines_of(now: StoryNow) -> list[tuple[str, bool]]:
    """The story in five lines, and which of them have come true."""
    if now.chapter is Chapter.ELSEWHERE:
        return [
            (_("Day 0: the card is declined, and a mail says so"), True),
            (_("Then something else was done: what it leads to stands in the account"), True),
        ]
    paid = now.chapter in (Chapter.COMING_BACK, Chapter.RUNNING)
    chapters = [
        (_("Day 0: the card is declined, and a mail says so"), True),
        (_("Day 21: a warning names the day on which the service stops"), now.warned),
        (
            _("Day %(day)s: the service has stopped, and its files can only be read") % {"day": stop_day(now)},
            now.stopped,
        ),
    ]
    if now.chapter is Chapter.ENDED:
        return [*chapters, (_("Day 120: nobody has paid; a day later the data is deleted"), True)]
    return [*chapters, (_("Paid with another card"), paid), (_("Running again"), now.chapter is Chapter.RUNNING)]


@require_POST
@demo_page
def pass_time(request: HttpRequest, world: DemoWorld) -> HttpResponse:
    """Let time pass: to the `day` of the story, or without one to tomorrow."""
    asked = request.POST.get("day", "")
    day = whole(asked)
    now = standing_of(world)
    if day and day in (*NEXT.values(), stop_day(now)):
        world.pass_to(now.day_0 + timedelta(days=day))
    elif asked == "tomorrow":
        world.pass_to(today(world) + timedelta(days=1))
    return HttpResponseRedirect("/")


STAFF: Final = "sam@operator.example"
"""A member of the demo's staff, who has a password that nobody was told."""


@require_POST
@demo_page
def begin_anew(_request: HttpRequest, world: DemoWorld) -> HttpResponse:
    """Another customer, whose card is declined; the language is the page's."""
    world.begin_anew(language_now())
    return HttpResponseRedirect("/")


@require_POST
@demo_page
def service(request: HttpRequest, world: DemoWorld) -> HttpResponse:
    """End the process of the service, or start it again: what it is ordered meanwhile waits."""
    match request.POST.get("do", ""):
        case "stop":
            world.stop_service()
        case "start":
            world.start_service()
    return HttpResponseRedirect("/")


@require_POST
@demo_page
def sign_in(request: HttpRequest, world: DemoWorld) -> HttpResponse:
    """Sign in as the account's administrator, as their password would, and open the account."""
    administrator = installed().store.contacts([world.account])[world.account].administrator
    assert administrator is not None, "each customer of the demo has an administrator"
    get_adapter().login(request, Person.objects.get(pk=administrator.no))
    return HttpResponseRedirect(f"/{format_id(ACCOUNT, world.account)}/")


@require_POST
@demo_page
def console(request: HttpRequest, world: DemoWorld) -> HttpResponse:
    """Open the account in the console as a member of staff would, after a password and a code of their app."""
    known = {one.email: one for one in members()}
    if STAFF not in known:
        create_staff(STAFF, "Sam", first_password(), StaffRole.APPROVER, world.now())
    somebody = known_member(STAFF)
    request.session["staff"] = {"number": somebody.number, "proof": somebody.proof}
    return HttpResponseRedirect(f"/console/{format_id(ACCOUNT, world.account)}/")


@require_safe
@demo_page
def staff(request: HttpRequest, world: DemoWorld) -> HttpResponse:
    """What staff see: the commands, and what each prints."""
    shown = [(command, "\n".join(lines)) for command, lines in world.staff_view()]
    values = {"title": _("What staff see"), "shown": shown}
    return render(request, "demo/staff.html", values)
