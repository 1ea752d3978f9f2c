"""How a copy of an installation becomes one of its own, before it does anything else."""

from __future__ import annotations

from datetime import datetime
from secrets import token_hex
from typing import Final

from arrears.core.facts import IdentityTaken
from arrears.core.payments.values import AttemptCanceled
from arrears.engine.payments.attempts import record_outcome
from arrears.ports import Store

_AT_ONCE: Final = 1_000


def become_another(store: Store, now: datetime, author: str, why: str) -> str:
    """Take another identity; it. The attempts that are open here end here, without a word to any provider: the original
    goes on with them. What was there before stays the original's (copies.py)."""
    new = f"ins_{token_hex(10)}"
    taken = IdentityTaken(identity=new, former=store.system().identity, copied_at=now)
    store.record_system(taken, now, author, why)
    while left := store.open_attempts(now, _AT_ONCE):
        for account, number in left:
            record_outcome(store, "", account, number, AttemptCanceled("", reached_network=False), now, author)
    return new
