"""Other processes of this machine that do a share of the work.

They are of one command and end with it, however it ends: each looks after the process that it works for. Nothing is
theirs alone: whoever gives them work keeps what it was made of.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from arrears.core.errors import Refused
from arrears.core.parallel import Meanwhile, OrderedMap, map_here, nothing

T = TypeVar("T")
R = TypeVar("R")

PROCESSES_MAX: Final = 3
"""More have nothing to do: one PostgreSQL connection writes what three decide."""
_AHEAD: Final = 1
"""So many items beyond one for each process wait for the next that is free."""
_MEANWHILE_SECONDS: Final = 0.005


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def several_processes(loaded: Sequence[str], count: int | None = None) -> Iterator[OrderedMap]:
    """An OrderedMap over so many processes (by default one a core, at most PROCESSES_MAX), which have these modules
    loaded. Where there is one core, or no process can be started, it is `map_here`.

    Raises Refused `process_ended` where one of them ends before its work is done."""
    wanted = min(cores(), PROCESSES_MAX) if count is None else count
    pool = _started(loaded, wanted) if wanted > 1 else None
    if pool is None:
        yield map_here
        return
    try:
        yield _Processes(pool, wanted)
    except BrokenProcessPool:
        way = "most often there is too little memory; run it again"
        raise Refused("process_ended", f"a process that did a part of the work was ended from outside: {way}") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _started(loaded: Sequence[str], count: int) -> ProcessPoolExecutor | None:
    try:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, *loaded])
        pool = ProcessPoolExecutor(count, context, _begin)
        pool.submit(nothing).result()
    except (BrokenProcessPool, ImportError, NotImplementedError, OSError, ValueError):
        return None
    return pool


def _begin() -> None:
    """What a process does first: leave Ctrl-C to the one that it works for, and end when that has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
    parent = multiprocessing.parent_process()
    assert parent is not None, "this is a process of another"

    def end_with_it() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()


_work: tuple[bytes, Callable[[Any, Meanwhile], Any]] = (b"", lambda item, meanwhile: item)
"""The work of this process as it was told, and as it was read."""


def _do(told: bytes, item: Any) -> Any:
    global _work
    if _work[0] != told:
        _work = (told, pickle.loads(told))
    return _work[1](item, nothing)


class _Processes:
    """See parallel.OrderedMap."""

    def __init__(self, pool: ProcessPoolExecutor, count: int) -> None:
        self._pool = pool
        self._count = count

    def __call__(
        self, work: Callable[[T, Meanwhile], R], items: Iterable[T], meanwhile: Meanwhile = nothing
    ) -> Iterator[R]:
        told = pickle.dumps(work)
        under_way: deque[Future[R]] = deque()
        for item in items:
            under_way.append(self._submitted(told, item))
            while len(under_way) > self._count + _AHEAD or (under_way and under_way[0].done()):
                yield _answer(under_way.popleft(), meanwhile)
        while under_way:
            yield _answer(under_way.popleft(), meanwhile)

    def _submitted(self, told: bytes, item: Any) -> Future[Any]:
        try:
            return self._pool.submit(_do, told, item)
        except OSError as error:
            # A process was to be started in place of one that has just ended, while the pool took itself down for that.
            raise BrokenProcessPool("a process could not be started") from error


def _answer(future: Future[R], meanwhile: Meanwhile) -> R:
    while True:
        meanwhile()
        try:
            return future.result(_MEANWHILE_SECONDS)
        except TimeoutError:
            if future.done():  # just now, or its work ran into a timeout of its own
                return future.result()
