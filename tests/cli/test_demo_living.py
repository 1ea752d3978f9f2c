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
from tests.cli.test_live_commands import until
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


def save(page: Page, service: str, name: str) -> None:
    """Save a file where that is offered."""
    page.goto(service)
    page.get_by_label("Its name").fill(name)
    page.get_by_label("What it says").fill("yeast")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()


def refuses(page: Page, service: str, state: str) -> None:
    """Its files can be read, and neither the page nor the address behind it saves one."""
    page.goto(service)
    expect(page.get_by_role("link", name="Oven.txt", exact=True)).to_be_visible()
    expect(page.locator("body")).to_contain_text(f"subscription_{state}")
    expect(page.get_by_label("Its name")).to_have_count(0)
    answer = requests.post(service, {"name": "no.txt", "text": "x"}, timeout=SECONDS_MAX)
    assert (answer.status_code, f"subscription_{state}" in answer.text) == (403, True)


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
    service = page.url
    save(page, service, "flour.txt")
    page.get_by_role("link", name="Back to the story").click()

    page.get_by_role("button", name="Jump to day 21: the warning comes").click(timeout=JUMP_MS)
    expect(heading(page)).to_have_text("The warning has come", timeout=JUMP_MS)
    for day in (3, 7, 14):
        expect(page.get_by_role("listitem").filter(has_text=re.compile(rf"day {day}\b"))).to_have_count(1)
    warning = page.get_by_role("listitem").filter(has_text="will stop on").filter(has_text="day 21")
    expect(warning).to_have_count(1)

    page.get_by_role("button", name="Jump to day 31: the service has stopped").click(timeout=JUMP_MS)
    expect(heading(page)).to_have_text("The service has stopped: its files can only be read", timeout=JUMP_MS)
    expect(page.get_by_role("link", name="cloud has stopped")).to_be_visible()
    looked_at(page)
    refuses(page, service, "disabled")
    expect(page.get_by_role("link", name="Settle it")).to_have_attribute("href", demo.address("/") + "settle/acc_2")

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
    expect(page).to_have_url(service)
    save(page, service, "yeast.txt")

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
    with urllib.request.urlopen(service, timeout=SECONDS_MAX) as answer:
        assert b"yeast.txt" in answer.read()
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
    expect(page.locator("ul")).to_contain_text("Oven.txt")
    page.goto(page.url.replace("sub_3_1", "sub_2_1"))
    expect(page.locator("ul")).to_contain_text("yeast.txt")
    page.goto(address)
    page.get_by_role("button", name="Jump to day 21: the warning comes").click(timeout=JUMP_MS)
    expect(heading(page)).to_have_text("The warning has come", timeout=JUMP_MS)
    context.close()
    assert demo.end() == 0


def service_process(demo: Demo) -> int:
    printed = re.search(r"a process of its own, (\d+)", demo.said)
    assert printed, demo.said
    return int(printed[1])


@pytest.mark.turn(3)
def test_a_service_that_is_dead_is_shown_as_such_and_catches_up_when_it_is_started_again(
    demo: Demo, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page, home = context.new_page(), demo.address("/")
    page.goto(home)
    service = page.get_by_role("link", name="The service").get_attribute("href")
    assert service is not None
    page.get_by_role("button", name="Jump to day 21: the warning comes").click(timeout=JUMP_MS)
    expect(heading(page)).to_have_text("The warning has come", timeout=JUMP_MS)
    # What is ordered while it is not there waits, and time goes on.
    os.kill(service_process(demo), signal.SIGKILL)
    until(lambda: "has ended" in requests.get(home, timeout=SECONDS_MAX).text)
    page.goto(home)
    expect(page.get_by_role("status")).to_contain_text("The process of the service has ended")
    looked_at(page)
    page.get_by_role("button", name="Jump to day 31: the service has stopped").click(timeout=JUMP_MS)
    expect(heading(page)).to_have_text("The service has stopped: its files can only be read", timeout=JUMP_MS)
    assert orders(demo) == {("disable", "pending")}
    page.get_by_role("button", name="Start the service again").click()
    expect(page.get_by_role("button", name="End the service's process")).to_be_visible()
    until(lambda: orders(demo) == {("disable", "acknowledged")})
    refuses(page, service, "disabled")

    page.goto(home)
    page.get_by_role("button", name="End the service's process").click()
    expect(page.get_by_role("status")).to_contain_text("The process of the service has ended")
    page.get_by_role("link", name="Pay €61.00").click()
    page.get_by_role("button", name="Pay €61.00").click()
    page.get_by_label("Visa that pays").check()
    page.get_by_role("button", name="Pay €61.00").click()
    expect(page.get_by_role("button", name="Pay")).to_have_count(0, timeout=JUMP_MS)
    page.goto(home)
    expect(heading(page)).to_have_text("Paid: the services are being switched on")
    assert ("resume", "pending") in orders(demo)
    page.get_by_role("button", name="Start the service again").click()
    expect(heading(page)).to_have_text("Everything is paid and running again", timeout=JUMP_MS)
    assert orders(demo) == {("disable", "acknowledged"), ("resume", "acknowledged")}
    save(page, service, "yeast.txt")
    context.close()
    assert demo.end() == 0


def orders(demo: Demo) -> set[tuple[str, str]]:
    """What the customer's first service was told, and how each order stands, as a command beside the demo says."""
    command = [demo.command[0], "services", "orders", "cloud", "--json"]
    environ = {**demo.environ, "ARREARS_DATABASE": "arrears_demo"}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=SECONDS_MAX, check=True)
    return {
        (one["type"].removeprefix("order."), one["state"])
        for one in json.loads(ran.stdout)
        if one["id"].startswith("o2-")
    }


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
