"""The demo's world: a customer whose story is told, and time that passes as fast as somebody wants.

Its clock runs as the real one does and can be moved ahead. Nothing is skipped then: the clock goes from one instant at
which something is due to the next, and what is due is done there, as in a year of simulation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from arrears.cli.explain import explanation, sentences
from arrears.cli.timeline import timeline_lines
from arrears.core.ids import ACCOUNT, format_id
from arrears.sim.stage import TICK_EVERY, Stage
from arrears.wiring import AheadClock, Installation

ZONE: Final = "Europe/Amsterdam"
"""Of every customer of the demo."""
TEN: Final = time(10, tzinfo=ZoneInfo(ZONE))
"""When a jump arrives: letters that wait for the morning have left at nine."""
_STILL_DUE_AFTER: Final = timedelta(hours=1)
"""What is still due after it was done is looked at again so much later."""

Begin = Callable[[datetime, str], tuple[int, date]]
"""Opens another customer's account, at an instant and in a language; its number, and when its first bills are due."""


def ten_on(day: date) -> datetime:
    """Ten o'clock of a local day of the demo's customers."""
    return datetime.combine(day, TEN)


class PlayedWorld:
    """See web/demo_handler.py. `begin` opens the next customer's account; whoever holds `moving` is alone in letting
    anything happen, so that a worker does nothing while the clock is moved."""

    zone = ZONE

    def __init__(
        self, live: Installation, clock: AheadClock, account: int, begin: Begin, moved_from: datetime | None = None
    ) -> None:
        self._live, self._clock, self._begin = live, clock, begin
        self.account = account
        self.moved_from = moved_from or live.store.history(account)[0].at
        self.moving = threading.Lock()
        self.year_under_way: Callable[[], bool] = lambda: False

    def now(self) -> datetime:
        """See DemoWorld in web/demo_handler.py; so for the others."""
        return self._clock.now()

    def pass_to(self, day: date) -> None:
        """Everything on the way happens when it is due."""
        with self.moving:
            if ten_on(day) > self._clock.now():
                self.moved_from = self._clock.now()
                self._pass(ten_on(day))

    def begin_anew(self, language: str) -> None:
        """Two weeks pass until the new customer's bills are due and its card is declined."""
        with self.moving:
            began = self._clock.now()
            account, due_on = self._begin(began, language)
            self._pass(ten_on(due_on))
            self.account, self.moved_from = account, began

    def _pass(self, until: datetime) -> None:
        live = self._live
        outside = live.store, live.channel, live.services, self._clock.now()
        stage = Stage(*outside, limits=live.limits, providers=live.providers, context=live.context())
        for count, instant in enumerate(self._instants(until)):
            self._clock.move_to(instant)
            stage.now = self._clock.now()
            # On the way nobody does anything at the provider: what was left there is asked for once.
            live.work_once() if count == 0 else stage.step()
        live.work_once()

    def _instants(self, until: datetime) -> Iterator[datetime]:
        """When something is due, a clock that ticks once a day at least among it, and the end."""
        last = self._clock.now()
        while True:
            due, tick = self._live.store.next_due(), last + TICK_EVERY
            instant = min(due if due is not None and due > last else last + _STILL_DUE_AFTER if due else tick, tick)
            if instant >= until:
                break
            yield instant
            last = instant
        yield until

    def staff_view(self) -> Sequence[tuple[str, Sequence[str]]]:
        """What the commands print of the account."""
        account, store = format_id(ACCOUNT, self.account), self._live.store
        why = list(sentences(explanation(store, self.account, self.now())))
        return [
            (f"arrears explain {account}", why),
            (f"arrears timeline {account}", timeline_lines(store, self.account)),
        ]
