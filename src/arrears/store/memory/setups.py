"""Pages on which a method is set up, in memory (see ports.setups)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from arrears.ports.setups import SetupPage, SetupState


class MemorySetups:
    """See ports.SetupBook."""

    def __init__(self) -> None:
        self.setup_pages: dict[int, SetupPage] = {}
        self.setup_claims: dict[int, datetime] = {}

    def begin_setup(
        self, account: int, author: str, provider: str, shown: Mapping[str, str], also: Sequence[int], now: datetime
    ) -> int:
        """See ports.SetupBook."""
        number = len(self.setup_pages) + 1
        self.setup_pages[number] = SetupPage(
            number, account, author, provider, "", "", dict(shown), tuple(also), "open", "", 0, (), now
        )
        return number

    def record_setup_page(self, number: int, ref: str, url: str) -> None:
        """See ports.SetupBook."""
        self.setup_pages[number] = self.setup_pages[number]._replace(ref=ref, url=url)

    def setup(self, number: int) -> SetupPage | None:
        """See ports.SetupBook."""
        return self.setup_pages.get(number)

    def setup_at(self, provider: str, ref: str) -> SetupPage | None:
        """See ports.SetupBook."""
        return next((p for p in self.setup_pages.values() if (p.provider, p.ref) == (provider, ref)), None)

    def claim_setup(self, number: int, now: datetime, stuck_before: datetime) -> bool:
        """See ports.SetupBook."""
        page = self.setup_pages[number]
        if page.state != "open" and not (page.state == "settling" and self.setup_claims[number] < stuck_before):
            return False
        self.setup_pages[number] = page._replace(state="settling")
        self.setup_claims[number] = now
        return True

    def end_setup(self, number: int, state: SetupState, method: int, attempts: Sequence[int], why: str) -> None:
        """See ports.SetupBook."""
        self.setup_pages[number] = self.setup_pages[number]._replace(
            state=state, method=method, attempts=tuple(attempts), why=why
        )

    def stuck_setups(self, before: datetime, limit: int) -> Sequence[int]:
        """See ports.SetupBook."""
        stuck = [n for n, p in self.setup_pages.items() if p.state == "settling" and self.setup_claims[n] < before]
        return sorted(stuck, key=lambda n: self.setup_claims[n])[:limit]
