"""Promises to pay and instalments: what staff agree with a customer about what is past due, and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from arrears.core import facts as f
from arrears.core.account import Debt, Mode
from arrears.core.arrangements import Arrangement, Instalment
from arrears.core.errors import Refused
from arrears.core.ids import INVOICE, format_id
from arrears.core.money import format_amount
from arrears.core.payments.limits import charge_of
from arrears.core.rules.arrangement import ended
from arrears.core.rules.charge_agreed import collected_with
from arrears.core.rules.hold import end_hold
from arrears.core.unit import Unit
from arrears.core.view import View
from arrears.engine.acting import acting_on, open_debts, seeing
from arrears.engine.holding import HOLD_DAYS_MAX
from arrears.ports import Accounts

PARTS_MAX: Final = 24
"""Two years of months; who needs more is better served by another contract."""
DEBTS_MAX: Final = 50
"""Each part holds each invoice once: more would make the account slow to decide."""


def promise(
    store: Accounts,
    account: int,
    parts: Sequence[Instalment],
    *,
    debts: Sequence[int] = (),
    collects: bool = False,
    now: datetime,
    author: str,
    why: str,
) -> int:
    """Agree on which days what is past due will be paid; the number of the promise within the account.

    `debts` are past-due invoices of one currency by their numbers; empty: all that are asked for. One part is a promise
    to pay, and its `minor` may be 0 for everything that is open; several are instalments, together exactly what is
    open. `collects`: the customer has agreed that each part is charged on its day with the method on file. Refuses
    `unknown_invoice`, `nothing_past_due`, `not_past_due`, `held`, `already_promised`, `several_currencies`,
    `bad_date`, `bad_amount`, `no_method`, `bad_part` and `no_reason`.
    """
    if not why.strip():
        raise Refused("no_reason", "a promise to pay says why; it is kept with the fact")
    with seeing(store, account, now) as (unit, view):
        chosen = _chosen(unit, debts)
        made = Arrangement(
            no=unit.account.arrangement_count + 1,
            debts=tuple(debt.no for debt in chosen),
            currency=chosen[0].currency,
            parts=_parts(view, chosen, parts),
            collects=collects,
        )
        if collects:
            _refuse_uncollectible(view, made)
        unit.record(f.ArrangementMade(arrangement=made), author, why)
        return made.no


def _chosen(unit: Unit, numbers: Sequence[int]) -> list[Debt]:
    """The invoices that are named, or all that are asked for, the oldest due date first."""
    account = unit.account
    if numbers:
        named = {debt.no for debt in open_debts(unit, numbers)}
        found = [debt for debt in account.debts if debt.no in named]
        for debt in found:
            _refuse_unfit(unit, debt)
    else:
        found = [
            debt
            for debt in account.past_due
            if not debt.settled_separately and not account.debt_is_withheld(debt.no)
            if account.arrangement_on(debt.no) is None
        ]
        if not found and account.arrangements:
            raise Refused("already_promised", "what is past due is in a promise already; end that one first")
        if not found:
            raise Refused("nothing_past_due", "nothing is past due that could be promised")
    if len({debt.currency for debt in found}) > 1:
        raise Refused("several_currencies", "a promise is in one currency; name the invoices of each, one at a time")
    if len(found) > DEBTS_MAX:
        raise Refused("too_many_invoices", f"a promise is about {DEBTS_MAX} invoices at most; name the oldest of them")
    return found


def _refuse_unfit(unit: Unit, debt: Debt) -> None:
    account, name = unit.account, format_id(INVOICE, unit.no, debt.no)
    if debt.day_0 is None or debt.ended:
        raise Refused("not_past_due", f"{name} is not past due; give it another due date instead")
    if account.debt_is_withheld(debt.no):
        raise Refused("held", f"{name} is held or disputed, so nothing of it is asked; end that first")
    if account.arrangement_on(debt.no) is not None:
        raise Refused("already_promised", f"{name} is in a promise already; end that one first")


def _parts(view: View, debts: Sequence[Debt], parts: Sequence[Instalment]) -> tuple[Instalment, ...]:
    """The parts with their sums; refused where they are not what is open, or their days no days to come."""
    open_minor = sum(debt.open_minor for debt in debts)
    if len(parts) == 1 and not parts[0].minor:
        parts = [Instalment(parts[0].on, open_minor)]
    first, last = view.today + timedelta(days=1), view.today + timedelta(days=HOLD_DAYS_MAX)
    days = [part.on for part in parts]
    if not 1 <= len(parts) <= PARTS_MAX or days != sorted(set(days)):
        raise Refused("bad_date", f"give up to {PARTS_MAX} days, each later than the one before")
    if not first <= days[0] <= days[-1] <= last:
        raise Refused("bad_date", f"a day of a promise is between {first} and {last}")
    if any(part.minor <= 0 for part in parts) or sum(part.minor for part in parts) != open_minor:
        said = format_amount(open_minor, debts[0].currency)
        raise Refused("bad_amount", f"{said} is open: the parts are together exactly that, and none is nothing")
    return tuple(parts)


def _refuse_uncollectible(view: View, made: Arrangement) -> None:
    """Refuse what could not be charged as agreed."""
    method = collected_with(view.account, made) if view.account.mode is Mode.CARD else None
    if method is None:
        raise Refused("no_method", "no one payment method on file pays for all of this; agree without charging")
    if method.expires_on is not None and method.expires_on < made.parts[-1].on:
        raise Refused("no_method", f"the method on file expires on {method.expires_on}, before the last part")
    for part in made.parts:
        if charge_of(view.guards.limits, made.currency, part.minor) != part.minor:
            said = format_amount(part.minor, made.currency)
            raise Refused("bad_part", f"no provider takes {said} in one charge; choose other parts")


def end_promise(store: Accounts, account: int, number: int, now: datetime, author: str, why: str) -> None:
    """End a promise before it is kept: the ladder goes on where it had stopped, with new warnings and their full lead.
    No day that was told comes earlier. Refuses `unknown_promise`, `no_reason`."""
    if not why.strip():
        raise Refused("no_reason", "say why the promise ends; it is kept with the fact")
    policies, guards = store.policies(), store.system().guards
    with acting_on(store, account, now) as unit:
        one = next((one for one in unit.account.arrangements if one.no == number), None)
        if one is None:
            raise Refused("unknown_promise", f"there is no open promise {number} on this account")
        unit.record(ended(unit.account, one, broken=False), author, why)
        for hold in unit.account.holds:
            if hold.arrangement == number and hold.ended_at is None:
                unit.record(end_hold(View(policies, unit.account, guards, now), hold, now), author, why)
