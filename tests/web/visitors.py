"""Everybody who may knock at a page: who they are, how they come in, and what they have in their browser."""

from __future__ import annotations

from copy import copy
from functools import cache
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Final

import psycopg
from tests import members
from tests.site import PASSWORD
from tests.web import states
from tests.web.states import Town

if TYPE_CHECKING:
    from django.test import Client
    from django.test.client import ClientHandler

ROLES: Final = ("anonymous", "link", "administrator", "reader", "stranger", "staff")
_SIGNS_IN: Final = {
    "administrator": ("/sign-in", states.ADMINISTRATOR),
    "reader": ("/sign-in", states.READER),
    "stranger": ("/sign-in", states.OUTSIDER),
    "other": ("/sign-in", states.OTHER),
    "staff": ("/console/sign-in", states.STAFF),
}


_cookies: Final[dict[tuple[str, str, int], SimpleCookie]] = {}


def visitor(town: Town, role: str, own: int = 0, **more: Any) -> Client:
    """A browser of this role. `link` is whoever opened the pay link of the account `own`; `more` goes to Client."""
    from django.test import Client

    browser = Client(raise_request_exception=False, **more)
    browser.defaults["HTTP_HOST"] = "localhost"
    browser.handler = _handler(browser.handler.enforce_csrf_checks)
    key = (town.shop.url, role, own if role == "link" else 0)
    if key not in _cookies:
        first = Client(HTTP_HOST="localhost")
        if role in _SIGNS_IN:
            sign_in(town, first, *_SIGNS_IN[role])
        elif role == "link":
            assert first.get(town.links[own]).status_code == 303
        _cookies[key] = first.cookies
    browser.cookies = copy(_cookies[key])
    return browser


@cache
def _handler(enforce_csrf_checks: bool) -> ClientHandler:
    """The pages behind a browser: built with all their middleware once, not for every browser."""
    from django.test.client import ClientHandler

    return ClientHandler(enforce_csrf_checks=enforce_csrf_checks)


def sign_in(town: Town, browser: Client, path: str, email: str) -> None:
    """Sign in at this path as a person does it. Wrong tries of other tests do not make this one wait."""
    with psycopg.connect(town.shop.database) as db:
        db.execute("DELETE FROM throttle")
    if path.startswith("/console/"):
        assert members.both_steps(browser, email, PASSWORD) == 302, f"{email} cannot sign in at {path}"
        return
    answer = browser.post(path, {"email": email, "password": PASSWORD})
    assert answer.status_code == 302, f"{email} cannot sign in at {path}: {answer.status_code}"


def forget_sessions() -> None:
    """Everybody signs in anew: a session has ended."""
    _cookies.clear()
