"""Payment methods on pages: whoever adds a card while something is owed is shown the one button that does the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.stories.paying import post as post_form
from tests.web.living import Living, living
from tests.web.page_forms import Offer, offers
from tests.web.test_centre import add_card, added_card, away, sign_in, text

from arrears.core.messages.alerts import Level, alerts_of
from arrears.core.payments.values import MethodDetails, MethodKind, Network
from arrears.core.view import View
from arrears.engine import commands
from arrears.engine.payments import methods, settling
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        yield found


def offered(client: Client, path: str) -> list[Offer]:
    return offers(client.get(path), path)


def named(found: list[Offer], says: str) -> Offer:
    [one] = [offer for offer in found if says in offer.says]
    return one


def shown(shop: Living, account: int) -> dict[str, str]:
    return {one.currency: one.hash for one in settling.quote(shop.store, account, shop.clock.now())}


def declined_with(shop: Living, client: Client, account: int) -> None:
    """A card is added and declined for everything that is owed."""
    card = add_card(shop, client, account, "insufficient_funds")
    now = shop.clock.now
    settling.settle(shop.store, shop.providers, account, shown(shop, account), card, now, "person:1")


def test_a_card_added_while_something_is_owed_pays_it_all_with_one_button(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=40)
    sign_in(client, shop.email(account))
    declined_with(shop, client, account)
    added, says = added_card(shop, client, account, "approve")
    answer = client.get(says)
    page = text(answer)
    assert "is toegevoegd. Er is niets afgeschreven." in page
    assert "Er staat nog € 120,00 open." in page
    button = named(offers(answer, f"/acc_{account}/methods"), "Gebruiken voor cloud en mail en € 120,00 betalen")
    anytime = named(offered(client, f"/acc_{account}/methods"), "Gebruiken voor cloud en mail")
    assert anytime.fields["method"] == button.fields["method"] == [str(added)], "at any time, not only just after"
    story = client.post(button.action, button.fields)["Location"]
    shop.work()
    assert "Bedankt" in text(client.get(story))
    assert shop.captures(account) == [12000]
    assert shop.states(account) == ["active", "active"]
    snapshot = shop.store.snapshots([account])[account]
    assert {sub.method for sub in snapshot.subscriptions} == {snapshot.default_method} == {added}
    assert client.post(button.action, button.fields)["Location"] == story, "twice is once"


def test_a_card_that_failed_says_so_and_can_be_tried_again(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    declined_with(shop, client, account)
    again = named(offered(client, f"/acc_{account}/methods"), "Opnieuw proberen: hiermee € 120,00 betalen")
    shop.sandbox.control("behave", **{"method": shop.store.methods(account)[-1].ref, "as": "approve"})
    client.post(again.action, again.fields)
    assert shop.captures(account) == [12000]


def test_a_card_that_can_never_be_charged_is_said_to_be_none_and_the_way_to_pay_is_beside_it(
    shop: Living, client: Client
) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    card, says = added_card(shop, client, account, "lost")
    now = shop.clock.now
    settling.settle(shop.store, shop.providers, account, shown(shop, account), card, now, "person:1")
    page = text(client.get(says))
    notice = re.search(r'<div class="notice" role="status">.*?</div>', page, re.DOTALL)
    assert notice is not None, "it is no good news"
    assert "Hiervan kan niet meer worden afgeschreven." in notice[0]
    assert "Er staat nog € 120,00 open." in notice[0]
    assert f'href="/acc_{account}/settle"' in notice[0]


def test_an_invoice_that_is_on_hold_keeps_nobody_from_using_another_card(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=10)
    sign_in(client, shop.email(account))
    commands.dispute(shop.store, account, 1, shop.clock.now(), "person:1")
    first = add_card(shop, client, account, "approve")
    snapshot = shop.store.snapshots([account])[account]
    assert {sub.method for sub in snapshot.subscriptions} == {first}, "there is nothing to settle, so it is active"
    second = add_card(shop, client, account, "approve")
    use = named(offered(client, f"/acc_{account}/methods"), "Voortaan alles hiermee betalen")
    assert use.number("method") == second
    answer = client.post(use.action, use.fields, follow=True)
    assert "Voortaan wordt alles met Visa" in text(answer)
    assert shop.captures(account) == [], "what is on hold is not collected by that"


def test_what_was_done_with_a_card_is_said_and_removing_asks_first(shop: Living, client: Client) -> None:
    account = shop.account()
    sign_in(client, shop.email(account))
    add_card(shop, client, account, "approve")
    spare = add_card(shop, client, account, "approve")
    page = text(client.get(f"/acc_{account}/methods"))
    assert page.index("in gebruik") < page.index("Wordt op dit moment nergens voor gebruikt"), "the one in use is first"
    assert page.count("<details><summary>Verwijderen") == 1, "behind a question; and not where it cannot be"
    renew = next(one for one in offered(client, f"/acc_{account}/methods") if one.do == "renew")
    today = shop.clock.now()
    assert renew.fields["month"] == [str(today.month)]
    assert renew.fields["year"] == [str(today.year)]
    renewed = text(client.post(renew.action, {**renew.fields, "year": str(today.year + 3)}, follow=True))
    assert "is opgeslagen" in renewed
    gone = named(offered(client, f"/acc_{account}/methods"), "Ja, Visa")
    assert gone.number("method") == spare
    assert "Daarvan wordt niets meer afgeschreven" in text(client.post(gone.action, gone.fields, follow=True))


def test_a_card_whose_question_was_left_at_the_bank_was_not_declined_and_what_paid_instead_is_said(
    shop: Living, client: Client
) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    card, other = add_card(shop, client, account, "challenge"), add_card(shop, client, account, "approve")
    now = shop.clock.now
    [left] = settling.settle(shop.store, shop.providers, account, shown(shop, account), card, now, "person:1")
    for path, said in (("settle", "een betaling hiermee wacht op uw"), ("methods", "Een betaling hiermee wacht op uw")):
        page = text(client.get(f"/acc_{account}/{path}"))
        assert said in page, path
        for failed in ("geweigerd", "niet bij de bank bevestigd", "Opnieuw proberen", "Er loopt een betaling"):
            assert failed not in page, (path, failed)
    settling.settle(shop.store, shop.providers, account, shown(shop, account), other, now, "person:1")
    page = text(client.get(f"/acc_{account}/methods"))
    assert "De laatste betaling hiermee is niet bij de bank bevestigd." in page
    assert "geweigerd" not in page
    story = text(client.get(f"/acc_{account}/story/{left.attempt.no}?back=1"))
    assert "<h1>Dit is al betaald</h1>" in story
    assert "Intussen is dit al betaald: € 120,00 op" in story
    assert f'href="/acc_{account}/receipts/' in story
    assert shop.captures(account) == [12000]


def test_one_button_is_the_next_step(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    declined_with(shop, client, account)
    add_card(shop, client, account, "approve_mastercard")
    _, says = added_card(shop, client, account, "approve")
    for path in ("methods", says.partition(f"/acc_{account}/")[2], "settle", ""):
        page = text(client.get(f"/acc_{account}/{path}"))
        main = page[page.index("<main") : page.index("</main>")]
        loud = re.findall(r'<button(?![^>]*class="quiet")|<a class="button"', main)
        assert len(loud) == 1, path


def test_a_payment_page_that_was_left_is_no_payment_that_waits_to_be_confirmed(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    from arrears.engine.payments.pages import open_page

    open_page(shop.store, shop.providers, account, shown(shop, account), shop.clock.now(), "link")
    for path in ("", "settle"):
        page = text(client.get(f"/acc_{account}/{path}"))
        assert "wacht een betaling op uw bevestiging" not in page
        assert "U was op de betaalpagina. Hebt u daar niet betaald, dan is er niets afgeschreven." in page


def test_a_part_is_taken_as_people_type_it_or_the_range_is_named(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    declined_with(shop, client, account)
    good = add_card(shop, client, account, "approve")
    path = f"/acc_{account}/settle"
    [part] = [one for one in offered(client, path) if one.do == "part" and one.number("method") == good]
    for wrong in ("200", "0,50", "twintig", "$ 20", "-5", ""):
        answer = client.post(path, {**part.fields, "part_EUR": wrong})
        assert answer.status_code == 422, wrong
        assert "Vul een bedrag in van € 1,00 tot en met € 120,00, bijvoorbeeld € 60,00." in text(answer), wrong
    before = text(client.get(path))
    client.post(path, {**part.fields, "part_EUR": "€ 20,50"})
    assert shop.captures(account) == [2050]
    for said in ("ook een deel, betaalt u hiermee voortaan cloud", "Vanaf dat moment betaalt u daarmee cloud"):
        assert said in before, "a payment of a part makes the card the one that pays"
        assert said not in text(client.get(path)), "it pays for that already"


def test_no_address_that_somebody_made_up_says_that_something_was_done(shop: Living, client: Client) -> None:
    account, other = shop.account(), shop.account()
    sign_in(client, shop.email(account))
    number, says = added_card(shop, client, account, "approve")
    assert "is toegevoegd. Er is niets afgeschreven." in text(client.get(says))
    made_up = [f"methods?added={number}", *(f"methods?done={one}&method={number}" for one in ("removed", "active"))]
    made_up += [f"subscriptions?done={one}&subscription=1" for one in ("back", "canceled")]
    made_up += [f"profile?done={one}" for one in ("test", "address", "remove", "WyJ0ZXN0IiwwXQ:x:y")]
    made_up += [f"{page}?why={code}" for page in ("settle", "methods") for code in ("stale_quote", "setup_open")]
    for path in made_up:
        page = text(client.get(f"/acc_{account}/{path}")).partition("<main")[2]
        assert not re.search('role="(status|alert)"', page), path
    client.logout()
    sign_in(client, shop.email(other))
    add_card(shop, client, other, "approve")
    theirs = says.replace(f"acc_{account}", f"acc_{other}")
    assert 'role="status"' not in text(client.get(theirs)), "what another person has done on another account"


def test_who_leaves_the_page_of_the_provider_without_a_card_is_told_so_at_once(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    url = away(client.post(f"/acc_{account}/methods", {"do": "add"}))
    path = urlsplit(post_form(url, do="cancel"))
    answer = client.get(f"{path.path}?{path.query}", follow=True)
    assert answer.redirect_chain[-1][0].startswith(f"/acc_{account}/methods?why=")
    assert "Er is geen kaart ingesteld" in text(answer)
    assert "Er is geen kaart ingesteld" not in text(client.get(answer.redirect_chain[-1][0])), "loaded once more"
    assert client.get(path.path).status_code == 200, "who may have saved it is asked about it"


def test_a_card_that_is_added_twice_is_one_card(shop: Living, client: Client) -> None:
    account = shop.account()
    sign_in(client, shop.email(account))
    shop.sandbox.sandbox.book.own_cards = False
    first, _ = added_card(shop, client, account, "approve_mastercard")
    second, says = added_card(shop, client, account, "approve_mastercard")
    assert second == first
    assert "stond hier al en blijft staan. Er is niets afgeschreven." in text(client.get(says))
    assert text(client.get(f"/acc_{account}/methods")).count('<section class="card" aria-labelledby="method') == 1


def test_a_declined_card_that_is_added_again_is_offered_once(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    shop.sandbox.sandbox.book.own_cards = False
    declined_with(shop, client, account)
    again = add_card(shop, client, account, "insufficient_funds")
    assert again == 2, "declined, it may be the remedy"
    shop.sandbox.control("behave", **{"method": shop.store.methods(account)[-1].ref, "as": "approve"})
    pay = named(offered(client, f"/acc_{account}/methods"), "Gebruiken voor cloud en mail en € 120,00 betalen")
    client.post(pay.action, pay.fields)
    assert shop.captures(account) == [12000]
    page = text(client.get(f"/acc_{account}/methods"))
    assert page.count('<section class="card" aria-labelledby="method') == 1
    assert f'aria-labelledby="method{again}"' in page


def test_the_statement_has_the_button_that_pays_what_is_open(shop: Living, client: Client) -> None:
    account, calm = shop.account((12000, "EUR")), shop.account()
    sign_in(client, shop.email(account))
    page = text(client.get(f"/acc_{account}/statement"))
    assert f'class="button" href="/acc_{account}/settle">€ 120,00 betalen' in page
    client.logout()
    sign_in(client, shop.email(calm))
    assert f"/acc_{calm}/settle" not in text(client.get(f"/acc_{calm}/statement")).partition("<main")[2]


def test_an_expired_card_is_no_remedy_and_where_it_pays_every_page_warns(shop: Living, client: Client) -> None:
    account = shop.account()
    sign_in(client, shop.email(account))
    good = add_card(shop, client, account, "approve")
    expired = add_card(shop, client, account, "expired")
    path = f"/acc_{account}/methods"
    assert not [one for one in offered(client, path) if one.do == "activate" and one.number("method") == expired]
    refused = client.post(path, {"do": "activate", "method": expired})
    assert (refused.status_code, "Deze kaart is verlopen." in text(refused)) == (422, True)
    [paying] = {sub.method for sub in shop.store.snapshots([account])[account].subscriptions}
    assert paying == good
    assert "Alles is in orde" in text(client.get(f"/acc_{account}/"))


def test_where_the_only_card_has_expired_the_overview_and_what_is_ahead_say_so(shop: Living, client: Client) -> None:
    account = shop.account()
    sign_in(client, shop.email(account))
    add_card(shop, client, account, "expired")
    page = text(client.get(f"/acc_{account}/"))
    assert "Alles is in orde" not in page
    assert "U hoeft niets te doen" not in page
    assert page.count("kan niet meer worden afgeschreven. Kies een andere kaart") == 1, "once, and not as an alert too"
    assert "is verlopen op" not in page
    assert "is verlopen: voeg een andere kaart toe" in text(client.get(f"/acc_{account}/timeline"))
    found = alerts_of(View(shop.store.policies(), shop.store.snapshots([account])[account], (), shop.clock.now()))
    assert [one.method for one in found if one.level is Level.CARD_EXPIRES] == [1]


@pytest.mark.parametrize("has_card", [True, False])
def test_a_debit_that_cannot_pay_in_the_currency_of_what_is_owed_is_not_offered_for_it(
    shop: Living, client: Client, has_card: bool
) -> None:
    account = shop.account((12000, "USD"), days=40)
    sign_in(client, shop.email(account))
    card = add_card(shop, client, account, "approve") if has_card else 0
    debit = MethodDetails("pm_sepa", "cus_sepa", MethodKind.SEPA, Network.SEPA, f"sepa-{account}", "SEPA 3000")
    number = methods.add(shop.store, shop.providers, account, "stripe", debit, shop.clock.now(), "person:1")
    page = text(client.get(f"/acc_{account}/settle"))
    assert re.search("SEPA 3000 <small>kan niet in deze valuta betalen<", page)
    choices = dict(re.findall(r'name="method" value="(\d+)" required( disabled| checked)?', page))
    assert choices == ({str(card): " checked", str(number): " disabled"} if has_card else {})
    of_debit = [one for one in offered(client, f"/acc_{account}/methods") if one.fields.get("method") == [str(number)]]
    assert not [one for one in of_debit if "betalen" in one.says]
