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
from arrears.adapters.payments.stripe import Stripe
from arrears.adapters.services.inprocess import InProcessServices
from arrears.core.account import Mode
from arrears.engine import commands, methods, settling, system
from arrears.engine.attempts import Providers
from arrears.engine.desk import PLAIN_DESK, Desk
from arrears.ports import Channel, NewAccount, Store
from arrears.sandbox.run import Running
from arrears.sim.stage import Stage
from arrears.sim.story import Line, tell

SERVICES: Final = ("cloud", "mail")
PRICES: Final = (4900, 1200)
DUE_DAYS: Final = 14
PAID_DAYS_LATE: Final = 33

Choose = Callable[[str, str], None]
"""Goes to the provider's page (address) and chooses a card there (its name in sandbox/cards.py)."""


def card_story(
    store: Store,
    sandbox: Running,
    start: datetime,
    choose: Choose,
    channel: Channel | None = None,
    desk: Desk = PLAIN_DESK,
) -> tuple[int, list[Line]]:
    """Play it; the account's number, and its story from the first invoice on. Its mail goes through `channel`, in the
    words of `desk`."""
    stripe = Stripe(sandbox.secret_key, [sandbox.webhook_secret], live=False, api_base=sandbox.url)
    providers = Providers({"stripe": stripe})
    stage = Stage(store, channel or MemoryChannel(), InProcessServices(), start, providers=providers, desk=desk)
    # The made-up year may have ended on a day when something was in doubt; a person has looked at it since.
    system.confirm_clock(store, start, "staff:1")
    system.set_breaker(store, is_open=False, now=start, author="staff:1")
    system.set_feed(store, stale=False, now=start, author="staff:1")
    new = NewAccount(f"card-{start:%Y%m%d}", "Card", "NL", "Europe/Amsterdam", "en", Mode.CARD, contact="c@example.org")
    [number] = commands.open_accounts(store, [(new, SERVICES)], start, "api:1")

    def card(name: str) -> int:
        sandbox.control("clock", now=int(stage.now.timestamp()))
        page = methods.start_setup(store, providers, number, "stripe", f"demo-{name}-{stage.now}", "en")
        choose(page.url, name)
        return methods.finish_setup(store, providers, number, "stripe", page.ref, stage.now, "person:1")

    methods.activate(store, number, card("insufficient_funds"), start, "person:1")
    due_on = start.date() + timedelta(days=DUE_DAYS)
    invoices = [
        commands.Invoice(number, f"C{start:%Y}-{k}", "EUR", price, start.date(), due_on, (k,))
        for k, price in enumerate(PRICES, 1)
    ]
    commands.issue_invoices(store, invoices, start, "api:1")
    stage.step()
    stage.until(start + timedelta(days=DUE_DAYS + PAID_DAYS_LATE, hours=11))
    new_card = card("approve")
    owed = settling.quote(store, number, stage.now)
    shown = {one.currency: one.hash for one in owed}
    settling.settle(store, providers, number, shown, new_card, lambda: stage.now, "person:1")
    stage.perform()
    return number, [line for line in tell(store.history(number)) if line.what not in ("opened", "subscribed")]


def choose_on_page(url: str, card: str) -> None:
    """Send the page's form as a browser would; where it leads back to is not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    request = urllib.request.Request(url, urllib.parse.urlencode({"card": card, "do": "go"}).encode())
    with suppress(urllib.error.HTTPError):
        urllib.request.build_opener(Stay).open(request, timeout=30).close()
