"""Who is told now has been warned, or is warned anew: people and addresses come and go (spec, section 3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.stories.ledger import imported
from tests.stories.story import Story, table
from tests.stories.test_notices import ANNA, OPS, SAM, bounce, known
from tests.stories.test_warned_otherwise import tell

from arrears.core import facts as f
from arrears.core.account import Action
from arrears.core.messages.content import Role
from arrears.core.messages.recipients import ContactPerson, Extra
from arrears.core.states import State
from arrears.engine.acting import acting_on
from arrears.engine.heard import check_heard
from arrears.ports import Delivery, Message

EVA = ContactPerson(3, Role.ADMINISTRATOR, "Eva", "eva@sign-in.example", "eva@contact.example", "nl", "")
ALONE = ANNA._replace(sign_in="anna@contact.example")


def with_contacts(
    story: Story, *people: ContactPerson, extras: tuple[Extra, ...] = (), contact: str = "", replaced: bool = False
) -> Story:
    """The same people are told from now on, as the commands leave it."""
    with acting_on(story.store, story.no, story.now) as unit:
        was = story.inner.reached[story.no]
        story.inner.reached[story.no] = was._replace(people=people, extras=extras, contact=contact)
        check_heard(story.store, unit, replaced=replaced)
    return story


def nobody_yet(story: Story) -> Story:
    return story  # mail goes to the address that the account was opened with


def a_new_administrator(story: Story) -> Story:
    return with_contacts(story, EVA, SAM, replaced=True)


def another_contact_address(story: Story) -> Story:
    return with_contacts(story, ALONE._replace(contact="anna@new.example", sign_in=""))


def the_reader_is_gone(story: Story) -> Story:
    return with_contacts(story, EVA._replace(no=9))


Change = Callable[[Story], Story]
WAYS: list[tuple[Change, Change, str]] = [
    (nobody_yet, a_new_administrator, "eva@contact.example"),
    (lambda s: known(s, ANNA, SAM), a_new_administrator, "eva@contact.example"),
    (lambda s: known(s, ALONE), another_contact_address, "anna@new.example"),
    (lambda s: known(s, SAM), the_reader_is_gone, "eva@contact.example"),
    (
        lambda s: known(s, SAM, extras=(OPS,)),
        lambda s: with_contacts(s, SAM._replace(contact="s@x.example")),
        "s@x.example",
    ),
]


class WhileHandingOver:
    """A server that takes everything; the first time it is asked, something happens before its answer is stored."""

    def __init__(self, story: Story, change: Change) -> None:
        self.story, self.change, self.inner, self.done = story, change, story.mail, False

    def send(self, message: Message) -> Delivery:
        """See ports.Channel."""
        given = self.inner.send(message)
        if not self.done:
            self.done = True
            self.change(self.story)
        return given

    look_up = property(lambda self: self.inner.look_up)


@pytest.mark.parametrize("order", ["after", "during"])
@pytest.mark.parametrize(("before", "change", "address"), WAYS)
def test_nothing_is_stopped_before_who_is_reach_had_a_warning_and_its_lead(
    before: Change, change: Change, address: str, order: str
) -> None:
    """The last warning of the stop has left, or is leaving, when others are to be told."""
    story = before(Story()).until(28, "08:00")
    if order == "during":
        story.stage.channel = WhileHandingOver(story, change)
        story.until(28, "12:00")
    else:
        change(story.until(29))
    story.until(60)
    [(stopped_at, stopped)] = story.facts(f.Disabled)
    warned = [m for m in story.mail.taken if m.subject == "stop warning" and m.to == address]
    assert warned, "they are warned"
    first = min(m.at for m in warned if m.at is not None)
    lead_ends = story.calendar.end_of_day(story.date((first.date() - story.day_0).days + 7))
    assert stopped_at >= lead_ends, (first, stopped.on)
    assert story.tasks().count("recipients_changed") == 0, "the first time is nothing for staff"
    story.check()


def test_a_new_administrator_is_warned_of_the_deletion_first_and_has_the_full_lead() -> None:
    story = known(Story(), ANNA, SAM).until(31 + 88)
    taken = len(story.mail.taken)
    with_contacts(story, EVA, SAM, replaced=True)
    assert story.announced(Action.DELETE) == 30 + 90 + 6, "said at once on pages: today and the lead"
    assert story.until(140).diary(119, only="warning others deletion deleted") == table("""
        day 119 09:00 warning 89: delete cloud on day 120
        day 119 12:00 others are told
        day 120 09:00 warning 89: delete cloud on day 127 (late)
        day 128 00:00 deletion of cloud scheduled
        day 129 00:00 deletion of cloud ordered
        day 129 00:00 cloud deleted
        day 129 00:00 case ended_deleted
        day 129 09:00 told: cloud deleted on day 129
    """)
    eva = [m.subject for m in story.mail.taken[taken:] if m.to == "eva@contact.example"]
    assert eva == ["deletion warning", "deleted"]
    story.check()


def test_a_deletion_that_is_scheduled_waits_for_who_is_reach() -> None:
    story = known(Story(), ANNA).until(121)
    assert story.sub().end is not None
    assert story.facts(f.DeletionScheduled)
    with_contacts(story, EVA, replaced=True)
    assert story.facts(f.DeletionUnscheduled)
    story.until(129)
    assert story.sub().state is State.DISABLED
    assert story.until(140).sub().state is State.DELETED
    story.check()


@pytest.mark.parametrize(
    "now",
    [
        (ANNA._replace(contact="anna@new.example"), SAM),
        (ANNA._replace(contact="ANNA@CONTACT.EXAMPLE", sign_in=""), SAM),
        (ANNA,),
        (ANNA, SAM, EVA._replace(role=Role.READER)),
        (SAM._replace(role=Role.ADMINISTRATOR),),
    ],
)
def test_nothing_moves_while_one_who_may_pay_has_the_warning(now: tuple[ContactPerson, ...]) -> None:
    """The sign-in address has it, it is the same mailbox, the same person, or a reader who became the administrator."""
    story = with_contacts(known(Story(), ANNA, SAM).until(28), *now)
    assert not story.facts(f.RecipientsChanged)
    [(_, stopped)] = story.until(40).facts(f.Disabled)
    assert stopped.on == story.date(30)


def test_another_address_of_the_same_person_wins_time_twice_and_then_staff_are_asked() -> None:
    story = known(Story(), ALONE).until(28)
    for n in range(40):
        with_contacts(story, ALONE._replace(contact=f"anna{n}@new.example", sign_in=""))
        if not story.facts(f.Disabled):
            story.until(29 + n)
    assert len([one for _, one in story.facts(f.RecipientsChanged) if one.lost]) == 2
    [(_, stopped)] = story.facts(f.Disabled)
    assert story.day(stopped.on) <= 30 + 2 * 8
    assert story.tasks().count("recipients_changed") == 1
    story.check()


def test_a_new_person_is_always_warned_and_staff_are_asked_from_the_second_time_on() -> None:
    story = known(Story(), ALONE).until(28)
    for n in range(5):
        with_contacts(story, EVA._replace(no=10 + n, contact=f"e{n}@x.example", sign_in=""), replaced=True)
        story.until(30 + n)
    assert story.tasks().count("recipients_changed") == 1
    assert len([one for _, one in story.facts(f.RecipientsChanged) if one.lost]) == 5
    bounce(story, "e4@x.example", "soft")
    tell(story, story.date(34))
    assert "recipients_changed" not in story.tasks(), "they were told otherwise"
    assert story.until(60).sub().state is State.DISABLED
    story.check()


def test_what_staff_told_the_former_administrator_was_told_to_somebody_else() -> None:
    for replaced in (True, False):
        story = known(Story(), ALONE).until(21)
        bounce(story, "anna@contact.example", "soft")
        tell(story, story.date(21))
        with_contacts(
            story, *((EVA,) if replaced else (ALONE._replace(contact="anna@new.example"),)), replaced=replaced
        )
        assert (story.sub().disable.accepted_at is None) is replaced
        story.until(45)
        story.check()


def test_an_export_that_names_another_address_warns_it_anew_unless_there_is_an_administrator() -> None:
    for people in ((), (ANNA,)):
        story, ledger = imported()
        if people:
            known(story, *people)
        story.until(28)
        ledger.account = replace(ledger.account, email="billing@example.org")
        assert ledger.comes().changed == {"email": 1}
        [(_, stopped)] = story.until(60).facts(f.Disabled)
        assert (stopped.on > story.date(30)) is not bool(people)
        story.check()
