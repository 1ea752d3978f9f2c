"""All that is known of one account on one page, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core.account import Account
from arrears.core.facts import Recorded
from arrears.core.people.roles import StaffAct
from arrears.core.states import State
from arrears.engine.explaining import Explanation, explain, explained_subscription, kind_of
from arrears.notices import values
from arrears.store.postgres.lists import list_tasks
from arrears.store.postgres.queries import reference
from arrears.web.account_centre.fact_words import Teller
from arrears.web.account_centre.frame import Visit
from arrears.web.account_centre.owed import carried, promised
from arrears.web.account_centre.paged import page_of
from arrears.web.account_centre.timeline import ahead, by_day, fates
from arrears.web.console.act_forms import FORMS
from arrears.web.console.acts import ACTIONS, STATES
from arrears.web.console.frame import ConsoleRequest, account_path, console_page
from arrears.web.console.kinds import StaffForm
from arrears.web.names import called

FACTS_A_PAGE: Final = 50
TASKS_MAX: Final = 50
AHEAD_MAX: Final = 30


@console_page()
def page(console: ConsoleRequest, account: int) -> HttpResponse:
    """An account, as staff see it."""
    visit = console.visit(account)
    store = console.live.store
    explained = explain(store, account, console.now)
    teller = Teller(visit, explained.history)
    paged = page_of(list(reversed(explained.history)), FACTS_A_PAGE, console.request.GET)
    future = sorted(ahead(visit, teller), key=lambda event: event.on)[:AHEAD_MAX] if paged.page == 1 else []
    done = console.request.GET.get("done", "")
    shown: dict[str, Any] = {
        "id": visit.id,
        "path": f"/console/{account_path(account)}",
        "about": _about(visit, reference(store, account), explained),
        "owed": [_debt(visit, one) for one in explained.value["owed"]],
        "carried": carried(visit),
        "subscriptions": [_subscription(visit, number) for number in _numbers(visit.snapshot)],
        "promised": promised(visit),
        "holds": [(hold.reason, hold.until and visit.day(hold.until)) for hold in _holds(visit.snapshot)],
        "waits": [one["code"].replace("_", " ") for one in explained.value["waits_for"]],
        "unreachable": explained.unreached is not None,
        "parked": visit.snapshot.parked,
        "tasks": list_tasks(store, 0, TASKS_MAX, account=account, kind=None),
        "ahead": by_day(visit, future),
        "past": list(_past(console, visit, teller, paged.items)),
        "paged": paged,
        "acts": _offered(visit.snapshot) if console.may(StaffAct.SERVE) else [],
        "done": str(FORMS[StaffForm(done)].title) if done in list(StaffForm) else "",
        "zone": visit.place,
    }
    return console.page("account", visit.name(visit.contacts.name), **shown)


def _about(visit: Visit, ref: str, explained: Explanation) -> list[tuple[str, str]]:
    administrator = visit.contacts.administrator
    case = explained.value["case"]
    return [
        (_("Number"), visit.id),
        (_("The operator's own reference"), values.clean(ref)),
        (_("Administrator"), values.clean(administrator.name) if administrator else _("nobody")),
        (_("Pays by"), _("bank transfer") if visit.snapshot.mode == "invoice" else _("card or debit")),
        (_("Policy"), str(explained.value["policy"])),
        (_("Past due since"), visit.day(case["opened_on"]) if case else _("no")),
    ]


def _debt(visit: Visit, one: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": one["invoice"],
        "open": visit.amount(one["open_minor"], one["currency"]),
        "due": visit.day(one["due_on"]),
        "since": one["past_due_since"] and visit.day(one["past_due_since"]),
        "held": one["held"],
        "nothing_pays": one["nothing_pays"],
    }


def _numbers(account: Account) -> list[int]:
    return [sub.no for sub in account.subscriptions]


def _holds(account: Account) -> Iterator[Any]:
    return (hold for hold in account.holds if hold.ended_at is None and not hold.arrangement)


def _subscription(visit: Visit, number: int) -> dict[str, Any]:
    one, sub = explained_subscription(visit.view, number), visit.snapshot.subscription(number)
    told = zip(ACTIONS.values(), (one["restricted_on"], one["stops_on"], one["deleted_on"]), strict=True)
    return {
        "name": called(visit.snapshot, number),
        "state": STATES[sub.state],
        "reasons": [str(reason).replace("_", " ") for reason in sub.reasons],
        "dates": [(words, visit.day(on)) for words, on in told if on is not None and sub.state is not State.DELETED],
        "nothing_follows": (one["nothing_follows"] or {}).get("code", "").replace("_", " "),
    }


def _past(console: ConsoleRequest, visit: Visit, teller: Teller, facts: Any) -> Iterator[dict[str, Any]]:
    """Each fact: when, in whose words, by whom, why, and what became of its messages."""
    mails: dict[int, list[Any]] = {}
    for mail in console.live.store.mails_of_notices([(visit.account, one.seq) for one in facts]):
        mails.setdefault(mail.seq, []).append(mail)
    for one in facts:
        yield {
            "at": visit.moment(one.at),
            "text": teller.tells(one),
            "kind": kind_of(one.fact),
            "by": _by(one),
            "why": values.clean(one.why),
            "mails": fates(visit, mails.get(one.seq, [])),
        }


def _by(one: Recorded) -> str:
    return "" if one.author == "arrears" else values.clean(one.author)


def _offered(account: Account) -> list[tuple[str, str]]:
    return [(str(kind), str(form.title)) for kind, form in FORMS.items() if form.offered(account)]
