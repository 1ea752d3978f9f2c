"""What many tests share: one embedded database a session, and the seeds that repeat a run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from arrears.store.server import EmbeddedServer


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Print the seed that drives order, `random` and hypothesis: `-p randomly_seed=N` repeats the run."""
    seed = getattr(config.option, "randomly_seed", "none")
    return [
        f"seed of order, random and hypothesis: {seed} (repeat with -p randomly -p 'no:cacheprovider' "
        f"--randomly-seed={seed})"
    ]


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
    server = EmbeddedServer(short_folder / "home", durable=False)
    try:
        yield server.start()
    finally:
        server.stop()
