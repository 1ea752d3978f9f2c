"""The message in short English sentences: for simulation, replay and tests, where nobody reads mail, and where a
layout for each of a million messages would be made for nothing."""

from __future__ import annotations

from typing import Final, NamedTuple

from arrears.core.account import Action
from arrears.core.closed import closed
from arrears.core.messages.content import Content
from arrears.core.messages.kinds import KINDS, Dated
from arrears.core.money import format_amount

_WILL: Final = closed(
    "words of what will be done",
    Action,
    {
        Action.RESTRICT: "the service is restricted",
        Action.DISABLE: "the service stops",
        Action.DELETE: "the data is deleted",
    },
)
_DONE: Final = closed(
    "words of what was done",
    Action,
    {Action.RESTRICT: "restricted", Action.DISABLE: "disabled", Action.DELETE: "deleted"},
)


class PlainWords(NamedTuple):
    """See ports.MessageText."""

    subject: str
    text: str
    html: str = ""
    language: str = "en"


class PlainWriter:
    """See ports.Writer."""

    def render(self, content: Content) -> PlainWords:
        """What is owed, what will happen when, and what happened."""
        lines = []
        is_past = KINDS[content.kind].dated is Dated.PAST
        for dated in content.actions:
            if is_past:
                lines.append(f"{dated.service} was {_DONE[dated.action]} on {dated.on}.")
            else:
                lines.append(f"{dated.service}: {_WILL[dated.action]} on {dated.on} unless everything is paid.")
        lines += [f"{service} does not come back by paying." for service in content.stays]
        lines += [f"{dated.service}: deleted on {dated.on}." for dated in content.ends]
        for line in content.debts:
            amount = format_amount(line.open_minor, line.currency)
            lines.append(f"Invoice {line.number}, due {line.due_on}: {amount} open.")
        for total in content.sums:
            lines.append(f"In total: {format_amount(total.minor, total.currency)}.")
        for paid in content.paid:
            lines.append(f"Received: {format_amount(paid.minor, paid.currency)}.")
        if content.services:
            lines.append(f"About: {', '.join(content.services)}.")
        if content.expires_on is not None:
            lines.append(f"{content.card or 'It'} is valid until {content.expires_on}.")
        return PlainWords(content.kind.replace("_", " "), "\n".join([*lines, content.link]))


class BriefWriter:
    """Only what will happen when: all that a simulated mailbox is asked for."""

    def render(self, content: Content) -> PlainWords:
        """One line for each date."""
        return PlainWords(
            content.kind,
            "\n".join(f"{dated.service}: {_WILL[dated.action]} on {dated.on}" for dated in content.actions),
        )
