"""What a customer goes through, from the mail to the running service, as they see it: each in English and Dutch.

`make pictures` keeps what they saw under docs/pictures.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.web.journeys.conftest import Meet
from tests.web.journeys.scene import Scene

pytestmark = pytest.mark.sample(1)
"""A run of `make test` walks each journey in one of its languages."""


@pytest.mark.turn(2)
def test_card_declined_then_mail_then_pay_link_then_new_card_then_running(
    scene: Scene, meet: Meet, language: str
) -> None:
    account = scene.customer(language, 1, card="insufficient_funds")
    assert scene.shop.states(account) == ["disabled"]
    anna = meet(language, account)

    anna.reads("Payment declined", "Betaling geweigerd")
    anna.sees("was declined. Nothing was taken.", "geweigerd. Er is niets afgeschreven.")
    anna.picture("new-card-1-mail")
    anna.clicks("Pay €120.00", "€ 120,00 betalen")

    anna.title_is("Pay what is open", "Openstaand bedrag betalen")
    anna.picture("new-card-2-pay")
    anna.clicks("Pay €120.00", "€ 120,00 betalen")
    scene.services.busy = True
    anna.chooses("approve")

    anna.title_is("Thank you: your payment has arrived", "Bedankt, uw betaling is binnen")
    anna.sees("Paid: €120.00", "Betaald: € 120,00")
    scene.works()
    anna.clicks("Look again", "Opnieuw kijken")
    anna.sees("cloud is being switched on", "cloud wordt weer aangezet")
    anna.does_not_see("cloud is running again", "cloud staat weer aan")
    anna.picture("new-card-3-resuming")

    scene.services.busy = False
    scene.later(minutes=3)
    anna.sees("cloud is running again", "cloud staat weer aan")
    anna.picture("new-card-4-running")
    assert scene.captures(account) == [12000]
    assert scene.shop.states(account) == ["active"]
    assert anna.mail("Running again since 2 March 2026: cloud", "Sinds 2 maart 2026 weer aan: cloud")


@pytest.mark.turn(2)
def test_strong_authentication_is_abandoned_and_then_done(scene: Scene, meet: Meet, language: str) -> None:
    account = scene.customer(language, 2, card="challenge")
    anna = meet(language, account)

    anna.reads("Please confirm €120.00", "Bevestig € 120,00")
    anna.sees("The card is fine and need not be replaced.", "Met de kaart is niets mis")
    anna.picture("confirm-1-mail")
    anna.clicks("Confirm €120.00", "Bevestig € 120,00")
    anna.title_is("Your bank asks you to confirm", "Uw bank vraagt u om te bevestigen")
    anna.picture("confirm-2-asked")
    anna.clicks("Confirm at the bank", "Bevestigen bij de bank")
    anna.title_is("Your bank asks you to confirm this payment", "Uw bank vraagt u om deze betaling te bevestigen")
    anna.page.close()
    scene.later(hours=30)
    assert scene.captures(account) == []

    anna.page = anna.context.new_page()
    anna.opens("")
    anna.signs_in()
    anna.sees("A payment waits for you to confirm it.", "Er wacht een betaling op uw bevestiging.")
    anna.clicks("See how it stands", "Bekijk hoe het ervoor staat")
    anna.clicks("Confirm at the bank", "Bevestigen bij de bank")
    anna.clicks("Confirm", "Bevestigen")
    anna.title_is("Thank you: your payment has arrived", "Bedankt, uw betaling is binnen")
    anna.sees("Paid: €120.00 with Visa 3184.", "Betaald: € 120,00 met Visa 3184.")
    anna.sees("cloud is being switched on", "cloud wordt weer aangezet")
    scene.works()
    anna.sees("cloud is running again", "cloud staat weer aan")
    anna.picture("confirm-3-running")
    assert scene.captures(account) == [12000]
    assert [method.no for method in scene.shop.store.methods(account)] == [1], "the card stayed the one it was"


@pytest.mark.turn(2)
def test_the_bank_has_fixed_it_and_the_same_card_pays(scene: Scene, meet: Meet, language: str) -> None:
    account = scene.customer(language, 3, card="insufficient_funds")
    scene.bank_says(account, "approve")
    anna = meet(language, account)

    anna.opens("")
    anna.signs_in()
    anna.title_is("Please pay €120.00", "Nog te betalen: € 120,00")
    anna.picture("same-card-1-home")
    anna.clicks("Pay €120.00", "€ 120,00 betalen")
    anna.sees("choose it if your bank has solved that", "kies deze als uw bank dat heeft opgelost")
    anna.page.get_by_label("Visa 9995").check()
    anna.picture("same-card-2-choice")
    anna.page.locator('button[value="pay"]').click()
    anna.title_is("Thank you: your payment has arrived", "Bedankt, uw betaling is binnen")
    scene.works()
    anna.sees("cloud is running again", "cloud staat weer aan")
    anna.picture("same-card-3-running")
    assert scene.captures(account) == [12000]


@pytest.mark.turn(2)
def test_what_is_owed_is_paid_in_parts(scene: Scene, meet: Meet, language: str) -> None:
    account = scene.customer(language, 4, card="insufficient_funds")
    scene.bank_says(account, "approve")
    anna = meet(language, account)

    anna.opens("settle")
    anna.signs_in()
    anna.page.get_by_label("Visa 9995").check()
    anna.page.locator("main summary").click()
    anna.page.locator("#part_EUR").fill(anna.words("70.00", "70,00"))
    anna.picture("parts-1-choice")
    anna.clicks("Pay this part", "Dit deel betalen")
    anna.sees("Paid: €70.00", "Betaald: € 70,00")
    anna.sees("€50.00 is still open.", "Er staat nog € 50,00 open.")
    anna.does_not_see("is being switched on", "wordt weer aangezet")
    anna.picture("parts-2-first-part")
    anna.clicks("Pay the rest", "De rest betalen")
    anna.clicks("Pay €50.00 with a new card", "€ 50,00 betalen met een nieuwe kaart")
    anna.chooses("approve_mastercard")
    anna.sees("Paid: €50.00", "Betaald: € 50,00")
    scene.works()
    anna.sees("cloud is running again", "cloud staat weer aan")
    anna.picture("parts-3-running")
    assert sorted(scene.captures(account)) == [5000, 7000]


def test_a_canceled_subscription_is_reactivated(scene: Scene, meet: Meet, language: str) -> None:
    account = scene.customer(language, 5, owes=0)
    scene.cancels(account)
    anna = meet(language, account)

    anna.opens("subscriptions")
    anna.signs_in()
    anna.sees("It was cancelled.", "De dienst is opgezegd.")
    anna.sees("31 May 2026", "31 mei 2026")
    anna.picture("canceled-1-stopped")
    scene.services.busy = True
    anna.clicks("Bring cloud back", "cloud terughalen")
    scene.works()
    anna.opens("subscriptions")
    anna.sees("is being switched on", "wordt weer aangezet")
    anna.does_not_see("running", "staat aan")
    anna.picture("canceled-2-resuming")
    scene.services.busy = False
    scene.later(minutes=3)
    anna.opens("subscriptions")
    anna.sees("running", "staat aan")
    anna.does_not_see("is being switched on", "wordt weer aangezet")
    anna.picture("canceled-3-running")
    assert scene.shop.states(account) == ["active"]
    assert scene.captures(account) == []


@pytest.mark.turn(2)
def test_a_reader_who_tries_to_pay_is_told_who_can(scene: Scene, meet: Meet, language: str) -> None:
    account = scene.customer(language, 6, card="insufficient_funds")
    sam = meet(language, account, who=1)

    sam.reads("cloud was stopped", "cloud is op 25 februari 2026 gestopt")
    sam.sees("can pay", "kan betalen")
    sam.picture("reader-1-mail")
    sam.clicks("See it in the account centre", "Bekijk het in uw account")
    sam.signs_in()
    sam.title_is("Pay what is open", "Openstaand bedrag betalen")
    sam.sees("Anna Finch is the administrator", "Anna de Vries is de beheerder")
    buttons = sam.page.locator("main form button")
    expect(buttons).not_to_have_count(0)
    expect(buttons.and_(sam.page.locator(":enabled"))).to_have_count(0)
    sam.picture("reader-2-disabled")
    assert scene.captures(account) == []
