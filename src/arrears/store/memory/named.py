"""The payment methods that books name, in memory (see ports.NamedMethodBook)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from arrears.core.receivables import NamedMethod
from arrears.ports import MethodRecord
from arrears.ports.payments import MethodAnswer, WaitingMethod


class MemoryNamedMethods:
    """See ports.NamedMethodBook."""

    method_rows: dict[int, dict[int, MethodRecord]]

    def __init__(self) -> None:
        self.named: dict[int, tuple[NamedMethod, datetime]] = {}
        self.answers: dict[int, tuple[MethodAnswer, str]] = {}

    def name_method(self, account: int, method: NamedMethod | None, now: datetime) -> None:
        """A book says so; the same again is no news, another one is asked for anew."""
        if method is not None and (account not in self.named or self.named[account][0] != method):
            self.named[account] = method, now
            self.answers[account] = "waiting", ""

    def waiting_methods(self, providers: Sequence[str], limit: int) -> Sequence[WaitingMethod]:
        """See ports.NamedMethodBook."""
        waiting = [a for a in sorted(self.named) if self.answers[a][0] == "waiting"]
        waiting = [a for a in waiting if self.named[a][0].at_provider in providers]
        return [WaitingMethod(a, *self.named[a], self._also(a, self.named[a][0])) for a in waiting[:limit]]

    def _also(self, account: int, method: NamedMethod) -> Sequence[int]:
        wanted = method.at_provider, method.ref
        naming = {a for a, (m, _) in self.named.items() if (m.at_provider, m.ref) == wanted}
        having = {a for a, rows in self.method_rows.items() for m in rows.values() if (m.at_provider, m.ref) == wanted}
        return sorted((naming | having) - {account})

    def answer_method(self, account: int, method: NamedMethod, answer: MethodAnswer, why: str) -> None:
        """See ports.NamedMethodBook."""
        if account in self.named and self.named[account][0] == method:
            self.answers[account] = answer, why

    def refused_methods(self, accounts: Sequence[int]) -> Mapping[int, str]:
        """See ports.NamedMethodBook."""
        return {a: self.answers[a][1] for a in accounts if a in self.answers and self.answers[a][0] == "refused"}

    def named_methods(self) -> Mapping[tuple[str, MethodAnswer], int]:
        """See ports.NamedMethodBook."""
        return dict(
            sorted(Counter((self.named[a][0].at_provider, answer) for a, (answer, _) in self.answers.items()).items())
        )
