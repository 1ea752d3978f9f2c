"""The administrator has left, and nobody else may pay: a colleague asks for help without a sign-in."""

from __future__ import annotations

import pytest
from tests.web.journeys.conftest import Meet
from tests.web.journeys.scene import Scene


@pytest.mark.turn(3)
@pytest.mark.sample(1)
def test_the_administrator_is_gone_and_a_request_without_sign_in_holds_deletion(
    scene: Scene, meet: Meet, language: str
) -> None:
    account = scene.customer(language, 7, card="insufficient_funds")
    kim, sam = meet(language, account, who=2), meet(language, account, who=1)

    kim.opens("")
    kim.clicks("Ask for help without signing in", "Vraag om hulp zonder in te loggen")
    page = kim.page
    page.get_by_label(kim.words("The account administrator has left", "De accountbeheerder is vertrokken")).check()
    page.locator("#text").fill(kim.words("Anna left us in January.", "Anna werkt hier sinds januari niet meer."))
    page.locator("#known_by").fill(scene.invoice(account))
    page.locator("#name").fill(kim.name)
    page.locator("#email").fill(kim.email)
    kim.picture("administrator-gone-1-form")
    kim.clicks("Send", "Versturen")
    kim.title_is("Please look into your mailbox", "Kijk nu in uw mailbox")
    scene.works()
    kim.reads("Please confirm", "Even bevestigen")
    kim.picture("administrator-gone-2-mail")
    kim.clicks("Yes, I asked for help", "Ja, ik heb om hulp gevraagd")
    kim.clicks("Yes, I asked for help", "Ja, ik heb om hulp gevraagd")
    kim.title_is("Thank you: we have received your request", "Bedankt, wij hebben uw vraag ontvangen")
    kim.does_not_see("Finch", "De Vries")

    scene.works()
    scene.request_is_with(account)
    sam.opens("")
    sam.signs_in()
    sam.sees("(asked without signing in)", "(gevraagd zonder in te loggen)")
    sam.sees("Deletion is on hold until 7 March 2026.", "Er worden tot en met 7 maart 2026 geen gegevens verwijderd.")
    sam.picture("administrator-gone-3-on-hold")

    scene.staff_answer("A form is on its way to you.")
    kim.reads("There is an answer to your request", "Er is antwoord op uw vraag")
    kim.clicks("Read the answer", "Lees het antwoord")
    kim.sees("A form is on its way to you.", "A form is on its way to you.")
    kim.does_not_see("on hold until", "geen gegevens verwijderd")
    assert scene.captures(account) == []
