"""`python -m bench.pages`: home and settle pages over HTTP, one client and 32 at once, beside the bare cost of reading.

The pages are those of `arrears serve`, in a process of its own, on the real database; every client looks at an account
of its own that owes. Bare cost: the very statements that the two pages send, recorded once and sent again by as
many threads on kept connections. What is left is HTTP, sessions, deciding and templates. The clients run on the same
machine, so 32 at once share its cores with the server.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from statistics import median, quantiles
from typing import Any, Final

import psycopg

from arrears.core.account import Mode
from arrears.core.policy import default_policy
from arrears.engine import commands, system
from arrears.engine.run import run
from arrears.ports import NewAccount
from arrears.store.postgres.store import PostgresStore
from arrears.wiring import fresh_database, set_up_django, settings, use_settings

AT_ONCE: Final = 32
NAME: Final = "bench_pages"
EMAIL: Final = "robin@example.org"
PASSWORD: Final = "a sentence that is long enough"
PAGES: Final = ("home", "settle")
DEBTS: Final = 5
SECONDS_MAX: Final = 120.0
"""The measuring stops by itself after this, however slow the machine."""

ONE_CLIENT_MS_MAX: Final = 100.0
"""The goal of a page, and the floor of this bench: the median at one client."""


def path_of(page: str, account: int) -> str:
    """The address of a page."""
    return f"/acc_{account}/" if page == "home" else f"/acc_{account}/settle"


def open_book(url: str, seed: int) -> list[int]:
    """An account for each client, in arrears with a few debts, and one administrator of all; their numbers."""
    from arrears.web import identities

    chance = random.Random(seed)
    store, now = PostgresStore(url, clock_is_real=False), datetime.now(UTC)
    begin = now - timedelta(days=10)
    system.adopt_policy(store, default_policy(), begin, "staff:1")
    system.confirm_clock(store, begin, "staff:1")
    new = [
        (NewAccount(f"P{k}", f"Company {k} Ltd", "NL", "Europe/Amsterdam", ("nl", "en")[k % 2], Mode.CARD), ("cloud",))
        for k in range(AT_ONCE)
    ]
    numbers = commands.open_accounts(store, new, begin, "api:1")
    due = now.date() - timedelta(days=5)
    invoices = [
        commands.Invoice(number, f"2026-{number}-{k}", "EUR", chance.randrange(100, 90_000), begin.date(), due, (1,))
        for number in numbers
        for k in range(DEBTS)
    ]
    commands.issue_invoices(store, invoices, begin, "api:1")
    for hours in range(0, 241, 20):
        run(store, begin + timedelta(hours=hours))
    store.close()
    person = identities.create_person(EMAIL, "Robin", PASSWORD, "en", now)
    for number in numbers:
        identities.grant(number, person, "administrator")
    return numbers


@contextmanager
def served() -> Iterator[int]:
    """`arrears serve` on this database, at a port of this machine."""
    command = [sys.executable, "-m", "arrears", "serve", "--port", "0"]
    environment = {**os.environ, "ARREARS_DATABASE": NAME}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None, "its output was asked for"
    try:
        found = re.search(r":(\d+)/", process.stdout.readline())
        assert found is not None, "arrears serve did not start"
        yield int(found[1])
    finally:
        process.terminate()
        process.wait(20)


class Visitor:
    """A client at an account, with the cookies of somebody who has signed in."""

    def __init__(self, port: int, account: int, cookies: dict[str, str]) -> None:
        self._port, self.account, self._cookies = port, account, cookies

    def sign_in(self) -> dict[str, str]:
        """Sign in, with what the form asks for; the cookies."""
        page = self.get("/sign-in")
        typed, form = {"email": EMAIL, "password": PASSWORD}, {}
        asked = page[page.index("<form", page.index("<main")) :].partition("</form>")[0]
        for tag in re.findall(r"<input[^>]*>", asked):
            attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            given = unescape(attributes.get("value", ""))
            form[attributes["name"]] = typed.get(attributes.get("type", "text"), given)
        status, _ = self._ask("POST", "/sign-in", urllib.parse.urlencode(form))
        assert status in (302, 303), f"sign-in answered {status}"
        return self._cookies

    def get(self, path: str) -> str:
        """A page; anything but 200 is a failure of this bench."""
        status, text = self._ask("GET", path)
        assert status == 200, f"{path} answered {status}"
        return text

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Host": f"localhost:{self._port}", "Cookie": cookies}  # pages stand there, whatever leads to them
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        line.request(method, path, body, headers)
        answer = line.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        line.close()
        return answer.status, text


class Recorder:
    """The statements that pages send, Django's and the store's."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, Any]] = []

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Watch every cursor of this process."""
        real, sent = psycopg.Cursor.execute, self.sent

        def execute(cursor: Any, statement: Any, params: Any = None, **how: Any) -> Any:
            sent.append((statement, params))
            return real(cursor, statement, params, **how)

        psycopg.Cursor.execute = execute  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            psycopg.Cursor.execute = real  # type: ignore[method-assign]


def statements_of(numbers: Sequence[int], cookies: dict[str, str]) -> dict[tuple[str, int], list[tuple[Any, Any]]]:
    """What each page of each account sends, once everything that is loaded once is loaded."""
    from django.test import Client

    found = {}
    browser = Client(headers={"host": "localhost"})
    browser.cookies.load(cookies)
    for number in numbers:
        for page in PAGES:
            browser.get(path_of(page, number))
            recorder = Recorder()
            with recorder.recording():
                browser.get(path_of(page, number))
            found[page, number] = recorder.sent
    return found


def timed(lanes: Sequence[Callable[[str], object]], each: int, deadline: float) -> dict[str, list[float]]:
    """The seconds of every page: each lane asks for the pages in turn, all lanes at once, until the deadline."""
    seconds: dict[str, list[float]] = {page: [] for page in PAGES}
    failures: list[BaseException] = []
    lock = threading.Lock()

    def work(lane: Callable[[str], object]) -> None:
        try:
            for turn in range(each * len(PAGES)):
                if time.monotonic() > deadline or failures:
                    return
                page = PAGES[turn % len(PAGES)]
                began = time.perf_counter()
                lane(page)
                took = time.perf_counter() - began
                with lock:
                    seconds[page].append(took)
        except (AssertionError, OSError, psycopg.Error) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return seconds


def by_http(visitors: Sequence[Visitor], each: int, deadline: float) -> dict[str, list[float]]:
    """Pages, asked for by all of these at once."""
    lanes = [lambda page, v=v: v.get(path_of(page, v.account)) for v in visitors]
    return timed(lanes, each, deadline)


def by_sql(
    url: str, sent: dict[tuple[str, int], list[tuple[Any, Any]]], numbers: Sequence[int], each: int, deadline: float
) -> dict[str, list[float]]:
    """The same reads and nothing else, each account on a kept connection of its own."""
    opened = [psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) for _ in numbers]

    def lane(db: psycopg.Connection[Any], number: int, page: str) -> None:
        for statement, params in sent[page, number]:
            cursor = db.execute(statement, params)
            if cursor.description:
                cursor.fetchall()

    lanes = [lambda page, db=db, n=n: lane(db, n, page) for db, n in zip(opened, numbers, strict=True)]
    try:
        return timed(lanes, each, deadline)
    finally:
        for db in opened:
            db.close()


def figures_of(seconds: list[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    percentiles = quantiles(seconds, n=100) if len(seconds) > 1 else [seconds[0]] * 99
    return {
        "p50_ms": round(1000 * median(seconds), 1),
        "p99_ms": round(1000 * percentiles[98], 1),
        "count": len(seconds),
    }


def bench(each: int, seed: int) -> dict[str, Any]:
    """The figures of one run."""
    url = fresh_database(NAME)
    use_settings(replace(settings(), database=NAME))
    set_up_django(url)
    numbers = open_book(url, seed)
    deadline = time.monotonic() + SECONDS_MAX
    with served() as port:
        cookies = Visitor(port, 0, {}).sign_in()
        visitors = [Visitor(port, number, dict(cookies)) for number in numbers]
        by_http(visitors[:1], 3, deadline)  # what is loaded once is loaded now
        alone = by_http(visitors[:1], each * 4, deadline)
        began = time.perf_counter()
        crowd = by_http(visitors, each, deadline)
        seconds = time.perf_counter() - began
    sent = statements_of(numbers, cookies)
    bare_alone = by_sql(url, sent, numbers[:1], each * 4, deadline + SECONDS_MAX)
    bare_crowd = by_sql(url, sent, numbers, each, deadline + SECONDS_MAX)
    pages = {
        page: {
            "one_client": figures_of(alone[page]),
            "at_once": figures_of(crowd[page]),
            "statements": len(sent[page, numbers[0]]),
            "bare_one": figures_of(bare_alone[page]),
            "bare_at_once": figures_of(bare_crowd[page]),
            "p50_over_bare": round(median(alone[page]) / median(bare_alone[page]), 1),
        }
        for page in PAGES
    }
    floors = {f"{page}_one_client_p50_ms": ONE_CLIENT_MS_MAX for page in PAGES}
    return {
        "at_once": AT_ONCE,
        "debts": DEBTS,
        "seed": seed,
        "pages": pages,
        "pages_per_second": round(sum(map(len, crowd.values())) / seconds, 1),
        "measured_on": datetime.now(UTC).date().isoformat(),
        "floors": floors,
        "holds": all(1000 * median(alone[page]) <= ONE_CLIENT_MS_MAX for page in PAGES),
    }


def main() -> int:
    """One JSON object; exit code 1 where a page takes longer than its floor at one client."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON object, on one line")
    parser.add_argument("--each", type=int, default=25, help="how often each of the 32 clients asks for each page")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    figures = bench(max(2, min(options.each, 1000)), options.seed)
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0 if figures["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
