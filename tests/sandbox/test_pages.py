"""The hosted pages as a browser meets them, their life, and what they leave behind."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
import stripe
from tests.sandbox.conftest import BACK, DAY, Answer, Receiver, Shop, browse, soon

from arrears.sandbox.accounts import ACCOUNTS, INSTRUMENTS
from arrears.sandbox.cards import CARDS
from arrears.sandbox.pages import IN_DUTCH, WORDS, language_of


def words(answer: Answer) -> str:
    """What is written on a page, with plain spaces."""
    return unescape(answer.text).replace("\u00a0", " ")


def test_a_payment_page_shows_the_sum_what_for_and_every_test_card(shared: Shop) -> None:
    page = shared.pay_page(123_456, locale="en")
    assert (page.amount_total, page.currency, page.status, page.payment_status) == (123_456, "eur", "open", "unpaid")
    shown = browse(str(page.url))
    assert shown.status == 200
    assert "€1,234.56" in words(shown)
    assert "Invoice &lt;7&gt;" in shown.text
    assert [card.name for card in CARDS if f'value="{card.name}"' in shown.text] == [card.name for card in CARDS]
    assert [card.words for card in CARDS if card.words not in words(shown)] == []
    assert [one.name for one in ACCOUNTS if one.name in shown.text] == []
    assert "<script" not in shown.text
    assert shown.headers["Cache-Control"] == "no-store"


def test_a_page_adds_up_its_items(shared: Shop) -> None:
    item = {"quantity": 3, "price_data": {"currency": "eur", "unit_amount": 50, "product_data": {"name": "a"}}}
    assert shared.pay_page(line_items=[item, {**item, "quantity": 1}]).amount_total == 200


def test_paying_leads_back_to_the_shop_and_the_page_is_closed(shop: Shop) -> None:
    page = shop.pay_page(4200, payment_intent_data={"metadata": {"attempt": "att_1_1"}}, metadata={"account": "1"})
    done = browse(str(page.url), card="approve", do="go")
    assert (done.status, done.location) == (303, BACK)
    after = shop.v1.checkout.sessions.retrieve(page.id, {"expand": ["payment_intent.latest_charge"]})
    assert (after.status, after.payment_status, after.url) == ("complete", "paid", None)
    assert (after.payment_intent.status, after.payment_intent.amount_received) == ("succeeded", 4200)
    assert after.payment_intent.metadata["attempt"] == "att_1_1"
    for again in (browse(str(page.url)), browse(str(page.url), card="approve", do="go")):
        assert (again.status, WORDS["en"]["over"] in again.text) == (200, True)
    assert shop.book() == [(4200, 0, 0)]
    assert [one.id for one in shop.v1.checkout.sessions.list({"payment_intent": after.payment_intent.id}).data] == [
        page.id
    ]


def test_a_card_that_paid_once_is_not_kept_for_the_customer(shared: Shop) -> None:
    customer = shared.customer()
    page = shared.pay_page(customer=customer)
    browse(str(page.url), card="approve", do="go")
    assert shared.v1.payment_methods.list({"customer": customer}).data == []


def test_a_declined_card_is_told_on_the_page_which_stays_open_for_another(shop: Shop) -> None:
    page = shop.pay_page()
    told = browse(str(page.url), card="insufficient_funds", do="go")
    assert told.status == 200
    assert f'role="alert">{WORDS["en"]["declined"]}' in told.text
    after = shop.v1.checkout.sessions.retrieve(page.id, {"expand": ["payment_intent"]})
    assert (after.status, after.payment_intent.status) == ("open", "requires_payment_method")
    assert browse(str(page.url), card="approve", do="go").status == 303
    assert shop.v1.payment_intents.retrieve(after.payment_intent.id).status == "succeeded"
    assert len(shop.book()) == 1


@pytest.mark.parametrize("answer", ["yes", "no", "never"])
def test_a_bank_that_asks_for_a_confirmation_on_the_page_has_taken_nothing_until_it_is_given(
    shop: Shop, answer: str
) -> None:
    page = shop.pay_page()
    asked = browse(str(page.url), card="challenge", do="go")
    intent = shop.v1.checkout.sessions.retrieve(page.id).payment_intent
    assert (asked.status, asked.location) == (303, f"/pay/challenge/{intent}")
    assert (shop.v1.payment_intents.retrieve(str(intent)).status, shop.book()) == ("requires_action", [])
    if answer == "never":
        shop.v1.checkout.sessions.expire(page.id)
        assert shop.v1.payment_intents.retrieve(str(intent)).status == "canceled"
    bank = str(page.url).rpartition("/pay/")[0] + str(asked.location)
    told = browse(bank, do="yes" if answer == "never" else answer)
    status = {"yes": "complete", "no": "open", "never": "expired"}[answer]
    assert shop.v1.checkout.sessions.retrieve(page.id).status == status
    assert (told.status, told.location) == (303, f"/pay/{page.id}" if answer == "no" else BACK)
    assert shop.book() == ([(page.amount_total, 0, 0)] if answer == "yes" else [])


@pytest.mark.parametrize("form", [{"card": "gold", "do": "go"}, {"do": "go"}, {"card": "sepa"}, {"card[a]": "b"}])
def test_what_is_not_on_the_page_cannot_be_chosen(shared: Shop, form: dict[str, str]) -> None:
    page = shared.pay_page()
    answer = browse(str(page.url), **form)
    assert (answer.status, 'role="alert"' in answer.text) == (400, True)
    assert shared.v1.checkout.sessions.retrieve(page.id).status == "open"


@pytest.mark.parametrize("path", ["/pay/cs_none", "/pay/challenge/pi_none"])
def test_a_page_that_does_not_exist_is_a_404(shared: Shop, path: str) -> None:
    assert browse(shared.running.url + path).status == 404


def test_a_person_may_leave_without_a_card(shared: Shop) -> None:
    page = shared.setup_page(shared.customer(), cancel_url=f"{BACK}?left=1")
    assert (browse(str(page.url), do="cancel").location, "Save a card" in browse(str(page.url)).text) == (
        f"{BACK}?left=1",
        True,
    )
    assert shared.v1.checkout.sessions.retrieve(page.id).status == "open"


def test_the_addresses_back_get_the_sessions_id_put_in(shared: Shop) -> None:
    ends = {"success_url": f"{BACK}?s={{CHECKOUT_SESSION_ID}}", "cancel_url": f"{BACK}?c={{CHECKOUT_SESSION_ID}}"}
    page = shared.pay_page(4200, "eur", **ends)
    assert browse(str(page.url), do="cancel").location == f"{BACK}?c={page.id}"
    assert browse(str(page.url), card="approve", do="go").location == f"{BACK}?s={page.id}"


def test_a_set_up_page_stores_a_card_for_its_customer(shared: Shop) -> None:
    customer = shared.customer()
    page = shared.setup_page(customer, setup_intent_data={"metadata": {"account": "7"}}, metadata={"account": "8"})
    assert page.payment_status == "no_payment_required"
    before = shared.v1.setup_intents.retrieve(str(page.setup_intent))
    assert (before.status, before.payment_method, before.customer) == ("requires_payment_method", None, customer)
    assert browse(str(page.url), card="approve", do="go").status == 303
    after = shared.v1.checkout.sessions.retrieve(page.id, {"expand": ["setup_intent.payment_method"]})
    assert (after.setup_intent.status, after.setup_intent.payment_method.customer) == ("succeeded", customer)
    assert [after.metadata["account"], after.setup_intent.metadata["account"]] == ["8", "7"]
    alone = shared.v1.setup_intents.retrieve(after.setup_intent.id, {"expand": ["payment_method"]})
    assert alone.to_dict() == after.setup_intent.to_dict()


# Languages


@pytest.mark.parametrize(
    ("locale", "accept", "lang"),
    [
        ("nl", "", "nl"),
        ("nl", "en", "nl"),
        ("en-GB", "nl", "en"),
        ("de", "nl", "en"),
        (None, "nl", "nl"),
        ("auto", "nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        ("auto", "en;q=0.5, nl;q=0.75", "nl"),
        ("auto", "en-US,en;q=0.9,nl;q=0.8", "en"),
        ("auto", "de-DE,de;q=0.9", "en"),
        ("auto", "nl;q=0", "en"),
        ("auto", "nl;q=x", "en"),
        ("auto", "", "en"),
    ],
)
def test_a_page_speaks_its_language_or_the_browsers(shared: Shop, locale: str | None, accept: str, lang: str) -> None:
    more: dict[str, Any] = {} if locale is None else {"locale": locale}
    shown = browse(str(shared.pay_page(123_456, **more).url), language=accept)
    sums = {"en": "€1,234.56", "nl": "€ 1.234,56"}
    assert f'<html lang="{lang}">' in shown.text
    assert (sums[lang] in words(shown), WORDS[lang]["title"] in shown.text) == (True, True)
    assert language_of(locale or "auto", accept) == lang


def test_every_card_and_account_and_word_is_known_in_dutch(shared: Shop) -> None:
    assert {*INSTRUMENTS} == {*IN_DUTCH}
    assert {*WORDS["nl"]} == {*WORDS["en"]}
    page = shared.pay_page(locale="nl")
    assert [name for card in CARDS if (name := IN_DUTCH[card.name]) not in words(browse(str(page.url)))] == []
    assert WORDS["nl"]["declined"] in browse(str(page.url), card="lost", do="go").text
    browse(str(page.url), card="approve", do="go")
    assert WORDS["nl"]["over_text"] in browse(str(page.url)).text


# The bank's page


@pytest.mark.parametrize(("answer", "status"), [("yes", "succeeded"), ("no", "requires_payment_method")])
def test_the_banks_page_asks_once_and_leads_back(shared: Shop, answer: str, status: str) -> None:
    intent = shared.charge(shared.method("challenge"), 123_456, off_session=False, return_url=BACK)
    url = intent.next_action.redirect_to_url.url
    assert ("€1,234.56" in words(browse(url)), WORDS["nl"]["confirm"] in browse(url, "nl").text) == (True, True)
    assert browse(url, do=answer).location == BACK
    assert shared.v1.payment_intents.retrieve(intent.id).status == status
    assert WORDS["en"]["over"] in browse(url).text
    assert browse(url, do="yes").location == BACK
    assert shared.v1.payment_intents.retrieve(intent.id).status == status


# Their life


@pytest.mark.parametrize(("seconds", "right"), [(29 * 60, False), (30 * 60, True), (DAY, True), (DAY + 60, False)])
def test_a_page_lives_half_an_hour_to_a_day(shared: Shop, seconds: int, right: bool) -> None:
    if right:
        assert shared.pay_page(expires_at=shared.now + seconds).status == "open"
        return
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shared.pay_page(expires_at=shared.now + seconds)
    assert caught.value.param == "expires_at"


def test_a_page_expires_by_itself_and_takes_nothing_after(shop: Shop, receiver: Receiver) -> None:
    page, kept = shop.pay_page(expires_at=shop.now + 1800), shop.pay_page()
    shop.control("webhook", url=receiver.url)
    shop.move(1801)
    soon(lambda: receiver.kinds() == ["checkout.session.expired"])
    assert [one.id for one in shop.v1.checkout.sessions.list({"status": "expired"}).data] == [page.id]
    assert [one.id for one in shop.v1.checkout.sessions.list({"status": "open"}).data] == [kept.id]
    closed = browse(str(page.url), card="approve", do="go")
    assert (closed.status, WORDS["en"]["over"] in closed.text) == (200, True)
    assert shop.book() == []


def test_an_open_page_can_be_expired_once(shared: Shop) -> None:
    page = shared.pay_page()
    assert shared.v1.checkout.sessions.expire(page.id).status == "expired"
    for name in (page.id, done(shared)):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shared.v1.checkout.sessions.expire(name)
        assert caught.value.http_status == 400


def done(shop: Shop) -> str:
    page = shop.pay_page()
    browse(str(page.url), card="approve", do="go")
    return str(page.id)


def test_the_payment_of_an_open_page_is_ended_by_expiring_the_page(shared: Shop) -> None:
    page = shared.pay_page()
    browse(str(page.url), card="generic", do="go")
    intent = str(shared.v1.checkout.sessions.retrieve(page.id).payment_intent)
    for call in (shared.v1.payment_intents.cancel, shared.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError):
            call(intent)
    shared.v1.checkout.sessions.expire(page.id)
    assert shared.v1.payment_intents.cancel(intent).status == "canceled"


def test_the_truthful_book_is_the_sum_of_what_the_wire_shows(shop: Shop) -> None:
    method = shop.method()
    browse(str(shop.pay_page(700, payment_intent_data={"metadata": {"attempt": "att_2_1"}}).url), card="approve")
    first, second = shop.charge(method, 100), shop.charge(method, 250, "jpy", metadata={"attempt": "att_1_1"})
    shop.v1.refunds.create({"payment_intent": first.id, "amount": 40})
    shop.control("dispute", intent=second.id)
    with pytest.raises(stripe.CardError):
        shop.charge(shop.method("lost"))
    wire = {
        one.id: (one.amount_received, one.latest_charge.amount_refunded, one.latest_charge.disputed, one.currency)
        for one in shop.v1.payment_intents.list({"expand": ["data.latest_charge"]}).auto_paging_iter()
        if one.amount_received
    }
    truth = shop.control("book")
    assert {
        line["payment_intent"]: (line["taken"], line["refunded"], line["disputed"] > 0, line["currency"])
        for line in truth
    } == wire
    assert [(line["attempt"], line["taken"] - line["refunded"] - line["disputed"]) for line in truth] == [
        ("att_2_1", 700),
        ("", 60),
        ("att_1_1", 0),
    ]
