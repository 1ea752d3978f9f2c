"""What both stores answer alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from arrears.core.account import Debt
from arrears.core.errors import Refused
from arrears.core.facts import AnyFact, DueMoved, InvoiceIssued
from arrears.core.payments.planner import Tried
from arrears.core.payments.values import OPEN_STATES, AttemptState, Codes, Initiator
from arrears.ports import MethodRecord


def method_of(methods: Sequence[MethodRecord], number: int) -> MethodRecord:
    """The method with this number; refuses `unknown_method`."""
    for method in methods:
        if method.no == number:
            return method
    raise Refused("unknown_method", f"there is no payment method {number} on this account")


def tried_of(
    no: int,
    at: datetime,
    by: str,
    amount_minor: int,
    currency: str,
    state: str,
    decline: str,
    network: str,
    advice: str,
    reached_network: bool,
) -> Tried:
    """The row of an attempt on another account as the planner reads it."""
    codes = Codes(decline, network, advice)
    how, when = AttemptState(state), at.astimezone(UTC)
    return Tried(no, when, Initiator(by), amount_minor, currency, how, codes, reached_network, elsewhere=True)


def issued(facts: Iterable[AnyFact]) -> Mapping[int, Debt]:
    """The debts as they were issued, by their numbers, each with the due date that it has now."""
    found: dict[int, Debt] = {}
    for fact in facts:
        if isinstance(fact, InvoiceIssued):
            found[fact.debt.no] = fact.debt
        elif isinstance(fact, DueMoved):
            found[fact.debt] = replace(found[fact.debt], due_on=fact.due_on)
    return found


OPEN: Final = tuple(state.value for state in OPEN_STATES)


FOLLOWING_MAX: Final = 100
"""So many facts after a payment are looked at for what it brought back."""
