"""What matching asks of the store, looked up once for all credits of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from arrears.core.account import Account
from arrears.core.bank.matching import (
    BY_AMOUNT_MAX,
    Credit,
    OpenItem,
    exact_keys,
    last_digits,
    may_have_slips,
    near_keys,
)
from arrears.core.bank.references import slips_of
from arrears.ports.bank import AccountsAndBank, StoredCredit

_ENOUGH: Final = BY_AMOUNT_MAX + 1
SLIPS_OF_AT_ONCE: Final = 500
"""Pieces whose slips are asked for at once: some quarter of a million numbers."""


def as_credit(stored: StoredCredit) -> Credit:
    """A stored transfer as matching looks at it."""
    said = stored.transaction
    return Credit(
        stored.amount_minor, stored.currency, said.references, said.end_to_end, said.text, said.iban, said.name
    )


def open_items(account: Account) -> list[OpenItem]:
    """The open invoices of an account, the oldest due date first; those too whose service was deleted for them, as they
    are owed still."""
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
    ]


class StoredIndex:
    """See core.bank.matching.DebtIndex. What was not looked up ahead is looked up when it is asked for. What is open is
    read from the invoices' rows, for thousands of credits at once, and of an account under its lock from its value.
    (What is new is asked for key by key: a set less the keys of a large dictionary goes over all of the dictionary.)"""

    def __init__(self, store: AccountsAndBank) -> None:
        self._store = store
        self._numbered: dict[str, Sequence[OpenItem]] = {}
        self._nearly: dict[str, Sequence[OpenItem]] = {}
        self._ending: dict[str, Sequence[OpenItem]] = {}
        self._asking: dict[tuple[int, str], Sequence[OpenItem]] = {}
        self._open_of: dict[int, Sequence[OpenItem]] = {}
        self._locked: set[int] = set()
        self._payers: dict[str, Sequence[int]] = {}
        self._names: dict[int, str] = {}

    def look_up(self, credits: Sequence[Credit]) -> None:
        """Look at once for everything by which these credits may decide by themselves."""
        keys = {key for one in credits for key in exact_keys(one)}
        self._find(keys)
        self._find_payers({one.iban for one in credits if one.iban})
        # A payer who is known decides only where no damaged reference speaks for somebody else.
        self._find_near([one for one in credits if one.iban and self._payers[one.iban] and not self._names_any(one)])
        needed = {accounts[0] for accounts in self._payers.values() if len(accounts) == 1}
        for one in credits:
            items = [item for key in exact_keys(one) for item in self._numbered[key]]
            if len(items) != 1 or items[0].open_minor != one.amount_minor:
                needed |= {item.account for item in items}
        self._find_open(needed)

    def _names_any(self, credit: Credit) -> bool:
        return any(self._numbered[key] for key in exact_keys(credit))

    def look_up_near(self, credits: Sequence[Credit]) -> None:
        """Look at once for everything by which something is suggested for these credits."""
        self._find({key for one in credits for key in exact_keys(one)})
        self._find_payers({one.iban for one in credits if one.iban})
        self._find_near([one for one in credits if not self._names_any(one)])
        self._find_asking({(one.amount_minor, one.currency) for one in credits})
        if any(one.name for one in credits):
            items = (*self._numbered.values(), *self._nearly.values(), *self._ending.values(), *self._asking.values())
            found = {item.account for some in items for item in some}
            self._find_names(found.union(*self._payers.values()))

    def _find_near(self, credits: Sequence[Credit]) -> None:
        keys = {key for one in credits for key in near_keys(one)}
        self._find(keys)
        self._find_nearly({key for key in keys if may_have_slips(key)})
        self._find_ending({digits for key in keys if (digits := last_digits(key))})

    def as_it_is(self, account: Account) -> None:
        """This account, now under its lock, is as it stands there."""
        self._locked.add(account.no)
        self._open_of[account.no] = open_items(account)

    def numbered(self, keys: Iterable[str]) -> Mapping[str, Sequence[OpenItem]]:
        """See DebtIndex."""
        wanted = list(keys)
        self._find(wanted)
        return {key: self._now(found) for key in wanted if (found := self._numbered[key])}

    def nearly(self, key: str) -> Sequence[OpenItem]:
        """See DebtIndex."""
        self._find_nearly({key})
        return self._now(self._nearly[key])

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
        self._find_names({account})
        return self._names[account]

    def _now(self, items: Sequence[OpenItem]) -> Sequence[OpenItem]:
        """These invoices with what is open of them now in the accounts that are under their lock."""
        if not self._locked:
            return items
        return [self._as_locked(item) if item.account in self._locked else item for item in items]

    def _as_locked(self, item: OpenItem) -> OpenItem:
        here = [one for one in self._open_of[item.account] if one.debt == item.debt]
        return here[0] if here else replace(item, open_minor=0)

    def _find_open(self, accounts: set[int]) -> None:
        if new := {one for one in accounts if one not in self._open_of}:
            self._open_of |= dict.fromkeys(new, ()) | dict(self._store.invoices_open_of(new))

    def _find(self, keys: Iterable[str]) -> None:
        if new := {key for key in keys if key not in self._numbered}:
            self._numbered |= dict.fromkeys(new, ()) | dict(self._store.invoices_numbered(new))

    def _find_nearly(self, keys: set[str]) -> None:
        """Ask for every slip of these at once, so many at a time: of each there are some hundreds."""
        new = sorted(key for key in keys if key not in self._nearly)
        for at in range(0, len(new), SLIPS_OF_AT_ONCE):
            some = new[at : at + SLIPS_OF_AT_ONCE]
            slips = {key: slips_of(key) for key in some}
            found = self._store.invoices_numbered(set().union(*slips.values()))
            self._nearly |= {
                key: [item for slip in sorted(slips[key] & found.keys()) for item in found[slip]] for key in some
            }

    def _find_ending(self, digits: set[str]) -> None:
        if new := {one for one in digits if one not in self._ending}:
            self._ending |= dict.fromkeys(new, ()) | dict(self._store.invoices_ending(new))

    def _find_asking(self, sums: set[tuple[int, str]]) -> None:
        if new := {one for one in sums if one not in self._asking}:
            self._asking |= dict.fromkeys(new, ()) | dict(self._store.invoices_asking(new, _ENOUGH))

    def _find_payers(self, ibans: set[str]) -> None:
        if new := {one for one in ibans if one not in self._payers}:
            self._payers |= dict.fromkeys(new, ()) | dict(self._store.payers_of(new))

    def _find_names(self, accounts: set[int]) -> None:
        if new := {one for one in accounts if one not in self._names}:
            self._names |= dict.fromkeys(new, "") | dict(self._store.names_of(new))
