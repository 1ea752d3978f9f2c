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
from tests.web.page_forms import Offer, offers
from tests.web.states import RECIPES, Town
from tests.web.test_centre import text
from tests.web.visitors import visitor

from arrears.core.policy import default_policy
from arrears.engine import system
from arrears.engine.payments import settling

NOBODYS: Final = 99
"""The number of a method or subscription that no account has."""

REFUSED: Final = (403, 409, 422)


class Act(NamedTuple):
    """What somebody asks for: the page that does it, the word of its form, and the number of what it is about."""

    page: str
    do: str
    about: int = 0


ACTS: Final = {
    "settle": {"card": "", "pay": "method", "part": "method"},
    "methods": {"add": "", "activate": "method", "remove": "method", "renew": "method"},
    "subscriptions": {"cancel": "subscription", "back": "subscription"},
    "story": {"confirm": ""},
}
"""For each page the acts of its forms, and what each names. Looking again, and choosing what to pay too, change
nothing; who is told what does not depend on what is owed."""

LOOKS: Final = {("settle", "also"), ("story", "look")}


def acts_of(town: Town, account: int) -> Iterator[Act]:
    """Every act that could be meant, on everything that the account has and on something that it has not."""
    snapshot = town.shop.store.snapshots([account])[account]
    named = {
        "": [0],
        "method": [*(one.no for one in snapshot.methods), NOBODYS],
        "subscription": [*(one.no for one in snapshot.subscriptions), NOBODYS],
    }
    for page, acts in ACTS.items():
        if page == "story" and not town.attempts(account):
            continue
        for do, field in acts.items():
            yield from (Act(page, do, number) for number in named[field])


def form_of(town: Town, account: int, act: Act) -> tuple[str, dict[str, object]]:
    """Where an act is sent, and the best form that anybody could make for it."""
    store = town.shop.store
    quotes = settling.quote(store, account, town.now)
    form: dict[str, object] = {"do": act.do, ACTS[act.page][act.do] or "none": str(act.about)}
    if act.page == "settle":
        form["quote"] = [f"{one.currency}:{one.hash}" for one in quotes]
        form["seen"] = str(store.snapshots([account])[account].attempt_count)
        form |= {f"part_{one.currency}": str(one.amount_minor // 100) for one in quotes[:1]}
    if act.do == "renew":
        form |= {"month": "12", "year": str(town.now.year + 1)}
    path = f"story/{town.attempts(account).rpartition('-')[2]}" if act.page == "story" else act.page
    return f"/acc_{account}/{path}", form


def offered(town: Town, browser: Any, account: int) -> dict[Act, list[Offer]]:
    """What the pages of the account offer, with every form that does it."""
    paths = ["", "settle", "methods", "subscriptions"]
    subscriptions = text(browser.get(f"/acc_{account}/subscriptions"))
    paths += [f"subscriptions?cancel={number}" for number in re.findall(r'\?cancel=(\d+)"', subscriptions)]
    if town.attempts(account):
        paths.append(f"story/{town.attempts(account).rpartition('-')[2]}")
    found: dict[Act, list[Offer]] = {}
    for path in paths:
        for one in offers(browser.get(f"/acc_{account}/{path}"), f"/acc_{account}/{path}"):
            page = one.action.partition(f"/acc_{account}/")[2].partition("?")[0].partition("/")[0]
            if (page, one.do) in LOOKS:
                continue
            assert one.do in ACTS.get(page, {}), f"{path or 'home'} has an act that is not in the table: {one}"
            found.setdefault(Act(page, one.do, one.number(ACTS[page][one.do] or "none")), []).append(one)
    return found


def trace(town: Town, account: int) -> tuple[int, int]:
    """What an act leaves behind: facts, and pages for a card that were opened."""
    return len(town.shop.store.history(account)), town.setup(account)


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


STATES: Final = [state for state in RECIPES if "administrator" in RECIPES[state].roles]


TURNS: Final = 4 if ALL else 1
"""So many acts are done one after the other in each state, which the seed of the run chooses."""


@pytest.mark.sample(2)
@pytest.mark.parametrize("state", STATES)
def test_what_is_offered_is_not_refused_and_what_is_not_offered_is_not_possible(ready: Town, state: str) -> None:
    account, browser = ready.accounts[state], visitor(ready, "administrator")
    for _ in range(TURNS):
        possible = offered(ready, browser, account)
        every = set(acts_of(ready, account))
        assert possible.keys() <= every
        wrong = [found for act in sorted(every - possible.keys()) if (found := not_possible(ready, account, act))]
        if possible:
            act = random.choice(sorted(possible))
            wrong += [found] if (found := done(ready, account, act, possible[act][0])) else []
        assert not wrong, "\n".join(wrong)


def not_possible(town: Town, account: int, act: Act) -> str:
    """Send the form of an act that no page offers; what it has done all the same, empty where nothing."""
    before, (path, form) = trace(town, account), form_of(town, account, act)
    answer = visitor(town, "administrator").post(path, form)
    return "" if trace(town, account) == before else f"{act} is done ({answer.status_code}), and no page offers it"


def done(town: Town, account: int, act: Act, offer: Offer) -> str:
    """Do an act as its page offers it; what is wrong with the answer, empty where nothing is."""
    fields = dict(offer.fields)
    if act.do == "part":
        quote = settling.quote(town.shop.store, account, town.now)[0]
        fields[f"part_{quote.currency}"] = [str(quote.amount_minor // 100)]
    if act.do == "renew":
        expires_on = town.shop.store.snapshots([account])[account].method(act.about).expires_on
        assert expires_on is not None
        fields["year"] = [str(expires_on.year + 1)]
    before = trace(town, account)
    answer = visitor(town, "administrator").post(offer.action, fields)
    if answer.status_code in REFUSED:
        return f"{act} is offered as {offer.says!r} and refused: {answer.status_code}"
    # A page that leads on to the bank, where an open payment is confirmed, leaves nothing behind here.
    nothing = trace(town, account) == before and act.do != "confirm" and answer.status_code != 200
    return f"{act} is offered as {offer.says!r} and does nothing" if nothing else ""
