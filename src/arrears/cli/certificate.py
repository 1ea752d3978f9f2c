"""`arrears certificate`: the proof of a deletion, and checking one with nothing but the public key."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click

from arrears.cli.common import print_json
from arrears.cli.output_file import octets_file, output_file, refuse_overwriting
from arrears.core.certificate import public_key_of, verified
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id, parse_id
from arrears.engine.certifying import signed_certificate
from arrears.engine.finding import find_account, find_subscription
from arrears.notices.certificate_paper import certificate_pdf
from arrears.notices.invoice_wording import LANGUAGES
from arrears.store.certificate_key import certificate_key
from arrears.wiring import Installation, open_installation, settings

FILE_BYTES_MAX: Final = 1_000_000


@click.group(name="certificate")
def command() -> None:
    """Certify a deletion, or check a certificate."""


@command.command()
@click.argument("subscription")
@click.option("--out", help="Write it to this file instead of standard output.")
@click.option("--pdf", help="Write it to this file as a PDF to read, with the certificate inside.")
@click.option("--language", help="The language of the PDF, like nl; without it the account's.")
def show(subscription: str, out: str | None, pdf: str | None, language: str | None) -> None:
    """Certify the deletion of SUBSCRIPTION (sub_12_3): what was deleted, when, by which decision; signed."""
    if language is not None and language not in LANGUAGES:
        raise Refused("unknown_language", f"{language[:20]!r} is not one of {', '.join(LANGUAGES)}")
    refuse_overwriting({}, {"--out": out, "--pdf": pdf})
    parse_id(SUBSCRIPTION, subscription)
    with ExitStack() as files, open_installation() as live:
        write = files.enter_context(output_file(out))
        write_pdf = None if pdf is None else files.enter_context(octets_file(pdf))
        text, locale = certified(live, subscription)
        if write_pdf is not None:
            write_pdf(certificate_pdf(text, language or locale, settings().legal_identity))
        write(text)
        if out is None and pdf is None:
            click.echo(text, nl=False)


def certified(live: Installation, subscription: str) -> tuple[str, str]:
    """The signed certificate of a subscription's deletion, and its account's locale. Refuses `not_deleted` and what is
    not there."""
    account, _ = parse_id(SUBSCRIPTION, subscription)
    snapshot = live.store.snapshots([find_account(live.store, format_id(ACCOUNT, account))])[account]
    number = find_subscription(snapshot, subscription)
    text = signed_certificate(live.store, account, number, settings().operator, _key())
    return text, live.store.contacts([account])[account].locale


@command.command()
def key() -> None:
    """Print the public key that certificates of this installation are checked with; give it to whoever gets one."""
    click.echo(public_key_of(_key()))


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


def _key() -> bytes:
    ours = settings()
    return certificate_key(ours.certificate_key, ours.home)
