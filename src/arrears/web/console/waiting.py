"""What waits for a person: tasks of one kind, each closed with what was done; and deletions that two people release."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core.account import RELEASES
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id
from arrears.core.people.roles import StaffAct
from arrears.engine import commands
from arrears.notices import values
from arrears.store.postgres.lists import list_tasks
from arrears.store.postgres.queries import Task, awaiting_release, deleted_lately, open_task
from arrears.web.account_centre.frame import READS
from arrears.web.console.frame import ConsoleRequest, account_path, console_page
from arrears.web.names import called
from arrears.web.numbers import whole

TASKS_A_PAGE: Final = 50
RELEASES_SHOWN: Final = 100
DELETED_SHOWN: Final = 50


@console_page(methods=(*READS, "POST"))
def tasks(console: ConsoleRequest) -> HttpResponse:
    """Open tasks, of one kind where the address names it. Its form closes one."""
    why = ""
    if console.request.method == "POST":
        try:
            task = open_task(console.live.store, whole(console.request.POST.get("task", ""), 18))
            commands.close_task(
                console.live.store, task.account, task.seq, console.now, console.author, _reason(console)
            )
            return console.to(f"tasks?kind={task.kind}&done=1")
        except Refused as refused:
            why = str(refused)
    kind = console.request.GET.get("kind", "")[:60]
    after = whole(console.request.GET.get("after", ""), 18)
    found = list_tasks(console.live.store, after, TASKS_A_PAGE + 1, account=0, kind=kind or None)
    shown = {
        "kind": kind,
        "tasks": [_task(console, one) for one in found[:TASKS_A_PAGE]],
        "more": found[TASKS_A_PAGE - 1].no if len(found) > TASKS_A_PAGE else 0,
        "why": why,
        "done": bool(console.request.GET.get("done")),
    }
    return console.page("tasks", _("What waits for a person"), 422 if why else 200, **shown)


def _reason(console: ConsoleRequest) -> str:
    found = " ".join(console.request.POST.get("why", "").split())[:300]
    if not found or not found.isprintable():
        raise Refused("no_reason", _("Say what was done, in a line of words; it is kept with the fact."))
    return found


def _task(console: ConsoleRequest, one: Task) -> dict[str, Any]:
    return {
        "no": one.no,
        "kind": one.kind,
        "what": values.clean(one.what),
        "times": one.times,
        "reply": values.clean(one.reply),
        "since": values.day(one.since.date(), console.locale),
        "account": format_id(ACCOUNT, one.account) if one.account else "",
        "path": f"/console/{account_path(one.account)}" if one.account else "",
    }


@console_page(methods=(*READS, "POST"), act=StaffAct.APPROVE)
def deletions(console: ConsoleRequest) -> HttpResponse:
    """Deletions above the day's cap: two different members of staff release each, with the account's name typed. And
    what was deleted lately, each with its certificate."""
    why = ""
    if console.request.method == "POST":
        try:
            _release(console)
            return console.to("deletions?done=1")
        except Refused as refused:
            why = str(refused)
    found = awaiting_release(console.live.store, RELEASES_SHOWN)
    snapshots = console.live.store.snapshots([one.account for one in found])
    contacts = console.live.store.contacts([one.account for one in found])
    gone = deleted_lately(console.live.store, DELETED_SHOWN)
    theirs = console.live.store.contacts([one.account for one in gone])
    shown = {
        "deleted": [
            {
                "id": format_id(SUBSCRIPTION, one.account, one.subscription),
                "name": values.clean(theirs[one.account].name),
                "day": values.day(one.ordered_at.date(), console.locale),
                "path": f"/console/{account_path(one.account)}",
                "pdf": f"/console/{account_path(one.account)}deleted/{one.subscription}.pdf",
            }
            for one in gone
        ],
        "waiting": [
            {
                "id": format_id(SUBSCRIPTION, one.account, one.subscription),
                "service": called(snapshots[one.account], one.subscription),
                "name": values.clean(contacts[one.account].name),
                "day": values.day(one.delete_on, console.locale),
                "path": f"/console/{account_path(one.account)}",
            }
            for one in found
        ],
        "releases": RELEASES,
        "may": console.may(StaffAct.APPROVE),
        "why": why,
        "done": bool(console.request.GET.get("done")),
    }
    return console.page("deletions", _("Deletions that wait for two people"), 422 if why else 200, **shown)


def _release(console: ConsoleRequest) -> None:
    wanted = console.request.POST.get("subscription", "")
    for one in awaiting_release(console.live.store, RELEASES_SHOWN):
        if format_id(SUBSCRIPTION, one.account, one.subscription) == wanted:
            commands.release_deletion(
                console.live.store,
                one.account,
                one.subscription,
                console.request.POST.get("name", "")[:300],
                console.now,
                console.author,
                _reason(console),
                console.member.known_as,
            )
            return
    raise Refused("unknown_subscription", _("That deletion does not wait any more."))
