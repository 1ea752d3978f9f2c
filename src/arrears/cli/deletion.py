"""`arrears deletions` and `arrears deletion`: what is about to be deleted, and letting it or keeping it from that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import click

from arrears.cli.common import AS_JSON, WORDS, print_json, rows
from arrears.core.account import RELEASES, Account
from arrears.core.closed import closed
from arrears.core.deletions import DeletionStage, PlannedDeletion, planned_deletions
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, HOLD, SUBSCRIPTION, format_id, parse_id
from arrears.core.money import format_amount
from arrears.core.people.roles import MAY, StaffAct
from arrears.core.tasks import counted
from arrears.core.view import View
from arrears.engine import commands
from arrears.engine.finding import find_account, named_subscription
from arrears.store.postgres.queries import with_deletion_ahead
from arrears.wiring import Installation, open_installation, set_up_django

DAYS: Final = 30
WHY: Final = click.option("--why", type=WORDS, required=True, help="Why, for the journal.")
WHO: Final = click.option("--by", "who", type=WORDS, required=True, help="Who does this, for the journal.")
AT_ONCE: Final = 500

STAGES: Final = closed(
    "words of where a deletion stands",
    DeletionStage,
    {
        DeletionStage.PLANNED: "planned, and warned of",
        DeletionStage.HELD: "held until a hold is released",
        DeletionStage.UNWARNED: "planned; no warning of it counts yet",
        DeletionStage.WAITS_IN_DOUBT: "waits until nothing is in doubt",
        DeletionStage.SCHEDULED: "scheduled; looked at once more before it is ordered",
        DeletionStage.WAITS_FOR_RELEASE: "above the day's cap; waits for two members of staff",
        DeletionStage.RELEASED: "released; looked at once more before it is ordered",
        DeletionStage.ORDERED: "ordered; its service has not confirmed it",
        DeletionStage.IN_PART: "ordered; its service has deleted a part",
        DeletionStage.SET_ASIDE: "set aside with its account; a person looks (`arrears tasks`)",
    },
)
STOPPERS: Final = {
    "pay": "paying what is open",
    "hold": "a hold (`arrears deletion hold`)",
    "reactivate": "taking the cancellation back",
}


@dataclass(frozen=True, slots=True)
class _Listed:
    account: Account
    ref: str
    name: str
    one: PlannedDeletion

    def number_of(self, debt: int) -> str:
        """The number of an invoice of the account."""
        return next((d.number for d in self.account.debts if d.no == debt), "")


@click.command(name="deletions")
@click.option(
    "--days", type=click.IntRange(0, 3660), default=DAYS, show_default=True, help="Of how many days, from today."
)
@AS_JSON
def deletions(days: int, as_json: bool) -> None:
    """List what is to be deleted within DAYS, by its day: what, why, on what evidence, what would stop it.

    What is ordered and not confirmed, and what waits for people, is listed whatever its day."""
    with open_installation() as live:
        show_deletions(live, days, as_json=as_json)


def show_deletions(live: Installation, days: int, *, as_json: bool) -> None:
    """Print what an installation is to delete within so many days."""
    last = live.clock.now().date() + timedelta(days=days)
    found = sorted(_listed(live, last), key=lambda one: (one.one.on or date.max, one.account.no))
    if as_json:
        print_json([_as_json(one) for one in found])
        return
    if not found:
        click.echo(f"nothing is to be deleted up to {last}")
    for one in found:
        _show(one)


@click.group(name="deletion")
def command() -> None:
    """Release a deletion that waits for people, or keep data from being deleted."""


@command.command()
@click.argument("subscription")
@click.option("--name", type=WORDS, required=True, help="The whole name of the account, as you mean it.")
@WHO
@WHY
def release(subscription: str, name: str, who: str, why: str) -> None:
    """Release the deletion of SUBSCRIPTION (sub_12_3), which the day's cap keeps back.

    It takes two different members of staff; where `arrears staff` knows any, each says who they are by the address that
    they sign in with, and may approve. Nothing is deleted by this: once both have released it, the next run looks
    at money, holds, doubts and warnings once more, and orders it if nothing has changed."""
    account, number = parse_id(SUBSCRIPTION, subscription)
    with open_installation() as live:
        author, known_as = releasing(live, who)
        count = commands.release_deletion(live.store, account, number, name, live.clock.now(), author, why, known_as)
    left = RELEASES - count
    click.echo(
        f"{subscription} is released by {count} of {RELEASES}; "
        + ("the next run looks once more and orders it" if left <= 0 else "another member of staff is needed")
    )


def releasing(live: Installation, who: str) -> tuple[str, tuple[str, ...]]:
    """The author of a release, and by what else they are known: the member of staff who signs in with the address
    `who`, the same here and in the console, so that nobody is two. Before anybody is staff, whoever is named. Refuses
    `unknown_staff`, `bad_role`."""
    set_up_django(live.url)
    from arrears.web.console import members

    if not members.members():
        return f"{commands.STAFF}{who}", ()
    one = members.known_member(who)
    if not one.is_active or StaffAct.APPROVE not in MAY[one.role]:
        raise Refused(
            "bad_role", f"{who} is {one.role if one.is_active else 'not staff any more'}; an approver releases"
        )
    return f"{commands.STAFF}{one.number}", one.known_as


@command.command()
@click.argument("account")
@click.argument("subscription", required=False)
@WHO
@WHY
def hold(account: str, subscription: str | None, who: str, why: str) -> None:
    """Keep the data of ACCOUNT, or of one SUBSCRIPTION of it, until the hold is released: a legal hold.

    Nothing else waits for it. Its days do not count: when it is released the deletion is warned of anew."""
    with open_installation() as live:
        number = find_account(live.store, account)
        sub = 0 if subscription is None else named_subscription(live.store, number, subscription)
        placed = commands.hold_deletion(
            live.store, number, live.clock.now(), f"{commands.STAFF}{who}", why, subscription=sub
        )
    click.echo(f"{format_id(HOLD, number, placed)} keeps the data until `arrears deletion unhold` ends it")


@command.command()
@click.argument("hold_id", metavar="HOLD")
@WHO
@WHY
def unhold(hold_id: str, who: str, why: str) -> None:
    """End HOLD (hold_12_3), which keeps data. Where a day has passed meanwhile the deletion is warned of anew."""
    account, number = parse_id(HOLD, hold_id)
    with open_installation() as live:
        snapshot = live.store.snapshots([account])[account]
        found = next((h for h in snapshot.holds if h.no == number and h.ended_at is None), None)
        if found is None or found.stops != ("delete",) or found.until is not None:
            raise Refused("unknown_hold", f"{hold_id} is no open hold that `arrears deletion hold` placed")
        commands.release(live.store, account, number, live.clock.now(), f"{commands.STAFF}{who}", why)
    click.echo(f"{hold_id} is over")


def _listed(live: Installation, last: date) -> Iterator[_Listed]:
    now, policies, guards = live.clock.now(), live.store.policies(), live.store.system().guards
    numbers = with_deletion_ahead(live.store, last)
    for start in range(0, len(numbers), AT_ONCE):
        part = numbers[start : start + AT_ONCE]
        known = live.store.contacts(part)
        for number, account in live.store.snapshots(part).items():
            for one in planned_deletions(View(policies, account, guards, now)):
                under_way = one.stage not in (DeletionStage.PLANNED, DeletionStage.HELD, DeletionStage.UNWARNED)
                if under_way or (one.on is not None and one.on <= last):
                    yield _Listed(account, known[number].ref, known[number].name, one)


def _as_json(listed: _Listed) -> dict[str, Any]:
    one, evidence = listed.one, listed.one.evidence
    return {
        "subscription": format_id(SUBSCRIPTION, listed.account.no, one.subscription),
        "account": format_id(ACCOUNT, listed.account.no),
        "ref": listed.ref,
        "name": listed.name,
        "service": one.service,
        "stage": one.stage,
        "generation": one.generation,
        "service_ended_on": one.ended_on,
        "on": one.on,
        "promised_on": evidence.promised_on,
        "not_before": one.not_before,
        "warning_accepted_at": evidence.warning_accepted_at,
        "policy": evidence.policy,
        "owing": [
            {
                "invoice": listed.number_of(debt.debt),
                "currency": debt.currency,
                "open_minor": debt.open_minor,
                "day_0": debt.day_0,
            }
            for debt in evidence.owing
        ],
        "reasons": list(one.reasons),
        "released_by": list(one.released_by),
        "left": one.left,
        "stopped_by": list(one.stoppers),
    }


def _show(listed: _Listed) -> None:
    one = listed.one
    click.echo(
        f"{one.on or 'no day yet'}  {format_id(SUBSCRIPTION, listed.account.no, one.subscription)}"
        f"  {one.service} of {listed.name} ({listed.ref})"
    )
    sums = " and ".join(format_amount(minor, currency) for currency, minor in sorted(one.owing.items()))
    warned = one.evidence.warning_accepted_at
    lines = [
        ("state", STAGES[one.stage] + (f": still there: {counted(one.left)}" if one.left else "")),
        ("because", ", ".join(one.reasons).replace("_", " ") + (f"; {sums} open" if sums else "")),
        ("service ended", one.ended_on or "not confirmed yet"),
        ("warned", f"{warned:%Y-%m-%d %H:%M} UTC, of {one.evidence.promised_on}" if warned else "nobody yet"),
        ("ordered", f"not before {one.not_before:%Y-%m-%d %H:%M} UTC" if one.not_before else None),
        ("released by", ", ".join(one.released_by)),
        ("stopped by", " or ".join(STOPPERS[code] for code in one.stoppers)),
    ]
    rows([("   ", name, value) for name, value in lines if value])
