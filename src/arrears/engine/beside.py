"""A billing system beside arrears: reading it, hearing its webhooks, and asking it before each charge of ours.

Only what it refuses because nobody may know is left out of what happens by itself: a sweep that fails is noted, and a
charge waits for the next.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from arrears.core.payments.values import CardsTried
from arrears.engine.commands.billing.sweeping import Swept, changed, sweep_billing, sweep_billing_if_due
from arrears.engine.commands.billing.syncing import Synced, in_doubt, sync_customer
from arrears.engine.payments.providers import Providers
from arrears.engine.payments.tries import record_tries
from arrears.ports.billing import BillingStore, BillingSystem


class BillingBeside:
    """One billing system and the store."""

    def __init__(self, store: BillingStore, system: BillingSystem) -> None:
        self.store = store
        self.system = system

    def keep_tries(self, provider: str, tried: CardsTried, now: datetime) -> None:
        """What others charged stands in the book of attempts."""
        record_tries(self.store, provider, tried, 0, now)

    def sweep(self, now: datetime) -> Swept:
        """Read it where it is connected and nobody just did."""
        return sweep_billing_if_due(self.store, self.system, now, self.keep_tries)

    def sweep_now(self, now: datetime, *, everybody: bool = False) -> Swept:
        """Read it. Refuses what it does, and `not_connected`."""
        return sweep_billing(self.store, self.system, now, self.keep_tries, everybody=everybody)

    def hear(self, body: bytes, signature: str, now: datetime) -> list[Synced]:
        """Read those of whom a webhook tells. Refuses what `BillingSystem.changed_in` does; what cannot be read now the
        next sweep reads, too."""
        if self.store.billing(self.system.name) is None:
            return []
        return changed(self.store, self.system, self.system.changed_in(body, signature, now), now, self.keep_tries)

    def before_charge(self, account: int, now: datetime) -> str:
        """Read the customer once more, and say why nothing may be charged, if that is so. Refuses where it cannot be
        read: nobody knows then who else has taken it."""
        connection = self.store.billing(self.system.name)
        ref = self.store.described([account])[account].ref
        if connection is None or not self.system.owns(ref):
            return ""
        sync_customer(self.store, self.system, connection, ref, frozenset(), now, self.keep_tries)
        doubted = in_doubt(self.store.snapshots([account])[account], self.system)
        return f"{self.system.name} may be charging it, so it is not charged from here" if doubted else ""


def beside(store: BillingStore, providers: Providers) -> Providers:
    """The payment providers with the billing system of the first that has one; whether that is connected is in the
    database."""
    systems = (provider.billing() for provider in providers.by_name.values())
    system = next((one for one in systems if one is not None), None)
    return providers if system is None else replace(providers, billing=BillingBeside(store, system))


def billing_of(providers: Providers) -> BillingBeside | None:
    """The billing system beside these providers."""
    return providers.billing if isinstance(providers.billing, BillingBeside) else None
