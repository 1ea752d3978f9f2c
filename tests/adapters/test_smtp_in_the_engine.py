"""The whole ladder over a real mail server that goes away for days: everything is delivered once, and nothing early."""

from __future__ import annotations

from collections import Counter

from tests.smtp_server import smtp_server
from tests.stories.story import Story

from arrears.adapters.channels.smtp import SmtpChannel
from arrears.core import facts as f
from arrears.core.states import State


def test_a_mail_server_that_is_away_for_four_days_of_the_ladder_costs_no_message(site: str) -> None:
    story = Story()
    with smtp_server() as server:
        channel = SmtpChannel(server.url, "Example Billing <billing@example.org>", timeout_seconds=5)
        story.stage.channel = channel
        story.until(20)
        server.stop()
        story.until(24)
        accepted = len(story.facts(f.NoticeAccepted))
        server.start()
        story.until(29)
        assert story.sub().state is State.PAST_DUE
        story.until(40)
        channel.close()
        received = list(server.received)
    assert accepted == 4, "the reminders of days 0, 3, 7 and 14"
    assert story.sub().state is State.DISABLED
    assert len(received) == len(story.facts(f.NoticeAccepted))
    assert max(Counter(str(one.mail["Message-ID"]) for one in received).values()) == 1
    [(warned_at, _)] = [(at, n) for at, n in story.facts(f.Noticed) for w in n.each(f.Warning)][:1]
    assert story.calendar.local_day(warned_at) == story.date(21)
    story.check()
