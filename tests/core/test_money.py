"""Money read from text and written for people: exact, or refused."""

from __future__ import annotations

import timeit
from decimal import Decimal

import pytest
from babel.core import Locale, get_global
from babel.numbers import get_currency_symbol, get_decimal_symbol
from hypothesis import given
from hypothesis import strategies as st

from arrears.core.errors import Refused
from arrears.core.money import CURRENCIES, INTEGER_DIGITS_MAX, exponent, format_amount, parse_amount, typed_amount

currencies = st.sampled_from(sorted(CURRENCIES))
minors = st.integers(-(10**15) + 1, 10**15 - 1)


def written(minor: int, currency: str, decimal_mark: str = ".", grouping: str = "") -> str:
    digits = exponent(currency)
    whole, decimals = divmod(abs(minor), 10**digits)
    text = f"{whole:,}".replace(",", grouping)
    text += f"{decimal_mark}{decimals:0{digits}d}" if digits else ""
    return "-" + text if minor < 0 else text


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("EUR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("IQD", 3), ("RSD", 2), ("HUF", 2), ("ISK", 0)],
)
def test_the_exponent_is_iso_4217s_and_not_the_digits_people_display(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize(
    "currency",
    ["eur", "XXX", "€", "", "EURO", "EU", " EUR", "EUR\n", "XAU", "XTS", "CLF", "DEM", "ＥＵＲ", "ABC", "E" * 10_000],
)
def test_what_is_not_a_currency_is_refused_wherever_it_is_given(currency: str) -> None:
    for attempt in (
        lambda: exponent(currency),
        lambda: parse_amount("1", currency),
        lambda: format_amount(1, currency),
    ):
        with pytest.raises(Refused) as refusal:
            attempt()
        assert refusal.value.code == "unknown_currency"
        assert len(refusal.value.message.splitlines()) == 1
        assert len(refusal.value.message) < 120


def test_a_currency_in_small_letters_is_refused_with_the_code_to_write() -> None:
    with pytest.raises(Refused, match="write EUR"):
        exponent("eur")


def test_no_currency_of_today_is_missing() -> None:
    in_use = {
        code
        for entries in get_global("territory_currencies").values()
        for code, _start, end, tender in entries
        if tender and end is None
    }
    unissued = {"CNH", "CHE", "CHW", "MXV", "UYI", "UYW", "CLF", "COU", "USN", "BOV"}
    assert {code for code in in_use if len(code) == 3} - unissued - CURRENCIES == set()


@pytest.mark.parametrize(
    ("text", "currency", "mark", "grouping", "minor"),
    [
        ("10", "USD", ".", "", 1000),
        ("10.5", "USD", ".", "", 1050),
        ("10.05", "USD", ".", "", 1005),
        ("0.01", "EUR", ".", "", 1),
        ("0", "EUR", ".", "", 0),
        ("-0", "EUR", ".", "", 0),
        ("-12.34", "EUR", ".", "", -1234),
        ("000012.34", "EUR", ".", "", 1234),
        ("1234", "JPY", ".", "", 1234),
        ("1.234", "KWD", ".", "", 1234),
        ("1.2", "KWD", ".", "", 1200),
        ("1,234.56", "USD", ".", ",", 123456),
        ("1234.56", "USD", ".", ",", 123456),
        ("1.234.567,89", "EUR", ",", ".", 123456789),
        ("1 234,5", "EUR", ",", " ", 123450),
        ("1\u202f234,50", "EUR", ",", "\u202f", 123450),
        ("1'234.50", "CHF", ".", "'", 123450),
        ("999999999999999.99", "EUR", ".", "", 99999999999999999),
        ("999999999999999.999", "KWD", ".", "", 999999999999999999),
    ],
)
def test_an_amount_is_read_exactly(text: str, currency: str, mark: str, grouping: str, minor: int) -> None:
    assert parse_amount(text, currency, decimal_mark=mark, grouping=grouping) == minor


@pytest.mark.parametrize(
    ("text", "currency", "mark", "grouping"),
    [
        ("10.001", "USD", ".", ""),
        ("10.000", "USD", ".", ""),
        ("10.5", "JPY", ".", ""),
        ("10.0", "JPY", ".", ""),
        ("1.2345", "KWD", ".", ""),
        ("1e3", "EUR", ".", ""),
        ("1E3", "EUR", ".", ""),
        ("NaN", "EUR", ".", ""),
        ("Infinity", "EUR", ".", ""),
        ("-Infinity", "EUR", ".", ""),
        ("", "EUR", ".", ""),
        ("-", "EUR", ".", ""),
        (".", "EUR", ".", ""),
        ("10.", "EUR", ".", ""),
        (".50", "EUR", ".", ""),
        ("+5", "EUR", ".", ""),
        ("--5", "EUR", ".", ""),
        ("5-", "EUR", ".", ""),
        ("(5)", "EUR", ".", ""),
        ("\u22125", "EUR", ".", ""),
        ("1,234.56", "USD", ".", ""),
        ("1,234.56", "USD", ",", ""),
        ("1,234.56", "USD", ",", "."),
        ("12,34.50", "USD", ".", ","),
        ("1,23,456.00", "INR", ".", ","),
        ("1234,567.00", "USD", ".", ","),
        (",123.00", "USD", ".", ","),
        ("1,,234.00", "USD", ".", ","),
        ("1,234,.00", "USD", ".", ","),
        ("1.234", "EUR", ",", ""),
        ("1_000", "EUR", ".", ""),
        ("0x10", "EUR", ".", ""),
        ("１２", "EUR", ".", ""),
        ("\u0661\u0662", "EUR", ".", ""),
        ("1 234.50", "EUR", ".", ""),
        (" 12", "EUR", ".", ""),
        ("12 ", "EUR", ".", ""),
        ("12\n", "EUR", ".", ""),
        ("12\x00", "EUR", ".", ""),
        ("€12", "EUR", ".", ""),
        ("EUR 12", "EUR", ".", ""),
        ("1000000000000000", "EUR", ".", ""),
        ("9" * 10_000, "EUR", ".", ""),
        ("true", "EUR", ".", ""),
    ],
)
def test_what_is_not_exactly_an_amount_is_refused_in_one_line(
    text: str, currency: str, mark: str, grouping: str
) -> None:
    with pytest.raises(Refused) as refusal:
        parse_amount(text, currency, decimal_mark=mark, grouping=grouping)
    assert refusal.value.code == "bad_amount"
    assert len(refusal.value.message.splitlines()) == 1
    assert len(refusal.value.message) < 160


@pytest.mark.parametrize(
    ("text", "english", "dutch"),
    [
        ("20", 2000, 2000),
        ("20.50", 2050, 2050),
        ("20,50", 2050, 2050),
        ("20,5", 2050, 2050),
        ("€ 20,50", 2050, 2050),
        ("€20.50", 2050, 2050),
        ("20,50 €", 2050, 2050),
        ("EUR 20", 2000, 2000),
        (" 20.50 EUR ", 2050, 2050),
        ("20,-", 2000, 2000),
        ("€ 20,--", 2000, 2000),
        ("1.020,50", 102050, 102050),
        ("1,020.50", 102050, 102050),
        ("1 020,50", 102050, 102050),
        ("1\u202f020,50", 102050, 102050),
        ("1'020.50", 102050, 102050),
        ("1.234.567", 123456700, 123456700),
        # A single mark before three digits is what it is where the reader lives, and that may be no sum of money.
        ("1,234", 123400, None),
        ("1.234", None, 123400),
        ("20.505,5", 2050550, 2050550),
        *((text, None, None) for text in ("", "twenty", "2,0,5", "1.23,45", "€€20", "$ 20", "US$ 20", "USD 20")),
        *((text, None, None) for text in (",50", "20,", "12 34", "1 0,5", "1e3", "20.505.5", "１２", "20 EUR EUR")),
    ],
)
def test_an_amount_is_read_as_people_type_it_or_not_at_all(text: str, english: int | None, dutch: int | None) -> None:
    for mark, wanted in ((".", english), (",", dutch)):
        if wanted is not None:
            assert typed_amount(text, "EUR", decimal_mark=mark, sign="€") == wanted
            continue
        with pytest.raises(Refused) as refusal:
            typed_amount(text, "EUR", decimal_mark=mark, sign="€")
        assert refusal.value.code == "bad_amount"


@given(st.integers(0, 10**14), st.sampled_from(["en", "nl", "de-CH", "fr", "en-IN"]), currencies)
def test_what_is_shown_can_be_typed(minor: int, locale: str, currency: str) -> None:
    known = Locale.parse(locale.replace("-", "_"))
    mark, sign = get_decimal_symbol(known), get_currency_symbol(currency, known)
    try:
        found = typed_amount(format_amount(minor, currency, locale), currency, decimal_mark=mark, sign=sign)
    except Refused:
        return
    assert found == minor


@given(minors, currencies, st.sampled_from([(".", ""), (".", ","), (",", "."), (",", " "), (".", "'")]))
def test_what_is_written_reads_back_to_the_same_minor_units(minor: int, currency: str, marks: tuple[str, str]) -> None:
    text = written(minor, currency, *marks)
    assert parse_amount(text, currency, decimal_mark=marks[0], grouping=marks[1]) == minor


@given(st.text(alphabet="0123456789.,-+eE '\u00a0１NaInf", max_size=24), currencies)
def test_any_text_is_read_exactly_or_refused(text: str, currency: str) -> None:
    minor = code = None
    try:
        minor = parse_amount(text, currency, grouping=",")
    except Refused as refusal:
        code = refusal.code
    if minor is None:
        assert code == "bad_amount"
    else:
        assert Decimal(minor).scaleb(-exponent(currency)) == Decimal(text.replace(",", ""))
        assert abs(minor) < 10 ** (INTEGER_DIGITS_MAX + exponent(currency))


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (123456, "EUR", "en", "€1,234.56"),
        (123456, "EUR", "nl", "€\u00a01.234,56"),
        (123456, "EUR", "de-DE", "1.234,56\u00a0€"),
        (-5, "EUR", "en", "-€0.05"),
        (1234, "JPY", "en", "¥1,234"),
        (1234, "KWD", "en", "KWD1.234"),
        (123450, "RSD", "en", "RSD1,234.50"),
        (10050, "HUF", "en", "HUF100.50"),
        (0, "USD", "en", "$0.00"),
        (999999999999999999, "EUR", "en", "€9,999,999,999,999,999.99"),
    ],
)
def test_an_amount_is_shown_with_every_decimal_it_has(minor: int, currency: str, locale: str, text: str) -> None:
    assert format_amount(minor, currency, locale) == text


@given(st.integers(-(10**24) + 1, 10**24 - 1), currencies)
def test_the_digits_shown_are_the_digits_stored(minor: int, currency: str) -> None:
    shown = format_amount(minor, currency)
    assert int("".join(c for c in shown if c in "0123456789")) == abs(minor)
    assert ("-" in shown) == (minor < 0)


@pytest.mark.parametrize("locale", ["", "xx-YY", "klingon", "../etc", "en\n"])
def test_an_unknown_locale_is_refused(locale: str) -> None:
    with pytest.raises(Refused) as refusal:
        format_amount(1, "EUR", locale)
    assert refusal.value.code == "unknown_locale"


def test_formatting_the_same_amount_again_costs_next_to_nothing() -> None:
    format_amount(123456, "EUR", "nl")
    fastest = min(timeit.repeat(lambda: format_amount(123456, "EUR", "nl"), number=2_000, repeat=5)) / 2_000
    assert fastest < 20e-6, f"{fastest * 1e6:.1f} us"
