"""What every decision must know of the whole installation, whatever account it is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from arrears.core.account import DoubtKind, Mode
from arrears.core.payments.limits import AmountLimits


class Guards(msgspec.Struct, frozen=True):
    """What every decision must know of the whole installation: its doubts, and what can be charged."""

    feed_stale: bool = False
    clock_suspect: bool = False
    breaker_open: bool = False
    limits: Mapping[str, AmountLimits] = {}
    """What the payment providers take in one charge, by currency. No doubt: known, or without limit."""

    identity: str = ""
    """Who this installation is to them: a part of the key of each charge."""

    copied_at: datetime | None = None
    """When this became an installation of its own, where it began as a copy: what is older belongs to the other."""

    book_refused: bool = False
    """Whether the newest export of the book was refused as a whole: it may say of anybody that they have paid, and of
    the operator that it has charged them. A stale feed too; nothing is charged by ourselves meanwhile (decision 32)."""

    bank_stale: bool = False
    """Whether a statement of the bank is missing, old or was set aside: somebody may have paid by transfer."""

    @property
    def doubts(self) -> tuple[DoubtKind, ...]:
        """The system doubts that stand for somebody, in a fixed order."""
        return self.doubts_of(Mode.INVOICE)

    def doubts_of(self, mode: Mode) -> tuple[DoubtKind, ...]:
        """Those that stand for accounts which pay in this way, in a fixed order: who pays by card does not wait for
        what the bank says (spec, section 6)."""
        stand = (self.feed_stale, self.bank_stale and mode is Mode.INVOICE, self.clock_suspect, self.breaker_open)
        if not any(stand):
            return ()
        return tuple([kind for kind, stands in zip(_OF_THE_SYSTEM, stand, strict=True) if stands])


_OF_THE_SYSTEM = (DoubtKind.FEED, DoubtKind.BANK, DoubtKind.CLOCK, DoubtKind.BREAKER)
