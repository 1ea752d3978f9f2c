"""Work done on a Dask cluster, for books beyond one machine: with the extra `arrears[cluster]`.

Only accounts' states go there, without names and addresses, and nothing is kept there. Dask itself asks nobody who they
are: a cluster belongs in a network of its own, or behind TLS (`tls://`), as Dask's own configuration says how.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final, TypeVar

from arrears.core.errors import Refused
from arrears.core.parallel import Meanwhile, OrderedMap, nothing

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")

WAIT_SECONDS: Final = 10
_AHEAD: Final = 2
"""So many items for each thread of the cluster are under way or wait there."""
_MEANWHILE_SECONDS: Final = 0.05


@contextmanager
def on_cluster(address: str) -> Iterator[OrderedMap]:
    """An OrderedMap over the workers of the scheduler at this address (`tcp://HOST:PORT`, `tls://HOST:PORT`).

    Raises Refused: `no_cluster_extra` where Dask is not installed here, `cluster_unreachable`, `cluster_differs` where
    a worker has another version of arrears or none, `cluster_failed` where work was lost."""
    try:
        from distributed import Client
        from distributed.client import FutureCancelledError
        from distributed.comm import get_address_host_port
        from distributed.scheduler import KilledWorker
    except ImportError:
        way = "install it with `pip install 'arrears[cluster]'`"
        raise Refused("no_cluster_extra", f"Dask is not installed here; {way}") from None
    try:
        # Read first: a client that was half made for what is no address complains for itself when it is thrown away.
        get_address_host_port(address)
        client = Client(address, timeout=WAIT_SECONDS, set_as_default=False)
    except (OSError, ValueError, ImportError, OverflowError) as error:
        said = " ".join(str(error).split())[:200]
        raise Refused("cluster_unreachable", f"no Dask scheduler answers at {address[:200]}: {said}") from None
    try:
        _same_everywhere(client, address)
        yield _Cluster(client)
    except (KilledWorker, FutureCancelledError, OSError) as error:
        said = " ".join(str(error).split())[:200]
        raise Refused("cluster_failed", f"the cluster at {address[:200]} has lost work: {said}; run it again") from None
    finally:
        client.close()


def _same_everywhere(client: Client, address: str) -> None:
    found = client.run(_release)
    if not found:
        raise Refused("cluster_unreachable", f"the scheduler at {address[:200]} has no workers; start some")
    here = _here()
    others = sorted(worker for worker, release in found.items() if release != here)
    if others:
        why = f"has another version of arrears than {here}, or none; install that there"
        raise Refused("cluster_differs", f"the worker {others[0]} {why}")


def _here() -> str:
    return version("arrears")


def _release() -> str:
    """The version of arrears where this runs; empty where there is none."""
    try:
        return version("arrears")
    except PackageNotFoundError:
        return ""


def _do(work: Callable[[Any, Meanwhile], Any], item: Any) -> Any:
    return work(item, nothing)


class _Cluster:
    """See parallel.OrderedMap. What is done twice, since a worker was lost, comes to the same."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(
        self, work: Callable[[T, Meanwhile], R], items: Iterable[T], meanwhile: Meanwhile = nothing
    ) -> Iterator[R]:
        told = self._client.scatter(work, broadcast=True, hash=False)
        most = _AHEAD * max(1, sum(self._client.nthreads().values()))
        under_way: deque[Future[Any]] = deque()
        for item in items:
            under_way.append(self._client.submit(_do, told, item, pure=False))
            while len(under_way) > most or (under_way and under_way[0].done()):
                yield _answer(under_way.popleft(), meanwhile)
        while under_way:
            yield _answer(under_way.popleft(), meanwhile)


def _answer(future: Future[Any], meanwhile: Meanwhile) -> Any:
    # Not by short timeouts of its own: an answer that comes just then is lost (distributed 2026.8).
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    meanwhile()
    while not done.wait(_MEANWHILE_SECONDS):
        meanwhile()
    return future.result()
