"""`arrears explain`: why an account is in its state, what comes next and when, and what makes it wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from arrears.cli.common import AS_JSON, print_json, without_words
from arrears.cli.timeline import fate
from arrears.core import facts as f
from arrears.core.account import Account, DoubtKind
from arrears.core.money import format_amount
from arrears.core.states import State
from arrears.core.view import View
from arrears.engine.explaining import Coming, explain, subscription_id
from arrears.engine.finding import find_account
from arrears.engine.messages.unreached import WHAT_TO_DO, Unreached
from arrears.ports import AccountAndMailHistory
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
    found = explain(store, number, now)
    view, history, value = found.view, found.history, found.value
    told = zip(history, tell(history, every_fact=True), strict=True)
    lines = {recorded.seq: as_text(line) for recorded, line in told}
    last, nobody = value["last_change"], value["unreachable"]
    return {
        **value,
        "carried": [{**one, "words": _why_carried(one)} for one in value["carried"]],
        "subscriptions": [_with_words(view, one) for one in value["subscriptions"]],
        "unreachable": nobody and {**nobody, "words": _unheard(found.unreached)},
        "held_back": [
            {**one, "words": fate(mail)} for one, mail in zip(value["held_back"], found.held_back, strict=True)
        ],
        "waits_for": [{**one, "words": _waited_for(view.account, one["code"])} for one in value["waits_for"]],
        "next": [_ahead(view, said, one) for said, one in zip(value["next"], found.coming, strict=True)],
        "last_change": last and {**last, "words": lines[last["seq"]]},
        "because": [{**one, "words": lines[one["seq"]]} for one in value["because"]],
    }


def _why_carried(one: dict[str, Any]) -> str:
    what = f"{format_amount(one['open_minor'], one['currency'])} of {one['invoice']}"
    if one["least_minor"] is None:
        return f"{what}: no payment provider takes {one['currency']}, so it is paid by bank transfer and stops nothing"
    least = format_amount(one["least_minor"], one["currency"])
    return f"{what}: no charge takes less than {least}, so it is carried to the next invoice"


def _waited_for(account: Account, code: str) -> str:
    return f"a person: parked, {account.parked}" if code == "parked" else DOUBTS[DoubtKind(code)]


def _unheard(found: Unreached | None) -> str:
    """Why nobody can be reached, since when, what waits and what to do."""
    assert found is not None
    why = "every address of the account is dead" if found.dead else "the account has no address"
    day = "" if found.since is None else f", since {in_words(found.since)}"
    unheard = ", ".join(f"{one.action} {one.service}" for one in found.waiting)
    waits = f"; until a warning counts these wait, and their dates move: {unheard}" if unheard else ""
    return f"nobody can be reached: {why}{day}{waits}; {WHAT_TO_DO}"


_NOTHING_FOLLOWS: Final = {
    "deletion_ordered": "its deletion was ordered, and nothing brings it back; its service has not confirmed it yet",
    "never_deleted": "no deletion: its policy says that data is never deleted",
    "never_disabled": "reminders alone: its policy never disables for debt; a person decides what follows",
    "not_named": "not deleted: no past-due invoice names it; it runs again when the account's last one is paid",
    "held": "nothing, as long as every invoice that is past due is held",
}


def _with_words(view: View, one: dict[str, Any]) -> dict[str, Any]:
    why = one["nothing_follows"]
    if why is None:
        return one
    words = _NOTHING_FOLLOWS.get(why["code"]) or _below_minimum(view, one["subscription"])
    return {**one, "nothing_follows": {**why, "words": words}}


def _below_minimum(view: View, subscription: str) -> str:
    [sub] = [one for one in view.account.subscriptions if subscription_id(view, one.no) == subscription]
    sums = sorted({debt.currency for debt in view.debts_of(sub)})
    least = " and ".join(format_amount(view.policy.minimum_minor[code], code) for code in sums)
    return f"reminders alone: what is past due is below the minimum of {least}"


def _ahead(view: View, said: dict[str, Any], one: Coming) -> dict[str, Any]:
    later = one.at > view.now
    local = f"{one.at.astimezone(ZoneInfo(view.terms.zone)):%Y-%m-%d %H:%M}" if later else None
    return {**said, "local": local, "words": _coming_words(view.account, one)}


def _coming_words(account: Account, one: Coming) -> str:
    if isinstance(one.what, f.ResumeLate):
        services = ", ".join(account.subscription(o.subscription).service for o in one.what.orders)
        return f"a support request by itself, if {services} does not run again by then"
    if one.label:
        return one.label
    return _in_words(account, one.what) if isinstance(one.what, f.Fact) else _said(account, one.what)


def _in_words(account: Account, fact: f.Fact) -> str:
    def service(number: int) -> str:
        return account.subscription(number).service

    match fact:
        case f.BecamePastDue(debts=debts):
            return f"past due: {', '.join(d.number for d in account.debts if d.no in {one.debt for one in debts})}"
        case f.Deferred(subscription=sub, action=action, doubts=doubts):
            waited_for = " and ".join(DOUBTS[doubt] for doubt in doubts)
            return f"{action} of {service(sub)}, but it waits for {waited_for}, and is warned of anew"
        case f.ArrangementEnded(arrangement=number):
            one = next(one for one in account.arrangements if one.no == number)
            return f"promise {number} is broken, unless its part is paid by {in_words(one.next.on)}"
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
            one = account.subscription(sub)
            if what == "deleted" and one.end is not None and one.end.ordered_at is not None:
                return f"message: {one.service} was deleted, on the morning after its service has confirmed it"
            return f"message: {one.service} was {what} on {in_words(on)}"
        case f.Announcement(on=on) as said:
            return f"message, {said.name}: {whose_date(account, said)}, {in_words(on)}"
        case _:
            return "message"


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
    at = step["local"] or ("for now" if step["kind"] == "deferred" else "at the next look")
    return f"{at}  {step['words']}"


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
    notes = ", held" if debt["held"] else _NO_METHOD * debt["nothing_pays"]
    opened = format_amount(debt["open_minor"], debt["currency"])
    return f"{debt['invoice']}: {opened} open, due {in_words(debt['due_on'])}{since}{notes}"
