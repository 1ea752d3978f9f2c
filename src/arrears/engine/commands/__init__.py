"""What people and the operator's systems ask. Pages, console, API, command line and simulator call these same ones.

Each command locks its accounts, refuses or records, and lets the consequences follow in the same transaction:
credit is allocated, causes are lifted, resumes are ordered, dates are moved. What waits for an hour is left to
the collections run.
"""

from arrears.engine.commands.accounts import change_terms, close_task, open_accounts, unpark
from arrears.engine.commands.arrangements import end_promise, promise
from arrears.engine.commands.deletions import STAFF, hold_deletion, release_deletion
from arrears.engine.commands.holds import dispute, hold, release
from arrears.engine.commands.invoices import (
    Invoice,
    issue,
    issue_invoices,
    record_payments,
    reopen,
    report_authorisation_declined,
    report_decline,
    write_off,
)
from arrears.engine.commands.subscriptions import (
    add_subscription,
    call_subscription,
    cancel,
    cancel_by_customer,
    if_canceled,
    if_reactivated,
    lift_reason,
    reactivate,
    set_reason,
)
from arrears.engine.doubting import clear_doubt, raise_doubt

__all__ = [
    "STAFF",
    "Invoice",
    "add_subscription",
    "call_subscription",
    "cancel",
    "cancel_by_customer",
    "change_terms",
    "clear_doubt",
    "close_task",
    "dispute",
    "end_promise",
    "hold",
    "hold_deletion",
    "if_canceled",
    "if_reactivated",
    "issue",
    "issue_invoices",
    "lift_reason",
    "open_accounts",
    "promise",
    "raise_doubt",
    "reactivate",
    "record_payments",
    "release",
    "release_deletion",
    "reopen",
    "report_authorisation_declined",
    "report_decline",
    "set_reason",
    "unpark",
    "write_off",
]
