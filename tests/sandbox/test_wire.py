"""The provider's wire, driven with the provider's own SDK: every request, and how strict each is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import requests
import stripe
from tests.sandbox.conftest import BACK, DAY, Shop

from arrears.sandbox.cards import CARDS
from arrears.sandbox.forms import read_form
from arrears.sandbox.objects import WireError

DECLINED = {card.name: card.decline for card in CARDS if card.decline is not None}
PAYING = [card.name for card in CARDS if card.decline is None and not card.challenge]


def refused(call: Any, *args: Any, **kwargs: Any) -> Any:
    """The SDK's own error; what its body has is not in the SDK's types."""
    with pytest.raises(stripe.StripeError) as caught:
        call(*args, **kwargs)
    return caught.value


# Customers and methods


def test_a_customer_is_kept_as_it_was_given(shared: Shop) -> None:
    made = shared.v1.customers.create(
        {"name": "Å & Co", "email": "a@example.org", "metadata": {"account": "7"}, "preferred_locales": ["nl"]}
    )
    found = shared.v1.customers.retrieve(made.id)
    assert (found.name, found.email, found.preferred_locales) == ("Å & Co", "a@example.org", ["nl"])
    assert (found.metadata or {})["account"] == "7"
    assert found.livemode is False


def test_two_sandboxes_never_give_the_same_id(shop: Shop, shared: Shop) -> None:
    """One database may see several: as many of the tests as there are files, and every demo that is started again."""
    first, second = ({one.customer() for _ in range(50)} for one in (shop, shared))
    assert (len(first), len(second), first & second) == (50, 50, set())


def test_a_stored_card_tells_its_brand_its_end_and_a_fingerprint_of_its_number(shared: Shop) -> None:
    first, customer = shared.method("approve_mastercard")
    again, _ = shared.method("approve_mastercard")
    other, _ = shared.method("approve")
    cards = [shared.v1.payment_methods.retrieve(one).card for one in (first, again, other)]
    same, twin, another = cards
    assert (same.brand, same.last4, same.funding, same.country) == ("mastercard", "4444", "debit", "DE")
    assert same.fingerprint == twin.fingerprint != another.fingerprint
    listed = shared.v1.payment_methods.list({"customer": customer, "type": "card"})
    assert [one.id for one in listed.data] == [first]
    assert shared.v1.payment_methods.list({"customer": customer, "type": "sepa_debit"}).data == []


def test_an_expired_card_pays_once_its_new_date_is_known(shared: Shop) -> None:
    method = shared.method("expired")
    assert refused(shared.charge, method).code == "expired_card"
    past = shared.v1.payment_methods.update(method[0], {"card": {"exp_month": 1, "exp_year": 2021}})
    assert (past.card.exp_month, past.card.exp_year) == (1, 2021)
    assert refused(shared.charge, method).code == "expired_card"
    shared.v1.payment_methods.update(method[0], {"card": {"exp_month": 12, "exp_year": 2040}, "metadata": {"a": "b"}})
    assert shared.charge(method).status == "succeeded"


def test_a_card_has_no_thirteenth_month(shared: Shop) -> None:
    method, _ = shared.method()
    error = refused(shared.v1.payment_methods.update, method, {"card": {"exp_month": 13, "exp_year": 2040}})
    assert (error.http_status, error.code) == (402, "invalid_expiry_month")


def test_a_detached_card_is_nobodys_and_cannot_be_charged_or_detached_again(shared: Shop) -> None:
    method, customer = shared.method()
    assert shared.v1.payment_methods.detach(method).customer is None
    assert shared.v1.payment_methods.list({"customer": customer}).data == []
    assert refused(shared.charge, (method, customer)).http_status == 400
    assert "not attached" in str(refused(shared.v1.payment_methods.detach, method))


# Payments


@pytest.mark.parametrize("name", PAYING)
def test_a_paying_card_pays_and_the_charge_says_with_what(shared: Shop, name: str) -> None:
    method = shared.method(name)
    paid = shared.charge(method, 1234, expand=["latest_charge", "payment_method"], metadata={"attempt": "att_1_1"})
    assert (paid.status, paid.amount_received, paid.currency) == ("succeeded", 1234, "eur")
    assert (paid.payment_method.id, paid.metadata["attempt"]) == (method[0], "att_1_1")
    charge = shared.v1.charges.retrieve(paid.latest_charge.id)
    whose = (charge.payment_intent, charge.customer)
    assert (charge.paid, charge.status, whose) == (True, "succeeded", (paid.id, method[1]))
    assert charge.outcome.network_advice_code == ("41" if name == "single_use" else None)
    assert charge.payment_method_details.card.last4 == paid.payment_method.card.last4


@pytest.mark.parametrize("name", DECLINED)
def test_a_declined_card_says_why_in_all_the_codes_that_it_has(shared: Shop, name: str) -> None:
    method, said = shared.method(name), DECLINED[name]
    error = refused(shared.charge, method, metadata={"attempt": f"att_{name}"})
    body = error.json_body["error"]
    assert isinstance(error, stripe.CardError)
    assert error.http_status == 402
    codes = (error.code, body["decline_code"], body["network_decline_code"])
    assert codes == (said.code, said.decline_code, said.network_code)
    assert body.get("advice_code", "") == said.advice_code
    assert body.get("network_advice_code", "") == said.network_advice
    assert body["payment_method"]["id"] == method[0]
    intent = shared.v1.payment_intents.retrieve(body["payment_intent"]["id"], {"expand": ["latest_charge"]})
    assert (intent.status, intent.payment_method, intent.amount_received) == ("requires_payment_method", None, 0)
    assert intent.last_payment_error.decline_code == said.decline_code
    assert intent.latest_charge.id == body["charge"]
    assert intent.latest_charge.outcome.network_decline_code == said.network_code
    assert (intent.latest_charge.paid, intent.latest_charge.failure_code) == (False, said.code)


def test_a_bank_may_change_its_mind(shared: Shop) -> None:
    method = shared.method("approve")
    shared.control("behave", **{"method": method[0], "as": "lost"})
    assert refused(shared.charge, method).json_body["error"]["decline_code"] == "lost_card"
    shared.control("behave", **{"method": method[0], "as": "approve"})
    assert shared.charge(method).status == "succeeded"


def test_nobody_is_there_to_confirm_a_charge_off_session(shared: Shop) -> None:
    error = refused(shared.charge, shared.method("challenge"))
    body = error.json_body["error"]
    assert isinstance(error, stripe.CardError)
    assert (error.code, body["decline_code"]) == ("authentication_required", "authentication_required")
    assert body["payment_intent"]["status"] == "requires_payment_method"


@pytest.mark.parametrize(("confirmed", "status"), [(True, "succeeded"), (False, "requires_payment_method")])
def test_on_session_the_bank_asks_and_the_customer_answers(shared: Shop, confirmed: bool, status: str) -> None:
    intent = shared.charge(shared.method("challenge"), off_session=False, return_url=BACK)
    assert intent.status == "requires_action"
    assert intent.next_action.redirect_to_url.url.startswith(shared.running.url)
    shared.control("challenge", intent=intent.id, confirmed=confirmed)
    after = shared.v1.payment_intents.retrieve(intent.id)
    assert after.status == status
    assert (after.last_payment_error is None) is confirmed


def test_a_bank_that_asked_may_still_decline(shared: Shop) -> None:
    method = shared.method("challenge")
    intent = shared.charge(method, off_session=False, return_url=BACK)
    shared.control("behave", **{"method": method[0], "as": "insufficient_funds"})
    shared.control("challenge", intent=intent.id, confirmed=True)
    after = shared.v1.payment_intents.retrieve(intent.id)
    assert after.last_payment_error is not None
    assert (after.status, after.last_payment_error.decline_code) == ("requires_payment_method", "insufficient_funds")


def test_a_payment_can_be_confirmed_later_with_another_card_after_a_decline(shared: Shop) -> None:
    bad, customer = shared.method("generic")
    good, _ = shared.method("approve", customer)
    made = shared.v1.payment_intents.create(
        {"amount": 100, "currency": "eur", "customer": customer, "payment_method": bad}
    )
    assert made.status == "requires_confirmation"
    assert refused(shared.v1.payment_intents.confirm, made.id).code == "card_declined"
    assert "missing a payment method" in str(refused(shared.v1.payment_intents.confirm, made.id))
    done = shared.v1.payment_intents.confirm(made.id, {"payment_method": good})
    assert (done.status, done.amount_received) == ("succeeded", 100)
    assert refused(shared.v1.payment_intents.confirm, made.id).code == "payment_intent_unexpected_state"


def test_what_is_canceled_never_pays_and_what_has_paid_is_not_canceled(shared: Shop) -> None:
    method = shared.method("challenge")
    open_one = shared.charge(method, off_session=False, return_url=BACK)
    assert shared.v1.payment_intents.cancel(open_one.id).status == "canceled"
    shared.control("challenge", intent=open_one.id, confirmed=True)
    assert shared.v1.payment_intents.retrieve(open_one.id).status == "canceled"
    paid = shared.charge(shared.method())
    assert refused(shared.v1.payment_intents.cancel, paid.id).code == "payment_intent_unexpected_state"


# Money back


def test_refunds_never_exceed_what_was_taken(shared: Shop) -> None:
    paid = shared.charge(shared.method(), 1000)
    first = shared.v1.refunds.create({"payment_intent": paid.id, "amount": 300, "metadata": {"key": "k"}})
    assert (first.status, first.amount, first.charge) == ("succeeded", 300, paid.latest_charge)
    assert "greater than unrefunded amount" in str(
        refused(shared.v1.refunds.create, {"payment_intent": paid.id, "amount": 701})
    )
    rest = shared.v1.refunds.create({"charge": str(paid.latest_charge), "reason": "requested_by_customer"})
    assert (rest.amount, rest.reason) == (700, "requested_by_customer")
    assert refused(shared.v1.refunds.create, {"payment_intent": paid.id}).code == "charge_already_refunded"
    charge = shared.v1.charges.retrieve(str(paid.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    listed = shared.v1.refunds.list({"charge": str(paid.latest_charge)})
    assert [one.id for one in listed.data] == [rest.id, first.id]
    assert shared.v1.refunds.retrieve(first.id).to_dict()["metadata"] == {"key": "k"}


def test_what_was_never_paid_cannot_be_refunded(shared: Shop) -> None:
    body = refused(shared.charge, shared.method("generic")).json_body["error"]
    error = refused(shared.v1.refunds.create, {"payment_intent": body["payment_intent"]["id"]})
    assert "does not have a successful charge" in str(error)


@pytest.mark.parametrize(("won", "status", "left"), [(True, "won", (500, 100, 0)), (False, "lost", (500, 100, 400))])
def test_a_dispute_takes_what_is_left_and_gives_it_back_only_if_won(
    shop: Shop, won: bool, status: str, left: tuple[int, int, int]
) -> None:
    paid = shop.charge(shop.method(), 500)
    shop.v1.refunds.create({"payment_intent": paid.id, "amount": 100})
    name = shop.control("dispute", intent=paid.id)["id"]
    found = shop.v1.disputes.retrieve(name, {"expand": ["charge"]})
    assert (found.amount, found.status, found.payment_intent) == (400, "needs_response", paid.id)
    assert isinstance(found.charge, stripe.Charge)
    assert found.charge.disputed
    assert [one.id for one in shop.v1.disputes.list({"payment_intent": paid.id}).data] == [name]
    assert refused(shop.v1.refunds.create, {"payment_intent": paid.id}).code == "charge_disputed"
    assert shop.book() == [(500, 100, 400)]
    shop.control("close", dispute=name, won=won)
    assert shop.v1.disputes.retrieve(name).status == status
    assert shop.book() == [left]


def test_what_left_shows_its_payment_whole_where_that_is_wanted(shared: Shop) -> None:
    paid = shared.charge(shared.method(), 500, metadata={"attempt": "att_1_1"})
    given = shared.v1.refunds.create({"payment_intent": paid.id, "amount": 100})
    name = shared.control("dispute", intent=paid.id)["id"]
    one, every = ["payment_intent", "payment_intent.latest_charge"], ["data.payment_intent"]
    for found in (
        shared.v1.refunds.retrieve(given.id, {"expand": one}),
        shared.v1.disputes.retrieve(name, {"expand": one}),
    ):
        whole = found.to_dict()["payment_intent"]
        assert (whole["id"], whole["latest_charge"]["amount"]) == (paid.id, 500)
    for listing in (shared.v1.refunds.list, shared.v1.disputes.list):
        [found] = listing({"payment_intent": paid.id, "expand": every}).data
        assert found.to_dict()["payment_intent"]["metadata"] == {"attempt": "att_1_1"}


def test_a_refund_can_fail_once_it_was_made_and_a_dispute_take_a_part_be_lost_and_won_after_all(shop: Shop) -> None:
    paid = shop.charge(shop.method(), 500)
    given = shop.v1.refunds.create({"payment_intent": paid.id, "amount": 100})
    shop.control("fail_refund", refund=given.id)
    assert (shop.v1.refunds.retrieve(given.id).status, shop.book()) == ("failed", [(500, 0, 0)])
    part, rest = (shop.control("dispute", intent=paid.id, amount=minor)["id"] for minor in (200, 300))
    assert shop.book() == [(500, 0, 500)]
    for name in (part, rest):
        shop.control("close", dispute=name, won=False)
    shop.control("close", dispute=part, won=True)
    assert shop.book() == [(500, 0, 300)]


@pytest.mark.parametrize("code", ["invalid_currency", "payment_method_unactivated"])
def test_what_this_account_may_not_do_is_refused_as_a_request_and_leaves_nothing(shop: Shop, code: str) -> None:
    method = shop.method()
    shop.control("refuse", codes={"eur": code, "setup": code})
    assert refused(shop.charge, method).code == code
    assert refused(shop.pay_page).code == code
    shop.control("key", denied=["POST payment_intents"])
    assert refused(shop.charge, method).http_status == 403
    assert shop.v1.payment_intents.list({"limit": 1}).data == []


# Strictness

OK = {"amount": 100, "currency": "eur"}
PAGE = {"mode": "setup", "success_url": BACK}
DATA = {"currency": "eur", "unit_amount": 100, "product_data": {"name": "x"}}
ITEM = {"quantity": 1, "price_data": DATA}
PAY = {"mode": "payment", "success_url": BACK, "line_items": [ITEM]}

REFUSALS: list[tuple[str, dict[str, Any], str | None, str | None]] = [
    ("payment_intents", {"currency": "eur"}, "parameter_missing", "amount"),
    ("payment_intents", {"amount": 100}, "parameter_missing", "currency"),
    ("payment_intents", {**OK, "ammount": 1}, "parameter_unknown", "ammount"),
    ("payment_intents", {**OK, "currency": "EUR"}, "parameter_invalid", "currency"),
    ("payment_intents", {**OK, "currency": "euro"}, "parameter_invalid", "currency"),
    ("payment_intents", {**OK, "amount": 0}, "parameter_invalid_integer", "amount"),
    ("payment_intents", {**OK, "amount": -5}, "parameter_invalid_integer", "amount"),
    ("payment_intents", {**OK, "amount": "1.5"}, "parameter_invalid_integer", "amount"),
    ("payment_intents", {**OK, "amount": "\u0663"}, "parameter_invalid_integer", "amount"),
    ("payment_intents", {**OK, "amount": 100_000_000}, "amount_too_large", "amount"),
    ("payment_intents", {**OK, "amount": {"a": 1}}, "parameter_invalid_integer", "amount"),
    ("payment_intents", {**OK, "metadata": "x"}, None, "metadata"),
    ("payment_intents", {**OK, "metadata": {"a": {"b": "c"}}}, None, "metadata"),
    ("payment_intents", {**OK, "metadata": {f"k{i}": "v" for i in range(51)}}, None, "metadata"),
    ("payment_intents", {**OK, "metadata": {"k" * 41: "v"}}, None, "metadata"),
    ("payment_intents", {**OK, "metadata": {"k": "v" * 501}}, None, "metadata"),
    ("payment_intents", {**OK, "confirm": True, "return_url": BACK}, None, None),
    ("payment_intents", {**OK, "confirm": "yes"}, None, "confirm"),
    ("payment_intents", {**OK, "confirm": True}, None, "return_url"),
    ("payment_intents", {**OK, "off_session": True}, None, "off_session"),
    ("payment_intents", {**OK, "confirm": True, "return_url": "javascript:alert(1)"}, "url_invalid", "return_url"),
    ("payment_intents", {**OK, "expand": ["the_moon"]}, None, "expand"),
    ("payment_intents", {**OK, "expand": ["data.latest_charge"]}, None, "expand"),
    ("payment_intents", {**OK, "customer": "cus_none"}, "resource_missing", "customer"),
    ("payment_intents", {**OK, "payment_method": "pm_none"}, "resource_missing", "payment_method"),
    ("customers", {"nickname": "x"}, "parameter_unknown", "nickname"),
    ("refunds", {"amount": 1}, None, None),
    ("refunds", {"payment_intent": "pi_none"}, "resource_missing", "payment_intent"),
    ("checkout/sessions", {"success_url": BACK}, "parameter_invalid", "mode"),
    ("checkout/sessions", {"mode": "setup"}, "parameter_missing", "success_url"),
    ("checkout/sessions", {**PAGE, "success_url": "back"}, "url_invalid", "success_url"),
    ("checkout/sessions", {**PAGE, "locale": "xx"}, "parameter_invalid", "locale"),
    ("checkout/sessions", {**PAGE, "expires_at": 1}, None, "expires_at"),
    ("checkout/sessions", {**PAGE, "payment_method_types": ["cheque"]}, "parameter_invalid", "payment_method_types"),
    ("checkout/sessions", {**PAGE, "line_items": [ITEM]}, "parameter_unknown", "line_items"),
    ("checkout/sessions", {"mode": "payment", "success_url": BACK}, "parameter_missing", "line_items"),
    ("checkout/sessions", {**PAY, "line_items": [{"price_data": DATA}]}, "parameter_missing", "quantity"),
    ("checkout/sessions", {**PAY, "payment_method_types": ["bacs_debit"]}, None, "payment_method_types"),
    ("checkout/sessions", {**PAY, "line_items": [{**ITEM, "quantity": 1_000_000}]}, "amount_too_large", "line_items"),
]


@pytest.mark.parametrize(("path", "params", "code", "param"), REFUSALS)
def test_a_wrong_request_is_refused_and_the_parameter_is_named(
    shared: Shop, path: str, params: dict[str, Any], code: str | None, param: str | None
) -> None:
    error = refused(shared.raw, "post", f"/v1/{path}", params)
    assert isinstance(error, stripe.InvalidRequestError)
    assert error.http_status in (400, 404)
    assert (error.code, error.param) == (code, param)


def test_nothing_of_a_refused_request_is_kept(shop: Shop) -> None:
    for path, params, _, _ in REFUSALS:
        refused(shop.raw, "post", f"/v1/{path}", params)
    book = shop.running.sandbox.book
    assert (book.intents, book.sessions, book.setups, book.refunds, book.events) == ({}, {}, {}, {}, [])


@pytest.mark.parametrize(
    "path",
    """payment_intents/pi_0 charges/ch_0 payment_methods/pm_0 setup_intents/seti_0 refunds/re_0 disputes/du_0
    events/evt_0 customers/cus_0 checkout/sessions/cs_0""".split(),  # noqa: SIM905 - readable
)
def test_what_does_not_exist_is_a_404_that_says_so(shared: Shop, path: str) -> None:
    error = refused(shared.raw, "get", f"/v1/{path}")
    assert (error.http_status, error.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    "path", ["tax_rates", "payment_intents/pi_0/capture", "checkout", "payment_intents/a/cancel/b"]
)
def test_an_address_that_does_not_exist_here_is_a_404(shared: Shop, path: str) -> None:
    error = refused(shared.raw, "post", f"/v1/{path}")
    assert (error.http_status, "Unrecognized request URL" in str(error)) == (404, True)


@pytest.mark.parametrize("key", ["sk_test_other", "sk_test_sandböx", ""])
def test_a_wrong_key_is_refused(shared: Shop, key: str) -> None:
    answer = requests.get(
        f"{shared.running.url}/v1/customers/cus_1", headers={"Authorization": f"Bearer {key}".encode()}, timeout=10
    )
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, "Invalid API Key provided.")


def test_the_sdk_takes_a_wrong_key_for_what_it_is(shared: Shop) -> None:
    error = refused(shared.with_key("sk_test_other").v1.customers.create, {})
    assert isinstance(error, stripe.AuthenticationError)


def test_a_body_of_more_than_a_mebibyte_is_refused(shared: Shop) -> None:
    error = refused(shared.v1.customers.create, {"description": "x" * (1 << 20)})
    assert error.http_status == 413


@pytest.mark.parametrize("body", [b"metadata=x&metadata[a]=b", b"metadata[a]=b&metadata=x", b"name=\xff"])
def test_a_form_that_contradicts_itself_or_is_no_text_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        read_form(body)


# Lists and events


def test_lists_come_newest_first_in_pages_that_say_whether_there_are_more(shop: Shop) -> None:
    method = shop.method()
    made = [shop.charge(method, 100 + n).id for n in range(5)][::-1]
    list_of = shop.v1.payment_intents.list
    page = list_of({"customer": method[1], "limit": 2})
    assert ([one.id for one in page.data], page.has_more) == (made[:2], True)
    page = list_of({"customer": method[1], "limit": 3, "starting_after": made[1]})
    assert ([one.id for one in page.data], page.has_more) == (made[2:], False)
    page = list_of({"customer": method[1], "limit": 2, "ending_before": made[4]})
    assert ([one.id for one in page.data], page.has_more) == (made[2:4], True)
    whole = list_of({"limit": 2, "expand": ["data.latest_charge"]}).auto_paging_iter()
    assert [(one.id, one.latest_charge.paid) for one in whole] == [(name, True) for name in made]
    assert list_of({"customer": "cus_none"}).data == []


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 101}, "limit"),
        ({"limit": 0}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"starting_after": "pi_none"}, "starting_after"),
        ({"created": {"since": 1}}, "since"),
        ({"created": "x"}, "created"),
        ({"expand": ["latest_charge"]}, "expand"),
        ({"status": "open"}, "status"),
    ],
)
def test_a_wrong_list_is_refused(shared: Shop, params: dict[str, Any], param: str) -> None:
    error = refused(shared.raw, "get", "/v1/payment_intents", params)
    assert (error.http_status, error.param) == (400, param)


def test_lists_can_be_cut_by_the_time_of_creation(shop: Shop) -> None:
    method = shop.method()
    first, start = shop.charge(method).id, shop.now
    shop.move(10)
    second = shop.charge(method).id
    bounds = {"gte": start + 10, "gt": start, "lte": start, "lt": start + 10}
    found = {
        name: [one.id for one in shop.v1.payment_intents.list({"created": {name: at}}).data]
        for name, at in bounds.items()
    }
    assert found == {"gte": [second], "gt": [second], "lte": [first], "lt": [first]}
    assert [one.id for one in shop.v1.payment_intents.list({"created": start + 10}).data] == [second]


def test_events_tell_what_happened_for_thirty_days(shop: Shop) -> None:
    paid = shop.charge(shop.method())
    shop.v1.refunds.create({"payment_intent": paid.id, "amount": 1})
    kinds = [event.type for event in shop.v1.events.list().data]
    assert kinds == [
        "charge.refunded",
        "refund.created",
        "payment_intent.succeeded",
        "payment_intent.created",
        "checkout.session.completed",
        "setup_intent.succeeded",
    ]
    only = shop.v1.events.list({"types": ["payment_intent.succeeded", "refund.created"]}).data
    assert [event.type for event in only] == ["refund.created", "payment_intent.succeeded"]
    assert shop.v1.events.retrieve(only[1].id).data.object["id"] == paid.id
    shop.move(30 * DAY)
    assert shop.v1.events.list({"type": "refund.created"}).data != []
    shop.move(1)
    assert shop.v1.events.list().data == []


def test_a_connection_is_kept_for_longer_than_anybody_waits_with_the_next_request(
    shared: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent at the moment at which a connection ends is lost, and a journey is red by chance."""
    ends: list[float] = []
    later = asyncio.BaseEventLoop.call_later

    def noted(loop: Any, delay: float, callback: Any, *args: Any, **how: Any) -> Any:
        if "keep_alive" in getattr(callback, "__name__", ""):
            ends.append(delay)
        return later(loop, delay, callback, *args, **how)

    monkeypatch.setattr(asyncio.BaseEventLoop, "call_later", noted)
    shared.customer()
    shared.customer()  # its answer is begun after the first was ended
    assert ends
    assert min(ends) > 600
