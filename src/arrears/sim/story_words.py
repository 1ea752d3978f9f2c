"""Words that every sentence about an account is made of: days, what is planned, and what has to be so to prevent it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from arrears.core.account import Account, Action, DoubtKind
from arrears.core.closed import closed
from arrears.core.states import Reason, State

WILL: Final = closed(
    "words of what comes",
    Action,
    {Action.RESTRICT: "is restricted", Action.DISABLE: "stops", Action.DELETE: "is deleted with its data"},
)


def in_words(day: date) -> str:
    """`31 January 2026`, the same in every locale of the machine."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


_LIFTED_WHEN: Final = {Reason.PAST_DUE: "everything is paid", Reason.CANCELED: "it is reactivated"}


def unless_lifted(reasons: Sequence[Reason]) -> str:
    """`unless everything is paid`: what has to be so for these reasons to be gone."""
    when = [_LIFTED_WHEN.get(reason, f"the {reason.replace('_', ' ')} is lifted") for reason in reasons]
    return f"unless {' and '.join(when)}"


def service_of(account: Account, number: int) -> str:
    """The service of a subscription."""
    return account.subscription(number).service


DOUBTS: Final = closed(
    "words of what is in doubt",
    DoubtKind,
    {
        DoubtKind.ATTEMPT: "the answer to a charge",
        DoubtKind.BANK_CREDIT: "a bank credit that may be theirs, until somebody says whose it is",
        DoubtKind.TRANSFER: "a transfer that the customer says is on its way",
        DoubtKind.REQUEST: "a payment provider that refuses what we ask, until that is mended (`arrears tasks`)",
        DoubtKind.FEED: "news from the billing system or a provider that could not be recorded (`arrears tasks`)",
        DoubtKind.BANK: "a statement of the bank that is missing, old or set aside (`arrears tasks`)",
        DoubtKind.CLOCK: "a person who confirms the clock (`arrears clock confirm`)",
        DoubtKind.BREAKER: "a person who has looked at a storm of declined charges (`arrears money breaker`)",
    },
)
"""What is waited for, by the doubt that makes a decision wait."""

_BECAUSE: Final = closed(
    "words of why a subscription is not active",
    Reason,
    {
        Reason.PAST_DUE: "an invoice of it is past due",
        Reason.CANCELED: "it was canceled",
        Reason.SPENDING_LIMIT: "its spending limit is reached",
        Reason.POLICY_VIOLATION: "it broke the terms of use",
        Reason.OTHER: "of something else",
    },
)


def because(state: State, reasons: Sequence[Reason]) -> str:
    """`, because it was canceled`: why a subscription is in this state, where the state does not say it."""
    told = [_BECAUSE[reason] for reason in reasons if (state, reason) != (State.PAST_DUE, Reason.PAST_DUE)]
    return f", because {' and '.join(told)}" if told else ""
