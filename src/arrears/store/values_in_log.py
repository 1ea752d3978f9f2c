"""Which settings of a PostgreSQL server keep the values of rows, statements and parameters out of its log.

The log is read by others than the database, is kept elsewhere and for longer, and nothing in it can be erased.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from psycopg import Connection

QUIET: Final[Mapping[str, tuple[str, ...]]] = {
    "log_statement": ("none",),
    "log_min_duration_statement": ("-1",),
    "log_min_duration_sample": ("-1",),
    "log_transaction_sample_rate": ("0",),
    "log_parameter_max_length": ("0",),
    "log_parameter_max_length_on_error": ("0",),
    "log_min_error_statement": ("panic", "fatal"),
    # "Key (address)=(...) already exists" is a detail.
    "log_error_verbosity": ("terse",),
    # An error quotes what it could not read. Whoever sent the statement is told, and logs it in its own way.
    "log_min_messages": ("log", "fatal", "panic"),
}
"""Each setting with what keeps values out; the first is the embedded server's own."""

_STATEMENTS: Final = frozenset(
    ("log_statement", "log_min_duration_statement", "log_min_duration_sample", "log_transaction_sample_rate")
)
_SHOWN: Final = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"


def values_in_log(db: Connection[Any]) -> Mapping[str, str]:
    """The settings of this connection's server by which values can come into its log, as they are; empty if none.

    A length of parameters matters only where statements are logged, so it is named only then."""
    found = {name: setting for name, setting in db.execute(_SHOWN, [list(QUIET)]) if setting not in QUIET[name]}
    statements = {
        "log_statement",
        "log_min_duration_statement",
        "log_min_duration_sample",
        "log_transaction_sample_rate",
    }
    if not statements & found.keys():
        found.pop("log_parameter_max_length", None)
    return {name: found[name] for name in QUIET if name in found}


def said_of_log(loud: Mapping[str, str]) -> str:
    """One line for whoever looks after the server, with what to do; empty where nothing is to be done."""
    if not loud:
        return ""
    now = ", ".join(f"{name} = {setting}" for name, setting in loud.items())
    do = "; ".join(f"ALTER SYSTEM SET {name} = {QUIET[name][0]}" for name in loud)
    return f"the server may write values of rows into its log ({now}); its administrator can stop that: {do}"
