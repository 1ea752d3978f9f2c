"""What the command about billing systems answers a script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arrears.cli.answer_values import JsonAnswer, NoAnswer, each

_DRIFT: Final = {
    **each("count", "customers invoices not_tried"),
    "differences": [
        {**each("text", "customer invoice why"), "currency": "currency", **each("minor", "here_minor there_minor")}
    ],
    "subscriptions": ["text"],
}
BILLING: Final[Mapping[str, JsonAnswer | NoAnswer]] = {
    "connect": JsonAnswer(
        {
            "read": "count",
            "changed": "count",
            "reported": "count",
            "left_out": [each("text", "invoice why")],
            **_DRIFT,
        }
    ),
}
