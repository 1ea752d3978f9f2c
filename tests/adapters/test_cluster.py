"""Work on a Dask cluster comes to what it comes to here, and what is wrong with one is told in a line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from distributed import LocalCluster
from tests.stories.story import Story
from tests.stories.test_dry_run import due, slower

from arrears.adapters.books import cluster
from arrears.adapters.books.cluster import on_cluster
from arrears.core.dry_run import DryRunWork, dry_run
from arrears.core.errors import Refused
from arrears.core.guards import Guards

pytestmark = pytest.mark.turn(4)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler with two workers, each a process."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as two:
        yield two.scheduler_address


def test_a_dry_run_on_two_workers_has_the_digest_of_one_here(address: str) -> None:
    parts, policies = [], {}
    for number, day in enumerate((-1, 5, 25, 40), start=1):
        story = Story().until(day)
        policies = dict(story.store.policies())
        parts.append([due(story, number)] * 2)
    work = DryRunWork(policies, slower("default"), Guards(), story.now, story.now + timedelta(days=60))
    told: list[int] = []
    with on_cluster(address) as ordered_map:
        found = dry_run(work, parts, ordered_map, told.append)
    here = dry_run(work, parts)
    assert found.digests == here.digests
    assert found.counts == here.counts
    assert found.accounts == told[-1] == 8


def test_a_cluster_that_cannot_do_it_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "WAIT_SECONDS", 1)
    with pytest.raises(Refused, match="no Dask scheduler answers") as nobody, on_cluster("tcp://127.0.0.1:9"):
        pass
    assert nobody.value.code == "cluster_unreachable"
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(Refused, match="has no workers"),
        on_cluster(empty.scheduler_address),
    ):
        pass
    monkeypatch.setattr(cluster, "_here", lambda: "0.0")
    with pytest.raises(Refused, match="has another version") as other, on_cluster(address):
        pass
    assert other.value.code == "cluster_differs"


@pytest.mark.parametrize("given", ["", "x:y", "tcp://", "http://127.0.0.1:9", "1:2:3", "127.0.0.1:99999"])
def test_what_is_no_address_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "WAIT_SECONDS", 1)
    with pytest.raises(Refused, match="no Dask scheduler answers") as refused, on_cluster(given):
        pass
    assert refused.value.code == "cluster_unreachable"


ASKS = """
from arrears.adapters.books.cluster import on_cluster
from arrears.core.errors import Refused
try:
    with on_cluster("x"):
        pass
except Refused as refused:
    print(refused.code)
"""


def test_a_process_that_names_no_address_ends_without_a_traceback() -> None:
    """A client that was only half made for it would complain when the process ends."""
    ended = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr) == ("cluster_unreachable\n", "")
