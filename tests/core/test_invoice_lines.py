"""Lines and tax of an invoice add up to what it asks, to the cent, or are refused with what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from arrears.core.errors import Refused
from arrears.core.invoice_lines import LINES_MAX, InvoiceLine, TaxLine, check_lines, decimal_of, rate_of

CLOUD: Final = InvoiceLine("Cloud, November", 10_000, "21")
BOOK: Final = InvoiceLine("Handbook", 2_000, "9", quantity="2", unit="pieces")
FREE: Final = InvoiceLine("Support abroad", 500, "0", "AE")
HIGH: Final = TaxLine("21", 10_000, 2_100)
LOW: Final = TaxLine("9", 2_000, 180)
NONE: Final = TaxLine("0", 500, 0, "AE", "Reverse charge")

RIGHT: Final[dict[str, tuple[int, Sequence[InvoiceLine], Sequence[TaxLine]]]] = {
    "nothing said": (12_345, (), ()),
    "lines alone": (12_000, (CLOUD, BOOK), ()),
    "tax alone": (12_100, (), (HIGH,)),
    "two rates and none": (14_780, (CLOUD, BOOK, FREE), (HIGH, LOW, NONE)),
    "a discount": (10_890, (CLOUD, InvoiceLine("Discount", -1_000, "21")), (TaxLine("21", 9_000, 1_890),)),
    "rounded line by line": (5, (InvoiceLine("a", 2, "21"), InvoiceLine("b", 2, "21")), (TaxLine("21", 4, 1),)),
}
WRONG: Final[dict[str, tuple[int, Sequence[InvoiceLine], Sequence[TaxLine], str]]] = {
    "a cent more": (12_101, (CLOUD,), (HIGH,), "its lines and tax come to €121.00, and it asks €121.01"),
    "tax of another sum": (12_310, (CLOUD,), (TaxLine("21", 11_000, 2_310),), "its lines of that rate come to €100.00"),
    "tax of no line": (14_280, (CLOUD,), (HIGH, LOW), "has tax at 9 % of €20.00, and its lines of that rate come to"),
    "a line without its tax": (14_100, (CLOUD, BOOK), (HIGH,), '"Handbook" at 9 %, and no tax of that rate'),
    "another rate's tax": (10_900, (CLOUD,), (TaxLine("21", 10_000, 900),), "which is not 21 %"),
    "the same rate twice": (12_100, (), (HIGH, TaxLine("21", 0, 0)), "has two sums of tax at 21 %"),
    "a rate that is none": (100, (InvoiceLine("x", 100, "201"),), (), "is no rate of tax"),
    "a rate in another form": (100, (InvoiceLine("x", 100, "21.0"),), (), "write it as 21"),
    "a quantity that is none": (100, (InvoiceLine("x", 100, quantity="1e3"),), (), "is not a number such as"),
    "a line that says nothing": (100, (InvoiceLine(" ", 100),), (), "line 1 says nothing"),
    "two lines in one": (100, (InvoiceLine("a\nb", 100),), (), "has a line break"),
    "too many": (LINES_MAX + 1, (InvoiceLine("x", 1),) * (LINES_MAX + 1), (), "the most are 500 and 20"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_adds_up_is_taken(name: str) -> None:
    total, lines, taxes = RIGHT[name]
    check_lines("I1", "EUR", total, lines, taxes)


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_is_refused_in_one_line(name: str) -> None:
    total, lines, taxes, said = WRONG[name]
    with pytest.raises(Refused) as refused:
        check_lines("I1", "EUR", total, lines, taxes)
    assert refused.value.code == "bad_lines"
    assert refused.value.message.startswith("invoice 'I1': ")
    assert said in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(("text", "kept"), [("21%", "21"), ("5,50", "5.5"), ("0.0", "0"), (" 19 % ", "19")])
def test_a_rate_is_read_as_people_write_it(text: str, kept: str) -> None:
    assert rate_of(text) == kept


@pytest.mark.parametrize("text", ["", "x", "nan", "-1", "101", "1_0", "1e1", "٢١", "0.1234567"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|rate|digits"):
        rate_of(text)


def test_a_decimal_is_kept_without_zeros_that_say_nothing() -> None:
    assert [decimal_of(text) for text in ("1.50", "-0", "007", "-2.0")] == ["1.5", "0", "7", "-2"]
