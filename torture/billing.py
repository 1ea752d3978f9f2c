"""`python -m torture.billing`: a business on Stripe Billing with arrears beside it, while everything goes wrong.

Made-up customers subscribe, fail to pay and pay again; on Stripe's page, in parts, on both sides, too late; people
credit, void, write off, detach, mark as paid and switch automatic collection on again. Subscriptions are canceled here,
taken back, and end at Stripe. Webhooks come, come twice, come in the wrong order or never; Stripe is away for hours and
days, and answers to requests are lost after they were done.
The worker looks every few hours, and sometimes has no time to read Stripe Billing before it charges.

After each look with Stripe at hand: nothing that Stripe has as paid is open here. In the end, after one sweep: both
books say the same of each invoice; each cent that was taken at Stripe is on one invoice or is its customer's credit, so
nothing was taken twice and lost; nobody is disabled whose invoices are all paid; and what is canceled here is billed no
more, or is a task.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import stripe
from tests.stories.billed import Business

from arrears.core import facts as f
from arrears.core.account import Account
from arrears.core.errors import Refused
from arrears.core.states import Reason
from arrears.engine import commands
from arrears.sandbox.objects import WireError
from arrears.store import schema
from arrears.store.postgres.store import PostgresStore
from arrears.store.server import EmbeddedServer

CARDS: Final = ("approve", "insufficient_funds", "generic", "lost", "do_not_honor", "challenge")
KINDS: Final = ("invoice.payment_failed", "invoice.paid", "invoice.updated", "invoice.finalized", "credit_note.created")
LOOK_HOURS: Final = 12


class World:
    """One made-up business; what happens, and in which order, is the seed's."""

    def __init__(self, store: PostgresStore, seed: int, customers: int) -> None:
        self.rng = random.Random(seed)
        self.at = Business(store)
        self.wrong: list[str] = []
        self.counts: Counter[str] = Counter()
        self.elsewhere: dict[str, int] = {}
        """How much of each invoice a person called paid elsewhere, in Stripe's units."""
        self.people = [self.at.customer(self.rng.choice(CARDS)) for _ in range(customers)]
        for customer in self.people:
            amount, days = self.rng.choice((30, 700, 1000, 4900)), self.rng.choice((7, 30))
            self.at.control("subscribe", customer=customer, amount=amount, days=days)

    def play(self, days: int) -> None:
        """Live so many days, then let calm return and judge."""
        for _ in range(days * 24 // LOOK_HOURS):
            for _ in range(self.rng.randint(0, 2)):
                self.happen()
            self.at.step(LOOK_HOURS, look=False)
            self.at.net.away = self.rng.random() < (0.8 if self.at.net.away else 0.06)
            self.at.net.drops = self.rng.random() < 0.05
            reads = self.rng.random() < 0.85
            self.at.look(billing=reads)
            away, self.at.net.away, self.at.net.drops = self.at.net.away, False, False
            if reads and not away and self.at.try_sweep() == "":
                self.nothing_paid_is_open()
            self.at.net.away = away
        self.at.net.away = self.at.net.drops = False
        self.at.step(30).step(1)
        self.at.sweep(everybody=True)
        self.judge()

    # -- what happens ----------------------------------------------------------------------------------------------

    def happen(self) -> None:
        """Somebody does something, as far as it can be done."""
        acts = (
            self.bank_changes_its_mind,
            self.pays_on_the_page,
            self.pays_on_the_page,
            self.pays_a_part,
            self.is_credited,
            self.is_ended,
            self.is_detached,
            self.is_collected_again,
            self.webhook,
            self.webhook,
            self.gets_credit,
            self.cancels_here,
            self.comes_back_here,
            self.comes_back_here,
            self.ends_there,
            self.comes_back_there,
        )
        act = self.rng.choice(acts)
        away, self.at.net.away = self.at.net.away, False
        with suppress(WireError, stripe.StripeError, Refused, LookupError):
            act()
            self.counts[act.__name__] += 1
        self.at.net.away = away

    def invoice(self, *statuses: str) -> dict[str, Any]:
        """Some invoice in one of these states; LookupError where there is none."""
        found: dict[str, Any] = self.rng.choice([i for i in self.at.control("invoices") if i["status"] in statuses])
        return found

    def bank_changes_its_mind(self) -> None:
        """Another answer of the bank from now on."""
        self.at.behave(self.rng.choice(self.people), self.rng.choice(CARDS))

    def pays_on_the_page(self) -> None:
        """The customer pays an open invoice on Stripe's page."""
        invoice = self.invoice("open", "uncollectible")
        self.at.control("pay_on_page", invoice=invoice["id"], method=self.at.method(invoice["customer"]))

    def pays_a_part(self) -> None:
        """The same with a part of it."""
        invoice = self.invoice("open")
        part = self.rng.randint(1, max(1, invoice["amount_remaining"] // 2))
        method = self.at.method(invoice["customer"])
        self.at.control("pay_on_page", invoice=invoice["id"], method=method, amount=part)

    def is_credited(self) -> None:
        """A credit note of a part, of what is open."""
        invoice = self.invoice("open")
        v1: Any = self.at.stripe._v1
        v1.credit_notes.create({"invoice": invoice["id"], "amount": max(1, invoice["amount_remaining"] // 3)})

    def is_ended(self) -> None:
        """Voided, written off, or called paid elsewhere."""
        invoice = self.invoice("open")
        v1: Any = self.at.stripe._v1
        match self.rng.randrange(3):
            case 0:
                v1.invoices.void_invoice(invoice["id"])
            case 1:
                v1.invoices.mark_uncollectible(invoice["id"])
            case _:
                v1.invoices.pay(invoice["id"], {"paid_out_of_band": True})
                self.elsewhere[invoice["id"]] = invoice["amount_remaining"]

    def is_detached(self) -> None:
        """A payment that Stripe took is detached, and its money goes back to the customer."""
        invoice = self.invoice("paid")
        theirs = [one for one in invoice["paid_with"] if not one["ours"]]
        if theirs and invoice["paid_with"][-1] == theirs[-1]:
            self.at.control("detach_payment", invoice=invoice["id"])
            v1: Any = self.at.stripe._v1
            v1.refunds.create({"payment_intent": theirs[-1]["id"], "amount": theirs[-1]["amount"]})

    def is_collected_again(self) -> None:
        """Somebody switches automatic collection on again."""
        self.at.control("advance", invoice=self.invoice("open")["id"], on=True)

    def gets_credit(self) -> None:
        """Stripe's own balance of a customer."""
        self.at.control("balance", customer=self.rng.choice(self.people), change=-self.rng.randint(1, 900))

    def cancels_here(self) -> None:
        """A customer's service is canceled here."""
        customer = self.rng.choice(self.people)
        number = self.at.store.account_numbers([customer])[customer]
        commands.cancel(self.at.store, number, 1, self.at.now, "person:1")

    def comes_back_here(self) -> None:
        """A cancellation is taken back here, whoever made it."""
        customer = self.rng.choice(self.people)
        number = self.at.store.account_numbers([customer])[customer]
        commands.reactivate(self.at.store, number, 1, self.at.now, "person:1")

    def ends_there(self) -> None:
        """A subscription is ended at Stripe, at once or with its period, or goes on again."""
        subs = self.at.sandbox.book.billing.subscriptions.values()
        sub = self.rng.choice([one for one in subs if one.status != "canceled"])
        match self.rng.randrange(4):
            case 0:
                self.at.control("cancel_subscription", subscription=sub.id)
            case 1:
                self.at.control("cancel_subscription", subscription=sub.id, at_period_end=True)
            case _:
                self.at.sandbox.book.billing.end(sub, at_period_end=False)

    def comes_back_there(self) -> None:
        """A customer whose subscription has ended at Stripe subscribes again there."""
        customer = self.rng.choice(self.people)
        subs = self.at.sandbox.book.billing.subscriptions.values()
        if all(one.status == "canceled" for one in subs if one.customer == customer):
            self.at.control("subscribe", customer=customer, amount=700, days=7)

    def webhook(self) -> None:
        """One of the newest of its kind arrives, perhaps for the second time."""
        with suppress(AssertionError):
            self.at.hear(self.rng.choice(KINDS))

    # -- what must be so -------------------------------------------------------------------------------------------

    def nothing_paid_is_open(self) -> None:
        """What Stripe has as paid, voided or below its least charge is not demanded here."""
        for told in self.at.control("invoices"):
            self.counts["looked at"] += 1
            if told["status"] in ("paid", "void") and (here := self.at.owed(told["id"]).here):
                self.wrong.append(f"{self.at.now}: {told['number']} is {told['status']} at Stripe, {here} open here")

    def judge(self) -> None:
        """The end of the world."""
        self.wrong += [f"drift: {one}" for one in self.at.drift().differences]
        for customer in self.people:
            self.judge_customer(customer)
        for told in self.at.control("invoices"):
            if told["amount_overpaid"]:
                self.wrong.append(f"{told['number']} was overpaid by {told['amount_overpaid']}")

    def judge_customer(self, customer: str) -> None:
        """Each cent that was taken is on an invoice, or is credit."""
        invoices = self.at.control("invoices", customer=customer)
        paid = sum(one["amount_paid"] for one in invoices) - sum(
            minor for name, minor in self.elsewhere.items() if any(one["id"] == name for one in invoices)
        )
        account = self.at.account(customer)
        credit = account.credit.get("EUR", 0) if account is not None else 0
        if (taken := self.at.taken(customer)) != paid + credit:
            self.wrong.append(f"{customer}: {taken} taken, {paid} on invoices, {credit} credit")
        self.counts["taken"] += taken
        self.counts["paid twice, and credited"] += credit
        if account is None:
            return
        self.counts["declines reported"] += len(self.at.facts(customer, f.ChargeDeclined))
        all_paid = all(one["status"] in ("paid", "void") for one in invoices)
        self.judge_ends(customer, account)
        stopped = [sub.no for sub in account.subscriptions if Reason.PAST_DUE in sub.reasons]
        if all_paid and stopped:
            self.wrong.append(f"{customer}: everything is paid, and {stopped} are past due")

    def judge_ends(self, customer: str, account: Account) -> None:
        """What is canceled here is billed no more there; what goes on here does there, or somebody is told."""
        canceled = any(Reason.CANCELED in sub.reasons for sub in account.subscriptions)
        self.counts["canceled in the end"] += canceled
        theirs = [sub for sub in self.at.sandbox.book.billing.subscriptions.values() if sub.customer == customer]
        alive, tasks = [sub for sub in theirs if sub.status != "canceled"], self.at.tasks()
        named = any(sub.id in task for sub in theirs for task in tasks)
        if canceled and not named and any(not sub.at_period_end for sub in alive):
            self.wrong.append(f"{customer}: canceled here, billed on there, and nobody was told")
        waits = any(sub.period_end > self.at.now.timestamp() for sub in theirs)
        if account.subscriptions and not (canceled or alive or waits or named):
            self.wrong.append(f"{customer}: has ended there, goes on here, and nobody was told")


def played(store: PostgresStore, seed: int, customers: int, days: int) -> World:
    """One world, from its beginning to its end."""
    world = World(store, seed, customers)
    world.play(days)
    return world


def main() -> int:
    """Play worlds; the exit code is 1 where anything was wrong."""
    ask = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--count", type=int, default=3)
    ask.add_argument("--customers", type=int, default=5)
    ask.add_argument("--days", type=int, default=40)
    asked = ask.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="billing-"))
    folder.chmod(0o755)  # the server runs as somebody else
    server = EmbeddedServer(folder / "db")
    url, wrong = server.start(), 0
    try:
        for seed in range(asked.seed, asked.seed + asked.count):
            schema.create_scratch(url, f"world_{seed}")
            store = PostgresStore(url, schema=f"world_{seed}", durable=False, clock_is_real=False)
            world = played(store, seed, asked.customers, asked.days)
            store.close()
            wrong += len(world.wrong)
            counts = ", ".join(f"{name} {count}" for name, count in sorted(world.counts.items()))
            lines = [f"seed {seed}: {len(world.wrong)} wrong; {counts}", *(f"  {one}" for one in world.wrong)]
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
