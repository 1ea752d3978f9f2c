"""A house to come into: an installation with mail that is kept, people with accounts, and browsers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import re
import struct
import time
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from tests.site import PASSWORD
from tests.stories.story import Mail
from tests.web.living import Clock

from arrears import wiring
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.account import Mode
from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.payments.providers import Providers
from arrears.engine.perform import perform
from arrears.engine.run import DEFAULT_LIMITS
from arrears.ports import Message, NewAccount
from arrears.store.postgres.store import PostgresStore

if TYPE_CHECKING:
    from django.test import Client

URL = "http://localhost:8000"
REAUTHENTICATED = "account_authentication_methods"
_serial = itertools.count(1)


class Entrance:
    """An installation that pages work on, without a provider of payments."""

    def __init__(self, database: str) -> None:
        self.database, self.clock, self.channel = database, Clock(), Mail()
        self.accounts: set[str] = set()
        self.store = PostgresStore(database, connections_max=8, clock_is_real=False)
        self.live = wiring.Installation(
            database,
            self.store,
            self.channel,
            InProcessServices(),
            self.clock,
            DEFAULT_LIMITS,
            Providers({}, URL),
        )
        wiring.install(self.live)
        system.adopt_policy(self.store, default_policy(), self.clock.now(), "staff:1")
        with psycopg.connect(database) as db:
            db.execute("SELECT setval('account_number', 1000 + (SELECT max(account_id) FROM account))")

    def close(self) -> None:
        wiring.install(None)
        self.store.close()

    def account(self, *, email: str = "", role: str = "administrator") -> tuple[int, int, str]:
        """A new account, a person with this role on it, and the address that they sign in with."""
        serial, now = next(_serial), self.clock.now()
        new = NewAccount(f"D{serial}", f"Bakkerij {serial}", "NL", "Europe/Amsterdam", "en", Mode.CARD)
        [number] = commands.open_accounts(self.store, [(new, ("cloud",))], now - timedelta(days=1), "api:1")
        email = email or f"person{serial}@example.org"
        self.accounts.add(f"a{number}")
        person = self.store.new_person(email, "Anna de Vries", hashed(), "en", now)
        self.store.give_role(number, person, role)
        return number, person, email

    def mail(self) -> list[Message]:
        """What leaves now about accounts of this house; the database has others too."""
        now = self.clock.now()
        while perform(self.store, self.channel, self.live.services, now, self.live.providers, wiring.mail_context(URL)):
            pass
        found = [one for one in self.channel.taken if one.id.partition("-")[0] in self.accounts]
        self.channel.taken.clear()
        return found

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as db:
            return db.execute(statement.encode(), values).fetchall()


@cache
def hashed() -> str:
    """Hashing takes long, on purpose: once is enough."""
    from django.contrib.auth.hashers import make_password

    return str(make_password(PASSWORD))


def browser(**more: Any) -> Client:
    """A browser that has not been here before."""
    from django.test import Client

    return Client(raise_request_exception=True, HTTP_HOST="localhost", **more)


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/sign-in", {"email": email, "password": password, **more})


def come_in(client: Client, person: int) -> None:
    """Be signed in, where how is not what the test is about."""
    from arrears.store.models import Person

    client.force_login(Person.objects.get(pk=person))
    session = client.session
    session[REAUTHENTICATED] = [{"method": "password", "at": time.time()}]
    session[f"{REAUTHENTICATED}_user"] = str(person)
    session.save()


def guess(house: Entrance, client: Client, email: str) -> None:
    """Ten wrong passwords, of which one is really tried: each takes long, on purpose."""
    assert sign_in(client, email, "guess").status_code == 403
    ten_times(house)


def ten_times(house: Entrance) -> None:
    with psycopg.connect(house.database) as db:
        # The ninth part of ten that was left; what has room for more than ten has it still.
        db.execute("UPDATE throttle SET until = until + 9 * (until - %s)", [house.clock.now()])


def text(answer: Any) -> str:
    return str(answer.content.decode()).replace("\u00a0", " ")


def link_in(message: Message, path: str) -> str:
    found = re.search(rf"http://\S+?({path}[\w-]{{43}})", message.text)
    assert found is not None, message.text
    return found[1]


def long_ago(client: Client) -> None:
    """Whoever is signed in here has proved it some time ago."""
    session = client.session
    session[REAUTHENTICATED] = [{**record, "at": record["at"] - 3600} for record in session[REAUTHENTICATED]]
    session.save()


def code(secret: str, steps: int = 0) -> str:
    """What an authenticator app shows (RFC 6238), so many steps from now."""
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 + steps), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at : at + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def with_app(client: Client) -> str:
    """Set up an authenticator app; its secret."""
    found = re.search(r"<code>([A-Z2-7]+)</code>", text(client.get("/security/app")))
    assert found is not None
    answer = client.post("/security/app", {"code": code(found[1])})
    assert answer.headers["Location"] == "/security/codes"
    return found[1]
