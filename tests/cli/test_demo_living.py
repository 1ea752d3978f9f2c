"""The living demo, as whoever starts it uses it: the mail is opened, the test card chosen, and the service is back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

SECONDS_MAX = 120
PATIENCE_MS = 30_000


class Demo:
    """`arrears demo` in a process of its own, on ports that are free."""

    def __init__(self, database_url: str, home: Path) -> None:
        program = Path(sys.executable).with_name("arrears")
        environ = {**os.environ, "ARREARS_DATABASE_URL": database_url, "ARREARS_HOME": str(home)}
        for name in ("ARREARS_MAIL_FOLDER", "ARREARS_DATABASE"):
            environ.pop(name, None)
        self.command = [str(program), "demo", "--no-year", "--port", "0"]
        self.environ = {**environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            self.command,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.said = ""
        watchdog = threading.Timer(SECONDS_MAX, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if line.startswith("serving on"):
                break
        watchdog.cancel()

    def address(self, part: str) -> str:
        found = re.search(rf"http://localhost:\d+{part}", self.said)
        assert found, self.said
        return found[0]

    def end(self) -> int:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(SECONDS_MAX)


@pytest.fixture
def demo(database_url: str, tmp_path: Path) -> Iterator[Demo]:
    found = Demo(database_url, tmp_path)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait(SECONDS_MAX)


def write_note(page: Page, notebook: str, note: str, answer: str) -> None:
    """Try to save a note: the heading of the answer begins so."""
    page.goto(notebook)
    page.get_by_label("A new note").fill(note)
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading").first).to_contain_text(re.compile(f"^{answer}"))


@pytest.mark.turn(3)
def test_a_declined_cards_mail_leads_to_a_payment_and_a_service_that_writes_again(demo: Demo, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    notebook = demo.address(r"/acc_1/1")

    write_note(page, notebook, "buy yeast", "Your note was not saved")
    expect(page.locator("body")).to_contain_text("subscription_disabled")

    page.goto(demo.address("/outbox/"))
    page.get_by_role("link", name="Payment declined").and_(page.locator("[href*=a1-]")).click()
    page.frame_locator("iframe.mail").get_by_role("link", name="Pay €61.00").click()
    page.get_by_role("button", name="Pay €61.00").click()
    page.get_by_label("Visa that pays").check()
    page.get_by_role("button", name="Pay €61.00").click()
    expect(page.get_by_text("cloud is running again.")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Pay")).to_have_count(0)

    write_note(page, notebook, "buy yeast", "Notebook of")
    expect(page.locator("ul")).to_contain_text("buy yeast")
    context.close()

    # A second one in the same home finds it, and leaves its database and its mail as they are.
    second = subprocess.run(demo.command, env=demo.environ, capture_output=True, text=True, timeout=SECONDS_MAX)
    assert second.returncode == 2
    assert second.stderr == (
        f"arrears: a demo runs already: {demo.address('/')}; look at that one, or end it there with Ctrl-C first"
        " [demo_running]\n"
    )
    with urllib.request.urlopen(notebook, timeout=SECONDS_MAX) as answer:
        assert b"buy yeast" in answer.read()
    with urllib.request.urlopen(demo.address("/outbox/"), timeout=SECONDS_MAX) as answer:
        assert b"Payment declined" in answer.read()
    assert demo.end() == 0
