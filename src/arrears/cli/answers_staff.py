"""What `arrears staff` answers with `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arrears.cli.answer_values import JsonAnswer, each

_MEMBER: Final = {
    **each("text", "email name made_by"),
    **each("code", "role state"),
    "number": "count",
    "created_at": "at",
}

STAFF: Final[Mapping[str, JsonAnswer]] = {
    "staff add": JsonAnswer({**_MEMBER, "first_password": "text"}),
    "staff list": JsonAnswer([_MEMBER]),
    "staff reset": JsonAnswer({**_MEMBER, "first_password": "text"}),
}
