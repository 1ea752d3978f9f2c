"""The demo's world: a customer whose story is told, and time that passes as fast as somebody wants.

Its clock runs as the real one does and can be moved ahead. Nothing is skipped then: the clock goes from one instant at
which something is due to the next, and what is due is done there, as in a year of simulation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from arrears.cli.demo_service import ExampleService
from arrears.cli.explain import explanation, sentences
from arrears.cli.timeline import timeline_lines
from arrears.core.ids import ACCOUNT, format_id
from arrears.engine.courier import POLL_SECONDS
from arrears.engine.drift import DriftWatch
from arrears.sim.stage import TICK_EVERY, Stage
from arrears.web.logs import CourierLog
from arrears.wiring import AheadClock, Installation, RealClock

ZONE: Final = "Europe/Amsterdam"
PASSWORD: Final = "bread and butter pudding"
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


class Carrying:
    """What `arrears worker` does beside its runs: orders go to the service, and it is asked what it is in. It rests
    while the clock is moved, which does the same at each instant on the way."""

    def __init__(self, live: Installation) -> None:
        self._live, self._at_work = live, ExitStack()

    @contextmanager
    def working(self) -> Iterator[None]:
        """At work until the end of the block."""
        self._begin()
        try:
            yield
        finally:
            self._at_work.close()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Nothing is under way within the block."""
        self._at_work.close()
        try:
            yield
        finally:
            self._begin()

    def _begin(self) -> None:
        live, log = self._live, CourierLog()
        self._at_work.enter_context(live.courier().working_beside(POLL_SECONDS, log))
        drift = DriftWatch(live.store, live.transport(), live.clock, RealClock())
        self._at_work.enter_context(drift.working_beside(log))


class PlayedWorld:
    """See web/demo_handler.py. `begin` opens the next customer's account; whoever holds `moving` is alone in letting
    anything happen, so that a worker does nothing while the clock is moved."""

    zone = ZONE
    password = PASSWORD

    def __init__(
        self,
        live: Installation,
        clock: AheadClock,
        service: ExampleService,
        account: int,
        begin: Begin,
        moved_from: datetime | None = None,
    ) -> None:
        self._live, self._clock, self._service, self._begin = live, clock, service, begin
        self.carrying = Carrying(live)
        self.account = account
        self.moved_from = moved_from or live.store.history(account)[0].at
        self.moving = threading.Lock()
        self.year_under_way: Callable[[], bool] = lambda: False

    def now(self) -> datetime:
        """See DemoWorld in web/demo_handler.py; so for the others."""
        return self._clock.now()

    def pass_to(self, day: date) -> None:
        """Everything on the way happens when it is due."""
        with self.moving, self.carrying.resting():
            if ten_on(day) > self._clock.now():
                self.moved_from = self._clock.now()
                self._pass(ten_on(day))

    def begin_anew(self, language: str) -> None:
        """Two weeks pass until the new customer's bills are due and its card is declined."""
        with self.moving, self.carrying.resting():
            began = self._clock.now()
            account, due_on = self._begin(began, language)
            self._pass(ten_on(due_on))
            self.account, self.moved_from = account, began

    def _pass(self, until: datetime) -> None:
        live, courier = self._live, self._live.courier()
        outside = live.store, live.channel, live.services, self._clock.now()
        stage = Stage(
            *outside,
            limits=live.limits,
            after_step=lambda _now: courier.carry_all(),
            providers=live.providers,
            context=live.context(),
        )
        for count, instant in enumerate(self._instants(until)):
            self._clock.move_to(instant)
            stage.now = self._clock.now()
            # On the way nobody does anything at the provider: what was left there is asked for once.
            live.work_once() if count == 0 else stage.step()
        live.work_once()
        courier.carry_all()

    def service_runs(self) -> bool:
        """See DemoWorld."""
        return self._service.runs

    def stop_service(self) -> None:
        """See DemoWorld."""
        self._service.stop()

    def start_service(self) -> None:
        """See DemoWorld."""
        if not self._service.runs:
            self._service.start()
            self._service.found_again(self._live.store, self.now())

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
