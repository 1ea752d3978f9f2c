"""An action that waits because no warning of it counts has an open task, whoever closed one (spec, section 3)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.stories.story import STAFF, Story
from tests.stories.test_notices import ANNA, SAM, known

from arrears.core.deadlines import Ahead, ahead
from arrears.core.view import View
from arrears.engine.commands import close_task
from arrears.engine.messages.bounces import Returned, came_back
from arrears.ports import Message

ALONE = ANNA._replace(sign_in="anna@contact.example")
WAITING = {"warning_not_accepted", "mail_came_back", "nobody_reachable"}


class Post:
    """What the mail server took and has not been reported yet."""

    def __init__(self, story: Story) -> None:
        self.story, self.done = story, 0

    def returns(self, which: Callable[[Message], bool] = lambda _: True, how: str = "soft") -> None:
        """All of it is final now; what is chosen came back."""
        taken = self.story.mail.taken
        for message in taken[self.done :]:
            if which(message):
                came_back(self.story.store, Returned(message.id, message.to, how, "5.2.2", "full"), self.story.now)
        self.done = len(taken)


def close_all(story: Story) -> None:
    for account, seq in list(story.inner.tasks):
        close_task(story.store, account, seq, story.now, STAFF, "looked at it")


def test_a_task_that_a_person_closed_is_opened_by_the_next_return() -> None:
    story = known(Story(), ALONE)
    post = Post(story)
    for day in range(31):
        story.until(day)
        post.returns()
        if day == 3:
            close_all(story)
            assert not story.tasks()
    [task] = story.inner.tasks.values()
    assert task.kind == "mail_came_back"
    assert task.times > 5, "each return since is counted"


def test_one_that_a_payment_closed_is_opened_by_a_return_of_the_next_debt() -> None:
    story = known(Story(), ALONE).until(0)
    post = Post(story)
    post.returns()
    assert story.pay().tasks() == []
    story.bill(1)
    story.until(2)
    post.returns()
    assert story.tasks() == ["mail_came_back"]


def test_that_a_readers_copy_came_back_says_nothing_of_the_administrators() -> None:
    story = known(Story(), ALONE, SAM).until(21)
    post = Post(story)
    post.returns(lambda message: message.to.startswith("sam"))
    close_all(story)
    story.until(28)
    post.returns()
    assert story.tasks() == ["mail_came_back"]


def test_who_forges_a_return_of_each_warning_is_asked_about_each_time_the_date_moves() -> None:
    story = known(Story(), ALONE)
    post = Post(story)
    asked = 0
    for day in range(60):
        story.until(day)
        post.returns(lambda message: "warning" in message.subject)
        asked += bool(story.tasks())
        close_all(story)
    assert asked > 30


def waiting(story: Story) -> Iterator[Ahead]:
    """The actions whose date has moved because no warning of it counts."""
    for one in ahead(View(story.store.policies(), story.account, story.store.system().guards, story.now)):
        base, announced = one.base(), one.announced_day
        sent = one.promise.newest() is not None and one.promise.accepted_at is None
        if sent and base is not None and announced is not None and announced > base:
            yield one


def test_whatever_comes_back_is_closed_or_paid_an_action_that_waits_has_an_open_task() -> None:
    seed = random.randrange(10**9)
    assert sum(moved_in_one_world(random.Random(f"{seed}-{world}"), f"{seed}-{world}") for world in range(8)), seed


def moved_in_one_world(rng: random.Random, seed: str) -> int:
    """150 days in which mail is refused or comes back, staff close tasks and the customer pays, at random; how often an
    action waited and had its task."""
    story = known(Story(services=("cloud", "mail")), *rng.choice([(ALONE,), (ANNA, SAM)]))
    post, seen, billed, share = Post(story), 0, 0, 0.0
    for day in range(150):
        if day % 10 == 0:
            share, story.mail.works = rng.choice([0.0, 0.5, 1.0, 1.0]), rng.random() < 0.8
        how = rng.choice(["soft", "soft", "soft", "hard"])
        for at in ("10:00", "12:00"):
            story.until(day, at)
            if at == "12:00":
                post.returns(lambda _, part=share: rng.random() < part, how)
            # Of an address that is dead the next one hears at once; whether that counts is known by the morning.
            for one in waiting(story) if at == "10:00" or how == "soft" else ():
                seen += 1
                assert WAITING & set(story.tasks()), f"seed {seed}, {day} {at}: {one.action} waits, and nobody is asked"
        if rng.random() < 0.3:
            close_all(story)
        if rng.random() < 0.02:
            story.pay()
            billed = day
        if billed and day == billed + 2:
            story.bill(day)
    story.check()
    return seen
