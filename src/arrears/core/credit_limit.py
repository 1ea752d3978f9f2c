"""How much may be open in invoice mode: more stops nothing, and is a task (decision 62)."""

from __future__ import annotations

from arrears.core.account import Account


def over_limit(account: Account, currency: str) -> int:
    """How much more is open in a currency than the account's limit, in minor units; 0 where it has none."""
    if currency not in account.credit_limits:
        return 0
    asked = sum(debt.open_minor for debt in account.debts if debt.currency == currency)
    return max(asked - account.credit_limits[currency], 0)
