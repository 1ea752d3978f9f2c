"""What every answer carries, whatever the route, the state and the mistake; and that no page is large."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from tests.web.routes import of_an_account, parts, target
from tests.web.states import RECIPES, Town
from tests.web.test_matrix import METHODS, PAGE_ROUTES
from tests.web.visitors import ROLES, visitor

PAGE_BYTES_MAX: Final = 50_000
PAPER_BYTES_MAX: Final = 1_000_000
"""A paper is a file that is kept, with its fonts and its tags; at most 1,000 rows stand on it."""

# What a crawler's test of headers looks for. The outbox shows mail in a frame of its own; its policies are its own.
HEADERS: Final = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
OTHERWISE: Final[dict[str, dict[str, str]]] = {
    "/pay/<str:token>": {"Referrer-Policy": "no-referrer"},
    "/assets/<asset>": {"Cache-Control": "public, max-age=31536000, immutable"},
    "/favicon.ico": {"Cache-Control": "public, max-age=86400"},
    "/banner.js": {"Cache-Control": "public, max-age=3600", "Cross-Origin-Resource-Policy": "cross-origin"},
}
POLICY: Final = (
    r"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    r" frame-ancestors 'none'; connect-src 'self'; script-src 'nonce-[\w-]{22}'"
)


def wrong_headers(answer: Any, route: str = "") -> list[str]:
    """What is missing or other than it should be."""
    own = OTHERWISE.get(route, {}) if answer.status_code < 400 else {}
    found = [
        f"{name} is {answer.headers.get(name)!r}, not {value!r}"
        for name, value in {**HEADERS, **own}.items()
        if answer.headers.get(name) != value
    ]
    policy = answer.headers.get("Content-Security-Policy", "")
    return found if re.fullmatch(POLICY, policy) else [*found, f"Content-Security-Policy is {policy!r}"]


@pytest.mark.sample(1, each="route")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", [*PAGE_ROUTES, "/nothing-here", "/v1/me", "/v1/nothing", "/v1/openapi.json"])
def test_every_answer_of_every_route_carries_the_headers(town: Town, route: str, role: str) -> None:
    own = town.accounts["declined"]
    for method in METHODS:
        # Its token is missing, so a form is refused: what it does is for other tests.
        browser = visitor(town, role, own, enforce_csrf_checks=True)
        answer = browser.generic(method, target(town, route, own))
        assert wrong_headers(answer, route) == [], f"{method} {route} as {role} ({answer.status_code})"


def test_answers_to_mistakes_carry_them_too(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from arrears.web import pages

    browser = visitor(town, "anonymous")
    forged = browser.get("/sign-in", HTTP_HOST="evil.example")
    large = browser.post("/sign-in", {"email": "x" * 3_000_000}, headers={"host": "localhost"})
    monkeypatch.setattr(pages, "signed_in", lambda *_: 1 / 0)
    broken = browser.get("/")
    for answer, status in ((forged, 400), (large, 400), (broken, 500)):
        assert (answer.status_code, wrong_headers(answer)) == (status, [])


def test_a_nonce_is_never_used_twice(town: Town) -> None:
    browser = visitor(town, "anonymous")
    policies = {browser.get("/sign-in").headers["Content-Security-Policy"] for _ in range(5)}
    assert len(policies) == 5


@pytest.mark.sample(3)
@pytest.mark.parametrize("state", RECIPES)
def test_no_page_is_large_in_any_state_and_all_carry_the_headers(town: Town, state: str) -> None:
    account = town.accounts[state]
    role = "administrator" if "administrator" in RECIPES[state].roles else "reader"
    browser = visitor(town, role)
    for route in PAGE_ROUTES:
        if of_an_account(route) and not ("number" in parts(route) and not town.setup(account)):
            answer = browser.get(target(town, route, account))
            size = len(answer.content)
            largest = PAPER_BYTES_MAX if answer.headers["Content-Type"] == "application/pdf" else PAGE_BYTES_MAX
            assert size < largest, f"{route}, {state}: {size} bytes"
            assert answer.status_code in (200, 303, 404), f"{route}, {state}: {answer.status_code}"
            assert wrong_headers(answer, route) == [], f"{route}, {state}"


def test_no_page_behind_a_pay_link_is_large(town: Town) -> None:
    for state, account in town.accounts.items():
        if account in town.links:
            answer = visitor(town, "link", account).get("/pay/")
            assert (answer.status_code in (200, 410), len(answer.content) < PAGE_BYTES_MAX) == (True, True), state


# -- behind HTTPS --------------------------------------------------------------------------------------------------


def https(town: Town, folder: Path) -> dict[str, str]:
    """The environment of an installation behind HTTPS."""
    return {
        # What lets the browser's event loop run beside Django in tests is no setting of a deployment.
        **{name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"},
        "ARREARS_DATABASE_URL": town.shop.database,
        "ARREARS_HOME": str(folder),
        "ARREARS_HTTPS": "1",
        "ARREARS_HOSTS": "pay.example.org,127.0.0.1",
        "ARREARS_BASE_URL": "https://pay.example.org",
        "ARREARS_MAIL_URL": "smtp://127.0.0.1:9",
        "ARREARS_MAIL_FROM": "billing@example.org",
        "DJANGO_SETTINGS_MODULE": "arrears.web.settings",
    }


@pytest.mark.turn(2)
def test_djangos_own_check_of_a_deployment_finds_nothing(town: Town, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"]
    ran = subprocess.run(command, env=https(town, tmp_path), capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert "no issues" in ran.stdout, ran.stdout


@contextmanager
def served(environment: dict[str, str]) -> Iterator[int]:
    """`arrears serve` in a process of its own; its port."""
    command = [
        sys.executable,
        "-c",
        "from arrears.cli.main import main; main()",
        "serve",
        "--port",
        "0",
        "--processes",
        "1",
    ]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        found = re.search(r":(\d+)/", said)
        assert found is not None, f"it did not start: {said!r}"
        yield int(found[1])
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


@pytest.mark.turn(3)
def test_behind_https_cookies_are_host_bound_and_plain_requests_are_sent_to_https(town: Town, tmp_path: Path) -> None:
    own = town.accounts["declined"]
    with served(https(town, tmp_path)) as port:

        def ask(method: str, path: str, body: str = "", **headers: str) -> http.client.HTTPResponse:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            line.request(method, path, body, {"Host": "pay.example.org", **headers})
            return line.getresponse()

        secure = {"X-Forwarded-Proto": "https"}
        plain = ask("GET", "/sign-in")
        assert (plain.status, plain.headers["Location"]) == (301, "https://pay.example.org/sign-in")
        page = ask("GET", "/sign-in", **secure)
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        text = page.read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text)
        assert token is not None
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        form = f"csrfmiddlewaretoken={token[1]}&language=nl&next=/sign-in"
        sent = {**secure, "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        language = ask("POST", "/language", form, **sent, Origin="https://pay.example.org")
        assert language.status == 302, "a browser behind HTTPS sends its https:// origin with a form"
        elsewhere = ask("POST", "/language", form, **sent, Origin="https://evil.example")
        assert elsewhere.status == 403
        link = ask("GET", town.links[own], **secure)
        cookies = [c for answer in (page, language, link) for c in answer.headers.get_all("Set-Cookie") or []]
    assert {c.partition("=")[0] for c in cookies} == {"__Host-csrf", "__Host-language", "__Host-pay"}
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= attributes, cookie
        assert not any(part.startswith("domain") for part in attributes), cookie
