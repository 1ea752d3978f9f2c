"""What people ask for and type in holds back nobody's mail: not their own warnings, and not that of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.sizes import few
from tests.store.contract import AnyStore, at, invoice, new_account, open_book
from tests.store.test_mail_health import Answering
from tests.stories.story import Hands, Story
from tests.stories.test_notices import ANNA, known

from arrears.core.errors import Refused
from arrears.core.messages.content import Role
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.message_context import PLAIN_CONTEXT, MailLimits
from arrears.engine.messages.bounces import Returned, came_back
from arrears.engine.people import profile
from arrears.engine.perform import perform_all
from arrears.engine.run import run
from arrears.store.postgres.store import PostgresStore

LIMITED = replace(PLAIN_CONTEXT, limits=MailLimits())


def refusal_of(call: Callable[[], object]) -> str:
    """The code with which this is refused; empty where it is done."""
    try:
        call()
    except Refused as refused:
        return refused.code
    return ""


def ask_for_tests(story: Story, times: int) -> int:
    """How many of so many test messages, asked for one after the other, are granted."""
    return [
        refusal_of(lambda: profile.send_test(story.store, story.no, 1, story.now, "person:1")) for _ in range(times)
    ].count("")


def test_who_asks_for_test_messages_all_day_is_warned_and_stopped_all_the_same() -> None:
    story = known(Story(), ANNA)
    story.stage.context = LIMITED
    for day in range(few(32, 60)):
        assert ask_for_tests(story.until(day, "08:00"), 40) == 5
        story.run().until(day, "12:00")
    assert story.sub().state is State.DISABLED
    story.check()


def test_what_is_held_back_of_one_kind_holds_back_no_other() -> None:
    story = known(Story(), ANNA._replace(sign_in=ANNA.contact))
    story.stage.context = replace(PLAIN_CONTEXT, limits=MailLimits(per_recipient_a_day=2))
    assert ask_for_tests(story.until(0, "07:00"), 5) == 5
    story.run().until(0, "12:00")
    assert sorted(message.subject for message in story.mail.taken) == ["reminder", "test", "test"]


def test_the_addresses_that_one_account_names_are_no_storm(store: AnyStore) -> None:
    open_book(store, 0)
    typed = tuple(f"x{n}@nowhere.example" for n in range(10))
    new = [(new_account(f"S{n}")._replace(copies=typed if n == 1 else ()), ["cloud"]) for n in range(1, 6)]
    numbers = commands.open_accounts(store, new, at(1), "api:1")
    commands.issue_invoices(store, [invoice(n, f"S{n}") for n in numbers], at(1), "api:1")
    for day in range(2, 24):
        now = at(day, 9)
        run(store, now)
        perform_all(store, Answering({}), Hands(), lambda now=now: now)  # type: ignore[misc]
        sent = [m for m in store.mails_of(numbers[0]) if m.address in typed]
        if sent:
            break
    assert len(sent) == 10
    for mail in sent:
        came_back(store, Returned(mail.id, mail.address, "hard", "5.1.1", "550 no such user"), now)
    assert store.mail_counts(now, ())[1:3] == (5, 0)
    health = store.mail_health(now)
    assert (health.back, health.addresses, health.addresses_back) == (10, 5, 0)


def test_of_an_account_one_address_counts_for_a_storm() -> None:
    story = Story()
    readers = [ANNA._replace(no=n, role=Role.READER, sign_in=f"r{n}@x.example", contact="") for n in range(2, 25)]
    known(story, ANNA, *readers)
    story.stage.context = LIMITED
    story.until(21, "09:00")
    for message in [m for m in story.mail.taken if m.to.startswith("r")]:
        came_back(story.store, Returned(message.id, message.to, "hard", "5.1.1", ""), story.now)
    counts = story.store.mail_counts(story.now, ())
    assert (counts.handed, counts.addresses, counts.dead) == (25, 1, 1)
    story.run()
    assert "mail_paused" not in story.tasks()


@pytest.mark.parametrize("author", ["person:1", "token:1"])
def test_a_mailbox_is_typed_by_people_ten_times_a_day_whoever_does_it_and_however_it_is_spelt(
    make_postgres: Callable[[], PostgresStore], author: str
) -> None:
    postgres = make_postgres()
    numbers = open_book(postgres, 14)
    spelt = ["victim@example.org", "VICTIM@example.org"] * 7

    def warn(number: int, address: str) -> str:
        return refusal_of(lambda: profile.add_extra(postgres, number, address, "", "", now=at(1), author=author))

    said = [warn(number, address) for number, address in zip(numbers, spelt, strict=True)]
    assert said == [""] * 10 + ["typed_often" if author == "person:1" else ""] * 4
    profile.add_extra(postgres, numbers[0], "victim@example.org", "Again", "", now=at(1), author=author)
    profile.add_extra(postgres, numbers[13], "other@example.org", "", "", now=at(1), author=author)
    late = at(1) + timedelta(days=1, seconds=1)
    profile.add_extra(postgres, numbers[13], "victim@example.org", "", "", now=late, author=author)
