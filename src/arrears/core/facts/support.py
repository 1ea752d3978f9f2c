"""Facts about support requests. They carry numbers only: what people write, and who they are, is in rows that can be
erased."""

from __future__ import annotations

import msgspec

from arrears.core.facts.base import Fact
from arrears.core.support import About, Via


class SupportOpened(Fact, frozen=True, tag="support_opened"):
    """A person asks for help. `holds` are the holds that were placed for it, in this case (`case`, see
    support.bracket). `tell`: its arrival is told through the account's own mail."""

    request: int
    about: About
    via: Via
    case: int
    person: int = 0
    holds: tuple[int, ...] = ()
    tell: bool = False


class SupportSaid(Fact, frozen=True, tag="support_said"):
    """The person has written more."""

    request: int


class SupportAnswered(Fact, frozen=True, tag="support_answered"):
    """Staff have answered; `person` 0 stands for the administrator."""

    request: int
    person: int = 0
    tell: bool = False


class SupportClosed(Fact, frozen=True, tag="support_closed"):
    """Nothing is left to do. What was held stays held, and no date moves."""

    request: int


class LateOrder(msgspec.Struct, frozen=True):
    """An order to run again that nobody has acknowledged in time; `given_seq` is the fact that gave it."""

    subscription: int
    generation: int
    order_no: int
    given_seq: int


class ResumeLate(Fact, frozen=True, tag="resume_late"):
    """What should run again does not after 24 hours: a support request opens by itself, named by this fact."""

    orders: tuple[LateOrder, ...]
