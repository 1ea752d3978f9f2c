"""A story with payment methods: the real Stripe adapter on Stripe's SDK, speaking to the sandbox provider over HTTP."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from tests.stories.story import API, Story

from arrears.adapters.payments.stripe import Stripe
from arrears.core.payments.settlement import Quote
from arrears.engine import system
from arrears.engine.payments import methods, settling, sweep
from arrears.engine.payments import provider_changes as changes
from arrears.engine.payments.providers import Providers
from arrears.ports import AttemptRecord
from arrears.sandbox.run import Running

ADMIN = "person:1"


class Paying(Story):
    """One account that pays by card. Sandbox time is the story's time."""

    def __init__(self, sandbox: Running, **story: Any) -> None:
        self.sandbox = sandbox
        bill = story.pop("bill", True)
        kinds = story.pop("kinds", ("card",))
        super().__init__(bill=False, **story)
        sandbox.sandbox._now = self._sandbox_now  # type: ignore[method-assign]
        self.stripe = Stripe(
            sandbox.secret_key,
            [sandbox.webhook_secret],
            live=False,
            api_base=sandbox.url,
            method_types=kinds,
            installation=system.identity(self.store, self.now),
        )
        self.providers = Providers({"stripe": self.stripe}, "http://127.0.0.1:9")
        self.stage.providers = self.providers
        self.pages = 0
        sweep.note_limits(self.store, self.providers, self.now)
        if bill:
            self.bill(-1, subscriptions=tuple(range(1, len(self.account.subscriptions) + 1)))

    def _sandbox_now(self) -> int:
        self.sandbox.sandbox.book.clock = int(self.now.timestamp()) + self.sandbox.sandbox.offset
        self.sandbox.sandbox.book.pass_time()
        return self.sandbox.sandbox.book.clock

    def control(self, what: str, **asked: Any) -> Any:
        """Let something happen at the provider, now."""
        self._sandbox_now()
        return self.sandbox.control(what, **asked)

    # -- methods ---------------------------------------------------------------------------------------------

    def set_up(self, card: str, *, own: bool = False) -> str:
        """Go to the provider's page and choose a card there, `own` for one that nobody else has too; the page."""
        self.pages += 1
        key = f"setup-{id(self)}-{self.pages}"
        page = methods.start_setup(self.store, self.providers, self.no, "stripe", key, "nl")
        if own:
            self.control("card", session=page.ref, card=card, own=True)
        else:
            post(page.url, card=card, do="go")
        return page.ref

    def add(self, card: str = "approve", *, own: bool = False) -> int:
        """Add a card; its number within the account."""
        page = self.set_up(card, own=own)
        return methods.finish_setup(self.store, self.providers, self.no, "stripe", page, self.now, ADMIN)

    def card(self, name: str = "approve", *subscriptions: int, own: bool = False) -> int:
        """Add a card and make it pay for these subscriptions (all), before anything is owed."""
        number = self.add(name, own=own)
        methods.activate(self.store, self.no, number, self.now, ADMIN, subscriptions)
        return number

    def bank_says(self, method: int, card: str) -> Paying:
        """From now on the bank answers as that test card's would."""
        ref = self.store.method(self.no, method).ref
        self.sandbox.control("behave", **{"method": ref, "as": card})
        return self

    # -- settling --------------------------------------------------------------------------------------------

    def owed(self, also: Sequence[int] = ()) -> list[Quote]:
        """What a settlement would take now."""
        return settling.quote(self.store, self.no, self.now, also)

    def settle(self, method: int, **how: Any) -> list[str]:
        """Settle everything shown with a method: the state of each currency's attempt."""
        quotes = how.pop("quotes", None) or self.owed(how.get("also", ()))
        shown = {q.currency: q.hash for q in quotes}
        found = settling.settle(self.store, self.providers, self.no, shown, method, lambda: self.now, ADMIN, **how)
        self.stage.perform()
        return [r.attempt.state for r in found]

    def attempts(self) -> list[AttemptRecord]:
        """The book of attempts."""
        return list(self.store.attempts(self.no))

    def sweep(self) -> Paying:
        """Ask the provider what changed."""
        sweep.sweep(self.store, self.providers, self.now)
        self.stage.perform()
        return self

    def webhook(self, body: bytes, signature: str) -> int:
        """A webhook arrives; how many changes it told."""
        found = self.stripe.changes_in(body, signature, self.now)
        for change in found:
            changes.apply(self.store, "stripe", change, self.now)
        self.stage.perform()
        return len(found)

    def answer_bank(self, *, confirmed: bool) -> Paying:
        """The customer answers the bank's question about the last attempt."""
        ref = self.attempts()[-1].ref
        self.sandbox.control("challenge", intent=ref, confirmed=confirmed)
        return self

    def taken(self) -> dict[str, int]:
        """What the provider has taken for this account, less what it gave back, by currency."""
        sums: dict[str, int] = {}
        for line in self.sandbox.control("book"):
            if line["attempt"].startswith(f"att_{self.no}_"):
                left = line["taken"] - line["refunded"] - line["disputed"]
                currency = line["currency"].upper()
                sums[currency] = sums.get(currency, 0) + left
        return {currency: minor for currency, minor in sums.items() if minor}

    def captures(self) -> int:
        """How many payments the provider has taken."""
        return sum(1 for line in self.sandbox.control("book") if line["taken"])


def post(url: str, **form: str) -> str:
    """Send a page's form, as a browser without scripts would; where it leads to is told and not followed."""
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode())

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(request, timeout=10).close()
    except urllib.error.HTTPError as answer:
        return answer.headers.get("Location", "")
    return ""


@contextmanager
def at(story: Paying, now: datetime) -> Iterator[None]:
    """Something that happens at another instant."""
    was, story.stage.now = story.stage.now, now
    yield
    story.stage.now = max(was, now)


__all__ = ["ADMIN", "API", "Paying", "at", "post"]
