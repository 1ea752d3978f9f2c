"""`arrears bounce`: take in mail that came back. A mail server pipes each into it; or name the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from arrears.adapters.channels.bounces import bounces_in
from arrears.adapters.channels.mail_parts import MAIL_BYTES_MAX
from arrears.adapters.channels.reports import Report, Verdict, read_report
from arrears.cli.common import AS_JSON, print_json
from arrears.core.errors import Refused
from arrears.engine.messages.bounces import Returned, came_back
from arrears.wiring import open_installation, return_keys

READ: Final = "read"
KEPT: Final = "kept"

KEPT_BYTES_MAX: Final = 8 * 1024
"""So much of a report is kept: its fields and words stand first."""


@click.command()
@click.argument("mails", type=click.Path(allow_dash=True), nargs=-1)
@click.option("--trusted", is_flag=True, help="A person has looked at these: a report without our signature counts.")
@AS_JSON
def command(mails: tuple[str, ...], trusted: bool, as_json: bool) -> None:
    """Read returned mail from MAILS, or one mail from standard input, and record what came back.

    `arrears bounce read MAILS` only says what each means: its verdict (dead, not_the_address, no_bounce, feedback or
    unknown), address, status and reason. It changes nothing and needs no database.

    `arrears bounce kept [MESSAGE]` lists the reports that are kept: of a message, or those that proved nothing.

    Mail that is no bounce of ours changes nothing; a report without the signature of our return addresses is kept and
    changes nothing. The command ends with 0 all the same: what it refused, a mail server would send back once more.
    """
    if mails[:1] == (READ,):
        _must_be_there(mails[1:])
        _say([_row(name) for name in mails[1:] or ("-",)], as_json)
        return
    if mails[:1] == (KEPT,):
        _say_kept(mails[1:] or ("",), as_json)
        return
    _must_be_there(mails)
    counts: Counter[str] = Counter()
    with open_installation() as live:
        keys = None if trusted else return_keys(live.url)
        for name in mails or ("-",):
            try:
                content = _content(name)
                found = bounces_in(content, keys)
            except Refused as refused:
                click.echo(f"{name}: {refused.message}", err=True)
                counts["unreadable"] += 1
                continue
            if found is None:
                counts["no_bounce"] += 1
                continue
            text = content[:KEPT_BYTES_MAX].decode("utf-8", "replace").replace("\x00", "")
            returned = Returned(found.message_id, found.address, found.kind, found.status, found.why, text=text)
            news = came_back(live.store, returned._replace(claimed=found.claimed), live.clock.now())
            if found.claimed:
                other = "is signed with another ARREARS_SECRET_KEY than this host has; see `arrears tasks`"
                click.echo(f"{name}: {other}", err=True)
            counts["recorded" if news else "not_news" if found.message_id else "not_proven"] += 1
    figures = {name: counts[name] for name in ("recorded", "not_news", "not_proven", "no_bounce", "unreadable")}
    if as_json:
        print_json(figures)
        return
    click.echo(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in figures.items()))


def _must_be_there(names: Sequence[str]) -> None:
    """Refuse `missing_file` before anything is read or recorded."""
    for name in names:
        if name != "-" and (not Path(name).exists() or Path(name).is_dir()):
            raise Refused("missing_file", f"{name}: there is no such file; give the path of a mail, or - for the input")


def _content(name: str) -> bytes:
    """One octet more than is read tells that there is more."""
    try:
        with click.open_file(name, "rb") as stream:
            return bytes(stream.read(MAIL_BYTES_MAX + 1))
    except OSError as error:
        raise click.FileError(name, error.strerror or "cannot be read") from error


def _row(name: str) -> dict[str, Any]:
    try:
        report, _ = read_report(_content(name))
    except Refused as refused:
        report = Report(Verdict.UNKNOWN, reason=refused.code)
    return {
        "file": name,
        "verdict": report.verdict.value,
        "address": report.address,
        "status": report.status,
        "reason": report.reason,
        "final": report.final,
    }


def _say(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    width = max(len(str(row["file"])) for row in rows)
    for row in rows:
        told = (row["verdict"], row["reason"], row["status"] or "-", row["address"] or "-")
        click.echo(f"{row['file']:{width}}  {told[0]:15}  {told[1]:15}  {told[2]:9}  {told[3]}")


def _say_kept(messages: Sequence[str], as_json: bool) -> None:
    with open_installation() as live:
        found = [report for message in messages for report in live.store.reports_of(message)]
    if as_json:
        print_json([report._asdict() for report in found])
        return
    if not found:
        click.echo("no report is kept" + (f" of {', '.join(messages)}" if any(messages) else " that proved nothing"))
    for one in found:
        click.echo(f"{one.message or '-'}  {one.how}  {one.status or '-'}  {one.address or '-'}  {one.why}")
