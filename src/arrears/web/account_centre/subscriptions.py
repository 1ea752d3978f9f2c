"""Subscriptions: how each stands and since when, why, what lifts each reason, what may be done now, and the days that
are known: above all the one on which data is deleted, and what is gone then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.core.account import Action, Subscription
from arrears.core.calendar import calendar_of
from arrears.core.closed import closed
from arrears.core.deadlines import ahead
from arrears.core.policy.values import HERE
from arrears.core.states import Reason, State, allows
from arrears.core.view import View
from arrears.engine import commands
from arrears.engine.commands import if_canceled, if_reactivated
from arrears.web.account_centre.frame import Visit, account_page
from arrears.web.account_centre.owed import Next, coming, owed, says
from arrears.web.account_centre.paged import page_of
from arrears.web.account_centre.support_shown import effects, pending, waiting
from arrears.web.names import called
from arrears.web.numbers import whole

SUBSCRIPTIONS_A_PAGE: Final = 20

STATES: Final[dict[State, Promise | str]] = closed(
    "words of a state",
    State,
    {
        State.ACTIVE: gettext_lazy("running"),
        State.PAST_DUE: gettext_lazy("running, payment is late"),
        State.RESTRICTED: gettext_lazy("restricted"),
        State.DISABLED: gettext_lazy("stopped"),
        State.DELETED: gettext_lazy("deleted"),
    },
)
LIFTS: Final[dict[Reason, Promise | str]] = closed(
    "what lifts a reason",
    Reason,
    {
        Reason.PAST_DUE: gettext_lazy("A payment is late. Pay what is open, and it runs again."),
        Reason.CANCELED: gettext_lazy("It was cancelled. The administrator can bring it back while its data is kept."),
        Reason.SPENDING_LIMIT: gettext_lazy("Its spending limit is reached. Raise it where you use the service."),
        Reason.POLICY_VIOLATION: gettext_lazy("It was stopped for breaking the rules of use. Please contact support."),
        Reason.OTHER: gettext_lazy("It was stopped for another reason. Please contact support."),
    },
)
RUNS: Final = (State.ACTIVE, State.PAST_DUE)

# The words of core/data/states.toml, so that they are translated.
RESOURCES: Final = (
    gettext_lazy("run"),
    gettext_lazy("offline, not deallocated, quick to bring back"),
    gettext_lazy("stopped, storage read-only, temporary addresses released"),
    gettext_lazy("gone with their data"),
)


@account_page(methods=("GET", "HEAD", "POST"))
def page(visit: Visit) -> HttpResponse:
    """The list; with `?cancel=` what it would mean to end one of them; with POST one is ended, or comes back."""
    form, query = visit.request.POST, visit.request.GET
    if visit.request.method != "POST":
        number = _number(visit, query.get("cancel", ""))
        return asked(visit, number) if number and may_cancel(visit, number) else shown(visit)
    number = _number(visit, form.get("subscription", ""))
    if not number:
        return visit.to("subscriptions")
    if form.get("do") == "cancel":
        commands.cancel_by_customer(visit.live.store, visit.account, number, visit.now, visit.author)
        return visit.did("subscriptions", "canceled", number)
    commands.reactivate(visit.live.store, visit.account, number, visit.now, visit.author)
    return visit.did("subscriptions", "back", number)


def _number(visit: Visit, text: str) -> int:
    """The subscription that an address or a form names; 0 for none."""
    number = whole(text)
    return number if any(sub.no == number for sub in visit.snapshot.subscriptions) else 0


def may_cancel(visit: Visit, number: int) -> bool:
    """Whether the administrator may end this one here: their policy says so, and it has not ended already."""
    sub = visit.snapshot.subscription(number)
    return visit.may_act and _ends_here(visit) and not is_gone(sub) and Reason.CANCELED not in sub.reasons


def _ends_here(visit: Visit) -> bool:
    return visit.view.policy.cancel_by_customer == HERE


def asked(visit: Visit, number: int) -> HttpResponse:
    """What ending this one means, before it is done: when it stops, what stays open, until when it can come back."""
    name = called(visit.snapshot, number)
    then = if_canceled(visit.view, number)
    kept_until = [one.announced_day for one in ahead(then) if one.sub.no == number and one.action is Action.DELETE]
    values: dict[str, Any] = {
        "number": number,
        "name": name,
        "runs": visit.snapshot.subscription(number).state in RUNS,
        "open": visit.sums(open_of(visit, number)),
        "kept": visit.day(kept_until[0]) if kept_until and kept_until[0] else "",
        "once": _runs_once(visit, then, number),
    }
    return visit.page("cancel", _("Cancel %(name)s?") % {"name": name}, **values)


def _runs_once(visit: Visit, view: View, number: int) -> str:
    """What becomes of a canceled one that is brought back now: what has to be done before it runs, or until when it
    runs if what is open is not paid. Empty where it runs and nothing stops it."""
    then = if_reactivated(view, number)
    sub = then.account.subscription(number)
    if set(sub.reasons) - {Reason.PAST_DUE}:
        return _("What else keeps it stopped has to be solved too before it runs again.")
    stops = [one for one in ahead(then) if one.sub.no == number and one.action is not Action.DELETE]
    over = any(one.deadline is not None and one.acts_at <= view.now for one in stops)
    if over or (sub.state not in RUNS and Reason.PAST_DUE in sub.reasons):
        return _("It then runs again once what is open is paid.")
    days = [one.announced_day for one in stops if one.announced_day is not None]
    until = {"day": visit.day(min(days))} if days else {}
    return _("It then runs until %(day)s, and on if what is open is paid by then.") % until if until else ""


def open_of(visit: Visit, number: int) -> dict[str, int]:
    """What is open for a subscription, by currency: also what is not due yet, but nothing that is on hold."""
    found: dict[str, int] = {}
    for debt in visit.snapshot.debts:
        if number in debt.subscriptions and not visit.snapshot.debt_is_held(debt.no):
            found[debt.currency] = found.get(debt.currency, 0) + debt.open_minor
    return found


def shown(visit: Visit) -> HttpResponse:
    """The list itself; what was just done to one of them is said above it, with what is left to do."""
    lies_ahead = coming(visit)
    paged = page_of(visit.snapshot.subscriptions, SUBSCRIPTIONS_A_PAGE, visit.request.GET)
    rows = [_row(visit, sub, [one for one in lies_ahead if one.subscription == sub.no]) for sub in paged.items]
    done, number = visit.done
    sums = owed(visit) if number else []
    return visit.page(
        "subscriptions",
        _("Subscriptions"),
        subscriptions=rows,
        paged=paged,
        effects=effects(visit),
        waiting=waiting(visit),
        said=_said(visit, number, done) if number else "",
        open=visit.listed([one.amount for one in sums]),
        cancel_at="" if _ends_here(visit) else visit.view.policy.cancel_by_customer or f"/{visit.id}/help?about=other",
    )


def _said(visit: Visit, number: int, done: str) -> str:
    """What was done to a subscription, and what it means; empty where it is not so any more."""
    sub = visit.snapshot.subscription(number)
    names = {"name": called(visit.snapshot, number)}
    canceled = Reason.CANCELED in sub.reasons
    if done == "canceled" and canceled:
        return _("%(name)s is cancelled. You can bring it back here while its data is kept.") % names
    if done != "back" or canceled:
        return ""
    if sub.state in RUNS or _resuming(sub):
        return _("%(name)s comes back: it is being switched on.") % names
    if set(sub.reasons) == {Reason.PAST_DUE}:
        return _("The cancellation of %(name)s is taken back. It runs again once what is open is paid.") % names
    return _("The cancellation of %(name)s is taken back. What else keeps it stopped stands below.") % names


def state_of(visit: Visit, sub: Subscription) -> str:
    """The state in words, and since when it does not run."""
    if _resuming(sub):
        return _("is being switched on")
    state = _("is being deleted") if _being_deleted(sub) else str(STATES[sub.state])
    if sub.orders and not _being_deleted(sub):
        waits = _("the service has not confirmed it yet")
        return f"{state}, {waits}"
    since = sub.end.stopped_on if sub.end is not None else sub.entered_on
    if sub.end is not None and sub.end.ordered_at is not None:
        since = calendar_of(sub.end.terms.zone).local_day(sub.end.ordered_at)
    if since is None or sub.state in (*RUNS, State.DELETED):
        return state
    return _("%(state)s since %(day)s") % {"state": state, "day": visit.day(since)}


def kept(sub: Subscription, ahead: Sequence[Next]) -> str:
    """Until when the data of a stopped service is kept at least; empty where it runs or nobody can say yet."""
    if sub.end is not None and sub.end.scheduled_at is not None and not is_gone(sub):
        if set(sub.reasons) <= {Reason.PAST_DUE}:
            return _("Its deletion is being prepared. If it is paid or brought back now, its data is still kept.")
        return _("Its deletion is being prepared. If it is brought back now, its data is still kept.")
    day = next((o.day for o in ahead if o.subscription == sub.no and o.action is Action.DELETE), "")
    return _("Its data is kept at least until %(day)s.") % {"day": day} if day else ""


def is_gone(sub: Subscription) -> bool:
    """Whether nothing brings it back any more: it is deleted, or its deletion has been ordered."""
    return sub.state is State.DELETED or _being_deleted(sub)


def gone(visit: Visit) -> str:
    """The services that something is open for and that paying does not bring back: deleted, or ordered to be. Empty
    where there is none."""
    named = {number for debt in visit.snapshot.debts for number in debt.subscriptions}
    found = [one.no for one in visit.snapshot.subscriptions if is_gone(one) and one.no in named]
    return visit.listed([called(visit.snapshot, number) for number in found])


def once_paid(visit: Visit) -> str:
    """The services that come back when everything is paid; empty where there is none."""
    stopped = (State.RESTRICTED, State.DISABLED)
    return visit.listed(
        [
            called(visit.snapshot, s.no)
            for s in visit.snapshot.subscriptions
            if s.state in stopped and set(s.reasons) == {Reason.PAST_DUE} and not is_gone(s)
        ]
    )


def _being_deleted(sub: Subscription) -> bool:
    return sub.state is not State.DELETED and sub.end is not None and sub.end.ordered_at is not None


def _resuming(sub: Subscription) -> bool:
    """It runs when the service has said so, not when we have ordered it."""
    return any(order.kind == "resume" for order in sub.orders)


def _row(visit: Visit, sub: Subscription, ahead: list[Next]) -> dict[str, Any]:
    may = allows(sub.state)
    gone = is_gone(sub)
    canceled = Reason.CANCELED in sub.reasons and not gone
    asked = not visit.view.all_held(sub)
    return {
        "no": sub.no,
        "name": called(visit.snapshot, sub.no),
        "state": state_of(visit, sub),
        "reasons": [] if gone else [_lifts(sub, reason, asked=asked) for reason in sub.reasons],
        "pay": Reason.PAST_DUE in sub.reasons and not gone and asked,
        "coming": [says(one) for one in ahead],
        "deletion": _deletion(sub, ahead),
        "kept": kept(sub, ahead),
        "gone": gone,
        "allowed": [
            (_("read your data"), may.read),
            (_("delete what is yours"), may.delete_own),
            (_("change and start things"), may.change),
        ],
        "resuming": _resuming(sub),
        "pending": pending(visit, sub),
        "resources": _(may.resources),
        "charged": may.charged,
        "runs": sub.state in RUNS,
        "canceled": canceled,
        "once": _runs_once(visit, visit.view, sub.no) if canceled else "",
        "ends_here": may_cancel(visit, sub.no),
        "ends_elsewhere": not gone and Reason.CANCELED not in sub.reasons and not _ends_here(visit),
        "method": visit.contacts.cards.get(sub.method, "") if not gone else "",
    }


def _deletion(sub: Subscription, ahead: Sequence[Next]) -> str:
    """The day on which data is deleted; empty where none is known, or it has come already."""
    scheduled = sub.end is not None and sub.end.scheduled_at is not None
    return "" if scheduled else next((one.day for one in ahead if one.action is Action.DELETE), "")


def _lifts(sub: Subscription, reason: Reason, *, asked: bool) -> str:
    """What lifts a reason; `asked`: of the payer, since not everything that is past due is held."""
    if reason is Reason.PAST_DUE and not asked:
        return _("A payment is late. Its invoice is being looked into; nothing has to be paid meanwhile.")
    if reason is Reason.PAST_DUE and sub.state in RUNS:
        return _("A payment is late. It runs as before; pay what is open, and it stays so.")
    if reason is Reason.PAST_DUE and len(sub.reasons) > 1:
        return _("A payment is late. Paying what is open lifts this reason; the others stay.")
    return str(LIFTS[reason])
