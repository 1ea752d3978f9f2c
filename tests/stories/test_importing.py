"""The billing system's book comes again and again, each time a newer word: what differs is taken or refused, and
nothing is booked twice (spec, section 14)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import fields, replace
from tests.stories.ledger import PRICE, Ledger, imported
from tests.stories.story import STAFF, Story, policy_from

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.errors import Refused
from arrears.core.facts import InvoiceIssued
from arrears.core.invoice_lines import InvoiceLine, TaxLine
from arrears.core.known import IMPORTER
from arrears.core.receivables import (
    NOT_COMPARED,
    BookAccount,
    BookCredit,
    BookInvoice,
    BookPayment,
    InvoiceStanding,
    NamedMethod,
    compared,
)
from arrears.core.states import State
from arrears.engine import commands, system
from arrears.engine.commands import corrections
from arrears.engine.commands.importing import import_book

SLOW = policy_from("[disable]\nafter_days = 60\nwarning_days = [50]", name="slow")


def adopt_slow(story: Story) -> None:
    system.adopt_policy(story.store, SLOW, story.now, STAFF)


def since(story: Story, seq: int) -> list[f.AnyFact]:
    return [one.fact for one in story.store.history(story.no)[seq:]]


def test_what_arrears_collected_itself_is_not_booked_again_when_the_ledger_says_paid() -> None:
    story, ledger = imported()
    story.until(3).pay(PRICE, (1,))
    ledger.pay("I1").invoice("I2", 40)
    report = ledger.comes()
    assert (report.count["payments"], story.account.credit) == (0, {})
    assert [d.open_minor for d in story.account.debts] == [PRICE], "next month's invoice is owed in full"
    assert report.after["EUR"].paid == PRICE


def test_only_the_missing_part_is_booked_where_arrears_has_a_part_already() -> None:
    story, ledger = imported()
    story.until(3).pay(4000, (1,))
    ledger.pay("I1", PRICE)
    assert ledger.comes().changed == {"paid": 1}
    assert (story.account.debts, story.account.credit) == ((), {})
    [first, second] = [one for one in since(story, 0) if isinstance(one, f.PaymentBooked)]
    assert (first.amount_minor, second.amount_minor) == (4000, 6000)


def test_what_came_twice_through_arrears_is_no_third_payment_when_the_ledger_says_both() -> None:
    story, ledger = imported()
    story.until(3).pay(PRICE, (1,)).pay(PRICE, (1,))
    ledger.pay("I1", 2 * PRICE).comes()
    assert story.account.credit == {"EUR": PRICE}


def test_a_column_that_says_so_much_is_paid_by_now_grows() -> None:
    story, ledger = imported()
    ledger.pay("I1", 4000).comes()
    ledger.payments = []
    ledger.pay("I1", PRICE).comes()
    assert (story.account.debts, story.account.credit) == ((), {})


def test_one_transfer_pays_two_invoices() -> None:
    story, ledger = imported()
    ledger.invoice("I2", 5).pay("I1", ref="T9").pay("I2", ref="T9").comes()
    assert (story.account.debts, story.account.credit) == ((), {})
    assert ledger.comes().count["known_payments"] == 2


def test_a_dispute_raised_since_holds_the_debt_and_one_settled_since_ends_the_hold() -> None:
    story, ledger = imported()
    story.until(22)
    assert ledger.change("I1", disputed=True).comes().changed == {"disputed": 1}
    assert story.account.debt_is_held(1)
    seq = len(story.store.history(story.no))
    story.until(60)
    assert story.sub().state is State.PAST_DUE
    assert not [one for one in since(story, seq) if isinstance(one, f.Noticed)], "nothing is demanded"
    assert ledger.change("I1", disputed=False).comes().changed == {"disputed": 1}
    assert not story.account.debt_is_held(1)


def test_a_hold_that_a_person_placed_stays_whatever_the_book_says() -> None:
    story, ledger = imported()
    commands.dispute(story.store, story.no, 1, story.now, STAFF)
    assert ledger.comes().changes == []
    assert story.account.debt_is_held(1)


def test_paid_and_then_not_paid_reopens_the_debt_today() -> None:
    story, ledger = imported()
    ledger.pay("I1").comes()
    story.until(10)
    ledger.payments = []
    assert ledger.comes().changed == {"taken_back": 1}
    story.run()
    assert [(d.open_minor, d.day_0) for d in story.account.debts] == [(PRICE, story.date(10))]
    ledger.pay("I1").comes()
    assert (story.account.debts, story.account.credit) == ((), {})


def test_what_is_taken_back_before_its_due_date_is_open_and_not_past_due() -> None:
    story, ledger = imported(due=40)
    ledger.pay("I1").comes()
    ledger.payments = []
    ledger.comes()
    story.until(30)
    assert [(d.open_minor, d.day_0) for d in story.account.debts] == [(PRICE, None)]


def test_what_arrears_collected_is_not_taken_back_because_the_ledger_does_not_know_it_yet() -> None:
    story, ledger = imported()
    story.until(3).pay(PRICE, (1,))
    report = ledger.comes()
    assert (report.changes, report.count["paid_here_only"], story.account.debts) == ([], 1, ())


def test_more_than_was_asked_is_taken_back_from_where_it_went() -> None:
    story, ledger = imported()
    ledger.pay("I1", 15_000).invoice("I2", 20).comes()
    assert [(d.number, d.open_minor) for d in story.account.debts] == [("I2", 5000)]
    ledger.payments = []
    ledger.pay("I1").comes()
    assert [(d.number, d.open_minor) for d in story.account.debts] == [("I2", PRICE)]
    assert ledger.comes().changes == []


def test_a_later_due_date_is_taken_and_voids_what_was_promised() -> None:
    story, ledger = imported()
    story.until(25)
    assert ledger.change("I1", due_on=story.date(59)).comes().changed == {"due_on": 1}
    story.until(59)
    assert (story.account.past_due, story.sub().state) == ((), State.ACTIVE)
    story.until(90, "23:00")
    assert story.sub().state is State.PAST_DUE
    story.until(92)
    assert story.sub().state is State.DISABLED, "thirty days after the day that the ledger gave"


def test_of_two_debts_the_one_that_moves_takes_its_warnings_with_it() -> None:
    story, ledger = imported()
    ledger.invoice("I2", 15).comes()
    story.until(29)
    ledger.change("I1", due_on=story.date(59)).comes()
    [moved] = [one for one in since(story, 0) if isinstance(one, f.DueMoved)]
    assert moved.voided == (f.Voided(1, Action.DISABLE),)
    story.until(44)
    assert story.sub().state is State.PAST_DUE, "the second debt is not thirty days old"
    story.until(50)
    assert story.sub().state is State.DISABLED


def test_a_stopped_service_whose_invoice_is_due_later_after_all_runs_again() -> None:
    story, ledger = imported()
    story.until(40)
    assert story.sub().state is State.DISABLED
    ledger.change("I1", due_on=story.date(59)).comes()
    assert story.sub().state is State.ACTIVE


def test_an_earlier_due_date_is_taken_while_nothing_was_sent_and_refused_after() -> None:
    story, ledger = imported(due=30)
    assert ledger.change("I1", due_on=story.date(20)).comes().changed == {"due_on": 1}
    story.until(25)
    with pytest.raises(Refused, match=r"row 2, column due_on: .*only moves later"):
        ledger.change("I1", due_on=story.date(10)).comes()


def test_a_lower_total_is_a_credit_note_and_a_higher_one_is_refused_with_the_way_out() -> None:
    story, ledger = imported()
    assert ledger.change("I1", total_minor=8000).comes().changed == {"total_minor": 1}
    assert story.account.debts[0].open_minor == 8000
    assert ledger.comes().count["known_invoices"] == 1
    with pytest.raises(Refused, match=r"row 2, column total_minor: .* €80\.00 before; .* €40\.00 with a new"):
        ledger.change("I1", total_minor=12_000).comes()


def test_less_asked_of_a_paid_invoice_and_less_paid_leave_nothing_owed() -> None:
    story, ledger = imported()
    ledger.pay("I1").comes()
    ledger.payments = []
    ledger.change("I1", total_minor=8000).pay("I1", 8000).comes()
    assert (story.account.debts, story.account.credit) == ((), {})
    assert ledger.comes().changes == []


def test_void_closes_a_debt_and_uncollectible_writes_it_off() -> None:
    story, ledger = imported()
    ledger.invoice("I2", -1).comes()
    story.until(5)
    ledger.change("I1", standing=InvoiceStanding.VOID).change("I2", standing=InvoiceStanding.UNCOLLECTIBLE)
    report = ledger.comes()
    assert (story.account.debts, story.account.case) == ((), None)
    assert (report.after["EUR"].issued, report.after["EUR"].given_up) == (PRICE, PRICE)
    assert ledger.comes().changes == []


def test_what_was_given_up_and_is_paid_after_all_is_paid_and_no_credit() -> None:
    story, ledger = imported()
    ledger.change("I1", standing=InvoiceStanding.UNCOLLECTIBLE).comes()
    ledger.change("I1", standing=InvoiceStanding.OPEN).pay("I1").comes()
    assert (story.account.debts, story.account.credit) == ((), {})
    assert ledger.comes().changes == []


def test_what_was_given_up_and_is_withdrawn_or_credited_later_is_no_credit() -> None:
    story, ledger = imported()
    ledger.invoice("I2", -1).comes()
    for number in ("I1", "I2"):
        ledger.change(number, standing=InvoiceStanding.UNCOLLECTIBLE)
    ledger.comes()
    ledger.change("I1", standing=InvoiceStanding.VOID)
    ledger.credits = [BookCredit(3, "CN-1", "B1", "I2", ledger.invoices["I2"].issued_on, "EUR", 3000)]
    ledger.comes()
    assert (story.account.debts, story.account.credit) == ((), {})
    assert ledger.comes().changes == []
    story.check()


def test_a_credit_note_lowers_its_invoice_or_is_credit_of_the_account() -> None:
    story, ledger = imported()
    note = BookCredit(3, "CN-1", "B1", "I1", ledger.invoices["I1"].issued_on, "EUR", 3000)
    ledger.credits = [note, replace(note, number="CN-2", invoice_number="", amount_minor=1000)]
    ledger.comes()
    assert [d.open_minor for d in story.account.debts] == [6000]
    report = ledger.comes()
    assert (report.count["known_credits"], report.changes) == (2, [])


def test_a_row_that_is_gone_changes_nothing_and_is_counted() -> None:
    story, ledger = imported()
    ledger.invoices = {}
    assert ledger.invoice("I2", 10).comes().count["invoices_gone"] == 1
    assert len(story.account.debts) == 2


def test_an_account_with_a_wrong_row_is_left_as_it_was_and_the_others_are_taken() -> None:
    story, ledger = imported()
    other = Ledger(story, "C1").invoice("I7", 5)
    ledger.change("I1", total_minor=20_000, disputed=True)
    book = replace(ledger.book(), accounts=(ledger.account, other.account))
    book = replace(book, invoices=(*book.invoices, *other.invoices.values()))
    seq = len(story.store.history(story.no))
    with pytest.raises(Refused):
        import_book(story.store, book, story.now, IMPORTER)
    assert "C1" not in story.store.account_numbers(["C1"])
    report = import_book(story.store, book, story.now, IMPORTER, per_account=True)
    assert list(report.refused) == ["B1"]
    assert ([type(fact) for fact in since(story, seq)], report.count["invoices"]) == ([f.DoubtRaised], 1)


def test_a_dry_run_writes_nothing_and_says_what_would_come_of_it() -> None:
    story, ledger = imported()
    before = story.store.digest()
    ledger.account = replace(ledger.account, email="new@example.org")
    report = ledger.invoice("I2", 5).pay("I1").comes(dry_run=True)
    assert (report.count["invoices"], report.changed, story.store.digest()) == (1, {"email": 1, "paid": 1}, before)
    assert (report.before["EUR"].open, report.after["EUR"].open) == (PRICE, PRICE)
    assert story.store.described([story.no])[story.no].contact == "bert@example.org"


@pytest.mark.parametrize(
    ("name", "now"),
    [
        ("name", "Bert BV"),
        ("country", "BE"),
        ("zone", "America/New_York"),
        ("locale", "en"),
        ("mode", "invoice"),
        ("email", "new@example.org"),
        ("policy", "slow"),
        ("copies", ("boss@example.org", "cfo@example.org")),
    ],
)
def test_whatever_differs_about_a_customer_is_taken_and_counted(name: str, now: Any) -> None:
    story, ledger = imported()
    adopt_slow(story)
    story.until(5)
    ledger.account = replace(ledger.account, **{name: now})  # type: ignore[arg-type]
    report = ledger.comes()
    assert [(c.what, c.after) for c in report.changes] == [(name, now if isinstance(now, str) else ", ".join(now))]
    known, account = story.store.described([story.no])[story.no], story.account
    assert now in (
        known.name,
        known.country,
        known.zone,
        known.locale,
        known.mode,
        known.policy,
        known.contact,
        known.copies,
    )
    if name in ("zone", "policy", "mode"):
        assert now in (account.terms.zone, account.terms.policy, account.mode)
        assert account.case is not None
        assert account.case.terms.zone == "UTC", "a running case keeps its own"
    assert ledger.comes().changes == []


def test_an_empty_mail_cell_takes_nobodys_address_away() -> None:
    story, ledger = imported()
    ledger.account = replace(ledger.account, email=None)
    assert ledger.comes().changes == []
    assert story.store.described([story.no])[story.no].contact == "bert@example.org"


OTHER: dict[str, dict[str, Any]] = {
    "BookAccount": {
        "name": "x", "country": "BE", "zone": "Asia/Tokyo", "locale": "en", "mode": "invoice", "email": "x@example.org",
        "billing_address": "Kade 2\nOns Dorp", "tax_number": "NL000099998B57",
        "policy": "slow", "copies": ("y@example.org",),
        "method": NamedMethod("stripe", "cus_1", "pm_1"),
    },
    "BookInvoice": {
        "account_ref": "A1", "services": ("mail",), "issued_on": Story().date(-40), "due_on": Story().date(20),
        "currency": "USD", "total_minor": 1, "disputed": True, "standing": InvoiceStanding.VOID,
        "lines": (InvoiceLine("Cloud", PRICE),), "tax_lines": (TaxLine("25", 8000, 2000),),
    },
    "BookPayment": {"amount_minor": 1},
    "BookCredit": {"amount_minor": 1},
}  # fmt: skip
KINDS = {"accounts": BookAccount, "invoices": BookInvoice, "payments": BookPayment, "credits": BookCredit}


def every_compared() -> Iterable[tuple[str, str]]:
    for group, kind in KINDS.items():
        for name in compared(kind):
            yield group, name


@pytest.mark.parametrize(("group", "name"), list(every_compared()))
def test_no_field_that_differs_is_called_the_same(group: str, name: str) -> None:
    """Made from the types: a field that is added is compared, or NOT_COMPARED says why it is not."""
    story, ledger = imported()
    adopt_slow(story)
    ledger.pay("I1", 5000)
    ledger.credits = [BookCredit(3, "CN-1", "B1", "", ledger.invoices["I1"].issued_on, "EUR", 10)]
    ledger.comes()
    book = ledger.book()
    [one] = getattr(book, group)
    book = replace(book, **{group: (replace(one, **{name: OTHER[KINDS[group].__name__][name]}),)})
    if name == "account_ref":
        book = replace(book, accounts=(*book.accounts, replace(ledger.account, ref="A1")))
    report = import_book(story.store, book, story.now, IMPORTER, dry_run=True, per_account=True)
    said = report.count["credits"] or report.count["lines_late"]
    assert report.changes or report.refused or said, "it differs and is called the same"
    assert all(reason.startswith("row ") for reasons in report.refused.values() for reason in reasons)


def test_what_an_invoice_is_for_never_changes_once_it_was_said() -> None:
    story, ledger = imported()
    with_tax = {"lines": (InvoiceLine("Cloud", 8000, "25"),), "tax_lines": (TaxLine("25", 8000, 2000),)}
    ledger.invoice("I2", 5, **with_tax)
    assert ledger.comes().count["lines_late"] == 0
    [issued] = [f for f in story.store.facts_of([story.no], [InvoiceIssued])[story.no] if f.fact.debt.number == "I2"]
    assert (issued.fact.lines, issued.fact.tax_lines) == (with_tax["lines"], with_tax["tax_lines"])
    assert ledger.comes().count["known_invoices"] == 2
    ledger.change("I2", lines=(InvoiceLine("Mail", 8000, "25"),))
    [[reason]] = ledger.comes(per_account=True).refused.values()
    assert "invoice I2 has other lines or tax than it is here with; an invoice that was issued" in reason
    ledger.change(
        "I2", total_minor=5000, lines=(InvoiceLine("Cloud", 4000, "25"),), tax_lines=(TaxLine("25", 4000, 1000),)
    )
    report = ledger.comes()
    assert [(one.what, one.before, one.after) for one in report.changes] == [("total_minor", 10000, 5000)]
    assert ledger.comes().changes == []


def test_lines_that_do_not_add_up_leave_their_account_as_it_was() -> None:
    _story, ledger = imported()
    ledger.invoice("I2", 5, lines=(InvoiceLine("Cloud", 8000),))
    [[reason]] = ledger.comes(per_account=True).refused.values()
    assert "column lines: invoice 'I2': its lines and tax come to €80.00, and it asks €100.00" in reason


def test_lines_that_come_late_are_counted_and_change_nothing() -> None:
    story, ledger = imported()
    ledger.change("I1", lines=(InvoiceLine("Cloud", PRICE),))
    before = story.store.digest()
    report = ledger.comes()
    assert (report.count["lines_late"], report.changes) == (1, [])
    assert story.store.digest() == before


def test_every_field_that_is_not_compared_is_a_field_and_says_why() -> None:
    assert set(NOT_COMPARED) <= {f"{kind.__name__}.{one.name}" for kind in KINDS.values() for one in fields(kind)}
    assert all(len(why) > 20 for why in NOT_COMPARED.values())


def test_a_policy_is_in_force_for_the_accounts_that_name_it() -> None:
    story = Story(bill=False)
    adopt_slow(story)
    ledger = Ledger(story).invoice("I1", -1)
    ledger.account = replace(ledger.account, policy="slow")
    ledger.comes()
    story.no = story.store.account_numbers(["B1"])["B1"]
    story.until(59)
    assert story.sub().state is State.PAST_DUE
    story.until(63)
    assert story.sub().state is State.DISABLED


def test_a_policy_that_nobody_adopted_is_refused_with_those_that_are_in_force() -> None:
    _, ledger = imported()
    ledger.account = replace(ledger.account, policy="gold")
    with pytest.raises(Refused, match=r"row 2, column policy: policy gold is not in force .in force: default."):
        ledger.comes()


def test_what_a_person_credited_stays_credited_and_blocks_no_later_export() -> None:
    story, ledger = imported()
    corrections.credit(story.store, "I1", 500, story.now, STAFF, "agreed")
    report = ledger.comes()
    assert (report.changes, report.count["asked_less_here"]) == ([], 1)
    assert story.account.debts[0].open_minor == 9500
    assert ledger.change("I1", total_minor=9500).comes().changes == [], "the ledger has heard of it: no second credit"
    ledger.change("I1", total_minor=9000).comes()
    assert story.account.debts[0].open_minor == 9000
    with pytest.raises(Refused, match="ask for the other"):
        ledger.change("I1", total_minor=9500).comes()


def test_a_due_date_that_a_person_moved_stays_until_the_ledger_says_another() -> None:
    story, ledger = imported()
    story.until(10)
    corrections.move_due(story.store, "I1", story.date(40), story.now, STAFF, "agreed")
    assert ledger.comes().changes == []
    assert story.account.debts[0].due_on == story.date(40)
    assert ledger.change("I1", due_on=story.date(50)).comes().changed == {"due_on": 1}
    assert ledger.comes().changes == []


def test_a_payment_that_staff_took_back_and_the_ledger_still_calls_paid_is_booked_again_and_said() -> None:
    story, ledger = imported()
    ledger.pay("I1").comes()
    corrections.take_back(story.store, "I1", None, story.now, STAFF, "never came")
    assert [d.open_minor for d in story.account.debts] == [PRICE]
    report = ledger.comes()
    assert (report.count["booked_again"], report.changed, story.account.debts) == (1, {"paid": 1}, ())
    assert ledger.comes().count["booked_again"] == 0
