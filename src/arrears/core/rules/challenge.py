"""A challenge at the bank counts as in flight for 24 hours (spec, section 4, point 6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Final

from arrears.core.facts import ChallengeLapsed
from arrears.core.view import Due, Rank, View

CHALLENGE: Final = timedelta(hours=24)


def rule(view: View) -> Iterable[Due]:
    """Each challenge that is still counted ends a day after it began."""
    if not view.account.attempts:
        return ()
    return [
        Due(
            attempt.challenged_at + CHALLENGE,
            Rank.HOLD,
            attempt.no,
            f"challenge of attempt {attempt.no} lapses",
            partial(ChallengeLapsed, attempt=attempt.no),
        )
        for attempt in view.account.attempts
        if attempt.challenged_at is not None
    ]
