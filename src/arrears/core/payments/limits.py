"""What one charge can be: the least and the most that the payment providers take of a currency, and in which steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from arrears.core.value import Value


class AmountLimits(Value, frozen=True, omit_defaults=True):
    """The minor units that one charge of a currency can have: from `minimum_minor` to `maximum_minor`, in multiples of
    `step_minor`."""

    minimum_minor: int
    maximum_minor: int
    step_minor: int = 1

    @property
    def takes_nothing(self) -> bool:
        """Whether no amount at all can be charged in this currency."""
        return self.maximum_minor < self.minimum_minor

    def takes(self, amount_minor: int) -> bool:
        """Whether exactly this can be one charge."""
        return self.minimum_minor <= amount_minor <= self.maximum_minor and amount_minor % self.step_minor == 0

    def charge_of(self, owed_minor: int) -> int:
        """The most of a sum that can be taken at once; 0 where nothing can. What is left is nothing, or can be taken
        too, unless it is smaller than a step."""
        payable = owed_minor - owed_minor % self.step_minor
        if payable < self.minimum_minor:
            return 0
        if payable <= self.maximum_minor:
            return payable
        most = min(self.maximum_minor, payable - self.minimum_minor)
        return most - most % self.step_minor


TAKES_NOTHING: Final = AmountLimits(minimum_minor=1, maximum_minor=0)
"""The limits of a currency that a provider does not take."""

LimitsByCurrency = Mapping[str, AmountLimits]


def charge_of(limits: LimitsByCurrency, currency: str, owed_minor: int) -> int:
    """The most of a sum that can be taken at once: all of it where no limit is known."""
    known = limits.get(currency)
    return owed_minor if known is None else known.charge_of(owed_minor)


def strictest(every: Iterable[LimitsByCurrency]) -> dict[str, AmountLimits]:
    """The limits of several providers as one: what each of them takes. A currency that only some of them take at all
    has the limits of those."""
    found: dict[str, AmountLimits] = {}
    for limits in every:
        for currency, one in limits.items():
            was = found.get(currency, one)
            if one.takes_nothing or was.takes_nothing:
                found[currency] = was if one.takes_nothing else one
                continue
            found[currency] = AmountLimits(
                minimum_minor=max(was.minimum_minor, one.minimum_minor),
                maximum_minor=min(was.maximum_minor, one.maximum_minor),
                step_minor=max(was.step_minor, one.step_minor),
            )
    return dict(sorted(found.items()))
