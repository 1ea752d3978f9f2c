"""`arrears status`: the installation in numbers, or the state of one account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

import click
import msgspec

from arrears.cli.common import AS_JSON, print_json, rows, without_words
from arrears.cli.explain import explanation, standing, step_ahead
from arrears.core.account import DoubtKind
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id
from arrears.core.policy import default_policy
from arrears.engine.finding import find_account
from arrears.engine.messages.health import waiting
from arrears.ports import MailHealth
from arrears.sim.story_words import DOUBTS
from arrears.store.postgres.heartbeat import complete_run
from arrears.store.postgres.queries import awaiting_release, totals
from arrears.wiring import Installation, open_installation

_NAMED: Final = {
    "waiting": "are still to be looked at there, and charge nothing before",
    "refused": "cannot be used; `arrears explain ACCOUNT` says why, and the customer is asked for another",
}


@click.command()
@click.argument("account", required=False)
@AS_JSON
def command(account: str | None, as_json: bool) -> None:
    """Show ACCOUNT's state (acc_12, or your own reference); without it, the installation's."""
    with open_installation() as live:
        if account is None:
            _installation(live, as_json)
        else:
            _account(live, account, as_json)


def _account(live: Installation, account: str, as_json: bool) -> None:
    number = find_account(live.store, account)
    found = explanation(live.store, number, live.clock.now())
    short = {
        key: found[key] for key in ("account", "case", "owed", "subscriptions", "unreachable", "waits_for", "holds")
    }
    short["next"] = found["next"][:1]
    if as_json:
        print_json(without_words(short))
        return
    for line in standing(found):
        click.echo(line)
    if short["unreachable"]:
        click.echo(short["unreachable"]["words"])
    for step in short["next"]:
        click.echo(f"next: {step_ahead(step)}")


def _installation(live: Installation, as_json: bool) -> None:
    now = live.clock.now()
    system, numbers, deletions = live.store.system(), totals(live.store, now), awaiting_release(live.store)
    mail, foreign = live.store.mail_health(now), live.store.foreign_met()
    with live.store.reading() as db:
        complete = complete_run(db)
    if as_json:
        of_mail = {**mail._asdict(), "server": mail.server._asdict(), "sender": mail.sender._asdict()}
        of_mail["limit"] = mail.limit._asdict()
        waiting_for_release = [
            {**asdict(w), "account": format_id(ACCOUNT, w.account)}
            | {"subscription": format_id(SUBSCRIPTION, w.account, w.subscription)}
            for w in deletions
        ]
        more = {"mail": of_mail, "foreign": foreign, "awaiting_release": waiting_for_release}
        ended = {"complete_run": None if complete is None else complete._asdict()}
        limits = {currency: msgspec.structs.asdict(one) for currency, one in system.limits.items()}
        print_json({**system._asdict(), "limits": limits, **asdict(numbers), **more, **ended})
        return
    click.echo(f"{numbers.accounts} accounts, {numbers.open_cases} with an open case")
    states = ", ".join(f"{count} {state}" for state, count in numbers.subscriptions.items())
    click.echo(f"subscriptions: {states or 'none'}")
    click.echo(f"due now: {numbers.due_now}; to perform: {numbers.open_actions}; tasks for staff: {numbers.open_tasks}")
    click.echo(f"a worker or a run last looked: {system.last_tick_at or 'never'}")
    if complete is not None:
        click.echo(
            f"everything that was due was looked at: {complete.at}"
            if not complete.left_out
            else f"{complete.left_out} accounts that were due by {complete.at} are left out; `arrears check` says which"
        )
    for doubt in system.guards.doubts:
        whose = " of accounts in invoice mode" if doubt is DoubtKind.BANK else ""
        click.echo(f"restricting, disabling and deleting{whose} wait for {DOUBTS[doubt]}")
    click.echo(f"this installation is {system.identity or 'nobody yet'} to its payment providers")
    for provider, count in foreign.items():
        click.echo(f"{provider}: {count} payments and pages there are another installation's, and left alone")
    for line in _of_mail(mail):
        click.echo(line)
    for (provider, answer), count in live.store.named_methods().items():
        if answer in _NAMED:
            click.echo(f"{provider}: {count} payment methods that a book names {_NAMED[answer]}")
    for name in _unfollowed(live):
        click.echo(
            f"policy {name} is in force and no account follows it; `arrears policy assign {name} ACCOUNT` lets one"
        )
    if deletions:
        click.echo("deletions that wait for the release of two members of staff, oldest first:")
    rows([(format_id(SUBSCRIPTION, w.account, w.subscription), w.ref, w.delete_on) for w in deletions])


def _unfollowed(live: Installation) -> list[str]:
    """The policies that do nothing: nobody follows them. The default one is there for whoever names no other."""
    follow = live.store.policy_followers()
    names = {policy.name for policy in live.store.policies().values()}
    return sorted(name for name in names if name != default_policy().name and not follow.get(name))


def _of_mail(mail: MailHealth) -> Iterator[str]:
    """One line on how mail is doing, and one for each thing that is wrong with it."""
    taken = f"last taken {mail.accepted_at:%Y-%m-%d %H:%M} UTC" if mail.accepted_at else "none taken in 24 hours"
    came_back = f"{mail.back} of the last hour's {mail.handed} came back"
    yield f"mail: {taken}; {came_back}"
    for what, stuck in (("the server", mail.server), ("who we are", mail.sender)):
        if stuck.messages:
            yield f"mail waits because of {what}: {stuck.reply} ({waiting(stuck)})"
    for kind, what in sorted(mail.open.items()):
        yield f"{kind}: {what}"
