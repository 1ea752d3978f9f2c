"""What becomes of an account if nothing changes: the decisions themselves, taken ahead of time.

Nobody pays, nothing is charged, no doubt and no hold without an end is over, every order is carried out at once, and
what leaves is taken or, where nobody can be reached, not. Pages, mail, commands and the API that say what comes read
it here, so that what they announce is what happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from arrears.core.account import Account
from arrears.core.acknowledging import acknowledgements
from arrears.core.decide import decide
from arrears.core.evolve import evolve
from arrears.core.facts import ARREARS, AnyFact, NoticeAccepted, Noticed, NoticeFailed, Recorded
from arrears.core.rules import RULES, charge
from arrears.core.view import View

UNPAID: Final = tuple(rule for rule in RULES if rule is not charge.rule)
"""All that happens by itself but asking a bank for money, whose answer nobody knows."""

AHEAD: Final = timedelta(days=800)
"""Nothing is foretold beyond: no ladder of a sane policy is longer."""

STEPS_MAX: Final = 1000
_NEW: Final = 1 << 40
"""Facts that have not happened are numbered after every one that has."""


class Step(NamedTuple):
    """One thing that will be recorded, and when."""

    at: datetime
    fact: AnyFact


def forecast(view: View, *, heard: bool = True, looked_at: datetime | None = None) -> Iterator[Step]:
    """Everything that will be decided from now on, in its order, as long as nothing changes; nothing for an account
    that waits for a person. `heard`: whether messages find somebody. `looked_at`: when the account is looked at next,
    where that is not now."""
    account, now = view.account, view.now
    if account.parked:
        return
    seq, until = _NEW, now + AHEAD
    for fact in acknowledgements(view.policies, account, now):
        seq += 1
        account = evolve(account, Recorded(account.no, seq, now, ARREARS, "", fact))
    if looked_at is not None and account is view.account:
        now = max(now, looked_at)
    for _ in range(STEPS_MAX):
        decision = decide(view.policies, account, view.guards, now, rules=UNPAID)
        if not decision.facts:
            if decision.next_at is None or decision.next_at > until:
                return
            now = max(now, decision.next_at)
            continue
        for decided in decision.facts:
            known: AnyFact = decided  # type: ignore[assignment]  # the closed union of all Fact subclasses
            yield Step(now, known)
            seq += 1
            account = evolve(account, Recorded(account.no, seq, now, ARREARS, "", known))
            for answer in _answers(view, account, known, seq, now, heard):
                seq += 1
                account = evolve(account, Recorded(account.no, seq, now, ARREARS, "", answer))


def _answers(view: View, account: Account, fact: AnyFact, seq: int, now: datetime, heard: bool) -> Iterator[AnyFact]:
    """What the world says to it."""
    if isinstance(fact, Noticed):
        yield NoticeAccepted(notice=seq) if heard else NoticeFailed(notice=seq, why="nobody")
    yield from acknowledgements(view.policies, account, now)
