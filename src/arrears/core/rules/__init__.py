"""The rules, one a file. A rule proposes what is due and when; only `decide` compares.

A new rule is one file and one line here. The order of this list changes nothing (a property test says so).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from arrears.core.rules import (
    arrangement,
    by_transfer,
    challenge,
    charge,
    credit,
    delete,
    disable,
    due_soon,
    expire,
    hold,
    hold_ends,
    lapse,
    last_call,
    late,
    method,
    past_due,
    promise,
    remind,
    request,
    restrict,
    resume,
    tell,
    transfer,
    warn,
)
from arrears.core.view import Due, View

Rule = Callable[[View], Iterable[Due]]

RULES: tuple[Rule, ...] = (
    arrangement.rule,
    hold.rule,
    lapse.rule,
    challenge.rule,
    past_due.rule,
    credit.rule,
    method.rule,
    charge.rule,
    resume.rule,
    late.rule,
    request.rule,
    transfer.rule,
    promise.rule,
    remind.rule,
    warn.rule,
    tell.rule,
    expire.rule,
    due_soon.rule,
    hold_ends.rule,
    last_call.rule,
    by_transfer.rule,
    restrict.rule,
    disable.rule,
    delete.rule,
)

ESCALATION_RULES: tuple[Rule, ...] = (restrict.rule, disable.rule, delete.rule)
"""Those that a doubt makes wait."""
