"""An act on an account, in two looks: the form, then what it would change, computed by the engine and taken back; and
done when that is confirmed, if the account is still as it was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.account import Account, Action, Hold
from arrears.core.arrangements import Every
from arrears.core.closed import closed
from arrears.core.errors import Refused
from arrears.core.facts import WarnedHow
from arrears.core.people.roles import StaffAct
from arrears.core.states import State
from arrears.core.view import View
from arrears.engine.commands.arrangements import PARTS_MAX, promisable
from arrears.engine.explaining import explained_subscription
from arrears.engine.rehearsing import Rehearsed, as_rehearsed, rehearse
from arrears.notices import values
from arrears.web.account_centre.fact_words_promises import parts_listed
from arrears.web.account_centre.frame import READS, Visit
from arrears.web.console.act_forms import FORMS
from arrears.web.console.filled import Filled
from arrears.web.console.frame import ConsoleRequest, account_path, console_page
from arrears.web.console.kinds import StaffForm
from arrears.web.names import called
from arrears.web.numbers import whole

STATES: Final[Mapping[State, Promise | str]] = closed(
    "words of states for staff",
    State,
    {
        State.ACTIVE: gettext_lazy("active"),
        State.PAST_DUE: gettext_lazy("past due"),
        State.RESTRICTED: gettext_lazy("restricted"),
        State.DISABLED: gettext_lazy("disabled"),
        State.DELETED: gettext_lazy("deleted"),
    },
)
ACTIONS: Final[Mapping[Action, Promise | str]] = closed(
    "words of actions for staff",
    Action,
    {
        Action.RESTRICT: gettext_lazy("it is restricted"),
        Action.DISABLE: gettext_lazy("it stops"),
        Action.DELETE: gettext_lazy("its data is deleted"),
    },
)
EVERIES: Final[Mapping[Every, Promise | str]] = closed(
    "words of how far apart parts are",
    Every,
    {
        Every.WEEK: gettext_lazy("every week"),
        Every.TWO_WEEKS: gettext_lazy("every two weeks"),
        Every.MONTH: gettext_lazy("every month"),
    },
)
HOWS: Final[Mapping[WarnedHow, Promise | str]] = closed(
    "words of how somebody was told",
    WarnedHow,
    {
        WarnedHow.LETTER: gettext_lazy("by letter"),
        WarnedHow.TELEPHONE: gettext_lazy("by telephone"),
        WarnedHow.IN_PERSON: gettext_lazy("in person"),
    },
)


class ActChange(NamedTuple):
    """One thing that an act changes: what it is, how it is, and how it would be."""

    what: str
    before: str
    after: str


@console_page(methods=(*READS, "POST"), look=StaffAct.SERVE)
def page(console: ConsoleRequest, account: int, act: str) -> HttpResponse:
    """The form of an act, what it would change, and doing it."""
    try:
        kind = StaffForm(act)
    except ValueError:
        raise Http404 from None
    visit = console.visit(account)
    if console.request.method in READS:
        return _form(console, visit, kind)
    try:
        doing = FORMS[kind].act(Filled(console, visit))
        if console.request.POST.get("seq"):
            as_rehearsed(console.live.store, account, whole(console.request.POST["seq"], 18) or 1, doing)
            return console.to(f"{account_path(account)}?done={kind}")
        rehearsed = rehearse(console.live.store, account, doing)
    except Refused as refused:
        if refused.code != "changed_meanwhile":
            return _form(console, visit, kind, str(refused), 422)
        return _form(console, visit, kind, _("The account has changed meanwhile. Look at the effect once more."), 409)
    return _effect(console, visit, kind, rehearsed)


def _form(console: ConsoleRequest, visit: Visit, kind: StaffForm, why: str = "", status: int = 200) -> HttpResponse:
    form, account = FORMS[kind], visit.snapshot
    shown: dict[str, Any] = {
        "account": _head(visit),
        "kind": str(kind),
        "note": form.note,
        "why": why,
        "asks": [str(field) for field in form.fields],
        "filled": {name: text[:300] for name, text in console.request.POST.items()},
        "invoices": [(d.number, f"{d.number}, {visit.amount(d.open_minor, d.currency)}") for d in account.debts],
        "subscriptions": [
            (f"sub_{account.no}_{s.no}", called(account, s.no))
            for s in account.subscriptions
            if s.state is not State.DELETED
        ],
        "scopes": _scopes(visit),
        "holds": [(str(h.no), f"{h.reason} ({_until(visit, h.until)})") for h in _holds(account)],
        "promisable": _promisable(visit),
        "arrangements": [(str(one.no), parts_listed(visit, one)) for one in account.arrangements],
        "everies": [(str(one), words) for one, words in EVERIES.items()],
        "parts_max": PARTS_MAX,
        "actions": [(str(one), words) for one, words in ACTIONS.items()],
        "hows": [(str(one), words) for one, words in HOWS.items()],
        "today": visit.view.today.isoformat(),
        "zone": visit.place,
    }
    return console.page("act", str(form.title), status, **shown)


def _holds(account: Account) -> list[Hold]:
    """The open holds, without those of promises to pay, which end with these."""
    return [hold for hold in account.holds if hold.ended_at is None and not hold.arrangement]


def _promisable(visit: Visit) -> list[tuple[str, str]]:
    """What can be promised: all of each currency, and each invoice where there are several."""
    debts = promisable(visit.snapshot)
    found = []
    for currency in sorted({debt.currency for debt in debts}):
        mine = [debt for debt in debts if debt.currency == currency]
        total = visit.amount(sum(debt.open_minor for debt in mine), currency)
        found.append((currency, _("all that is past due, %(amount)s") % {"amount": total}))
        if len(mine) > 1:
            found += [(f"inv:{d.no}", f"{d.number}, {visit.amount(d.open_minor, currency)}") for d in mine]
    return found


def _scopes(visit: Visit) -> list[tuple[str, str]]:
    account = visit.snapshot
    found = [("account", _("the whole account"))]
    found += [(f"sub:{s.no}", called(account, s.no)) for s in account.subscriptions if s.state is not State.DELETED]
    return [*found, *((f"inv:{d.no}", _("invoice %(number)s") % {"number": d.number}) for d in account.debts)]


def _until(visit: Visit, until: date | None) -> str:
    return _("until %(day)s") % {"day": visit.day(until)} if until else _("until it is ended")


def _head(visit: Visit) -> dict[str, str]:
    return {"id": visit.id, "name": visit.name(visit.contacts.name), "path": f"/console/{account_path(visit.account)}"}


def _effect(console: ConsoleRequest, visit: Visit, kind: StaffForm, rehearsed: Rehearsed) -> HttpResponse:
    fields = ("why", *map(str, FORMS[kind].fields))
    shown: dict[str, Any] = {
        "account": _head(visit),
        "kind": str(kind),
        "changes": changes(visit, rehearsed),
        "seq": rehearsed.seq,
        "sent": [(name, console.request.POST.get(name, "")) for name in fields],
        "why": console.request.POST.get("why", ""),
    }
    return console.page("effect", str(FORMS[kind].title), **shown)


def changes(visit: Visit, rehearsed: Rehearsed) -> list[ActChange]:
    """What is not as before: what is owed, how each subscription stands, and its dates."""
    before, after = _said(visit, rehearsed.before), _said(visit, rehearsed.after)
    nothing = _("no")
    return [
        ActChange(what, before.get(what, nothing), after.get(what, nothing))
        for what in dict.fromkeys([*before, *after])
        if before.get(what) != after.get(what)
    ]


def _said(visit: Visit, account: Account) -> dict[str, str]:
    """Everything of an account that an act could change, each under its name."""
    view = View(visit.view.policies, account, visit.view.guards, visit.now)
    found: dict[str, str] = {}
    for debt in account.debts:
        held = f", {_('held')}" if account.debt_is_held(debt.no) else ""
        number = _("Invoice %(number)s") % {"number": debt.number}
        found[_("%(what)s, open") % {"what": number}] = visit.amount(debt.open_minor, debt.currency) + held
        found[_("%(what)s, due") % {"what": number}] = visit.day(debt.due_on)
    for currency, minor in sorted(account.credit.items()):
        found[_("Account credit, %(currency)s") % {"currency": currency}] = visit.amount(minor, currency)
    for sub in account.subscriptions:
        one, name = explained_subscription(view, sub.no), called(account, sub.no)
        found[name] = str(STATES[sub.state])
        dates = zip(ACTIONS.values(), (one["restricted_on"], one["stops_on"], one["deleted_on"]), strict=True)
        for words, on in dates:
            if on is not None and sub.state is not State.DELETED:
                found[f"{name}: {words}"] = visit.day(on)
    for promise in account.arrangements:
        charged = f", {_('each is charged on its day')}" if promise.collects else ""
        found[_("Promise %(number)s") % {"number": promise.no}] = parts_listed(visit, promise) + charged
    for hold in _holds(account):
        found[_("Hold: %(reason)s") % {"reason": values.clean(hold.reason)}] = _until(visit, hold.until)
    return found
