"""Who of the operator's people sees and does what in the console.

A page is a function of a `ConsoleRequest`, and names the act that it takes (`core/people/roles.py`). Whoever may not do
it is told which role does. Addresses of people are masked, as they are for anybody but their owner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Final
from urllib.parse import quote

from babel.core import Locale
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.closed import closed
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.messages.content import Role
from arrears.core.people.roles import MAY, StaffAct, StaffRole
from arrears.notices import values
from arrears.web.account_centre.frame import READS, Visit
from arrears.web.console.members import Member
from arrears.web.console.sign_in import signed_in_staff
from arrears.web.languages import language_now
from arrears.web.signed_in import SIGN_IN
from arrears.wiring import Installation, installed

ROLES: Final[dict[StaffRole, Promise | str]] = closed(
    "what roles of staff are called",
    StaffRole,
    {
        StaffRole.VIEWER: gettext_lazy("viewer"),
        StaffRole.AGENT: gettext_lazy("agent"),
        StaffRole.APPROVER: gettext_lazy("approver"),
        StaffRole.ADMINISTRATOR: gettext_lazy("administrator of the console"),
    },
)


@dataclass
class ConsoleRequest:
    """One request of a member of staff."""

    request: HttpRequest
    live: Installation
    member: Member
    now: datetime

    @property
    def author(self) -> str:
        """Who acts, for the journal."""
        return f"staff:{self.member.number}"

    @property
    def locale(self) -> Locale:
        """The formats of the page's language."""
        return values.formats_of(language_now(), language_now())

    def may(self, act: StaffAct) -> bool:
        """Whether this member of staff may do such a thing."""
        return act in MAY[self.member.role]

    def visit(self, number: int) -> Visit:
        """An account as pages see it; Http404 where there is none."""
        contacts = self.live.store.contacts([number]).get(number)
        if contacts is None:
            raise Http404
        return Visit(self.request, self.live, number, contacts, None, Role.READER, self.now)

    def page(self, template: str, title: str, status: int = 200, **more: Any) -> HttpResponse:
        """A page of the console."""
        may = {"serves": self.may(StaffAct.SERVE), "manages": self.may(StaffAct.MANAGE)}
        shared = {"title": title, "console": self, "role": ROLES[self.member.role], **may}
        return render(self.request, f"console/{template}.html", {**shared, **more}, status=status)

    def to(self, path: str) -> HttpResponse:
        """Go on to another page of the console, with GET."""
        response = HttpResponseRedirect(f"/console/{path}")
        response.status_code = 303
        return response


def account_path(number: int) -> str:
    """Where an account is in the console: `acc_12/`."""
    return f"{format_id(ACCOUNT, number)}/"


ConsoleView = Callable[..., HttpResponse]


def console_page(
    *, methods: Sequence[str] = READS, look: StaffAct = StaffAct.LOOK, act: StaffAct = StaffAct.SERVE
) -> Callable[[ConsoleView], ConsoleView]:
    """A page of the console: `page(console, ...)`. Looking at it takes `look`, sending its form takes `act`."""

    def decorated(page: ConsoleView) -> ConsoleView:
        @wraps(page)
        def answered(request: HttpRequest, **more: Any) -> HttpResponse:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            member = signed_in_staff(request)
            if member is None:
                return HttpResponseRedirect(f"{SIGN_IN['staff']}?next={quote(request.path)}")
            live = installed()
            console = ConsoleRequest(request, live, member, live.clock.now())
            needed = look if request.method in READS else act
            if not console.may(needed):
                return not_allowed(console, needed)
            return page(console, **more)

        answered.look, answered.act = look, act  # type: ignore[attr-defined]
        return answered

    return decorated


def not_allowed(console: ConsoleRequest, act: StaffAct) -> HttpResponse:
    """403: who may do this instead."""
    roles = [str(ROLES[role]) for role in StaffRole if act in MAY[role]]
    said = _("This takes another role: %(roles)s.") % {"roles": values.listed(roles, console.locale, values.Form.PLAIN)}
    return console.page("refused", _("Your role cannot do this"), 403, text=said)
