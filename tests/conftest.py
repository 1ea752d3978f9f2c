"""What many tests share: one embedded database a session, and one seed that repeats a run."""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser
from tests import books, sizes
from tests.browser import MISSING, chromium, launched, left_out
from tests.site import site

from arrears.store.server import EmbeddedServer

__all__ = ["site"]

LEFT: pytest.StashKey[dict[str, int]] = pytest.StashKey()
"""How many cases each test leaves to `make test-all`."""

# How long an example takes is the machine's, not the code's: a busy one, or one that measures coverage, is no fault.
settings.register_profile(
    "any machine",
    settings.default,
    deadline=None,
    max_examples=sizes.few(25, 100),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let one seed drive the order of the tests, `random` and hypothesis, before their plugins choose their own."""
    for marker in sizes.MARKERS:
        config.addinivalue_line("markers", marker)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what is in the background without Ctrl-C; what the tests start must have it to be ended.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    lane = getattr(config, "workerinput", {})
    config.option.hypothesis_seed = lane.get("hypothesis_seed", config.getoption("hypothesis_seed", None))
    if getattr(config.option, "randomly_seed", None) == "default":
        config.option.randomly_seed = random.SystemRandom().getrandbits(32)
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        chromium()  # installed once, before the lanes look for it
    if getattr(config.option, "hypothesis_seed", None) is None:
        config.option.hypothesis_seed = str(config.getoption("randomly_seed", 0))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to `make test-all` what is for it alone."""
    named = any(".py" in argument for argument in config.args)
    kept = sizes.chosen(items, config.option.hypothesis_seed, named=named)
    taken = set(kept)
    left = [item for item in items if item not in taken]
    config.hook.pytest_deselected(items=left)
    items[:] = kept
    config.stash[LEFT] = sizes.left_to_all([item.nodeid for item in left])
    if hasattr(config, "workeroutput"):
        config.workeroutput["left"] = config.stash[LEFT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a lane has left out, all have left out."""
    node.config.stash[LEFT] = getattr(node, "workeroutput", {}).get("left", {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each folder of tests took, so that a part that outgrows its budget is seen, and how to repeat."""
    seconds: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds["/".join(report.nodeid.partition("::")[0].split("/")[:2])] += report.duration
    parts = ", ".join(f"{part} {spent:.1f}" for part, spent in sorted(seconds.items()))
    terminalreporter.write_line(f"\nseconds by part (budget of all 600): {parts}")
    seeds = {name: terminalreporter.config.getoption(name, None) for name in ("randomly_seed", "hypothesis_seed")}
    repeat = " ".join(f"--{name.replace('_', '-')}={seed}" for name, seed in seeds.items() if seed is not None)
    terminalreporter.write_line(f"repeat with {repeat}")
    skipped = terminalreporter.stats.get("skipped", ())
    if left := sizes.line_of(terminalreporter.config.stash.get(LEFT, {})):
        terminalreporter.write_line(left)
    line = left_out([report.nodeid for report in skipped if MISSING in str(report.longrepr)])
    if line:
        terminalreporter.write_line(line)
    without = sum(books.NOT_BESIDE in str(report.longrepr) for report in skipped)
    if without:
        terminalreporter.write_line(f"left out: {without} tests, as what they read is {books.NOT_BESIDE} (../shared)")


def pytest_collection_finish() -> None:
    """What was found stays to the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A lane reads its own command line, in which no seed need stand: it has ours."""
    node.workerinput["hypothesis_seed"] = node.config.option.hypothesis_seed


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder with a name short enough for sockets, that the unprivileged server of root's tests may enter."""
    folder = Path(tempfile.mkdtemp(prefix="arrears-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def database_url(short_folder: Path) -> Iterator[str]:
    """The URL of a PostgreSQL for this session: ARREARS_DATABASE_URL, else an embedded one without fsync."""
    given = os.environ.get("ARREARS_DATABASE_URL")
    if given:
        yield given
        return
    server = EmbeddedServer(short_folder / "shared", durable=False)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # The browser's driver runs an event loop beside the tests; Django must not take them for asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    path = chromium()
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{MISSING}, and CI leaves out no test")
    if path is None:
        pytest.skip(MISSING)
    with launched(path) as found:
        yield found
