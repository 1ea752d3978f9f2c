"""What a member of staff may do: a role is a set of acts, and every page of the console names the act that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from arrears.core.closed import closed
from arrears.core.errors import Refused


class StaffRole(StrEnum):
    """What somebody is among the operator's people."""

    VIEWER = "viewer"
    AGENT = "agent"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"


class StaffAct(StrEnum):
    """What is done in the console. `LOOK` changes nothing; `SERVE` acts on an account, as support and billing do;
    `APPROVE` is one of the two that something irrevocable takes; `MANAGE` says who is staff."""

    LOOK = "look"
    SERVE = "serve"
    APPROVE = "approve"
    MANAGE = "manage"


MAY: Final[Mapping[StaffRole, frozenset[StaffAct]]] = closed(
    "what each role of staff may do",
    StaffRole,
    {
        StaffRole.VIEWER: frozenset({StaffAct.LOOK}),
        StaffRole.AGENT: frozenset({StaffAct.LOOK, StaffAct.SERVE}),
        StaffRole.APPROVER: frozenset({StaffAct.LOOK, StaffAct.SERVE, StaffAct.APPROVE}),
        StaffRole.ADMINISTRATOR: frozenset(StaffAct),
    },
)


def staff_role(text: str) -> StaffRole:
    """The role of this name; refuses `bad_role`, naming those that there are."""
    try:
        return StaffRole(text)
    except ValueError:
        raise Refused("bad_role", f"{text[:60]!r} is not a role; give one of {', '.join(StaffRole)}") from None
