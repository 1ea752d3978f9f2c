"""The only place that holds real things: the clock, the database, the mail folder, the services, Django.

Everything else is handed what it needs. `ARREARS_DATABASE_URL` points at any PostgreSQL server; without it the
embedded one is started. `ARREARS_HOME` is the folder for what belongs to this machine.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from arrears import settings as environment
from arrears.adapters.channels.folder import FolderChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.errors import Refused
from arrears.core.messages.content import Operator
from arrears.core.policy import default_policy
from arrears.engine import worker
from arrears.engine.failpoints import arm
from arrears.engine.message_context import PER_HOUR, PER_RECIPIENT_A_DAY, MailLimits, MessageContext
from arrears.engine.payments.attempts import Providers
from arrears.engine.people.profile import ask_again
from arrears.engine.run import DELETIONS_PER_DAY, Limits, RunReport
from arrears.engine.system import adopt_policy
from arrears.ports import Channel, Clock, Services
from arrears.store import schema
from arrears.store.postgres.store import PostgresStore
from arrears.store.server import database_url, default_home

SYSTEM_AUTHOR: Final = "arrears"

SERVING_CONNECTIONS_MAX: Final = 16
"""For a process that answers requests: more at once than this would only wait in the database instead."""

arm(os.environ.get("ARREARS_FAILPOINT"))


class RealClock:
    """The wall clock, in UTC. Nothing else in the program reads it."""

    def now(self) -> datetime:
        """See ports.Clock."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything a command needs, wired."""

    url: str
    store: PostgresStore
    channel: Channel
    services: Services
    clock: Clock
    limits: Limits
    providers: Providers

    def context(self) -> MessageContext:
        """What messages are made with; loaded when first asked for, and refused then if a text is wrong."""
        return mail_context(self.providers.base_url)

    def work_once(self, stopping: Callable[[], bool] = lambda: False) -> tuple[RunReport, int]:
        """See engine/worker.py."""
        outside = (self.channel, self.services, self.clock, self.limits, self.providers, self.context())
        return worker.work_once(self.store, *outside, stopping=stopping)

    def work(self, poll_seconds: int, wait: Callable[[int], bool]) -> None:
        """See engine/worker.py. Once an hour addresses that nobody has confirmed are asked again."""
        outside = (self.channel, self.services, self.clock, self.limits, self.providers, self.context())
        hourly = partial(ask_again, self.store)
        worker.work(self.store, *outside, poll_seconds=poll_seconds, wait=wait, hourly=hourly)

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()


def tune_for_batches() -> None:
    """For processes that work in batches.

    A batch makes and drops many small values, none of them in cycles; looking through them again and again costs a
    third of the run, and memory stays bounded by the batch all the same. And a lane whose answer has come must not
    wait 5 ms (the interpreter's default) until the lane that is deciding lets go.
    """
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)


def mail_folder() -> Path:
    """Where messages go until a mail server is configured."""
    return Path(os.environ.get("ARREARS_MAIL_FOLDER") or default_home() / "mail")


def mail_channel(database: str) -> Channel:
    """How messages leave: by SMTP where `ARREARS_MAIL_URL` names a server (smtp://user:password@host:port, smtps:// or
    smtp+starttls://), through a mail provider where `ARREARS_MAIL_BACKEND` names one of anymail's backends (its keys
    are ANYMAIL_...), else into the mail folder. `ARREARS_MAIL_FROM` is the sender, `ARREARS_MAIL_REPLY_TO` who gets
    answers, `ARREARS_MAIL_BOUNCE_TO` the address that bounces come back to."""
    url, backend = os.environ.get("ARREARS_MAIL_URL", ""), os.environ.get("ARREARS_MAIL_BACKEND", "")
    if not url and not backend:
        folder = mail_folder()
        try:
            return FolderChannel(folder)
        except OSError as error:
            reason = (error.strerror or "error").lower()
            raise Refused("bad_setting", f"the mail folder {str(folder)!r} cannot be used: {reason}") from None
    sender = os.environ.get("ARREARS_MAIL_FROM", "")
    if not sender:
        raise Refused("no_sender", "ARREARS_MAIL_FROM is missing: give the address that messages come from")
    reply_to, bounce_to = (os.environ.get(f"ARREARS_MAIL_{name}", "") for name in ("REPLY_TO", "BOUNCE_TO"))
    # Only installations that send mail load it, and Django with it.
    set_up_django(database)
    from arrears.adapters.channels.smtp import SmtpChannel

    return SmtpChannel(url, sender, reply_to, backend=backend, bounce_to=bounce_to, key=return_keys(database)[0])


def return_keys(database: str) -> tuple[bytes, ...]:
    """What signs the return addresses of messages, and what signed them before: the installation's secret key. Whoever
    takes in returned mail must have the same."""
    set_up_django(database)
    from django.conf import settings

    return tuple(key.encode() for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@cache
def mail_context(base_url: str) -> MessageContext:
    """The words of messages, and what stands around them. `ARREARS_TEXTS` is a folder with the operator's own texts,
    `ARREARS_OPERATOR` its name, `ARREARS_IBAN` where transfers go,
    `ARREARS_SUPPORT_EMAIL` and `ARREARS_SUPPORT_URL` where a person finds help,
    `ARREARS_MAIL_PER_HOUR` and `ARREARS_MAIL_PER_RECIPIENT` (a day) the most that may leave. Refuses `bad_template`."""
    # MJML and Jinja take longer to load than most commands run.
    from arrears.notices.render import load_texts

    folder = os.environ.get("ARREARS_TEXTS")
    operator = Operator(
        os.environ.get("ARREARS_OPERATOR", "arrears"),
        environment.url("ARREARS_SUPPORT_URL", f"{base_url}/help"),
        os.environ.get("ARREARS_SUPPORT_EMAIL", ""),
        os.environ.get("ARREARS_IBAN", ""),
    )
    limits = MailLimits(
        per_hour=environment.number("ARREARS_MAIL_PER_HOUR", PER_HOUR, 1),
        per_recipient_a_day=environment.number("ARREARS_MAIL_PER_RECIPIENT", PER_RECIPIENT_A_DAY, 1),
    )
    return MessageContext(load_texts(Path(folder) if folder else None), operator, base_url, limits=limits)


def payment_providers() -> Providers:
    """The payment providers of this installation; none without a key.

    `ARREARS_STRIPE_KEY` is the secret key, `ARREARS_STRIPE_WEBHOOK_SECRETS` the webhook secrets with commas between,
    `ARREARS_STRIPE_API` another address than Stripe's own (the sandbox provider). `ARREARS_MODE` is `test` or `live`:
    a key of the other kind is refused, and so is a live installation without one.
    """
    mode = os.environ.get("ARREARS_MODE", "test")
    if mode not in ("test", "live"):
        raise Refused("bad_mode", f"ARREARS_MODE is {mode!r}; it is test or live")
    key = os.environ.get("ARREARS_STRIPE_KEY", "")
    base_url = environment.url("ARREARS_BASE_URL", "http://127.0.0.1:8000")
    if not key and mode == "test":
        return Providers({}, base_url)
    secrets = [s for s in os.environ.get("ARREARS_STRIPE_WEBHOOK_SECRETS", "").split(",") if s]
    api = environment.url("ARREARS_STRIPE_API") or None
    if api is not None and mode == "live":
        raise Refused("wrong_mode", "ARREARS_STRIPE_API names another address than Stripe's, and this is live")
    # The SDK is half the time a command takes to start, so only installations that charge load it.
    from arrears.adapters.payments.stripe import Stripe

    return Providers({"stripe": Stripe(key, secrets, live=mode == "live", api_base=api)}, base_url)


def live_url() -> str:
    """The database to work on. ARREARS_DATABASE names another one on the same server: `demo` after `arrears demo`."""
    url, name = database_url(), os.environ.get("ARREARS_DATABASE")
    return psycopg.conninfo.make_conninfo(url, dbname=name) if name else url


def fresh_database(name: str) -> str:
    """A database of this name with the whole schema and nothing in it, replacing one that is there; its URL."""
    url = database_url()
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as db:
        identifier = sql.Identifier(name)
        db.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
        db.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
    fresh = psycopg.conninfo.make_conninfo(url, dbname=name)
    migrate(fresh)
    return fresh


def open_installation(*, connections_max: int = 4) -> Installation:
    """The live installation, its settings and its schema checked; the default policy is adopted on first use."""
    environment.check()
    url = live_url()
    _bring_up(url)
    store = PostgresStore(url, connections_max=connections_max)
    clock = RealClock()
    if not store.policies():
        adopt_policy(store, default_policy(), clock.now(), SYSTEM_AUTHOR)
    limits = Limits(environment.number("ARREARS_DELETIONS_PER_DAY", DELETIONS_PER_DAY))
    channel, services = mail_channel(url), InProcessServices()
    return Installation(url, store, channel, services, clock, limits, payment_providers())


_installed: list[Installation] = []
_opening = threading.Lock()


def installed() -> Installation:
    """The installation that this process serves, opened on first use and kept: for pages and the API."""
    with _opening:
        if not _installed:
            _installed.append(open_installation(connections_max=SERVING_CONNECTIONS_MAX))
        return _installed[0]


def install(live: Installation | None) -> None:
    """Serve this installation from now on, or open one anew on the next use (None)."""
    with _opening:
        _installed[:] = [] if live is None else [live]


def _bring_up(url: str) -> None:
    """An empty database gets the schema; any other must have exactly the version this program knows."""
    with psycopg.connect(url, connect_timeout=10) as db:
        row = db.execute("SELECT to_regclass('public.schema_version') IS NULL").fetchone()
        empty = bool(row and row[0])
    if empty:
        migrate(url)
    with psycopg.connect(url, connect_timeout=10) as db:
        schema.gate(db)


def set_up_django(url: str) -> None:
    """Configure Django for this database; the one place that does. A process that comes to another database later is
    pointed at that one, for whatever connects from then on."""
    os.environ["ARREARS_DATABASE_URL"] = url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "arrears.web.settings")
    import django

    django.setup()
    from django.db import connections

    wanted = schema.django_database(url, SERVING_CONNECTIONS_MAX)
    if any(connections.settings["default"].get(name) != value for name, value in wanted.items()):
        connections["default"].close()
        connections["default"].close_pool()  # type: ignore[attr-defined]
        connections.settings["default"].update(wanted)
        del connections["default"]


def migrate(url: str) -> None:
    """Run Django's migrations: the numbered SQL files and what the web shell needs."""
    set_up_django(url)
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0, interactive=False)
    # What is done is let go of: a database in use can be neither copied nor dropped.
    connections.close_all()
    connections["default"].close_pool()  # type: ignore[attr-defined]
