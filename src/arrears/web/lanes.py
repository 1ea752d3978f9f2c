"""Threads that answer requests, first come, first served. They never keep a process from ending: whatever one of them
was doing when the time to end was over is taken up as after a crash."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from arrears.core.errors import Refused

Found = TypeVar("Found")


class Lanes:
    """So many threads and one queue of at most `waiting_max` that wait for one of them."""

    def __init__(self, threads: int, waiting_max: int, name: str) -> None:
        self._waiting: Final[queue.Queue[Callable[[], None]]] = queue.Queue(waiting_max)
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._waiting.get()()

    async def run(self, asked: Callable[[], Found]) -> Found:
        """What `asked` gives, or what it raises; Refused `busy` where too many wait already."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Found] = loop.create_future()

        def answer(set_it: Callable[[], None]) -> None:
            # Who asked may be gone, and so may be the loop of a server that has ended.
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda: None if future.done() else set_it())

        def work() -> None:
            if future.cancelled():
                return
            try:
                found = asked()
            except BaseException as error:
                failed = error
                answer(lambda: future.set_exception(failed))
            else:
                answer(lambda: future.set_result(found))

        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            raise Refused("busy", "too many requests wait already") from None
        return await future
