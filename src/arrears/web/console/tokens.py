"""The tokens of programs: who administers the console makes, turns and ends them, as `arrears token` does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpResponse
from django.utils.translation import gettext as _

from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.people.roles import StaffAct
from arrears.core.people.scopes import scopes_of, scopes_text
from arrears.engine.finding import find_account
from arrears.notices import values
from arrears.web.account_centre.frame import READS
from arrears.web.api_tokens import (
    NAME_CHARACTERS_MAX,
    ListedToken,
    listed_tokens,
    make_token,
    revoke_token,
    rotate_token,
)
from arrears.web.console.frame import ConsoleRequest, console_page
from arrears.web.console.members import members
from arrears.web.numbers import whole

SCOPES_CHARACTERS_MAX: Final = 400


@console_page(methods=(*READS, "POST"), look=StaffAct.MANAGE, act=StaffAct.MANAGE)
def tokens(console: ConsoleRequest) -> HttpResponse:
    """Every token that is good, and a form for another. A secret is on the page that answers its form, and on no other:
    only its digest is kept."""
    secret, why = "", ""
    if console.request.method == "POST":
        try:
            secret = _done(console)
            if not secret:
                return console.to("tokens?done=1")
        except Refused as refused:
            why = refused.message
    good = [one for one in listed_tokens() if one.is_good(console.now)]
    names = {f"staff:{one.number}": one.name or one.email for one in members()}
    shown = {
        "tokens": [_shown(console, one, names) for one in reversed(good)],
        "secret": secret,
        "why": why,
        "typed": console.request.POST if why else {},
        "name_max": NAME_CHARACTERS_MAX,
        "done": bool(console.request.GET.get("done")),
    }
    return console.page("tokens", _("Tokens of programs"), 422 if why else 200, **shown)


def _done(console: ConsoleRequest) -> str:
    """What the form asks for; the secret that it makes, empty where it makes none."""
    form = console.request.POST
    if form.get("do") == "revoke":
        revoke_token(whole(form.get("token", ""), 18), console.now)
        return ""
    if form.get("do") == "rotate":
        return rotate_token(whole(form.get("token", ""), 18), console.now)
    name = " ".join(form.get("name", "").split())
    if not name.isprintable():
        raise Refused("bad_name", _("A name is a line of words."))
    scopes = scopes_of(form.get("scopes", "")[:SCOPES_CHARACTERS_MAX].split())
    if not scopes:
        raise Refused("bad_scope", _("Say what it may do."))
    account = form.get("account", "").strip()[:200]
    number = find_account(console.live.store, account) if account else 0
    until = _day(form.get("expires_on", "").strip())
    return make_token(name, scopes, console.now, until, number, made_by=console.author)[1]


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) if text else None
    except ValueError:
        raise Refused("bad_date", _("Write the day like 2027-01-31.")) from None


def _shown(console: ConsoleRequest, one: ListedToken, names: Mapping[str, str]) -> dict[str, Any]:
    def day(at: datetime | None) -> str:
        return "" if at is None else values.day(at.date(), console.locale)

    return {
        "number": one.number,
        "name": values.clean(one.name),
        "scopes": scopes_text(one.scopes),
        "account": format_id(ACCOUNT, one.account) if one.account else "",
        "made": day(one.created_at),
        "by": values.clean(names.get(one.made_by, one.made_by.removeprefix("staff:"))),
        "ends": day(one.expires_at),
        "used": day(one.last_used_at),
    }
