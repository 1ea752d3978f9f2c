"""The pages of the demo are where the demo is, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.test import RequestFactory
from tests.stories.story import Story
from tests.web.entrance import browser
from tests.web.routes import routes


@pytest.mark.usefixtures("site")
def test_an_installation_has_no_way_to_move_its_clock() -> None:
    client = browser()
    assert [route for route in routes() if "demo" in route or "time" in route.split("/")] == []
    for path in ("/demo/time", "/demo/anew", "/demo/sign-in", "/demo/staff", "/demo/console"):
        assert client.post(path, {"day": "21"}).status_code == client.get(path).status_code == 404
    assert client.get("/").headers["Location"] == "/sign-in?next=/"


OFF = {
    "cancelled": lambda: Story().until(10).cancel(),
    "cancelled and paid": lambda: Story().until(10).cancel().pay(),
    "cancelled and gone": lambda: Story(bill=False).until(1).cancel().until(130),
    "disputed": lambda: _disputed(Story().until(10)),
    "written off": lambda: Story().until(10).write_off(),
    "one of two is gone": lambda: _billed_for_one(Story(services=("cloud", "mail"), bill=False)).until(130),
}
ON = {
    "declined": lambda: Story().until(0),
    "warned": lambda: Story().until(22),
    "stopped": lambda: Story().until(40),
    "a part is paid": lambda: Story().until(22).pay(2_000),
    "paid in time": lambda: Story().until(22).pay(),
    "running again": lambda: Story().until(40).pay(),
    "brought back": lambda: Story().until(10).cancel().reactivate(),
    "gone": lambda: Story().until(130),
}


def _billed_for_one(story: Story) -> Story:
    story.bill_separately(-1, 12_000, 1)
    return story


def _disputed(story: Story) -> Story:
    story.dispute()
    return story


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("way", [*OFF, *ON])
def test_the_first_page_tells_the_story_only_while_it_is_that(way: str) -> None:
    """Whoever cancels or disputes is not told of a service that refuses, or of what nobody has paid."""
    from arrears.web.demo_story import goes_elsewhere

    story = {**OFF, **ON}[way]()
    assert goes_elsewhere(story.account, [one.fact for one in story.history()]) is (way in OFF)


def _landing(story: Story, monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[Any, dict[str, Any]]:
    """The story as the first page shows it, and what its template is given."""
    from arrears.adapters.channels.folder import FolderChannel
    from arrears.web import demo_pages, demo_story

    def service_page(account: int, number: int) -> str:
        return f"/{account}/{number}"

    live = SimpleNamespace(store=story.inner, channel=FolderChannel(folder), service_page=service_page)
    monkeypatch.setattr(demo_story, "installed", lambda: live)
    world = SimpleNamespace(account=story.no, now=lambda: story.now, zone="UTC", moved_from=story.instant(0))
    world.year_under_way, world.service_runs = lambda: False, lambda: True
    given: dict[str, Any] = {}
    monkeypatch.setattr(demo_pages, "render", lambda _request, _template, values: given.update(values))
    request = RequestFactory().get("/", headers={"host": "127.0.0.1"})
    cast("Any", request).world = world
    demo_pages.landing(request)
    return given["now"], given


@pytest.mark.usefixtures("site")
def test_what_the_first_page_says_of_the_service_is_how_that_service_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Cancelled on day 1 and brought back on day 4, a service has two days more (decision 74): on day 31 only the
    other one has stopped."""
    story = Story(services=("cloud", "mail")).until(1).cancel().until(4).reactivate().until(31)
    assert [sub.state for sub in story.account.subscriptions] == ["past_due", "disabled"]
    now, given = _landing(story, monkeypatch, tmp_path)
    assert (now.files, given["chapter"], given["next_day"]) == ("saved", "warned", 33)
    assert given["title"] == "The warning has come"
    assert ("Day 33: the service has stopped, and its files can only be read", False) in given["lines"]

    now, given = _landing(story.until(33), monkeypatch, tmp_path)
    assert (now.files, given["chapter"], given["next_day"]) == ("read", "stopped", 122)
    assert ("Day 33: the service has stopped, and its files can only be read", True) in given["lines"]

    now, given = _landing(story.pay(), monkeypatch, tmp_path)
    assert (now.files, given["title"]) == ("saved", "Everything is paid and running again")


@pytest.mark.usefixtures("site")
def test_a_service_that_never_stopped_is_not_said_to_have(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    story = Story(services=("cloud", "mail")).until(1).cancel().until(4).reactivate().until(31).pay()
    now, given = _landing(story, monkeypatch, tmp_path)
    assert (now.files, given["title"]) == ("saved", "Everything is paid and running again")
    assert [done for text, done in given["lines"] if "the service has stopped" in text] == [False]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(("stands", "files"), [("warned", "saved"), ("stopped", "read"), ("gone", "gone")])
def test_on_the_main_path_it_is_what_the_day_says(
    stands: str, files: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now, _given = _landing(ON[stands](), monkeypatch, tmp_path)
    assert now.files == files


@pytest.mark.usefixtures("site")
def test_the_demo_tells_its_password_where_a_page_asks_for_it_once_more() -> None:
    """Who came in by the story's button was never told it; no other program says it."""
    from django.template.loader import render_to_string

    from arrears.web.demo_handler import Served

    request: Any = RequestFactory().get("/sign-in/again")
    request.user = SimpleNamespace(sign_in_email="anna@example.org")
    assert "In this demo" not in render_to_string("account/reauthenticate.html", {}, request)
    world: Any = SimpleNamespace(now=lambda: datetime(2026, 1, 2, tzinfo=UTC), zone="UTC", password="bread and butter")
    request.demo = Served(world)
    assert "In this demo the password is: bread and butter" in render_to_string(
        "account/reauthenticate.html", {}, request
    )
