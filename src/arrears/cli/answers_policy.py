"""What a policy's dry run answers a script (see answers.py)."""

from __future__ import annotations

from typing import Final

from arrears.cli.answer_values import each

DRY_RUN: Final = {
    **each("text", "policy version"),
    "before": "text?",
    "at": "at",
    **each("count", "days accounts in_arrears doubted changed"),
    "actions": [{"action": "code", **each("count", "before after fewer more later earlier")}],
    "notices": each("count", "before after"),
    "owed_when_disabled": {"*": each("minor", "before after")},
    "differences": [{"account": "id", "subscription": "id", "action": "code", "before": "day?", "after": "day?"}],
    "digests": ["text"],
}
