"""What a message calls each subscription of an account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from arrears.core.account import Account
from arrears.core.ids import SUBSCRIPTION, format_id
from arrears.core.states import State


def subscription_names(account: Account) -> Mapping[int, str]:
    """Its service, and of several of one service also its own id, so that nobody takes the date of one for that of
    another."""
    if len(account.subscriptions) == 1:
        return {s.no: s.service for s in account.subscriptions}
    count = Counter(s.service for s in account.subscriptions if s.state is not State.DELETED)
    return {
        s.no: f"{s.service} ({format_id(SUBSCRIPTION, account.no, s.no)})" if count[s.service] > 1 else s.service
        for s in account.subscriptions
    }
