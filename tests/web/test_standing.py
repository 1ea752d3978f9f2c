"""The overview and the subscriptions: one glance is true in every state, and nothing is said twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.web.living import Living, living
from tests.web.test_centre import add_card, quotes, reader_of, sign_in, text

from arrears.core import facts as f
from arrears.core.payments.holding import holdings
from arrears.core.states import Reason, State, allows
from arrears.engine import commands
from arrears.engine.acting import acting_on
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


def main_of(client: Client, account: int, path: str = "") -> str:
    """The words of a page's own part, tags left out."""
    page = text(client.get(f"/acc_{account}/{path}")).split("<main")[1].split("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_alerts_say_what_the_banner_says_most_urgent_first_and_once(shop: Living, client: Client) -> None:
    from arrears.web import api_tokens

    account = shop.account((12000, "EUR"), (500, "USD"), days=117)
    token = api_tokens.create_token("portal", "read", shop.clock.now())
    sign_in(client, shop.email(account))
    url = f"/v1/accounts/acc_{account}/alerts?lang=nl"
    alerts = client.get(url, headers={"Authorization": f"Bearer {token}"}).json()["alerts"]
    page = main_of(client, account)
    titles = [one["title"].replace("\u00a0", " ") for one in alerts if one["level"] != "past_due"]
    assert [page.count(title) for title in titles] == [1] * len(titles)
    places = [page.index(title) for title in titles]
    assert places == sorted(places)
    texts = {one["text"].replace("\u00a0", " ") for one in alerts}
    assert [words for words in texts if page.count(words) != 1] == []
    late = next(one for one in alerts if one["level"] == "past_due")
    assert page.count("€ 120,00 en US$ 5,00") == 2, "in the heading and on the button"
    assert page.count(late["title"].replace("\u00a0", " ")) == 1, "the heading says it"


def test_before_a_warning_the_day_of_the_stop_stands_there_once(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=4)
    sign_in(client, shop.email(account))
    page = main_of(client, account)
    assert page.count("cloud stopt op") == 1
    assert "Zodra alles is betaald, gaat dit niet door." in page


def test_what_is_stopped_says_since_when_and_how_long_its_data_is_kept(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=40)
    sign_in(client, shop.email(account))
    end = shop.store.snapshots([account])[account].subscription(1).end
    assert end is not None
    assert end.delete.promised_on is not None
    page = main_of(client, account)
    assert f"gestopt sinds {end.stopped_on.day} " in page
    assert f"De gegevens blijven in elk geval tot {end.delete.promised_on.day} " in page
    page = main_of(client, account, "subscriptions")
    assert f"Tot {end.delete.promised_on.day} " in page
    assert "Ze zijn dan niet terug te halen, ook niet door ons." in page


@pytest.mark.parametrize("state", State)
def test_what_is_possible_is_read_from_the_table_of_states(site: str, state: State) -> None:
    from django.utils import translation

    from arrears.web.account_centre import subscriptions as page

    with translation.override("en"):
        assert allows(state).resources in [str(words) for words in page.RESOURCES]


def test_a_reason_that_paying_does_not_lift_is_never_promised_away(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=117)
    commands.set_reason(
        shop.store, account, 1, Reason.POLICY_VIOLATION, shop.clock.now(), "staff:1", "spam"
    )  # fmt: skip
    shop.work()
    sign_in(client, shop.email(account))
    for path in ("", "settle"):
        page = main_of(client, account, path)
        assert "dan zetten wij de dienst weer aan" not in page, path
        assert "gaat dit niet door" not in page, path
    assert "Betalen is hier niet genoeg" in main_of(client, account)
    page = main_of(client, account, "subscriptions")
    assert "vervalt deze reden; de andere blijven" in page
    assert "gebruiksregels" in page


def test_while_a_deletion_is_prepared_no_day_that_has_passed_is_named_as_safe(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=122)
    sign_in(client, shop.email(account))
    for path in ("", "subscriptions"):
        page = main_of(client, account, path)
        assert "De verwijdering wordt voorbereid. Wordt nu nog betaald" in page, path
        assert "in elk geval tot" not in page, path


def test_once_a_deletion_is_ordered_nothing_promises_that_paying_brings_it_back(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=122)
    with acting_on(shop.store, account, shop.clock.now()) as unit:
        sub = unit.account.subscription(1)
        evidence = f.Evidence(policy=unit.account.terms.policy)
        unit.record(
            f.DeletionOrdered(
                subscription=1, generation=sub.generation, service="cloud", order_no=sub.order_count + 1,
                evidence=evidence,
            )
        )  # fmt: skip
    sign_in(client, shop.email(account))
    page = main_of(client, account)
    assert "wordt verwijderd" in page
    assert "komt daarmee niet terug" in page
    assert "dan zetten wij de dienst weer aan" not in page
    page = main_of(client, account, "subscriptions")
    assert "De dienst kan niet terugkomen, en de gegevens ook niet." in page
    assert "terughalen" not in page


def test_after_a_deletion_the_debt_can_be_paid_and_nothing_is_promised(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=126)
    assert shop.states(account)[0] == "deleted"
    sign_in(client, shop.email(account))
    page = main_of(client, account)
    assert "€ 120,00 betalen" in page
    assert "cloud: deze gegevens komen niet terug." in page


def test_two_subscriptions_of_one_service_are_told_apart_everywhere(shop: Living, client: Client) -> None:
    account = shop.account()
    now = shop.clock.now()
    number = commands.add_subscription(shop.store, account, "cloud", now - timedelta(days=60), "api:1")
    due = now.date() - timedelta(days=4)
    invoice = commands.Invoice(account, f"T{account}", "EUR", 7700, due - timedelta(days=14), due, (number,))
    commands.issue_invoices(shop.store, [invoice], now - timedelta(days=18), "api:1")
    shop.until(now - timedelta(days=4), now)
    sign_in(client, shop.email(account))
    page = text(client.get(f"/acc_{account}/subscriptions"))
    first, third = (page.split(f'id="sub{no}"')[1].split("</section>")[0] for no in (1, number))
    assert "stopt op" not in first
    assert f"cloud (abonnement {number}) stopt op" in third
    for path in ("", "settle", "timeline"):
        page = main_of(client, account, path)
        assert f"cloud (abonnement {number}) stopt op" in page, path
        assert "cloud stopt op" not in page, path
    assert f"cloud (abonnement {number})" in main_of(client, account, "invoices")


def test_a_canceled_subscription_says_what_is_owed_for_nothing_and_until_when_it_comes_back(
    shop: Living, client: Client
) -> None:
    account = shop.account()
    commands.cancel(shop.store, account, 1, shop.clock.now(), "person:1")
    shop.work()
    sign_in(client, reader_of(shop, account))
    page = main_of(client, account)
    assert "Er valt niets te betalen" in page
    assert "De gegevens blijven in elk geval tot" in page
    page = text(client.get(f"/acc_{account}/subscriptions"))
    assert re.search(r'aria-describedby="who1" disabled>cloud terughalen', page)
    assert "Anna de Vries is de beheerder van dit account en kan het doen." in page


def test_a_reader_sees_the_button_disabled_with_the_reason_and_who_can(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=25)
    sign_in(client, reader_of(shop, account))
    for path in ("", "settle"):
        page = text(client.get(f"/acc_{account}/{path}"))
        assert re.search(r'<button[^>]* aria-describedby="who" disabled>€ 120,00 betalen', page), path
        assert re.search(r'id="who"[^>]*>Anna de Vries is de beheerder', page), path


def test_an_address_that_was_refused_stays_in_its_field_with_the_reason_beside_it(shop: Living, client: Client) -> None:
    account = shop.account()
    sign_in(client, shop.email(account))
    for do, field in (("address", "address"), ("warn", "other")):
        answer = client.post(f"/acc_{account}/profile", {"do": do, "address": "anna@<nowhere"})
        assert answer.status_code == 422
        page = text(answer)
        tag = re.search(rf'<input id="{field}"[^>]*>', page)
        assert tag is not None
        assert 'value="anna@&lt;nowhere"' in tag[0]
        assert 'aria-invalid="true"' in tag[0]
        assert f'{field}-error"' in page.split("aria-describedby")[0] or f"{field}-error" in tag[0]
        assert page.count("anna@&lt;nowhere") == 1, "in its own field alone"
        assert page.count('role="alert"') == 1
    assert client.post(f"/acc_{account}/profile", {"do": "warn", "address": "ops@example.org"}).status_code == 303
    assert "ops@example.org" in text(client.get(f"/acc_{account}/profile?done=warn"))


def test_what_holds_a_card_is_listed_with_what_ends_it(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=40)
    sign_in(client, shop.email(account))
    first = add_card(shop, client, account, "approve")
    with acting_on(shop.store, account, shop.clock.now()) as unit:
        unit.record(f.MethodActivated(method=first, subscriptions=(1, 2)), "person:1")
    held = holdings(shop.store.snapshots([account])[account], first)
    page = main_of(client, account, "methods")
    assert "Hiermee wordt mail betaald. Kies daarvoor eerst een andere." in page
    assert re.search(r"cloud is gestopt en kan tot \d+ \w+ \d+ terugkomen", page)
    assert "Eerst moet dit worden betaald: L" in page
    assert len(held) == 3, "the page says what the engine says"
    assert client.post(f"/acc_{account}/methods", {"do": "remove", "method": str(first)}).status_code == 409


def test_a_part_that_is_too_small_is_refused_beside_its_field_and_stays_there(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    method = str(add_card(shop, client, account, "do_not_honor"))
    page = text(client.get(f"/acc_{account}/settle"))
    client.post(f"/acc_{account}/settle", {"do": "pay", "method": method, "quote": quotes(page), "seen": "0"})
    method = str(add_card(shop, client, account, "approve"))
    page = text(client.get(f"/acc_{account}/settle"))
    form = {"do": "part", "method": method, "quote": quotes(page), "seen": "1"}
    for typed in ("0,01", "999999", "<b>", ""):
        answer = client.post(f"/acc_{account}/settle", {**form, "part_EUR": typed})
        assert answer.status_code == 422, typed
        tag = re.search(r'<input id="part_EUR"[^>]*>', text(answer))
        assert tag is not None
        assert f'value="{typed.replace("<", "&lt;").replace(">", "&gt;")}"' in tag[0]
        assert 'aria-invalid="true" aria-describedby="why"' in tag[0]
        assert "<details open>" in text(answer)
    assert shop.captures(account) == []


@pytest.mark.parametrize("days", [10, 45])
def test_what_is_disputed_is_late_and_asks_for_nothing_on_every_page(shop: Living, client: Client, days: int) -> None:
    account = shop.account((12000, "EUR"), days=days)
    commands.dispute(shop.store, account, 1, shop.clock.now(), "person:1")
    shop.work()
    sign_in(client, shop.email(account))
    client.post("/language", {"language": "en", "next": "/"})
    pages = {path: main_of(client, account, path) for path in ("", "settle", "subscriptions", "timeline")}
    late = "What is past due is being looked into. You do not have to pay it now."
    assert [path for path in ("", "settle") if late not in pages[path]] == []
    assert [path for path, page in pages.items() if "Nothing is past due." in page or "ay what is open" in page] == []
    assert "Its invoice is being looked into; nothing has to be paid meanwhile." in pages["subscriptions"]
    ahead = pages["timeline"].split("So far")[0]
    assert [
        words for words in ("Reminder", "Warning", "stops at the end", "deleted on or after") if words in ahead
    ] == []
