"""Money is an int of minor units with its currency; this is where it meets text, exactly or not at all.

The exponents are ISO 4217's own and are written out here: the common locale data has *display* digits instead
(0 for RSD, ALL or LBP, where ISO 4217 has 2), and an amount read with those would be a hundred times too small.
Converting text to money may refuse, never round.
"""

from __future__ import annotations

import copy
import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel.core import Locale, UnknownLocaleError
from babel.numbers import NumberPattern

from arrears.core.errors import Refused

INTEGER_DIGITS_MAX: Final = 15
"""More is refused; with three decimals the result still fits a signed 64-bit integer."""

MINOR_MAX: Final = 10**18 - 1
"""The largest amount that is taken, in minor units: 15 digits and three decimals."""

_TWO_DECIMALS: Final = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP
CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS
INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN
NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP
STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL
"""
_NO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS: Final = "BHD IQD JOD KWD LYD OMR TND"

# Money only: no metals, fund codes or test codes. Codes retired since 2020 stay, because old books name them.
_EXPONENTS: Final = {
    code: digits
    for digits, codes in ((2, _TWO_DECIMALS), (0, _NO_DECIMALS), (3, _THREE_DECIMALS))
    for code in codes.split()
}
CURRENCIES: Final = frozenset(_EXPONENTS)
"""Every currency code that is accepted."""

# Far above any sum of ours, and below the 28 digits from which decimal arithmetic would start to round.
_MINOR_LIMIT: Final = 10**24


def exponent(currency: str) -> int:
    """How many decimals the currency has (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD. Refuses `unknown_currency`."""
    digits = _EXPONENTS.get(currency)
    if digits is None:
        near = currency.upper()
        hint = f"; write {near}" if near in _EXPONENTS else "; give an ISO 4217 code in capitals, like EUR"
        raise Refused("unknown_currency", f"{_shown(currency)} is not a currency{hint}")
    return digits


def bounded(minor: int, what: str) -> int:
    """An amount of money that was said, which is more than nothing; refuses `bad_amount` for any other, and for more
    than there can be. `what` begins the refusal: "payment 'P1'"."""
    if minor <= 0:
        raise Refused("bad_amount", f"{what} must be more than zero")
    if minor > MINOR_MAX:
        raise Refused("bad_amount", f"{what} has more than {len(str(MINOR_MAX))} digits; give minor units, like 1250")
    return minor


def parse_amount(text: str, currency: str, *, decimal_mark: str = ".", grouping: str = "") -> int:
    """The minor units that `text` says, a leading "-" included; never rounded, never guessed.

    Between groups of three digits, all of them or none, may stand `grouping`. Refuses `unknown_currency`, and
    `bad_amount` for anything else than ASCII digits, for more decimals than the currency has even if they are
    zeros ("10.000" may be ten or ten thousand), and for more than 15 digits before the decimal mark.
    """
    assert len(decimal_mark) == 1, decimal_mark
    assert len(grouping) <= 1, grouping
    assert decimal_mark != grouping, decimal_mark
    digits = exponent(currency)
    match = _amount_pattern(decimal_mark, grouping).fullmatch(text)
    if match is None:
        raise _bad(text, f"is not an amount; write it like {_example(digits, decimal_mark, grouping)}")
    sign, whole, decimals = match[1], match[2], match[3] or ""
    if grouping:
        whole = whole.replace(grouping, "")
    if len(decimals) > digits:
        most = f"at most {digits} decimals" if digits else "no decimals"
        raise _bad(text, f"has {len(decimals)} decimals; {currency} has {most}")
    if len(whole) > INTEGER_DIGITS_MAX:
        raise _bad(
            text, f"has {len(whole)} digits before the decimal mark; {INTEGER_DIGITS_MAX} are the most there can be"
        )
    minor = int(whole + decimals.ljust(digits, "0"))
    return -minor if sign else minor


def typed_amount(text: str, currency: str, *, decimal_mark: str, sign: str = "") -> int:
    """The minor units of an amount as a person types it: "20,50", "20.50", "€ 1.020,50", "EUR 20", "20,-".

    The code of the currency, its `sign` or the last character of that ("$" of "US$") may stand before or after it, and
    groups of three may be kept apart by what keeps them apart anywhere. Of two different marks the last is the decimal
    mark; a single one is that too, unless three digits follow and it is not `decimal_mark`, the reader's own. Refuses
    `bad_amount` for the rest, another currency among it: nothing is guessed, and nothing rounded.
    """
    around = "|".join(re.escape(one) for one in (currency, sign, sign[-1:]) if one)
    bare = re.sub(rf"^(?:{around})\s*|(?:[.,]-{{1,2}})?\s*(?:{around})?$", "", text.strip())
    whole = _BETWEEN_GROUPS.sub("", bare)
    marks = [one for one in whole if one in ".,"]
    mark = marks[-1] if marks else decimal_mark
    after = len(whole) - whole.rfind(mark) - 1
    if marks.count(mark) > 1 or (len(marks) == 1 and after == 3 and mark != decimal_mark):
        mark = _OTHER_MARK[mark]
    return parse_amount(whole, currency, decimal_mark=mark, grouping=_OTHER_MARK[mark])


_BETWEEN_GROUPS: Final = re.compile(r"(?<=[0-9])[ \u00a0\u202f'\u2019](?=[0-9]{3}(?![0-9]))")
_OTHER_MARK: Final = {".": ",", ",": "."}


@lru_cache(maxsize=32)
def _amount_pattern(decimal_mark: str, grouping: str) -> re.Pattern[str]:
    mark, group = re.escape(decimal_mark), re.escape(grouping)
    grouped = f"|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" if grouping else ""
    return re.compile(f"(-?)([0-9]+{grouped})(?:{mark}([0-9]+))?")


def _bad(text: str, why: str) -> Refused:
    return Refused("bad_amount", f"{_shown(text)} {why}")


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 40 else text[:40] + "...")


def _example(digits: int, decimal_mark: str, grouping: str) -> str:
    return f"1{grouping}234" + (decimal_mark + "567"[:digits] if digits else "")


@lru_cache(maxsize=8192)
def format_amount(minor: int, currency: str, locale: str = "en") -> str:
    """The amount as a reader of `locale` writes it, with every decimal that the currency has.

    Refuses `unknown_currency` and `unknown_locale`. Exact: the digits shown are the digits of `minor`.
    """
    assert abs(minor) < _MINOR_LIMIT, minor
    digits = exponent(currency)
    known, pattern = _money_pattern(locale, digits)
    exact = Decimal((int(minor < 0), tuple(map(int, str(abs(minor)))), -digits))
    text: str = pattern.apply(exact, known, currency=currency, currency_digits=False)
    return text


@lru_cache(maxsize=256)
def _money_pattern(locale: str, digits: int) -> tuple[Locale, NumberPattern]:
    try:
        known = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise Refused("unknown_locale", f"{_shown(locale)} is not a locale; give one like en or nl-BE") from None
    pattern: NumberPattern = copy.copy(known.currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    return known, pattern
