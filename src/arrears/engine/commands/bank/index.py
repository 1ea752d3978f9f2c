"""What matching asks of the store, looked up once for all credits of a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from arrears.core.account import Account
from arrears.core.bank.matching import BY_AMOUNT_MAX, Credit, OpenItem, exact_keys, near_keys
from arrears.ports.bank import AccountsAndBank, StoredCredit

_ENOUGH: Final = BY_AMOUNT_MAX + 1
SNAPSHOTS_AT_ONCE: Final = 2_000
"""Accounts that are read at once: of a large file the memory for them is bounded."""


def as_credit(stored: StoredCredit) -> Credit:
    """A stored transfer as matching looks at it."""
    said = stored.transaction
    return Credit(
        stored.amount_minor, stored.currency, said.references, said.end_to_end, said.text, said.iban, said.name
    )


def open_items(account: Account) -> list[OpenItem]:
    """The open invoices of an account, the oldest due date first."""
    return [
        OpenItem(
            account.no,
            debt.no,
            debt.number,
            debt.currency,
            debt.open_minor,
            past_due=debt.day_0 is not None,
            held=account.debt_is_withheld(debt.no),
        )
        for debt in account.debts
        if not debt.ended
    ]


class StoredIndex:
    """See core.bank.matching.DebtIndex. What was not looked up ahead is looked up when it is asked for. (What is new is
    asked for key by key: a set less the keys of a large dictionary goes over all of the dictionary.)"""

    def __init__(self, store: AccountsAndBank) -> None:
        self._store = store
        self._numbered: dict[str, Sequence[OpenItem]] = {}
        self._ending: dict[str, Sequence[OpenItem]] = {}
        self._asking: dict[tuple[int, str], Sequence[OpenItem]] = {}
        self._open_of: dict[int, Sequence[OpenItem]] = {}
        self._payers: dict[str, Sequence[int]] = {}
        self._names: dict[int, str] = {}

    def look_up(self, credits: Sequence[Credit]) -> None:
        """Look at once for everything by which these credits may decide by themselves."""
        keys = {key for one in credits for key in exact_keys(one)}
        self._find(keys)
        self._find_payers({one.iban for one in credits if one.iban})
        # A payer who is known decides only where no damaged reference speaks for somebody else.
        by_payer = [one for one in credits if one.iban and self._payers[one.iban] and not self._names_any(one)]
        self._find({key for one in by_payer for key in near_keys(one)})
        named = {item.account for key in keys for item in self._numbered[key]}
        payers = {accounts[0] for accounts in self._payers.values() if len(accounts) == 1}
        self._find_open(named | payers)

    def _names_any(self, credit: Credit) -> bool:
        return any(self._numbered[key] for key in exact_keys(credit))

    def look_up_near(self, credits: Sequence[Credit]) -> None:
        """Look at once for everything by which something is suggested for these credits."""
        keys = {key for one in credits for key in exact_keys(one)}
        self._find({key for one in credits for key in near_keys(one)} | keys)
        self._find_ending({digits[-1].lstrip("0") for key in keys if (digits := re.findall("[0-9]+", key))})
        self._find_asking({(one.amount_minor, one.currency) for one in credits})
        self._find_open(
            {item.account for items in (*self._numbered.values(), *self._ending.values()) for item in items}
        )

    def as_it_is(self, account: Account) -> None:
        """This account, now under its lock, is as it stands there."""
        self._open_of[account.no] = open_items(account)

    def numbered(self, keys: Iterable[str]) -> Mapping[str, Sequence[OpenItem]]:
        """See DebtIndex."""
        wanted = set(keys)
        self._find(wanted)
        return {key: self._now(found) for key in wanted if (found := self._numbered[key])}

    def ending(self, digits: str) -> Sequence[OpenItem]:
        """See DebtIndex."""
        self._find_ending({digits})
        return self._now(self._ending[digits])

    def open_of(self, account: int) -> Sequence[OpenItem]:
        """See DebtIndex."""
        self._find_open({account})
        return self._open_of[account]

    def payers(self, iban: str) -> Sequence[int]:
        """See DebtIndex."""
        self._find_payers({iban})
        return self._payers[iban]

    def asking(self, minor: int, currency: str) -> Sequence[OpenItem]:
        """See DebtIndex."""
        self._find_asking({(minor, currency)})
        return self._asking[minor, currency]

    def name_of(self, account: int) -> str:
        """See DebtIndex."""
        if account not in self._names:
            self._names[account] = self._store.names_of([account]).get(account, "")
        return self._names[account]

    def _now(self, items: Sequence[OpenItem]) -> list[OpenItem]:
        """These invoices with what is open of them in their account as it is known here."""
        found = []
        for item in items:
            here = [one for one in self.open_of(item.account) if one.debt == item.debt]
            found.append(here[0] if here else replace(item, open_minor=0))
        return found

    def _find_open(self, accounts: set[int]) -> None:
        new = sorted(one for one in accounts if one not in self._open_of)
        for at in range(0, len(new), SNAPSHOTS_AT_ONCE):
            some = new[at : at + SNAPSHOTS_AT_ONCE]
            found = self.open_items_of(some)
            self._open_of |= {number: found.get(number, ()) for number in some}

    def open_items_of(self, accounts: Sequence[int]) -> Mapping[int, Sequence[OpenItem]]:
        """The open invoices of some accounts, whatever was looked up before."""
        return {number: open_items(found) for number, found in self._store.snapshots(accounts).items()}

    def _find(self, keys: set[str]) -> None:
        if new := {key for key in keys if key not in self._numbered}:
            self._numbered |= dict.fromkeys(new, ()) | dict(self._store.invoices_numbered(new))

    def _find_ending(self, digits: set[str]) -> None:
        if new := {one for one in digits if one not in self._ending}:
            self._ending |= dict.fromkeys(new, ()) | dict(self._store.invoices_ending(new))

    def _find_asking(self, sums: set[tuple[int, str]]) -> None:
        if new := {one for one in sums if one not in self._asking}:
            self._asking |= dict.fromkeys(new, ()) | dict(self._store.invoices_asking(new, _ENOUGH))

    def _find_payers(self, ibans: set[str]) -> None:
        if new := {one for one in ibans if one not in self._payers}:
            self._payers |= dict.fromkeys(new, ()) | dict(self._store.payers_of(new))
