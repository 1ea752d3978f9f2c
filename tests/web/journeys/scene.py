"""The scene of the journeys: a served installation at a fixed hour, its payment provider with webhooks, its customers.

Every customer has the same history: an invoice was due on 26 January 2026, and it is now the morning of 2 March.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tests.site import PASSWORD
from tests.stories.paying import post
from tests.web.living import Living, living

from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.account import Mode
from arrears.engine import commands, system
from arrears.engine.booking import Payment
from arrears.engine.payments import methods
from arrears.ports import NewAccount, Obeyed, Order
from arrears.sandbox.run import Running, running

DUE: Final = date(2026, 1, 26)
OPENED: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)
NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""Ten o'clock in Amsterdam. Nobody else's tests know an earlier time, so nothing of theirs is due here."""

PRICE: Final = 12_000
SERVICE_ANSWERS_WITHIN: Final = timedelta(minutes=3)
"""An order that was only taken is given once more after two minutes."""

NAMES: Final = {
    "en": ("Finch and Sons Bakery", "IE", "Europe/Dublin", "en-IE", "Anna Finch", "Sam Byrne", "Kim Doyle"),
    "nl": ("Bakkerij De Vries", "NL", "Europe/Amsterdam", "nl-NL", "Anna de Vries", "Sam Bakker", "Kim Jansen"),
}


class Services(InProcessServices):
    """They obey at once, unless they are `busy`: then an order is taken, and nobody says that it was carried out."""

    busy = False

    def order(self, order: Order, now: datetime) -> Obeyed | None:
        """See ports.Services."""
        return None if self.busy else super().order(order, now)


class Scene:
    """The installation, and what happens in it that nobody does on a page."""

    def __init__(self, shop: Living, sandbox: Running) -> None:
        self.shop, self.sandbox = shop, sandbox
        self.services = Services()
        shop.services = self.services
        # The provider's clock is the scene's, backwards too: each customer's history begins anew.
        sandbox.sandbox._now = self._provider_now  # type: ignore[method-assign]
        sandbox.control("webhook", url=f"{shop.url}/webhooks/stripe", lose=True, retry_seconds=0.1)

    def _provider_now(self) -> int:
        book = self.sandbox.sandbox.book
        book.clock = int(self.shop.clock.now().timestamp())
        return book.clock

    # -- time ------------------------------------------------------------------------------------------------

    def stand(self, at: datetime) -> None:
        """It is now so late."""
        self.shop.clock.go_to(at)

    def later(self, **time: int) -> None:
        """Time passes; the worker finds what is due."""
        self.shop.clock.ahead += timedelta(**time)
        self.works()

    def works(self) -> None:
        """The worker works."""
        self.shop.work()

    def live_until(self, end: datetime) -> None:
        """The days go by, from where the clock stands."""
        at = self.shop.clock.now()
        while at < end:
            before, at = at, min(max(self.shop.store.next_due() or end, at + timedelta(hours=1)), end)
            self.stand(at)
            if at - before > timedelta(hours=20):
                # A worker that has not worked for long doubts the clock, until a person has looked at it.
                system.confirm_clock(self.shop.store, at, "staff:1")
            self.works()

    def webhooks(self, *, arrive: bool) -> None:
        """Whether the provider's webhooks arrive from now on, or are lost."""
        self.sandbox.control("webhook", lose=not arrive)

    # -- people ----------------------------------------------------------------------------------------------

    def customer(self, language: str, number: int, *, card: str = "", owes: int = PRICE, until: datetime = NOW) -> int:
        """A bakery with an administrator and a reader, whose `card` (one of sandbox/cards.py) pays for everything;
        its account as it stands at `until`. `number` is its invoice's, and no other customer's of that language."""
        from arrears.web import identities

        reference = f"2026-{number + {'en': 1000, 'nl': 2000}[language]}"
        name, country, zone, locale, anna, sam, _ = NAMES[language]
        self.webhooks(arrive=False)
        self.stand(OPENED)
        shop = self.shop
        system.confirm_clock(shop.store, OPENED, "staff:1")
        new = NewAccount(reference, name, country, zone, locale, Mode.CARD)
        [account] = commands.open_accounts(shop.store, [(new, ("cloud",))], OPENED, "api:1")
        for who, role in ((anna, "administrator"), (sam, "billing_reader")):
            person = identities.create_person(address(who, account), who, PASSWORD, locale, OPENED)
            identities.grant(account, person, role)
        if card:
            self.card(account, card)
        if owes:
            invoice = commands.Invoice(account, reference, "EUR", owes, OPENED.date(), DUE, (1,))
            commands.issue_invoices(shop.store, [invoice], OPENED, "api:1")
        self.live_until(until)
        # Only now: the days went by faster than a webhook travels, and an old one is refused.
        self.webhooks(arrive=True)
        return account

    def card(self, account: int, name: str) -> None:
        """A card is added on the provider's page and pays from now on."""
        store, providers, now = self.shop.store, self.shop.providers, self.shop.clock.now()
        page = methods.start_setup(store, providers, account, "stripe", f"scene-{account}", "en")
        post(page.url, card=name, do="go")
        number = methods.finish_setup(store, providers, account, "stripe", page.ref, now, "person:1")
        methods.activate(store, account, number, now, "person:1")

    def bank_says(self, account: int, card: str) -> None:
        """From now on the bank of the newest card answers as that of `card`."""
        ref = self.shop.store.methods(account)[-1].ref
        self.sandbox.control("behave", **{"method": ref, "as": card})

    def cancels(self, account: int) -> None:
        """The customer ends the subscription where they use it, and the service obeys."""
        commands.cancel(self.shop.store, account, 1, self.shop.clock.now(), "person:1")
        self.works()

    def invoice(self, account: int) -> str:
        """The number on the account's first invoice."""
        return self.shop.store.invoices(account)[1].number

    def request_is_with(self, account: int) -> None:
        """The newest request for help was given to the account; where it was not, what is known of it is shown."""
        store = self.shop.store
        newest = max(store.waiting_requests(1000, every=True), key=lambda request: request.number)
        meant = store.accounts_known_by(newest.known_by, newest.company)
        assert newest.account == account, (newest, meant, store.requests_to_place(1000), self.shop.clock.now())

    def staff_answer(self, text: str) -> None:
        """Somebody of ours answers the newest request for help."""
        from arrears.engine.people import support

        store = self.shop.store
        newest = max(request.number for request in store.waiting_requests(1000, every=True))
        support.answer(store, newest, text, self.shop.clock.now(), "staff:1")
        self.works()

    def captures(self, account: int) -> list[int]:
        """What the provider has truly taken from the account, payment by payment."""
        return self.shop.captures(account)

    def until_captured(self, account: int) -> None:
        """Wait until the provider has taken something and we have booked it."""
        deadline = time.monotonic() + 60
        while self.shop.owed(account):
            assert time.monotonic() < deadline, "nothing was paid"
            threading.Event().wait(0.05)

    def leave_nothing_open(self, account: int) -> None:
        """Pay by transfer what is left, so that no other test meets it."""
        self.services.busy = False
        for currency, minor in self.shop.owed(account).items():
            payment = Payment(account, f"bank-{account}-{currency}", currency, minor)
            commands.record_payments(self.shop.store, [payment], self.shop.clock.now(), "api:1")
        self.later(minutes=3)


def address(who: str, account: int) -> str:
    """The e-mail address of a person: anna12@example.org."""
    return f"{who.partition(' ')[0].lower()}{account}@example.org"


@contextmanager
def served(database: str) -> Iterator[Scene]:
    """Served until the end of the block."""
    with running() as sandbox, living(database, sandbox) as shop:
        yield Scene(shop, sandbox)
