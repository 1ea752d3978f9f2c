"""A promise to pay, and instalments: what staff have agreed with a customer about what is past due.

Both are one thing: invoices of one currency, and days on which parts of what is open of them are due. A promise to pay
has one part, instalments several. While it is kept the ladder stands still for its invoices; what is broken goes on
where it had stopped.
"""

from __future__ import annotations

from datetime import date

from arrears.core.value import Value


class Instalment(Value, frozen=True, omit_defaults=True):
    """So many minor units, due at the end of a local day."""

    on: date
    minor: int


class Arrangement(Value, frozen=True, omit_defaults=True):
    """One of them. `debts` are the numbers of its invoices, `parts` their days in order, together what was open of the
    invoices when it was made; `kept` counts those that are done. `collects`: the customer has agreed that each part is
    charged on its day."""

    no: int
    debts: tuple[int, ...]
    currency: str
    parts: tuple[Instalment, ...]
    kept: int = 0
    collects: bool = False

    @property
    def next(self) -> Instalment:
        """The part that is due next."""
        return self.parts[self.kept]

    def rest_minor(self, kept: int) -> int:
        """How much may still be open when so many parts are done, in minor units."""
        return sum(part.minor for part in self.parts[kept:])

    def later_minor(self, on: date) -> int:
        """How much of it is due only after this local day, in minor units."""
        return sum(part.minor for part in self.parts if part.on > on)
