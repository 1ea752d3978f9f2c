"""Facts about promises to pay and instalments."""

from __future__ import annotations

from arrears.core.arrangements import Arrangement
from arrears.core.facts.base import Fact
from arrears.core.facts.reported import Voided


class ArrangementMade(Fact, frozen=True, tag="arrangement_made"):
    """Staff and a customer have agreed when what is past due will be paid. The ladder stands still for its invoices up
    to its next day, by holds of its own."""

    arrangement: Arrangement


class ArrangementKept(Fact, frozen=True, tag="arrangement_kept"):
    """So many of its parts are done; after the last one it is over."""

    arrangement: int
    kept: int


class ArrangementEnded(Fact, frozen=True, tag="arrangement_ended"):
    """It is over before everything is paid: `broken`, because a day of it passed, else because staff have ended it.
    `voided` are the warnings that no longer count, so that nothing happens without a new one."""

    arrangement: int
    broken: bool = False
    voided: tuple[Voided, ...] = ()
