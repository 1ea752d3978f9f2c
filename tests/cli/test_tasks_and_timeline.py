"""What staff read: many tasks of one kind as one line with a count, and what became of each message."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from msgspec.structs import replace
from tests.stories.story import Story

from arrears.cli.tasks import lines
from arrears.cli.timeline import by_notice, fate
from arrears.ports import Mail, MailState
from arrears.store.postgres.queries import Task

AT = datetime(2026, 1, 2, 9, tzinfo=UTC)


def task(account: int, kind: str) -> Task:
    return Task(account, f"A{account}", 7, kind, f"about {account}", AT)


def test_a_thousand_tasks_of_one_kind_are_one_line_with_their_count_and_a_few_names() -> None:
    storm = [task(n, "nobody_reachable") for n in range(1, 1001)]
    assert list(lines([*storm, task(2000, "parked")], each=False)) == [
        (
            "2026-01-02 09:00",
            "",
            "1,000 accounts",
            "",
            "nobody_reachable",
            "acc_1, acc_2, acc_3, acc_4, acc_5, ...",
        ),
        ("2026-01-02 09:00", "0", "acc_2000", "A2000", "parked", "about 2000"),
    ]


def test_a_few_tasks_and_those_that_were_asked_for_are_listed_one_by_one() -> None:
    few = [task(n, "parked") for n in (1, 2, 3)]
    assert [line[2] for line in lines(few, each=False)] == ["acc_1", "acc_2", "acc_3"]
    many = [task(n, "nobody_reachable") for n in range(1, 1001)]
    assert len(list(lines(many, each=True))) == 1000


def test_accounts_are_counted_and_not_tasks() -> None:
    storm = [task(n % 12 + 1, "support_request") for n in range(536)]
    [line] = lines(storm, each=False)
    assert line[2] == "12 accounts"
    assert line[5] == "acc_1, acc_2, acc_3, acc_4, acc_5, ..."


def test_what_was_asked_for_several_times_says_so() -> None:
    [line] = lines([dataclasses.replace(task(1, "parked"), times=7)], each=True)
    assert line[5] == "about 1 (7 times)"


def test_the_fate_of_a_message_is_told_in_the_servers_words() -> None:
    story = Story().until(0)
    mail = next(iter(story.store.mails_of(story.no)))
    assert fate(mail).startswith("reminder to ")
    assert ": accepted (2026-01-02" in fate(mail)
    assert by_notice([mail]) == {mail.seq: [mail]}
    every: list[Mail] = [replace(mail, state=state, reply="250 2.0.0 taken") for state in MailState]
    assert len({fate(one) for one in every}) == len(MailState)
    assert ", 250 2.0.0 taken (" in fate(every[0])
