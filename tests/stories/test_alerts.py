"""Alerts come with their cause and go with it, in the same transaction."""

from __future__ import annotations

from datetime import timedelta

from tests.stories.paying import Paying
from tests.stories.story import Story

from arrears.core.messages.alerts import Alert, Level, alerts_of
from arrears.core.view import View
from arrears.sandbox.run import Running


def alerts(story: Story, *, unconfirmed: bool = False) -> tuple[Alert, ...]:
    view = View(story.store.policies(), story.account, story.store.system().guards, story.now)
    return alerts_of(view, unconfirmed_address=unconfirmed)


def standing(story: Story) -> list[str]:
    """Each alert in a line: level, what it is about, the day it names by the story's count."""
    return [
        " ".join(
            [
                a.level,
                a.service or "account",
                *([f"day {story.day(a.on)}"] if a.on else []),
                *(f"{c} {m}" for c, m in a.sums),
            ]
        )
        for a in alerts(story)
    ]


def test_an_unpaid_invoice_by_day() -> None:
    story = Story()
    told = []
    for day in (-1, 0, 20, 21, 30, 31, 33, 84, 114):
        told.append((day, standing(story.until(day))))
    assert told == [
        (-1, ["bill_ready account day -1 EUR 12000"]),
        (0, ["past_due account EUR 12000"]),
        (20, ["past_due account EUR 12000"]),
        (21, ["stops_on cloud day 30 EUR 12000", "past_due account EUR 12000"]),
        (30, ["stops_on cloud day 30 EUR 12000", "past_due account EUR 12000"]),
        (31, ["stopped cloud EUR 12000", "past_due account EUR 12000"]),
        (33, ["stopped cloud EUR 12000", "past_due account EUR 12000"]),
        (84, ["deletion_on cloud day 120 EUR 12000", "stopped cloud EUR 12000", "past_due account EUR 12000"]),
        (114, ["deletion_on cloud day 120 EUR 12000", "stopped cloud EUR 12000", "past_due account EUR 12000"]),
    ]


def test_paying_clears_all_of_them_at_once() -> None:
    story = Story().until(114)
    assert len(alerts(story)) == 3
    story.pay()
    assert alerts(story) == ()


def test_a_dispute_asks_for_nothing_while_it_is_open() -> None:
    story = Story().until(25)
    hold = story.dispute()
    assert alerts(story) == ()
    story.release(hold)
    assert "past_due account EUR 12000" in standing(story)


def test_a_cancelled_service_is_told_the_day_of_its_deletion_and_no_debt() -> None:
    story = Story(bill=False).cancel().until(85)
    found = alerts(story)
    assert [(a.level, a.service, a.sums) for a in found if a.level is not Level.DELETION_ON] == []


def test_an_address_that_is_not_confirmed_stands_last() -> None:
    story = Story().until(1)
    assert [a.level for a in alerts(story, unconfirmed=True)] == [Level.PAST_DUE, Level.CONFIRM_ADDRESS]


def test_an_expiring_card_stands_until_it_is_renewed(sandbox: Running) -> None:
    story = Paying(sandbox, bill=False)
    number = story.card("expires_soon" if "expires_soon" in cards() else "approve")
    expires = story.account.method(number).expires_on
    assert expires is not None
    story.until(story.day(expires) - 59)
    assert [(a.level, a.on, a.method) for a in alerts(story)] == [(Level.CARD_EXPIRES, expires, number)]
    from arrears.engine.payments import methods

    methods.renew(story.store, story.providers, story.no, number, 12, expires.year + 3, story.now, "person:1")
    assert alerts(story) == ()
    assert story.now.date() < expires + timedelta(1)


def cards() -> list[str]:
    from arrears.sandbox.cards import CARDS

    return [card.name for card in CARDS]
