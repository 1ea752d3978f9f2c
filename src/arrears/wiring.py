"""The only place that holds real things: the clock, the database, the mail folder, the services, Django.

Everything else is handed what it needs. Which real things is for the settings to say, which are read here, once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from arrears.adapters.books.statements.folder import take_laid
from arrears.adapters.channels.folder import FolderChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.adapters.services.over_http import HttpTransport
from arrears.core.delivery.targets import LOOPBACK
from arrears.core.errors import Refused
from arrears.core.facts import ARREARS
from arrears.core.messages.content import Operator
from arrears.core.messages.recipients import ChannelName
from arrears.core.policy import default_policy
from arrears.engine import worker
from arrears.engine.beside import beside
from arrears.engine.commands.bank.taking import bank_hourly, take_from
from arrears.engine.commands.documents import attached
from arrears.engine.courier import Courier
from arrears.engine.failpoints import arm
from arrears.engine.message_context import MailLimits, MessageContext
from arrears.engine.orders import DeliveredServices, OrderAnswers
from arrears.engine.payments.providers import Providers
from arrears.engine.people import chores
from arrears.engine.perform import give_orders
from arrears.engine.run import Limits, RunReport
from arrears.engine.system import adopt_policy, identity
from arrears.ports import Channel, Clock, OtherChannel, Processor, Services, Transport
from arrears.settings import Settings, invoice_documents, read, refuse_stand_ins
from arrears.store import schema
from arrears.store.postgres.store import PostgresStore
from arrears.store.postgres.upgrading import alone
from arrears.store.server import EmbeddedServer, make_home

if TYPE_CHECKING:
    from arrears.notices.render import Texts

SERVING_CONNECTIONS_MAX: Final = 16
"""For a process that answers requests: more at once would only wait in the database instead."""

_settings: Final[list[Settings]] = []


def settings() -> Settings:
    """The settings of this process: what its environment gave when they were first asked for, or `use_settings` since.
    Refuses `bad_setting` and the other codes of `settings.read`. A failpoint that is named is armed as they are read.
    """
    if not _settings:
        use_settings(read())
        if _settings[0].failpoint:
            arm(_settings[0].failpoint)
    return _settings[0]


def use_settings(chosen: Settings | None) -> None:
    """Work with these settings from now on, or read the environment anew when they are next asked for (None)."""
    _settings[:] = [] if chosen is None else [chosen]


class RealClock:
    """The wall clock, in UTC. Nothing else in the program reads it."""

    def now(self) -> datetime:
        """See ports.Clock."""
        return datetime.now(UTC)


class AheadClock:
    """The clock of a world of its own, the demo's: it runs as `real` does, ahead of it by the seconds that `file` says
    (none where there is no file). Every program that reads the same file reads the same time."""

    def __init__(self, real: Clock, file: Path) -> None:
        self._real, self._file = real, file

    def now(self) -> datetime:
        """See ports.Clock."""
        return self._real.now() + self._ahead()

    def move_to(self, instant: datetime) -> None:
        """It is this instant now, to the second; one that has passed already changes nothing."""
        ahead = -((self._real.now() - instant) // timedelta(seconds=1))
        if ahead > self._ahead() // timedelta(seconds=1):
            part = self._file.with_suffix(".part")
            part.write_text(f"{ahead}\n", encoding="ascii")
            os.replace(part, self._file)

    def set_back(self) -> None:
        """The time of the real clock again, for a world that has only begun."""
        self._file.unlink(missing_ok=True)

    def _ahead(self) -> timedelta:
        try:
            return timedelta(seconds=int(self._file.read_text(encoding="ascii")))
        except FileNotFoundError:
            return timedelta()


DEMO_DATABASE: Final = "arrears_demo"  # a name that no other database on an operator's own server has


def demo_clock() -> AheadClock:
    """The clock of the demo's world, which every program of this home reads."""
    return AheadClock(RealClock(), settings().home / "demo-clock")


def clock_of(url: str) -> Clock:
    """The wall clock; for the demo's database, in test mode alone, the clock of the demo's world."""
    return demo_clock() if _is_demo(url) else RealClock()


def _is_demo(url: str) -> bool:
    return settings().mode == "test" and psycopg.conninfo.conninfo_to_dict(url).get("dbname") == DEMO_DATABASE


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
    channels: Mapping[ChannelName, OtherChannel] = field(default_factory=dict)
    """The ways to reach people besides mail, by their names."""
    service_page: Callable[[int, int], str] = field(default=lambda _account, _subscription: "")
    """Where a customer uses a subscription (account, number); empty where that is not known."""

    def context(self) -> MessageContext:
        """What messages are made with; loaded when first asked for, and refused then if a text is wrong."""
        return replace(mail_context(self.providers.base_url), channels=self.channels)

    def work_once(
        self, stopping: Callable[[], bool] = lambda: False, say: Callable[[str], object] = lambda _line: None
    ) -> tuple[RunReport, int]:
        """See engine/worker.py. `say` gets a line for each thing that is wrong with mail as a whole."""
        outside = (self.channel, self.services, self.clock, self.limits, self.providers, self.context())
        return worker.work_once(self.store, *outside, stopping=stopping, tell=worker.MailNews(say).tell)

    def work(
        self, poll_seconds: int, wait: Callable[[int], bool], say: Callable[[str], object], watcher: worker.Watcher
    ) -> None:
        """See engine/worker.py, and `hourly`."""
        outside = self.channel, self.services, self.clock, self.limits, self.providers, self.context()
        how = partial(worker.work, poll_seconds=poll_seconds, wait=wait, say=say, watcher=watcher)
        how(self.store, *outside, hourly=self.hourly, each_time=self.take_statements)

    def courier(self) -> Courier:
        """Carries events and orders to their endpoints. See engine/courier.py."""
        answers, give = OrderAnswers(self.store), partial(give_orders, self.store, self.services)
        return Courier(self.store, self.transport(), self.clock, answers.heard, before=give, signing=RealClock())

    def transport(self) -> Transport:
        """See adapters/services/over_http.py. The demo's service is on this machine."""
        allowed = LOOPBACK if _is_demo(self.url) else settings().delivery_targets
        return HttpTransport(allowed, return_keys(self.url))

    def hourly(self, now: datetime) -> None:
        """See engine/people/chores.py."""
        chores.hourly(self.store, self.store, self.store, settings().kept_for, now)
        bank_hourly(self.store, settings().statement_accounts, settings().bank_feed_days, now)

    def take_statements(self, now: datetime) -> int:
        """Take the bank's files that lie in the folder for them; how many there were."""
        folder, ours = settings().statements_folder, settings().statement_accounts
        return 0 if folder is None else take_from(self.store, partial(take_laid, folder, now), ours, now)

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()


def mail_channel(database: str) -> Channel:
    """How messages leave: by SMTP where a server is set, through a mail provider where one of anymail's backends is,
    else into the mail folder. Refuses `bad_setting`, `bad_mail_url`, `bad_address` and `no_sender`."""
    ours = settings()
    if not ours.mail_url and not ours.mail_backend:
        folder = ours.mail_folder or ours.home / "mail"
        try:
            make_home(ours.home)
            return FolderChannel(folder)
        except OSError as error:
            reason = (error.strerror or "error").lower()
            raise Refused("bad_setting", f"the mail folder {str(folder)!r} cannot be used: {reason}") from None
    if not ours.mail_from:
        raise Refused("no_sender", "ARREARS_MAIL_FROM is missing: give the address that messages come from")
    # Only installations that send mail load it, and Django with it.
    set_up_django(database)
    from arrears.adapters.channels.smtp import SmtpChannel

    return SmtpChannel(
        ours.mail_url,
        ours.mail_from,
        ours.mail_reply_to,
        backend=ours.mail_backend,
        bounce_to=ours.mail_bounce_to,
        key=return_keys(database)[0],
    )


def other_channels() -> Mapping[ChannelName, OtherChannel]:
    """The ways to reach people besides mail: by name, those whose settings are given. None is shipped."""
    return {}


def return_keys(database: str) -> tuple[bytes, ...]:
    """What signs return addresses of messages, and what did before: who takes in returned mail must have the same."""
    set_up_django(database)
    from django.conf import settings as django_settings

    return tuple(key.encode() for key in (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS))


def mail_context(base_url: str) -> MessageContext:
    """The words of messages for pages at this address, and what stands around them. Refuses `bad_template`."""
    return _mail_context(settings(), base_url)


@cache
def _mail_context(ours: Settings, base_url: str) -> MessageContext:
    help_url = ours.support_url or f"{base_url}/help"
    operator = Operator(ours.operator, help_url, ours.support_email, ours.iban, ours.legal_identity)
    limits = MailLimits(per_hour=ours.mail_per_hour, per_recipient_a_day=ours.mail_per_recipient)
    words = texts(ours.texts) if ours.texts else texts()  # for a cache, None and nothing are two
    attach = partial(attached, *invoice_documents(ours)) if ours.attach_invoices else None
    return MessageContext(words, operator, base_url, limits=limits, attach=attach)


@cache
def texts(folder: Path | None = None) -> Texts:
    """Our words of messages, with what the operator's folder changes; read once, whatever the address of the pages.
    Refuses `bad_template`."""
    # MJML and Jinja take longer to load than most commands run.
    from arrears.notices.render import load_texts

    return load_texts(folder)


BILLING_SYSTEMS: Final = ("stripe-billing",)
"""The billing systems that can be beside arrears, whether or not the key of one is given."""


def payment_providers(installation: str) -> Providers:
    """The payment providers of the installation with this identity: each whose key is given, a line each. The first
    opens new pages.

    A key of the other mode is refused, and so is a live installation without any, or with another address than the
    provider's own: `wrong_mode` and `no_provider_key`.
    """
    ours = settings()
    configured: list[Processor] = []
    if ours.stripe_key:
        configured.append(_stripe(ours, installation))
    if ours.mode == "live" and not configured:
        raise Refused("no_provider_key", "ARREARS_MODE is live: give ARREARS_STRIPE_KEY, or another provider's key")
    default = configured[0].name if configured else ""
    return Providers({one.name: one for one in configured}, ours.base_url, default)


def _stripe(ours: Settings, installation: str) -> Processor:
    live, api = ours.mode == "live", ours.stripe_api or None
    if api is not None and live:
        raise Refused("wrong_mode", "ARREARS_STRIPE_API names another address than Stripe's, and this is live")
    # The SDK is half the time a command takes to start, so only installations that charge load it.
    from arrears.adapters.payments.stripe import Stripe

    return Stripe(ours.stripe_key, ours.stripe_webhook_secrets, live=live, api_base=api, installation=installation)


def database_url() -> str:
    """The database that the settings name, else the embedded server's, which is started for it. The host may be a
    percent-encoded folder: take it apart with `psycopg.conninfo`, as `urllib` lowers its case."""
    return settings().database_url or EmbeddedServer(settings().home).start()


def live_url() -> str:
    """The database to work on: another one on the same server where one is set, as after `arrears demo`."""
    url, name = database_url(), settings().database
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
    url = live_url()
    _bring_up(url)
    clock = clock_of(url)
    store = PostgresStore(url, connections_max=connections_max, clock_is_real=isinstance(clock, RealClock))
    if not store.policies():
        adopt_policy(store, default_policy(), clock.now(), ARREARS)
    name = identity(store, clock.now())
    limits, providers = Limits(settings().deletions_per_day), beside(store, payment_providers(name))
    refuse_stand_ins(settings())
    invoice_documents(settings())
    services = DeliveredServices(store, InProcessServices() if settings().mode == "test" else None)
    return Installation(url, store, mail_channel(url), services, clock, limits, providers, other_channels())


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
    """An empty database gets the schema, of one of all who come; any other must have the version of this program."""
    with psycopg.connect(url, connect_timeout=10) as db:
        if schema.version_of(db) == max(schema.versions()):
            return
    with alone(url):
        with psycopg.connect(url, connect_timeout=10) as db:
            row = db.execute("SELECT to_regclass('public.schema_version') IS NULL").fetchone()
            empty = bool(row and row[0])
        if empty:
            migrate(url)
        with psycopg.connect(url, connect_timeout=10) as db:
            schema.gate(db)


_django_on: Final[list[str]] = []


def django_url() -> str:
    """The database that Django was set up for, else, under Django's own commands, the one to work on."""
    return _django_on[0] if _django_on else live_url()


def set_up_django(url: str) -> None:
    """Configure Django for this database; the one place that does. Of two databases the later one is connected to."""
    _django_on[:] = [url]
    # Where its settings are, Django asks the environment and nobody else.
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


def migrate(url: str, *to: str) -> None:
    """Run Django's migrations: the numbered SQL files and what the web shell needs; `to`: up to that one of ours."""
    set_up_django(url)
    from django.core.management import call_command
    from django.db import connections

    try:
        call_command("migrate", *(("store", *to) if to else ()), verbosity=0, interactive=False)
    finally:
        # What is done is let go of: a database in use can be neither copied nor dropped.
        connections.close_all()
        connections["default"].close_pool()  # type: ignore[attr-defined]
