"""A real browser for the tests that need one: Debian's chromium, which root may install by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


MISSING: Final = "chromium is not here"


def chromium() -> str | None:
    """Where it is; None if it is not here and may not, or could not, be installed."""
    if shutil.which("chromium") is None and os.geteuid() == 0 and shutil.which("apt-get") is not None:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in ("apt-get update -qq", "apt-get install -y -qq --no-install-recommends chromium"):
            with suppress(subprocess.TimeoutExpired):
                subprocess.run(command.split(), check=False, timeout=600, env=env, capture_output=True)
    return shutil.which("chromium")


def left_out(tests: Sequence[str]) -> str:
    """One line: which tests (their node ids) were left out for want of it, and how to run them; empty for none."""
    if not tests:
        return ""
    files = sorted({test.partition("::")[0] for test in tests})
    return (
        f"left out: {len(tests)} browser tests ({', '.join(files)}); "
        "to run them, as root: apt-get install chromium, then: make test"
    )


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """A running browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
