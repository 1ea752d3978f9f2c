"""Who asks for money on an invoice, and to which bank account it is sent: the operator's own, as their file says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from arrears.core.bank import bank_codes
from arrears.core.bank.bank_codes import SWISS
from arrears.core.errors import Refused
from arrears.core.money import exponent
from arrears.core.row_fields import CHECKS, quoted, text_wrong

EUROPE: Final = (
    *("AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT"),
    *("NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "IS", "LI", "NO"),
)
"""The European Economic Area, where an invoice that a program can read is EN 16931."""


class Seller(msgspec.Struct, frozen=True):
    """Who asks: name and address by its parts, `country` two capital letters, `tax_number` as papers show it (a VAT
    number), `register` a line more, such as the trade register's."""

    name: str
    street: str
    postcode: str
    city: str
    country: str
    tax_number: str = ""
    register: str = ""
    email: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The address as it is written on paper, without name and country."""
        return (self.street, f"{self.postcode}  {self.city}".strip())


class ReceivingAccount(msgspec.Struct, frozen=True):
    """Where money of one currency goes, from the countries named, or from every country where none is. `iban`, `bic`,
    codes and numbers are in their own form (bank_codes)."""

    currency: str
    beneficiary: str
    countries: tuple[str, ...] = ()
    iban: str = ""
    bic: str = ""
    bank: str = ""
    account_number: str = ""
    sort_code: str = ""
    routing_number: str = ""
    wire_routing_number: str = ""

    @property
    def is_swiss(self) -> bool:
        """Whether it can be paid with a Swiss QR-bill."""
        return self.iban[:2] in SWISS and self.currency in ("CHF", "EUR")


class Invoicing(msgspec.Struct, frozen=True):
    """What invoices say of the operator."""

    seller: Seller | None = None
    accounts: tuple[ReceivingAccount, ...] = ()

    def account_for(self, currency: str, country: str) -> ReceivingAccount | None:
        """Where a customer of this country pays this currency: to an account for the country, else to one for every
        country; None where there is none, for money that goes astray is worse than a question."""
        fitting = [one for one in self.accounts if one.currency == currency]
        theirs = [one for one in fitting if country in one.countries]
        return next(iter([*theirs, *(one for one in fitting if not one.countries)]), None)


_SELLER: Final = ("name", "street", "postcode", "city", "country", "tax_number", "register", "email")
_NEEDED: Final = ("name", "street", "city", "country")
_CODES: Final = {
    "iban": bank_codes.iban_of,
    "bic": bank_codes.bic_of,
    "sort_code": bank_codes.sort_code_of,
    "routing_number": bank_codes.routing_number_of,
    "wire_routing_number": bank_codes.routing_number_of,
    "account_number": bank_codes.account_number_of,
}
_ACCOUNT: Final = ("currency", "countries", "beneficiary", "bank", *_CODES)


def invoicing_of(tables: Mapping[str, Any]) -> Invoicing:
    """What the tables of the operator's file say. Raises ValueError with the first thing that is wrong: where it
    stands, what is wrong, and what to do."""
    _known("", tables, ("seller", "account"))
    if "seller" not in tables:
        raise ValueError("has no [seller]: say who asks")
    seller = _seller(tables["seller"])
    listed = tables.get("account", [])
    if not isinstance(listed, list):
        raise ValueError("has [account] once; each bank account is a table of its own, written [[account]]")
    accounts = tuple(_account(f"account {place}", one, seller.name) for place, one in enumerate(listed, 1))
    _refuse_doubt(accounts)
    return Invoicing(seller, accounts)


def _seller(table: Any) -> Seller:
    if not isinstance(table, dict):
        raise ValueError("has seller as a value; it is a table: [seller]")
    _known("seller", table, _SELLER)
    said = {name: _text(f"seller {name}", table[name]) for name in _SELLER if name in table}
    for name in _NEEDED:
        if not said.get(name):
            raise ValueError(f"seller {name} is missing")
    _checked("seller country", "country", said["country"])
    if said.get("email"):
        _checked("seller email", "email", said["email"])
    return Seller(**{"postcode": "", **said})


def _account(where: str, table: Any, seller: str) -> ReceivingAccount:
    if not isinstance(table, dict):
        raise ValueError(f"{where} is no table; write [[account]]")
    _known(where, table, _ACCOUNT)
    said = {name: _text(f"{where}: {name}", table[name]) for name in _ACCOUNT if name in table and name != "countries"}
    try:
        exponent(said.get("currency", ""))
    except Refused as refused:
        raise ValueError(f"{where}: currency: {refused.message}") from None
    for name, read in _CODES.items():
        if said.get(name):
            try:
                said[name] = read(said[name])
            except ValueError as error:
                raise ValueError(f"{where}: {name} is {quoted(said[name])}, {error}") from None
    countries = table.get("countries", [])
    if not isinstance(countries, list):
        raise ValueError(f'{where}: countries is a list, like ["NL", "BE"]')
    named = tuple(_checked(f"{where}: countries", "country", _text(f"{where}: countries", one)) for one in countries)
    account = ReceivingAccount(countries=named, **{"beneficiary": seller, **said})
    if reason := _incomplete(account):
        raise ValueError(f"{where}: {reason}")
    return account


def _incomplete(account: ReceivingAccount) -> str:
    if bank_codes.is_qr_iban(account.iban):
        return "iban is a QR-IBAN, which takes no RF reference; give the ordinary IBAN of the same account"
    if account.iban:
        return ""
    if not account.account_number:
        return "has neither iban nor account_number; give one of them"
    if not (account.sort_code or account.routing_number or account.wire_routing_number or account.bic):
        return "account_number says no bank: give sort_code, routing_number or bic too"
    return ""


def _refuse_doubt(accounts: Sequence[ReceivingAccount]) -> None:
    """Two accounts for the same currency and country: which of them is meant would be a guess."""
    taken: set[tuple[str, str]] = set()
    for place, account in enumerate(accounts, 1):
        for country in account.countries or ("",):
            if (account.currency, country) in taken:
                whose = f"from {country}" if country else "from every country"
                raise ValueError(f"account {place}: is the second for {account.currency} {whose}; keep one of them")
            taken.add((account.currency, country))


def _known(where: str, table: Mapping[str, Any], names: Sequence[str]) -> None:
    for key in table:
        if key not in names:
            raise ValueError(f"{where + ': ' if where else ''}{quoted(str(key))} is unknown; known: {', '.join(names)}")


def _text(where: str, found: Any) -> str:
    if not isinstance(found, str):
        raise ValueError(f"{where} is {quoted(str(found))}; write it between quotes")
    if reason := text_wrong(found):
        raise ValueError(f"{where}: {quoted(found)} {reason}")
    return found.strip()


def _checked(where: str, field: str, text: str) -> str:
    if reason := CHECKS[field](text):
        raise ValueError(f"{where}: {quoted(text)} {reason}")
    return text
