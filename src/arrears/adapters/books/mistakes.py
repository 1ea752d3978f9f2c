"""The mistakes of a file: one line for each bad row, the first of them in full and then a count."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from arrears.core.errors import Refused

MISTAKE_LINES_MAX: Final = 50
ROWS_OF_ACCOUNTS_MAX: Final = 10_000
"""So many bad rows are kept by their accounts."""


class Mistakes:
    """What is wrong so far. `rows` has the number of every bad row."""

    def __init__(self) -> None:
        self.rows: set[int] = set()
        self.unowned = 0
        """A bad row of which nobody can say whose it is; 0 where there is none."""
        self._shown: dict[int, list[str]] = {}
        self._latest: list[int] = []
        self._by_ref: dict[str, dict[int, list[str]]] = defaultdict(dict)
        self._kept = 0

    def add(self, row: int, ref: str, reasons: Sequence[str]) -> None:
        """Keep what is wrong with a row of this customer; an empty `ref` where it is not known whose the row is."""
        if not reasons:
            return
        if not ref:
            self.unowned = self.unowned or row
        elif row in self._by_ref[ref] or self._kept < ROWS_OF_ACCOUNTS_MAX:
            self._kept += row not in self._by_ref[ref]
            self._by_ref[ref].setdefault(row, []).extend(reasons)
        if row not in self.rows:
            self.rows.add(row)
            self._shown[row] = []
            heapq.heappush(self._latest, -row)
            if len(self._shown) > MISTAKE_LINES_MAX:
                del self._shown[-heapq.heappop(self._latest)]
        if row in self._shown:
            self._shown[row].extend(reasons)

    def also(self, row: int, ref: str, reason: str) -> None:
        """A row that another one contradicts: where accounts are taken one by one, this customer's are left too."""
        self._by_ref[ref].setdefault(row, []).append(reason)

    @property
    def by_account(self) -> dict[str, dict[int, str]]:
        """The reasons of each customer's bad rows, a row in one line."""
        return {ref: {row: "; ".join(reasons) for row, reasons in rows.items()} for ref, rows in self._by_ref.items()}

    def is_wrong(self, ref: str) -> bool:
        """Whether any row of this customer is."""
        return ref in self._by_ref

    def refuse_if_any(self) -> None:
        """Raises Refused `bad_book` with the lines of the first bad rows, in the order of the file."""
        lines = [f"row {row}, {'; '.join(reasons)}" for row, reasons in sorted(self._shown.items())]
        if len(self.rows) > len(lines):
            lines.append(f"and {len(self.rows) - len(lines)} more")
        if lines:
            raise Refused("bad_book", "\n".join(lines))
