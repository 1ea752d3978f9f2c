"""`arrears person`: everything that is held about somebody, as JSON, and its erasure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from arrears.adapters.channels.folder import forget
from arrears.cli.common import AS_JSON, BY, WORDS, print_json
from arrears.core.address import check_address
from arrears.core.errors import Refused
from arrears.core.ids import PERSON, format_id, parse_id
from arrears.engine.people import erasing
from arrears.ports.privacy import Erasure, Holder, digest_of_mailbox
from arrears.store.postgres.privacy import markdown
from arrears.wiring import Installation, open_installation, settings

FORMAT: Final = "arrears.person/1"
WHO: Final = click.argument("who")


@click.group()
def command() -> None:
    """Export or erase what is held about a person: WHO is an e-mail address, or a number like per_12."""


def _number_or_address(who: str) -> tuple[int, str]:
    if "@" in who:
        return 0, check_address(who)
    [number] = parse_id(PERSON, who)
    return number, ""


@command.command()
@WHO
def export(who: str) -> None:
    """Print everything that is held about WHO as JSON (docs/operate.md says what it has)."""
    number, address = _number_or_address(who)
    with open_installation() as live:
        found = erasing.holder(live.store, number, address)
        held = live.store.personal(found)
        print_json({"format": FORMAT, "at": live.clock.now(), **_named(found), **held})


def _named(found: Holder) -> dict[str, Any]:
    return {"who": format_id(PERSON, found.person) if found.person else None, "mailboxes": found.mailboxes}


@command.command()
@WHO
@click.option("--why", type=WORDS, required=True, help="Why, without a name or address; it is kept.")
@click.option("--although-owing", is_flag=True, help="Also the administrator of an account that owes money.")
@BY
def erase(who: str, why: str, although_owing: bool, by: str) -> None:
    """Erase what is held about WHO. Invoices, payments and facts stay, and name them by a number alone; that messages
    arrived stays provable. Nobody writes to them again. A second time changes nothing."""
    number, address = _number_or_address(who)
    with open_installation() as live:
        before = _erased_before(live, number, address)
        held = live.store.holder(number, address)
        if held is None and before is not None:
            _out_of_the_mail_folder(before.mailboxes)
            click.echo(f"nothing is held about them any more; erased on {before.at:%Y-%m-%d}, erasure {before.number}")
            return
        found = held or erasing.holder(live.store, number, address)
        made = erasing.erase(
            live.store, live.store, found, live.clock.now(), f"staff:{by}", why, although_owing=although_owing
        )
        _out_of_the_mail_folder([digest_of_mailbox(one) for one in found.mailboxes])
    click.echo(f"erased; keep the list of erasures with your backups: arrears person erasures (this is {made})")


def _out_of_the_mail_folder(mailboxes: Collection[bytes]) -> None:
    """What was laid in the folder instead of being sent; that mail is sent by now takes none of it away."""
    ours = settings()
    folder = ours.mail_folder or ours.home / "mail"
    try:
        forget(folder, mailboxes)
    except OSError as error:
        why = (error.strerror or "error").lower()
        how = "remove their mails there by hand, or say the same command again where they can be"
        raise Refused("not_removed", f"erased, but not in the mail folder {str(folder)!r} ({why}); {how}") from None


def _erased_before(live: Installation, number: int, address: str) -> Erasure | None:
    digest = digest_of_mailbox(address)
    known = (one for one in live.store.erasures() if digest in one.mailboxes or (number and one.person == number))
    return next(known, None)


@command.command()
@AS_JSON
def erasures(as_json: bool) -> None:
    """List what was erased; with --json for `erase-again`. It has numbers and digests, no name or address."""
    with open_installation() as live:
        found = live.store.erasures()
    if as_json:
        print_json([_written(one) for one in found])
        return
    for one in found:
        who = format_id(PERSON, one.person) if one.person else "an address"
        click.echo(f"{one.number}  {one.at:%Y-%m-%d %H:%M}  {who}  {one.author}  {one.why}")


def _written(one: Erasure) -> dict[str, Any]:
    return {
        "number": one.number,
        "person": one.person,
        "sign_in": one.sign_in.hex(),
        "mailboxes": [digest.hex() for digest in one.mailboxes],
        "at": one.at,
        "author": one.author,
        "why": one.why,
    }


@command.command("erase-again")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@BY
def erase_again(file: Path, by: str) -> None:
    """After a backup was restored: erase what FILE (from `arrears person erasures --json`) says was erased since."""
    listed = list(_read(file))
    with open_installation() as live:
        count = sum(erasing.erase_again(live.store, live.store, one, live.clock.now(), f"staff:{by}") for one in listed)
        _out_of_the_mail_folder({digest for one in listed for digest in one.mailboxes})
    click.echo(f"{count} of {len(listed)} erasures were made again")


def _read(file: Path) -> Iterator[Erasure]:
    try:
        for one in json.loads(file.read_text(encoding="utf-8")):
            digests = tuple(bytes.fromhex(digest) for digest in one["mailboxes"])
            at = datetime.fromisoformat(one["at"])
            sign_in = bytes.fromhex(one["sign_in"])
            yield Erasure(int(one["number"]), int(one["person"]), sign_in, digests, at, one["author"], one["why"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        how = "give what `arrears person erasures --json` printed"
        raise Refused("bad_file", f"{file} is no list of erasures ({type(error).__name__}); {how}") from None


@command.command()
def kept() -> None:
    """Print how long each table is kept, and why, as it stands in docs/operate.md."""
    click.echo("\n".join(markdown()))
