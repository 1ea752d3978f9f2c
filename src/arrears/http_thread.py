"""An HTTP server in a thread of this process: for the demo's pages, for tests, and for the sandbox provider."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import uvicorn


class ThreadServer(uvicorn.Server):
    """uvicorn's server, which ends when it is told to and not at its next look at the clock: tests start many."""

    _loop_and_end: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def main_loop(self) -> None:
        """uvicorn's own, ten ticks a second, until `stop`."""
        ended, tick = asyncio.Event(), 0
        self._loop_and_end = asyncio.get_running_loop(), ended
        while not await self.on_tick(tick):
            tick = (tick + 1) % 864_000
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ended.wait(), 0.1)

    def stop(self) -> None:
        """End, from another thread; kept connections of clients that are still there are not waited for."""
        self.should_exit = self.force_exit = True
        if self._loop_and_end is not None:
            loop, ended = self._loop_and_end
            with suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(ended.set)
