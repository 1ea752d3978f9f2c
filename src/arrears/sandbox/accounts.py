"""The test bank accounts, whose debits settle, fail or come back days after they were asked for; and every instrument
by its name.

What the banks say are the schemes' own words: SEPA AM04 and MD06, ACH R01, R02 and R10, Bacs 0 (refer to payer).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from arrears.sandbox.cards import CARDS, Card

DAY_SECONDS: Final = 86_400


class Failure(NamedTuple):
    """A bank's no: Stripe's failure code, and the scheme's own code where it has one."""

    code: str
    network_code: str = ""


class BankAccount(NamedTuple):
    """One test account of `kind` (Stripe's type). `failure`: the debit never settles. `returned`: it settles and comes
    back later. `branch` is the routing number, the sort code or the bank code."""

    name: str
    kind: str
    number: str
    branch: str
    country: str
    bank: str
    words: str
    failure: Failure | None = None
    returned: Failure | None = None


class Scheme(NamedTuple):
    """How the debits of one kind run, in seconds of sandbox time; `disputed` is what the bank says when the payer has
    asked for the money back."""

    currency: str
    settles_seconds: int
    returns_seconds: int
    disputed: Failure


SCHEMES: Final = {
    "sepa_debit": Scheme("eur", 5 * DAY_SECONDS, 9 * DAY_SECONDS, Failure("debit_not_authorized", "MD06")),
    "us_bank_account": Scheme("usd", 4 * DAY_SECONDS, 2 * DAY_SECONDS, Failure("debit_not_authorized", "R10")),
    "bacs_debit": Scheme("gbp", 4 * DAY_SECONDS, 7 * DAY_SECONDS, Failure("debit_not_authorized")),
}

_EMPTY: Final = {
    "sepa_debit": Failure("insufficient_funds", "AM04"),
    "us_bank_account": Failure("insufficient_funds", "R01"),
    "bacs_debit": Failure("insufficient_funds", "0"),
}
_SEPA: Final = ("19043", "AT", "Testbank")
_ACH: Final = ("110000000", "US", "STRIPE TEST BANK")
_BACS: Final = ("108800", "GB", "Test Bank")

ACCOUNTS: Final[tuple[BankAccount, ...]] = (
    BankAccount("sepa", "sepa_debit", "AT611904300234573201", *_SEPA, "Euro account that pays after days"),
    BankAccount(
        "sepa_empty",
        "sepa_debit",
        "AT981904300002222227",
        *_SEPA,
        "Euro account without enough money",
        failure=_EMPTY["sepa_debit"],
    ),
    BankAccount(
        "sepa_returned",
        "sepa_debit",
        "AT591904300235473203",
        *_SEPA,
        "Euro account whose bank takes the money back later",
        returned=_EMPTY["sepa_debit"],
    ),
    BankAccount("ach", "us_bank_account", "000123456789", *_ACH, "Dollar account that pays after days"),
    BankAccount(
        "ach_empty",
        "us_bank_account",
        "000222222227",
        *_ACH,
        "Dollar account without enough money",
        failure=_EMPTY["us_bank_account"],
    ),
    BankAccount(
        "ach_closed",
        "us_bank_account",
        "000111111113",
        *_ACH,
        "Dollar account that has been closed",
        failure=Failure("account_closed", "R02"),
    ),
    BankAccount(
        "ach_returned",
        "us_bank_account",
        "000000000009",
        *_ACH,
        "Dollar account whose bank takes the money back later",
        returned=_EMPTY["us_bank_account"],
    ),
    BankAccount("bacs", "bacs_debit", "00012345", *_BACS, "Sterling account that pays after days"),
    BankAccount(
        "bacs_empty",
        "bacs_debit",
        "22222227",
        *_BACS,
        "Sterling account without enough money",
        failure=_EMPTY["bacs_debit"],
    ),
    BankAccount(
        "bacs_returned",
        "bacs_debit",
        "33333335",
        *_BACS,
        "Sterling account whose bank takes the money back later",
        returned=_EMPTY["bacs_debit"],
    ),
)

Instrument = Card | BankAccount
_ALL: Final[list[Instrument]] = [*CARDS, *ACCOUNTS]
INSTRUMENTS: Final = {one.name: one for one in _ALL}
KINDS: Final = ("card", *SCHEMES)
"""The types of payment method that exist here, by Stripe's names."""


def offered(types: tuple[str, ...], currency: str = "") -> list[Instrument]:
    """What a page of these types shows; with a currency, only what can pay in it."""
    return [
        one
        for one in INSTRUMENTS.values()
        if one.kind in types and (one.kind == "card" or currency in ("", SCHEMES[one.kind].currency))
    ]
