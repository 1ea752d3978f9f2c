"""Who sees which account, in which language, and how sums and days are written there.

A page is a function of a `Visit`. Whoever has nothing to do with the account gets the same "not there" as for an
account that does not exist; who may look but not act is told who can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, wraps
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_time
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from arrears.core.account import Account
from arrears.core.address import masked
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.messages.content import Role
from arrears.core.messages.recipients import Contacts
from arrears.core.money import format_amount
from arrears.core.payments.values import OPEN_STATES
from arrears.core.view import View
from arrears.notices import values
from arrears.ports import AttemptRecord
from arrears.ports.support import Request
from arrears.web.brand import brand
from arrears.web.identities import Somebody, accounts_of
from arrears.web.languages import language_now, speak_to
from arrears.web.refusals import in_words
from arrears.web.signed_in import signed_in
from arrears.wiring import Installation, installed

READS: Final = ("GET", "HEAD")
LOOKS_MAX: Final = 5
"""So often the account and its attempts are read until they are of one moment: each time another fact came between."""
SAID_FOR_SECONDS: Final = 15 * 60
"""So long after an act its page says once more that it was done."""
SAID_MAX: Final = 10
"""So many refusals are remembered as said, in one browser."""
_SAID: Final = "said"


class Done(NamedTuple):
    """What a form has just done, and with which number of the account; empty and 0 for nothing."""

    what: str = ""
    number: int = 0


@dataclass
class Visit:
    """One request for a page of one account. `somebody` is None for who came by a pay link."""

    request: HttpRequest
    live: Installation
    account: int
    contacts: Contacts
    somebody: Somebody | None
    role: Role
    now: datetime

    @property
    def id(self) -> str:
        """The account's public id."""
        return format_id(ACCOUNT, self.account)

    @property
    def author(self) -> str:
        """Who acts, for the journal."""
        return f"person:{self.somebody.number}" if self.somebody else "link"

    @property
    def may_act(self) -> bool:
        """Whether this is the account administrator, who alone pays and changes things."""
        return self.somebody is not None and self.role is Role.ADMINISTRATOR

    @cached_property
    def snapshot(self) -> Account:
        """The account as it stood when it was first looked at in this request."""
        return self.live.store.snapshots([self.account])[self.account]

    @cached_property
    def view(self) -> View:
        """The account with its days worked out."""
        return View(self.live.store.policies(), self.snapshot, self.live.store.system().guards, self.now)

    @cached_property
    def attempts(self) -> Sequence[AttemptRecord]:
        """Every payment attempt of the account, the oldest first, as it stood when the snapshot was taken: a payment
        that is booked between two reads would be open in neither of them, and a page would tell of none."""
        for _look in range(LOOKS_MAX):
            records = self.live.store.attempts(self.account)
            open_now = {(one.no, one.state) for one in records if one.state in OPEN_STATES}
            if open_now == {(one.no, one.state) for one in self.snapshot.attempts}:
                break
            self.fresh()
        return records

    @cached_property
    def requests(self) -> Sequence[Request]:
        """The account's support requests, the newest first."""
        return self.live.store.requests_of(self.account)

    def fresh(self) -> None:
        """Forget what was looked at: something has just changed."""
        for name in ("snapshot", "view", "attempts", "requests"):
            self.__dict__.pop(name, None)

    # -- writing -----------------------------------------------------------------------------------------------

    @property
    def locale(self) -> Locale:
        """The formats of the page's language, as this reader's country writes them."""
        person = self.person
        return values.formats_of(language_now(), person.locale if person else "", self.contacts.locale)

    @property
    def person(self) -> Any:
        """The signed-in person as the account knows them, or None."""
        number = self.somebody.number if self.somebody else 0
        return next((p for p in self.contacts.people if p.no == number), None)

    @property
    def zone(self) -> str:
        """The account's time zone: the one of every stored day."""
        return self.view.terms.zone

    @property
    def operator(self) -> str:
        """What the company that asks for the money is called."""
        return brand().name

    def amount(self, minor: int, currency: str) -> str:
        """A sum as this reader writes it."""
        return format_amount(minor, currency, str(self.locale))

    def sums(self, by_currency: Mapping[str, int]) -> str:
        """Several sums in one line: "€ 120,00 en US$ 5,00"."""
        every = [self.amount(minor, currency) for currency, minor in sorted(by_currency.items())]
        return values.listed(every, self.locale, values.Form.PLAIN)

    def listed(self, items: Sequence[str]) -> str:
        """ "a, b and c"."""
        return values.listed(items, self.locale, values.Form.PLAIN)

    def day(self, on: date) -> str:
        """31 January 2026, as this reader writes it."""
        return values.day(on, self.locale)

    def moment(self, at: datetime) -> str:
        """Day and minute in the account's zone."""
        return values.moment(at, self.zone, self.locale)

    @property
    def place(self) -> str:
        """The account's time zone by the city that people know it by."""
        return values.place(self.zone, self.locale)

    def clock(self, at: datetime) -> str:
        """The minute of a moment in the account's zone."""
        return format_time(at, "short", tzinfo=ZoneInfo(self.zone), locale=self.locale)

    def local_day(self, at: datetime) -> date:
        """The account's day of a moment."""
        return at.astimezone(ZoneInfo(self.zone)).date()

    def address(self, text: str) -> str:
        """An address as this reader may see it: whole for the administrator and for its owner, else masked."""
        own = self.person.addresses if self.person else ()
        return text if self.may_act or text in own else masked(text)

    def name(self, text: str) -> str:
        """A name that somebody else has written, on one line and not too long."""
        return values.clean(text)

    # -- answering ---------------------------------------------------------------------------------------------

    def page(self, template: str, title: str, status: int = 200, **more: Any) -> HttpResponse:
        """A page of the account centre."""
        account = {"id": self.id, "name": self.name(self.contacts.name)}
        shared = {"title": title, "visit": self, "account": account, "here": template, "may_act": self.may_act}
        administrator = self.contacts.administrator
        shared["who_can"] = self.name(administrator.name) if administrator else ""
        return render(self.request, f"account_centre/{template}.html", {**shared, **more}, status=status)

    def to(self, path: str = "") -> HttpResponse:
        """Go on to another page of this account, with GET."""
        return read_on(self.request, f"/{self.id}/{path}")

    def did(self, page: str, what: str, number: int = 0) -> HttpResponse:
        """Go on to a page that says what was done. It is signed: no address that somebody made up is believed."""
        return self.to(f"{page}?done={signing.dumps([what, number], salt=self._salt)}")

    def refused(self, page: str, code: str) -> HttpResponse:
        """Go on to a page that says why something was not done, by a refusal's code; signed as what was done is."""
        return self.to(f"{page}?why={signing.dumps([code], salt=self._salt)}")

    @cached_property
    def why(self) -> str:
        """The code of what has just been refused, as the address of the page says; empty for nothing, and where the
        same page is loaded once more: by then it may be long ago."""
        text = self.request.GET.get("why", "")
        mark, said = text[-43:], self.request.session.get(_SAID, [])
        if mark in said:
            return ""
        try:
            [code] = signing.loads(text, salt=self._salt, max_age=SAID_FOR_SECONDS)
        except (signing.BadSignature, TypeError, ValueError):
            return ""
        self.request.session[_SAID] = [*said[1 - SAID_MAX :], mark]
        return str(code)

    @cached_property
    def done(self) -> Done:
        """What a form of this person on this account has just done, as the address of the page says."""
        text = self.request.GET.get("done", "")
        try:
            what, number = signing.loads(text, salt=self._salt, max_age=SAID_FOR_SECONDS)
        except (signing.BadSignature, TypeError, ValueError):
            return Done()
        return Done(what, number)

    @property
    def _salt(self) -> str:
        return f"arrears.done:{self.account}:{self.author}"


def read_on(request: HttpRequest, path: str) -> HttpResponse:
    """Go on to a page with GET, whether the browser has asked or the script on its page."""
    if "HX-Request" in request.headers:
        response = HttpResponse(status=204)
        response.headers["HX-Redirect"] = path
        return response
    response = HttpResponseRedirect(path)
    response.status_code = 303
    return response


PageView = Callable[..., HttpResponse]


def account_page(*, methods: Sequence[str] = READS, acts: bool = True) -> Callable[[PageView], PageView]:
    """A page of one account: `page(visit, ...)`. With `acts`, only the administrator may send its form; others get
    403 with who can. A refusal of the engine becomes one sentence in the reader's language."""

    def decorated(page: PageView) -> PageView:
        @wraps(page)
        def answered(request: HttpRequest, account: int, **more: Any) -> HttpResponse:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            somebody = signed_in(request)
            if somebody is None:
                return HttpResponseRedirect(f"/sign-in?next={quote(request.path)}")
            visit = visit_of(request, account, somebody)
            speak(request, visit)
            if acts and request.method not in READS and not visit.may_act:
                return only_the_administrator(visit)
            try:
                return page(visit, **more)
            except Refused as refused:
                return refusal(visit, refused)

        return answered

    return decorated


def visit_of(request: HttpRequest, account: int, somebody: Somebody) -> Visit:
    """The visit of somebody who has a role on the account; Http404 for anybody else."""
    live = installed()
    contacts = live.store.contacts([account]).get(account)
    person = next((p for p in contacts.people if p.no == somebody.number), None) if contacts else None
    if contacts is None or person is None:
        raise Http404
    return Visit(request, live, account, contacts, somebody, person.role, live.clock.now())


def speak(request: HttpRequest, visit: Visit) -> None:
    """The language: chosen on a page, else the person's, else the account's, else the browser's."""
    person = visit.person
    speak_to(request, person.locale if person else "", visit.contacts.locale)


def only_the_administrator(visit: Visit) -> HttpResponse:
    """403: who may do this instead."""
    return visit.page("refused", _("Only the account administrator can do this"), 403, text="", back="")


def refusal(visit: Visit, refused: Refused, status: int = 422) -> HttpResponse:
    """Why something was not done, and where to go on."""
    text = in_words(refused)
    return visit.page("refused", _("That was not possible"), status, text=text, back=visit.request.path)


def own_accounts(somebody: Somebody) -> list[dict[str, str]]:
    """The accounts that a person may see, for choosing one."""
    return [
        {"id": format_id(ACCOUNT, number), "name": values.clean(name), "role": role}
        for number, name, role in accounts_of(somebody.number)
    ]
