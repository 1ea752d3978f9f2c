"""Stripe's codes in our words, from a table; and its payment methods as we know them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from tests.adapters.stripe_wire import intent, method, paid_charge

from arrears.adapters.payments.stripe.amounts import amount_limits, check_amount, from_stripe, to_stripe
from arrears.adapters.payments.stripe.codes import (
    DECLINES,
    Thing,
    codes_of,
    method_details,
    outcome_of,
)
from arrears.core.errors import Refused
from arrears.core.money import CURRENCIES
from arrears.core.payments.declines import every_guidance
from arrears.core.payments.networks import Category, decline_row, load_rules
from arrears.core.payments.values import Codes, Declined, Funding, MethodDetails, MethodKind, Network, Unknown

TABLE = """
insufficient_funds               insufficient_funds       later
card_velocity_exceeded           limit_exceeded           later
withdrawal_count_limit_exceeded  limit_exceeded           later
do_not_honor                     do_not_honor             generic
call_issuer                      do_not_honor             generic
generic_decline                  generic                  generic
lost_card                        lost_card                never
pickup_card                      lost_card                never
stolen_card                      stolen_card              never
expired_card                     expired                  fix_data
incorrect_number                 incorrect_data           fix_data
incorrect_cvc                    incorrect_data           fix_data
authentication_required          authentication_required  authenticate
revocation_of_authorization      revoked                  never
revocation_of_all_authorizations revoked                  never
stop_payment_order               revoked                  never
transaction_not_allowed          not_permitted            fix_data
card_not_supported               not_permitted            fix_data
restricted_card                  not_permitted            fix_data
currency_not_supported           currency_unsupported     fix_data
fraudulent                       fraud_suspected          fix_data
merchant_blacklist               fraud_suspected          fix_data
processing_error                 provider_error           later
issuer_not_available             provider_error           later
try_again_later                  provider_error           later
do_not_try_again                 do_not_try_again         never
live_mode_test_card              configuration            fix_data
no_such_code_yet                 unrecognised             fix_data
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize(("code", "word", "category"), ROWS)
def test_a_decline_code_is_our_word_with_the_planners_category(code: str, word: str, category: str) -> None:
    assert codes_of({"decline_code": code, "code": "card_declined"}, {}).decline == word
    assert decline_row(load_rules(), word).category is Category(category)


def test_every_word_that_we_map_to_has_guidance() -> None:
    assert {*DECLINES.values(), "unrecognised", "unknown"} <= set(every_guidance())


def test_no_code_at_all_is_unknown() -> None:
    assert codes_of({}, {}) == Codes("unknown")


@pytest.mark.parametrize(
    ("code", "advice", "word"),
    [
        ("insufficient_funds", "do_not_try_again", "do_not_try_again"),
        ("generic_decline", "do_not_try_again", "do_not_try_again"),
        ("lost_card", "do_not_try_again", "lost_card"),
        ("generic_decline", "confirm_card_data", "incorrect_data"),
        ("insufficient_funds", "confirm_card_data", "insufficient_funds"),
        ("generic_decline", "try_again_later", "generic"),
    ],
)
def test_stripes_advice_can_only_make_the_reading_stricter(code: str, advice: str, word: str) -> None:
    assert codes_of({"decline_code": code, "advice_code": advice}, {}).decline == word


def test_the_networks_codes_come_from_the_error_or_from_the_charge() -> None:
    error = {"decline_code": "do_not_honor", "network_decline_code": "05", "network_advice_code": "24"}
    assert codes_of(error, {}) == Codes("do_not_honor", "05", "24")
    charge = paid_charge("mastercard", network_decline_code="51", network_advice_code="03")
    assert codes_of({"decline_code": "insufficient_funds"}, charge) == Codes("insufficient_funds", "51", "03")


@pytest.mark.parametrize(
    ("name", "read"),
    [("network_decline_code", lambda codes: codes.network), ("network_advice_code", lambda codes: codes.advice)],
)
def test_the_error_speaks_before_the_charge_and_who_says_nothing_says_no_code(
    name: str, read: Callable[[Codes], str]
) -> None:
    error = {"decline_code": "do_not_honor"}
    other = paid_charge("mastercard", **{name: "51"})
    assert read(codes_of({**error, name: "24"}, other)) == "24"
    assert read(codes_of({**error, name: None}, other)) == "51"
    assert read(codes_of({**error, name: None}, paid_charge("mastercard", **{name: None}))) == ""


def test_advice_that_is_in_the_charge_alone_is_taken_too() -> None:
    error = {"decline_code": "generic_decline"}
    stop, confirm = paid_charge(advice_code="do_not_try_again"), paid_charge(advice_code="confirm_card_data")
    assert codes_of(error, stop).decline == "do_not_try_again"
    assert codes_of({**error, "advice_code": "confirm_card_data"}, stop).decline == "incorrect_data"
    assert codes_of(error, confirm).decline == "incorrect_data"
    assert codes_of({"decline_code": "expired_card"}, stop).decline == "expired"


@pytest.mark.parametrize(
    ("error", "charge", "word"),
    [
        ({"decline_code": "lost_card", "code": "card_declined"}, {"failure_code": "expired_card"}, "lost_card"),
        ({"decline_code": "generic_decline", "code": "expired_card"}, {}, "expired"),
        ({"code": "card_declined"}, {"failure_code": "expired_card"}, "expired"),
        ({"code": "card_declined"}, {}, "generic"),
        ({}, {"failure_code": "no_such_code_yet"}, "unrecognised"),
        ({"code": "expired_card"}, {"outcome": {"type": "blocked"}}, "expired"),
        ({"code": "card_declined"}, {"outcome": {"type": "issuer_declined"}}, "generic"),
    ],
)
def test_the_first_word_that_says_more_than_no_is_the_reason(error: Thing, charge: Thing, word: str) -> None:
    assert codes_of(error, charge).decline == word


def test_what_a_method_does_not_say_is_empty() -> None:
    bare = method(brand=None, last4=None, country=None, fingerprint=None, funding=None, exp_year=None)
    found = method_details(bare)
    assert found is not None
    assert (found.fingerprint, found.country, found.label, found.expires_on) == ("", "", "Card", None)
    debit = method_details(method("sepa_debit", fingerprint=None))
    assert debit is not None
    assert (debit.fingerprint, debit.label, debit.expires_on) == ("", "SEPA", None)


def test_a_visa_charge_has_no_merchant_advice() -> None:
    error = {"decline_code": "do_not_honor", "network_decline_code": "04", "network_advice_code": "01"}
    assert codes_of(error, paid_charge("visa")) == Codes("do_not_honor", "04", "")
    assert codes_of({**error, "payment_method": method(brand="visa")}, {}).advice == ""


def test_what_stripes_own_risk_rules_stopped_is_suspected_fraud() -> None:
    assert codes_of({"code": "card_declined"}, paid_charge(type="blocked")).decline == "fraud_suspected"


def test_a_declined_debit_carries_the_banks_return_code() -> None:
    error = {"code": "insufficient_funds", "network_decline_code": "R01"}
    found = outcome_of(intent("requires_payment_method", last_payment_error=error))
    assert isinstance(found, Declined)
    assert found.codes == Codes("insufficient_funds", "R01")


@pytest.mark.parametrize("answer", [{}, {"id": "pi_1"}, {"created": 1}, {"object": "list"}])
def test_an_answer_that_is_no_intent_is_unknown(answer: Thing) -> None:
    assert isinstance(outcome_of(answer), Unknown)


def test_a_card_is_known_by_its_fingerprint_and_the_last_day_of_its_month() -> None:
    assert method_details(method()) == MethodDetails(
        ref="pm_1",
        customer_ref="cus_1",
        kind=MethodKind.CARD,
        network=Network.MASTERCARD,
        fingerprint="fp1",
        label="Mastercard 4444",
        funding=Funding.DEBIT,
        country="NL",
        expires_on=date(2028, 2, 29),
    )


@pytest.mark.parametrize(
    ("kind", "data", "wanted"),
    [
        ("card", {"brand": "visa"}, (MethodKind.CARD, Network.VISA, "Visa 4444")),
        ("card", {"brand": "amex"}, (MethodKind.CARD, Network.UNKNOWN, "American Express 4444")),
        (
            "us_bank_account",
            {"bank_name": "Test Bank", "last4": "6789"},
            (MethodKind.ACH, Network.ACH, "Test Bank 6789"),
        ),
        ("sepa_debit", {"last4": "3000"}, (MethodKind.SEPA, Network.SEPA, "SEPA 3000")),
        ("bacs_debit", {"last4": "2345"}, (MethodKind.BACS, Network.BACS, "BACS 2345")),
    ],
)
def test_each_kind_of_method_has_its_network(
    kind: str, data: dict[str, str], wanted: tuple[MethodKind, Network, str]
) -> None:
    found = method_details(method(kind, **data))
    assert found is not None
    assert (found.kind, found.network, found.label) == wanted


@pytest.mark.parametrize("funding", ["credit", "debit", "prepaid", "unknown", "brand_new", None])
def test_the_funding_is_what_stripe_says_or_unknown(funding: str | None) -> None:
    found = method_details(method(funding=funding))
    assert found is not None
    assert found.funding == (funding if funding in ("credit", "debit", "prepaid") else "unknown")


def test_a_method_of_another_kind_or_of_nobody_is_none() -> None:
    assert method_details(method("link")) is None
    assert method_details(method(customer=None)) is None


def test_only_these_currencies_are_counted_otherwise_than_iso_4217_does() -> None:
    other = {c for c in CURRENCIES if not amount_limits()[c].takes_nothing and from_stripe(10_000, c) != 10_000}
    assert other == {"ISK", "UGX", "MGA"}


@pytest.mark.parametrize(
    ("ours", "currency", "theirs"), [(5, "ISK", 500), (5, "UGX", 500), (500, "MGA", 5), (5, "EUR", 5)]
)
def test_what_is_counted_otherwise_is_converted_exactly(ours: int, currency: str, theirs: int) -> None:
    assert (to_stripe(ours, currency), from_stripe(theirs, currency)) == (theirs, ours)


@pytest.mark.parametrize("currency", sorted(CURRENCIES))
def test_every_sum_that_can_be_charged_in_any_currency_is_said_exactly_to_stripe(currency: str) -> None:
    limits = amount_limits()[currency]
    if limits.takes_nothing:
        assert all(limits.charge_of(owed) == 0 for owed in (0, 1, 100, 10**15))
        return
    assert 0 < limits.minimum_minor <= limits.maximum_minor
    assert limits.minimum_minor % limits.step_minor == 0
    for owed in (limits.minimum_minor, 7 * limits.minimum_minor + 3 * limits.step_minor, limits.maximum_minor):
        amount = limits.charge_of(owed)
        assert limits.takes(amount)
        assert from_stripe(to_stripe(amount, currency), currency) == amount
        assert to_stripe(amount, currency) <= 999_999_999


@pytest.mark.parametrize(("right", "wrong", "currency"), [(5120, 5124, "KWD"), (500, 550, "MGA")])
def test_what_stripe_has_no_unit_for_is_refused(right: int, wrong: int, currency: str) -> None:
    check_amount(right, currency)
    with pytest.raises(Refused, match="steps"):
        check_amount(wrong, currency)
