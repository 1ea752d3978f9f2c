"""Acts that are half the remedy, each walked to its other half: in one language with scripts, in the other without."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest
from playwright.sync_api import expect
from tests.site import using
from tests.store.contract import wait_until
from tests.web.journeys.conftest import Meet
from tests.web.journeys.person import Person
from tests.web.journeys.scene import Scene
from tests.web.test_alerts import mint_over_http, portal

from arrears.core.policy import default_policy
from arrears.engine import system
from arrears.engine.booking import Payment
from arrears.engine.commands import record_payments

pytestmark = pytest.mark.sample(1)

NUMBERS: Final = itertools.count(201)
THREE_DAYS_LATE: Final = datetime(2026, 1, 29, 9, tzinfo=UTC)
BEFORE_DUE: Final = datetime(2026, 1, 7, 9, tzinfo=UTC)


@pytest.fixture(params=[("en", True), ("nl", False)], ids=["en", "nl-no-scripts"])
def reads(request: pytest.FixtureRequest) -> tuple[str, bool]:
    """A language, and whether the browser runs scripts."""
    language, scripts = request.param
    return str(language), bool(scripts)


def somebody(scene: Scene, meet: Meet, reads: tuple[str, bool], **history: object) -> Person:
    """The administrator of an account with this history."""
    language, scripts = reads
    account = scene.customer(language, next(NUMBERS), **history)  # type: ignore[arg-type]
    return meet(language, account, scripts=scripts)


def test_a_card_is_added_while_something_is_owed_and_one_button_pays(
    scene: Scene, meet: Meet, reads: tuple[str, bool]
) -> None:
    anna = somebody(scene, meet, reads, card="insufficient_funds", until=THREE_DAYS_LATE)
    anna.opens("methods")
    anna.signs_in()
    anna.picture("add-card-1-declined")
    anna.clicks("Add a card", "Een kaart toevoegen")
    anna.chooses("approve")
    if not anna.scripts:
        anna.goes_on_unless("was added. Nothing was collected.", "is toegevoegd. Er is niets afgeschreven.")
    anna.sees("was added. Nothing was collected.", "is toegevoegd. Er is niets afgeschreven.")
    anna.sees("€120.00 is still open.", "Er staat nog € 120,00 open.")
    assert scene.captures(anna.account) == []
    anna.picture("add-card-2-added")
    anna.clicks("Use it for cloud and pay €120.00", "Gebruiken voor cloud en € 120,00 betalen")
    anna.title_is("Thank you: your payment has arrived", "Bedankt, uw betaling is binnen")
    anna.picture("add-card-3-paid")
    assert scene.captures(anna.account) == [12000]
    assert scene.shop.store.snapshots([anna.account])[anna.account].subscription(1).method == 2


@pytest.fixture
def cancelable(scene: Scene) -> Iterator[None]:
    """Customers cancel here, for as long as the test lasts."""
    scene.stand(BEFORE_DUE)
    system.adopt_policy(scene.shop.store, replace(default_policy(), cancel_by_customer="here"), BEFORE_DUE, "staff:1")
    yield
    system.adopt_policy(scene.shop.store, default_policy(), scene.shop.clock.now(), "staff:1")


def test_a_service_is_canceled_and_comes_back(
    scene: Scene, meet: Meet, reads: tuple[str, bool], cancelable: None
) -> None:
    anna = somebody(scene, meet, reads, until=BEFORE_DUE)
    anna.opens("subscriptions")
    anna.signs_in()
    anna.clicks("Cancel cloud", "cloud opzeggen")
    anna.title_is("Cancel cloud?", "cloud opzeggen?")
    anna.sees("cloud stops today.", "cloud stopt vandaag.")
    anna.picture("cancel-1-asked")
    anna.clicks("Yes, cancel cloud", "Ja, cloud opzeggen")
    scene.works()
    anna.opens("subscriptions")
    anna.sees("Bring cloud back", "cloud terughalen")
    anna.picture("cancel-2-canceled")
    assert scene.shop.states(anna.account) == ["disabled"]
    anna.clicks("Bring cloud back", "cloud terughalen")
    anna.sees("cloud comes back", "cloud komt terug")
    scene.works()
    anna.opens("subscriptions")
    anna.does_not_see("Bring cloud back", "cloud terughalen")
    assert scene.shop.states(anna.account) == ["active"]


def test_a_new_address_is_confirmed_there_and_then_used(scene: Scene, meet: Meet, reads: tuple[str, bool]) -> None:
    anna = somebody(scene, meet, reads, owes=0, until=BEFORE_DUE)
    anna.opens("profile")
    anna.signs_in()
    new = f"billing{anna.account}@example.org"
    anna.page.get_by_label(anna.words("New contact address", "Nieuw contactadres")).fill(new)
    anna.clicks("Send a link to this address", "Een link naar dit adres sturen")
    anna.sees(f"We sent a link to {new}.", f"Wij hebben een link naar {new} gestuurd.")
    anna.picture("address-1-waits", whole=False)
    scene.works()
    signs_in_with, anna.email = anna.email, new
    anna.reads("Please confirm this address", "Bevestig dit e-mailadres")
    anna.picture("address-2-mail")
    anna.clicks("Confirm this address", "Bevestig dit adres")
    anna.title_is("Is this the right address?", "Klopt dit e-mailadres?")
    anna.picture("address-3-asked")
    anna.clicks("Yes, this is right", "Ja, dit klopt")
    anna.title_is("Thank you: this address is confirmed", "Bedankt, dit adres is bevestigd")
    anna.picture("address-4-confirmed")
    anna.opens("profile")
    anna.sees("confirmed on", "bevestigd op")
    anna.does_not_see("We sent a link to", "Wij hebben een link naar")
    [person] = [p for p in scene.shop.store.contacts([anna.account])[anna.account].people if p.contact == new]
    assert person.sign_in == signs_in_with, "signing in stays as it was"


def test_the_banner_keeps_what_it_knows_without_a_network_and_goes_once_all_is_paid(
    scene: Scene, meet: Meet, reads: tuple[str, bool]
) -> None:
    from arrears.web import api_tokens

    anna = somebody(scene, meet, reads, card="insufficient_funds", until=THREE_DAYS_LATE)
    store, now = scene.shop.store, scene.shop.clock.now
    token = api_tokens.create_token(f"portal-{anna.account}", "read", now())
    with portal(scene.shop.url, anna.account, anna.language) as (url, state), using(portal_origins=frozenset({url})):
        state["token"] = mint_over_http(scene.shop.url, anna.account, token)
        anna.page.goto(url)
        banner = anna.page.locator("arrears-alerts")
        if not anna.scripts:
            expect(banner, "the portal stands as it was").to_have_text("")
            expect(anna.page.locator("h1")).to_have_text("Portal")
            return
        expect(banner).to_contain_text(anna.words("€120.00", "€ 120,00"))
        anna.picture("banner-1-owed")
        asked: list[str] = []
        anna.page.on("request", lambda request: asked.append(request.url))
        anna.context.set_offline(True)
        record_payments(store, [Payment(anna.account, f"b-{anna.account}", "EUR", 12000)], now(), "api:1")
        anna.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(banner, "what was known last").to_contain_text(anna.words("€120.00", "€ 120,00"))
        assert asked == []
        anna.context.set_offline(False)
        expect(banner).not_to_contain_text(anna.words("€120.00", "€ 120,00"), timeout=45_000)
        wait_until(lambda: bool(asked))
