"""Ending a subscription: what it means is said first, it is done where the policy says, and it comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from django.utils.translation import override
from msgspec import structs
from tests.web.living import Living, living
from tests.web.page_forms import offers
from tests.web.test_centre import add_card, reader_of, sign_in, text
from tests.web.test_methods import named

from arrears.cli import subscription as cli
from arrears.core.errors import Refused
from arrears.core.policy import default_policy
from arrears.core.states import Reason
from arrears.engine import commands, system
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
        system.adopt_policy(found.store, default_policy(), found.clock.now(), "staff:1")


def cancels(shop: Living, way: str) -> None:
    """From now on the policy says that this is how customers cancel."""
    policy = replace(default_policy(), cancel_by_customer=way)
    system.adopt_policy(shop.store, policy, shop.clock.now(), "staff:1")


def test_it_says_what_it_means_and_is_taken_back_with_one_button(shop: Living, client: Client) -> None:
    account = shop.account()
    cancels(shop, "here")
    today = shop.clock.now()
    bill = commands.Invoice(account, f"C{account}", "EUR", 6100, today.date(), today.date() + timedelta(days=9), (1,))
    commands.issue_invoices(shop.store, [bill], today, "api:1")
    sign_in(client, shop.email(account))
    path = f"/acc_{account}/subscriptions"
    assert f'href="{path}?cancel=1"' in text(client.get(path))
    asked = client.get(f"{path}?cancel=1")
    page = text(asked)
    assert "cloud opzeggen?" in page
    assert "cloud stopt vandaag." in page
    assert "€ 61,00 blijft daarvoor openstaan en moet worden betaald." in page
    assert shop.states(account) == ["active", "active"], "asking ends nothing"
    yes = named(offers(asked, path), "Ja, cloud opzeggen")
    done = text(client.post(yes.action, yes.fields, follow=True))
    shop.work()
    assert "cloud is opgezegd. U kunt de dienst hier terughalen" in done
    assert shop.states(account) == ["disabled", "active"]
    sub = shop.store.snapshots([account])[account].subscription(1)
    assert sub.end is not None
    assert sub.end.delete.promised_on is not None
    assert f"tot {sub.end.delete.promised_on.day} " in page, "the day that is promised afterwards"
    assert client.post(yes.action, yes.fields).status_code == 422, "twice is said, not done"
    back = named(offers(client.get(path), path), "cloud terughalen")
    assert "cloud komt terug" in text(client.post(back.action, back.fields, follow=True))
    shop.work()
    assert shop.states(account) == ["active", "active"]


def test_what_was_taken_back_and_still_waits_for_money_says_so_and_has_the_button(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=40)
    commands.cancel(shop.store, account, 1, shop.clock.now(), "staff:1", "asked by telephone")
    shop.work()
    sign_in(client, shop.email(account))
    path = f"/acc_{account}/subscriptions"
    back = named(offers(client.get(path), path), "cloud terughalen")
    page = text(client.post(back.action, back.fields, follow=True))
    assert "Zodra het openstaande bedrag is betaald, zetten wij de dienst weer aan." in page
    assert "Er staat nog € 120,00 open." in page
    assert page.partition("</div>")[0].count(f'class="button" href="/acc_{account}/settle"') == 1


def test_a_payment_that_does_not_bring_a_canceled_service_back_says_what_does(shop: Living, client: Client) -> None:
    account = shop.account((12000, "EUR"), days=40)
    commands.cancel(shop.store, account, 1, shop.clock.now(), "staff:1", "asked by telephone")
    sign_in(client, shop.email(account))
    add_card(shop, client, account, "approve")
    pay = named(offers(client.get(f"/acc_{account}/methods"), f"/acc_{account}/methods"), "€ 120,00 betalen")
    assert "Hiervoor is betalen niet genoeg: cloud." in text(client.post(pay.action, pay.fields, follow=True))


@pytest.mark.parametrize(("way", "leads"), [("", "/help?about=other"), ("https://example.org/stop", "")])
def test_where_it_is_not_done_here_it_is_not_possible_here_and_the_page_says_where(
    shop: Living, client: Client, way: str, leads: str
) -> None:
    account = shop.account()
    cancels(shop, way)
    sign_in(client, shop.email(account))
    path = f"/acc_{account}/subscriptions"
    wanted = way or f"/acc_{account}{leads}"
    assert text(client.get(path)).count(f'href="{wanted}"') == 2
    assert "opzeggen?" not in text(client.get(f"{path}?cancel=1")), "no page asks for what is not done here"
    answer = client.post(path, {"do": "cancel", "subscription": "1"})
    assert answer.status_code == 422
    assert "Op de pagina met uw abonnementen staat waar dat kan." in text(answer)
    assert shop.states(account) == ["active", "active"]
    if leads:
        assert 'value="other" required checked' in text(client.get(wanted))


def test_a_reader_ends_nothing(shop: Living, client: Client) -> None:
    account = shop.account()
    cancels(shop, "here")
    sign_in(client, reader_of(shop, account))
    path = f"/acc_{account}/subscriptions"
    assert "opzeggen" not in text(client.get(path)) + text(client.get(f"{path}?cancel=1"))
    assert client.post(path, {"do": "cancel", "subscription": "1"}).status_code == 403


BY = ("--by", "ann", "--why", "asked by telephone")


def test_staff_end_one_say_what_it_means_and_take_it_back(shop: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    account = shop.account((6100, "EUR"))

    class Open:
        def __enter__(self) -> object:
            return shop.live

        def __exit__(self, *_: object) -> None:
            """It is the test's."""

    monkeypatch.setattr(cli, "open_installation", Open)
    told = CliRunner().invoke(cli.command, ["cancel", f"acc_{account}", "cloud", *BY], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    kept = shop.store.snapshots([account])[account].subscription(1).end
    assert kept is not None
    name, day = f"sub_{account}_1", kept.delete.promised_on or shop.clock.now().date() + timedelta(days=90)
    assert told.output.splitlines() == [
        f"cloud ({name}) is canceled",
        f"its data is kept at least until {day}",
        "still open: €61.00",
    ]
    with pytest.raises(Refused, match="is canceled already"):
        CliRunner().invoke(cli.command, ["cancel", f"acc_{account}", name, *BY], catch_exceptions=False)
    shop.work()
    back = ["reactivate", f"acc_{account}", name, *BY, "--json"]
    said = json.loads(CliRunner().invoke(cli.command, back, catch_exceptions=False).output)
    assert (said["subscription"], said["done"], said["reasons"]) == (name, "brought_back", ["past_due"])
    assert said["open"] == [{"currency": "EUR", "amount_minor": 6100}]
    journal = [(one.author, one.why) for one in shop.store.history(account) if one.why]
    assert journal[-2:] == [("staff:ann", "asked by telephone")] * 2


def test_what_is_stopped_for_debt_says_before_and_beside_the_button_that_it_runs_once_it_is_paid(
    shop: Living, client: Client
) -> None:
    cancels(shop, "here")
    account = shop.account((12000, "EUR"), days=40)
    sign_in(client, shop.email(account))
    path = f"/acc_{account}/subscriptions"
    asked = client.get(f"{path}?cancel=1")
    page = text(asked)
    assert "cloud blijft gestopt." in page
    assert "Gebruik wordt vanaf dan" not in page, "nothing changes in that"
    once = "De dienst wordt dan weer aangezet zodra het openstaande bedrag is betaald."
    assert once in page
    yes = named(offers(asked, path), "Ja, cloud opzeggen")
    assert once in text(client.post(yes.action, yes.fields, follow=True))


def test_what_runs_says_no_condition_for_coming_back(shop: Living, client: Client) -> None:
    account = shop.account()
    cancels(shop, "here")
    sign_in(client, shop.email(account))
    path = f"/acc_{account}/subscriptions"
    asked = client.get(f"{path}?cancel=1")
    yes = named(offers(asked, path), "Ja, cloud opzeggen")
    for page in (text(asked), text(client.post(yes.action, yes.fields, follow=True))):
        assert "weer aangezet" not in page


def test_a_canceled_service_whose_deletion_is_prepared_is_kept_by_bringing_it_back_alone(shop: Living) -> None:
    from arrears.web.account_centre.subscriptions import kept

    account = shop.account((12000, "EUR"), days=122)
    sub = shop.store.snapshots([account])[account].subscription(1)
    with override("en"):
        assert "is paid or brought back" in kept(sub, ())
        assert "If it is brought back" in kept(structs.replace(sub, reasons=(Reason.CANCELED,)), ())
