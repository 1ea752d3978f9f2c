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


class Setups(Protocol):
    """Pages as rows; each method is one transaction."""

    def begin_setup(
        self, account: int, author: str, provider: str, shown: Mapping[str, str], also: Sequence[int], now: datetime
    ) -> int:
        """Note that a person goes to a page; its number."""

    def opened_setup(self, number: int, ref: str, url: str) -> None:
        """The provider has made the page."""

    def setup(self, number: int) -> SetupPage | None:
        """One page."""

    def setup_at(self, provider: str, ref: str) -> SetupPage | None:
        """The page that a provider calls so; None for one that is not ours."""

    def claim_setup(self, number: int, now: datetime, stuck_before: datetime) -> bool:
        """Take a page that is open, or that whoever took it before then has not finished; False if it is taken."""

    def end_setup(self, number: int, state: SetupState, method: int, attempts: Sequence[int], why: str) -> None:
        """What came of it; `open` gives it back."""

    def stuck_setups(self, before: datetime, limit: int) -> Sequence[int]:
        """Pages that somebody took before then and has not finished."""
