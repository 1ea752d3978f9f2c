"""The collections run: claim what is due, decide, record, in batches, until nothing is due.

Each account is decided on until nothing more is due for it now. An account that cannot be decided upon, or whose
ledger disagrees with its state, is parked with a task for staff; the others go on (one poisoned account never
stops a batch).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from arrears.core.decision_cache import DecisionCache
from arrears.core.escalation import DELETIONS_PER_DAY
from arrears.core.facts import (
    BookRefused,
    ClockSuspected,
    DeletionOrdered,
    DeletionScheduled,
    Disabled,
    Parked,
    Restricted,
)
from arrears.core.guards import Guards
from arrears.core.policy import Policies
from arrears.core.second_look import objection
from arrears.core.system import BACKUP
from arrears.core.unit import Unit
from arrears.engine.acting import DeletionGrant, decide_until_rest
from arrears.engine.failpoints import reached
from arrears.ports import Batch, CollectionsRun, DueAccounts, InstallationControl, Poisoned

TICK_GAP_MAX: Final = timedelta(hours=26)
"""Spec, section 3, Clock guard: an older last tick means that the clock or this installation stood still."""


CLOCK_SKEW_MAX_SECONDS: Final = 300.0


STALE_AFTER: Final = timedelta(hours=6)
"""A provider that could not be read for so long may have taken money that we do not know of: nobody is cut off until
it has been read (reliability.md, F10, F34). Longer than its known outages, far shorter than any lead of a warning."""


SEND_ACCOUNTS: Final = 500
"""A batch goes to the database in parts of so many accounts, each written while the next is being decided."""


ESCALATIONS: Final = frozenset({Restricted, Disabled, DeletionScheduled, DeletionOrdered})
_DELETION_ORDERED: Final = "deletion_ordered"


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings of the installation that bound what it may do by itself."""

    deletions_per_day: int = DELETIONS_PER_DAY
    batch_accounts_max: int = 1000


DEFAULT_LIMITS: Final = Limits()


@dataclass(slots=True)
class RunReport:
    """What one run did. `facts` counts recorded facts, `accounts` looked at. `left_out` counts accounts that had been
    due for an hour when it came to its end, and still were: none, unless something is wrong."""

    accounts: int = 0
    facts: int = 0
    parked: int = 0
    left_out: int = 0


def decision_cache_of(policies: Policies) -> DecisionCache:
    """The decisions that the batches of one run, at one instant, may share."""

    def decided(unit: Unit, guards: Guards) -> None:
        decide_until_rest(unit, policies, guards, only_consequences=False)

    return DecisionCache(policies, decided)


def run_batch(
    store: DueAccounts, policies: Policies, now: datetime, limits: Limits, cache: DecisionCache | None = None
) -> RunReport:
    """Claim, decide and record one batch in one transaction. No accounts in the report: nothing was due.

    Where something is cut of which not all was found as it must be, nothing is kept: the batch is taken once more, and
    all that is cut is looked at fact by fact. If the store refuses the batch, its accounts are taken one at a time, and
    the one at fault is set aside.
    """
    try:
        try:
            return _batch(store, policies, now, limits, [], cache)
        except _Unproven:
            return _batch(store, policies, now, limits, [], cache, careful=True)
    except Poisoned:
        pass
    report = RunReport()
    for _ in range(limits.batch_accounts_max):
        claimed: list[int] = []
        try:
            one = _batch(store, policies, now, replace(limits, batch_accounts_max=1), claimed, None, careful=True)
        except Poisoned as error:
            for number in claimed:
                store.set_aside(number, now, f"the database refuses what was decided: {error}"[:500])
            one = RunReport(accounts=len(claimed), parked=len(claimed))
        if one.accounts == 0:
            break
        report.accounts += one.accounts
        report.facts += one.facts
        report.parked += one.parked
    return report


def _batch(
    store: DueAccounts,
    policies: Policies,
    now: datetime,
    limits: Limits,
    claimed: list[int],
    cache: DecisionCache | None,
    careful: bool = False,
) -> RunReport:
    """One batch; `claimed` learns the accounts, so that they are known even if the store refuses them."""
    report = RunReport()
    with store.due(now, limits.batch_accounts_max) as batch:
        claimed += [u.no for u in batch.units]
        if cache is not None:
            cache.under(batch.guards)
        grant = DeletionGrant(batch, now, limits.deletions_per_day)
        for start in range(0, len(batch.units), SEND_ACCOUNTS):
            part = batch.units[start : start + SEND_ACCOUNTS]
            for unit in part:
                if cache is None or not cache.take(unit):
                    _decide_or_park(unit, policies, batch.guards, grant)
            cut = [unit for unit in part if _escalates(unit)]
            deleted = [unit for unit in cut if _orders_deletion(unit)]
            if careful:
                _park_what_was_changed(batch, cut, policies)
            else:
                _park_what_was_changed(batch, deleted, policies)
                batch.look(_by_known_policies([unit for unit in cut if unit not in deleted], policies))
            _look_again(batch, deleted, policies, grant)
            batch.write_early(part)
        if batch.unproven():
            raise _Unproven
        report.accounts = len(batch.units)
        report.facts = sum(u.fact_count for u in batch.units)
        report.parked = sum(
            isinstance(s.recorded.fact, Parked) for u in batch.units if u.written is None for s in u.stored
        )
        reached("batch.before_commit")
    reached("batch.after_commit")
    return report


def _decide_or_park(unit: Unit, policies: Policies, guards: Guards, grant: DeletionGrant) -> None:
    try:
        unit.before  # noqa: B018 - reading the stored text is what may fail
    except msgspec.DecodeError as error:
        raise Poisoned(f"its state cannot be read: {error}") from None
    try:
        decide_until_rest(unit, policies, guards, only_consequences=False, deletions=grant)
    except Exception:
        park(unit, f"cannot be decided upon: {_last_line()}")


def park(unit: Unit, why: str) -> None:
    """Leave an account to staff with a task that says why; nothing else of its unit is kept."""
    unit.undo()
    unit.record(Parked(why=why[:500]))
    unit.next_at = None


def _escalates(unit: Unit) -> bool:
    if unit.written is not None:
        return unit.written.escalates
    for stored in unit.stored:  # noqa: SIM110 - a hundred thousand of these a run
        if type(stored.recorded.fact) in ESCALATIONS:
            return True
    return False


def _orders_deletion(unit: Unit) -> bool:
    if unit.written is not None:
        return any(kind == _DELETION_ORDERED for kind, *_ in unit.written.facts)
    return any(type(stored.recorded.fact) is DeletionOrdered for stored in unit.stored)


def _look_again(batch: Batch, deleted: Sequence[Unit], policies: Policies, grant: DeletionGrant) -> None:
    """Nothing is deleted that the journal alone, read by what shares nothing with the rules, does not allow, and no
    more than the day's cap has granted: such an account waits for a person, and no order is given."""
    for unit in deleted:
        fresh = [stored.recorded for stored in unit.stored]
        orders = [recorded.fact for recorded in fresh if isinstance(recorded.fact, DeletionOrdered)]
        if not orders:
            continue  # parked already
        try:
            why = objection(batch.audited(unit.no), fresh, policies, batch.guards)
        except Exception:
            why = f"the second look at a deletion has failed: {_last_line()}"
        if not why and not grant.spend(sum(not order.released for order in orders)):
            why = "more deletions are ordered than the day's cap has granted"
        if why:
            park(unit, why)


def _last_line() -> str:
    return traceback.format_exc(limit=-1).strip().splitlines()[-1]


class _Unproven(Exception):
    """Something is cut of which not all was found as it must be."""


def _park_what_was_changed(batch: Batch, cut: Sequence[Unit], policies: Policies) -> None:
    """Where something is cut, all that it rests on must be as arrears left it (I7): the ledger's sums, the journal and
    its chain, the state, the rows, and the promises of the policy."""
    cut = _by_known_policies(cut, policies)
    changed = batch.audit(cut) if cut else {}
    for unit in cut:
        if unit.no in changed:
            park(unit, changed[unit.no])


def _by_known_policies(cut: Sequence[Unit], policies: Policies) -> list[Unit]:
    """Those of which something is cut by a policy whose text gives its version; the others are parked."""
    changed = frozenset(key for key, policy in policies.items() if policy.version != key)
    found = []
    for unit in cut:
        differing = sorted(changed & _versions(unit))
        if differing:
            park(unit, f"the text of policy {', '.join(differing)} was changed by hand")
        else:
            found.append(unit)
    return found


def _versions(unit: Unit) -> set[str]:
    """The versions of the policies by which an account's stages run."""
    before = unit.before
    assert before is not None, "only what is stored is cut"
    versions = {sub.end.terms.policy for sub in before.subscriptions if sub.end is not None}
    return versions | {before.case.terms.policy} if before.case is not None else versions


def run(
    store: CollectionsRun,
    now: datetime,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int], None] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> RunReport:
    """One collections run at `now`: record the tick, then decide batch after batch until nothing is due, or until
    `stopping`, asked after each batch, says so."""
    tick(store, now)
    policies = store.policies()
    cache = decision_cache_of(policies)
    total = RunReport()
    while True:
        report = run_batch(store, policies, now, limits, cache)
        total.accounts += report.accounts
        total.facts += report.facts
        total.parked += report.parked
        if progress is not None and report.accounts:
            progress(report.accounts)
        if report.accounts < limits.batch_accounts_max:
            total.left_out = store.run_complete(now, total.accounts, total.facts)
            return total
        if stopping():
            return total


def tick(store: CollectionsRun, now: datetime) -> None:
    """Compare the clock with the last tick and with the database's. A jump or a difference makes every escalation wait
    until a person confirms the time (I21).

    A gap is recorded before the tick that closes it: whoever dies or runs in between still sees it.
    """
    _note_put_back(store, now)
    system = store.system()
    if not system.clock_suspect and system.last_tick_at is not None and now - system.last_tick_at > TICK_GAP_MAX:
        hours = (now - system.last_tick_at).total_seconds() / 3600
        why = f"the last tick was {hours:.0f} hours ago"
        _suspect(store, ClockSuspected(why=why), now, why)
    reached("tick.before_commit")
    system, skew_seconds = store.tick(now)
    reached("tick.after_commit")
    if not system.clock_suspect and abs(skew_seconds) >= CLOCK_SKEW_MAX_SECONDS:
        seconds = abs(skew_seconds)
        why = f"the clocks of application and database differ by {seconds:.0f} seconds"
        _suspect(store, ClockSuspected(why=why), now, why)


def _note_put_back(store: CollectionsRun, now: datetime) -> None:
    """Where the database may be a backup that was put back, what came in since it was made is known outside alone: no
    provider counts as read, and every cut and each charge of ours waits until a person has had the rest told again."""
    why = store.put_back()
    if why and BACKUP not in store.system().books_refused:
        store.count_as_unread(now - STALE_AFTER)
        tell = "take the statements, exports and payments since then once more, and then close this task"
        _suspect(store, BookRefused(book=BACKUP), now, f"was a backup put back? {why}: {tell}")


def _suspect(store: InstallationControl, what: ClockSuspected | BookRefused, now: datetime, why: str) -> None:
    reached("suspicion.before_commit")
    store.record_system(what, now, "arrears", why)
    reached("suspicion.after_commit")
