"""What Stripe Billing's objects mean, from objects as Stripe publishes them (stripe/openapi, fixtures3.json)."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pytest

from arrears.adapters.payments.stripe.billing_map import (
    NOT_SAID,
    account_of,
    ended_at,
    invoice_of,
    method_of,
    subscriptions_of,
)
from arrears.core.receivables import InvoiceStanding, NamedMethod
from arrears.ports.billing import BilledInvoice, BillingOptions

OPTIONS = BillingOptions(date(2024, 1, 1), "Europe/Amsterdam", "NL", "en", "default", "cloud", {"prod_mail": "mail"})

INVOICE: dict[str, Any] = {
    "id": "in_1Pgc6tB7WZ01zgkWu9fdqL6I",
    "object": "invoice",
    "amount_due": 1000,
    "amount_paid": 0,
    "amount_remaining": 1000,
    "attempt_count": 0,
    "attempted": False,
    "auto_advance": False,
    "billing_reason": "manual",
    "collection_method": "charge_automatically",
    "created": 1234567890,
    "currency": "usd",
    "customer": "cus_QXg1o8vcGmoR32",
    "due_date": None,
    "effective_at": 1234567890,
    "ending_balance": None,
    "lines": {"object": "list", "has_more": False, "data": []},
    "next_payment_attempt": None,
    "number": "A-1",
    "starting_balance": 0,
    "status": "open",
    "status_transitions": {"finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None},
    "total": 1000,
}


def payment(paid: int | None, status: str = "paid", **of: Any) -> dict[str, Any]:
    """An invoice payment as it is listed with its intent or record expanded."""
    kind = "payment_record" if "payment_record" in of else "payment_intent"
    default = {"id": "pi_1", "status": "succeeded", "metadata": {}, "latest_charge": {"id": "ch_1", "disputed": False}}
    return {
        "object": "invoice_payment",
        "amount_paid": paid,
        "is_default": True,
        "status": status,
        "payment": {"type": kind, kind: of.get(kind, default)},
    }


def read(*payments: dict[str, Any], disputes: Any = None, **change: Any) -> BilledInvoice:
    return invoice_of({**INVOICE, **change}, [], payments, disputes or {}, OPTIONS, "ins_1")


def test_an_open_invoice_asks_what_stripe_asks_in_money() -> None:
    found = read(total=5000, starting_balance=-4000)
    assert found.row is not None
    assert (found.row.total_minor, found.row.currency, found.asks_minor) == (1000, "USD", 1000)
    assert (found.row.issued_on, found.row.due_on) == (date(2009, 2, 14), date(2009, 2, 14))
    assert (found.row.services, found.row.account_ref) == (("cloud",), "cus_QXg1o8vcGmoR32")


def test_amounts_without_decimals_are_ours() -> None:
    found = read(currency="jpy")
    assert found.row is not None
    assert found.row.total_minor == 1000


@pytest.mark.parametrize(
    ("change", "not_tried", "collected", "failed"),
    [
        ({}, False, False, False),
        ({"auto_advance": True}, True, True, False),
        ({"auto_advance": True, "attempt_count": 1}, False, True, True),
        ({"auto_advance": False, "attempt_count": 1}, False, False, True),
        ({"next_payment_attempt": 1234567899, "attempt_count": 2}, False, True, True),
        ({"auto_advance": True, "attempt_count": 1, "collection_method": "send_invoice"}, False, False, False),
        ({"auto_advance": True, "attempt_count": 1, "status": "uncollectible"}, False, False, False),
    ],
)
def test_whose_turn_it_is(change: dict[str, Any], not_tried: bool, collected: bool, failed: bool) -> None:
    found = read(**change)
    assert (found.not_tried, found.collected, found.failed) == (not_tried, collected, failed)


def test_payments_are_stripes_ours_or_not_named() -> None:
    ours = payment(200, payment_record={"id": "pr_1", "metadata": {"installation": "ins_1"}})
    others = payment(100, payment_record={"id": "pr_2", "metadata": {}})
    attached = payment(50, payment_intent={"id": "pi_2", "metadata": {"attempt": "att_1_2", "installation": "ins_1"}})
    found = read(payment(300), ours, others, attached, amount_paid=650, amount_remaining=350)
    assert found.reported_minor == 250
    assert [(one.ref, one.amount_minor, one.apart) for one in found.payments] == [
        ("stripe-billing:pi_1", 300, True),
        ("A-1", 100, False),
    ]


def test_what_is_called_paid_without_a_payment_is_paid() -> None:
    [one] = read(status="paid", amount_remaining=0, amount_paid=0).payments
    assert (one.ref, one.amount_minor, one.apart) == ("A-1", 1000, False)


@pytest.mark.parametrize(
    ("status", "paid", "disputed"),
    [("needs_response", 0, True), ("under_review", 0, True), ("lost", 0, False), ("won", 1, False)],
)
def test_what_the_payers_bank_holds_is_not_paid(status: str, paid: int, disputed: bool) -> None:
    found = read(payment(1000), status="paid", amount_paid=1000, disputes={"pi_1": [{"status": status}]})
    assert found.row is not None
    assert (len(found.payments), found.row.disputed) == (paid, disputed)


def test_a_debit_at_the_bank_is_under_way() -> None:
    waits = payment(None, "open", payment_intent={"id": "pi_1", "status": "processing", "metadata": {}})
    found = read(waits, attempt_count=1, auto_advance=True)
    assert (found.under_way, found.not_tried, found.failed) == (True, True, False)


@pytest.mark.parametrize(
    ("status", "standing", "asks"),
    [("void", InvoiceStanding.VOID, 0), ("uncollectible", InvoiceStanding.UNCOLLECTIBLE, 1000)],
)
def test_how_an_invoice_stands(status: str, standing: InvoiceStanding, asks: int) -> None:
    found = read(status=status)
    assert found.row is not None
    assert (found.row.standing, found.asks_minor) == (standing, asks)


@pytest.mark.parametrize("change", [{"currency": "xyz"}, {"amount_due": None, "status": "odd"}, {"customer": None}])
def test_what_cannot_be_read_says_why_and_stops_nothing(change: dict[str, Any]) -> None:
    found = read(**change)
    assert (found.row is None, bool(found.unreadable)) == (True, True) or change == {"customer": None}


def test_an_account_is_charged_by_card_only_where_all_that_is_open_is() -> None:
    customer = {"id": "cus_1", "name": "Ann", "invoice_settings": {"default_payment_method": "pm_1"}}
    sent = {**INVOICE, "collection_method": "send_invoice"}
    assert account_of(customer, [INVOICE], OPTIONS).mode == "card"
    assert account_of(customer, [INVOICE, sent], OPTIONS).mode == "invoice"
    found = account_of({"id": "cus_1", "deleted": True}, [INVOICE], OPTIONS)
    assert found.is_named_only


STILL_TRIED: Final = ({"auto_advance": True}, {"next_payment_attempt": 1234567899})
WAITS: Final = payment(None, "open", payment_intent={"id": "pi_1", "status": "processing", "metadata": {}})
TURNS: Final = {
    # Stripe will try again, has tried, the bank has not answered: not tried yet, Stripe collects, it has failed
    (False, False, False): (False, False, False),
    (False, False, True): (False, False, False),
    (False, True, False): (False, False, True),
    (False, True, True): (True, False, False),
    (True, False, False): (True, True, False),
    (True, False, True): (True, True, False),
    (True, True, False): (False, True, True),
    (True, True, True): (True, True, False),
}


@pytest.mark.parametrize("still", STILL_TRIED, ids=["auto_advance", "next_payment_attempt"])
@pytest.mark.parametrize("stands", TURNS)
def test_whose_turn_it_is_by_what_stripe_will_do_has_done_and_waits_for(
    stands: tuple[bool, bool, bool], still: dict[str, Any]
) -> None:
    will, has, waits = stands
    change = {**(still if will else {}), "attempt_count": 2 if has else None}
    found = read(*([WAITS] if waits else []), **change)
    assert (found.not_tried, found.collected, found.failed) == TURNS[stands]
    assert found.under_way is waits
    for other in ({"collection_method": "send_invoice"}, {"status": "uncollectible"}, {"status": "void"}):
        found = read(*([WAITS] if waits else []), **{**change, **other})
        assert (found.not_tried, found.collected, found.failed) == (False, False, False)


@pytest.mark.parametrize(
    ("status", "intent", "under_way"),
    [("open", "processing", True), ("open", "requires_payment_method", False), ("paid", "processing", False)],
)
def test_only_an_open_payment_that_the_bank_has_is_under_way(status: str, intent: str, under_way: bool) -> None:
    waits = payment(None, status, payment_intent={"id": "pi_1", "status": intent, "metadata": {}})
    done = payment(100, payment_intent={"id": "pi_2", "status": "succeeded", "metadata": {}})
    assert read(waits, done).under_way is under_way


@pytest.mark.parametrize(("status", "asks"), [("open", 400), ("uncollectible", 400), ("void", 0), ("paid", 0)])
def test_only_what_is_open_is_asked_for(status: str, asks: int) -> None:
    found = read(status=status, amount_remaining=400)
    assert (found.asks_minor, found.is_open) == (asks, status == "open")


FAILED: Final[dict[str, Any]] = {
    "id": "ch_1",
    "amount": 1000,
    "created": 1234567890,
    "currency": "usd",
    "status": "failed",
    "outcome": {"reason": "insufficient_funds"},
    "payment_method_details": {"card": {"fingerprint": "print", "brand": "visa"}},
}


@pytest.mark.parametrize(
    ("charge", "change", "tries"),
    [
        ({}, {}, 1),
        ({"status": "succeeded"}, {}, 0),
        ({}, {"attempt_count": 0}, 0),
        ({}, {"status": "uncollectible"}, 0),
    ],
)
def test_the_last_charge_that_failed_is_told_of_what_has_failed(
    charge: dict[str, Any], change: dict[str, Any], tries: int
) -> None:
    intent = {"id": "pi_1", "status": "requires_payment_method", "metadata": {}, "latest_charge": {**FAILED, **charge}}
    waits = payment(None, "open", payment_intent=intent)
    assert len(read(waits, **{"attempt_count": 1, **change}).tries) == tries
    assert not read({**waits, "is_default": False}, attempt_count=1).tries, "nobody tried that one"


def test_what_was_paid_without_a_name_is_what_no_payment_accounts_for() -> None:
    ours = payment(200, payment_record={"id": "pr_1", "metadata": {"installation": "ins_1"}})
    found = read(payment(300), ours, status="paid", amount_paid=500)
    assert [(one.ref, one.amount_minor) for one in found.payments] == [("stripe-billing:pi_1", 300), ("A-1", 500)]
    found = read(payment(300), ours, amount_paid=500)
    assert [(one.ref, one.amount_minor) for one in found.payments] == [("stripe-billing:pi_1", 300)]
    found = read(payment(300, "canceled"), amount_paid=0)
    assert not found.payments, "what was given up has paid nothing"
    found = read(payment(300), amount_paid=301)
    assert [one.amount_minor for one in found.payments] == [300, 1]


@pytest.mark.parametrize(
    ("metadata", "installation", "ours"),
    [
        ({"attempt": "att_1_2", "installation": "ins_1"}, "ins_1", True),
        ({"attempt": "att_1_2"}, "ins_1", True),
        ({"attempt": "att_1_2", "installation": "ins_2"}, "ins_1", False),
        ({"installation": "ins_1"}, "ins_1", False),
    ],
)
def test_a_payment_of_ours_is_one_of_this_installations_attempts(
    metadata: dict[str, str], installation: str, ours: bool
) -> None:
    paid = payment(400, payment_intent={"id": "pi_1", "metadata": metadata})
    found = invoice_of({**INVOICE, "amount_paid": 400}, [], [paid], {}, OPTIONS, installation)
    assert (found.reported_minor, len(found.payments)) == ((400, 0) if ours else (0, 1))


@pytest.mark.parametrize(("made_by", "installation"), [("ins_2", "ins_1"), ("", "ins_1"), ("", "")])
def test_a_record_of_somebody_else_is_none_of_ours(made_by: str, installation: str) -> None:
    metadata = {"installation": made_by} if made_by else {}
    paid = payment(400, payment_record={"id": "pr_1", "metadata": metadata})
    assert invoice_of(INVOICE, [], [paid], {}, OPTIONS, installation).reported_minor == 0


def test_one_payment_that_a_bank_holds_says_nothing_of_another() -> None:
    other = payment(400, payment_intent={"id": "pi_2", "metadata": {}})
    for order in ((payment(600), other), (other, payment(600))):
        found = read(*order, status="paid", amount_paid=1000, disputes={"pi_1": [{"status": "under_review"}]})
        assert found.row is not None
        assert found.row.disputed
        assert [(one.ref, one.amount_minor) for one in found.payments] == [("stripe-billing:pi_2", 400)]
    found = read(payment(600), disputes={"pi_1": [{"status": "won"}, {"status": "lost"}]}, amount_paid=600)
    assert found.row is not None
    assert (found.row.disputed, list(found.payments)) == (False, [])


@pytest.mark.parametrize(
    ("change", "issued", "due"),
    [
        ({}, date(2009, 2, 14), date(2009, 2, 14)),
        ({"effective_at": 1234567890 + 86_400}, date(2009, 2, 15), date(2009, 2, 15)),
        ({"due_date": 1234567890 + 7 * 86_400}, date(2009, 2, 14), date(2009, 2, 21)),
        ({"due_date": 1234567890 - 7 * 86_400}, date(2009, 2, 14), date(2009, 2, 14)),
    ],
)
def test_no_invoice_is_due_before_it_was_issued(change: dict[str, Any], issued: date, due: date) -> None:
    found = read(**change)
    assert found.row is not None
    assert (found.row.issued_on, found.row.due_on) == (issued, due)


def test_services_are_those_of_the_products_in_their_order() -> None:
    def line(product: object) -> dict[str, Any]:
        return {"pricing": {"price_details": {"product": product}}}

    lines = [line("prod_mail"), line({"id": "prod_else"}), {}]
    found = invoice_of(INVOICE, lines, [], {}, OPTIONS, "ins_1")
    assert found.row is not None
    assert found.row.services == ("cloud", "mail")
    found = invoice_of(INVOICE, lines[:1], [], {}, OPTIONS, "ins_1")
    assert found.row is not None
    assert found.row.services == ("mail",)


def test_what_cannot_be_read_keeps_its_name_and_says_why_in_words() -> None:
    found = read(currency="xyz")
    assert (found.ref, found.number) == (INVOICE["id"], "A-1")
    assert "Refused" not in found.unreadable
    assert read(amount_due="x").unreadable.startswith("ValueError")
    assert read(number=None, currency="xyz").number == ""


@pytest.mark.parametrize(
    ("times", "ended"),
    [({}, 100), ({"paid_at": 300, "finalized_at": 200}, 300), ({"paid_at": 50, "voided_at": None}, 100)],
)
def test_an_invoice_has_ended_when_it_last_moved(times: dict[str, Any], ended: int) -> None:
    assert ended_at({"created": 100, "status_transitions": times}) == ended


WHO: Final[dict[str, Any]] = {
    "id": "cus_1",
    "name": "Ann",
    "email": "ann@example.org",
    "address": {"country": "BE"},
    "preferred_locales": ["nl-BE", "fr"],
    "invoice_settings": {"default_payment_method": "pm_1"},
}


def test_a_customer_is_an_account_with_what_stripe_knows_and_else_what_was_given() -> None:
    found = account_of(WHO, [INVOICE], OPTIONS)
    assert (found.name, found.email, found.country, found.locale) == ("Ann", "ann@example.org", "BE", "nl")
    assert found.method == NamedMethod("stripe", "cus_1", "pm_1")
    assert found.unsaid == NOT_SAID
    bare = account_of({"id": "cus_1"}, [INVOICE], OPTIONS)
    assert (bare.name, bare.email, bare.country, bare.locale, bare.method) == ("cus_1", None, "NL", "en", None)
    assert bare.unsaid == NOT_SAID | {"country", "locale"}
    assert account_of({**WHO, "name": ""}, [INVOICE], OPTIONS).name == "ann@example.org"
    assert account_of({**WHO, "deleted": True}, [INVOICE], OPTIONS).unsaid == NOT_SAID | {"name"}


@pytest.mark.parametrize(
    "email", ["\u202ek\n@example.org", "not an address", "a@b", "ann@example.org, bea@example.org"]
)
def test_what_is_no_address_is_none_and_a_name_is_one_line(email: str) -> None:
    found = account_of({**WHO, "name": "\u202eK\n  of \x07 X ", "email": email}, [INVOICE], OPTIONS)
    assert (found.name, found.email) == ("K of X", None)
    assert account_of({**WHO, "name": "\n", "email": email}, [INVOICE], OPTIONS).name == "cus_1"
    assert len(account_of({**WHO, "name": "x" * 300}, [INVOICE], OPTIONS).name) == 200


def test_where_nothing_is_open_the_newest_invoice_says_how_a_customer_pays() -> None:
    paid = {**INVOICE, "status": "paid"}
    sent = {**paid, "collection_method": "send_invoice"}
    for invoices, mode in (([], "card"), ([paid, sent], "card"), ([sent, paid], "invoice"), ([sent, INVOICE], "card")):
        assert account_of(WHO, invoices, OPTIONS).mode == mode


SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_1",
    "object": "subscription",
    "cancellation_details": {"comment": None, "feedback": None, "reason": None},
    "customer": "cus_QXg1o8vcGmoR32",
    "default_payment_method": None,
    "ended_at": None,
    "items": {"object": "list", "data": [{"current_period_end": 2000, "price": {"product": "prod_1"}}]},
    "status": "active",
}
"""As docs.stripe.com/api/subscriptions/object has it; periods are an item's since 2025-03-31."""


def used(**change: Any) -> dict[str, Any]:
    return {**SUBSCRIPTION, **change}


def ended(at: int, reason: str | None) -> dict[str, Any]:
    return used(status="canceled", ended_at=at, cancellation_details={"reason": reason})


@pytest.mark.parametrize(
    ("said", "goes_on", "over", "asked"),
    [
        (used(), True, 2000, False),
        (used(status="past_due"), True, 2000, False),
        (ended(2000, "cancellation_requested"), False, 2000, True),
        (ended(1000, "cancellation_requested"), False, 2000, True),
        (ended(3000, "cancellation_requested"), False, 3000, True),
        (ended(1000, "payment_failed"), False, 2000, False),
        (ended(1000, "payment_disputed"), False, 2000, False),
        (ended(1000, None), False, 2000, False),
    ],
)
def test_an_end_is_when_what_was_billed_is_over(said: dict[str, Any], goes_on: bool, over: int, asked: bool) -> None:
    [found] = subscriptions_of([said], OPTIONS, "i_1")
    assert (found.goes_on, found.over_at.timestamp(), found.asked) == (goes_on, over, asked)
    assert found.services == ("cloud",)


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired"])
def test_what_was_never_paid_for_the_first_time_has_not_begun(status: str) -> None:
    assert subscriptions_of([used(status=status)], OPTIONS, "i_1") == []


@pytest.mark.parametrize(
    ("said", "ends", "told"),
    [
        ({}, False, ""),
        ({"cancel_at_period_end": True, "cancel_at": 2000}, True, ""),
        ({"cancel_at_period_end": False, "cancel_at": 2000}, True, ""),
        ({"cancel_at_period_end": False, "cancel_at": 2001}, False, ""),
        ({"cancel_at_period_end": False, "cancel_at": None}, False, ""),
        ({"metadata": {"arrears_end": "i_1/7.12"}}, False, "7.12"),
        ({"metadata": {"arrears_end": "i_2/7.12"}}, False, ""),
        ({"metadata": {"arrears_end": "7.12"}}, False, ""),
        ({"metadata": {"theirs": "i_1/7.12"}}, False, ""),
    ],
)
def test_what_ends_is_billed_no_more_and_says_who_asked_for_it(said: dict[str, Any], ends: bool, told: str) -> None:
    [found] = subscriptions_of([used(created=1000, **said)], OPTIONS, "i_1")
    assert (found.ends, found.told, found.begun_at.timestamp()) == (ends, told, 1000)


@pytest.mark.parametrize(
    ("own", "pays"),
    [
        ([None], "pm_usual"),
        (["pm_1"], "pm_1"),
        (["pm_1", "pm_1"], "pm_1"),
        (["pm_1", None], "pm_usual"),
        (["pm_1", "pm_2"], "pm_usual"),
        ([], "pm_usual"),
    ],
)
def test_what_pays_is_what_every_subscription_that_goes_on_is_charged_with(own: list[str | None], pays: str) -> None:
    customer = {"invoice_settings": {"default_payment_method": "pm_usual"}}
    over = used(status="canceled", default_payment_method="pm_old")
    assert method_of(customer, [over, *(used(default_payment_method=one) for one in own)]) == pays
    assert method_of({}, [used(default_payment_method="pm_1"), used(default_payment_method="pm_2")]) == ""
