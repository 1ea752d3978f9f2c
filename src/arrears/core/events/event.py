"""One event: a fact with its place in the order in which all of them became known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from arrears.core.errors import Refused
from arrears.core.events.saying import EventNames, instant
from arrears.core.events.table import EVENTS, row_named
from arrears.core.facts import Recorded
from arrears.core.ids import ACCOUNT, format_id

PREFIX = "evt_"


class AccountEvent(NamedTuple):
    """An event as everybody gets it. `no` is its place among all events, and the cursor of whoever reads on after it;
    `body` its JSON text, the same by webhook and by request."""

    no: int
    type: str
    account: int
    body: str

    @property
    def id(self) -> str:
        """Its name, the same each time it is delivered."""
        return f"{PREFIX}{self.no}"


def event_of(no: int, recorded: Recorded, ref: str, zone: str, of: EventNames) -> AccountEvent:
    """The event that a fact is. `ref` and `zone` are the account's own: what the operator calls it, and the zone of the
    days in the body where that names no other. Raises KeyError for a fact that is none."""
    row = EVENTS[type(recorded.fact)]
    said: dict[str, Any] = {
        "id": f"{PREFIX}{no}",
        "type": row.type,
        "version": row.version,
        "timestamp": instant(recorded.at),
        "account": format_id(ACCOUNT, recorded.account),
        "account_ref": ref,
        "zone": zone,
        "sequence": recorded.seq,
        "author": recorded.author,
        "data": row.body(recorded.fact, of),
    }
    return AccountEvent(no, row.type, recorded.account, msgspec.json.encode(said).decode())


def matches(wanted: Sequence[str], kind: str) -> bool:
    """Whether a type of event is wanted: by its name, by its subject with a star (`payment.*`), or as nothing is named,
    which is all."""
    return not wanted or any(
        one == kind or (one.endswith(".*") and kind.startswith(one.removesuffix("*"))) for one in wanted
    )


def wanted_types(texts: Sequence[str]) -> tuple[str, ...]:
    """Types of events as somebody names them, `payment.settled` or `invoice.*`; refuses `bad_event_type`."""
    subjects = {row.type.partition(".")[0] for row in EVENTS.values()}
    for one in texts:
        if row_named(one) is None and not (one.endswith(".*") and one.removesuffix(".*") in subjects):
            raise Refused(
                "bad_event_type",
                f"{one[:60]!r} is no type of event; `arrears events types` lists them, and 'invoice.*' is all of one"
                " subject",
            )
    return tuple(texts)


def number_of_event(text: str) -> int:
    """The place that a cursor names: `evt_12`, or the bare number; refuses `bad_cursor`."""
    bare = text.removeprefix(PREFIX)
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= 18):
        raise Refused("bad_cursor", f"{text[:60]!r} is no cursor: give the id of the last event that you have, or 0")
    return int(bare)
