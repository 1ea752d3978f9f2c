"""What is told to the operator's systems: of each fact, which event it is, or why nobody outside cares."""

from arrears.core.events.event import AccountEvent, event_of, matches, number_of_event, wanted_types
from arrears.core.events.saying import EventNames
from arrears.core.events.table import EVENTS, FACT_KINDS, KEPT_INSIDE, SYSTEM_KEPT_INSIDE, EventRow, row_named

__all__ = [
    "EVENTS",
    "FACT_KINDS",
    "KEPT_INSIDE",
    "SYSTEM_KEPT_INSIDE",
    "AccountEvent",
    "EventNames",
    "EventRow",
    "event_of",
    "matches",
    "number_of_event",
    "row_named",
    "wanted_types",
]
