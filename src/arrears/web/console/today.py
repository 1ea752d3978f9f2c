"""The first page of the console: what needs a person, what will happen to whom, what is at risk; and finding one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core.account import Action
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import format_amount
from arrears.engine.finding import find_account
from arrears.notices import values
from arrears.store.postgres.today import FIRST, ComingAction, at_risk, coming_actions, search_accounts, task_kinds
from arrears.web.console.acts import ACTIONS
from arrears.web.console.frame import ConsoleRequest, account_path, console_page
from arrears.web.numbers import whole

DAYS: Final = 14
ACTIONS_A_PAGE: Final = 50
FOUND_MAX: Final = 50


@console_page()
def page(console: ConsoleRequest) -> HttpResponse:
    """What staff see after signing in."""
    store = console.live.store
    until = console.now.date() + timedelta(days=DAYS)
    actions = coming_actions(store, until, ACTIONS_A_PAGE + 1, _cursor(console.request.GET.get("after", "")))
    shown: dict[str, Any] = {
        "tasks": [(one, values.day(one.since.date(), console.locale)) for one in task_kinds(store)],
        "risks": [
            (format_amount(one.minor, one.currency, str(console.locale)), one.accounts) for one in at_risk(store)
        ],
        "actions": [_action(console, one) for one in actions[:ACTIONS_A_PAGE]],
        "more": _after(actions[ACTIONS_A_PAGE - 1]) if len(actions) > ACTIONS_A_PAGE else "",
        "days": DAYS,
    }
    return console.page("today", _("Today"), **shown)


def _action(console: ConsoleRequest, one: ComingAction) -> dict[str, Any]:
    return {
        "day": values.day(one.on, console.locale),
        "late": one.on < console.now.date(),
        "what": ACTIONS[Action(one.action)],
        "service": values.clean(one.service),
        "name": values.clean(one.name),
        "path": f"/console/{account_path(one.account)}",
    }


def _after(one: ComingAction) -> str:
    return f"{one.on}_{one.account}_{one.subscription}"


def _cursor(text: str) -> tuple[date, int, int]:
    """Where a page goes on; the beginning for what is no cursor of ours."""
    on, _mark, rest = text.partition("_")
    account, _mark, no = rest.partition("_")
    try:
        return date.fromisoformat(on), whole(account, 18), whole(no, 9)
    except ValueError:
        return FIRST


@console_page()
def search(console: ConsoleRequest) -> HttpResponse:
    """Accounts by whatever somebody knows of them; a single one is opened at once."""
    text = console.request.GET.get("q", "").strip()[:200]
    found = list(search_accounts(console.live.store, text, FOUND_MAX)) if text else []
    number = found[0].account if len(found) == 1 else _by_id(console, text) if not found else 0
    if number:
        return console.to(account_path(number))
    shown = [
        (format_id(ACCOUNT, one.account), values.clean(one.name), one.ref, f"/console/{account_path(one.account)}")
        for one in found
    ]
    return console.page("search", _("Search"), q=text, found=shown, full=len(found) == FOUND_MAX)


def _by_id(console: ConsoleRequest, text: str) -> int:
    try:
        return find_account(console.live.store, text) if text else 0
    except Refused:
        return 0
