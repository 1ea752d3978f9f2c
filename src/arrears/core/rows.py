"""The rows that follow from a unit of work: what the tables say is made from the facts and the folded state.

Both stores write these rows. Entity rows carry their whole content, so writing one twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import field
from msgspec.structs import replace

from arrears.core import facts as f
from arrears.core.account import Account, Action, Hold, ServiceEnd, Subscription
from arrears.core.actions import ActionRow, StepRow, actions_of, steps_of
from arrears.core.effects import ACTING, ASKING, IN_OTHER_ROWS, MOVING_MONEY, STEPPING, TASK_ENDING
from arrears.core.entity_rows import (
    CaseEnd,
    CaseRow,
    HoldRow,
    InvoiceChange,
    InvoiceMove,
    InvoiceRow,
    PaymentRow,
    RequestRow,
    ServiceEndRow,
    SubscriptionRow,
    TaskEnd,
)
from arrears.core.ledger import Entry, entries_of
from arrears.core.payments.rows import (
    OVER,
    AttemptRow,
    AttemptRowChange,
    CardTryRow,
    MethodChange,
    MethodRow,
    PartEnd,
    PartRow,
    RefundRow,
    attempt_change,
    attempt_row,
    card_try_row,
    changed_methods,
    method_row,
    part_rows,
    returned_change,
)
from arrears.core.people.support import About, Via
from arrears.core.tasks import TaskGone, TaskRow, ends_of, tasks_of
from arrears.core.unit import Unit


class Rows(msgspec.Struct):
    """Everything a set of units writes besides its facts and states."""

    steps: list[StepRow] = field(default_factory=list)
    actions: list[ActionRow] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    tasks: list[TaskRow] = field(default_factory=list)
    task_ends: list[TaskEnd] = field(default_factory=list)
    tasks_gone: list[TaskGone] = field(default_factory=list)
    payments: list[PaymentRow] = field(default_factory=list)
    invoices: list[InvoiceRow] = field(default_factory=list)
    invoice_changes: list[InvoiceChange] = field(default_factory=list)
    invoice_moves: list[InvoiceMove] = field(default_factory=list)
    cases: list[CaseRow] = field(default_factory=list)
    case_ends: list[CaseEnd] = field(default_factory=list)
    subscriptions: list[SubscriptionRow] = field(default_factory=list)
    service_ends: list[ServiceEndRow] = field(default_factory=list)
    holds: list[HoldRow] = field(default_factory=list)
    methods: list[MethodRow] = field(default_factory=list)
    method_changes: list[MethodChange] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)
    attempt_changes: list[AttemptRowChange] = field(default_factory=list)
    part_ends: list[PartEnd] = field(default_factory=list)
    parts: list[PartRow] = field(default_factory=list)
    refunds: list[RefundRow] = field(default_factory=list)
    card_tries: list[CardTryRow] = field(default_factory=list)
    requests: list[RequestRow] = field(default_factory=list)


def rows_of(units: Iterable[Unit]) -> Rows:
    """The rows of several units, in the order of the units and their facts."""
    rows = Rows()
    for unit in units:
        if unit.written is not None:
            for name, row in unit.written.rows:
                getattr(rows, name).append(row)
            continue
        issued = len(rows.invoices)
        for stored in unit.stored:
            _from_fact(stored.recorded, unit.account, rows)
        if unit.stored:
            if unit.is_new:
                _as_they_are_now(unit.account, rows.invoices, issued)
            _from_state(unit, rows)
    return rows


def _as_they_are_now(account: Account, invoices: list[InvoiceRow], since: int) -> None:
    """Each invoice of a new account is written once, as it has come to be; a due date that moved has its own row."""
    still_open = {debt.no: debt for debt in account.debts}
    for place in range(since, len(invoices)):
        debt = still_open.get((row := invoices[place]).no)
        open_minor, day_0 = (0, None) if debt is None else (debt.open_minor, debt.day_0)
        invoices[place] = InvoiceRow(*row[:5], open_minor, *row[6:8], day_0)


def rows_of_state(account: Account, rows: Rows) -> None:
    """Add the rows of what a state holds now, for a state that was made anew from its facts: open invoices, holds,
    subscriptions and their service ends."""
    rows.invoice_changes.extend(InvoiceChange(account.no, d.no, d.open_minor, d.day_0) for d in account.debts)
    rows.holds.extend(hold_row(account.no, hold) for hold in account.holds)
    for sub in account.subscriptions:
        rows.subscriptions.append(subscription_row(account.no, sub))
        if sub.end is not None:
            rows.service_ends.append(service_end_row(account.no, sub))


def rows_of_facts(told: Iterable[tuple[f.Recorded, Account]], rows: Rows) -> None:
    """Add the rows that facts leave by themselves, each fact with the account as it was after it."""
    for recorded, account in told:
        _from_fact(recorded, account, rows)


def _from_fact(recorded: f.Recorded, account: Account, rows: Rows) -> None:
    kind = type(recorded.fact)
    if kind in STEPPING:
        rows.steps.extend(steps_of(recorded))
    if kind in ACTING:
        rows.actions.extend(actions_of(recorded))
    if kind in ASKING:
        rows.tasks.extend(tasks_of(recorded))
    if kind in TASK_ENDING:
        rows.tasks_gone.extend(ends_of(recorded, account))
    if kind in MOVING_MONEY:
        rows.entries.extend(entries_of(recorded))
    if kind in IN_OTHER_ROWS:
        _other_rows(recorded, rows)


def _other_rows(recorded: f.Recorded, rows: Rows) -> None:
    account, seq, fact = recorded.account, recorded.seq, recorded.fact
    match fact:
        case f.InvoiceIssued(debt=d):
            rows.invoices.append(
                InvoiceRow(
                    account, d.no, d.number, d.currency, d.total_minor, d.open_minor, fact.issued_on, d.due_on, None
                )
            )
        case f.DueMoved():
            rows.invoice_moves.append(InvoiceMove(account, fact.debt, fact.due_on))
        case f.PaymentBooked():
            rows.payments.append(PaymentRow(account, seq, fact.ref, fact.currency, fact.amount_minor))
        case f.BecamePastDue(opened=False):
            pass
        case f.BecamePastDue():
            first = min(d.day_0 for d in fact.debts)
            rows.cases.append(CaseRow(account, fact.case, first, fact.terms.policy, fact.terms.zone))
        case f.CaseEnded():
            _end_case(rows, CaseEnd(account, fact.case, fact.outcome.value, recorded.at))
        case f.ResumeLate():
            late = RequestRow(account, seq, About.PAID_BUT_DISABLED.value, Via.ARREARS.value, "open", recorded.at)
            rows.requests.append(late)
        case f.TaskClosed():
            rows.task_ends.append(TaskEnd(account, fact.task, seq))
        case _:
            _from_money(recorded, rows)


def _from_money(recorded: f.Recorded, rows: Rows) -> None:
    account, seq, fact = recorded.account, recorded.seq, recorded.fact
    match fact:
        case f.MethodAdded():
            rows.methods.append(method_row(account, fact))
        case f.AttemptCreated():
            rows.attempts.append(attempt_row(recorded, fact))
            rows.parts.extend(part_rows(account, fact))
        case f.AttemptMoved():
            change = attempt_change(recorded, fact)
            # Two moves in one transaction: the row has room for where it came to.
            if rows.attempt_changes and rows.attempt_changes[-1][:2] == change[:2]:
                rows.attempt_changes.pop()
            rows.attempt_changes.append(change)
            if fact.to in OVER:
                rows.part_ends.append(PartEnd(account, fact.attempt))
        case f.CardTried():
            rows.card_tries.append(card_try_row(account, fact))
        case f.Refunded():
            rows.refunds.append(RefundRow(account, seq, fact.ref, fact.payment_ref, fact.currency, fact.amount_minor))
            if fact.debit is not None:
                rows.attempt_changes.append(returned_change(recorded, fact, fact.debit))
        case _:
            raise AssertionError(fact)


def _end_case(rows: Rows, end: CaseEnd) -> None:
    """End a case: in its own row if it was opened in the same transaction, else by an update that comes first."""
    last = rows.cases[-1] if rows.cases else None
    if last is not None and (last.account_id, last.no) == (end.account_id, end.no):
        rows.cases[-1] = last._replace(outcome=end.outcome, ended_at=end.ended_at)
    else:
        rows.case_ends.append(end)


def _from_state(unit: Unit, rows: Rows) -> None:
    before, after = unit.before, unit.account
    if before is not None and (before.debts is not after.debts or before.debt_count != after.debt_count):
        rows.invoice_changes.extend(_changed_debts(before, after))
    if before is None or before.holds is not after.holds:
        rows.holds.extend(_changed_holds(unit, before, after))
    if before is None or before.methods is not after.methods:
        rows.method_changes.extend(changed_methods(before, after))
    if before is None or before.subscriptions is not after.subscriptions:
        was_sub = {s.no: s for s in before.subscriptions} if before is not None else {}
        for sub in after.subscriptions:
            old = was_sub.get(sub.no)
            if old is not sub:
                if old is None or _subscription_differs(old, sub):
                    rows.subscriptions.append(subscription_row(after.no, sub))
                if sub.end is not None and (old is None or old.end is None or _end_differs(old.end, sub.end)):
                    rows.service_ends.append(service_end_row(after.no, sub))


def _subscription_differs(old: Subscription, new: Subscription) -> bool:
    return (
        old.state is not new.state
        or old.generation != new.generation
        or old.reasons != new.reasons
        or old.disable.promised_on != new.disable.promised_on
        or old.restrict.promised_on != new.restrict.promised_on
        or old.promise(Action.DELETE).promised_on != new.promise(Action.DELETE).promised_on
    )


def _end_differs(old: ServiceEnd, new: ServiceEnd) -> bool:
    if old is new:
        return False
    return (
        old.stopped_on != new.stopped_on
        or old.ended_on != new.ended_on
        or old.delete.promised_on != new.delete.promised_on
        or old.scheduled_at != new.scheduled_at
        or old.awaiting_release != new.awaiting_release
        or old.ordered_at != new.ordered_at
    )


def _changed_debts(before: Account, after: Account) -> Iterator[InvoiceChange]:
    was = {d.no: d for d in before.debts}
    for debt in after.debts:
        if was.pop(debt.no, None) is not debt:
            yield InvoiceChange(after.no, debt.no, debt.open_minor, debt.day_0)
    for gone in was.values():
        yield InvoiceChange(after.no, gone.no, 0, gone.day_0)
    still_open = {d.no for d in after.debts}
    for issued in range(before.debt_count + 1, after.debt_count + 1):
        if issued not in still_open:
            # Account credit has paid it in the transaction that issued it.
            yield InvoiceChange(after.no, issued, 0, None)


def _changed_holds(unit: Unit, before: Account | None, after: Account) -> Iterator[HoldRow]:
    was = {h.no: h for h in before.holds} if before is not None else {}
    left = {h.no for h in after.holds}
    for hold in after.holds:
        if was.get(hold.no) is not hold:
            yield hold_row(after.no, hold)
    for stored in unit.stored:
        match stored.recorded.fact:
            case f.HoldPlaced(hold=placed):
                was[placed.no] = placed
            case f.HoldEnded(hold=no, at=at) if no not in left:
                # It ended and was forgotten in one transaction: the state no longer says so, the table must.
                yield hold_row(after.no, replace(was[no], ended_at=at))
            case _:
                pass


def hold_row(account: int, h: Hold) -> HoldRow:
    """The row of one hold."""
    stops = " ".join(h.stops)
    return HoldRow(account, h.no, h.scope.value, h.target, stops, h.reason, h.from_at, h.until, h.ended_at)


def subscription_row(account: int, sub: Subscription) -> SubscriptionRow:
    """The row of one subscription, with every date that has been told."""
    return SubscriptionRow(
        account,
        sub.no,
        sub.service,
        sub.state.value,
        sub.generation,
        " ".join(sub.reasons),
        sub.restrict.promised_on,
        sub.disable.promised_on,
        sub.promise(Action.DELETE).promised_on,
    )


def service_end_row(account: int, sub: Subscription) -> ServiceEndRow:
    """The row of the time without service that a subscription is in."""
    end = sub.end
    assert end is not None
    return ServiceEndRow(
        account,
        sub.no,
        sub.generation,
        end.stopped_on,
        end.ended_on,
        end.delete.promised_on,
        end.scheduled_at,
        end.awaiting_release,
        end.ordered_at,
    )
