"""The demo's living part: an account in trouble on this very day, and everything that brings it back.

Account centre, worker, sandbox provider, outbox and a small service of its own run in this process, on the real clock;
whoever looks at it plays the customer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from arrears.adapters.channels.folder import FolderChannel
from arrears.adapters.services.notebook import Notebook, Why
from arrears.cli.demo_card import DUE_DAYS, PAID_DAYS_LATE, SERVICES, Scene, card_story, choose_on_page
from arrears.core.account import Mode
from arrears.core.deadlines import ahead
from arrears.core.ids import ACCOUNT, format_id
from arrears.core.money import format_amount
from arrears.core.payments.settlement import quotes
from arrears.core.policy import default_policy
from arrears.core.view import View
from arrears.engine import system
from arrears.engine.run import DEFAULT_LIMITS
from arrears.notices.languages import DEFAULT_LANGUAGE
from arrears.ports import NewAccount
from arrears.sandbox.run import Running
from arrears.sim.story import DiaryLine
from arrears.store.outages import OUTAGES
from arrears.store.postgres.store import PostgresStore
from arrears.web.logs import LOG, WorkerLog, say_of_mail
from arrears.web.serving import address_of, gate, listen, serving_beside
from arrears.wiring import SERVING_CONNECTIONS_MAX, Installation, RealClock, mail_context, set_up_django

HOST: Final = "127.0.0.1"
_NAMES: Final = {"en": ("Anna Brown", "Brown's Bakery"), "nl": ("Anna de Vries", "Bakkerij De Vries")}
EMAIL: Final = "anna@bakery.example"
PASSWORD: Final = "bread and butter pudding"
NOTES: Final = ("Order flour", "Ask about the oven")
AGO: Final = timedelta(days=DUE_DAYS + PAID_DAYS_LATE + 1)
"""How long ago the story began, so that its last day was yesterday: the service has been off for three days."""


def name_in(language: str) -> tuple[str, str]:
    """The customer of the demo and the company, as they would be called where that language is spoken."""
    return _NAMES.get(language, _NAMES[DEFAULT_LANGUAGE])


class PastWeeks(NamedTuple):
    """The account of the card story with its lines, and the one that waits for somebody to play its customer."""

    number: int
    lines: list[DiaryLine]
    waiting: int


def past_weeks(url: str, sandbox: Running, base_url: str, folder: Path, notebook: Notebook, language: str) -> PastWeeks:
    """Play the last seven weeks, up to this minute: two cards are declined, one customer pays, the other is yours.
    Its mail is kept in `folder`, in the words that customers get."""
    set_up_django(url)
    from arrears.web import identities

    now = RealClock().now()
    start = (now - AGO).replace(hour=10, minute=0, second=0, microsecond=0)
    store = PostgresStore(url, durable=False, clock_is_real=False)
    try:
        system.adopt_policy(store, default_policy(), start, "staff:1")
        context = mail_context(base_url)
        scene = Scene(store, sandbox, start, choose_on_page, FolderChannel(folder), notebook, context)
        person, company = name_in(language)
        waiting = scene.in_trouble(NewAccount("bakery", company, "NL", "Europe/Amsterdam", language, Mode.CARD))
        identities.grant(waiting, identities.create_person(EMAIL, person, PASSWORD, language, start), "administrator")
        number, lines = card_story(scene)
        for account in (waiting, number):
            for subscription in range(1, len(SERVICES) + 1):
                notebook.open(account, subscription, NOTES)
        scene.stage.until(now)
    finally:
        store.close()
    # From here on the provider's clock is the real one, as everybody's.
    sandbox.control("clock", follow=True)
    return PastWeeks(number, lines, waiting)


def installation(url: str, sandbox: Running, base_url: str, folder: Path, notebook: Notebook) -> Installation:
    """The living installation; the notebook's questions are answered from its store."""
    store = PostgresStore(url, connections_max=SERVING_CONNECTIONS_MAX)
    context = mail_context(base_url)
    scene = Scene(store, sandbox, RealClock().now(), choose_on_page, FolderChannel(folder), notebook, context)
    return Installation(url, store, FolderChannel(folder), notebook, RealClock(), DEFAULT_LIMITS, scene.providers)


def why(store: PostgresStore, base_url: str, account: int, subscription: int, now: datetime) -> Why:
    """What arrears knows about a subscription that is refused something."""
    snapshot = store.snapshots([account])[account]
    view = View(store.policies(), snapshot, store.system().guards, now)
    sub = snapshot.subscription(subscription)
    sums = [format_amount(one.amount_minor, one.currency) for one in quotes(view)]
    days = {f"{one.announced_day}": f"{sub.service}: {one.action}" for one in ahead(view) if one.sub.no == sub.no}
    reasons = tuple(str(reason).replace("_", " ") for reason in sorted(sub.reasons))
    return Why(reasons, " and ".join(sums) or "Nothing", days, f"{base_url}/settle/{format_id(ACCOUNT, account)}")


def keep_working(live: Installation, stop: threading.Event) -> None:
    """A worker's thread, which works on after a mistake of ours too: whoever serves beside it would not see it die."""
    while not stop.is_set():
        try:
            live.work(1, stop.wait, say_of_mail, WorkerLog(OUTAGES))
        except Exception as error:
            LOG.error("worker_died", said="it is begun again in ten seconds", exc_info=error)
            stop.wait(10)


@contextmanager
def alive(live: Installation, sandbox: Running, base_url: str, notebook_port: int) -> Iterator[str]:
    """A worker and the notebook's own pages at work until the end of the block; the address of those pages."""
    notebook = live.services
    assert isinstance(notebook, Notebook)
    stop = threading.Event()
    worker = threading.Thread(target=keep_working, args=(live, stop), name="worker")
    with closing(listen(HOST, notebook_port)) as pages, serving_beside(pages, gate(notebook)):
        sandbox.control("webhook", url=f"{base_url}/webhooks/{live.providers.default}")
        worker.start()
        try:
            yield address_of(pages).rstrip("/")
        finally:
            stop.set()
            worker.join()
