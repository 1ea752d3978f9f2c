"""`arrears invoice` and `arrears payment`: corrections of what was booked, each with who and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import click

from arrears.adapters.books.sums import read_sum
from arrears.cli.common import WORDS
from arrears.cli.output_file import octets_file
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import format_amount, parse_amount
from arrears.engine.commands import corrections, documents
from arrears.engine.finding import find_account
from arrears.engine.people import by_transfer
from arrears.settings import invoice_documents
from arrears.wiring import Installation, open_installation, settings

WHO = click.option("--by", "who", type=WORDS, required=True, help="Who does this, for the journal.")
REASON = click.option("--why", type=WORDS, required=True, help="Why, for the journal.")
FOLLOW: Final = "notices and promises follow, see `arrears explain`"
DATE = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def invoice() -> None:
    """Correct an invoice: another due date, less asked, withdrawn, given up."""


@click.group()
def payment() -> None:
    """Correct a payment that was booked and never came."""


@click.group()
def account() -> None:
    """What the billing system calls an account, and how it pays."""


def _do(act: Callable[[Installation], None], said: str) -> None:
    with open_installation() as live:
        act(live)
    click.echo(f"{said}; {FOLLOW}")


@invoice.command(name="move-due")
@click.argument("number")
@click.argument("date", type=DATE, metavar="DATE")
@WHO
@REASON
def move_due(number: str, date: datetime, who: str, why: str) -> None:
    """Give invoice NUMBER another due DATE; what was promised only moves later."""
    on = date.date()
    _do(
        lambda live: corrections.move_due(live.store, number, on, live.clock.now(), f"staff:{who}", why),
        f"invoice {number} is due on {on}",
    )


@invoice.command()
@click.argument("number")
@click.argument("amount")
@click.option("--note", default="", help="The credit note's own number.")
@WHO
@REASON
def credit(number: str, amount: str, note: str, who: str, why: str) -> None:
    """Ask AMOUNT less of invoice NUMBER; what is paid of that already becomes account credit."""

    def act(live: Installation) -> None:
        minor = read_sum(amount, corrections.currency_of(live.store, number), ".", "", minor_units=False)
        corrections.credit(live.store, number, minor, live.clock.now(), f"staff:{who}", why, note)

    _do(act, f"{amount} less is asked for invoice {number}")


@invoice.command()
@click.argument("number")
@click.argument("total")
@WHO
@REASON
def correct(number: str, total: str, who: str, why: str) -> None:
    """Invoice NUMBER asks TOTAL, which is less than before; for more, issue another invoice."""

    def act(live: Installation) -> None:
        minor = read_sum(total, corrections.currency_of(live.store, number), ".", "", minor_units=False)
        corrections.correct(live.store, number, minor, live.clock.now(), f"staff:{who}", why)

    _do(act, f"invoice {number} asks {total}")


@invoice.command()
@click.argument("number")
@WHO
@REASON
def void(number: str, who: str, why: str) -> None:
    """Withdraw invoice NUMBER; what is paid of it becomes account credit."""
    _do(
        lambda live: corrections.void(live.store, number, live.clock.now(), f"staff:{who}", why),
        f"invoice {number} is withdrawn",
    )


@invoice.command(name="write-off")
@click.argument("number")
@WHO
@REASON
def write_off(number: str, who: str, why: str) -> None:
    """Give up what is open of invoice NUMBER."""
    _do(
        lambda live: corrections.give_up(live.store, number, live.clock.now(), f"staff:{who}", why),
        f"what was open of invoice {number} is given up",
    )


@invoice.command()
@click.argument("number")
@click.option("--output", type=click.Path(dir_okay=False), required=True, help="The file to write, a PDF.")
@click.option("--credit-note", type=click.IntRange(1), help="Instead the credit note: 1 for the first.")
def document(number: str, output: str, credit_note: int | None) -> None:
    """Write the document of invoice NUMBER, which is made once: an invoice, or how to pay it."""
    with octets_file(output) as write, open_installation() as live:
        invoicing, maker = invoice_documents(settings())
        asked = (live.store, maker, invoicing, number)
        if credit_note is None:
            made = documents.invoice_document(*asked, live.clock.now())
        else:
            made = documents.credit_note(*asked, credit_note, live.clock.now())
        write(made.body)
    click.echo(f"{made.kind.value.replace('_', ' ')} {made.number}, made {made.made_at:%Y-%m-%d %H:%M} UTC,", nl=False)
    click.echo(f" {len(made.body)} bytes, SHA-256 {made.digest.hex()}")


@payment.command(name="take-back")
@click.argument("ref")
@click.option("--minor", type=click.IntRange(1), help="So many minor units (cents) of it; all of it otherwise.")
@WHO
@REASON
def take_back(ref: str, minor: int | None, who: str, why: str) -> None:
    """Payment REF never came, or has left again: what it paid is owed again from today. What a payment provider took
    is refused: it reports that by itself."""
    with open_installation() as live:
        took = corrections.take_back(live.store, ref, minor, live.clock.now(), f"staff:{who}", why)
    click.echo(f"{format_amount(took.minor, took.currency)} of payment {ref} is taken back; {FOLLOW}")
    if took.others:
        parts = ", ".join(took.others)
        click.echo(
            f"the same transfer also came as {parts}, which stay; take each of them back as well if it never came"
        )


@account.command(name="rename-ref")
@click.argument("old", type=WORDS)
@click.argument("new", type=WORDS)
@WHO
@REASON
def rename_ref(old: str, new: str, who: str, why: str) -> None:
    """The billing system calls OLD from now on NEW: the next import finds the same account."""
    with open_installation() as live:
        corrections.rename_ref(live.store, old, new, live.clock.now(), f"staff:{who}", why)
    click.echo(f"{old} is called {new}; import the book again")


@account.command(name="by-invoice")
@click.argument("number", metavar="ACCOUNT")
@click.option("--limit", "limits", multiple=True, required=True, help="How much may be open, like EUR=5000.00.")
@click.option("--answer", default="", help="What the customer who asked for it is told, in their language.")
@WHO
@REASON
def by_invoice(number: str, limits: tuple[str, ...], answer: str, who: str, why: str) -> None:
    """Let ACCOUNT pay by bank transfer, which is refused while an invoice is open, or change its credit limit. More
    than the limit stops nothing, and is a task."""
    most: dict[str, int] = {}
    for one in limits:
        currency, equals, amount = one.partition("=")
        if not equals:
            raise Refused("bad_limit", f"{one[:60]!r} is not CURRENCY=AMOUNT, like EUR=5000.00")
        most[currency] = parse_amount(amount, currency)
    with open_installation() as live:
        found, now = find_account(live.store, number), live.clock.now()
        asked = by_transfer.allow_invoices(live.store, found, most, answer, now, f"staff:{who}", why)
    said = f"; request {asked.number} is answered" if asked is not None else ""
    click.echo(f"{format_id(ACCOUNT, found)} pays by invoice{said}")
