"""A served installation for browsers: pages over real HTTP, the sandbox provider, mail kept, one account in trouble."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
from tests.site import PASSWORD
from tests.stories.story import Mail

from arrears import wiring
from arrears.adapters.payments.stripe import Stripe
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.account import Mode
from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.settling import quote
from arrears.engine.people.visitors import attend
from arrears.engine.perform import perform
from arrears.engine.run import DEFAULT_LIMITS, run
from arrears.ports import NewAccount
from arrears.sandbox.run import Running
from arrears.store.postgres.store import PostgresStore
from arrears.web.serving import gate, listen, port_of, serving_beside

_counter = itertools.count(1)
_millions = itertools.count(1)


def day_in_amsterdam(now: datetime) -> date:
    """The day there, by which an account of these tests is late; around midnight it is not the day in UTC."""
    return now.astimezone(ZoneInfo("Europe/Amsterdam")).date()


class Clock:
    """The wall clock, moved to the nearest hour of a day in Amsterdam, and what a test adds to it: what happens to an
    account in the morning or at midnight does not depend on the hour at which the tests run."""

    def __init__(self) -> None:
        now = datetime.now(ZoneInfo("Europe/Amsterdam")).replace(tzinfo=None)
        morning, evening = now.replace(hour=11, minute=0), now.replace(hour=20, minute=0)
        near = (evening - timedelta(days=1), max(morning, min(now, evening)), morning + timedelta(days=1))
        self._to_daytime = min((at - now for at in near), key=abs)
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._to_daytime + self.ahead

    def go_to(self, at: datetime) -> None:
        """From here on it is `at`, and time goes on."""
        self.ahead += at - self.now()


class Living:
    """An installation that is served at `url`."""

    def __init__(self, database: str, sandbox: Running, url: str) -> None:
        self.database, self.sandbox, self.url, self.clock = database, sandbox, url, Clock()
        # Every sandbox counts from one; on a database that has met another, the same names would be the same payments.
        sandbox.sandbox.book.count = next(_millions) * 1_000_000
        # Many customers of these tests have the same test card; the networks would soon forbid it to all of them.
        sandbox.sandbox.book.own_cards = True
        self.store = PostgresStore(database, connections_max=16, clock_is_real=False)
        stripe = Stripe(sandbox.secret_key, [sandbox.webhook_secret], live=False, api_base=sandbox.url)
        self.providers = Providers({"stripe": stripe}, url)
        self.channel, self.services = Mail(), InProcessServices()
        self.live = wiring.Installation(
            database, self.store, self.channel, self.services, self.clock, DEFAULT_LIMITS, self.providers
        )
        wiring.install(self.live)
        system.adopt_policy(self.store, default_policy(), self.clock.now(), "staff:1")

    def account(self, *sums: tuple[int, str], days: int = 3, locale: str = "nl-NL", name: str = "") -> int:
        """An account that owes these sums since so many days, one invoice each, with an administrator; its number."""
        from arrears.web import identities

        serial = next(_counter)
        now = self.clock.now()
        ref = f"L{serial}"
        new = NewAccount(ref, name or f"Bakkerij De Vries {serial}", "NL", "Europe/Amsterdam", locale, Mode.CARD)
        opened = now - timedelta(days=days + 20)
        # What other tests left to be done is done today: on the days before, which they are past, it would only wait.
        self.work(now)
        [number] = commands.open_accounts(self.store, [(new, ("cloud", "mail"))], opened, "api:1")
        due = day_in_amsterdam(now) - timedelta(days=days)
        invoices = [
            commands.Invoice(number, f"{ref}-{k}", currency, minor, due - timedelta(days=14), due, (k % 2 + 1,))
            for k, (minor, currency) in enumerate(sums)
        ]
        if invoices:
            commands.issue_invoices(self.store, invoices, opened, "api:1")
        person = identities.create_person(self.email(number), "Anna de Vries", PASSWORD, locale, now)
        identities.grant(number, person, "administrator")
        # The book of the other tests is at today: a person has looked at the clock that this account begins with.
        system.confirm_clock(self.store, opened, "staff:1")
        self.until(opened, now)
        return number

    @staticmethod
    def email(account: int) -> str:
        return f"anna{account}@example.org"

    def until(self, start: datetime, end: datetime) -> None:
        """Live through the days up to `end`, working at every instant at which something is due."""
        at = start
        while at <= end:
            self.work(at)
            before, at = at, max(self.store.next_due() or end, at + timedelta(hours=1))
            if at - before > timedelta(hours=20):
                # A worker that has not worked for long doubts the clock, until a person has looked at it.
                system.confirm_clock(self.store, min(at, end), "staff:1")
        self.work(end)

    def work(self, at: datetime | None = None) -> None:
        """What a worker does at an instant."""
        now = at or self.clock.now()
        attend(self.store, self.channel, wiring.mail_context(self.url), now)
        run(self.store, now)
        while perform(self.store, self.channel, self.services, now, self.providers, wiring.mail_context(self.url)):
            pass

    def owed(self, account: int) -> dict[str, int]:
        return {q.currency: q.amount_minor for q in quote(self.store, account, self.clock.now())}

    def captures(self, account: int) -> list[int]:
        lines = self.sandbox.control("book")
        return [line["taken"] for line in lines if line["attempt"].startswith(f"att_{account}_") and line["taken"]]

    def states(self, account: int) -> list[str]:
        return [str(sub.state) for sub in self.store.snapshots([account])[account].subscriptions]


@contextmanager
def living(database: str, sandbox: Running) -> Iterator[Living]:
    """Serve until the end of the block."""
    with psycopg.connect(database) as db:
        db.execute("SELECT setval('account_number', 1000 + (SELECT max(account_id) FROM account))")
        # All tests come from one address in the net: wrong tries of the others would keep everybody out of this one.
        db.execute("DELETE FROM throttle")
    with served() as port:
        found = Living(database, sandbox, f"http://localhost:{port}")
        try:
            yield found
        finally:
            wiring.install(None)
            found.store.close()


@contextmanager
def served() -> Iterator[int]:
    """The pages of the installation over real HTTP until the end of the block; their port on this machine."""
    from arrears.web.wsgi import get_application

    listening = listen("127.0.0.1", 0)
    with serving_beside(listening, gate(get_application())):
        yield port_of(listening)
