"""`arrears bounce`: take in mail that came back. A mail server pipes each into it; or name the files."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import BinaryIO

import click

from arrears.adapters.channels.bounces import BOUNCE_BYTES_MAX, bounces_in
from arrears.cli.common import AS_JSON, print_json
from arrears.core.errors import Refused
from arrears.engine.messages.bounces import Returned, came_back
from arrears.wiring import open_installation


@click.command()
@click.argument("mails", type=click.File("rb"), nargs=-1)
@AS_JSON
def command(mails: tuple[BinaryIO, ...], as_json: bool) -> None:
    """Read returned mail from MAILS, or one mail from standard input, and record what came back.

    Mail that is no bounce of ours changes nothing. The command ends with 0 all the same: what it refused, a mail
    server would send back once more.
    """
    counts: Counter[str] = Counter()
    with open_installation() as live:
        for mail in mails or _standard_input():
            try:
                found = bounces_in(mail.read(BOUNCE_BYTES_MAX + 1))
            except Refused as refused:
                click.echo(f"{getattr(mail, 'name', 'stdin')}: {refused.message}", err=True)
                counts["unreadable"] += 1
                continue
            if found is None:
                counts["no_bounce"] += 1
                continue
            returned = Returned(found.message_id, found.address, found.kind, found.status, found.why)
            counts["recorded" if came_back(live.store, returned, live.clock.now()) else "not_ours"] += 1
    figures = {name: counts[name] for name in ("recorded", "not_ours", "no_bounce", "unreadable")}
    if as_json:
        print_json(figures)
        return
    click.echo(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in figures.items()))


def _standard_input() -> Sequence[BinaryIO]:
    return (sys.stdin.buffer,)
