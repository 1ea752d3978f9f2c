"""`arrears explain`: why an account is in its state, what comes next and when, and what makes it wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import click

from arrears.cli.common import AS_JSON, find_account, print_json, without_words
from arrears.cli.timeline import fate, mail_shown
from arrears.core import facts as f
from arrears.core.account import Account, Action, Debt, Mode, Subscription
from arrears.core.deadlines import ahead, unnamed
from arrears.core.decide import outlook
from arrears.core.forecast import forecast
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id
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
from arrears.sim.story_words import DOUBTS, WILL, because, in_words, unless_lifted
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
        print_json(without_words(found))
        return
    for line in sentences(found):
        click.echo(line)
    if found["method_not_added"]:
        click.echo(f"the payment method that the book names is not used: {found['method_not_added']}")


def explanation(store: AccountAndMailHistory, number: int, now: datetime) -> dict[str, Any]:
    """Everything there is to say about an account's state at an instant, as docs/json.md has it; `words` beside a code,
    and `local` beside an instant, say the same to people."""
    history = store.history(number)
    account = store.snapshots([number])[number]
    view = View(store.policies(), account, store.system().guards, now)
    lines = {
        recorded.seq: {"seq": recorded.seq, "on": line.on, "day": line.day, "kind": kind_of(recorded.fact)}
        | {"words": as_text(line)}
        for recorded, line in zip(history, tell(history, every_fact=True), strict=True)
    }
    nobody = unreached(view, store.contacts([number])[number], store)
    return {
        "account": format_id(ACCOUNT, number),
        "zone": view.terms.zone,
        "policy": view.policy.version,
        "case": None if account.case is None else {"no": account.case.no, "opened_on": account.case.opened_on},
        "owed": _owed(account),
        "carried": _carried(view),
        "subscriptions": [_subscription(view, s.no) for s in account.subscriptions],
        "unreachable": _unreachable(view, nobody),
        "held_back": [
            {**mail_shown(mail), "words": fate(mail)}
            for mail in store.mails_of(number)
            if mail.state is MailState.WAITING and mail.about
        ],
        "waits_for": _waits_for(view),
        "holds": [
            {"hold": h.no, "scope": h.scope, "until": h.until, "reason": h.reason}
            for h in account.holds
            if h.ended_at is None
        ],
        "next": _next(view, heard=nobody is None),
        "last_change": _last_change(history, lines),
        "because": [lines[seq] for seq in causes(account, history) if seq in lines],
    }


def _carried(view: View) -> list[dict[str, Any]]:
    """What cannot be charged, and why: nobody takes its currency, or it is so little that the next invoice has it."""
    return [
        {"invoice": d.number, "open_minor": d.open_minor, "currency": d.currency, **_why_carried(view, d)}
        for d in view.account.debts
        if d.open_minor < view.carried_below(d.currency)
    ]


def _why_carried(view: View, debt: Debt) -> dict[str, Any]:
    least, what = view.carried_below(debt.currency), f"{format_amount(debt.open_minor, debt.currency)} of {debt.number}"
    if least > MINOR_MAX:
        said = f"no payment provider takes {debt.currency}, so it is paid by bank transfer and stops nothing"
        return {"code": "currency_not_taken", "least_minor": None, "words": f"{what}: {said}"}
    said = f"no charge takes less than {format_amount(least, debt.currency)}, so it is carried to the next invoice"
    return {"code": "too_little", "least_minor": least, "words": f"{what}: {said}"}


def _waits_for(view: View) -> list[dict[str, Any]]:
    """What keeps this account waiting: doubts where something lies ahead, a person where it is parked."""
    account = view.account
    pursued = account.case is not None or any(s.end and s.state is not State.DELETED for s in account.subscriptions)
    found = [{"code": str(doubt), "words": DOUBTS[doubt]} for doubt in view.doubts] if pursued else []
    if account.parked:
        found.append({"code": "parked", "words": f"a person: parked, {account.parked}"})
    return found


def _unreachable(view: View, found: Unreached | None) -> dict[str, Any] | None:
    """Why nobody can be reached, since when, what waits and what to do."""
    if found is None:
        return None
    why = "every address of the account is dead" if found.dead else "the account has no address"
    day = "" if found.since is None else f", since {in_words(found.since)}"
    unheard = ", ".join(f"{one.action} {one.service}" for one in found.waiting)
    waits = f"; until a warning counts these wait, and their dates move: {unheard}" if unheard else ""
    return {
        "code": "addresses_dead" if found.dead else "no_address",
        "since": found.since,
        "waiting": [{"action": one.action, "subscription": _id_of(view, one.subscription)} for one in found.waiting],
        "words": f"nobody can be reached: {why}{day}{waits}; {WHAT_TO_DO}",
    }


def _id_of(view: View, number: int) -> str:
    return format_id(SUBSCRIPTION, view.account.no, number)


def _owed(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "invoice": d.number,
            "open_minor": d.open_minor,
            "currency": d.currency,
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
        "subscription": _id_of(view, number),
        "service": sub.service,
        "state": sub.state,
        "reasons": list(sub.reasons),
        "restricted_on": told.get(Action.RESTRICT),
        "stops_on": told.get(Action.DISABLE),
        "deleted_on": told.get(Action.DELETE),
        "nothing_follows": None if any(told.values()) else _nothing_follows(view, sub),
    }


def _nothing_follows(view: View, sub: Subscription) -> dict[str, Any] | None:
    """Why a subscription that is owed for has no date ahead of it."""
    debts = view.debts_of(sub)
    if sub.end is not None and sub.end.ordered_at is None and next_stage(view.policies, view.account, sub) is None:
        return {"code": "never_deleted", "words": "no deletion: its policy says that data is never deleted"}
    if Reason.PAST_DUE not in sub.reasons or not debts or sub.state is State.DELETED:
        return None
    if next_stage(view.policies, view.account, sub) is None:
        said = "reminders alone: its policy never disables for debt; a person decides what follows"
        return {"code": "never_disabled", "words": said}
    if not view.enough(sub):
        sums = {debt.currency for debt in debts}
        least = [format_amount(view.policy.minimum_minor[code], code) for code in sorted(sums)]
        said = f"reminders alone: what is past due is below the minimum of {' and '.join(least)}"
        return {"code": "below_minimum", "words": said}
    if unnamed(view, sub):
        said = "not deleted: no past-due invoice names it; it runs again when the account's last one is paid"
        return {"code": "not_named", "words": said}
    if view.all_held(sub):
        return {"code": "held", "words": "nothing, as long as every invoice that is past due is held"}
    return None


NEXT_MAX: Final = 12
"""So much of what lies ahead is said; the timeline of the account centre has the rest."""


def _next(view: View, *, heard: bool) -> list[dict[str, Any]]:
    """What comes if nothing changes, the earliest first, and what depends on others: a bank, a service."""
    if view.account.parked:
        return []
    asked = [(at, _asked(view.account, due.build(), due.label)) for at, due in outlook(view, OTHERS)]
    coming = ((step.at, one) for step in forecast(view, heard=heard) for one in _expected(view.account, step.fact))
    found = [*asked, *islice(coming, NEXT_MAX)]
    found.sort(key=lambda timed: timed[0])
    return [_timed(view, at, one) for at, one in found[:NEXT_MAX]]


class _Coming(NamedTuple):
    """What will be recorded, or a part of a message that will, and how that is said to people."""

    what: f.Fact | f.NoticePart
    words: str


OTHERS: Final = (charge.rule, late.rule)
"""What comes of these nobody can foretell."""


def _timed(view: View, at: datetime, one: _Coming) -> dict[str, Any]:
    """One thing that lies ahead; `at` is None for the next look."""
    subscription = getattr(one.what, "subscription", 0)
    later = at > view.now
    return {
        "at": at if later else None,
        "kind": kind_of(one.what),
        "subscription": _id_of(view, subscription) if subscription else None,
        "action": getattr(one.what, "action", None),
        "on": getattr(one.what, "promised_on", None) or getattr(one.what, "on", None),
        "local": f"{at.astimezone(ZoneInfo(view.terms.zone)):%Y-%m-%d %H:%M}" if later else None,
        "words": one.words,
    }


def kind_of(built: f.Fact | f.NoticePart) -> str:
    """The stable name of a fact, as the journal has it, or of a part of a message: `disabled`, `due_soon`."""
    match built:
        case f.Announcement():
            return built.name.replace(" ", "_")
        case f.Reminder() | f.Warning() | f.Told() | f.Expiring():
            return type(built).__name__.lower()
        case f.Noticed():
            return "noticed"
        case _:
            return str(built.__struct_config__.tag)


def _asked(account: Account, fact: f.Fact | f.NoticePart, label: str) -> _Coming:
    if isinstance(fact, f.ResumeLate):
        services = ", ".join(account.subscription(o.subscription).service for o in fact.orders)
        return _Coming(fact, f"a support request by itself, if {services} does not run again by then")
    return _Coming(fact, label)


def _expected(account: Account, fact: f.AnyFact) -> Iterator[_Coming]:
    """What will be recorded: each part of a message, and nothing for what only keeps the books."""
    if isinstance(fact, f.Noticed):
        yield from (_Coming(part, _said(account, part)) for part in fact.parts)
    elif words := _in_words(account, fact):
        yield _Coming(fact, words)


def _in_words(account: Account, fact: f.AnyFact) -> str:
    def service(number: int) -> str:
        return account.subscription(number).service

    match fact:
        case f.BecamePastDue(debts=debts):
            return f"past due: {', '.join(d.number for d in account.debts if d.no in {one.debt for one in debts})}"
        case f.Deferred(subscription=sub, action=action, doubts=doubts):
            waited_for = " and ".join(DOUBTS[doubt] for doubt in doubts)
            return f"{action} of {service(sub)}, but it waits for {waited_for}"
        case f.HoldEnded(hold=number):
            return f"the hold ends: {next(h.reason for h in account.holds if h.no == number)}"
        case f.Restricted(subscription=sub):
            return f"restrict {service(sub)}"
        case f.Disabled(subscription=sub):
            return f"disable {service(sub)}"
        case f.DeletionScheduled(subscription=sub):
            return f"the deletion of {service(sub)} is scheduled; a second look follows"
        case f.DeletionOrdered(subscription=sub):
            return f"delete {service(sub)}"
        case f.Resumed(subscription=sub):
            return f"resume {service(sub)}"
        case _:
            return ""


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


def _last_change(history: Sequence[f.Recorded], lines: dict[int, dict[str, Any]]) -> dict[str, Any] | None:
    """The newest fact that was more than a message about the others."""
    return next((lines[r.seq] for r in reversed(history) if not isinstance(r.fact, _CHANGES_NOTHING)), None)


def sentences(found: dict[str, Any]) -> Iterator[str]:
    """The explanation for people."""
    yield f"{found['account']} (days are those of {found['zone']}, policy version {found['policy']})"
    yield from (f"  {line}" for line in standing(found))
    for hold in found["holds"]:
        end = f"to {in_words(hold['until'])}" if hold["until"] else "until released"
        yield f"  held ({hold['scope']}) {end}: {hold['reason']}"
    yield from (f"  {one['words']}" for one in found["carried"])
    if found["unreachable"]:
        yield f"  {found['unreachable']['words']}"
    yield from (f"  {letter['words']}" for letter in found["held_back"])
    for one in found["waits_for"]:
        yield f"  restricting, disabling and deleting wait for {one['words']}"
    if found["because"]:
        yield "  it came to this by"
        yield from (f"    {line['words']}" for line in found["because"])
    if found["next"]:
        yield "  what comes next"
        yield from (f"    {step_ahead(step)}" for step in found["next"])
    if found["last_change"]:
        yield f"  last change: {found['last_change']['words']}"


def step_ahead(step: dict[str, Any]) -> str:
    """`2026-02-01 00:00  ...` in the local time of the account."""
    return f"{step['local'] or 'at the next look'}  {step['words']}"


def standing(found: dict[str, Any]) -> Iterator[str]:
    """The state of each subscription with the dates that were told, and what is owed."""
    for sub in found["subscriptions"]:
        yield f"{sub['service']} is {sub['state'].replace('_', ' ')}{because(sub['state'], sub['reasons'])}"
        if sub["nothing_follows"]:
            yield f"  what follows: {sub['nothing_follows']['words']}"
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
    opened = format_amount(debt["open_minor"], debt["currency"])
    return f"{debt['invoice']}: {opened} open, due {in_words(debt['due_on'])}{since}{notes}"
