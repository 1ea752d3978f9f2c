"""What must never be broken, checked over the facts of one account without asking the code that decided them.

The checks read the specification's text, not the rules: they keep their own book of what the facts say, count days
one by one, and complain. Tests, the simulator and `arrears check` run the same ones.
"""

from __future__ import annotations

from arrears.core.invariants.account import (
    INVARIANTS,
    check_account,
    check_actions,
    check_chain,
    check_deletion_cap,
)
from arrears.core.invariants.checked import Breach, CheckedInstallation
from arrears.core.invariants.watch import Watch

__all__ = [
    "INVARIANTS",
    "Breach",
    "CheckedInstallation",
    "Watch",
    "check_account",
    "check_actions",
    "check_chain",
    "check_deletion_cap",
]
