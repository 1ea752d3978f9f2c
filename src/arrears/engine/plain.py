"""The message in short English sentences: for simulation, replay and tests, where nobody reads mail, and where a
layout for each of a million messages would be made for nothing."""

from __future__ import annotations

from typing import Final, NamedTuple

from arrears.core.account import Action
from arrears.core.messages.content import Content, Kind
from arrears.core.money import format_amount

_WILL: Final = {
    Action.RESTRICT: "the service is restricted",
    Action.DISABLE: "the service stops",
    Action.DELETE: "the data is deleted",
}
_DONE: Final = {Action.RESTRICT: "restricted", Action.DISABLE: "disabled", Action.DELETE: "deleted"}


class PlainWords(NamedTuple):
    """See ports.Words."""

    subject: str
    text: str
    html: str = ""
    language: str = "en"


class PlainWriter:
    """See ports.Writer."""

    def render(self, content: Content) -> PlainWords:
        """What is owed, what will happen when, and what happened."""
        lines = []
        happened = content.kind in (Kind.STOPPED, Kind.DELETED)
        for cut in content.cuts:
            if happened:
                lines.append(f"{cut.service} was {_DONE[cut.action]} on {cut.on}.")
            else:
                lines.append(f"{cut.service}: {_WILL[cut.action]} on {cut.on} unless everything is paid.")
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
            lines.append(f"{content.card} is valid until {content.expires_on}.")
        return PlainWords(content.kind.replace("_", " "), "\n".join([*lines, content.link]))


class BriefWriter:
    """Only what will happen when: all that a simulated mailbox is asked for."""

    def render(self, content: Content) -> PlainWords:
        """One line for each date."""
        return PlainWords(
            content.kind, "\n".join(f"{cut.service}: {_WILL[cut.action]} on {cut.on}" for cut in content.cuts)
        )
