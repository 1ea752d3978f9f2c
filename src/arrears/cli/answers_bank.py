"""What the commands about a bank's statements answer a script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arrears.cli.answer_values import JsonAnswer, NoAnswer, each

_ENDS: Final = {"opening_minor": "minor?", "closing_minor": "minor?"}
_TRANSFER: Final = {
    "amount_minor": "minor",
    "currency": "currency",
    "references": ["text"],
    **each("text", "end_to_end counterparty iban text"),
}
BANK: Final[Mapping[str, JsonAnswer | NoAnswer]] = {
    "statement": JsonAnswer(
        {
            "dry_run": "flag",
            "files": [
                {
                    "file": "text",
                    "state": "code",
                    "known": "flag",
                    "reason": "text",
                    "code": "code?",
                    **each("text", "format account currency"),
                    **_ENDS,
                    "gaps": ["text"],
                    "statements": [
                        {
                            **each("text", "account currency id"),
                            "kind": "code",
                            **each("count", "number left_out"),
                            **_ENDS,
                            "opening_on": "day?",
                            "closing_on": "day?",
                        }
                    ],
                    "entries": [
                        {
                            "statement": "count",
                            "date": "day?",
                            "value_date": "day?",
                            "amount_minor": "minor",
                            "currency": "text",
                            "references": ["text"],
                            **each("text", "bank_reference counterparty iban text code unclear"),
                            "reversal": "flag",
                            "transactions": [
                                {
                                    **_TRANSFER,
                                    "currency": "text",
                                    "returned": "flag",
                                    "credit": "count?",
                                    "decided": "code?",
                                    "why": "text",
                                    "account": "id?",
                                }
                            ],
                        }
                    ],
                }
            ],
        }
    ),
    "bank queue": JsonAnswer(
        [
            {
                "credit": "count",
                "date": "day",
                **_TRANSFER,
                "why": "text",
                "suggestions": [{"account": "id", "invoices": ["text"], "score": "count", "reasons": ["text"]}],
                "may_take_back": ["count"],
            }
        ]
    ),
    **dict.fromkeys(
        ("bank match", "bank split", "bank return", "bank undo", "bank ignore"),
        NoAnswer("it does one thing; the exit code says whether it was done, the code in brackets why not"),
    ),
}
"""As ANSWERS, of which they are a part."""
