"""`arrears certificate`: the proof of a deletion, and checking one with nothing but the public key."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

import click

from arrears.cli.common import print_json
from arrears.cli.output_file import output_file
from arrears.core.certificate import KEY_BYTES, Named, deletion_certificate, public_key_of, signed, verified
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id, parse_id
from arrears.engine.finding import find_account, find_subscription
from arrears.settings import Settings
from arrears.store.server import make_home
from arrears.wiring import open_installation, settings

FILE_BYTES_MAX: Final = 1_000_000


@click.group(name="certificate")
def command() -> None:
    """Certify a deletion, or check a certificate."""


@command.command()
@click.argument("subscription")
@click.option("--out", help="Write it to this file instead of standard output.")
def show(subscription: str, out: str | None) -> None:
    """Certify the deletion of SUBSCRIPTION (sub_12_3): what was deleted, when, by which decision; signed."""
    account, number = parse_id(SUBSCRIPTION, subscription)
    with output_file(out) as write, open_installation() as live:
        snapshot = live.store.snapshots([find_account(live.store, format_id(ACCOUNT, account))])[account]
        sub = snapshot.subscription(find_subscription(snapshot, subscription))
        known = live.store.contacts([account])[account]
        named = Named(live.store.system().identity, settings().operator, known.ref, known.name, sub.service)
        text = signed(deletion_certificate(live.store.history(account), number, named), private_key(settings()))
        write(text)
        if out is None:
            click.echo(text, nl=False)


@command.command()
def key() -> None:
    """Print the public key that certificates of this installation are checked with; give it to whoever gets one."""
    click.echo(public_key_of(private_key(settings())))


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", "public", required=True, help="The public key: 64 hexadecimal digits.")
def verify(file: Path, public: str) -> None:
    """Check the certificate in FILE and print what it says, as JSON. It needs nothing but the public key."""
    with file.open("rb") as opened:
        content = opened.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise Refused("bad_certificate", f"{file}: this is no certificate of arrears")
    print_json(verified(content, public.strip()))


def private_key(ours: Settings) -> bytes:
    """The key that is set for certificates, else this machine's own, made once, in the home, readable by its owner
    alone. Who loses it can prove old certificates by the public key, and signs new ones with another."""
    if ours.certificate_key:
        return bytes.fromhex(ours.certificate_key)
    home = ours.home
    path = home / "certificate_key"
    if not path.exists():
        make_home(home)
        # Whole or not at all: who reads it meanwhile would sign with half a key.
        part = home / f".certificate_key.{secrets.token_hex(4)}"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        found = b""
    if len(found) != KEY_BYTES:
        raise Refused("bad_key", f"{path} is not the key that was made: put its copy back")
    return found
