"""Bad days on purpose: mail that is refused or lost, services that take their time, and doubts of the whole system.

Everything is drawn from the seed and from the name of the thing, never from the order in which things happen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zlib import crc32

from arrears.core.policy import Policy, load_policy
from arrears.ports import Delivery, Fate, Message, Obeyed, Order

POLICY_TEXTS: Final = {
    "default": 'name = "default"\n[delete]\nretention_days = 90\n',
    "stepwise": (
        'name = "stepwise"\n[remind]\ndays = [0, 2, 5]\n'
        "[restrict]\nafter_days = 14\nwarning_days = [6, 10]\nlead_days = 5\n"
        "[disable]\nafter_days = 28\nwarning_days = [15, 20]\nlead_days = 7\n"
        "[delete]\nretention_days = 45\nwarning_days = [10, 30, 40]\nlead_days = 7\ncool_off_hours = 30\n"
    ),
    "whole": 'name = "whole"\nscope = "account"\nnotice_at = "10:30"\n[delete]\nretention_days = 60\n'
    "warning_days = [30, 50]\n",
    "patient": (
        'name = "patient"\n[delete]\nretention_days = 90\n'
        "[tolerance]\nEUR = 200\nUSD = 300\nJPY = 250\nKWD = 100\n"
        "[minimum]\nEUR = 9000\nUSD = 20000\nJPY = 9000\nKWD = 15000\n"
    ),
    "lenient": (
        'name = "lenient"\n[remind]\ndays = [0, 5, 30]\n[restrict]\nafter_days = 11\nwarning_days = [4]\n'
        '[disable]\nafter_days = "never"\n[delete]\nretention_days = 35\nwarning_days = [12, 20]\n'
    ),
    "weekdays": (
        'name = "weekdays"\nbusiness_days = true\nholidays = "NL"\n[restrict]\nafter_days = 15\nwarning_days = [5, 8]\n'
        "[disable]\nafter_days = 25\nwarning_days = [16, 18]\n[delete]\nretention_days = 32\n"
        "warning_days = [2, 20]\n"
    ),
    "keeper": 'name = "keeper"\n[delete]\nretention_days = "never"\n',
    "brisk": (
        'name = "brisk"\n[remind]\ndays = [0, 1]\n'
        "[restrict]\nafter_days = 9\nwarning_days = [2]\nlead_days = 7\n"
        "[disable]\nafter_days = 12\nwarning_days = [3, 4]\nlead_days = 8\n"
        "[delete]\nretention_days = 30\nwarning_days = [1, 20]\nlead_days = 10\n"
    ),
}

RENEWED: Final = (
    'name = "default"\n[remind]\ndays = [0, 4, 9]\n[disable]\nafter_days = 35\nwarning_days = [20, 30]\n'
    "[delete]\nretention_days = 40\nwarning_days = [10, 30]\n"
)
"""What the operator makes of the default policy one day; running cases keep the old one."""


def policies() -> list[Policy]:
    """The handful that accounts choose from."""
    return [load_policy(text, where=name) for name, text in POLICY_TEXTS.items()]


def _drawn(seed: int, name: str, of: int) -> int:
    return crc32(f"{seed}/{name}".encode()) % of


class FlakyChannel:
    """Mail that is mostly accepted, sometimes refused, sometimes of unknown fate. Some accounts hardly read any."""

    def __init__(self, seed: int, now: Callable[[], datetime], deaf: frozenset[int]) -> None:
        self._seed = seed
        self._now = now
        self._deaf = deaf
        self.accepted: dict[int, list[tuple[datetime, Message]]] = {}
        self.refused = 0
        self.unknown = 0

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        # By account, fact and number: what its name ends with is random, and a seed decides a whole world.
        letter = message.id.split("-")[:3]
        account = int(letter[0][1:])
        lot = _drawn(self._seed, "-".join(letter), 100)
        if lot < (80 if account in self._deaf else 3):
            self.refused += 1
            return Delivery(Fate.REFUSED)
        if lot > 98:
            self.unknown += 1
            return Delivery(Fate.UNKNOWN)
        self.accepted.setdefault(account, []).append((self._now(), message))
        return Delivery(Fate.ACCEPTED)

    def look_up(self, message_id: str) -> Fate:
        """See ports.Channel. In one process nobody dies half-way."""
        return Fate.NOT_SENT


class SlowServices:
    """Services that obey; one order in twelve takes them up to two days. They drop what they have seen."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asked: dict[str, datetime] = {}
        self.state: dict[tuple[int, int], str] = {}
        self.off_since: dict[tuple[int, int], datetime] = {}
        self._newest: dict[tuple[int, int], int] = {}
        self.slow = 0
        self.out_of_order = 0

    def order(self, order: Order, now: datetime) -> Obeyed | None:
        """See ports.Services."""
        key = (order.account, order.subscription)
        first = self._asked.get(order.id)
        if first is None:
            if order.command == "resume":
                self.off_since.pop(key, None)
            elif order.command == "disable":
                self.off_since[key] = now
            first = self._asked[order.id] = now
            self.slow += _drawn(self._seed, order.id, 12) == 0
        if _drawn(self._seed, order.id, 12) == 0 and now < first + timedelta(
            hours=_drawn(self._seed, f"{order.id}/hours", 48)
        ):
            return None
        newest = self._newest.get(key, 0)
        if order.number < newest:
            self.out_of_order += 1
        elif order.number > newest:
            self._newest[key] = order.number
            self.state[key] = order.command
        return Obeyed(now)


class FeedStale(NamedTuple):
    """The bank's statements stay away for some hours."""

    hours: int


class FeedFresh(NamedTuple):
    """They are back."""


class BreakerOpens(NamedTuple):
    """Too many declines: every cut waits for some hours."""

    hours: int


class BreakerCloses(NamedTuple):
    """The storm is over."""


class Outage(NamedTuple):
    """The engine stands still; `doors_open` says whether commands are taken meanwhile."""

    hours: int
    doors_open: bool


class LookUp(NamedTuple):
    """Whoever drives attempts looks at what is open, as the sweep does for real."""


class Confirm(NamedTuple):
    """A person says that the time is right."""


class Adopt(NamedTuple):
    """The operator puts a new version of a policy in force."""

    text: str


SystemEvent = FeedStale | FeedFresh | BreakerOpens | BreakerCloses | Outage | LookUp | Confirm | Adopt


def bad_days(seed: int, start: datetime, days: int) -> Iterator[tuple[datetime, SystemEvent]]:
    """What befalls the whole installation in this world."""
    rng = random.Random(f"{seed}/installation")

    def some(every_days: int) -> Iterator[datetime]:
        for _ in range(rng.randrange(1 + round(2 * days / every_days))):
            yield start + timedelta(hours=rng.randrange(24 * days))

    for at in some(80):
        yield at, FeedStale(rng.randrange(2, 24 * 6))
    for at in some(150):
        yield at, BreakerOpens(rng.randrange(1, 48))
    for at in some(120):
        yield at, Outage(rng.randrange(24, 24 * 12), doors_open=False)
    for at in some(60):
        yield at, Outage(rng.randrange(2, 24), doors_open=True)
    if rng.random() < 0.4:
        yield start + timedelta(days=rng.randrange(days), hours=3), Adopt(RENEWED)
