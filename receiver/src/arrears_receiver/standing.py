"""What may be done with a subscription now. Whoever cannot know allows: arrears being away disables nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, NamedTuple

from arrears_receiver.book import Book

log = logging.getLogger("arrears_receiver")

_MAY: Final = {
    "active": (True, True, True),
    "past_due": (True, True, True),
    "restricted": (True, True, False),
    "disabled": (True, True, False),
    "deleted": (False, False, False),
}
"""By state: read, delete one's own, create, change or start."""


class Standing(NamedTuple):
    """`state` is one of arrears' or `unknown`; `source` is `arrears`, `last_known` or `none`."""

    state: str
    read: bool
    delete: bool
    change: bool
    source: str


def standing_of(book: Book, subscription: str, ask: Callable[[str], str | None] | None = None) -> Standing:
    """What may be done with a subscription: as arrears says now, where `ask` is given and answers with a state; else by
    the orders that were carried out; where there was none, everything, as `unknown`. `ask` may raise what it wants, and
    should give up soon."""
    state, source = None, "arrears"
    if ask is not None:
        try:
            state = ask(subscription)
        except Exception as error:
            log.warning("arrears does not say how %s stands: %s: %s", subscription, type(error).__name__, error)
    if state not in _MAY:
        known = book.known(subscription)
        state, source = (known.state, "last_known") if known is not None else (None, "none")
    if state not in _MAY:
        return Standing("unknown", True, True, True, "none")
    return Standing(state, *_MAY[state], source)
