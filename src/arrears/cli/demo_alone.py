"""One demo at a time in a home: another would throw away the database and the mail of the one that runs."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from arrears.core.errors import Refused
from arrears.store.server import make_home


@contextmanager
def the_only_demo(home: Path) -> Iterator[Callable[[str], object]]:
    """Until the end of the block, however this process ends. What is yielded takes down where the demo is to be seen.
    Refused `demo_running`, with that, where there is one already."""
    make_home(home)
    with (home / "demo.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            where = file.read().strip() or "playing its year"
            raise Refused(
                "demo_running", f"a demo runs already: {where}; look at that one, or end it there with Ctrl-C first"
            ) from None
        file.truncate(0)

        def seen_at(where: str) -> None:
            file.truncate(0)
            file.write(where)
            file.flush()

        yield seen_at
