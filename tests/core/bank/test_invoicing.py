"""The operator's file with who asks and the bank accounts: what is wrong is one line that says where."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import pytest

from arrears.core.bank.invoicing import invoicing_of
from arrears.core.errors import Refused
from arrears.notices.invoice_making import made_with
from arrears.notices.invoicing_file import read_invoicing

SELLER: Final = '[seller]\nname = "Example"\nstreet = "Kade 1"\ncity = "Amsterdam"\ncountry = "NL"\n'
EURO: Final = '[[account]]\ncurrency = "EUR"\niban = "nl91 abna 0417 1643 00"\n'
GOOD: Final = SELLER + EURO

WRONG: Final = {
    "nobody": (EURO, "has no [seller]: say who asks"),
    "an unknown key": (GOOD + 'bci = "ABNANL2A"', 'account 1: "bci" is unknown; known: currency'),
    "an unknown table": (GOOD + "[bank]", '"bank" is unknown; known: seller, account'),
    "one account as a table": (SELLER + '[account]\niban = "x"', "has [account] once"),
    "no street": (GOOD.replace("street", "register"), "seller street is missing"),
    "a country by name": (GOOD.replace('"NL"', '"Holland"'), 'seller country: "Holland" is not a country'),
    "a number": (GOOD.replace('"Kade 1"', "1"), 'seller street is "1"; write it between quotes'),
    "a wrong IBAN": (GOOD.replace("00", "01"), 'account 1: iban is "nl91 abna 0417 1643 01", in which a character is'),
    "a short IBAN": (GOOD.replace(" 00", ""), "account 1: iban is"),
    "a wrong BIC": (GOOD + 'bic = "ABN"', 'account 1: bic is "ABN", which is no BIC'),
    "a wrong currency": (GOOD.replace("EUR", "EUX"), "account 1: currency: "),
    "no currency": (GOOD.replace('currency = "EUR"\n', ""), "account 1: currency: "),
    "nowhere": (SELLER + '[[account]]\ncurrency = "EUR"', "account 1: has neither iban nor account_number"),
    "no bank": (SELLER + '[[account]]\ncurrency = "USD"\naccount_number = "1234"', "account 1: account_number says no"),
    "a wrong routing number": (
        SELLER + '[[account]]\ncurrency = "USD"\naccount_number = "1234"\nrouting_number = "021000022"',
        'account 1: routing_number is "021000022", in which a digit is wrong',
    ),
    "a wrong sort code": (
        SELLER + '[[account]]\ncurrency = "GBP"\naccount_number = "1234"\nsort_code = "1234"',
        "which is no sort code",
    ),
    "a QR-IBAN": (
        SELLER + '[[account]]\ncurrency = "CHF"\niban = "CH4431999123000889012"',
        "account 1: iban is a QR-IBAN",
    ),
    "two for the same": (GOOD + EURO, "account 2: is the second for EUR from every country; keep one of them"),
    "countries that are none": (GOOD + 'countries = "NL"', 'account 1: countries is a list, like ["NL", "BE"]'),
}


def test_the_examples_of_the_documentation_are_right() -> None:
    text = (Path(__file__).parents[3] / "docs" / "invoices.md").read_text("utf-8")
    found = invoicing_of(tomllib.loads(text.split("```toml\n")[1].split("```")[0]))
    assert [(a.currency, a.countries) for a in found.accounts] == [
        ("EUR", ()),
        ("EUR", ("DE", "AT")),
        ("GBP", ()),
        ("USD", ()),
        ("CHF", ()),
    ]
    assert found.accounts[0].iban == "NL91ABNA0417164300"
    assert found.accounts[0].beneficiary == "Example Hosting B.V."


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line(name: str, tmp_path: Path) -> None:
    text, said = WRONG[name]
    (tmp_path / "invoicing.toml").write_text(text, "utf-8")
    with pytest.raises(Refused) as refused:
        read_invoicing(tmp_path / "invoicing.toml")
    assert refused.value.code == "bad_invoicing"
    assert refused.value.message.startswith("ARREARS_INVOICING: invoicing.toml: ")
    assert said in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("content", [b"\xff", b"[seller"])
def test_what_is_no_toml_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(content)
    for path, said in ((tmp_path / "x.toml", "is not TOML"), (tmp_path / "none.toml", "cannot be read")):
        with pytest.raises(Refused, match=f"ARREARS_INVOICING: {path.name}: {said}"):
            read_invoicing(path)


def test_a_customer_pays_to_the_account_for_the_country_then_to_the_one_for_all() -> None:
    german = '[[account]]\ncurrency = "EUR"\ncountries = ["DE"]\niban = "DE89370400440532013000"\n'
    found = invoicing_of(tomllib.loads(GOOD + german))
    to = {country: found.account_for("EUR", country) for country in ("DE", "NL", "ZZ")}
    assert {country: one and one.iban[:2] for country, one in to.items()} == {"DE": "DE", "NL": "NL", "ZZ": "NL"}
    assert found.account_for("USD", "US") is None


def test_the_iban_of_the_settings_stands_in_for_euros_alone() -> None:
    found, _maker = made_with(None, "NL91 ABNA 0417 1643 00", "Example", "")
    account = found.account_for("EUR", "NL")
    assert account is not None
    assert (account.iban, account.beneficiary, found.account_for("USD", "NL")) == (
        "NL91ABNA0417164300",
        "Example",
        None,
    )
