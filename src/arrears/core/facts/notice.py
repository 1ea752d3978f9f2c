"""A message to the account: the parts it has, what they say, and how they stand in the journal.

The journal is hashed, so the text of a notice never changes: it has one field for each kind of part (STORED), and is
translated where facts are written and read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar, get_args

import msgspec
from msgspec.structs import replace

from arrears.core.account import Action
from arrears.core.announcements import Announcement
from arrears.core.closed import closed
from arrears.core.facts.base import Fact


class RemindedDebt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rung of one debt, and those that were overtaken. `reopened` is the fact by which its money left again or its
    due date moved, 0 where that never was: each such time has rungs of its own."""

    debt: int
    step: int
    skipped: tuple[int, ...] = ()
    reopened: int = 0


class Reminder(msgspec.Struct, frozen=True, omit_defaults=True):
    """The reminder of one day: `debts` says what it is for. `step` and `skipped` are those of the debt that is furthest
    on the ladder; in a journal that names no debts they are rungs of the case, for all that is past due."""

    case: int
    step: int
    skipped: tuple[int, ...] = ()
    debts: tuple[RemindedDebt, ...] = ()


class Warning(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rung of the warnings before an action. `late`: no earlier one was accepted in time; staff get a task. `on`
    is the local day by the action's own clock where that is not the day of the message: a service end keeps its
    zone."""

    subscription: int
    generation: int
    action: Action
    step: int
    promised_on: date
    late: bool = False
    on: date | None = None


class Told(msgspec.Struct, frozen=True):
    """Something that happened, told on the morning after."""

    subscription: int
    what: str
    on: date


class Expiring(msgspec.Struct, frozen=True):
    """A card that pays for something and whose last day is near; `days` is the rung of 60, 30 and 7 days ahead."""

    method: int
    days: int
    expires_on: date


NoticePart = Reminder | Warning | Told | Expiring | Announcement
"""What one message can say. Whoever takes a notice apart ends with `assert_never`, so that no kind is forgotten."""

Part = TypeVar("Part", Reminder, Warning, Told, Expiring, Announcement)


class Noticed(Fact, frozen=True, tag="noticed"):
    """One message to the account: everything there was to say this local day. The parts are in the order of STORED
    (`notice_of` sees to it), and at most one of them is a reminder."""

    on: date
    parts: tuple[NoticePart, ...]
    at_once: bool = False

    def each(self, kind: type[Part]) -> tuple[Part, ...]:
        """The parts of one kind, in their order."""
        return tuple([part for part in self.parts if isinstance(part, kind)])


class StoredPart(NamedTuple):
    """The field of a stored notice that holds the parts of one kind: a list, or the only one there can be."""

    field: str
    alone: bool = False


STORED: Final[Mapping[type[NoticePart], StoredPart]] = closed(
    "the stored parts of a notice",
    get_args(NoticePart),
    {
        Reminder: StoredPart("reminder", alone=True),
        Warning: StoredPart("warnings"),
        Told: StoredPart("told"),
        Expiring: StoredPart("expiring"),
        Announcement: StoredPart("announced"),
    },
)
"""Where each kind of part stands in the journal, in this order; a new kind goes to the end."""

_PLACES: Final = {kind: place for place, kind in enumerate(STORED)}


def notice_of(on: date, parts: Iterable[NoticePart], at_once: bool = False) -> Noticed:
    """The notice with these parts, those of one kind together and in the order they came in; of several reminders it
    has one, of all their debts."""
    reminder: Reminder | None = None
    others: list[NoticePart] = []
    for part in parts:
        if isinstance(part, Reminder):
            reminder = part if reminder is None else _together(reminder, part)
        else:
            others.append(part)
    found = others if reminder is None else [reminder, *others]
    return Noticed(on=on, parts=tuple(sorted(found, key=lambda part: _PLACES[type(part)])), at_once=at_once)


def _together(one: Reminder, other: Reminder) -> Reminder:
    """The reminders of several debts are one, named after the debt that is furthest on the ladder."""
    first = max(one, other, key=lambda reminder: reminder.step)
    return replace(first, debts=tuple(sorted((*one.debts, *other.debts), key=lambda part: part.debt)))


def _fields() -> Iterator[tuple[str, Any] | tuple[str, Any, Any]]:
    yield "on", date
    for kind, (field, alone) in STORED.items():
        yield (field, kind | None, None) if alone else (field, tuple[kind, ...], ())  # type: ignore[valid-type]
        if kind is Told:  # its place among the parts is hashed too
            yield "at_once", bool, False


StoredNotice: Final[Any] = msgspec.defstruct(
    "StoredNotice", _fields(), frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="noticed"
)
"""A notice as it stands in the journal."""


def to_stored(notice: Noticed) -> msgspec.Struct:
    """The notice in the form of the journal."""
    held: dict[str, Any] = {}
    for part in notice.parts:
        field, alone = STORED[type(part)]
        assert not alone or field not in held, f"a second {field} in one notice"
        held[field] = part if alone else (*held.get(field, ()), part)
    stored: msgspec.Struct = StoredNotice(on=notice.on, at_once=notice.at_once, **held)
    return stored


def from_stored(stored: Any) -> Noticed:
    """The notice that stands in the journal."""
    parts: list[NoticePart] = []
    for field, alone in STORED.values():
        held = getattr(stored, field)
        if alone:
            parts += [] if held is None else [held]
        else:
            parts += held
    return Noticed(on=stored.on, parts=tuple(parts), at_once=stored.at_once)
