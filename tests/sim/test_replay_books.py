"""Small books, each with one thing in it, played in memory: what is asked, what is paid, what follows, when it ends."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from tests import books

from arrears.adapters.books import load_map, read_book
from arrears.core.errors import Refused
from arrears.core.policy import Policy, default_policy, load_policy
from arrears.core.receivables import (
    BookAccount,
    BookCredit,
    BookInvoice,
    BookPayment,
    InvoiceStanding,
    ReceivablesBook,
)
from arrears.sim.outcome import Exposure, PaidWhen, PolicyOutcome
from arrears.sim.replay import Replay, ReplaySettings
from arrears.store.memory.store import MemoryStore

ISSUED = date(2026, 1, 1)
DUE = date(2026, 1, 15)
STOPPED_ON = DUE + timedelta(days=31)
DELETED_ON = STOPPED_ON + timedelta(days=90)
STRICT = load_policy(
    'name = "strict"\n[remind]\ndays = [0, 3]\n[disable]\nafter_days = 14\nwarning_days = [5, 12]\n'
    "[delete]\nretention_days = 60\nwarning_days = [30, 50]\n",
    where="strict.toml",
)


def invoice(number: str, ref: str = "anna", *, months: int = 0, currency: str = "EUR", **more: object) -> BookInvoice:
    issued, due = ISSUED + timedelta(days=30 * months), DUE + timedelta(days=30 * months)
    made = BookInvoice(2, number, ref, ("cloud",), issued, due, currency, 10_000, disputed=False)
    return replace(made, **more)  # type: ignore[arg-type]


def payment(of: BookInvoice, days_after_due: int, minor: int | None = None) -> BookPayment:
    day = of.due_on + timedelta(days=days_after_due)
    return BookPayment(2, of.number, of.account_ref, of.number, day, of.currency, minor or of.total_minor)


def book(*rows: BookInvoice | BookPayment | BookCredit) -> ReceivablesBook:
    refs = sorted({row.account_ref for row in rows})
    accounts = [BookAccount(ref, ref, "NL", "Europe/Amsterdam", "nl", "invoice", None) for ref in refs]
    invoices = sorted((row for row in rows if isinstance(row, BookInvoice)), key=lambda i: (i.issued_on, i.number))
    payments = sorted((row for row in rows if isinstance(row, BookPayment)), key=lambda p: (p.paid_on, p.ref))
    notes = tuple(row for row in rows if isinstance(row, BookCredit))
    return ReceivablesBook(tuple(accounts), tuple(invoices), tuple(payments), "", credits=notes)


def played(of: ReceivablesBook, policy: Policy | None = None, **settings: object) -> PolicyOutcome:
    made = ReplaySettings(policy or default_policy(), **settings)  # type: ignore[arg-type]
    outcome = Replay(MemoryStore(), of, made).play()
    assert outcome.invariants_breached == 0
    return outcome


def test_a_book_of_one_open_invoice_plays_until_that_debt_has_ended() -> None:
    outcome = played(book(invoice("A-1")))
    [customer] = outcome.customers
    assert (outcome.disabled, outcome.deleted) == (1, 1)
    assert customer.deleted_on == DELETED_ON + timedelta(days=2), "scheduled at the day's end, ordered a day later"
    assert outcome.last_on >= customer.deleted_on
    [stop] = outcome.stops
    assert (stop.since, stop.until) == (STOPPED_ON + timedelta(days=1), customer.deleted_on - timedelta(days=1))
    assert (stop.days, stop.deleted) == (customer.days_without_service, True)
    sums = outcome.sums["EUR"]
    assert (sums.still_owed, sums.owed_at_deletion, sums.exposure[Exposure.DELETED][-1]) == (10_000, 10_000, 10_000)


def test_so_many_days_beyond_and_no_more_where_somebody_says_so() -> None:
    assert played(book(invoice("A-1")), days_beyond=20).disabled == 0
    assert played(book(invoice("A-1")), days_beyond=60).disabled == 1


def test_a_debt_that_is_disputed_or_too_small_to_stop_anything_does_not_play_for_ever() -> None:
    small = load_policy('name = "small"\n[delete]\nretention_days = 90\n[minimum]\nEUR = 20000\n', where="small.toml")
    for outcome in (played(book(invoice("A-1", disputed=True))), played(book(invoice("A-1")), small)):
        assert (outcome.disabled, outcome.sums["EUR"].still_owed) == (0, 10_000)
        assert outcome.virtual_days < 100


@pytest.mark.parametrize(
    ("days_late", "policy", "stage", "days_off"),
    [
        (1, None, PaidWhen.REMINDED, 0),
        (25, None, PaidWhen.WARNED, 0),
        (31, None, PaidWhen.WARNED, 0),
        (32, None, PaidWhen.STOPPED, 1),
        (40, None, PaidWhen.STOPPED, 9),
        (40, STRICT, PaidWhen.STOPPED, 25),
        (200, None, PaidWhen.DELETED, 91),
    ],
)
def test_money_comes_when_the_book_says_and_where_the_ladder_is_by_then(
    days_late: int, policy: Policy | None, stage: PaidWhen, days_off: int
) -> None:
    late = invoice("A-1")
    outcome = played(book(late, payment(late, days_late)), policy)
    sums = outcome.sums["EUR"]
    assert (sums.by_stage, sums.recovered) == ({stage: 10_000}, {days_late - 1: 10_000})
    assert (outcome.days_without_service, sums.still_owed) == (days_off, 0)


def test_days_late_are_counted_from_the_due_date() -> None:
    late = invoice("A-1")
    [customer] = played(book(late, payment(late, 2))).customers
    assert customer.days_late_max == 2


def test_what_is_held_is_counted_as_held() -> None:
    late = invoice("A-1", disputed=True)
    assert played(book(late, payment(late, 50))).sums["EUR"].by_stage == {PaidWhen.HELD: 10_000}


def test_what_was_paid_before_its_invoice_came_is_never_late() -> None:
    late, early = invoice("A-1"), invoice("A-2")
    outcome = played(book(late, early, payment(early, -60)))
    assert (outcome.past_due_invoices, outcome.sums["EUR"].past_due) == (1, 10_000)


def test_a_payment_in_parts_is_late_with_its_last_part_alone() -> None:
    late = invoice("A-1")
    outcome = played(book(late, payment(late, -3, 6_000), replace(payment(late, 10, 4_000), ref="second")))
    sums = outcome.sums["EUR"]
    assert (sums.past_due, sums.recovered) == (4_000, {9: 4_000})


def test_what_is_void_or_nothing_is_not_asked_and_what_is_uncollectible_is_never_paid() -> None:
    lost = invoice("A-1", standing=InvoiceStanding.UNCOLLECTIBLE)
    outcome = played(book(lost, invoice("A-2", standing=InvoiceStanding.VOID), invoice("A-3", total_minor=0)))
    assert (outcome.invoices, outcome.deleted, outcome.sums["EUR"].invoiced) == (1, 1, 10_000)


def test_a_credit_note_lowers_its_invoice_and_what_is_left_of_it_is_credit() -> None:
    late, next_one = invoice("A-1"), invoice("A-2", months=1)
    day = DUE + timedelta(days=10)
    of_invoice = BookCredit(3, "CN-1", "anna", "A-1", day, "EUR", 10_000)
    sums = played(book(late, next_one, of_invoice, payment(next_one, 0))).sums["EUR"]
    assert (sums.past_due, sums.lowered, sums.still_open) == (10_000, 10_000, 0)
    of_account = replace(of_invoice, invoice_number="", amount_minor=20_000)
    sums = played(book(late, next_one, of_account)).sums["EUR"]
    assert (sums.recovered_minor, sums.still_open) == (10_000, 0)


def test_currencies_are_counted_apart() -> None:
    euro, dollar, yen = invoice("A-1"), invoice("B-1", "bert", currency="USD"), invoice("A-2", currency="JPY")
    outcome = played(book(euro, dollar, yen, payment(euro, 5), payment(yen, 60)))
    assert {code: (s.recovered_minor, s.still_owed) for code, s in outcome.sums.items()} == {
        "EUR": (10_000, 0),
        "JPY": (10_000, 0),
        "USD": (0, 10_000),
    }
    assert outcome.late_invoices == {"EUR": 1, "JPY": 1, "USD": 1}


def test_nothing_is_invoiced_for_what_is_deleted_and_that_is_counted() -> None:
    monthly = [invoice(f"A-{n}", months=n) for n in range(8)]
    outcome = played(book(*monthly))
    after = [i for i in monthly if i.issued_on > DELETED_ON]
    assert outcome.invoices_not_asked == len(after) > 0
    assert outcome.sums["EUR"].not_asked == sum(i.total_minor for i in after)
    assert outcome.sums["EUR"].invoiced == sum(i.total_minor for i in monthly if i not in after)


def test_a_service_goes_on_being_invoiced_while_another_of_the_account_is_deleted() -> None:
    mail = [replace(invoice(f"M-{n}", months=n), services=("cloud", "mail")) for n in range(8)]
    paid = [payment(i, 0) for i in mail]
    outcome = played(book(invoice("A-1"), *mail, *paid))
    assert (outcome.deleted, outcome.invoices_not_asked) == (1, 0)


def test_more_than_ten_may_be_deleted_on_one_day() -> None:
    outcome = played(book(*(invoice(f"A-{n}", f"customer {n}") for n in range(12))))
    assert outcome.deleted == 12


def test_one_transfer_may_pay_several_invoices_of_several_customers() -> None:
    rows = [invoice("A-1"), invoice("A-2"), invoice("B-1", "bert")]
    paid = [replace(payment(i, 3), ref="TRANSFER") for i in rows]
    assert played(book(*rows, *paid)).sums["EUR"].recovered == {2: 30_000}


def test_a_book_in_which_nothing_is_late_is_refused_in_one_line() -> None:
    one = invoice("A-1")
    with pytest.raises(Refused, match="nothing in this book goes past due: 1 invoices, and all were paid in time"):
        played(book(one, payment(one, 0)))


@pytest.mark.sample(1)
@pytest.mark.parametrize("policy", [None, STRICT], ids=["default", "strict"])
@pytest.mark.parametrize("every", [0, 3])
def test_every_cent_that_went_past_due_came_in_was_credited_or_is_still_owed(policy: Policy | None, every: int) -> None:
    own = read_book(books.OWN, load_map(books.MAP))
    outcome = played(own, policy, never_pay_every=every)
    for sums in outcome.sums.values():
        assert sums.past_due == sums.recovered_minor + sums.lowered + sums.still_owed > 0
        assert sum(sums.by_stage.values()) == sums.recovered_minor
        assert sum(days[-1] for days in sums.exposure.values()) == sums.still_owed == sums.still_open
        assert {len(days) for days in sums.exposure.values()} == {outcome.virtual_days}
    assert sum(one.stops for one in outcome.customers) == len(outcome.stops) >= outcome.customers_stopped
    assert sum(one.past_due_invoices for one in outcome.customers) == outcome.past_due_invoices
    assert sum(one.notices for one in outcome.customers) == outcome.notices
    assert sum(s.past_due for one in outcome.customers for s in one.sums.values()) == outcome.sums["USD"].past_due
