"""What goes wrong, as exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class WrongField(NamedTuple):
    """What is wrong with one field of a request: its path, a stable code, and in words."""

    field: str
    code: str
    what: str


class NotReached(Exception):
    """There was no answer, however often it was tried. What was asked for may have been done all the same: asked again
    with the same `idempotency_key`, it is done once."""


class ApiProblem(Exception):
    """What the API refused (RFC 9457). `code` is stable, `request` the name that the request has in the operator's
    log, `fields` what is wrong with each field, `body` everything that was said."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status, self.body = status, body
        self.code = str(body.get("code", "unexplained"))
        self.detail = str(body.get("detail", ""))
        self.request = str(body.get("request", ""))
        self.fields = tuple(
            WrongField(str(one.get("field")), str(one.get("code")), str(one.get("what")))
            for one in body.get("fields", ())
        )
        wrong = "; ".join(f"{one.field}: {one.what}" for one in self.fields)
        super().__init__(f"{status} {self.code}: {wrong or self.detail}")
