"""A town: one account in every state that a page can meet, lived into on a fast clock.

It is built once a session, in a database of its own, and every module that asks for it gets a copy that it may change.
One administrator and one reader belong to all of its accounts, so that one sign-in sees every state; somebody else's
account is the canary, whose names and numbers no one else may ever see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import sql
from tests import members
from tests.site import PASSWORD
from tests.stories.paying import post
from tests.web.living import Living, day_in_amsterdam, living

from arrears import wiring
from arrears.core.account import Mode
from arrears.core.arrangements import Every, equal_parts
from arrears.core.states import Reason
from arrears.engine import commands, system
from arrears.engine.booking import Payment
from arrears.engine.payments import settling, setups
from arrears.engine.people import profile
from arrears.engine.people.pay_links import known_link
from arrears.engine.tokens import digest_of
from arrears.ports import Message, NewAccount
from arrears.sandbox.run import Running

ADMINISTRATOR: Final = "anna@example.org"
READER: Final = "sam@example.org"
OUTSIDER: Final = "nora@example.org"
OTHER: Final = "olga@canary.example"
STAFF: Final = "staff@example.org"
CANARY: Final = ("CANARY", "canary.example", "87.654", "87,654", "8765432")
"""What only the canary's own page may show: its names and numbers, its addresses, its sum in any writing."""

LONG: Final = "Maatschappij-tot-Exploitatie-van-Huishoudelijke-Waterzuiveringsinstallaties & Zonen"
LAST: Final = "coming back"
"""Nobody works after this one: its service has been ordered back, and has not answered yet."""

EUR: Final = ((12000, "EUR"),)


class Recipe(NamedTuple):
    """How an account comes into its state: `sums` are one invoice each, due `days` ago (below 0: in so many days);
    `then` happens at the end. Debts of one currency are of both services in turn."""

    sums: tuple[tuple[int, str], ...] = ()
    days: int = 0
    then: Callable[[Town, int], object] | None = None
    mode: Mode = Mode.CARD
    roles: tuple[str, ...] = ("administrator", "billing_reader")
    name: str = ""


@dataclass(eq=False)
class Town:
    """The accounts by state, and what leads to their pages."""

    shop: Living
    accounts: dict[str, int] = field(default_factory=dict)
    links: dict[int, str] = field(default_factory=dict)
    """The newest pay link of each account, as a path."""
    mails: list[Message] = field(default_factory=list)
    """Some of the mail that was sent."""
    address: str = ""
    """A link that confirms a contact address, as a path."""

    @property
    def now(self) -> datetime:
        return self.shop.clock.now()

    def attempts(self, account: int) -> str:
        """The attempts of an account as the address of their story has them; "" for none."""
        return "-".join(str(record.no) for record in self.shop.store.attempts(account)[-10:])

    def setup(self, account: int) -> int:
        """The newest set-up page of an account; 0 for none."""
        with psycopg.connect(self.shop.database) as db:
            row = db.execute("SELECT max(setup_id) FROM setup_page WHERE account_id = %s", [account]).fetchone()
        return int(row[0] or 0) if row else 0

    def card(self, account: int, card: str, *, pays: bool = True) -> Any:
        """A new card is set up and pays what is owed (or is only added); the finished set-up page."""
        store, providers = self.shop.store, self.shop.providers
        owed = settling.quote(store, account, self.now) if pays else []
        shown = {quote.currency: quote.hash for quote in owed}
        page = setups.start(
            store,
            providers,
            account,
            shown,
            "nl",
            self.now,
            "person:1",
            back=lambda n: f"{self.shop.url}/{n}",
        )
        post(page.url, card=card, do="go")
        return setups.finish(store, providers, page.number, lambda: self.now)


def _leaves_the_page(town: Town, account: int) -> None:
    """Somebody went to the provider's page for a card, and has not come back."""
    setups.start(
        town.shop.store,
        town.shop.providers,
        account,
        {},
        "nl",
        town.now,
        "person:1",
        back=lambda n: f"{town.shop.url}/{n}",
    )


def _cancels(town: Town, account: int) -> None:
    commands.cancel(town.shop.store, account, 1, town.now, "person:1")
    town.shop.work()


def _is_stopped_otherwise(town: Town, account: int) -> None:
    commands.set_reason(town.shop.store, account, 1, Reason.SPENDING_LIMIT, town.now, "staff:1", "limit")
    commands.set_reason(town.shop.store, account, 2, Reason.POLICY_VIOLATION, town.now, "staff:1", "spam")
    commands.set_reason(town.shop.store, account, 2, Reason.OTHER, town.now, "staff:1", "other")


def _pays_by_transfer(town: Town, account: int) -> None:
    payments = [Payment(account, f"bank-{account}", "EUR", 15000)]
    commands.record_payments(town.shop.store, payments, town.now, "api:1")


def _promises(town: Town, account: int) -> None:
    first = town.now.date() + timedelta(days=10)
    parts = equal_parts(12_000, first, 3, Every.MONTH)
    agreed = {"now": town.now, "author": "staff:1", "why": "agreed by telephone"}
    commands.promise(town.shop.store, account, parts, **agreed)


def _warns_others(town: Town, account: int) -> None:
    profile.add_extra(
        town.shop.store, account, "techniek@example.org", "Techniek", "nl", now=town.shop.clock.now(), author="token:1"
    )
    profile.change_address(
        town.shop.store, account, _person(town, ADMINISTRATOR), "new@example.org", town.now, "person:1"
    )
    town.shop.work()


RECIPES: Final[dict[str, Recipe]] = {
    "calm": Recipe(),
    "not due yet": Recipe(EUR, days=-10),
    "past due": Recipe(EUR, days=3),
    "warned": Recipe(((12000, "EUR"), (3050, "EUR")), days=25),
    "disabled": Recipe(EUR, days=40),
    "deletion warned": Recipe(EUR, days=112),
    "deletion scheduled": Recipe(EUR, days=122),
    "deleted": Recipe(EUR, days=140),
    "held": Recipe(EUR, days=25, then=lambda town, no: commands.dispute(town.shop.store, no, 1, town.now, "person:1")),
    "several currencies": Recipe(((12000, "EUR"), (500, "USD"), (9000, "JPY"), (701, "GBP")), days=40),
    "canceled": Recipe(then=_cancels),
    "canceled and owing": Recipe(EUR, days=10, then=_cancels),
    "stopped otherwise": Recipe(then=_is_stopped_otherwise),
    "credit": Recipe(EUR, days=10, then=_pays_by_transfer),
    "declined": Recipe(EUR, days=40, then=lambda town, no: town.card(no, "insufficient_funds")),
    "one of two declined": Recipe(((12000, "EUR"), (500, "USD")), days=12, then=lambda town, no: town.card(no, "lost")),
    "to confirm": Recipe(EUR, days=12, then=lambda town, no: town.card(no, "challenge")),
    "paid": Recipe(EUR, days=40, then=lambda town, no: (town.card(no, "approve"), town.shop.work())),
    "card added": Recipe(then=lambda town, no: town.card(no, "approve", pays=False)),
    "setting up": Recipe(EUR, days=5, then=_leaves_the_page),
    "by transfer": Recipe(EUR, days=5, mode=Mode.INVOICE),
    "no administrator": Recipe(EUR, days=5, roles=("billing_reader",)),
    "long names": Recipe(EUR, days=25, then=_warns_others, name=LONG),
    "200 debts": Recipe(((1099, "EUR"),) * 200, days=40, then=lambda town, no: town.card(no, "insufficient_funds")),
    "promised": Recipe(EUR, days=5, then=_promises),
    LAST: Recipe(EUR, days=40, then=lambda town, no: town.card(no, "approve")),
}


def build(url: str, sandbox: Running) -> Town:
    """Live every account into its state, in a database that has the schema and nothing else."""
    town = Town(Living(url, sandbox, "http://127.0.0.1:9"))
    shop = town.shop
    begin = shop.clock.now() - timedelta(days=2 + max(recipe.days for recipe in RECIPES.values()))
    system.confirm_clock(shop.store, begin, "staff:1")
    _people(begin)
    every = {**RECIPES, "canary": Recipe(((8765432, "EUR"),), days=25, then=_leaves_the_page, roles=())}
    new = [
        (
            NewAccount(
                f"T{k}", recipe.name or f"Bakkerij De Vries {k}", "NL", "Europe/Amsterdam", "nl-NL", recipe.mode
            ),
            ("cloud", "mail") if state != "canary" else ("CANARY-cloud", "CANARY-mail"),
        )
        for k, (state, recipe) in enumerate(every.items())
    ]
    town.accounts = dict(zip(every, commands.open_accounts(shop.store, new, begin, "api:1"), strict=True))
    for state, recipe in every.items():
        _bill(town, state, recipe, begin)
        _grant(town, state, recipe)
    shop.until(begin, shop.clock.now())
    for state, recipe in sorted(every.items(), key=lambda one: one[0] == LAST):
        if recipe.then is not None:
            recipe.then(town, town.accounts[state])
    keep_links(town)
    return town


def _people(begin: datetime) -> None:
    from arrears.web import identities

    for email, name in (
        (ADMINISTRATOR, "Anna de Vries"),
        (READER, "Sam Jansen"),
        (OUTSIDER, "Nora"),
        (OTHER, "CANARY"),
    ):
        identities.create_person(email, name, PASSWORD, "nl-NL", begin)
    members.made(STAFF, "Sam", PASSWORD, "agent", begin)


def _person(town: Town, email: str) -> int:
    with psycopg.connect(town.shop.database) as db:
        row = db.execute("SELECT person_id FROM person WHERE sign_in_email = %s", [email]).fetchone()
    assert row is not None, email
    return int(row[0])


def _bill(town: Town, state: str, recipe: Recipe, begin: datetime) -> None:
    number = town.accounts[state]
    due = day_in_amsterdam(town.now) - timedelta(days=recipe.days)
    name = "CANARY-2026" if state == "canary" else f"2026-{number:03d}"
    invoices = [
        commands.Invoice(number, f"{name}-{k}", currency, minor, due - timedelta(days=14), due, (k % 2 + 1,))
        for k, (minor, currency) in enumerate(recipe.sums)
    ]
    if invoices:
        commands.issue_invoices(town.shop.store, invoices, begin, "api:1")


def _grant(town: Town, state: str, recipe: Recipe) -> None:
    from arrears.web import identities

    number = town.accounts[state]
    who = {"administrator": ADMINISTRATOR, "billing_reader": READER}
    for role in recipe.roles:
        identities.grant(number, _person(town, who[role]), role)
    if state == "canary":
        identities.grant(number, _person(town, OTHER), "administrator")


def keep_links(town: Town) -> None:
    """Note where the pay links of all mail that was sent lead."""
    town.mails = town.shop.channel.taken[-3:]
    for message in town.shop.channel.taken:
        if found := re.search(r"http://\S+/pay/([\w-]{43})", message.text):
            link = known_link(town.shop.store, digest_of(found[1]))
            assert link is not None, "a link that was sent is known"
            town.links[link.account] = f"/pay/{found[1]}"
        if asked := re.search(r"http://\S+?(/address/[\w-]{43})", message.text):
            town.address = asked[1]


# -- copies --------------------------------------------------------------------------------------------------------


@contextmanager
def django_on(url: str) -> Iterator[None]:
    """Django works on another database of the same server until the end of the block, in every thread."""
    from django.db import connections

    settings = connections["default"].settings_dict
    was, settings["NAME"] = settings["NAME"], psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    _let_go()
    try:
        yield
    finally:
        _let_go()
        settings["NAME"] = was


def _let_go() -> None:
    from django.db import connections

    connections.close_all()
    connections["default"].close_pool()  # type: ignore[attr-defined]


def replaced(server: str, name: str, template: str | None = None) -> str:
    """The URL of a database of this name, made anew, as a copy of another one or empty."""
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        source = sql.SQL("TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        db.execute(sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), source))
    return psycopg.conninfo.make_conninfo(server, dbname=name)


@contextmanager
def built(server: str, sandbox: Running) -> Iterator[Town]:
    """The town in a database that nobody works on, to be copied from, until the end of the block."""
    url = replaced(server, "town")
    with django_on(url):
        wiring.migrate(url)
        town = build(url, sandbox)
        town.shop.store.close()
        wiring.install(None)
    yield town
    replaced(server, "town")


@contextmanager
def copied(server: str, town: Town, sandbox: Running) -> Iterator[Town]:
    """A served copy of the town, until the end of the block."""
    url = replaced(server, "town_copy", "town")
    with django_on(url), living(url, sandbox) as shop:
        yield Town(shop, dict(town.accounts), dict(town.links), town.mails, town.address)
    replaced(server, "town_copy")
