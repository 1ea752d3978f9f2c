"""`arrears explain`: why an account is in its state, what comes next and when, and what makes it wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from arrears.cli.common import AS_JSON, find_account, print_json
from arrears.core.account import Account
from arrears.core.decide import outlook
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import format_amount
from arrears.core.states import Reason
from arrears.core.view import IMMEDIATELY, View
from arrears.ports import Store
from arrears.sim.story import as_text, tell
from arrears.wiring import open_installation


@click.command()
@click.argument("account")
@AS_JSON
def command(account: str, as_json: bool) -> None:
    """Explain ACCOUNT (acc_12, or your own reference)."""
    with open_installation() as live:
        number = find_account(live.store, account)
        found = explanation(live.store, number, live.clock.now())
    if as_json:
        print_json(found)
        return
    for line in sentences(found):
        click.echo(line)


def explanation(store: Store, number: int, now: datetime) -> dict[str, Any]:
    """Everything there is to say about an account's state at an instant."""
    account = store.snapshots([number])[number]
    history = store.history(number)
    view = View(store.policies(), account, store.system().guards, now)
    lines = list(tell(history))
    return {
        "account": format_id(ACCOUNT, number),
        "zone": view.terms.zone,
        "policy": view.policy.version,
        "case": None if account.case is None else {"no": account.case.no, "opened_on": account.case.opened_on},
        "owed": _owed(account),
        "subscriptions": [_subscription(account, s.no) for s in account.subscriptions],
        "waits_for": [*view.doubts, *(["a person: parked, " + account.parked] if account.parked else [])],
        "holds": [
            {"scope": h.scope, "until": h.until, "reason": h.reason} for h in account.holds if h.ended_at is None
        ],
        "next": []
        if account.parked
        else [{"at": None if at == IMMEDIATELY else at, "what": due.label} for at, due in outlook(view)],
        "last_change": as_text(lines[-1]) if lines else None,
        "because": [as_text(line) for line in _causes(lines, history)],
    }


def _owed(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "invoice": d.number,
            "open": format_amount(d.open_minor, d.currency),
            "due_on": d.due_on,
            "past_due_since": d.day_0,
            "held": account.debt_is_held(d.no),
        }
        for d in account.debts
    ]


def _subscription(account: Account, number: int) -> dict[str, Any]:
    sub = account.subscription(number)
    return {
        "service": sub.service,
        "state": sub.state,
        "reasons": list(sub.reasons),
        "stops_on": sub.disable.promised_on if sub.end is None and Reason.PAST_DUE in sub.reasons else None,
        "deleted_on": None if sub.end is None else sub.end.delete.promised_on,
    }


_CAUSES = ("past due", "disabled", "restricted", "canceled", "stopped", "hold", "waits", "parked", "deletion")


def _causes(lines: list[Any], _history: object) -> Iterator[Any]:
    """The facts that made the state what it is: of each kind the newest."""
    newest = {line.what: line for line in lines if line.what in _CAUSES}
    yield from sorted(newest.values(), key=lambda line: line.on)


def sentences(found: dict[str, Any]) -> Iterator[str]:
    """The explanation for people."""
    yield f"{found['account']} (days are those of {found['zone']}, policy version {found['policy']})"
    for sub in found["subscriptions"]:
        reasons = f", because of {', '.join(sub['reasons'])}" if sub["reasons"] else ""
        yield f"  {sub['service']} is {sub['state']}{reasons}"
        if sub["stops_on"]:
            yield f"    it stops on {sub['stops_on']} unless everything is paid"
        if sub["deleted_on"]:
            yield f"    its data is deleted on or after {sub['deleted_on']}"
    for debt in found["owed"]:
        since = f", past due since {debt['past_due_since']}" if debt["past_due_since"] else ""
        yield f"  {debt['invoice']}: {debt['open']} open, due {debt['due_on']}{since}{', held' if debt['held'] else ''}"
    if not found["owed"]:
        yield "  nothing is owed"
    for hold in found["holds"]:
        end = f"to {hold['until']}" if hold["until"] else "until released"
        yield f"  held ({hold['scope']}) {end}: {hold['reason']}"
    for doubt in found["waits_for"]:
        yield f"  restricting, disabling and deleting wait for: {doubt}"
    if found["because"]:
        yield "  it came to this by"
        yield from (f"    {line}" for line in found["because"])
    if found["next"]:
        yield "  what comes next"
        yield from (f"    {step['at'] or 'at the next look'}  {step['what']}" for step in found["next"])
    if found["last_change"]:
        yield f"  last change: {found['last_change']}"
