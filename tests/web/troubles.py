"""More states of an account than the town has: questions of a bank, money that went back, and who is told what.

Each is an account of its own with an administrator of its own, lived into on the town's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from tests.site import PASSWORD
from tests.web import states
from tests.web.living import day_in_amsterdam
from tests.web.states import Town
from tests.web.visitors import sign_in

from arrears.core import facts as f
from arrears.engine import commands
from arrears.engine.acting import acting_on
from arrears.engine.booking import Payment
from arrears.engine.payments import methods, refunds
from arrears.engine.payments.sweep import sweep
from arrears.engine.people import access, profile

STAFF: Final = "staff:1"


def _asked(town: Town) -> int:
    """A card was to pay, and its bank asks the customer."""
    account = town.shop.account((12000, "EUR"), (3000, "EUR"), days=12)
    town.card(account, "challenge")
    return account


def _asked_and_paid_otherwise(town: Town) -> int:
    account = _asked(town)
    _books(town, account, 15000)
    return account


def _asked_and_paid_in_part(town: Town) -> int:
    account = _asked(town)
    _books(town, account, 3000)
    return account


def _asked_and_disputed(town: Town) -> int:
    account = _asked(town)
    for debt in (1, 2):
        commands.dispute(town.shop.store, account, debt, town.now, "person:1")
    return account


def _asked_and_disputed_in_part(town: Town) -> int:
    account = _asked(town)
    commands.dispute(town.shop.store, account, 1, town.now, "person:1")
    return account


def _asked_twice(town: Town) -> int:
    """Left open at the bank, and begun again with another card of the same kind."""
    account = _asked(town)
    town.card(account, "challenge")
    return account


def _asked_without_the_customer(town: Town) -> int:
    """Our own charge of the due date was answered with a question."""
    account = town.shop.account()
    store, now = town.shop.store, town.now
    methods.activate(store, account, town.card(account, "challenge", pays=False).method, now, "person:1")
    day = day_in_amsterdam(now)
    due = [commands.Invoice(account, f"A{account}", "EUR", 12000, day - timedelta(days=14), day, (1, 2))]
    commands.issue_invoices(store, due, now, "api:1")
    town.shop.work()
    return account


def _paid(town: Town) -> tuple[int, str]:
    """Everything was paid by card; the account, and the payment as it is booked."""
    account = town.shop.account((12000, "EUR"), days=12)
    town.card(account, "approve")
    town.shop.work()
    return account, f"stripe:{town.shop.store.attempts(account)[-1].ref}"


def _given_back(town: Town) -> int:
    account, payment = _paid(town)
    _gives_back(town, payment, 5000)
    return account


def _given_back_and_owed_again(town: Town) -> int:
    account, payment = _paid(town)
    _gives_back(town, payment, 5000, reopens=True)
    return account


def _given_back_whole(town: Town) -> int:
    account, payment = _paid(town)
    _gives_back(town, payment, 12000)
    return account


def _charged_back(town: Town) -> int:
    account, payment = _paid(town)
    town.shop.sandbox.control("dispute", intent=payment.partition(":")[2])
    sweep(town.shop.store, town.shop.providers, town.now)
    return account


def _paid_too_much(town: Town) -> int:
    account = town.shop.account((12000, "EUR"), days=12)
    _books(town, account, 20000)
    return account


def _tells_others(town: Town) -> int:
    """A reader, one who is invited, one who is warned, and a new address that is not confirmed yet."""
    account = town.shop.account((12000, "EUR"), days=25)
    store, now = town.shop.store, town.now
    invited = access.invite(store, account, f"reader{account}@example.org", "billing_reader", "Rob", now, STAFF)
    with acting_on(store, account, now) as unit:
        person = store.new_person(f"reader{account}@example.org", "Rob", PASSWORD, "nl", now)
        store.give_role(account, person, "billing_reader")
        store.end_link(invited, now)
        unit.record(f.InvitationAccepted(link=invited, person=person, role="billing_reader"), f"person:{person}")
    access.invite(store, account, f"later{account}@example.org", "billing_reader", "", now, STAFF)
    profile.add_extra(store, account, f"ops{account}@example.org", "", "nl", now=now, author=STAFF)
    profile.change_address(store, account, administrator(town, account), f"new{account}@example.org", now, STAFF)
    return account


def _is_dead(town: Town) -> int:
    account = town.shop.account((12000, "EUR"), days=25)
    with town.shop.store.accounts([account], town.now) as batch:
        batch.mark_dead(town.shop.email(account), "5.1.1", town.now)
    return account


TROUBLES: Final[dict[str, Callable[[Town], int]]] = {
    "asked by the bank": _asked,
    "asked, and paid otherwise": _asked_and_paid_otherwise,
    "asked, and paid in part": _asked_and_paid_in_part,
    "asked, and disputed": _asked_and_disputed,
    "asked, and disputed in part": _asked_and_disputed_in_part,
    "asked twice": _asked_twice,
    "asked without the customer": _asked_without_the_customer,
    "given back": _given_back,
    "given back, and owed again": _given_back_and_owed_again,
    "given back whole": _given_back_whole,
    "charged back": _charged_back,
    "paid too much": _paid_too_much,
    "tells others": _tells_others,
    "address is dead": _is_dead,
}
"""How an account comes into each state."""


def account_in(town: Town, state: str) -> int:
    """The account of a state, which it comes into when it is first asked for."""
    if state not in town.accounts:
        town.accounts[state] = TROUBLES[state](town)
        town.shop.work()
        states.keep_links(town)
    return town.accounts[state]


def administrator(town: Town, account: int) -> int:
    """The number of the person who administers an account."""
    found = town.shop.store.contacts([account])[account].administrator
    assert found is not None, "each of these accounts has an administrator"
    return found.no


def browser_of(town: Town, account: int) -> Any:
    """A browser in which the administrator of one of these accounts has signed in."""
    from django.test import Client

    browser = Client(HTTP_HOST="localhost", raise_request_exception=False)
    sign_in(town, browser, "/sign-in", town.shop.email(account))
    return browser


def _books(town: Town, account: int, minor: int) -> None:
    paid = [Payment(account, f"bank-{account}-{minor}", "EUR", minor)]
    commands.record_payments(town.shop.store, paid, town.now, "api:1")


def _gives_back(town: Town, payment: str, minor: int, *, reopens: bool = False) -> None:
    shop = town.shop
    refunds.refund(shop.store, shop.providers, payment, minor, town.now, STAFF, "kindness", "a", reopens=reopens)
