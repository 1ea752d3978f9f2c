"""Pages on which a payment method is set up, and what it is to pay the moment it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

SetupState = Literal["open", "settling", "done", "failed"]


class SetupPage(NamedTuple):
    """One page. `shown` is the quote hash of each currency that the person saw and agreed to pay with the new method
    (none: it is only added), `also` the invoices not due yet among them. `attempts` are what came of it; `why` is the
    code of what stood in the way, such as `stale_quote` or `setup_failed`."""

    number: int
    account: int
    author: str
    provider: str
    ref: str
    url: str
    shown: Mapping[str, str]
    also: tuple[int, ...]
    state: SetupState
    why: str
    method: int
    attempts: tuple[int, ...]
    started_at: datetime


class SetupBook(Protocol):
    """The pages on which payment methods are set up, as rows. Each method is one transaction."""

    def begin_setup(
        self, account: int, author: str, provider: str, shown: Mapping[str, str], also: Sequence[int], now: datetime
    ) -> int:
        """Note that a person asked for a page, before the provider is asked for it; its number."""

    def record_setup_page(self, number: int, ref: str, url: str) -> None:
        """Note what the provider calls the page that it has made, and where it is."""

    def setup(self, number: int) -> SetupPage | None:
        """The page with this number."""

    def setup_at(self, provider: str, ref: str) -> SetupPage | None:
        """The page by what its provider calls it; None for one that is not ours."""

    def claim_setup(self, number: int, now: datetime, stuck_before: datetime) -> bool:
        """Take a page in order to finish it: one that is open, or that somebody took before `stuck_before` and has not
        finished. False if somebody else has it."""

    def end_setup(self, number: int, state: SetupState, method: int, attempts: Sequence[int], why: str) -> None:
        """Record what came of a page that was taken; the state `open` gives it back."""

    def stuck_setups(self, before: datetime, limit: int) -> Sequence[int]:
        """Up to `limit` pages that somebody took before then and has not finished."""
