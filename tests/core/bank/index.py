"""A debt index in memory, for tests and the bench of matching."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from arrears.core.bank.matching import BY_AMOUNT_MAX, OpenItem
from arrears.core.bank.references import folded, slips_of


class IndexInMemory:
    """See DebtIndex."""

    def __init__(
        self,
        items: Iterable[OpenItem],
        payers: Mapping[str, Sequence[int]] | None = None,
        names: Mapping[int, str] | None = None,
    ) -> None:
        self._numbered: dict[str, list[OpenItem]] = defaultdict(list)
        self._ending: dict[str, list[OpenItem]] = defaultdict(list)
        self._open_of: dict[int, list[OpenItem]] = defaultdict(list)
        self._asking: dict[tuple[int, str], list[OpenItem]] = defaultdict(list)
        self._payers, self._names = payers or {}, names or {}
        for item in items:
            key = folded(item.number)
            self._numbered[key].append(item)
            if not item.open_minor:
                continue
            digits = re.findall(r"[0-9]+", key)
            if digits:
                self._ending[digits[-1].lstrip("0")].append(item)
            self._open_of[item.account].append(item)
            self._asking[item.open_minor, item.currency].append(item)

    def numbered(self, keys: Iterable[str]) -> Mapping[str, Sequence[OpenItem]]:
        return {key: self._numbered[key] for key in keys if key in self._numbered}

    def nearly(self, key: str) -> Sequence[OpenItem]:
        return [item for slip in slips_of(key) for item in self._numbered.get(slip, ())]

    def ending(self, digits: str) -> Sequence[OpenItem]:
        return self._ending.get(digits, ())

    def open_of(self, account: int) -> Sequence[OpenItem]:
        return self._open_of.get(account, ())

    def payers(self, iban: str) -> Sequence[int]:
        return self._payers.get(iban, ())

    def asking(self, minor: int, currency: str) -> Sequence[OpenItem]:
        return self._asking.get((minor, currency), ())[: BY_AMOUNT_MAX * 3]

    def name_of(self, account: int) -> str:
        return self._names.get(account, "")
