"""The `arrears` command: what it can do, and how its failures look.

A subcommand is one line here and one module, which is imported only when it is used: `--help` is instant, and a
command that needs no web framework loads none.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import os
import sys
from typing import Final, NoReturn

import click
import psycopg

from arrears.core.errors import Refused

_INTERRUPTED_EXIT_CODE: Final = 130
_UNREACHABLE_EXIT_CODE: Final = 4
# Classes of SQLSTATE that say the server went away or is full; the others are our own mistakes.
_SERVER_GONE: Final = ("08", "53", "57")

# What was begun is rolled back by the database itself, and nothing is handed to the outside before it is recorded.
_READ_ONLY: Final = "the database only lets us read (a standby, or set so); nothing was changed; name one that writes"
_FULL: Final = "the database has no room left and changed nothing; make room and do it again"

# name -> (module:attribute, one line of help), in the order of use
COMMANDS: Final = {
    "demo": ("arrears.cli.demo:command", "Show a living example on this machine."),
    "serve": ("arrears.cli.serve:command", "Serve the pages and the API."),
    "import": ("arrears.cli.import_book:command", "Bring a receivables book in."),
    "connect": ("arrears.cli.connect:command", "Let a billing system's invoices come in by themselves."),
    "statement": ("arrears.cli.bank:command", "Take bank statements: who has paid by transfer."),
    "bank": ("arrears.cli.bank:bank", "Say whose a transfer is, or take that back."),
    "replay": ("arrears.cli.replay:command", "Play a receivables book through a policy, day by day."),
    "run": ("arrears.cli.run:command", "Make one collections run, then exit."),
    "worker": ("arrears.cli.worker:command", "Keep running: collections and everything they deferred."),
    "tasks": ("arrears.cli.tasks:command", "List what waits for a person, or close what was dealt with."),
    "status": ("arrears.cli.status:command", "Show an account's state, or the installation's."),
    "deletions": ("arrears.cli.deletion:deletions", "List what is to be deleted, why, and what would stop it."),
    "deletion": ("arrears.cli.deletion:command", "Release a deletion that waits for people, or hold one."),
    "certificate": ("arrears.cli.certificate:command", "Certify a deletion, or check a certificate."),
    "explain": ("arrears.cli.explain:command", "Say why an account is in its state and what comes next."),
    "timeline": ("arrears.cli.timeline:command", "Show everything that happened to an account."),
    "told": ("arrears.cli.warned_otherwise:command", "Record that somebody was told by letter or telephone."),
    "invite": ("arrears.cli.invite:command", "Let somebody into the account centre."),
    "person": ("arrears.cli.person:command", "Export or erase what is held about a person."),
    "staff": ("arrears.cli.staff:command", "Say who of your people comes into the console."),
    "token": ("arrears.cli.token:command", "Make, list and end the tokens of programs that use the API."),
    "services": ("arrears.cli.services:command", "Say where each service obeys; see its orders."),
    "events": ("arrears.cli.events:command", "Say which of the operator's systems hear what happens."),
    "notice": ("arrears.cli.notice:command", "Preview and check the texts of messages."),
    "bounce": ("arrears.cli.bounce:command", "Take in mail that came back."),
    "support": ("arrears.cli.support:command", "Answer people who ask for help, and hold what they need held."),
    "settle": ("arrears.cli.settle:command", "Collect everything an account owes, at once."),
    "invoice": ("arrears.cli.invoice:invoice", "Correct an invoice: its due date, its total, or take it back."),
    "promise": ("arrears.cli.promise:command", "Agree when what is past due will be paid: a promise."),
    "subscription": ("arrears.cli.subscription:command", "End a customer's subscription, or take that back."),
    "account": ("arrears.cli.invoice:account", "Say what an account is called now, or let it pay by invoice."),
    "payment": ("arrears.cli.invoice:payment", "Take back a payment that never came."),
    "money": ("arrears.cli.money:money", "Compare the ledger with the providers' books."),
    "policy": ("arrears.cli.policy:policy", "Check a policy, compare two, or put one in force."),
    "clock": ("arrears.cli.clock:command", "Show the clock guard, or confirm the clock."),
    "identity": ("arrears.cli.identity:command", "Show who this installation is, or make a copy another."),
    "check": ("arrears.cli.check:command", "Check every invariant on the live database."),
    "simulate": ("arrears.cli.simulate:command", "Run the engine in a made-up world."),
    "settings": ("arrears.cli.settings:command", "Show what is set, and where it comes from."),
    "db": ("arrears.cli.db:command", "Bring the database up to date; start or stop the embedded one."),
}


class LazyGroup(click.Group):
    """A group that knows its subcommands by name and imports the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order they are shown."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand; None if there is no such name.

        Raises Refused `command_not_installed` when this installation lacks the command's own module.
        """
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise Refused("command_not_installed", f"this installation has no `arrears {cmd_name}` yet") from None
        assert isinstance(found, click.Command), f"{module}:{attribute} is not a command"
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"arrears {importlib.metadata.version('arrears')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
@click.pass_context
def arrears(ctx: click.Context) -> None:
    """From a payment that did not arrive to everything paid and running again."""
    # Before a command does anything, all settings are right: behind a name with a typo in it, a limit would silently
    # stay what it is by default. `settings` looks itself, for `--markdown` is the list that a refusal sends people to.
    if ctx.invoked_subcommand != "settings":
        from arrears.wiring import settings

        settings()


def main() -> NoReturn:
    """Run the command and end the process.

    Exit codes: 0 done, 2 bad input, 3 only shown, 4 database unreachable, 5 wrong schema version, 130 interrupted.
    A failure that is meant for people is one line on standard error; anything else is our mistake and is shown whole.
    """
    # What ends a pipeline or a connection is told below, once; the driver's own notes about it would be further lines.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    try:
        code = arrears(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except Refused as refused:
        _end(f"{refused.message} [{refused.code}]", refused.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _end("interrupted", _INTERRUPTED_EXIT_CODE)
    except BrokenPipeError:
        _end_quietly()
    except psycopg.errors.ReadOnlySqlTransaction:
        _end(f"{_READ_ONLY} [database_read_only]", _UNREACHABLE_EXIT_CODE)
    except psycopg.errors.DiskFull as error:
        _end(f"{_FULL}: {error.diag.message_primary} [database_full]", _UNREACHABLE_EXIT_CODE)
    except psycopg.OperationalError as error:
        if error.sqlstate is not None and error.sqlstate[:2] not in _SERVER_GONE:
            raise
        _end(f"{_unreachable(error)} [database_unavailable]", _UNREACHABLE_EXIT_CODE)


def _end(line: str, exit_code: int) -> NoReturn:
    click.echo(f"arrears: {' '.join(line.split())}", err=True)
    sys.exit(exit_code)


def _end_quietly() -> NoReturn:
    """End after the reader of our output has left, as `head` does; the interpreter must not try to write again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


def _unreachable(error: psycopg.OperationalError) -> str:
    """Say which server it is and what it said; libpq never repeats a password, and neither do we."""
    said = (str(error).strip().splitlines() or ["no answer"])[0].rpartition(" failed: ")[2]
    where = error.pgconn
    if where is None:
        return f"cannot reach the database: {said}"
    return f"cannot reach the database at {where.host.decode()}:{where.port.decode()}: {said}"
