"""The stories in which a mistake about a deletion does harm: one account by day, until whatever is deleted is gone."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Final

from tests.stories.story import Story
from tests.stories.test_default_method import Later

from arrears.core import facts as f
from arrears.core.account import DoubtKind, Stop
from arrears.core.policy import default_policy
from arrears.engine import system
from arrears.engine.messages.bounces import Returned, came_back
from arrears.engine.run import Limits

LAST: Final = 140
"""A day of the story by which everything that will be deleted is."""


def unpaid() -> Story:
    """Nobody pays, and everything is told in time: deletion on day 120, ordered a day later."""
    return Story().until(LAST)


def in_honolulu() -> Story:
    """The same, where the day ends half a day later than in UTC."""
    return Story(zone="Pacific/Honolulu").until(LAST)


def held_before_the_order() -> Story:
    """Scheduled, and then held until day 130."""
    story = Story().until(121)
    story.hold(130, stops=(Stop.DELETE,))
    return story.until(LAST)


def in_doubt_before_the_order() -> Story:
    """Scheduled, and then a payment that nobody knows the outcome of."""
    return Story().until(121).doubt(DoubtKind.ATTEMPT).until(LAST)


def disputed_before_the_order() -> Story:
    """Scheduled, and then the customer objects to the invoice."""
    story = Story().until(121)
    story.dispute()
    return story.until(LAST)


def unheard() -> Story:
    """From the stop on no mail server takes anything."""
    story = Story().until(40)
    story.mail.works = False
    return story.until(LAST)


def capped() -> Story:
    """No deletion is ordered by itself: each waits for two members of staff."""
    return Story(limits=Limits(deletions_per_day=0)).until(LAST)


def acknowledged_late() -> Story:
    """The service says only on day 50 that it has stopped."""
    story = Story()
    story.hands.busy = True
    story.until(50)
    story.hands.busy = False
    return story.until(LAST + 20)


def two_services() -> Story:
    """Two services, one invoice for both."""
    return Story(services=("cloud", "mail")).until(LAST)


def leap_day() -> Story:
    """The same across the 29th of February, in a zone whose clocks change meanwhile."""
    return Story(due=date(2028, 1, 15), zone="Europe/Amsterdam").until(LAST)


def credit_before_the_order() -> Story:
    """Scheduled, and then a bank credit that may be theirs."""
    return Story().until(121).doubt(DoubtKind.BANK_CREDIT).until(LAST)


def stale_before_the_order() -> Story:
    """Scheduled, and then the feed of the system that bills is old: whoever has paid there is not known here."""
    story = Story().until(121)
    system.set_feed(story.store, stale=True, now=story.now, author="api:1")
    return story.until(LAST)


def bounced_before_the_order() -> Story:
    """Scheduled, and then each warning that was given comes back."""
    story = Story().until(121)
    for seq in [r.seq for r in story.history() if isinstance(r.fact, f.Noticed) and r.fact.each(f.Warning)]:
        for mail in story.store.mails_of_notices([(story.no, seq)]):
            came_back(story.store, Returned(mail.id, mail.address, "soft", "5.7.1", "blocked"), story.now)
    return story.until(LAST)


def held_inside_the_lead() -> Story:
    """Warned of day 120, and held from day 115 for ten days: what was told is not so any more."""
    story = Story().until(115)
    story.hold(125, stops=(Stop.DELETE,))
    return story.until(LAST + 20)


def doubted_at_the_deadline() -> Story:
    """Warned, and in doubt from day 119 to day 122: the warnings are void after it."""
    return Story().until(119).doubt().until(122).clear().until(LAST)


def one_clock() -> Story:
    """One clock for the whole account, and an invoice that names one service of two."""
    story = Story(policy='scope = "account"', services=("cloud", "mail"), bill=False)
    story.bill(-1, subscriptions=(1,))
    return story.until(LAST)


def later_subscription() -> Story:
    """A card that works pays for the first service; a second one is added, and has an invoice of its own."""
    story = Later()
    story.store_card()
    story.subscribe()
    story.bill(5, subscriptions=(2,))
    return story.until(LAST + 10)


JUMP: Final = timedelta(days=91)


def clock_jumps() -> Story:
    """Stopped on day 30; on day 31 the program's clock goes on by 91 days, and the database's does not."""
    story = Story().until(31)
    tick = story.inner.tick
    story.store.tick = lambda now: (tick(now)[0], JUMP.total_seconds())  # type: ignore[method-assign]
    story.stage.now += JUMP
    return story.run().until(LAST)


def blank() -> Story:
    """A policy that keeps nothing for any time, which no file can say."""
    return Story(policy=dataclasses.replace(default_policy(), retention_days=0)).until(LAST)
