"""What Stripe takes in one charge of a currency: `amounts.toml`, dated and with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib import resources

import msgspec

from arrears.core.errors import Refused
from arrears.core.money import CURRENCIES, exponent, format_amount
from arrears.core.payments.limits import AmountLimits
from arrears.core.value import Value

# docs.stripe.com/currencies: how many decimals the API's amounts have, for charges. ISK and UGX have none in the
# world but two there, MGA none there but two in ISO 4217: those are refused, because one wrong table anywhere
# between us and the card would be wrong by a hundred. HUF and TWD have no decimals in payouts only.
_NO_DECIMALS = ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
_THREE_DECIMALS = ["BHD", "JOD", "KWD", "OMR", "TND"]


class _File(Value, frozen=True, forbid_unknown_fields=True):
    as_of: date
    source: str
    maximum: int
    maximum_of: dict[str, int]
    minimum_of: dict[str, int]
    step_of: dict[str, int]


def same_unit(currency: str) -> bool:
    """Whether Stripe counts this currency (ours, upper case) in the same minor units as we do."""
    theirs = 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    return currency in CURRENCIES and exponent(currency) == theirs


@lru_cache(maxsize=1)
def amount_limits() -> Mapping[str, AmountLimits]:
    """The limits of every currency that can be charged, in our minor units. The least of a currency without a minimum
    of its own is one step."""
    text = (resources.files(__package__) / "amounts.toml").read_text(encoding="utf-8")
    file = msgspec.convert(tomllib.loads(text), _File)
    return {
        currency: AmountLimits(
            minimum_minor=file.minimum_of.get(currency, file.step_of.get(currency, 1)),
            maximum_minor=file.maximum_of.get(currency, file.maximum),
            step_minor=file.step_of.get(currency, 1),
        )
        for currency in sorted(CURRENCIES)
        if same_unit(currency)
    }


def check_amount(amount_minor: int, currency: str) -> None:
    """Refuse `provider_refused` where Stripe could not take exactly this amount; `unknown_currency`."""
    exponent(currency)
    limits = amount_limits().get(currency)
    if limits is None:
        raise Refused("provider_refused", f"Stripe counts {currency} in other units than ISO 4217; it is not supported")
    if amount_minor % limits.step_minor:
        raise Refused("provider_refused", f"Stripe takes {currency} in tens of its smallest unit, not {amount_minor}")
    if not limits.takes(amount_minor):
        least = format_amount(limits.minimum_minor, currency)
        most = format_amount(limits.maximum_minor, currency)
        raise Refused(
            "provider_refused", f"Stripe takes from {least} to {most} at once, not {amount_minor} minor units"
        )
