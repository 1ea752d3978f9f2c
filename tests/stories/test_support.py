"""Support requests by day: what they hold, once a case and kind; strangers; what opens by itself (spec, sections 9 and
10; scenarios 31, 34 and 40)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import count

import pytest
from tests.stories.story import STAFF, Mail, Story, table
from tests.stories.test_notices import ANNA, SAM, known

from arrears.core import facts as f
from arrears.core.account import Action, Stop
from arrears.core.errors import Refused
from arrears.core.people.links import LASTS, Capability
from arrears.core.people.support import HOLDS, About, Via
from arrears.core.states import Reason, State
from arrears.engine.people import support, visitors
from arrears.engine.people.visitors import Visitor
from arrears.engine.worker import work_once
from arrears.ports import Fate, Message
from arrears.ports.support import Request

ME = Visitor("Piet Jansen", "piet@mail.example", "", "I1-1", "nl")


_words = count()


def ask(
    story: Story, about: About = About.CANNOT_PAY, via: Via = Via.ADMINISTRATOR, *, may_hold: bool = True
) -> Request:
    """Somebody known asks for help."""
    person = {Via.ADMINISTRATOR: 1, Via.READER: 2}.get(via, 0)
    address = "anna@contact.example" if via is Via.LINK else ""
    return support.open_request(
        story.store, story.no, via, about, f"Please help ({next(_words)})", story.now, f"person:{person}",
        person=person, address=address, may_hold=may_hold,
    )  # fmt: skip


def attend(story: Story) -> list[Message]:
    """What the worker does for strangers; the letters that were taken."""
    before = len(story.mail.taken)
    visitors.attend(story.store, story.mail, story.stage.context, story.now)
    return story.mail.taken[before:]


def token_in(message: Message) -> str:
    found = re.search(r"/help/(?:confirm|read)/([\w-]{43})", message.text)
    assert found is not None, message.text
    return found[1]


def confirmed(story: Story, who: Visitor = ME, about: About = About.ADMINISTRATOR_GONE) -> int:
    """A stranger asks and opens the link of the letter; the request's number."""
    number = visitors.ask(story.store, who, about, "Our administrator has left", story.now)
    letter = attend(story)[-1]
    visitors.confirm(story.store, token_in(letter), story.now)
    attend(story)
    return number


def promised(story: Story, action: Action) -> int | None:
    on = story.sub().promise(action).promised_on
    return None if on is None else story.day(on)


def untouched(story: Story) -> tuple[object, ...]:
    return story.store.digest(), story.account


# -- what a request holds ----------------------------------------------------------------------------------------------


def test_day_85_a_request_holds_deletion_for_14_days_and_the_warning_names_the_new_day() -> None:
    story = known(Story(services=("cloud",))).until(115)
    assert promised(story, Action.DELETE) == 120
    request = ask(story)
    assert request.holds == (1, 2)
    assert promised(story, Action.DELETE) == 134
    assert story.until(136).diary(115, dates=True) == table("""
        day 115 12:00  hold 1 placed
        day 115 12:00  hold 2 placed
        day 115 12:00  request 1 (administrator): cannot_pay, holds 1, 2
        day 115 12:00  promised: delete cloud on day 134
        day 121 00:00  hold 2 ended
        day 130 00:00  hold 1 ended, void: delete cloud
        day 130 09:00  warning 83: delete cloud on day 137
        day 131 09:00  warning 87: delete cloud on day 137
        day 133 09:00  warning 89: delete cloud on day 137
    """)
    assert any("cloud: the data is deleted on 2026-05-19" in m.text for m in story.mail.taken)
    story.check()


def test_day_28_a_request_holds_disablement_for_5_days() -> None:
    story = known(Story()).until(28)
    ask(story, About.INVOICE_QUESTION)
    assert promised(story, Action.DISABLE) == 35
    story.until(34)
    assert story.sub().state is State.PAST_DUE
    story.until(50)
    assert story.sub().state is State.DISABLED
    story.check()


def test_it_holds_once_in_a_case_for_each_kind() -> None:
    story = known(Story()).until(100)
    assert ask(story).holds
    assert not ask(story).holds, "the same kind"
    assert ask(story, About.OTHER).holds, "another kind"
    assert not ask(story, About.OTHER, Via.LINK).holds, "the pay link is the administrator's"
    day = promised(story, Action.DELETE)
    assert day == 120 + 14, "overlapping holds are counted once"
    story.until(101).pay()
    story.bill(101)
    story.until(103)
    assert story.account.case is not None
    assert story.account.case.no == 2
    assert ask(story).holds, "a new case"
    story.check()


def test_a_reader_holds_deletion_for_5_days_once_and_never_a_stop() -> None:
    story = known(Story()).until(28)
    assert ask(story, About.OTHER, Via.READER).holds == (1,)
    assert promised(story, Action.DISABLE) == 30
    story.until(110)
    assert not ask(story, About.CANNOT_PAY, Via.READER).holds
    assert promised(story, Action.DELETE) == 125, "what was held counts once, whenever that was"
    story.check()
    later = known(Story()).until(110)
    ask(later, About.OTHER, Via.READER)
    assert promised(later, Action.DELETE) == 125
    assert [h.stops for h in later.account.holds] == [(Stop.DELETE,)]


def test_a_pay_link_whose_case_is_over_asks_and_holds_nothing() -> None:
    story = known(Story()).until(100)
    assert not ask(story, via=Via.LINK, may_hold=False).holds
    assert promised(story, Action.DELETE) == 120
    assert ask(story, via=Via.LINK).holds
    assert promised(story, Action.DELETE) == 134
    story.check()


def test_where_nothing_lies_ahead_nothing_is_held_and_a_canceled_service_is() -> None:
    story = known(Story(bill=False)).until(1)
    assert not ask(story, About.OTHER).holds
    story.cancel().until(20)
    before = promised(story, Action.DELETE)
    assert before is not None
    assert ask(story, About.OTHER).holds
    assert promised(story, Action.DELETE) == before + 14
    assert not ask(story, About.OTHER).holds, "once between two cases"
    story.check()


def test_a_scheduled_deletion_is_undone_by_a_request() -> None:
    story = known(Story()).until(121)
    assert any(isinstance(r.fact, f.DeletionScheduled) for r in story.history())
    ask(story)
    story.until(125)
    assert any(isinstance(r.fact, f.DeletionUnscheduled) for r in story.history())
    assert story.sub().state is State.DISABLED
    story.check()


def test_money_sent_in_time_that_arrives_after_the_date_finds_the_data_still_there() -> None:
    """Scenario 34: with a request open since day 88 of retention the transfer of that day brings everything back."""
    story = known(Story()).until(118)
    ask(story, About.PAID_BUT_DISABLED)
    story.until(123).pay().until(124)
    assert story.sub().state is State.ACTIVE
    without = known(Story()).until(123).pay().until(125)
    assert without.sub().state is State.DELETED
    story.check()


def test_closing_does_not_shorten_a_promised_date() -> None:
    story = known(Story()).until(115)
    request = ask(story)
    support.close(story.store, request.number, "answered by phone", story.now, STAFF)
    assert promised(story, Action.DELETE) == 134
    assert [h.ended_at for h in story.account.holds] == [None, None]
    story.until(130)
    assert story.sub().state is State.DISABLED
    story.check()


def test_staff_can_grant_more() -> None:
    story = known(Story()).until(115)
    request = ask(story)
    until = support.grant_hold(
        story.store, request.number, (Stop.DELETE,), 30, "a transfer is on its way", story.now, STAFF
    )
    assert story.day(until) == 145
    assert promised(story, Action.DELETE) == 150
    found = story.store.support_request(request.number)
    assert found is not None
    assert found.holds == (1, 2, 3)
    for days in (0, 367):
        with pytest.raises(Refused, match="hold lasts"):
            support.grant_hold(story.store, request.number, (Stop.DELETE,), days, "why", story.now, STAFF)
    with pytest.raises(Refused, match="say why"):
        support.grant_hold(story.store, request.number, (Stop.DELETE,), 3, " ", story.now, STAFF)
    story.check()


def test_a_request_needs_no_usable_subscription() -> None:
    for day, state in ((5, State.PAST_DUE), (60, State.DISABLED), (130, State.DELETED)):
        story = known(Story()).until(day)
        assert story.sub().state is state
        assert ask(story).number
        story.check()


def test_the_same_click_twice_is_one_request_and_one_text() -> None:
    story = known(Story()).until(100)
    first, again = (
        support.open_request(
            story.store, story.no, Via.ADMINISTRATOR, About.OTHER, "Help", story.now + timedelta(minutes=m), "person:1"
        )
        for m in (0, 9)
    )
    assert again == first
    for _ in range(2):
        support.say(story.store, first.number, "More", story.now, "person:1")
    assert [e.body for e in story.store.support_entries(first.number)] == ["Help", "More"]
    later = story.now + timedelta(minutes=30)
    support.say(story.store, first.number, "More", later, "person:1")
    third = support.open_request(story.store, story.no, Via.ADMINISTRATOR, About.OTHER, "Help", later, "person:1")
    assert third.number != first.number
    story.check()


# -- what is told ------------------------------------------------------------------------------------------------------


def test_who_asks_is_told_what_is_held_and_that_there_is_an_answer() -> None:
    story = known(Story(), ANNA, SAM).until(115)
    request = ask(story)
    story.run()
    assert (story.mail.taken[-1].subject, story.mail.taken[-1].to) == ("support received", "anna@contact.example")
    assert story.mail.taken[-1].text.endswith(f"/acc_{story.no}/help/{request.number}")
    tasks = [seq for (_, seq), task in story.inner.tasks.items() if task.kind == "support_request"]
    assert len(tasks) == 1
    support.answer(story.store, request.number, "We see your transfer.", story.now, STAFF)
    story.run()
    assert story.mail.taken[-1].subject == "support answered"
    assert not [task for task in story.inner.tasks.values() if task.kind == "support_request"]
    support.say(story.store, request.number, "Thank you!", story.now, "person:1")
    assert [task for task in story.inner.tasks.values() if task.kind == "support_request"]
    said = [(e.author, e.body) for e in story.store.support_entries(request.number)]
    assert said[1:] == [(STAFF, "We see your transfer."), ("", "Thank you!")]
    story.check()


def test_no_fact_holds_a_word_or_an_address() -> None:
    story = known(Story()).until(100)
    confirmed(story)
    support.say(story.store, ask(story).number, "my secret words", story.now, "person:1")
    text = "".join(f.encode_fact(r.fact) for r in story.history())
    for word in ("secret", "piet", "Piet", "mail.example", "Please"):
        assert word not in text


# -- strangers ---------------------------------------------------------------------------------------------------------


def test_a_stranger_touches_no_account_before_the_address_is_confirmed() -> None:
    story = known(Story()).until(110)
    before = untouched(story)
    visitors.ask(story.store, ME, About.ADMINISTRATOR_GONE, "Help", story.now)
    [letter] = attend(story)
    assert letter.to == "piet@mail.example"
    attend(story)
    assert untouched(story) == before
    token = token_in(letter)
    visitors.asked_with(story.store, token, story.now)
    assert untouched(story) == before, "looking changes nothing"
    visitors.confirm(story.store, token, story.now)
    assert untouched(story) == before, "the worker looks for the account, at a moment that nobody sees"
    [received] = attend(story)
    assert received.subject == "support received"
    assert promised(story, Action.DELETE) == 125
    assert [h.stops for h in story.account.holds] == [(Stop.DELETE,)]
    visitors.confirm(story.store, token, story.now)
    assert attend(story) == [], "a second time changes nothing"
    story.check()


def test_the_worker_places_what_was_confirmed_before_it_deletes_anything() -> None:
    story = known(Story()).until(121, "23:00")
    visitors.ask(story.store, ME, About.ADMINISTRATOR_GONE, "Help", story.now)
    [letter] = attend(story)
    visitors.confirm(story.store, token_in(letter), story.now)
    due = story.store.next_due()
    assert due == story.instant(122)

    class Clock:
        def now(self) -> datetime:
            return story.instant(122)

    work_once(story.store, story.mail, story.hands, Clock(), story.stage.limits, context=story.stage.context)
    assert story.sub().state is State.DISABLED
    assert any(isinstance(r.fact, f.DeletionUnscheduled) for r in story.history())
    assert not any(isinstance(r.fact, f.DeletionOrdered) for r in story.history())
    assert promised(story, Action.DELETE) == 127
    story.check()


def test_strangers_hold_deletion_alone_for_5_days_once_a_case() -> None:
    story = known(Story()).until(28)
    confirmed(story)
    assert promised(story, Action.DISABLE) == 30
    story.until(110)
    confirmed(story, ME._replace(address="jan@mail.example"), About.OTHER)
    assert promised(story, Action.DELETE) == 125
    assert len(story.account.holds) == 1
    assert len([r for r in story.history() if isinstance(r.fact, f.SupportOpened)]) == 2
    story.check()


@pytest.mark.parametrize(
    ("known_by", "company", "found"),
    [
        ("I1-1", "", True),
        ("acc_1", "", True),
        ("A1", "", True),
        ("", " a1 ", True),
        ("I1-1", "Something else", True),
        ("I9-9", "", False),
        ("acc_999", "", False),
        ("1", "", False),
        ("", "nobody we know", False),
        ("", "", False),
    ],
)
def test_an_account_is_known_by_what_a_person_has(known_by: str, company: str, found: bool) -> None:
    story = known(Story()).until(110)
    number = confirmed(story, ME._replace(known_by=known_by, company=company))
    request = story.store.support_request(number)
    assert request is not None
    assert (request.account, request.state) == (story.no if found else 0, "open")
    assert bool(story.account.holds) is found


def test_two_accounts_of_one_name_are_left_to_staff_who_say_which() -> None:
    story = Story(accounts=2).until(110)
    for number in story.numbers:
        story.inner.reached[number] = story.inner.reached[number]._replace(name="Bakkerij")
    asked = confirmed(story, ME._replace(known_by="", company="bakkerij"))
    assert not story.account.holds
    [waiting] = story.store.waiting_requests(10, every=False)
    assert (waiting.number, waiting.account) == (asked, 0)
    with pytest.raises(Refused, match="belongs to no account"):
        support.grant_hold(story.store, asked, (Stop.DELETE,), 9, "why", story.now, STAFF)
    support.place(story.store, asked, 2, story.now, STAFF, "the name and town agree")
    assert story.account_of(2).holds
    with pytest.raises(Refused, match="belongs to an account already"):
        support.place(story.store, asked, 1, story.now, STAFF, "")
    story.check()


def test_letters_are_the_same_whether_there_is_an_account_or_not() -> None:
    told = []
    for known_by in ("I1-1", "I9-9"):
        story = known(Story()).until(110)
        number = confirmed(story, ME._replace(known_by=known_by))
        support.answer(story.store, number, "We are looking into it.", story.now, STAFF)
        attend(story)
        letters = [m for m in story.mail.taken if m.to == ME.address]
        # Without the links' random part, in which any two letters can stand.
        texts = [re.sub(r"[\w-]{43}", "", m.text) for m in letters]
        told.append([(m.subject, text, m.id) for m, text in zip(letters, texts, strict=True)])
        assert len(letters) == 3
        for text in texts:
            for word in ("Piet", "I1-1", "A1", "acc_"):
                assert word not in text
    assert told[0] == told[1]


def test_what_a_stranger_writes_later_waits_for_staff_and_touches_no_account() -> None:
    story = known(Story()).until(110)
    number = confirmed(story)
    support.answer(story.store, number, "Who takes over?", story.now, STAFF)
    assert story.store.waiting_requests(9, every=False) == []
    before = untouched(story)
    support.say(story.store, number, "I do", story.now, "anonymous")
    assert untouched(story) == before
    assert [r.number for r in story.store.waiting_requests(9, every=False)] == [number]


def test_an_answer_brings_a_stranger_a_link_to_the_conversation() -> None:
    story = known(Story()).until(110)
    number = confirmed(story)
    support.answer(story.store, number, "Who is the new administrator?", story.now, STAFF)
    [letter] = attend(story)
    digest = visitors.digest_of(token_in(letter))
    found = visitors.conversation(story.store, digest, story.now)
    assert found is not None
    assert found.number == number
    assert visitors.conversation(story.store, digest, story.now + LASTS[Capability.CONVERSATION]) is None
    with pytest.raises(Refused, match="not valid"):
        visitors.confirm(story.store, token_in(letter), story.now)


def test_a_link_to_confirm_lasts_a_week() -> None:
    story = known(Story()).until(100)
    visitors.ask(story.store, ME, About.OTHER, "Help", story.now)
    token = token_in(attend(story)[-1])
    with pytest.raises(Refused, match="not valid"):
        visitors.confirm(story.store, token, story.now + LASTS[Capability.HELP_LINK])
    visitors.confirm(story.store, token, story.now + LASTS[Capability.HELP_LINK] - timedelta(seconds=1))


def test_abuse_is_bounded_by_account() -> None:
    """By mailbox and by net it is at the door: tests/web/test_throttles.py."""
    story = known(Story()).until(100)
    request, *_rest = [ask(story) for _ in range(support.ASKED_A_DAY)]
    with pytest.raises(Refused, match="times a day"):
        ask(story)
    assert ask(story, via=Via.READER).number, "what one does a day is not taken from another"
    for number in range(support.SAID_A_DAY - 1):
        support.say(story.store, request.number, f"and more {number}", story.now, "person:1")
    with pytest.raises(Refused, match="wait a day"):
        support.say(story.store, request.number, "and more", story.now, "person:1")
    support.say(story.store, request.number, "and more", story.now + timedelta(days=1, seconds=1), "person:1")


def test_strangers_who_ask_about_one_account_all_day_are_left_to_staff() -> None:
    story = known(Story()).until(100)
    for number in range(support.ASKED_A_DAY + 2):
        confirmed(story, ME._replace(address=f"x{number}@mail.example"))
    assert len([r for r in story.history() if isinstance(r.fact, f.SupportOpened)]) == support.ASKED_A_DAY
    assert [r.account for r in story.store.waiting_requests(99, every=False)].count(0) == 2
    story.check()


def test_a_letter_leaves_at_most_once() -> None:
    story = known(Story()).until(100)
    visitors.ask(story.store, ME, About.OTHER, "Help", story.now)
    [claimed] = story.store.claim_letters(story.now, story.now, 1)
    assert attend(story) == [], "its sender may be alive"
    story.stage.now += timedelta(minutes=5)
    [letter] = attend(story)
    assert letter.id == claimed.id, "this channel can prove that it did not leave"

    class Mute(Mail):
        def look_up(self, message_id: str) -> Fate:
            return Fate.UNKNOWN

    visitors.ask(story.store, ME._replace(address="b@mail.example"), About.OTHER, "Help", story.now)
    story.store.claim_letters(story.now, story.now, 1)
    story.stage.now += timedelta(minutes=5)
    mute = Mute()
    visitors.attend(story.store, mute, story.stage.context, story.now)
    assert mute.taken == [], "what may have left is never sent again"


def test_letters_wait_while_the_server_is_down() -> None:
    story = known(Story()).until(100)
    visitors.ask(story.store, ME, About.OTHER, "Help", story.now)
    story.mail.works, story.mail.down = False, True
    assert attend(story) == []
    story.mail.works = True
    assert len(attend(story)) == 1
    assert attend(story) == []


@pytest.mark.parametrize("text", ["", "  \n ", "\u200b", "\x00\x01"])
def test_who_writes_nothing_is_told_so(text: str) -> None:
    with pytest.raises(Refused, match="nothing was written"):
        support.checked_text(text)


def test_a_text_is_kept_as_it_was_written_without_what_cannot_be_seen() -> None:
    assert support.checked_text(" a\r\nb\rc\x00\x1b[31m\ud800 ") == "a\nb\nc[31m"
    assert len(support.checked_text("é" * support.TEXT_CHARS_MAX)) == support.TEXT_CHARS_MAX
    with pytest.raises(Refused, match="4001 characters"):
        support.checked_text("x" * (support.TEXT_CHARS_MAX + 1))


@pytest.mark.parametrize("address", ["a@example.org\r\nBcc: x@y.example", "a b@example.org", "", "x" * 300])
def test_no_line_can_be_put_into_the_head_of_a_mail(address: str) -> None:
    story = known(Story()).until(1)
    with pytest.raises(Refused):
        visitors.ask(story.store, ME._replace(address=address), About.OTHER, "Help", story.now)
    assert attend(story) == []


# -- what opens by itself ----------------------------------------------------------------------------------------------


def test_what_does_not_run_24_hours_after_it_was_paid_opens_a_request_by_itself_once() -> None:
    """Scenario 31."""
    story = known(Story()).until(41)
    story.hands.busy = True
    story.pay().until(42, "11:59")
    assert not any(isinstance(r.fact, f.ResumeLate) for r in story.history())
    story.until(42)
    [late] = [r for r in story.history() if isinstance(r.fact, f.ResumeLate)]
    assert late.at == story.instant(42, "12:00")
    [request] = story.store.requests_of(story.no)
    assert (request.about, request.via, request.seq) == (About.PAID_BUT_DISABLED, Via.ARREARS, late.seq)
    assert story.store.payment_of_fact(story.no, late.fact.orders[0].given_seq) == "P1"
    assert story.mail.taken[-1].subject == "resume late"
    assert story.tasks() == ["resume_late"]
    story.until(60)
    assert len(story.store.requests_of(story.no)) == 1, "once for each order"
    support.answer(story.store, request.number, "We are on it", story.now, STAFF)
    assert story.tasks() == ["resume_late"], "an answer does not make it run"
    story.hands.busy = False
    story.until(61)
    assert story.mail.taken[-1].subject == "resumed"
    support.close(story.store, request.number, "it runs", story.now, STAFF)
    assert not story.inner.tasks
    story.check()


def test_services_that_are_late_together_are_one_request() -> None:
    story = known(Story(services=("cloud", "mail"))).until(41)
    story.hands.busy = True
    story.pay().until(43)
    [late] = [r.fact for r in story.history() if isinstance(r.fact, f.ResumeLate)]
    assert [o.subscription for o in late.orders] == [1, 2]
    story.check()


def test_what_runs_in_time_or_is_stopped_again_opens_nothing() -> None:
    story = known(Story()).until(41).pay().until(50)
    assert not story.store.requests_of(story.no)
    again = known(Story()).until(41)
    again.hands.busy = True
    again.pay().until(42, "08:00").block().until(50)
    assert not again.store.requests_of(again.no)
    again.check()


def test_a_service_that_stays_stopped_for_another_reason_is_not_late() -> None:
    """Scenario 40: paying lifts past due alone."""
    story = known(Story()).until(41).block()
    story.pay().until(50)
    assert story.sub().reasons == (Reason.POLICY_VIOLATION,)
    assert not story.store.requests_of(story.no)


def test_every_way_of_asking_says_what_it_holds() -> None:
    assert set(HOLDS) == set(Via)
    assert {via: [(h.stops, h.days) for h in held] for via, held in HOLDS.items()} == {
        Via.ADMINISTRATOR: [((Stop.DELETE,), 14), ((Stop.RESTRICT, Stop.DISABLE), 5)],
        Via.LINK: [((Stop.DELETE,), 14), ((Stop.RESTRICT, Stop.DISABLE), 5)],
        Via.READER: [((Stop.DELETE,), 5)],
        Via.ANONYMOUS: [((Stop.DELETE,), 5)],
        Via.ARREARS: [],
    }
