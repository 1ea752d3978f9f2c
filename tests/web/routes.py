"""Every route of the URL configuration, as it is written there, and its address for given values.

Checks that hold for every page start here, so that a page that is added later is under them by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from tests.web.states import Town

_PART: Final = re.compile(r"<(?:\w+:)?(\w+)>")


def routes() -> list[str]:
    """ "/", "/sign-in", "/<account:account>/settle", ..., each once."""
    from django.urls import get_resolver

    return list(dict.fromkeys(_walk(get_resolver().url_patterns, "/")))


def _walk(patterns: list[Any], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern).removeprefix("^")
        if hasattr(pattern, "url_patterns"):
            yield from _walk(pattern.url_patterns, path)
        else:
            yield "/assets/<asset>" if path.startswith("/assets/") else path


def parts(route: str) -> list[str]:
    """The names of what a route leaves open: ["account", "number"]."""
    return _PART.findall(route)


def address(route: str, values: Mapping[str, object]) -> str:
    """The route with its open parts filled; KeyError names the part that has no value."""
    return _PART.sub(lambda part: str(values[part[1]]), route)


def of_an_account(route: str) -> bool:
    """Whether the route is a page of one account."""
    return route.startswith("/<account:account>/")


@cache
def numbers(town: Town, account: int) -> dict[str, object]:
    """Of the account when it was first asked for; nothing here adds any."""
    return {"number": town.setup(account), "attempts": town.attempts(account) or "1", "place": 1}


def values(town: Town, account: int) -> dict[str, object]:
    """What the open parts of routes stand for; a part that is new has a value to get here."""
    from arrears.web.assets import asset

    return {
        "account": f"acc_{account}",
        **numbers(town, account),
        "asset": asset("style.css").path.removeprefix("/assets/"),
        "name": town.mails[0].id,
        "provider": "stripe",
        "service": "cloud",
        "attempt": 1,
        "pk": 1,
        "method": 99,
        "payment": "pay_none",
        "ref": "nobody",
        "person": "per_1",
        "task": "settle",
        "task_no": 999_999,
        "case": "case_1_99999",
        "hold": "hold_1_99999",
        "promise": "promise_1_99999",
        "subscription": "cloud",
        "act": "hold",
        "report": "ageing",
        "policy": "default",
        "kind": "reminder",
    }


def target(town: Town, route: str, account: int) -> str:
    """The address of a route for an account."""
    token = town.address if route.startswith("/address/") else town.links.get(account, "none")
    return address(route, {**values(town, account), "token": token.rpartition("/")[2]})
