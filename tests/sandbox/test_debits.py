"""Bank debits at the sandbox: under way for days, settled, refused or taken back, on the wire and as the adapter reads
them."""

from __future__ import annotations

import urllib.error
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from tests.sandbox.conftest import DAY, Shop, browse

from arrears.adapters.payments.stripe import Stripe
from arrears.core.payments.values import AttemptChange, Codes, DebitReturned, Declined, Paid, Processing
from arrears.sandbox.accounts import ACCOUNTS, SCHEMES

BY_NAME = {account.name: account for account in ACCOUNTS}
SETTLING = [account.name for account in ACCOUNTS if account.failure is None]
FAILING = [account.name for account in ACCOUNTS if account.failure is not None]
RETURNED = [account.name for account in ACCOUNTS if account.returned is not None]


def debit(shop: Shop, name: str, **more: Any) -> Any:
    account = BY_NAME[name]
    method = shop.method(name, kind=account.kind)
    return shop.charge(method, currency=SCHEMES[account.kind].currency, **more)


def adapter(shop: Shop) -> Stripe:
    return Stripe(shop.running.secret_key, [shop.running.webhook_secret], live=False, api_base=shop.running.url)


def outcome(shop: Shop, intent: str) -> object:
    start = datetime.fromtimestamp(shop.now - DAY, UTC)
    return adapter(shop).look_up("att_1_1", "", intent, start)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("sepa", {"bank_code": "19043", "branch_code": "", "country": "AT", "last4": "3201"}),
        (
            "ach",
            {
                "account_holder_type": "company",
                "account_type": "checking",
                "bank_name": "STRIPE TEST BANK",
                "last4": "6789",
                "routing_number": "110000000",
            },
        ),
        ("bacs", {"last4": "2345", "sort_code": "108800"}),
    ],
)
def test_a_stored_account_tells_its_bank_and_a_fingerprint(shop: Shop, name: str, shown: dict[str, Any]) -> None:
    kind = BY_NAME[name].kind
    method, _ = shop.method(name, kind=kind)
    found = shop.v1.payment_methods.retrieve(method).to_dict()
    again = shop.v1.payment_methods.retrieve(shop.method(name, kind=kind)[0]).to_dict()
    assert found["type"] == kind
    assert "card" not in found
    fingerprint = found[kind].pop("fingerprint")
    assert (found[kind], fingerprint) == (shown, again[kind]["fingerprint"])
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.payment_methods.update(method, {"card": {"exp_month": 1, "exp_year": 2040}})


@pytest.mark.parametrize("name", SETTLING)
def test_a_debit_is_under_way_until_its_days_have_passed(shop: Shop, name: str) -> None:
    made = debit(shop, name, expand=["latest_charge"])
    kind = BY_NAME[name].kind
    assert (made.status, made.amount_received, made.latest_charge.status) == ("processing", 0, "pending")
    assert made.latest_charge.payment_method_details.type == kind
    shop.move(SCHEMES[kind].settles_seconds - 1)
    assert shop.v1.payment_intents.retrieve(made.id).status == "processing"
    assert shop.book() == []
    start = shop.move(1)
    settled = shop.v1.payment_intents.retrieve(made.id, {"expand": ["latest_charge"]})
    assert (settled.status, settled.amount_received) == ("succeeded", 4200)
    assert shop.v1.charges.retrieve(made.latest_charge.id).paid
    assert shop.book() == [(4200, 0, 0)]
    events = shop.v1.events.list({"types": ["payment_intent.processing", "payment_intent.succeeded"]}).data
    assert [(one.type, one.created) for one in events] == [
        ("payment_intent.succeeded", start),
        ("payment_intent.processing", start - SCHEMES[kind].settles_seconds),
    ]


@pytest.mark.parametrize(
    ("name", "code", "network"),
    [
        ("sepa_empty", "insufficient_funds", "AM04"),
        ("ach_empty", "insufficient_funds", "R01"),
        ("ach_closed", "account_closed", "R02"),
        ("bacs_empty", "insufficient_funds", "0"),
    ],
)
def test_a_debit_that_fails_says_so_in_the_schemes_own_code(shop: Shop, name: str, code: str, network: str) -> None:
    made = debit(shop, name, metadata={"attempt": "att_1_1"})
    assert outcome(shop, made.id) == Processing(made.id)
    assert shop.control("end_debits") == {made.id: "requires_payment_method"}
    failed = shop.v1.payment_intents.retrieve(made.id, {"expand": ["latest_charge"]})
    assert (failed.last_payment_error.code, failed.payment_method) == (code, None)
    charge = failed.latest_charge
    assert (charge.status, charge.failure_code, charge.outcome.network_decline_code) == ("failed", code, network)
    told = outcome(shop, made.id)
    assert isinstance(told, Declined)
    assert (told.codes, shop.book()) == (Codes(code, network), [])
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.refunds.create({"payment_intent": made.id})


def test_every_account_that_fails_is_tried_here() -> None:
    assert FAILING == ["sepa_empty", "ach_empty", "ach_closed", "bacs_empty"]


@pytest.mark.parametrize("name", RETURNED)
def test_a_debit_may_come_back_days_after_it_had_settled(shop: Shop, name: str) -> None:
    made = debit(shop, name, metadata={"attempt": "att_1_1"})
    account, scheme = BY_NAME[name], SCHEMES[BY_NAME[name].kind]
    assert account.returned is not None
    shop.move(scheme.settles_seconds)
    assert isinstance(outcome(shop, made.id), Paid)
    assert shop.v1.disputes.list().data == []
    at = shop.move(scheme.returns_seconds)
    (back,) = shop.v1.disputes.list({"payment_intent": made.id}).data
    assert (back.status, back.reason, back.network_reason_code, back.amount, back.created) == (
        "lost",
        account.returned.code,
        account.returned.network_code,
        4200,
        at,
    )
    assert shop.book() == [(4200, 0, 4200)]
    assert [one.type for one in shop.v1.events.list({"limit": 3}).data] == [
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.created",
    ]
    changes = [*adapter(shop).changes_since(datetime.fromtimestamp(at - 30 * DAY, UTC))]
    codes = Codes(account.returned.code, account.returned.network_code)
    assert DebitReturned(made.id, back.id, 4200, scheme.currency.upper(), codes) in changes
    assert [one.outcome for one in changes if isinstance(one, AttemptChange)] == [outcome(shop, made.id)]
    (line,) = adapter(shop).book(datetime.fromtimestamp(at - 30 * DAY, UTC), datetime.fromtimestamp(at, UTC))
    assert (line.taken_minor, line.disputed_minor) == (4200, 4200)


@pytest.mark.parametrize(("name", "network"), [("sepa", "MD06"), ("ach", "R10"), ("bacs", None)])
def test_a_payer_may_ask_for_a_settled_debit_back_and_gets_it_for_good(
    shop: Shop, name: str, network: str | None
) -> None:
    made = debit(shop, name)
    shop.control("end_debits", intent=made.id)
    dispute = shop.v1.disputes.retrieve(shop.control("dispute", intent=made.id)["id"])
    assert (dispute.status, dispute.reason, dispute.network_reason_code) == ("lost", "debit_not_authorized", network)
    with pytest.raises(urllib.error.HTTPError) as caught:
        shop.control("close", dispute=dispute.id, won=True)
    caught.value.close()
    assert shop.book() == [(4200, 0, 4200)]


def test_a_debit_can_be_returned_for_any_reason_but_only_once_and_only_after_it_settled(shop: Shop) -> None:
    made, card = debit(shop, "ach"), shop.charge(shop.method())
    ask = {"intent": made.id, "code": "account_closed", "network_code": "R02"}
    refused: list[dict[str, Any]] = [ask, {"intent": card.id}]
    for one in refused:
        with pytest.raises(urllib.error.HTTPError) as caught:
            shop.control("return_debit", **one)
        caught.value.close()
    shop.control("end_debits")
    back = shop.v1.disputes.retrieve(shop.control("return_debit", **ask)["id"])
    assert (back.reason, back.network_reason_code) == ("account_closed", "R02")
    with pytest.raises(urllib.error.HTTPError) as caught:
        shop.control("return_debit", **ask)
    caught.value.close()


def test_a_debit_that_is_under_way_can_be_neither_canceled_nor_confirmed_again(shop: Shop) -> None:
    made = debit(shop, "sepa")
    for call in (shop.v1.payment_intents.cancel, shop.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            call(made.id)
        assert caught.value.code == "payment_intent_unexpected_state"
    assert [shop.control("end_debits"), shop.control("end_debits")] == [{made.id: "succeeded"}, {}]


def test_an_account_pays_only_in_its_own_currency(shop: Shop) -> None:
    method = shop.method("sepa", kind="sepa_debit")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.charge(method, currency="usd")
    assert caught.value.code == "payment_method_currency_mismatch"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.charge(method, automatic_payment_methods=None, payment_method_types=["card"])
    assert caught.value.code == "payment_intent_incompatible_payment_method"
    assert shop.v1.payment_intents.list().data == []


def test_a_bank_may_change_its_mind_while_a_debit_is_under_way_but_stays_a_bank(shop: Shop) -> None:
    method = shop.method("sepa", kind="sepa_debit")
    made = shop.charge(method)
    shop.control("behave", **{"method": method[0], "as": "sepa_empty"})
    assert shop.control("end_debits") == {made.id: "requires_payment_method"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        shop.control("behave", **{"method": method[0], "as": "approve"})
    caught.value.close()


@pytest.mark.parametrize(("name", "end"), [("sepa", "succeeded"), ("sepa_empty", "failed")])
def test_a_debit_on_a_page_completes_it_and_is_told_days_later(shop: Shop, name: str, end: str) -> None:
    page = shop.pay_page(allowed_payment_method_types=["card", "sepa_debit", "us_bank_account"])
    shown = browse(str(page.url), "nl").text
    assert [one.name for one in ACCOUNTS if f'value="{one.name}"' in shown] == ["sepa", "sepa_empty", "sepa_returned"]
    assert "Kies een testkaart of testrekening" in shown
    assert browse(str(page.url), card=name, do="go").status == 303
    after = shop.v1.checkout.sessions.retrieve(page.id, {"expand": ["payment_intent"]})
    assert isinstance(after.payment_intent, stripe.PaymentIntent)
    assert (after.status, after.payment_status, after.payment_intent.status) == ("complete", "unpaid", "processing")
    shop.move(SCHEMES["sepa_debit"].settles_seconds)
    assert shop.v1.events.list({"limit": 1}).data[0].type == f"checkout.session.async_payment_{end}"
    paid = shop.v1.checkout.sessions.retrieve(page.id).payment_status
    assert paid == ("paid" if end == "succeeded" else "unpaid")


def test_a_set_up_account_has_a_mandate(shop: Shop) -> None:
    page = shop.setup_page(shop.customer(), "bacs_debit")
    shop.control("card", session=page.id, card="bacs")
    setup = shop.v1.setup_intents.retrieve(str(page.setup_intent))
    assert (setup.status, setup.mandate) == ("succeeded", f"mandate_{setup.payment_method}")
