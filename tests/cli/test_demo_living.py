"""The living demo, as whoever starts it uses it: time is let pass, the mail is opened, the test card chosen, and the
service is back."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect
from tests.web.test_axe import AXE, RUN

SECONDS_MAX = 400
PATIENCE_MS = 120_000
JUMP_MS = 240_000


class Demo:
    """`arrears demo` in a process of its own, on ports that are free."""

    def __init__(self, database_url: str, home: Path, *arguments: str) -> None:
        program = Path(sys.executable).with_name("arrears")
        environ = {**os.environ, "ARREARS_DATABASE_URL": database_url, "ARREARS_HOME": str(home)}
        for name in ("ARREARS_MAIL_FOLDER", "ARREARS_DATABASE"):
            environ.pop(name, None)
        self.command = [str(program), "demo", "--port", "0", *arguments]
        self.environ = {**environ, "PYTHONUNBUFFERED": "1"}
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        """Until it serves; what it says until then is in `said`."""
        process = subprocess.Popen(
            self.command,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.said = ""
        watchdog = threading.Timer(SECONDS_MAX, process.kill)
        watchdog.start()
        assert process.stdout is not None
        for line in process.stdout:
            self.said += line
            if line.startswith("serving on"):
                break
        watchdog.cancel()
        return process

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
    found = Demo(database_url, tmp_path, "--no-year")
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


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def looked_at(page: Page) -> None:
    """Nothing is wider than a phone, and axe finds nothing."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.evaluate(AXE)
    assert page.evaluate(RUN) == []


@pytest.mark.turn(3)
def test_the_story_goes_from_a_declined_card_to_a_service_that_runs_again_and_begins_anew(
    demo: Demo, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page, home = context.new_page(), demo.address("/")
    page.goto(home)
    expect(heading(page)).to_have_text("A card was declined")
    looked_at(page)
    page.get_by_role("link", name="The service").click()
    notebook = page.url
    write_note(page, notebook, "order flour", "Notebook of")
    page.get_by_role("link", name="Back to the story").click()

    page.get_by_role("button", name="Jump to day 21: the warning comes").click(timeout=JUMP_MS)
    expect(heading(page)).to_have_text("The warning has come", timeout=JUMP_MS)
    for day in (3, 7, 14):
        expect(page.get_by_role("listitem").filter(has_text=re.compile(rf"day {day}\b"))).to_have_count(1)
    warning = page.get_by_role("listitem").filter(has_text="will stop on").filter(has_text="day 21")
    expect(warning).to_have_count(1)

    page.get_by_role("button", name="Jump to day 31: the service has stopped").click(timeout=JUMP_MS)
    expect(heading(page)).to_have_text("The notebook refuses to save", timeout=JUMP_MS)
    expect(page.get_by_role("link", name="cloud has stopped")).to_be_visible()
    looked_at(page)
    write_note(page, notebook, "buy yeast", "Your note was not saved")
    expect(page.locator("body")).to_contain_text("subscription_disabled")

    page.goto(demo.address("/") + "outbox/")
    page.get_by_role("link", name="Payment declined").and_(page.locator("[href*=a2-]")).click()
    expect(page.frame_locator("iframe.mail").get_by_role("link", name="Pay €61.00")).to_be_visible()
    page.goto(home)
    page.get_by_role("link", name="Pay €61.00").click()
    page.get_by_role("button", name="Pay €61.00").click()
    page.get_by_label("Visa that pays").check()
    page.get_by_role("button", name="Pay €61.00").click()
    expect(page.get_by_text("cloud is running again.")).to_be_visible(timeout=JUMP_MS)
    expect(page.get_by_role("button", name="Pay")).to_have_count(0)
    page.get_by_role("link", name="Use cloud").click()
    expect(page).to_have_url(notebook)
    write_note(page, notebook, "buy yeast", "Notebook of")
    expect(page.locator("ul")).to_contain_text("buy yeast")

    page.get_by_role("link", name="Back to the story").click()
    expect(heading(page)).to_have_text("Everything is paid and running again")
    page.get_by_role("link", name="What staff see").click()
    expect(page.get_by_role("region", name="arrears explain acc_2")).to_contain_text("cloud")
    looked_at(page)
    page.get_by_role("button", name="Open this account in the console").click()
    expect(page.get_by_role("link", name="Hold until a day")).to_be_visible()
    looked_at(page)
    page.get_by_role("link", name="Back to the story").click()
    page.get_by_role("button", name="The account").click()
    expect(heading(page)).to_have_text("Nothing to pay")

    page.goto(home)
    page.get_by_role("button", name="Nederlands").click()
    page.get_by_role("button", name="Opnieuw beginnen").click(timeout=JUMP_MS)
    expect(heading(page)).to_have_text("Een kaart is geweigerd", timeout=JUMP_MS)
    expect(page.locator("body")).to_contain_text("Bakkerij De Vries, dag 0")
    looked_at(page)
    context.close()

    # A program beside it reads the same time: what is to come lies weeks ahead of the real one.
    explain = [demo.command[0], "explain", "acc_3", "--json"]
    environ = {**demo.environ, "ARREARS_DATABASE": "arrears_demo"}
    ran = subprocess.run(explain, env=environ, capture_output=True, text=True, timeout=SECONDS_MAX)
    assert json.loads(ran.stdout)["next"][0]["at"] > f"{datetime.now(UTC) + timedelta(days=40):%Y-%m-%d}"

    # A second one in the same home finds it, and leaves its database and its mail as they are.
    second = subprocess.run(demo.command, env=demo.environ, capture_output=True, text=True, timeout=SECONDS_MAX)
    assert second.returncode == 2
    assert second.stderr == (
        f"arrears: a demo runs already: {demo.address('/')}; look at that one, or end it there with Ctrl-C first"
        " [demo_running]\n"
    )
    with urllib.request.urlopen(notebook, timeout=SECONDS_MAX) as answer:
        assert b"buy yeast" in answer.read()
    with urllib.request.urlopen(demo.address("/") + "outbox/", timeout=SECONDS_MAX) as answer:
        assert b"Payment declined" in answer.read()
    assert demo.end() == 0

    # One that is started when it has ended goes on as it.
    demo.process = demo.start()
    assert "The last demo goes on" in demo.said
    address = demo.address("/")
    context = browser.new_context(viewport={"width": 320, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("body")).to_contain_text("Bakkerij De Vries, day 0")
    page.get_by_role("link", name="The service").click()
    expect(page.locator("body")).to_contain_text("Order flour")
    page.goto(page.url.replace("acc_3", "acc_2"))
    expect(page.locator("ul")).to_contain_text("buy yeast")
    page.goto(address)
    page.get_by_role("button", name="Jump to day 21: the warning comes").click(timeout=JUMP_MS)
    expect(heading(page)).to_have_text("The warning has come", timeout=JUMP_MS)
    context.close()
    assert demo.end() == 0


@pytest.mark.turn(3)
def test_the_customer_of_the_demo_signs_in_with_what_it_printed_while_the_year_is_played_and_after(
    database_url: str, tmp_path: Path
) -> None:
    demo = Demo(database_url, tmp_path)
    watchdog = threading.Timer(SECONDS_MAX, demo.process.kill)
    watchdog.start()
    try:
        assert signed_in(demo).endswith("/acc_2/")
        assert demo.process.stdout is not None
        for line in demo.process.stdout:
            demo.said += line
            if line.startswith("Where it stands at the end of the year"):
                break
        assert "A year of 50 accounts went by in " in demo.said
        assert signed_in(demo).endswith("/acc_2/")
        assert demo.end() == 0
    finally:
        watchdog.cancel()
        demo.process.kill()
        demo.process.wait(SECONDS_MAX)


def signed_in(demo: Demo) -> str:
    """Where a browser ends that goes to the account and signs in with what the terminal said."""
    printed = re.search(r"asks for (\S+), password \"(.+)\"", demo.said)
    assert printed, demo.said
    with requests.Session() as browser:
        page = browser.get(demo.address("/") + "sign-in?next=/acc_2/", timeout=SECONDS_MAX).text
        hidden = dict(re.findall(r'name="(csrfmiddlewaretoken|next)" value="([^"]*)"', page))
        form = {**hidden, "next": "/acc_2/", "email": printed[1], "password": printed[2]}
        answer = browser.post(demo.address("/") + "sign-in", form, timeout=SECONDS_MAX)
        assert answer.status_code == 200, answer.text[:2000]
        return answer.url
