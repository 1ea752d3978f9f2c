"""A promise to pay lets the ladder stand still while it is kept; broken, it goes on where it had stopped."""

from __future__ import annotations

from tests.stories.story import Story, table


def test_a_kept_promise_ends_the_case() -> None:
    story = Story().until(25)
    story.promise((40, 0))
    story.until(39).pay()
    assert story.until(60).diary(25, dates=True) == table("""x""")


def test_a_broken_promise_goes_on_where_the_ladder_had_stopped_with_a_new_warning() -> None:
    story = Story().until(25)
    story.promise((34, 0))
    assert story.until(60).diary(25, dates=True) == table("""x""")


def test_instalments() -> None:
    story = Story().until(25)
    story.promise((34, 4000), (44, 4000), (54, 4000))
    story.until(30).pay(4000).until(40).pay(1000)
    assert story.until(70).diary(25, dates=True) == table("""x""")
