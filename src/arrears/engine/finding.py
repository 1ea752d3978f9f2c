"""Which account or subscription somebody means: by its public id, or by the operator's own name of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from arrears.core.account import Account
from arrears.core.after_deletion import named_by
from arrears.core.errors import Refused
from arrears.core.ids import ACCOUNT, SUBSCRIPTION, format_id, parse_id
from arrears.ports import AccountReader, AccountsAndSubscriptionRefs, SubscriptionPlace

_UNSTORED: Final = re.compile("[\0\ud800-\udfff]")
"""No reference in the database has one of these."""


def find_account(store: AccountReader, text: str) -> int:
    """The number of the account that `acc_12` or the operator's own reference names, the reference first; refuses
    `unknown_account`, and `bad_id` or `wrong_id_type` for what looks like an id of ours and is none of an account."""
    known = {} if _UNSTORED.search(text) else store.account_numbers([text])
    if text in known:
        return known[text]
    if "_" in text and text.partition("_")[0] in ("acc", "sub", "inv", "hold", "case"):
        [number] = parse_id(ACCOUNT, text)
        if number in store.snapshots([number]):
            return number
    raise Refused("unknown_account", f"there is no account {text[:60]!r}; give one like acc_12, or your own reference")


NONE_CALLED: Final[Mapping[str, SubscriptionPlace]] = MappingProxyType({})


def find_subscription(account: Account, text: str, called: Mapping[str, SubscriptionPlace] = NONE_CALLED) -> int:
    """The number of the subscription that the operator's own reference (`called`: those that are known), the name of
    its service or an id means, in this order; refuses `unknown_subscription`, also where several have that service.
    Where one of these was deleted and another is used, the name means that other."""
    if text in called and called[text].account == account.no:
        return called[text].no
    named = [sub.no for sub in named_by(account, text)]
    if len(named) == 1:
        return named[0]
    if not named and text.startswith(f"{SUBSCRIPTION}_"):
        of, number = parse_id(SUBSCRIPTION, text)
        if of == account.no and number in [sub.no for sub in account.subscriptions]:
            return number
    every = [f"{format_id(SUBSCRIPTION, account.no, sub.no)} ({sub.service})" for sub in account.subscriptions]
    theirs = ", ".join(every) or "none"
    raise Refused("unknown_subscription", f"{text[:60]!r} is not one subscription of the account; it has {theirs}")


def named_subscription(store: AccountsAndSubscriptionRefs, account: int, text: str) -> int:
    """The same of an account by its number, with what the operator's systems call its subscriptions."""
    called = {} if _UNSTORED.search(text) else store.subscription_places([text])
    return find_subscription(store.snapshots([account])[account], text, called)
