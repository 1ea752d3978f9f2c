"""When, among the instants that the networks allow, an automatic attempt is likeliest to be paid.

A strategy only prefers: the planner is asked before and after it, so no strategy can break a network's rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol

from arrears.core.calendar import calendar_of
from arrears.core.payments.networks import Rules
from arrears.core.payments.planner import Refusal, Tried, Wanted, earliest
from arrears.core.payments.values import AttemptState

_ONE_DAY: Final = timedelta(days=1)
MORNING: Final = time(8)
"""When automatic attempts begin, local time."""
# A prime: multiplied by it, accounts numbered one after the other lie far apart within any spread.
_SCATTER: Final = 2_654_435_761


class Strategy(Protocol):
    """Prefers a day and an hour for the next automatic attempt of a case."""

    @property
    def spread(self) -> timedelta:
        """Over how long after the preferred instant the attempts of different accounts are spread; one hour that all
        accounts share would be a burst that providers slow down."""

    def preferred(self, earliest_local_day: date, zone: str, history: Sequence[Tried], day_0: date) -> datetime | None:
        """The preferred instant (UTC) on `earliest_local_day` or later; None when the case has had its attempts.

        `history` is the whole book of the credential, `day_0` the local day on which the debt became past due.
        """


def plan(
    rules: Rules,
    strategy: Strategy,
    wanted: Wanted,
    history: Sequence[Tried],
    *,
    zone: str,
    day_0: date,
    now: datetime,
    account_no: int,
    own: Sequence[Tried] | None = None,
) -> datetime | Refusal:
    """The instant (UTC) of the next automatic attempt, never before the networks allow it; or why there is none.

    `own` is what of the history the strategy counts: of a bank debit only its own entry; all where it is not said. What
    was tried before the method last paid is not counted: what is left, in another currency or above what a provider
    takes at once, is asked of a method that pays, and first on the morning after, whatever days the strategy prefers.
    The same account, history and day give the same instant, so asking twice plans nothing twice.
    """
    allowed = earliest(rules, wanted, history, now)
    if isinstance(allowed, Refusal):
        return allowed
    calendar = calendar_of(zone)
    counted = history if own is None else own
    paid_at = max((tried.at for tried in counted if tried.state is AttemptState.PAID), default=None)
    if paid_at is not None:
        counted = [tried for tried in counted if tried.at > paid_at]
    pays = paid_at is not None and not counted and calendar.local_day(paid_at) >= day_0
    day = calendar.local_day(allowed.at)
    # The hour of the first day may be over; that of the next one is not.
    for one in (day, day + _ONE_DAY):
        preferred = calendar.at(one, MORNING) if pays else strategy.preferred(one, zone, counted, day_0)
        if preferred is None:
            why = "This case has had all its automatic attempts; the customer may still pay."
            return Refusal("strategy", "spec-5", why, None)
        at = preferred + _spread(strategy.spread, account_no)
        if at >= allowed.at:
            return _confirmed(rules, wanted, history, at)
    return _confirmed(rules, wanted, history, allowed.at)


def _confirmed(rules: Rules, wanted: Wanted, history: Sequence[Tried], at: datetime) -> datetime | Refusal:
    """`at` itself, unless the card has expired or the debit grown too old by then."""
    allowed = earliest(rules, wanted, history, at)
    return allowed if isinstance(allowed, Refusal) else allowed.at


def _spread(spread: timedelta, account_no: int) -> timedelta:
    seconds = spread // timedelta(seconds=1)
    return timedelta(seconds=account_no * _SCATTER % seconds) if seconds else timedelta()
