"""Work that several processes do: answers in order, and nothing left of them however their command ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from arrears.adapters.books import processes
from arrears.adapters.books.processes import several_processes
from arrears.core.errors import Refused
from arrears.core.parallel import Meanwhile, OrderedMap, map_here


@pytest.fixture(scope="module")
def two() -> Iterator[OrderedMap]:
    with several_processes([__name__], 2) as ordered_map:
        yield ordered_map


def doubled(number: int, meanwhile: Meanwhile) -> tuple[int, int]:
    return 2 * number, os.getpid()


def refused(number: int, meanwhile: Meanwhile) -> int:
    raise Refused("bad_row", f"row {number} is none", exit_code=3)


def ended(number: int, meanwhile: Meanwhile) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_answers_come_in_order_from_other_processes(two: OrderedMap) -> None:
    taken: list[int] = []
    found = []
    for answer, pid in two(doubled, (taken.append(n) or n for n in range(40))):  # type: ignore[func-returns-value]
        assert pid != os.getpid()
        assert len(taken) <= len(found) + 4, "items are taken when somebody can do them"
        found.append(answer)
    assert found == list(range(0, 80, 2))


def test_what_is_refused_there_is_refused_here(two: OrderedMap) -> None:
    with pytest.raises(Refused, match="row 7 is none") as raised:
        list(two(refused, [7]))
    assert (raised.value.code, raised.value.exit_code) == ("bad_row", 3)


def test_a_process_that_is_ended_from_outside_is_one_clear_line() -> None:
    with pytest.raises(Refused, match="ended from outside") as raised, several_processes([], 2) as ordered_map:
        list(ordered_map(ended, range(3)))
    assert raised.value.code == "process_ended"


def test_one_core_does_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "cores", lambda: 1)
    with several_processes([]) as ordered_map:
        assert ordered_map is map_here
        assert list(ordered_map(doubled, [3])) == [(6, os.getpid())]


def test_where_no_process_can_be_started_this_one_does_it() -> None:
    limited = """
        import resource
        from arrears.adapters.books.processes import several_processes
        from arrears.core.parallel import map_here
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
        with several_processes([], 2) as ordered_map:
            print(ordered_map is map_here)
    """
    script = [sys.executable, "-c", textwrap.dedent(limited)]
    assert subprocess.run(script, check=True, capture_output=True, text=True, timeout=60).stdout == "True\n"


def test_they_end_with_the_process_that_they_work_for(tmp_path: Path) -> None:
    waiting = """
        import os, sys, time
        from arrears.adapters.books.processes import several_processes
        from tests.adapters.test_processes import doubled
        if __name__ == "__main__":
            with several_processes([], 2) as ordered_map:
                print(*{pid for _, pid in ordered_map(doubled, range(50))}, flush=True)
                time.sleep(600)
    """
    path = tmp_path / "waiting.py"
    path.write_text(textwrap.dedent(waiting))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        others = [int(pid) for pid in running.stdout.readline().split()]
        running.kill()
    assert others
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in others) and time.monotonic() < until:
        time.sleep(0.02)
    assert not [pid for pid in others if Path(f"/proc/{pid}").exists()]
