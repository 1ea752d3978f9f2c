"""The demo's second story: a declined card, a service that stops, a new card, and everything paid in one act.

The adapter is the real one, on the provider's own SDK; it speaks to the sandbox provider over HTTP on this machine.
"""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from arrears.adapters.channels.memory import MemoryChannel
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.account import Mode
from arrears.engine import commands
from arrears.engine.message_context import PLAIN_CONTEXT, MessageContext
from arrears.engine.payments import methods, settling
from arrears.engine.payments.providers import Providers
from arrears.ports import Channel, NewAccount, Services, Store
from arrears.sandbox.run import Running
from arrears.sim.stage import Stage
from arrears.sim.story import DiaryLine, tell

SERVICES: Final = ("cloud", "mail")
PRICES: Final = (4900, 1200)
DUE_DAYS: Final = 14
PAID_DAYS_LATE: Final = 33

_PAYER: Final = "person:1"
"""Who acts for the customer of the told story, who has no sign-in."""

Choose = Callable[[str, str], None]
"""Goes to the provider's page (address) and chooses a card there (its name in sandbox/cards.py)."""


class Scene:
    """A stage with cards: the real adapter, and the sandbox provider on the stage's own clock."""

    def __init__(
        self,
        store: Store,
        sandbox: Running,
        start: datetime,
        choose: Choose,
        channel: Channel | None = None,
        services: Services | None = None,
        context: MessageContext = PLAIN_CONTEXT,
        after_step: Callable[[datetime], None] | None = None,
    ) -> None:
        self.store, self.sandbox, self.choose = store, sandbox, choose
        processor = sandbox.processor()
        self.providers = Providers({processor.name: processor}, context.base_url)
        self.stage = Stage(
            store,
            channel or MemoryChannel(),
            services or InProcessServices(),
            start,
            after_step=after_step,
            providers=self.providers,
            context=context,
        )

    def card(self, account: int, name: str, author: str) -> int:
        """A card of this kind, set up on the provider's page; its number within the account."""
        now = self.stage.now
        self.sandbox.control("clock", now=int(now.timestamp()))
        key = f"demo-{account}-{name}-{now}"
        provider = self.providers.default
        page = methods.start_setup(self.store, self.providers, account, provider, key, "en")
        self.choose(page.url, name)
        return methods.finish_setup(self.store, self.providers, account, provider, page.ref, now, author)

    def in_trouble(self, new: NewAccount, opened: Callable[[int], str]) -> int:
        """An account with two services whose first bills its card cannot pay; its number. Once it is opened, `opened`
        says who acts for it, as the journal names them."""
        now = self.stage.now
        [number] = commands.open_accounts(self.store, [(new, SERVICES)], now, "api:1")
        author = opened(number)
        methods.activate(self.store, number, self.card(number, "insufficient_funds", author), now, author)
        due_on = now.date() + timedelta(days=DUE_DAYS)
        invoices = [
            commands.Invoice(number, f"B{now:%Y}-{number}{k}", "EUR", price, now.date(), due_on, (k,))
            for k, price in enumerate(PRICES, 1)
        ]
        commands.issue_invoices(self.store, invoices, now, "api:1")
        return number

    def pays_everything(self, account: int) -> None:
        """A new card, and all that is owed with it in one act."""
        author = _PAYER
        method, now = self.card(account, "approve", author), self.stage.now
        shown = {one.currency: one.hash for one in settling.quote(self.store, account, now)}
        settling.settle(self.store, self.providers, account, shown, method, lambda: now, author)
        self.stage.perform()

    def story_of(self, account: int) -> list[DiaryLine]:
        """What happened to an account, from its first invoice on."""
        return [line for line in tell(self.store.history(account)) if line.what not in ("opened", "subscribed")]


CARD: Final = NewAccount("card", "Card", "NL", "Europe/Amsterdam", "en", Mode.CARD, contact="card@customer.example")


def card_story(scene: Scene, meanwhile: Callable[[], object] = lambda: None) -> tuple[int, list[DiaryLine]]:
    """Play it; the account's number, and its story from the first invoice on. Once its bills are due, `meanwhile` may
    let other things happen, up to the day on which it pays."""
    start = scene.stage.now
    number = scene.in_trouble(CARD, lambda _account: _PAYER)
    scene.stage.step()
    scene.stage.until(start + timedelta(days=DUE_DAYS))
    meanwhile()
    scene.stage.until(start + timedelta(days=DUE_DAYS + PAID_DAYS_LATE, hours=11))
    scene.pays_everything(number)
    return number, scene.story_of(number)


def choose_on_page(url: str, card: str) -> None:
    """Send the page's form as a browser would; where it leads back to is not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    request = urllib.request.Request(url, urllib.parse.urlencode({"card": card, "do": "go"}).encode())
    with suppress(urllib.error.HTTPError):
        urllib.request.build_opener(Stay).open(request, timeout=30).close()
