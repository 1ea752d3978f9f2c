"""`arrears explain`: why an account is in its state, what comes next and when, and what makes it wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from arrears.cli.common import AS_JSON, find_account, print_json
from arrears.cli.timeline import fate
from arrears.core import facts as f
from arrears.core.account import Account, Action, Mode, Subscription
from arrears.core.deadlines import ahead, unnamed
from arrears.core.decide import outlook
from arrears.core.forecast import forecast
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import MINOR_MAX, format_amount
from arrears.core.rules import charge, late
from arrears.core.rules.charge import paying
from arrears.core.stages import next_stage
from arrears.core.states import Reason, State
from arrears.core.view import View
from arrears.engine.messages.unreached import WHAT_TO_DO, Unreached, unreached
from arrears.ports import AccountAndMailHistory, MailState
from arrears.sim.causes import causes
from arrears.sim.story import as_text, tell, whose_date
from arrears.sim.story_words import WILL, in_words, unless_lifted
from arrears.wiring import open_installation


@click.command()
@click.argument("account")
@AS_JSON
def command(account: str, as_json: bool) -> None:
    """Explain ACCOUNT (acc_12, or your own reference)."""
    with open_installation() as live:
        number = find_account(live.store, account)
        found = explanation(live.store, number, live.clock.now())
        found["method_not_added"] = live.store.refused_methods([number]).get(number, "")
    if as_json:
        print_json(found)
        return
    for line in sentences(found):
        click.echo(line)
    if found["method_not_added"]:
        click.echo(f"the payment method that the book names is not used: {found['method_not_added']}")


def explanation(store: AccountAndMailHistory, number: int, now: datetime) -> dict[str, Any]:
    """Everything there is to say about an account's state at an instant."""
    history = store.history(number)
    account = store.snapshots([number])[number]
    view = View(store.policies(), account, store.system().guards, now)
    lines = {line.seq: as_text(line) for line in tell(history, every_fact=True)}
    nobody = unreached(view, store.contacts([number])[number], store)
    return {
        "account": format_id(ACCOUNT, number),
        "zone": view.terms.zone,
        "policy": view.policy.version,
        "case": None if account.case is None else {"no": account.case.no, "opened_on": account.case.opened_on},
        "owed": _owed(account),
        "carried": _carried(view),
        "subscriptions": [_subscription(view, s.no) for s in account.subscriptions],
        "unreachable": _unreachable(nobody),
        "held_back": [fate(mail) for mail in store.mails_of(number) if mail.state is MailState.WAITING and mail.about],
        "waits_for": _waits_for(view),
        "holds": [
            {"scope": h.scope, "until": h.until, "reason": h.reason} for h in account.holds if h.ended_at is None
        ],
        "next": _next(view, heard=nobody is None),
        "last_change": _last_change(history, lines),
        "because": [lines[seq] for seq in causes(account, history) if seq in lines],
    }


def _carried(view: View) -> list[str]:
    """What cannot be charged, and why: nobody takes its currency, or it is so little that the next invoice has it."""
    return [
        f"{format_amount(d.open_minor, d.currency)} of {d.number}: " + _why_carried(view, d.currency)
        for d in view.account.debts
        if d.open_minor < view.carried_below(d.currency)
    ]


def _why_carried(view: View, currency: str) -> str:
    least = view.carried_below(currency)
    if least > MINOR_MAX:
        return f"no payment provider takes {currency}, so it is paid by bank transfer and stops nothing"
    return f"no charge takes less than {format_amount(least, currency)}, so it is carried to the next invoice"


def _waits_for(view: View) -> list[str]:
    """What keeps this account waiting: doubts where something lies ahead, a person where it is parked."""
    account = view.account
    pursued = account.case is not None or any(s.end and s.state is not State.DELETED for s in account.subscriptions)
    doubts = [str(doubt) for doubt in view.doubts] if pursued else []
    return [*doubts, *([f"a person: parked, {account.parked}"] if account.parked else [])]


def _unreachable(found: Unreached | None) -> str | None:
    """Why nobody can be reached, since when, what waits and what to do."""
    if found is None:
        return None
    why = "every address of the account is dead" if found.dead else "the account has no address"
    day = "" if found.since is None else f", since {in_words(found.since)}"
    unheard = ", ".join(f"{one.action} {one.service}" for one in found.waiting)
    waits = f"; until a warning counts these wait, and their dates move: {unheard}" if unheard else ""
    return f"nobody can be reached: {why}{day}{waits}; {WHAT_TO_DO}"


def _owed(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "invoice": d.number,
            "open": format_amount(d.open_minor, d.currency),
            "due_on": d.due_on,
            "past_due_since": d.day_0,
            "held": account.debt_is_held(d.no),
            "nothing_pays": account.mode is Mode.CARD and paying(account, d) is None,
        }
        for d in account.debts
    ]


def _subscription(view: View, number: int) -> dict[str, Any]:
    sub = view.account.subscription(number)
    told = {one.action: one.announced_day for one in ahead(view) if one.sub.no == number}
    return {
        "service": sub.service,
        "state": sub.state,
        "reasons": list(sub.reasons),
        "restricted_on": told.get(Action.RESTRICT),
        "stops_on": told.get(Action.DISABLE),
        "deleted_on": told.get(Action.DELETE),
        "nothing_follows": None if any(told.values()) else _nothing_follows(view, sub),
    }


def _nothing_follows(view: View, sub: Subscription) -> str | None:
    """Why a subscription that is owed for has no date ahead of it."""
    debts = view.debts_of(sub)
    if sub.end is not None and sub.end.ordered_at is None and next_stage(view.policies, view.account, sub) is None:
        return "no deletion: its policy says that data is never deleted"
    if Reason.PAST_DUE not in sub.reasons or not debts or sub.state is State.DELETED:
        return None
    if next_stage(view.policies, view.account, sub) is None:
        return "reminders alone: its policy never disables for debt; a person decides what follows"
    if not view.enough(sub):
        sums = {debt.currency for debt in debts}
        least = [format_amount(view.policy.minimum_minor[code], code) for code in sorted(sums)]
        return f"reminders alone: what is past due is below the minimum of {' and '.join(least)}"
    if unnamed(view, sub):
        return "not deleted: no past-due invoice names it; it runs again when the account's last one is paid"
    if view.all_held(sub):
        return "nothing, as long as every invoice that is past due is held"
    return None


NEXT_MAX: Final = 12
"""So much of what lies ahead is said; the timeline of the account centre has the rest."""


def _next(view: View, *, heard: bool) -> list[dict[str, Any]]:
    """What comes if nothing changes, the earliest first, and what depends on others: a bank, a service."""
    if view.account.parked:
        return []
    asked = [(at, _asked(view.account, due.build(), due.label)) for at, due in outlook(view, OTHERS)]
    coming = ((step.at, what) for step in forecast(view, heard=heard) for what in _expected(view.account, step.fact))
    found = [*asked, *islice(coming, NEXT_MAX)]
    found.sort(key=lambda timed: timed[0])
    return [_timed(view, at, what) for at, what in found[:NEXT_MAX]]


OTHERS: Final = (charge.rule, late.rule)
"""What comes of these nobody can foretell."""


def _timed(view: View, at: datetime, what: str) -> dict[str, Any]:
    if at <= view.now:
        return {"at": None, "local": None, "what": what}
    return {"at": at, "local": f"{at.astimezone(ZoneInfo(view.terms.zone)):%Y-%m-%d %H:%M}", "what": what}


def _asked(account: Account, fact: object, label: str) -> str:
    if isinstance(fact, f.ResumeLate):
        services = ", ".join(account.subscription(o.subscription).service for o in fact.orders)
        return f"a support request by itself, if {services} does not run again by then"
    return label


def _expected(account: Account, fact: f.AnyFact) -> Iterator[str]:
    """What will be recorded, in words: nothing for what only keeps the books."""

    def service(number: int) -> str:
        return account.subscription(number).service

    match fact:
        case f.Noticed():
            yield from (_said(account, part) for part in fact.parts)
        case f.BecamePastDue(debts=debts):
            yield f"past due: {', '.join(d.number for d in account.debts if d.no in {one.debt for one in debts})}"
        case f.Deferred(subscription=sub, action=action, doubts=doubts):
            yield f"{action} of {service(sub)}, but it waits for: {', '.join(doubts)}"
        case f.HoldEnded(hold=number):
            yield f"the hold ends: {next(h.reason for h in account.holds if h.no == number)}"
        case f.Restricted(subscription=sub):
            yield f"restrict {service(sub)}"
        case f.Disabled(subscription=sub):
            yield f"disable {service(sub)}"
        case f.DeletionScheduled(subscription=sub):
            yield f"the deletion of {service(sub)} is scheduled; a second look follows"
        case f.DeletionOrdered(subscription=sub):
            yield f"delete {service(sub)}"
        case f.Resumed(subscription=sub):
            yield f"resume {service(sub)}"
        case _:
            pass


def _said(account: Account, part: f.NoticePart) -> str:
    match part:
        case f.Reminder(step=step):
            return f"reminder of day {step}"
        case f.Warning(subscription=sub, action=action, promised_on=on):
            return f"warning: {account.subscription(sub).service} {WILL[action]} on {in_words(on)}"
        case f.Told(subscription=sub, what=what, on=on):
            return f"message: {account.subscription(sub).service} was {what} on {in_words(on)}"
        case f.Announcement(on=on) as said:
            return f"message, {said.name}: {whose_date(account, said)}, {in_words(on)}"
        case _:
            return "message"


_CHANGES_NOTHING: Final = (
    *(f.Noticed, f.NoticeAccepted, f.NoticeFailed, f.NoticeBounced, f.TaskClosed, f.TestAsked),
    *(f.SupportSaid, f.SupportAnswered, f.SupportClosed),
)


def _last_change(history: Sequence[f.Recorded], lines: dict[int, str]) -> str | None:
    """The newest fact that was more than a message about the others."""
    return next((lines[r.seq] for r in reversed(history) if not isinstance(r.fact, _CHANGES_NOTHING)), None)


def sentences(found: dict[str, Any]) -> Iterator[str]:
    """The explanation for people."""
    yield f"{found['account']} (days are those of {found['zone']}, policy version {found['policy']})"
    yield from (f"  {line}" for line in standing(found))
    for hold in found["holds"]:
        end = f"to {in_words(hold['until'])}" if hold["until"] else "until released"
        yield f"  held ({hold['scope']}) {end}: {hold['reason']}"
    yield from (f"  {line}" for line in found["carried"])
    if found["unreachable"]:
        yield f"  {found['unreachable']}"
    yield from (f"  {letter}" for letter in found["held_back"])
    for doubt in found["waits_for"]:
        yield f"  restricting, disabling and deleting wait for: {doubt}"
    if found["because"]:
        yield "  it came to this by"
        yield from (f"    {line}" for line in found["because"])
    if found["next"]:
        yield "  what comes next"
        yield from (f"    {step_ahead(step)}" for step in found["next"])
    if found["last_change"]:
        yield f"  last change: {found['last_change']}"


def step_ahead(step: dict[str, Any]) -> str:
    """`2026-02-01 00:00  ...` in the local time of the account."""
    return f"{step['local'] or 'at the next look'}  {step['what']}"


def standing(found: dict[str, Any]) -> Iterator[str]:
    """The state of each subscription with the dates that were told, and what is owed."""
    for sub in found["subscriptions"]:
        reasons = f", because of {', '.join(r.replace('_', ' ') for r in sub['reasons'])}" if sub["reasons"] else ""
        yield f"{sub['service']} is {sub['state'].replace('_', ' ')}{reasons}"
        if sub["nothing_follows"]:
            yield f"  what follows: {sub['nothing_follows']}"
        if sub["restricted_on"]:
            yield f"  it is restricted on {in_words(sub['restricted_on'])} unless everything is paid"
        if sub["stops_on"]:
            yield f"  it stops on {in_words(sub['stops_on'])} unless everything is paid"
        if sub["deleted_on"] and sub["state"] != State.DELETED:
            yield f"  its data is deleted on or after {in_words(sub['deleted_on'])} {unless_lifted(sub['reasons'])}"
    for debt in found["owed"]:
        yield _debt(debt)
    if not found["owed"]:
        yield "nothing is owed"


_NO_METHOD: Final = "; no payment method pays it, and it is charged as soon as one does"


def _debt(debt: dict[str, Any]) -> str:
    past_due: date | None = debt["past_due_since"]
    since = f", past due since {in_words(past_due)}" if past_due else ""
    notes = ", held" * debt["held"] + _NO_METHOD * debt["nothing_pays"]
    return f"{debt['invoice']}: {debt['open']} open, due {in_words(debt['due_on'])}{since}{notes}"
