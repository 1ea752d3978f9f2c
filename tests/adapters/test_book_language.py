"""What a map can say: each way in which billing systems write their books, read to the value that it means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.adapters.honest_book import HONEST, MAP, as_csv, map_from, read

from arrears.adapters.books.dates import read_date
from arrears.adapters.books.sums import read_sum
from arrears.core.errors import Refused
from arrears.core.receivables import ReceivablesBook
from arrears.core.row_fields import meant

PAYMENT = '[payment]\npaid_on = { column = "Paid" }\n'


def rows(*changes: Mapping[str, str]) -> str:
    """Honest rows with these cells."""
    made = [HONEST | change for change in changes]
    return as_csv(made, list(dict.fromkeys(name for row in made for name in row)))


def mapped(*replaced: tuple[str, str]) -> str:
    """The honest map with these parts of it said otherwise."""
    text = MAP
    for before, after in replaced:
        assert before in text, before
        text = text.replace(before, after)
    return text


def invoice(key: str) -> tuple[str, str]:
    """One more key of [invoice]."""
    return "[payment]", f"{key}\n[payment]"


def why(folder: Path, content: str | bytes, map_text: str) -> str:
    with pytest.raises(Refused) as caught:
        read(folder, content, map_text)
    return caught.value.message


# -- dates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("Mar 1, 2026", "%b %d, %Y", "2026-03-01"),
        ("March 01, 2026", "%b %d, %Y", "2026-03-01"),
        ("1. März 2026", "%d. %b %Y", "2026-03-01"),
        ("1 mrt. 2026", "%d %b %Y", "2026-03-01"),
        ("01-Sept-2026", "%d-%b-%Y", "2026-09-01"),
        ("3 août 2026", "%d %b %Y", "2026-08-03"),
        ("31.12.26", "%d.%m.%y", "2026-12-31"),
        ("31.12.99", "%d.%m.%y", "1999-12-31"),
        ("20260301", "%Y%m%d", "2026-03-01"),
        ("2026-03-01T13:05:00+02:00", "%Y-%m-%d", "2026-03-01"),
        ("3/1/2026 1:05 PM", "%m/%d/%Y", "2026-03-01"),
        ("Mar 1, 2026, 13:05", "%b %d, %Y", "2026-03-01"),
    ],
)
def test_a_date_is_read_in_the_format_that_the_map_names(text: str, form: str, day: str) -> None:
    assert str(read_date(text, [form])) == day


@pytest.mark.parametrize("text", ["Foo 1, 2026", "Mar 32, 2026", "2026-03-01", "Mar 1 26"])
def test_what_is_no_date_in_that_format_is_not_guessed(text: str) -> None:
    assert isinstance(read_date(text, ["%b %d, %Y"]), str)


def test_of_several_formats_each_text_fits_one_and_what_fits_two_is_refused() -> None:
    both = ["%d/%m/%Y", "%m/%d/%Y"]
    assert str(read_date("31/12/2026", both)) == "2026-12-31"
    assert str(read_date("12/31/2026", both)) == "2026-12-31"
    assert "can be read as 2026-03-04 and as 2026-04-03" in str(read_date("03/04/2026", both))
    assert str(read_date("03/03/2026", both)) == "2026-03-03"


@pytest.mark.parametrize("form", ["%Y-%m", "%Y-%m-%m", "%j", "%Y-%m-%d %H", "on %Y-%m-%d", ""])
def test_a_format_that_can_be_none_is_refused(tmp_path: Path, form: str) -> None:
    with pytest.raises(Refused, match=r"file\.date_format"):
        map_from(tmp_path, MAP.replace("%Y-%m-%d", form))


# -- sums ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "currency", "marks", "minor"),
    [
        ("1.234,56 €", "EUR", ",.", 123_456),
        ("€ 1.234,56-", "EUR", ",.", -123_456),
        ("$1,234.50", "USD", ".,", 123_450),
        ("US$1,234.50", "USD", ".,", 123_450),
        ("A$ 5.00", "AUD", ".", 500),
        ("(123.45)", "USD", ".", -12_345),
        ("($123.45)", "USD", ".", -12_345),
        ("-$123.45", "USD", ".", -12_345),
        ("\u2212123.45", "USD", ".", -12_345),
        ("CHF 1'234.50", "CHF", ".\u2019", 123_450),
        ("1 234,50 kr", "SEK", ",\u00a0", 123_450),
        ("1 234,50 zł", "PLN", ", ", 123_450),
        ("100.0000", "EUR", ".", 10_000),
        ("100.000000000", "EUR", ".", 10_000),
        ("1,234.000", "EUR", ".,", 123_400),
        ("1000.00", "JPY", ".", 1000),
        ("0.500", "KWD", ".", 500),
    ],
)
def test_a_sum_is_read_to_the_last_digit(text: str, currency: str, marks: str, minor: int) -> None:
    assert read_sum(text, currency, marks[0], marks[1:], minor_units=False) == minor


@pytest.mark.parametrize(
    ("text", "currency", "reason"),
    [
        ("€5.00", "USD", "is in €, and its currency is USD"),
        ("EUR 5.00", "USD", "is in EUR, and its currency is USD"),
        ("5.00 GBP", "EUR", "is in GBP"),
        ("1.000", "EUR", "can be a group of thousands"),
        ("1.2345", "EUR", "decimals"),
        ("5.00 pieces", "EUR", "is not an amount"),
        ("", "EUR", "is not an amount"),
    ],
)
def test_a_sum_that_can_mean_something_else_is_refused(text: str, currency: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        read_sum(text, currency, ".", "", minor_units=False)
    assert reason in caught.value.message


# -- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("de", "DE"),
        ("United Kingdom", "GB"),
        ("Pays-Bas", "NL"),
        ("USA", "US"),
    ],
)
def test_a_country_may_be_written_out(written: str, code: str) -> None:
    assert meant("country", written) == code


def test_several_words_mean_one_thing_and_otherwise_stands_for_the_rest(tmp_path: Path) -> None:
    said = mapped(
        ('yes = "Yes", no = "No"', 'yes = ["Disputed", "Escalated"], no = ["open", "overdue"]'),
        ('card = "C"\ninvoice = "I"', 'card = ["Visa", "Mastercard"]\notherwise = "invoice"'),
        ('country = { column = "Country" }', 'country = { column = "Country", otherwise = "ZZ" }'),
        (
            'zone = { column = "Zone" }',
            'zone = { column = "Country", words = { "Europe/Berlin" = ["DE", "Germany"] }, otherwise = "UTC" }\n'
            'policy = { column = "Plan", words = { patient = ["Enterprise", "Gold"] }, otherwise = "default" }',
        ),
    )
    content = rows(
        {
            "Customer": "c1",
            "Number": "n1",
            "Disputed": "escalated",
            "Mode": "VISA",
            "Country": "Germany",
            "Plan": "gold",
        },
        {"Customer": "c2", "Number": "n2", "Disputed": "overdue", "Mode": "Transfer", "Country": "", "Plan": "Basic"},
    )
    book = read(tmp_path, content, said)
    assert [(a.mode, a.country, a.zone, a.policy) for a in book.accounts] == [
        ("card", "DE", "Europe/Berlin", "patient"),
        ("invoice", "ZZ", "UTC", "default"),
    ]
    assert [i.disputed for i in book.invoices] == [True, False]


def test_a_word_that_the_map_does_not_know_is_named(tmp_path: Path) -> None:
    said = mapped(('service = { column = "Service" }', 'service = { column = "Service", words = { mail = "post" } }'))
    assert (
        why(tmp_path, rows({}), said)
        == 'row 2, column Service: "cloud" is none of the map\'s words, "post"; add it to one of them'
    )


# -- what is no invoice --------------------------------------------------------------------------------------


def test_titles_groups_and_totals_are_left_out_and_counted(tmp_path: Path) -> None:
    header, line = rows({}).splitlines()
    rest = "," * header.count(",")
    titles = ["Apex Ltd", '"As of November 29, 2026"', "", header]
    content = "\n".join([*titles, f"Group A{rest}", line, f"Total for A{rest}", "Sum", f"12.50{rest}"])
    skip = '[skip]\nwhere = [{ column = "Number", is = "" }, { column = "Customer", starts_with = ["total", "sum"] }]\n'
    book = read(tmp_path, content, MAP + skip)
    assert (len(book.invoices), book.left_out) == (1, {"skipped": 4})
    assert book.invoices[0].row == 6


def test_only_the_kinds_of_rows_that_are_meant_are_taken(tmp_path: Path) -> None:
    skip = '[skip]\nwhere = [{ column = "Type", is_not = ["Invoice"] }]\n'
    content = rows({"Type": "invoice"}, {"Type": "Payment", "Number": "p1", "Due": ""})
    assert [i.number for i in read(tmp_path, content, MAP + skip).invoices] == ["n1"]


def test_a_total_that_nobody_left_out_says_how(tmp_path: Path) -> None:
    total = dict.fromkeys(HONEST, "") | {"Customer": "Summe", "Amount": "12.50", "Mode": "C", "Disputed": "No"}
    message = why(tmp_path, rows({}, total), MAP)
    assert message.startswith("row 3, column Name: ")
    assert message.endswith('leave such rows out: [skip] where = [{ column = "Customer", is = "Summe" }]')


def test_a_spreadsheets_own_marks_say_nothing(tmp_path: Path) -> None:
    content = "sep=,\n" + rows({"Number": '="0012"'}).replace("\n", ",\n")
    assert read(tmp_path, content).invoices[0].number == "0012"
    assert "delimiter" in why(tmp_path, "sep=;\n" + rows({}), MAP)


def test_a_column_twice_that_the_map_does_not_read_is_nobodys_business(tmp_path: Path) -> None:
    header, line = rows({}).splitlines()
    assert read(tmp_path, f"{header},Tax,Tax\n{line},0,0\n").invoices


# -- several rows, one invoice -------------------------------------------------------------------------------


def test_lines_add_up_to_one_invoice_with_all_their_services(tmp_path: Path) -> None:
    said = mapped(invoice('each_row = "line"'))
    content = rows({"Service": "cloud"}, {"Service": "mail", "Amount": "-2.50"}, {"Service": "cloud"})
    book = read(tmp_path, content, said)
    assert [(i.total_minor, i.services) for i in book.invoices] == [(2250, ("cloud", "mail"))]
    assert [p.amount_minor for p in book.payments] == [2250], "what is paid in full is paid once"
    assert "column Due" in why(tmp_path, rows({}, {"Due": "2024-02-01"}), said)


def test_an_invoice_may_be_repeated_for_each_of_its_services(tmp_path: Path) -> None:
    content = rows({"Service": "cloud"}, {"Service": "mail"})
    [one] = read(tmp_path, content, mapped(invoice('each_row = "service"'))).invoices
    assert (one.total_minor, one.services) == (1250, ("cloud", "mail"))
    assert 'say each_row = "line" under [invoice] if the rows are lines' in why(tmp_path, content, MAP)


def test_one_cell_may_name_several_services(tmp_path: Path) -> None:
    said = mapped(('service = { column = "Service" }', 'service = { column = "Service", separator = ";" }'))
    assert read(tmp_path, rows({"Service": "cloud; mail;cloud"}), said).invoices[0].services == ("cloud", "mail")


def parts(folder: Path, *payments: tuple[str, str, str]) -> ReceivablesBook:
    said = mapped(
        (
            'paid_on = { column = "Paid" }',
            'paid_on = { column = "Paid" }\namount = { column = "Got" }\nref = { column = "R" }',
        )
    )
    return read(folder, rows(*({"Paid": on, "Got": got, "R": ref} for on, got, ref in payments)), said)


def test_payments_without_a_reference_are_told_apart_by_day_and_sum(tmp_path: Path) -> None:
    book = parts(tmp_path, ("2024-02-01", "2.50", ""), ("2024-02-02", "2.50", ""), ("2024-02-02", "2.50", ""))
    assert [p.amount_minor for p in book.payments] == [250, 250]
    with pytest.raises(Refused, match=r"would be paid of .*give each payment a ref"):
        parts(tmp_path, ("2024-02-01", "12.50", ""), ("2024-02-02", "12.50", ""))


def test_one_transfer_pays_two_invoices(tmp_path: Path) -> None:
    said = mapped(('paid_on = { column = "Paid" }', 'paid_on = { column = "Paid" }\nref = { column = "R" }'))
    book = read(tmp_path, rows({"R": "T9"}, {"R": "T9", "Number": "n2", "Amount": "20.00"}), said)
    assert [(p.ref, p.invoice_number, p.amount_minor) for p in book.payments] == [
        ("T9", "n1", 1250),
        ("T9", "n2", 2000),
    ]


def test_numbers_may_be_unique_for_each_customer_only(tmp_path: Path) -> None:
    content = rows({"Customer": "c1"}, {"Customer": "c2"})
    book = read(tmp_path, content, mapped(invoice('numbers = "of_each_customer"')))
    assert [i.number for i in book.invoices] == ["c1/n1", "c2/n1"]
    assert 'say numbers = "of_each_customer" under [invoice]' in why(tmp_path, content, MAP)


# -- customers that change -----------------------------------------------------------------------------------


def test_the_newest_invoice_has_the_last_word_on_its_customer_where_the_map_says_so(tmp_path: Path) -> None:
    content = rows(
        {"Number": "n2", "Issued": "2024-01-20", "Name": "Acme Inc", "Mail": "b@x.test"},
        {"Number": "n1", "Issued": "2024-01-01", "Name": "Acme", "Mail": "a@x.test"},
        {"Number": "n3", "Issued": "2024-01-21", "Name": "Acme Inc", "Mail": ""},
    )
    said = mapped(('locale = { value = "en" }', 'locale = { value = "en" }\ndecided_by = "latest_invoice"'))
    [account] = read(tmp_path, content, said).accounts
    assert (account.name, account.email) == ("Acme Inc", "b@x.test"), "an empty cell takes nothing away"
    assert 'say decided_by = "latest_invoice" under [account]' in why(tmp_path, content, MAP)


def test_a_name_of_two_lines_is_one(tmp_path: Path) -> None:
    assert read(tmp_path, rows({"Name": "Acme\nInc"})).accounts[0].name == "Acme Inc"


# -- days that are not as usual ------------------------------------------------------------------------------


def test_a_due_date_may_follow_from_the_issue(tmp_path: Path) -> None:
    filled = mapped(('{ column = "Due" }', '{ column = "Due", days_after_issue = 14 }'))
    for text in ("", "0000-00-00", "00.00.0000"):
        assert str(read(tmp_path, rows({"Due": text}), filled).invoices[0].due_on) == "2024-01-15"
    assert str(read(tmp_path, rows({}), filled).invoices[0].due_on) == "2024-01-31"
    never = mapped(('due_on = { column = "Due" }', "due_on = { days_after_issue = 0 }"))
    assert str(read(tmp_path, rows({}), never).invoices[0].due_on) == "2024-01-01"


def test_due_before_the_issue_is_due_at_once_where_the_map_says_so(tmp_path: Path) -> None:
    said = mapped(invoice('due_before_issue = "due_at_once"'))
    assert str(read(tmp_path, rows({"Due": "2023-12-01"}), said).invoices[0].due_on) == "2024-01-01"
    assert 'say due_before_issue = "due_at_once"' in why(tmp_path, rows({"Due": "2023-12-01"}), MAP)


def test_money_may_come_before_the_invoice_where_the_map_says_so(tmp_path: Path) -> None:
    said = mapped(("[payment]", '[payment]\nbefore_issue = "taken"'))
    [payment] = read(tmp_path, rows({"Paid": "2023-12-20"}), said).payments
    assert (str(payment.paid_on), payment.amount_minor) == ("2024-01-01", 1250)
    assert "by more than 366 days" in why(tmp_path, rows({"Paid": "2013-12-20"}), said)


# -- credit notes --------------------------------------------------------------------------------------------


def test_a_word_says_what_is_a_credit_note_and_a_column_of_which_invoice(tmp_path: Path) -> None:
    kind = 'kind = { column = "Type", invoice = "Invoice", credit_note = ["Credit Memo"] }'
    said = mapped(invoice(f'{kind}\ncredited = {{ column = "Of" }}'))
    content = rows(
        {"Type": "Invoice"}, {"Type": "credit memo", "Number": "cn1", "Amount": "2.50", "Of": "n1", "Due": ""}
    )
    book = read(tmp_path, content.replace("2024-01-31,2.50", ",2.50"), said)
    assert [(c.number, c.invoice_number, c.amount_minor) for c in book.credits] == [("cn1", "n1", 250)]


def test_a_credit_note_of_another_customers_invoice_is_refused_with_both_rows(tmp_path: Path) -> None:
    kind = 'kind = { column = "Type", invoice = "Invoice", credit_note = "Credit Memo" }'
    content = rows(
        {"Type": "Invoice"}, {"Type": "Credit Memo", "Customer": "c2", "Number": "cn1", "Of": "n1", "Paid": ""}
    )
    said = why(tmp_path, content, mapped(invoice(f'{kind}\ncredited = {{ column = "Of" }}')))
    assert 'row 3, column Number: "n1" is already on row 2 with other content (column Customer)' in said


def test_where_numbers_are_each_customers_a_credit_note_names_its_own_customers_invoice(tmp_path: Path) -> None:
    kind = 'kind = { column = "Type", invoice = "Invoice", credit_note = "Credit Memo" }'
    apart = f'numbers = "of_each_customer"\n{kind}\ncredited = {{ column = "Of" }}'
    content = rows({"Type": "Invoice"}, {"Type": "Credit Memo", "Number": "cn1", "Of": "n1", "Paid": ""})
    [note] = read(tmp_path, content, mapped(invoice(apart))).credits
    assert (note.number, note.invoice_number) == ("c1/cn1", "c1/n1")


def test_a_customer_and_its_number_that_read_as_anothers_are_refused(tmp_path: Path) -> None:
    content = rows({"Customer": "a/b", "Number": "1"}, {"Customer": "a", "Number": "b/1"})
    said = why(tmp_path, content, mapped(invoice('numbers = "of_each_customer"')))
    assert "a customer and its number may not read as another's" in said


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp1250", "iso-8859-15", "cp500"]
)
def test_a_file_is_read_in_the_encoding_that_the_map_names(tmp_path: Path, encoding: str) -> None:
    said = mapped(("[account]", f'encoding = "{encoding}"\n[account]'))
    book = read(tmp_path, rows({"Name": "Ünal & Söhne"}).encode(encoding), said)
    assert book.accounts[0].name == "Ünal & Söhne"


def test_half_a_character_of_utf_16_is_one_line(tmp_path: Path) -> None:
    said = mapped(("[account]", 'encoding = "utf-16"\n[account]'))
    assert "is not utf-16" in why(tmp_path, rows({}).encode("utf-16") + b"x", said)


def test_one_cell_may_name_several_addresses_of_which_the_first_gets_the_mail(tmp_path: Path) -> None:
    said = mapped(('email = { column = "Mail" }', 'email = { column = "Mail", separator = ";" }'))
    content = rows({"Mail": "a@x.test; b@x.test"}, {"Number": "n2", "Mail": "a@x.test;c@x.test;b@x.test"})
    [account] = read(tmp_path, content, said).accounts
    assert (account.email, account.copies) == ("a@x.test", ("b@x.test", "c@x.test"))


def test_what_is_paid_by_now_is_never_below_zero(tmp_path: Path) -> None:
    so_far = mapped((PAYMENT, ""), ("[invoice]\n", '[invoice]\npaid = { column = "So far" }\n'))
    said = why(tmp_path, rows({"So far": "-5.00"}), so_far)
    assert 'column So far: "-5.00" is below zero; what is paid by now is 0 or more' in said
