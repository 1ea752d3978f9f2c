"""The link in a mail: it leads to a narrow page that pays once, and is nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.stories.paying import post as post_form
from tests.web.living import Living, day_in_amsterdam, living
from tests.web.states import Town
from tests.web.test_centre import quotes, sign_in, text

from arrears.adapters.services.inprocess import InProcessServices
from arrears.core import facts as f
from arrears.engine import commands
from arrears.engine.booking import Payment
from arrears.engine.payments import methods, settling
from arrears.engine.payments.attempts import pursue
from arrears.ports import AttemptRecord, Obeyed, Order
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


def link_for(shop: Living, account: int) -> str:
    """The pay link of the newest message to the administrator, as its path."""
    for message in reversed(shop.channel.taken):
        if message.to == shop.email(account):
            found = re.search(r"http://\S+(/pay/[\w-]{43})", message.text)
            if found:
                return found[1]
    raise AssertionError("no message carries a pay link")


def test_the_link_is_exchanged_for_a_cookie_and_a_clean_address(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), (500, "USD"))
    link = link_for(shop, account)
    answer = client.get(link)
    assert (answer.status_code, answer["Location"]) == (303, "/pay/")
    assert answer["Referrer-Policy"] == "no-referrer"
    page = client.get("/pay/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "Ba•• De Vr••" in text
    assert "Bakkerij" not in text
    assert "€ 120,00 betalen" in text.replace("\u00a0", " ")
    assert "US$ 5,00 betalen" in text.replace("\u00a0", " ")


def test_machines_may_open_it_any_number_of_times_and_nothing_changes(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    link = link_for(shop, account)
    before = shop.store.digest()
    tables = counts(shop)
    for method in (client.get, client.head, client.get):
        assert method(link).status_code == 303
        assert method("/pay/").status_code == 200
    assert client.options(link).status_code == 405
    assert (shop.store.digest(), counts(shop)) == (before, tables)


def counts(shop: Living) -> list[tuple[int, ...]]:
    with psycopg.connect(shop.database) as db:
        tables = ("fact", "attempt", "message", "pay_link", "action", "setup_page", "django_session")
        return [db.execute(f"SELECT count(*) FROM {table}").fetchone() or () for table in tables]  # type: ignore[call-overload]


def test_it_pays_once_through_the_providers_page_and_tells_what_happened(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=40)

    assert shop.states(account)[0] == "disabled"
    client.get(link_for(shop, account))
    quote = re.search(r'name="quote" value="([^"]+)"', client.get("/pay/").content.decode())
    assert quote is not None
    away = client.post("/pay/", {"quote": quote[1]})
    url = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', away.content.decode())
    assert url is not None
    post_form(url[1].replace("&amp;", "&"), card="approve", do="go")
    assert client.get(f"/settle/acc_{account}")["Location"] == "/pay/"
    client.post("/pay/", {"do": "look"})
    shop.clock.ahead = timedelta(hours=2)
    from arrears.engine.payments.sweep import sweep

    # The provider's clock goes with ours: two that differ would be a doubt for every account of the tests.
    shop.sandbox.control("clock", offset=int((shop.clock.now() - datetime.now(UTC)).total_seconds()))
    sweep(shop.store, shop.providers, shop.clock.now())
    shop.sandbox.control("clock", offset=0)
    shop.work()
    page = client.get("/pay/").content.decode().replace("\u00a0", " ")
    assert "€ 120,00" in page
    assert "staat weer aan" in page
    assert shop.captures(account) == [12000]
    assert shop.owed(account) == {}
    assert shop.store.methods(account) == [], "a card becomes active only after sign-in"


def test_what_changed_meanwhile_is_shown_again_and_nothing_is_charged(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    client.get(link_for(shop, account))
    answer = client.post("/pay/", {"quote": "EUR:0000"})
    assert answer.status_code == 409
    assert "is veranderd" in answer.content.decode()
    assert shop.captures(account) == []


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "..%2f"])
def test_a_link_that_was_never_sent_says_only_that_it_does_not_work(client: Client, shop: Living, token: str) -> None:
    answer = client.get(f"/pay/{token}")
    assert answer.status_code in (400, 404, 410), "400 for what is no address at all"
    assert "pay" not in answer.cookies
    assert client.get("/pay/").status_code == 410


def test_it_ends_with_the_case_and_with_its_administrator(shop: Living, client: Client) -> None:
    from arrears.web import identities

    account, other = shop.account((12000, "EUR")), shop.account((900, "EUR"))
    first, second = link_for(shop, account), link_for(shop, other)
    from arrears.engine import commands

    commands.record_payments(shop.store, [Payment(account, "bank-1", "EUR", 12000)], shop.clock.now(), "api:1")
    shop.work()
    client.get(first)
    assert client.get("/pay/").status_code == 410, "the case is over"
    with psycopg.connect(shop.database) as db:
        db.execute("DELETE FROM account_role WHERE account_id = %s", [other])
    person = identities.create_person(
        f"new{other}@example.org", "New", "a sentence long enough", "en", shop.clock.now()
    )
    identities.grant(other, person, "administrator")
    assert client.get(second).status_code == 410


def test_the_page_of_one_link_pays_nothing_of_another_that_was_opened_since(shop: Living, client: Client) -> None:
    account, other = (shop.account((6_100, "EUR"), days=25) for _ in range(2))
    client.get(link_for(shop, account))
    page = text(client.get("/pay/"))
    assert f'name="account" value="acc_{account}"' in page
    client.get(link_for(shop, other))
    answer = client.post("/pay/", {"account": f"acc_{account}", "quote": quotes(page)[0]})
    assert answer.status_code == 410
    assert "Er is een andere link geopend in deze browser" in text(answer)
    assert shop.captures(account) == shop.captures(other) == []


def test_a_link_that_is_over_leaves_the_good_one_of_another_tab_as_it_is(shop: Living, client: Client) -> None:
    paid, other = shop.account((900, "EUR")), shop.account((500, "EUR"))
    over, elsewhere = link_for(shop, paid), link_for(shop, other)
    for account, minor in ((paid, 900), (other, 500)):
        payment = Payment(account, f"bank-{account}", "EUR", minor)
        commands.record_payments(shop.store, [payment], shop.clock.now(), "api:1")
    today = day_in_amsterdam(shop.clock.now())
    late = today - timedelta(days=3)
    bill = commands.Invoice(paid, f"N{paid}", "EUR", 6100, late, late, (1,))
    commands.issue_invoices(shop.store, [bill], shop.clock.now(), "api:1")
    shop.work()
    good = link_for(shop, paid)
    assert good != over
    client.get(good)
    first_tab = text(client.get("/pay/"))
    assert "€ 61,00 betalen" in first_tab
    assert client.get(over)["Location"] == "/pay/", "the same account: what is open there"
    assert client.get(elsewhere).status_code == 410
    assert text(client.get("/pay/")).count("€ 61,00 betalen") == 1
    form = {"account": f"acc_{paid}", "quote": quotes(first_tab)[0]}
    assert client.post("/pay/", form).status_code == 200, "on to the provider's page"


def test_who_is_just_back_from_the_payment_page_is_not_asked_to_pay_once_more(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"))
    client.get(link_for(shop, account))
    client.post("/pay/", {"quote": quotes(text(client.get("/pay/")))[0]})
    back = text(client.get("/pay/?back=1"))
    hidden = re.search(r"<details>.*?</details>", back, re.DOTALL)
    assert hidden is not None
    assert "€ 120,00 betalen" in hidden[0], "behind: I did not pay there"
    assert "€ 120,00 betalen" not in back.replace(hidden[0], "")
    later = text(client.get("/pay/"))
    assert "<details>" not in later
    assert "€ 120,00 betalen" in later


def test_what_paying_does_not_keep_from_happening_is_said_before_and_after(shop: Living, client: Client) -> None:
    account = shop.account((6_100, "EUR"), days=35)
    commands.cancel(shop.store, account, 1, shop.clock.now(), "staff:1", "they asked")
    shop.work()
    stays = "Dit gaat door, ook als u betaalt:"
    client.get(link_for(shop, account))
    assert stays in text(client.get("/pay/"))
    sign_in(client, shop.email(account))
    paths = ("", "settle", "timeline")
    assert [stays in text(client.get(f"/acc_{account}/{path}")) for path in paths] == [True] * 3
    paid = Payment(account, f"stays-{account}", "EUR", 6_100, (1,))
    commands.record_payments(shop.store, [paid], shop.clock.now(), "api:1")
    shop.work()
    for path in paths:
        page = text(client.get(f"/acc_{account}/{path}"))
        assert stays in page, path
        assert "U hoeft niets te doen" not in page, path


class Slow(InProcessServices):
    """Services that take an order to delete and never say that they have."""

    def order(self, order: Order, now: datetime) -> Obeyed | None:
        """See ports.Services."""
        return None if order.command == "delete" else super().order(order, now)


@pytest.mark.turn(2)
def test_nothing_is_promised_of_a_service_whose_deletion_has_been_ordered(shop: Living, client: Client) -> None:
    shop.services = Slow()
    account = shop.account((6_100, "EUR"), days=125)
    [ordered] = [r for r in shop.store.history(account) if isinstance(r.fact, f.DeletionOrdered)]
    client.get(link_for(shop, account))
    page = text(client.get("/pay/"))
    assert "De opdracht om cloud te verwijderen is gegeven." in page
    assert "weer aan" not in page
    sign_in(client, shop.email(account))
    assert "De opdracht om cloud te verwijderen is gegeven." in text(client.get(f"/acc_{account}/settle"))
    day = day_in_amsterdam(ordered.at)
    assert f"wordt verwijderd sinds {day.day} " in text(client.get(f"/acc_{account}/"))


def test_what_we_collect_by_ourselves_is_said_with_its_day_where_somebody_owes(shop: Living, client: Client) -> None:
    account = shop.account((12_000, "EUR"), days=3)
    Town(shop).card(account, "approve", pays=False)
    sign_in(client, shop.email(account))
    assert "Wij schrijven € 120,00 af van Visa 4242." in text(client.get(f"/acc_{account}/timeline"))
    assert re.search(
        r"<p>\d+ \w+ 20\d\d: Wij schrijven € 120,00 af van Visa 4242\.", text(client.get(f"/acc_{account}/"))
    )


def test_it_opens_no_other_page_and_no_other_account(shop: Living, client: Client) -> None:
    account, other = shop.account((12000, "EUR")), shop.account((900, "EUR"))
    client.get(link_for(shop, account))
    for path in (f"/acc_{account}/", f"/acc_{account}/settle", "/console/"):
        assert client.get(path)["Location"].startswith(("/sign-in", "/console/sign-in"))
    assert client.get(f"/settle/acc_{other}")["Location"] == f"/acc_{other}/settle"
    assert client.get(f"/v1/accounts/acc_{account}/settlement").status_code == 401


def test_who_is_signed_in_elsewhere_comes_back_from_the_provider_to_the_page_of_the_link(
    shop: Living, client: Client
) -> None:
    account, other = shop.account((12000, "EUR")), shop.account((900, "EUR"))
    sign_in(client, shop.email(other))
    client.get(link_for(shop, account))
    assert client.get(f"/settle/acc_{account}")["Location"] == "/pay/"
    assert client.get(f"/settle/acc_{account}/1")["Location"] == "/pay/?back=1"
    assert client.get(f"/settle/acc_{account}/1?left=1")["Location"] == "/pay/", "who left it has not paid"
    assert client.get(f"/settle/acc_{other}")["Location"] == f"/acc_{other}/settle"
    assert client.get(f"/settle/acc_{other}/1")["Location"] == f"/acc_{other}/story/1?back=1"


def test_a_form_without_our_token_is_refused(shop: Living) -> None:
    from django.test import Client as Strict

    browser = Strict(enforce_csrf_checks=True, headers={"host": "localhost"})
    account = shop.account((12000, "EUR"))
    browser.get(link_for(shop, account))
    assert browser.post("/pay/", {"quote": "EUR:1"}).status_code == 403


@pytest.mark.sample(1)
@pytest.mark.parametrize("signed_in", [False, True], ids=["by the link", "signed in"])
def test_who_is_back_from_the_bank_before_we_have_heard_of_it_can_look_again_as_often_as_needed(
    shop: Living, client: Client, signed_in: bool
) -> None:
    account = shop.account((12000, "EUR"))
    attempt = asked_to_confirm(shop, account)
    client.get(link_for(shop, account))
    page = "/pay/"
    if signed_in:
        sign_in(client, shop.email(account))
        page = f"/acc_{account}/story/{attempt.no}"
    there = f"{page}?back=1"
    for looked in range(3):
        told = client.get(there).content.decode()
        was = re.search(r'name="was" value="([^"]*)"', told)
        assert was is not None, "nothing to look again with"
        assert ("Uw bevestiging wordt doorgegeven" in told) == (looked == 0), "at first, and once it has not helped"
        assert ('value="confirm"' in told) == (looked > 0)
        there = client.post(page, {"do": "look", "was": was[1], "back": there[-1]})["Location"]
        assert there == f"{page}?back=2"
    shop.sandbox.control("challenge", intent=attempt.ref, confirmed=True)
    assert client.post(page, {"do": "look", "was": was[1], "back": "2"})["Location"] == page
    assert "uw betaling is binnen" in client.get(page).content.decode()
    assert shop.captures(account) == [12000]


def test_a_page_that_looks_by_itself_offers_to_confirm_again_only_after_ten_seconds(
    shop: Living, client: Client
) -> None:
    account = shop.account((12000, "EUR"))
    attempt = asked_to_confirm(shop, account)
    sign_in(client, shop.email(account))
    page = f"/acc_{account}/story/{attempt.no}"
    told = client.get(f"{page}?back=1").content.decode()
    was = re.search(r'name="was" value="([^"]*)"', told)
    assert was is not None
    for looked in range(1, 5):
        form = {"do": "look", "was": was[1], "back": "1", "looked": looked}
        part = client.post(page, form, headers={"HX-Request": "true"})
        assert part.status_code == 200, looked
        assert "Uw bevestiging wordt doorgegeven" in part.content.decode(), looked
    late = client.post(page, {**form, "looked": 5}, headers={"HX-Request": "true"})
    assert late.headers["HX-Redirect"] == f"{page}?back=2"
    again = client.get(late.headers["HX-Redirect"]).content.decode()
    assert 'value="confirm"' in again
    assert "hx-trigger" in again, "it goes on looking"


@pytest.mark.parametrize("reads", range(1, 5))
def test_a_payment_that_arrives_between_two_reads_of_the_page_is_told_or_looked_for(
    shop: Living, client: Client, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    account = shop.account((12000, "EUR"))
    attempt = asked_to_confirm(shop, account)
    client.get(link_for(shop, account))
    shop.sandbox.control("challenge", intent=attempt.ref, confirmed=True)
    left = [reads]

    def before(read: Callable[..., object]) -> Callable[..., object]:
        def and_then_it_arrives(*args: object) -> object:
            found = read(*args)
            left[0] -= 1
            if left[0] == 0:
                pursue(shop.store, shop.providers, account, attempt.no, shop.clock.now())
            return found

        return and_then_it_arrives

    for name in ("attempts", "snapshots"):
        monkeypatch.setattr(type(shop.store), name, before(getattr(type(shop.store), name)))
    told = client.get("/pay/?back=1").content.decode()
    assert "uw betaling is binnen" in told or "hx-trigger" in told
    monkeypatch.undo()
    if left[0] > 0:
        pursue(shop.store, shop.providers, account, attempt.no, shop.clock.now())
    assert "uw betaling is binnen" in client.get("/pay/").content.decode()
    assert shop.captures(account) == [12000]


def asked_to_confirm(shop: Living, account: int) -> AttemptRecord:
    """A payment by a new card that waits for the payer's answer at the bank."""
    store, providers, now = shop.store, shop.providers, shop.clock.now()
    setup = methods.start_setup(store, providers, account, "stripe", f"confirm-{account}", "nl")
    post_form(setup.url, card="challenge", do="go")
    method = methods.finish_setup(store, providers, account, "stripe", setup.ref, now, "person:1")
    shown = {quote.currency: quote.hash for quote in settling.quote(store, account, now)}
    [result] = settling.settle(store, providers, account, shown, method, shop.clock.now, "person:1")
    return result.attempt


def test_who_was_declined_on_the_payment_page_reads_what_to_ask_the_bank_and_may_try_again(
    shop: Living, client: Client
) -> None:
    account = shop.account((12000, "EUR"))
    client.get(link_for(shop, account))
    quote = re.search(r'name="quote" value="([^"]+)"', client.get("/pay/").content.decode())
    assert quote is not None
    away = client.post("/pay/", {"quote": quote[1]}).content.decode()
    url = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', away)
    assert url is not None
    post_form(url[1].replace("&amp;", "&"), card="insufficient_funds", do="go")
    client.post("/pay/", {"do": "look"})
    told = client.get("/pay/?back=1").content.decode()
    assert "De betaling is niet gelukt" in told
    assert "Er is niets afgeschreven" in told
    assert "<li>" in told.partition('class="notice"')[2], "what to ask the bank"
    assert 'name="quote"' in told, "and may pay"
