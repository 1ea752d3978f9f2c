"""A real browser for the tests that need one: Debian's chromium, which root may install by itself.

Without a screen there is `chromium-headless-shell`: the same engine without a browser's own windows, which opens a page
for a third of the processor's time. Where that cannot be had, `chromium` does.
"""

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


PROGRAMS: Final = ("chromium-headless-shell", "chromium")


def chromium() -> str | None:
    """Where it is; None if it is not here and may not, or could not, be installed."""
    for name in PROGRAMS:
        if shutil.which(name) is None and os.geteuid() == 0 and shutil.which("apt-get") is not None:
            _install(name)
        if found := shutil.which(name):
            return found
    return None


def _install(package: str) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ("update -qq", f"install -y -qq --no-install-recommends {package}"):
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(["apt-get", *command.split()], check=False, timeout=600, env=env, capture_output=True)


def left_out(tests: Sequence[str]) -> str:
    """One line: which tests (their node ids) were left out for want of it, and how to run them; empty for none."""
    if not tests:
        return ""
    files = sorted({test.partition("::")[0] for test in tests})
    return (
        f"left out: {len(tests)} browser tests ({', '.join(files)}); "
        "to run them, as root: apt-get install chromium-headless-shell, then: make test"
    )


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """A running browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
