"""How banks and their accounts are called: IBAN, BIC, sort code, routing number, each with what can be checked of it.

Each function returns the text in its own form, without spaces, or raises ValueError with the reason as a clause.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

IBAN_CHARACTERS: Final[Mapping[str, int]] = {
    code: count
    for count, codes in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for code in codes.split()
}
"""How long an IBAN of each country is (ISO 13616, the registry of SWIFT)."""

_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC: Final = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_ROUTING_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7, 1)
SWISS: Final = ("CH", "LI")
"""Where an account can be the creditor's of a Swiss QR-bill."""


def grouped(text: str) -> str:
    """In groups of four, as people read and type it."""
    compact = "".join(text.split())
    return " ".join(compact[place : place + 4] for place in range(0, len(compact), 4))


def iban_of(given: str) -> str:
    """An IBAN (ISO 13616): the length that its country has, and 97 divides it with one left over."""
    text = re.sub(r"[ \u00a0]", "", given).upper()
    if not _IBAN.fullmatch(text) or IBAN_CHARACTERS.get(text[:2], len(text)) != len(text):
        raise ValueError("which is no IBAN; write it like NL91 ABNA 0417 1643 00")
    if int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 != 1:
        raise ValueError("in which a character is wrong: compare it with the bank's")
    return text


def is_qr_iban(iban: str) -> bool:
    """Whether a Swiss IBAN is one that takes Swiss QR references alone: its bank's number is 30000 to 31999."""
    return iban[:2] in SWISS and "30000" <= iban[4:9] <= "31999"


def bic_of(given: str) -> str:
    """A BIC (ISO 9362): bank, country and place, with a branch or without."""
    text = given.replace(" ", "").upper()
    if not text.isascii() or not _BIC.fullmatch(text):
        raise ValueError("which is no BIC; it has 8 or 11 characters, like ABNANL2A")
    return text


def sort_code_of(given: str) -> str:
    """A British sort code: six digits, written 12-34-56."""
    digits = given.replace("-", "").replace(" ", "")
    if not re.fullmatch("[0-9]{6}", digits):
        raise ValueError("which is no sort code; it has six digits, like 12-34-56")
    return f"{digits[:2]}-{digits[2:4]}-{digits[4:]}"


def routing_number_of(given: str) -> str:
    """A routing number of an American bank (ABA): nine digits, the last of which checks the others."""
    digits = given.replace(" ", "").replace("-", "")
    if not re.fullmatch("[0-9]{9}", digits):
        raise ValueError("which is no routing number; it has nine digits")
    if sum(int(digit) * weight for digit, weight in zip(digits, _ROUTING_WEIGHTS, strict=True)) % 10:
        raise ValueError("in which a digit is wrong: compare it with the bank's")
    return digits


def account_number_of(given: str) -> str:
    """An account's number where there is no IBAN: 4 to 17 digits, with zeros in front."""
    digits = given.replace(" ", "").replace("-", "")
    if not re.fullmatch("[0-9]{4,17}", digits):
        raise ValueError("which is no account number; it has 4 to 17 digits")
    return digits
