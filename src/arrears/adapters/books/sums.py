"""Sums as billing systems write them: with the sign of a currency, brackets below nothing, and zeros behind."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from arrears.core.errors import Refused
from arrears.core.money import CURRENCIES, exponent, parse_amount

BLANKS: Final = (" ", "\u00a0", "\u202f", "\u2009")
"""Blanks that stand between groups of digits. Which of them it is says nothing, so they are read alike."""
APOSTROPHES: Final = ("'", "\u2019")

_MEANT_BY: Final = {"€": ("EUR",), "£": ("GBP", "EGP", "SHP", "FKP", "GIP", "SSP"), "¥": ("JPY", "CNY"), "₹": ("INR",)}
"""Signs that no other currency uses: beside another currency one of the two is wrong."""
_WORDS: Final = {"kr": ("SEK", "NOK", "DKK", "ISK"), "zł": ("PLN",), "fr": ("CHF",), "kč": ("CZK",), "ft": ("HUF",)}
_LETTERS_BEFORE: Final = re.compile(r"[^\W\d_]{1,3}\.?(?=[\s$])|[A-Z]{1,3}(?=\$)|[A-Z]{3}(?=[0-9(\-])", re.UNICODE)
_LETTERS_BEHIND: Final = re.compile(r"(?<=[0-9)\s\-])[^\W\d_]{2,3}\.?$")


def is_negative(text: str) -> bool:
    """Whether a sum is below nothing: `-1.00`, `(1.00)`, `1.00-`, `€ -1.00`."""
    bare = text.replace("\u2212", "-")
    return ("-" in bare.strip() and any(c.isdigit() for c in bare)) or (bare.lstrip().startswith("(") and ")" in bare)


def _without_currency(text: str, currency: str) -> str:
    """The sum without what says its currency; raises Refused `bad_amount` where that is another one."""
    signs = [c for c in text if unicodedata.category(c) == "Sc"]
    for sign in signs:
        if currency not in _MEANT_BY.get(sign, (currency,)):
            raise Refused("bad_amount", f"is in {sign}, and its currency is {currency}")
    bare = "".join(c for c in text if unicodedata.category(c) != "Sc").strip() if signs else text
    for pattern, source in ((_LETTERS_BEFORE, text), (_LETTERS_BEHIND, bare)):
        found = pattern.match(source) if pattern is _LETTERS_BEFORE else pattern.search(source)
        if found is None:
            continue
        word = found[0].rstrip(".")
        if word.upper() in CURRENCIES:
            if word.upper() != currency:
                raise Refused("bad_amount", f"is in {word.upper()}, and its currency is {currency}")
        elif currency not in _WORDS.get(word.casefold(), ()) and not (signs and currency.startswith(word[:2])):
            continue
        bare = bare.replace(found[0], "", 1).strip()
    return bare


@lru_cache(maxsize=4096)
def read_sum(text: str, currency: str, decimal_mark: str, grouping: str, minor_units: bool) -> int:
    """The minor units that `text` says, below nothing where it is. Never rounded: decimals beyond those of the currency
    are read only where they are zeros. Refuses `bad_amount`."""
    if text[:1].isdecimal() and text[-1:].isdecimal():
        sign, bare = 1, text
    else:
        sign = -1 if is_negative(text) else 1
        bare = text.replace("\u2212", "-").strip().strip("()-").strip()
        bare = _without_currency(bare, currency).strip("()-").strip()
    if minor_units:
        whole, _, zeros = bare.partition(decimal_mark)
        if not (whole.isascii() and whole.isdecimal()) or zeros.strip("0"):
            raise Refused("bad_amount", "is not a whole number, and the map says minor_units")
        return sign * int(whole)
    for alike in (BLANKS, APOSTROPHES):
        if grouping in alike:
            for one in alike:
                bare = bare.replace(one, grouping)
    whole, dot, decimals = bare.partition(decimal_mark)
    digits = exponent(currency)
    if dot and len(decimals) > digits and decimals.isdecimal() and not decimals[digits:].strip("0"):
        if len(decimals) == 3 and not grouping and len(whole) <= 3:
            other = "," if decimal_mark == "." else "."
            way = f'say grouping = "{decimal_mark}" and decimal_mark = "{other}", or grouping = "{other}", under [file]'
            raise Refused("bad_amount", f"has decimals that can be a group of thousands; {way}")
        bare = whole + (dot + decimals[:digits] if digits else "")
    try:
        return sign * parse_amount(bare, currency, decimal_mark=decimal_mark, grouping=grouping)
    except Refused as refusal:
        reason = refusal.message.removeprefix(f"{bare if len(bare) <= 40 else bare[:40] + '...'!a} ")
        raise Refused("bad_amount", reason if reason != refusal.message else refusal.message) from None
