"""Every act in every state: what a page offers is not refused, and what is not offered is not possible.

The table is made by asking: each page says which buttons it has, and each act that could be meant is sent to the engine
by its own form. Nothing is listed by hand but the acts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

import pytest
from tests.sizes import ALL
from tests.web.living import day_in_amsterdam
from tests.web.page_forms import Offer, offers
from tests.web.states import RECIPES, Town
from tests.web.test_centre import text
from tests.web.troubles import TROUBLES, account_in, browser_of
from tests.web.visitors import forget_sessions, visitor

from arrears.core.policy import default_policy
from arrears.engine import system
from arrears.engine.payments import settling

NOBODYS: Final = 99
"""The number of a method or subscription that no account has."""

REFUSED: Final = (403, 409, 422)


class Act(NamedTuple):
    """What somebody asks for: the page that does it, the word of its form, and what it is about, as the form has it."""

    page: str
    do: str
    about: str = ""


ACTS: Final = {
    "settle": {"card": "", "pay": "method", "part": "method", "sent": ""},
    "methods": {"by_invoice": "", "add": "", "activate": "method", "remove": "method", "renew": "method"},
    "subscriptions": {"cancel": "subscription", "back": "subscription"},
    "story": {"confirm": "attempts"},
    "profile": {
        "address": "",
        "again": "",
        "test": "",
        "read": "",
        "invite": "",
        "withdraw": "invitation",
        "remove": "reader",
        "warn": "",
        "unwarn": "recipient",
    },
    "pay": {"": "sum", "confirm": ""},
}
"""For each page the acts of its forms, and what each is about. Looking again, and choosing what to pay too, change
nothing. `pay` is the page behind a pay link."""

FIELD: Final = {
    "method": "method",
    "subscription": "subscription",
    "invitation": "link",
    "reader": "person",
    "recipient": "address",
    "sum": "quote",
}
"""By which field a form names what it is about; what a payment's page is about stands in its address."""

LOOKS: Final = {("settle", "also"), ("story", "look"), ("pay", "look")}


def acts_of(town: Town, account: int) -> Iterator[Act]:
    """Every act that could be meant, on everything that the account has and on something that it has not."""
    snapshot = town.shop.store.snapshots([account])[account]
    contacts = town.shop.store.contacts([account])[account]
    quotes = settling.quote(town.shop.store, account, town.now)
    named: dict[str, list[object]] = {
        "": [""],
        "method": [*(one.no for one in snapshot.methods), NOBODYS],
        "subscription": [*(one.no for one in snapshot.subscriptions), NOBODYS],
        "attempts": stories(town, account),
        "invitation": [*(one.no for one in contacts.links if not one.person), NOBODYS],
        "reader": [*(one.no for one in contacts.people), NOBODYS],
        "recipient": [*(one.address for one in contacts.extras), "nobody@example.org"],
        "sum": [*(f"{one.currency}:{one.hash}" for one in quotes), f"EUR:{'0' * 64}"],
    }
    for page, acts in ACTS.items():
        if page == "pay" and account not in town.links:
            continue
        for do, kind in acts.items():
            yield from (Act(page, do, str(one)) for one in named[kind])


def stories(town: Town, account: int) -> list[object]:
    """The newest payments, each of which has a page of its own."""
    return [no for no in town.attempts(account).split("-") if no][-3:]


def form_of(town: Town, account: int, act: Act) -> tuple[str, dict[str, object]]:
    """Where an act is sent, and the best form that anybody could make for it."""
    store = town.shop.store
    quotes = settling.quote(store, account, town.now)
    form: dict[str, object] = {"do": act.do, FIELD.get(ACTS[act.page][act.do], "none"): act.about}
    if act.page == "settle":
        form["quote"] = [f"{one.currency}:{one.hash}" for one in quotes]
        form["seen"] = str(store.snapshots([account])[account].attempt_count)
        form |= {f"part_{one.currency}": str(one.amount_minor // 100) for one in quotes[:1]}
    form |= {"on": day_in_amsterdam(town.now).isoformat(), "text": "KvK 12345678"}
    if act.do == "renew":
        form |= {"month": "12", "year": str(town.now.year + 1)}
    paths = {"pay": "/pay/", "story": f"/acc_{account}/story/{act.about}"}
    return paths.get(act.page, f"/acc_{account}/{act.page}"), form


def offered(town: Town, account: int) -> dict[Act, list[Offer]]:
    """What the pages of the account and the page behind its pay link offer, with every form that does it."""
    browser = who(town, account)
    paths = ["", "settle", "methods", "subscriptions", "profile"]
    subscriptions = text(browser.get(f"/acc_{account}/subscriptions"))
    paths += [f"subscriptions?cancel={number}" for number in re.findall(r'\?cancel=(\d+)"', subscriptions)]
    paths += [f"story/{no}" for no in stories(town, account)]
    found: dict[Act, list[Offer]] = {}
    for path in [f"/acc_{account}/{path}" for path in paths]:
        for one in offers(browser.get(path), path):
            note(found, one, one.action.partition(f"/acc_{account}/")[2].partition("?")[0])
    if account in town.links:
        for one in offers(who(town, account, "pay").get("/pay/"), "/pay/"):
            note(found, one, "pay")
    return found


def note(found: dict[Act, list[Offer]], one: Offer, where: str) -> None:
    """Add an offer to those that were found; `where` is the page that its form goes to."""
    page, _, about = where.partition("/")
    if (page, one.do) in LOOKS:
        return
    assert one.do in ACTS.get(page, {}), f"{where or 'home'} has an act that is not in the table: {one}"
    kind = ACTS[page][one.do]
    found.setdefault(Act(page, one.do, about or (one.value(FIELD[kind]) if kind else "")), []).append(one)


def who(town: Town, account: int, page: str = "") -> Any:
    """The browser of somebody who may do what a page offers: of the administrator, who has just signed in, or of who
    came by the pay link."""
    if page == "pay":
        return visitor(town, "link", account)
    if account in {town.accounts.get(state) for state in TROUBLES}:
        return browser_of(town, account)
    forget_sessions()
    return visitor(town, "administrator")


def trace(town: Town, account: int) -> tuple[object, ...]:
    """What an act leaves behind: facts, who is reached how, and pages for a card that were opened."""
    store = town.shop.store
    return len(store.history(account)), store.contacts([account])[account], town.setup(account)


def leads_away(town: Town, answer: Any) -> bool:
    """Whether a page leads on to the provider or the bank, where money is taken."""
    return answer.status_code == 200 and town.shop.sandbox.url in answer.content.decode()


def prepared(town: Town) -> Town:
    """With a policy under which customers cancel here, for whom no other one is in force, and a second card or two."""
    shop = town.shop
    system.adopt_policy(shop.store, replace(default_policy(), cancel_by_customer="here"), town.now, "staff:1")
    for state in ("declined", "past due", "held", "card added", "canceled and owing"):
        town.card(town.accounts[state], "approve_mastercard", pays=False)
    return town


@pytest.fixture(scope="module")
def ready(town: Town) -> Town:
    return prepared(town)


STATES: Final = [*(state for state in RECIPES if "administrator" in RECIPES[state].roles), *TROUBLES]


TURNS: Final = 4 if ALL else 1
"""So many acts are done one after the other in each state, which the seed of the run chooses."""

ONCE: Final = ("address", "again")
"""A person is sent so many links a day, on whatever accounts: whoever administers the whole town asks for none here."""


@pytest.mark.sample(2)
@pytest.mark.parametrize("state", STATES)
def test_what_is_offered_is_not_refused_and_what_is_not_offered_is_not_possible(ready: Town, state: str) -> None:
    account = account_in(ready, state)
    for _ in range(TURNS):
        possible, every = offered(ready, account), set(acts_of(ready, account))
        assert possible.keys() <= every
        wrong = [found for act in sorted(every - possible.keys()) if (found := not_possible(ready, account, act))]
        choice = [act for act in sorted(possible) if state in TROUBLES or act.do not in ONCE]
        if choice:
            act = random.choice(choice)
            wrong += [found] if (found := done(ready, account, act, possible[act][0])) else []
        assert not wrong, "\n".join(wrong)


def not_possible(town: Town, account: int, act: Act) -> str:
    """Send the form of an act that no page offers; what it has done all the same, empty where nothing."""
    before, (path, form) = trace(town, account), form_of(town, account, act)
    answer = who(town, account, act.page).post(path, form)
    nothing = trace(town, account) == before and not leads_away(town, answer)
    return "" if nothing else f"{act} is done ({answer.status_code}), and no page offers it"


def done(town: Town, account: int, act: Act, offer: Offer) -> str:
    """Do an act as its page offers it; what is wrong with the answer, empty where nothing is."""
    fields = dict(offer.fields)
    if act.do == "part":
        quote = settling.quote(town.shop.store, account, town.now)[0]
        fields[f"part_{quote.currency}"] = [str(quote.amount_minor // 100)]
    if act.do == "renew":
        expires_on = town.shop.store.snapshots([account])[account].method(int(act.about)).expires_on
        assert expires_on is not None
        fields["year"] = [str(expires_on.year + 1)]
    if act.do in ("address", "invite", "warn"):
        fields["address"] = [f"{act.do}{random.getrandbits(40)}@example.org"]
    if act.do == "by_invoice":
        fields["text"] = ["KvK 12345678, about EUR 100 a month"]
    if act.do == "read":
        fields["zone"] = [random.choice([zone for zone in ZONES if [zone] != fields["zone"]])]
    before = trace(town, account)
    answer = who(town, account, act.page).post(offer.action, fields)
    if answer.status_code in REFUSED:
        return f"{act} is offered as {offer.says!r} and refused: {answer.status_code}"
    nothing = trace(town, account) == before and not leads_away(town, answer)
    return f"{act} is offered as {offer.says!r} and does nothing" if nothing else ""


ZONES: Final = ("Europe/Brussels", "Europe/Paris")
