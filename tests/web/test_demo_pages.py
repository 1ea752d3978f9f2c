"""The pages of the demo are where the demo is, and nowhere else."""

from __future__ import annotations

import pytest
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
