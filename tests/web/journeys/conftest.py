"""One scene for a file of journeys, and every journey in two languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser
from tests.web.journeys.person import Person
from tests.web.journeys.scene import Scene, served

Meet = Callable[..., Person]


@pytest.fixture(scope="module")
def scene(site: str) -> Iterator[Scene]:
    with served(site) as found:
        yield found


@pytest.fixture(params=["en", "nl"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def meet(scene: Scene, browser: Browser) -> Iterator[Meet]:
    """Somebody of an account with a browser of their own: `meet(language, account)`."""
    met: list[Person] = []

    def somebody(language: str, account: int, *, who: int = 0, scripts: bool = True) -> Person:
        met.append(Person(scene, browser, language, account, who, scripts))
        return met[-1]

    yield somebody
    for person in met:
        person.leaves()
    for account in {person.account for person in met}:
        scene.leave_nothing_open(account)
