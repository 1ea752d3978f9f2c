"""Folding the system stream: what each fact of the installation does to its guards."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple, assert_never

from arrears.core import facts as f
from arrears.core.guards import Guards
from arrears.core.payments.limits import LimitsByCurrency

BANK: Final = "bank:"
"""How the name of a feed begins whose statements do not say everything; behind it is the bank account."""
BANK_FEED: Final = "bank feed:"
"""How the name of a feed begins of which no new statement comes."""

BACKUP: Final = "a backup that was put back"
"""The name of what may say who has paid where the database has been put back from a backup: everything that came in
between is not here, and only the outside knows of it."""


def fold_system(system: System, fact: f.SystemFact) -> System:
    """The installation's state after one more fact."""
    match fact:
        case f.ClockSuspected():
            return system._replace(clock_suspect=True)
        case f.ClockConfirmed():
            return system._replace(clock_suspect=False)
        case f.ClockDiffers(over=over):
            return system._replace(clock_differs=not over)
        case f.IdentityTaken(identity=identity, former=former, copied_at=copied_at):
            # Of two that are taken at once the first is it.
            taken = system._replace(identity=identity, copied_at=copied_at)
            return taken if former == system.identity else system
        case f.FeedSet(stale=stale):
            return system._replace(feed_stale=stale)
        case f.BookRefused(book=book, over=over):
            others = tuple(one for one in system.books_refused if one != book)
            return system._replace(books_refused=others if over else (*others, book))
        case f.LimitsSet(limits=limits):
            return system._replace(limits=limits)
        case f.BreakerSet(open=is_open):
            return system._replace(breaker_open=is_open)
        case (
            f.PolicyAdopted()
            | f.ChangeSetAside()
            | f.AccountSetAside()
            | f.MailPaused()
            | f.MailTrouble()
            | f.EndpointTrouble()
            | f.SystemTaskClosed()
        ):
            return system
        case _:
            assert_never(fact)


class System(NamedTuple):
    """The state of the whole installation."""

    last_tick_at: datetime | None
    clock_suspect: bool
    feed_stale: bool
    breaker_open: bool
    limits: LimitsByCurrency = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    clock_differs: bool = False
    """Whether our clock and a payment provider's are too far apart; ends by itself when they agree."""

    identity: str = ""
    """Who this installation is to its payment providers; empty until it has been taken."""

    copied_at: datetime | None = None
    """When this became an installation of its own, where it began as a copy: what is older belongs to the other."""

    books_refused: tuple[str, ...] = ()
    """The maps under which the newest export was refused as a whole, and the bank accounts (BANK, BANK_FEED) of which a
    statement is missing: who has paid since stands in a file that was not taken."""

    @property
    def guards(self) -> Guards:
        """What every decision must wait for."""
        bank = [book for book in self.books_refused if book.startswith((BANK, BANK_FEED))]
        refused = len(bank) < len(self.books_refused)
        stale, clock = self.feed_stale or refused, self.clock_suspect or self.clock_differs
        who = self.identity, self.copied_at
        return Guards(stale, clock, self.breaker_open, self.limits, *who, refused, bool(bank))
