"""The card is declined, nobody reacts, the service stops; then the mail's button, a new card, and it runs again."""

from __future__ import annotations

from tests.web.journeys.conftest import Meet
from tests.web.journeys.town import Town


def test_card_declined_then_mail_then_pay_link_then_new_card_then_running(
    town: Town, meet: Meet, language: str
) -> None:
    account = town.customer(language, 107, card="insufficient_funds")
    assert town.shop.states(account) == ["disabled"]
    anna = meet(language, account)

    anna.reads("Payment declined", "Betaling geweigerd")
    anna.sees("was declined. Nothing was taken.", "geweigerd. Er is niets afgeschreven.")
    anna.picture("new-card-1-mail")
    anna.clicks("Pay €120.00", "Betaal € 120,00")

    anna.title_is("Pay what is open", "Betalen wat openstaat")
    anna.picture("new-card-2-pay")
    anna.clicks("Pay €120.00", "€ 120,00 betalen")
    anna.chooses("approve")

    town.services.busy = True
    anna.sees("Paid: €120.00", "Betaald: € 120,00")
    town.works()
    anna.sees("cloud is being switched on", "cloud wordt weer aangezet")
    anna.picture("new-card-3-resuming")
    anna.does_not_see("cloud is running again", "cloud staat weer aan")

    town.services.busy = False
    town.later(minutes=3)
    anna.sees("cloud is running again", "cloud staat weer aan")
    anna.picture("new-card-4-running")
    assert town.captures(account) == [12000]
    assert town.shop.states(account) == ["active"]
