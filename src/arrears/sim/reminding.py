"""A second look at reminders: what is past due for long, with nothing in the way, has been reminded of."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Stop

SILENT_DAYS_MAX: Final = 20
"""Longer than any outage of the made-up worlds."""


def never_reminded(history: Sequence[f.Recorded], past_due: Container[int], until: datetime) -> Iterator[str]:
    """Every debt of those past due that has been so for long, with nothing that keeps reminders back, and was never
    reminded of."""
    since: dict[int, datetime] = {}
    holding: dict[object, bool] = {}
    quiet_from = history[0].at
    for r in history:
        match r.fact:
            case f.BecamePastDue(debts=debts):
                since.update({one.debt: r.at for one in debts})
            case f.Noticed():
                for one in (one for part in r.fact.each(f.Reminder) for one in part.debts):
                    since.pop(one.debt, None)
            case f.HoldPlaced(hold=hold) if Stop.REMIND in hold.stops:
                holding[hold.no] = True
            case f.HoldEnded(hold=no):
                holding.pop(no, None)
                quiet_from = r.at
            case f.DoubtRaised(doubt=doubt, ref=ref):
                holding[doubt, ref] = True
            case f.DoubtCleared(doubt=doubt, ref=ref):
                holding.pop((doubt, ref), None)
                quiet_from = r.at
            case f.AttemptCreated() | f.AttemptMoved() | f.Parked() | f.WithinTolerance() | f.DueMoved():
                return
            case _:
                pass
    long_ago = until - timedelta(days=SILENT_DAYS_MAX)
    if not holding and quiet_from < long_ago:
        yield from (f"debt {no} was never reminded of" for no, at in since.items() if at < long_ago and no in past_due)
