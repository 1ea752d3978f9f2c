"""How long the links last that let somebody do something without a sign-in, all of them. A pay link lasts as long as
its case (spec, section 7), and the page of a payment provider as long as that provider lets it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from arrears.core.closed import closed


class TimedLink(StrEnum):
    """A link with a last moment: it confirms a contact address, or that somebody asked for help; opens the conversation
    of a visitor; lets an invited person in; or sets a new password."""

    ADDRESS = "address"
    HELP = "help"
    CONVERSATION = "conversation"
    INVITATION = "invitation"
    NEW_PASSWORD = "new_password"


LASTS: Final[Mapping[TimedLink, timedelta]] = closed(
    "how long links last",
    TimedLink,
    {
        # Long enough for a week away; who comes later asks for another.
        TimedLink.ADDRESS: timedelta(days=7),
        TimedLink.HELP: timedelta(days=7),
        TimedLink.INVITATION: timedelta(days=7),
        # As long as data is kept; each answer brings a new one.
        TimedLink.CONVERSATION: timedelta(days=90),
        # NIST SP 800-63B-4 lets a link by mail be good for a day.
        TimedLink.NEW_PASSWORD: timedelta(days=1),
    },
)
"""Each from the moment at which it was asked for."""
