"""The account centre as an administrator, a reader and a stranger meet it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page
from tests.site import PASSWORD
from tests.stories.paying import post as post_form
from tests.web.living import Living, living

from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.booking import Payment
from arrears.sandbox.run import Running, running

if TYPE_CHECKING:
    from django.test import Client

PAGES = ("", "settle", "methods", "subscriptions", "invoices", "invoices.csv", "statement", "profile")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture
def shop(site: str, sandbox: Running) -> Iterator[Living]:
    with living(site, sandbox) as found:
        yield found


def sign_in(client: Client, email: str) -> None:
    answer = client.post("/sign-in", {"email": email, "password": PASSWORD})
    assert answer.status_code == 302, answer.content


def reader_of(shop: Living, account: int) -> str:
    from arrears.web import identities

    email = f"reader{account}@example.org"
    person = identities.create_person(email, "Sam", PASSWORD, "nl-NL", shop.clock.now())
    identities.grant(account, person, "billing_reader")
    return email


def text(answer: Any) -> str:
    return str(answer.content.decode()).replace("\u00a0", " ")


def away(answer: Any) -> str:
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.content.decode())
    assert found is not None, answer.content
    return found[1].replace("&amp;", "&")


def quotes(page: str) -> list[str]:
    return sorted(set(re.findall(r'name="quote" value="([^"]+)"', page)))


def digest(shop: Living) -> list[tuple[str, Any]]:
    """Everything in the database but sessions."""
    with psycopg.connect(shop.database) as db:
        names = [n for (n,) in db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
        return [
            (n, db.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {n} t".encode()).fetchone())
            for n in names
            if n not in ("django_session", "sign_in_session", "throttle")
        ]


@pytest.mark.turn(2)
def test_every_page_is_there_for_its_people_and_for_nobody_else(shop: Living, client: Client) -> None:
    account, other = shop.account((12000, "EUR"), (500, "USD"), days=25), shop.account((900, "EUR"))
    for path in PAGES:
        assert client.get(f"/acc_{account}/{path}")["Location"].startswith("/sign-in?next=/acc_")
    reader = reader_of(shop, account)
    before = digest(shop)
    for email in (shop.email(account), reader):
        client.post("/sign-out")
        sign_in(client, email)
        for path in PAGES:
            answer = client.get(f"/acc_{account}/{path}")
            assert answer.status_code == 200, path
            assert len(answer.content) < 50_000, path
            assert client.head(f"/acc_{account}/{path}").status_code == 200
            assert client.get(f"/acc_{other}/{path}").status_code == 404
            assert client.get(f"/acc_999999999/{path}").status_code == 404
    assert digest(shop) == before, "no GET changes anything"


def test_home_says_the_sum_the_day_and_the_one_button(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=25)
    sign_in(client, shop.email(account))
    page = text(client.get(f"/acc_{account}/"))
    assert "Nog te betalen: € 120,00" in page
    assert "cloud stopt op" in page
    assert page.count('class="button"') == 1
    calm = shop.account()
    client.post("/sign-out")
    sign_in(client, shop.email(calm))
    page = text(client.get(f"/acc_{calm}/"))
    assert "Alles is in orde" in page
    assert "€" not in page


def test_what_runs_on_for_so_little_says_that_nothing_is_stopped(shop: Living, client: Client) -> None:
    policy = replace(default_policy(), minimum_minor={"EUR": 20_000})
    system.adopt_policy(shop.store, policy, shop.clock.now(), "staff:1")
    account = shop.account((12000, "EUR"), days=25)
    sign_in(client, shop.email(account))
    for path in ("", "settle", "timeline"):
        page = text(client.get(f"/acc_{account}/{path}"))
        assert "cloud: er staat zo weinig open dat hiervoor niets wordt stopgezet." in page, path
        assert "cloud stopt" not in page


def test_a_new_card_pays_everything_and_the_story_is_told(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), (500, "USD"), days=40)
    sign_in(client, shop.email(account))
    page = text(client.get(f"/acc_{account}/settle"))
    assert "€ 120,00 en US$ 5,00 betalen met een nieuwe kaart" in page
    answer = client.post(f"/acc_{account}/settle", {"do": "card", "quote": quotes(page), "seen": "0"})
    post_form(away(answer), card="approve", do="go")
    with psycopg.connect(shop.database) as db:
        row = db.execute("SELECT max(setup_id) FROM setup_page WHERE account_id = %s", [account]).fetchone()
    assert row is not None
    back = f"/acc_{account}/settle/back/{row[0]}"
    before = digest(shop)
    assert "Een ogenblik" in text(client.get(back))
    assert digest(shop) == before
    done = client.post(back)
    assert done.status_code == 303
    story = done["Location"]
    assert client.post(back)["Location"] == story, "back, again, in two tabs: one story"
    shop.work()
    page = text(client.get(story))
    assert "Bedankt, uw betaling is binnen" in page
    assert "cloud staat weer aan" in page
    assert sorted(shop.captures(account)) == [500, 12000]
    assert shop.states(account) == ["active", "active"]


def test_where_somebody_else_was_first_the_page_says_when_and_what_became_of_the_card(
    shop: Living, client: Client
) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    page = text(client.get(f"/acc_{account}/settle"))
    answer = client.post(f"/acc_{account}/settle", {"do": "card", "quote": quotes(page), "seen": "0"})
    post_form(away(answer), card="approve", do="go")
    commands.record_payments(shop.store, [Payment(account, f"f{account}", "EUR", 12000)], shop.clock.now(), "api:1")
    with psycopg.connect(shop.database) as db:
        row = db.execute("SELECT max(setup_id) FROM setup_page WHERE account_id = %s", [account]).fetchone()
    assert row is not None
    page = text(client.post(f"/acc_{account}/settle/back/{row[0]}", follow=True))
    assert "Dit is al betaald, op" in page
    assert "er is niets afgeschreven. Visa" in page
    assert "is opgeslagen en wordt voortaan gebruikt." in page
    assert "Het openstaande bedrag is veranderd" not in page
    assert shop.captures(account) == []


def test_a_form_that_is_sent_twice_is_answered_with_what_came_of_it_the_first_time(
    shop: Living, client: Client
) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    method = add_card(shop, client, account, "do_not_honor")
    page = text(client.get(f"/acc_{account}/settle"))
    form = {"do": "pay", "method": str(method), "quote": quotes(page), "seen": "0"}
    first, second = (client.post(f"/acc_{account}/settle", form)["Location"] for _ in range(2))
    assert first == second
    assert len(shop.store.attempts(account)) == 1
    page = text(client.get(first))
    assert "De betaling is niet gelukt" in page
    assert "Er is niets afgeschreven en er is niets veranderd." in page
    page = text(client.get(f"/acc_{account}/settle"))
    assert "In delen betalen" in page
    assert f'name="method" value="{method}"' not in page, "what may not be tried is not offered"
    assert "hiervan kan niet meer worden afgeschreven" in page


def test_an_old_page_is_answered_by_what_came_of_its_own_form_alone(shop: Living, client: Client) -> None:
    """A part that another page has paid is no answer to the button that pays everything."""
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    method = str(add_card(shop, client, account, "do_not_honor"))
    path = f"/acc_{account}/settle"
    client.post(path, {"do": "pay", "method": method, "quote": quotes(text(client.get(path))), "seen": "0"})
    good = str(add_card(shop, client, account, "approve"))
    old = {"method": good, "quote": quotes(text(client.get(path))), "seen": "1"}
    part = {**old, "do": "part", "part_EUR": "20"}
    thanks = client.post(path, part)["Location"]
    assert client.post(path, part)["Location"] == thanks, "the same form once more"
    stale = client.post(path, {**old, "do": "pay"})
    assert stale.status_code == 409
    assert "€ 100,00" in text(stale)
    for junk in ("junk", "", "-1", "99"):
        assert client.post(path, {**old, "do": "pay", "seen": junk}).status_code == 409, junk
    assert shop.captures(account) == [2000]
    fresh = {**old, "do": "pay", "quote": quotes(text(client.get(path))), "seen": "junk"}
    assert client.post(path, fresh).status_code == 303
    assert shop.captures(account) == [2000, 10000]


def test_a_card_that_pays_and_was_declined_is_said_where_nothing_else_is_open(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, shop.email(account))
    add_card(shop, client, account, "insufficient_funds")
    page = text(client.get(f"/acc_{account}/settle"))
    client.post(f"/acc_{account}/settle", {"do": "pay", "method": "1", "quote": quotes(page), "seen": "0"})
    commands.record_payments(shop.store, [Payment(account, f"t{account}", "EUR", 12000)], shop.clock.now(), "api:1")
    assert shop.store.snapshots([account])[account].method(1).failed
    answer = client.post(f"/acc_{account}/methods", {"do": "activate", "method": "1"})
    assert answer.status_code == 422
    assert "De laatste betaling met deze kaart is geweigerd" in text(answer)


def add_card(shop: Living, client: Client, account: int, card: str) -> int:
    """Add a card on the provider's page; its number."""
    return added_card(shop, client, account, card)[0]


def added_card(shop: Living, client: Client, account: int, card: str) -> tuple[int, str]:
    """The same, with the address of the page that says so."""
    post_form(away(client.post(f"/acc_{account}/methods", {"do": "add"})), card=card, do="go")
    with psycopg.connect(shop.database) as db:
        row = db.execute("SELECT max(setup_id) FROM setup_page WHERE account_id = %s", [account]).fetchone()
    assert row is not None
    answer = client.post(f"/acc_{account}/settle/back/{row[0]}")
    assert answer.status_code == 303, text(answer)
    assert "/methods?done=" in answer["Location"], answer["Location"]
    setup = shop.store.setup(row[0])
    assert setup is not None
    return setup.method, answer["Location"]


def test_a_reader_sees_what_is_open_and_who_can_pay_and_can_do_nothing(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    sign_in(client, reader_of(shop, account))
    page = text(client.get(f"/acc_{account}/settle"))
    assert "Anna de Vries is de beheerder" in page
    assert page.count(" disabled>") >= 1
    before = digest(shop)
    for path, form in (
        ("settle", {"do": "card", "quote": quotes(page)}),
        ("methods", {"do": "add"}),
        ("subscriptions", {"subscription": "1"}),
        ("profile", {"do": "address", "address": "x@example.org"}),
        ("profile", {"do": "warn", "address": "x@example.org"}),
    ):
        answer = client.post(f"/acc_{account}/{path}", form)
        assert answer.status_code == 403, path
    assert digest(shop) == before
    assert client.post(f"/acc_{account}/profile", {"do": "read", "language": "en", "zone": ""}).status_code == 303


def test_methods_are_added_kept_with_a_reason_and_removed(shop: Living, client: Client) -> None:
    account = shop.account()
    sign_in(client, shop.email(account))
    first = add_card(shop, client, account, "approve")
    second = add_card(shop, client, account, "approve")
    assert shop.captures(account) == []
    held = client.post(f"/acc_{account}/methods", {"do": "remove", "method": str(first)})
    assert held.status_code == 409
    if second != first:
        assert client.post(f"/acc_{account}/methods", {"do": "activate", "method": str(second)}).status_code == 303
        assert client.post(f"/acc_{account}/methods", {"do": "remove", "method": str(first)}).status_code == 303
    assert client.post(f"/acc_{account}/methods", {"do": "remove", "method": "99"}).status_code == 422


def test_a_cancelled_subscription_comes_back_with_one_button(shop: Living, client: Client) -> None:
    account = shop.account()
    commands.cancel(shop.store, account, 1, shop.clock.now(), "person:1")
    shop.work()
    sign_in(client, shop.email(account))
    page = text(client.get(f"/acc_{account}/subscriptions"))
    assert "cloud terughalen" in page
    assert client.post(f"/acc_{account}/subscriptions", {"subscription": "1"}).status_code == 303
    shop.work()
    assert shop.states(account)[0] == "active"


def test_every_form_needs_our_token(shop: Living) -> None:
    from django.test import Client as Strict

    account = shop.account((12000, "EUR"))
    browser = Strict(enforce_csrf_checks=True, headers={"host": "localhost"})
    for path in ("settle", "methods", "subscriptions", "profile", "story/1", "settle/back/1"):
        assert browser.post(f"/acc_{account}/{path}", {"do": "pay"}).status_code == 403


@pytest.mark.turn(2)
@pytest.mark.sample(1)
@pytest.mark.parametrize("scripts", [True, False])
def test_a_person_pays_with_a_new_card_with_and_without_scripts(shop: Living, browser: Browser, scripts: bool) -> None:
    account = shop.account((12000, "EUR"), days=40)
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": 375, "height": 800}, locale="nl")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{shop.url}/settle/acc_{account}")
    page.get_by_label("E-mailadres").fill(shop.email(account))
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(f"{shop.url}/acc_{account}/settle")
    for name in ("", "methods", "subscriptions", "invoices", "profile"):
        page.goto(f"{shop.url}/acc_{account}/{name}")
        picture(page, f"{name or 'home'}-{scripts}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375 if scripts else True
    page.goto(f"{shop.url}/acc_{account}/settle")
    picture(page, f"settle-{scripts}")
    page.get_by_role("button", name="met een nieuwe kaart").click()
    page.wait_for_url(f"{shop.sandbox.url}/**")
    page.locator('input[name="card"][value="approve"]').check()
    page.locator('button[value="go"]').click()
    if not scripts:
        page.get_by_role("button", name="Doorgaan").click()
    page.wait_for_url(f"{shop.url}/acc_{account}/story/*")
    shop.work()
    if not scripts:
        page.reload()
    page.get_by_text("cloud staat weer aan").wait_for()
    picture(page, f"story-{scripts}")
    assert shop.captures(account) == [12000]
    assert said == []
    context.close()


def picture(page: Page, name: str) -> None:
    """Kept where `ARREARS_PICTURES` names a folder."""
    if os.environ.get("ARREARS_PICTURES"):
        page.screenshot(path=f"{os.environ['ARREARS_PICTURES']}/centre-{name}.png", full_page=True)
