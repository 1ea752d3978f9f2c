"""The demo's living part: an account whose card is declined on this very day, and everything that brings it back.

Account centre, worker, sandbox provider and outbox run in this process, in a world with a clock of its own, and the
service in another; whoever looks at it plays the customer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from arrears.adapters.channels.folder import FolderChannel
from arrears.adapters.services.over_http import HttpTransport
from arrears.cli.demo_card import DUE_DAYS, PAID_DAYS_LATE, SERVICES, Scene, card_story, choose_on_page
from arrears.cli.demo_service import ExampleService
from arrears.cli.demo_world import PASSWORD, ZONE, PlayedWorld, ten_on
from arrears.core.account import Mode
from arrears.core.delivery.targets import LOOPBACK
from arrears.core.policy import default_text, load_policy
from arrears.engine import system
from arrears.engine.courier import Courier
from arrears.engine.orders import DeliveredServices, OrderAnswers
from arrears.engine.run import DEFAULT_LIMITS
from arrears.notices.languages import DEFAULT_LANGUAGE
from arrears.ports import NewAccount
from arrears.sandbox.run import Running
from arrears.sim.story import DiaryLine
from arrears.store.outages import OUTAGES
from arrears.store.postgres.store import PostgresStore
from arrears.web.logs import LOG, WorkerLog, say_of_mail
from arrears.wiring import (
    SERVING_CONNECTIONS_MAX,
    AheadClock,
    Installation,
    RealClock,
    mail_context,
    return_keys,
    set_up_django,
)

HOST: Final = "127.0.0.1"
_NAMES: Final = {"en": ("Anna Brown", "Brown's Bakery"), "nl": ("Anna de Vries", "Bakkerij De Vries")}
POLICY: Final = f'{default_text()}\n[cancel]\nby_customer = "here"\n'
"""The one that ships, and a customer may end a service on the pages, so that this can be seen too."""
AGO: Final = timedelta(days=DUE_DAYS + PAID_DAYS_LATE + 1)
"""How long ago the told story began, so that its last day was yesterday."""


def email_of(account: int) -> str:
    """What the customer of an account signs in with; the password is PASSWORD for each."""
    return f"anna{account}@bakery.example"


def name_in(language: str) -> tuple[str, str]:
    """The customer of the demo and the company, as they would be called where that language is spoken."""
    return _NAMES.get(language, _NAMES[DEFAULT_LANGUAGE])


class PastWeeks(NamedTuple):
    """The account of the card story with its lines, and the one that waits for somebody to play its customer."""

    number: int
    lines: list[DiaryLine]
    waiting: int


class StageClock(NamedTuple):
    """A clock that stands."""

    at: datetime

    def now(self) -> datetime:
        """See ports.Clock."""
        return self.at


class DemoParts:
    """What the demo's parts have in common: where they are, and the one clock that each of them reads."""

    def __init__(
        self, url: str, sandbox: Running, base_url: str, folder: Path, clock: AheadClock, service: ExampleService
    ) -> None:
        self.url, self.sandbox, self.base_url, self.clock = url, sandbox, base_url, clock
        self.channel = FolderChannel(folder)
        self.service = service
        self.store = PostgresStore(url, connections_max=SERVING_CONNECTIONS_MAX, durable=False, clock_is_real=False)
        set_up_django(url)
        self.transport = HttpTransport(LOOPBACK, return_keys(url))

    def scene(self, now: datetime) -> Scene:
        """The stage on which customers come into trouble."""
        outside = self.channel, DeliveredServices(self.store), mail_context(self.base_url)
        return Scene(self.store, self.sandbox, now, choose_on_page, *outside, after_step=self._carry)

    def _carry(self, now: datetime) -> None:
        """What was ordered by then goes to the service."""
        heard = OrderAnswers(self.store).heard
        Courier(self.store, self.transport, StageClock(now), heard, signing=RealClock()).carry_all()

    def customer(self, scene: Scene, language: str) -> int:
        """Open the account of a customer who is served, has an administrator, and will not pay; its number."""
        from arrears.web import identities

        person, company = name_in(language)
        new = NewAccount(f"bakery-{scene.stage.now:%Y-%m-%d}", company, "NL", ZONE, language, Mode.CARD)
        now = scene.stage.now

        def administered(account: int) -> str:
            someone = identities.create_person(email_of(account), person, PASSWORD, language, now, confirmed=True)
            identities.grant(account, someone, "administrator")
            return f"person:{someone}"

        account = scene.in_trouble(new, administered)
        self._opened(account)
        return account

    def begin(self, now: datetime, language: str) -> tuple[int, date]:
        """See `Begin`."""
        account = self.customer(self.scene(now), language)
        self.sandbox.control("clock", follow=True)
        return account, self.store.snapshots([account])[account].debts[0].due_on

    def past_weeks(self, language: str) -> PastWeeks:
        """Play the last seven weeks: two cards are declined, one customer pays in the end, the other is yours, and its
        day 0 is today. Its mail is kept in the folder, in the words that customers get."""
        self.clock.move_to(ten_on(self.clock.now().astimezone(ZoneInfo(ZONE)).date()))
        now, waiting = self.clock.now(), list[int]()
        self.service.connect(self.store, self.transport, now - AGO)
        system.adopt_policy(self.store, load_policy(POLICY, where="the demo's policy"), now - AGO, "staff:1")
        scene = self.scene((now - AGO).replace(hour=10, minute=0, second=0, microsecond=0))

        def meanwhile() -> None:
            scene.stage.until((now - timedelta(days=DUE_DAYS)).replace(hour=8))
            waiting.append(self.customer(scene, language))

        number, lines = card_story(scene, meanwhile)
        self._opened(number)
        scene.stage.until(now)
        # From here on the provider's clock is everybody's.
        self.sandbox.control("clock", follow=True)
        return PastWeeks(number, lines, waiting[0])

    def _opened(self, account: int) -> None:
        self.service.fill(account, range(1, len(SERVICES) + 1))

    def installation(self) -> Installation:
        """What is served."""
        providers = self.scene(self.clock.now()).providers
        return Installation(
            self.url,
            self.store,
            self.channel,
            DeliveredServices(self.store),
            self.clock,
            DEFAULT_LIMITS,
            providers,
            service_page=self.service.page,
        )


def keep_working(live: Installation, stop: threading.Event, moving: threading.Lock) -> None:
    """A worker's thread, which works on after a mistake of ours too: whoever serves beside it would not see it die.
    It holds `moving` while it works, and lets go of it between two looks."""

    def wait(seconds: int) -> bool:
        moving.release()
        try:
            return stop.wait(seconds)
        finally:
            moving.acquire()

    while not stop.is_set():
        try:
            with moving:
                live.work(1, wait, say_of_mail, WorkerLog(OUTAGES))
        except Exception as error:
            LOG.error("worker_died", said="it is begun again in ten seconds", exc_info=error)
            stop.wait(10)


@contextmanager
def alive(parts: DemoParts, live: Installation, world: PlayedWorld) -> Iterator[None]:
    """A worker at work until the end of the block, and whoever carries its orders."""
    stop = threading.Event()
    worker = threading.Thread(target=keep_working, args=(live, stop, world.moving), name="worker")
    with world.carrying.working():
        parts.sandbox.control("webhook", url=f"{parts.base_url}/webhooks/{live.providers.default}")
        worker.start()
        try:
            yield
        finally:
            stop.set()
            worker.join()
