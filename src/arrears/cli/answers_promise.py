"""What `arrears promise` answers with `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arrears.cli.answer_values import JsonAnswer, NoAnswer, each

_PROMISE: Final = {
    **each("id", "promise account"),
    "invoices": ["text"],
    "currency": "currency",
    "parts": [{"on": "day", "amount_minor": "minor", "kept": "flag"}],
    "next_on": "day",
    "next_minor": "minor",
    "collects": "flag",
}

PROMISE: Final[Mapping[str, JsonAnswer | NoAnswer]] = {
    "promise add": JsonAnswer(_PROMISE),
    "promise list": JsonAnswer([_PROMISE]),
    "promise end": NoAnswer("it does one thing; the exit code says whether it was done, the code in brackets why not"),
}
