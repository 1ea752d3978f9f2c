"""One town for a file of journeys, and every journey in two languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser
from tests.web.journeys.person import Person
from tests.web.journeys.town import Town, served

Meet = Callable[..., Person]


@pytest.fixture(scope="module")
def town(site: str) -> Iterator[Town]:
    with served(site) as found:
        yield found


@pytest.fixture(params=["en", "nl"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def meet(town: Town, browser: Browser) -> Iterator[Meet]:
    """Somebody of an account with a browser of their own: `meet(language, account)`."""
    met: list[Person] = []

    def somebody(language: str, account: int, *, who: int = 0, scripts: bool = True) -> Person:
        met.append(Person(town, browser, language, account, who, scripts))
        return met[-1]

    yield somebody
    for person in met:
        person.leaves()
    for account in {person.account for person in met}:
        town.leave_nothing_open(account)
