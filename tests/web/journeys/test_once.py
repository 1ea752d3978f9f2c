"""Whatever a payer does with buttons and tabs: one charge, one story. The provider's own book is the judge.

Each with and without scripts in the browser.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from tests.stories.paying import post
from tests.web.journeys.conftest import Meet
from tests.web.journeys.person import Person
from tests.web.journeys.scene import Scene

pytestmark = pytest.mark.sample(1)

NUMBERS = itertools.count(101)
THREE_DAYS_LATE = datetime(2026, 1, 29, 9, tzinfo=UTC)
PAID = ("Paid: €120.00", "Betaald: € 120,00")
THANKS = ("Thank you: your payment has arrived", "Bedankt, uw betaling is binnen")
NOTHING = ("Nothing to pay", "Er valt niets te betalen")


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def anna(request: pytest.FixtureRequest, scene: Scene, meet: Meet) -> Person:
    """An administrator whose card was declined, and works again."""
    language = "nl" if request.param else "en"
    account = scene.customer(language, next(NUMBERS), card="insufficient_funds", until=THREE_DAYS_LATE)
    scene.bank_says(account, "approve")
    return meet(language, account, scripts=request.param)


@pytest.mark.turn(2)
def test_a_double_click_then_refresh_then_back_and_again(scene: Scene, anna: Person) -> None:
    anna.opens("settle")
    anna.signs_in()
    anna.page.get_by_label("Visa 9995").check()
    anna.page.locator('button[value="pay"]').dblclick()
    anna.title_is(*THANKS)
    story = anna.page.url
    anna.page.reload()
    anna.sees(*PAID)
    anna.page.go_back()
    anna.title_is(*NOTHING)
    anna.page.go_forward()
    assert anna.page.url == story
    assert scene.captures(anna.account) == [12000]
    assert [a.state for a in scene.shop.store.attempts(anna.account) if a.initiator == "customer"] == ["paid"]


@pytest.mark.turn(2)
def test_a_form_that_stood_open_in_another_tab_leads_to_the_same_story(scene: Scene, anna: Person) -> None:
    anna.opens("settle")
    anna.signs_in()
    first = anna.new_tab()
    anna.opens("settle")
    second = anna.page
    for tab in (first, second):
        tab.get_by_label("Visa 9995").check()
    for tab in (first, second):
        tab.locator('button[value="pay"]').click()
        anna.page = tab
        anna.title_is(*THANKS)
    assert first.url == second.url
    assert scene.captures(anna.account) == [12000]


@pytest.mark.turn(2)
def test_new_cards_in_two_tabs_pay_once_however_often_the_return_page_is_loaded(scene: Scene, anna: Person) -> None:
    scene.webhooks(arrive=False)
    anna.opens("settle")
    anna.signs_in()
    first = anna.new_tab()
    anna.opens("settle")
    second = anna.page
    for tab in (first, second):
        anna.page = tab
        anna.clicks("Pay €120.00 with a new card", "€ 120,00 betalen met een nieuwe kaart")
        tab.wait_for_url(f"{scene.sandbox.url}/pay/**")
    anna.page = first
    anna.chooses("approve")
    anna.sees("We are asking the payment provider about your card", "Wij vragen uw kaart op bij de betaaldienst")
    back = anna.page.url
    anna.page.reload()
    anna.clicks("Go on", "Doorgaan")
    anna.title_is(*THANKS)
    story = anna.page.url
    for _ in range(2):
        anna.page.goto(back)
        assert anna.page.url == story
    anna.page = second
    anna.chooses("approve_mastercard")
    anna.clicks("Go on", "Doorgaan")
    anna.title_is(*NOTHING)
    anna.sees("nothing was charged", "er is niets afgeschreven")
    assert scene.captures(anna.account) == [12000]


@pytest.mark.turn(2)
def test_a_page_that_was_left_takes_nothing_and_a_tab_that_was_closed_loses_nothing(scene: Scene, anna: Person) -> None:
    anna.opens("settle")
    anna.signs_in()
    anna.clicks("Pay €120.00 with a new card", "€ 120,00 betalen met een nieuwe kaart")
    anna.clicks("Go back without saving", "Terug zonder op te slaan")
    anna.sees("No card was set up, so nothing was charged.", "Er is geen kaart ingesteld; er is niets afgeschreven.")
    anna.title_is("Pay what is open", "Openstaand bedrag betalen")
    assert scene.captures(anna.account) == []

    anna.clicks("Pay €120.00 with a new card", "€ 120,00 betalen met een nieuwe kaart")
    anna.page.wait_for_url(f"{scene.sandbox.url}/pay/**")
    anna.page.go_back()
    anna.title_is("Pay what is open", "Openstaand bedrag betalen")
    anna.clicks("Pay €120.00 with a new card", "€ 120,00 betalen met een nieuwe kaart")
    anna.page.wait_for_url(f"{scene.sandbox.url}/pay/**")
    # The card is set up, and the tab closed before it has come back.
    page, closed = anna.page.url, anna.new_tab()
    closed.close()
    post(page, card="approve", do="go")
    scene.until_captured(anna.account)
    scene.later(hours=2)
    anna.opens("")
    anna.title_is("Everything is in order", "Alles is in orde")
    assert scene.captures(anna.account) == [12000]


@pytest.mark.turn(3)
def test_a_pay_link_pays_once_after_back_a_second_tab_and_a_page_that_was_left(scene: Scene, anna: Person) -> None:
    scene.webhooks(arrive=False)
    pay = ("Pay €120.00", "€ 120,00 betalen")
    anna.reads("Payment declined", "Betaling geweigerd")
    anna.clicks("Pay €120.00", "€ 120,00 betalen")
    anna.clicks(*pay)
    anna.clicks("Go back without paying", "Terug zonder te betalen")
    anna.sees("If you left it without paying, nothing was taken.", "Hebt u de pagina verlaten zonder te betalen")
    anna.title_is("Pay what is open", "Openstaand bedrag betalen")
    anna.clicks(*pay)
    anna.page.wait_for_url(f"{scene.sandbox.url}/pay/**")
    anna.page.go_back()
    anna.title_is("Pay what is open", "Openstaand bedrag betalen")

    first = anna.new_tab()
    anna.page.goto(f"{scene.shop.url}/pay/")
    anna.clicks(*pay)
    second = anna.page
    second.wait_for_url(f"{scene.sandbox.url}/pay/**")
    anna.page = first
    anna.clicks(*pay)
    anna.chooses("approve")
    anna.clicks("Look again", "Opnieuw kijken")
    anna.title_is(*THANKS)
    anna.page.reload()
    anna.sees(*PAID)
    second.reload()
    anna.page = second
    anna.title_is("This page is closed", "Deze pagina is gesloten")
    assert scene.captures(anna.account) == [12000]


def asked_to_confirm(scene: Scene, meet: Meet, language: str, *, scripts: bool) -> Person:
    """Somebody whose bank asks for a confirmation, on the bank's page, by the button of the mail."""
    account = scene.customer(language, next(NUMBERS), card="challenge", until=THREE_DAYS_LATE)
    anna = meet(language, account, scripts=scripts)
    anna.reads("Please confirm €120.00", "Bevestig € 120,00")
    anna.clicks("Confirm €120.00", "Bevestig € 120,00")
    anna.clicks("Confirm at the bank", "Bevestigen bij de bank")
    anna.page.wait_for_url(f"{scene.sandbox.url}/pay/challenge/**")
    return anna


@pytest.mark.turn(3)
@pytest.mark.parametrize("scripts", [True, False])
def test_what_the_bank_wants_confirmed_is_confirmed_through_the_mails_link(
    scene: Scene, meet: Meet, scripts: bool
) -> None:
    anna = asked_to_confirm(scene, meet, "en", scripts=scripts)
    anna.page.go_back()
    anna.title_is("Your bank asks you to confirm", "Uw bank vraagt u om te bevestigen")
    anna.clicks("Confirm at the bank", "Bevestigen bij de bank")
    anna.page.wait_for_url(f"{scene.sandbox.url}/pay/challenge/**")
    anna.clicks("Confirm", "Bevestigen")
    anna.page.wait_for_url(f"{scene.shop.url}/pay/**")
    anna.reloads_until(*THANKS)
    anna.title_is(*THANKS)
    assert scene.captures(anna.account) == [12000]


@pytest.mark.turn(2)
def test_what_the_payer_refused_at_the_bank_is_paid_another_way(scene: Scene, meet: Meet) -> None:
    anna = asked_to_confirm(scene, meet, "nl", scripts=False)
    anna.clicks("Refuse", "Weigeren")
    anna.reloads_until("Nothing was taken", "Er is niets afgeschreven")
    anna.sees("was not confirmed at your bank", "De betaling is niet bij uw bank bevestigd.")
    anna.clicks("Pay €120.00", "€ 120,00 betalen")
    anna.chooses("approve")
    anna.reloads_until(*PAID)
    assert scene.captures(anna.account) == [12000]
