"""What is told to the operator's systems: of each fact, which event it is, or why nobody outside cares."""

from arrears.core.events.event import Event, event_of, matches, number_of_event
from arrears.core.events.saying import EventNames
from arrears.core.events.table import EVENTS, FACT_KINDS, NOT_TOLD, SYSTEM_NOT_TOLD, EventRow, row_named

__all__ = [
    "EVENTS",
    "FACT_KINDS",
    "NOT_TOLD",
    "SYSTEM_NOT_TOLD",
    "Event",
    "EventNames",
    "EventRow",
    "event_of",
    "matches",
    "number_of_event",
    "row_named",
]
