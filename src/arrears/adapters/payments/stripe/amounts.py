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
from arrears.core.payments.limits import TAKES_NOTHING, AmountLimits
from arrears.core.value import Value


class _File(Value, frozen=True, forbid_unknown_fields=True):
    as_of: date
    source: str
    no_decimals: list[str]
    three_decimals: list[str]
    not_taken: list[str]
    maximum: int
    maximum_of: dict[str, int]
    minimum_of: dict[str, int]
    step_of: dict[str, int]

    def decimals(self, currency: str) -> int:
        return 0 if currency in self.no_decimals else 3 if currency in self.three_decimals else 2


@lru_cache(maxsize=1)
def _file() -> _File:
    text = (resources.files(__package__) / "amounts.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


@lru_cache(maxsize=512)
def _units(currency: str) -> tuple[int, int]:
    """How many of Stripe's units so many of our minor units are: (100, 1) where Stripe has two decimals more. What
    neither of us knows is counted alike, and is never charged."""
    if currency not in CURRENCIES:
        return 1, 1
    more = _file().decimals(currency) - exponent(currency)
    return 10 ** max(0, more), 10 ** max(0, -more)


def to_stripe(amount_minor: int, currency: str) -> int:
    """Our minor units (ISO 4217) in Stripe's. Refuses `provider_refused` where Stripe has no unit so small."""
    theirs, ours = _units(currency)
    whole, rest = divmod(amount_minor * theirs, ours)
    if rest:
        raise Refused("provider_refused", f"Stripe takes {currency} in steps of {ours} minor units, not {amount_minor}")
    return whole


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's units in our minor units. Less than one of ours counts as one: Stripe refuses such amounts (of ISK since
    14 April 2023), so nothing of ours can be one."""
    theirs, ours = _units(currency)
    return -(-amount * ours // theirs)


@lru_cache(maxsize=1)
def amount_limits() -> Mapping[str, AmountLimits]:
    """The limits of every currency, in our minor units. The least of a currency without a minimum of its own is one
    step; of one that Stripe does not take, nothing can be charged."""
    return {currency: _limits_of(currency) for currency in sorted(CURRENCIES)}


def _limits_of(currency: str) -> AmountLimits:
    file = _file()
    if currency in file.not_taken:
        return TAKES_NOTHING
    theirs, ours = _units(currency)
    step = file.step_of.get(currency, 1) * ours
    return AmountLimits(
        minimum_minor=-(-file.minimum_of.get(currency, 0) * ours // theirs) or step,
        maximum_minor=file.maximum_of.get(currency, file.maximum) * ours // theirs,
        step_minor=step,
    )


def check_amount(amount_minor: int, currency: str) -> None:
    """Refuse `provider_refused` where Stripe could not take exactly this amount; `unknown_currency`."""
    exponent(currency)
    limits = amount_limits()[currency]
    if limits.takes_nothing:
        raise Refused("provider_refused", f"Stripe does not take {currency}")
    if amount_minor % limits.step_minor:
        steps = f"steps of {limits.step_minor} minor units"
        raise Refused("provider_refused", f"Stripe takes {currency} in {steps}, not {amount_minor}")
    if not limits.takes(amount_minor):
        least = format_amount(limits.minimum_minor, currency)
        most = format_amount(limits.maximum_minor, currency)
        raise Refused(
            "provider_refused", f"Stripe takes from {least} to {most} at once, not {amount_minor} minor units"
        )
