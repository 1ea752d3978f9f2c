"""`arrears timeline`: everything that happened to an account, by day."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import click

from arrears.cli.common import AS_JSON, print_json
from arrears.core.closed import closed
from arrears.core.facts import ARREARS, Recorded, encode_fact
from arrears.engine.explaining import mail_shown
from arrears.engine.finding import find_account
from arrears.ports import AccountAndMailHistory, Mail, MailState
from arrears.sim.story import as_text, tell
from arrears.wiring import open_installation


@click.command()
@click.argument("account")
@AS_JSON
def command(account: str, as_json: bool) -> None:
    """Show every fact of ACCOUNT (acc_12, or your own reference). --json gives them whole."""
    with open_installation() as live:
        number = find_account(live.store, account)
        history, mails = live.store.history(number), by_notice(live.store.mails_of(number))
    if as_json:
        print_json(
            [
                {"seq": r.seq, "at": r.at, "author": r.author, "why": r.why, **json.loads(encode_fact(r.fact))}
                | {"mails": [mail_shown(mail) for mail in mails.get(r.seq, ())]}
                for r in history
            ]
        )
        return
    for line in _lines(history, mails):
        click.echo(line)


def timeline_lines(store: AccountAndMailHistory, number: int) -> list[str]:
    """Every fact of an account, and what became of each message, a line each."""
    return list(_lines(store.history(number), by_notice(store.mails_of(number))))


def _lines(history: Sequence[Recorded], mails: Mapping[int, list[Mail]]) -> Iterator[str]:
    for recorded, line in zip(history, tell(history, every_fact=True), strict=True):
        yield as_text(line) + _by(recorded)
        for mail in mails.get(recorded.seq, ()):
            yield f"{'':25}{fate(mail)}"


def by_notice(mails: Iterable[Mail]) -> dict[int, list[Mail]]:
    """The messages of each fact that was told."""
    found: dict[int, list[Mail]] = {}
    for mail in mails:
        found.setdefault(mail.seq, []).append(mail)
    return found


def fate(mail: Mail) -> str:
    """`reminder to anna@example.org: accepted, 250 2.0.0 taken`: what became of one message, in the server's words."""
    words = "" if not mail.reply else f", {mail.reply}"
    return (
        f"{mail.kind.replace('_', ' ')} to {mail.address}: {_FATES[mail.state]}{words} ({mail.at:%Y-%m-%d %H:%M} UTC)"
    )


_FATES: Final = closed(
    "words of what became of a mail",
    MailState,
    {
        MailState.WAITING: "waits to be sent",
        MailState.CLAIMED: "is being handed over",
        MailState.ACCEPTED: "accepted",
        MailState.UNKNOWN: "nobody can tell whether it was taken; it is never sent again",
        MailState.REFUSED: "refused",
        MailState.DROPPED: "dropped, since it was no longer true",
        MailState.BOUNCED_HARD: "came back: no such address",
        MailState.CAME_BACK: "came back",
        MailState.COMPLAINED: "its reader complained",
    },
)


def _by(recorded: Recorded) -> str:
    """Who did it and why, where it was not arrears itself."""
    if recorded.author == ARREARS:
        return ""
    return f"  [{recorded.author}{': ' + recorded.why if recorded.why else ''}]"
