"""What makes a deadline wait: outages, mail that nobody takes, doubts (spec, section 3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.stories.story import API, STAFF, Story, table

from arrears.core import facts as f
from arrears.core.account import Action, DoubtKind
from arrears.core.states import State
from arrears.engine import system

# -- mail ----------------------------------------------------------------------------------------------------------


def test_a_day_without_a_mail_server_delays_and_loses_nothing() -> None:
    story = Story()
    story.mail.works, story.mail.down = False, True
    story.until(1)
    assert story.mail.taken == []
    story.mail.works = True
    story.until(2)
    assert [message.id.rpartition("-")[0] for message in story.mail.taken] == ["a1-6-1"]
    assert story.tasks() == []
    story.check()


def test_a_warning_that_leaves_a_day_late_names_the_day_on_which_the_service_really_stops() -> None:
    story = Story().until(20)
    story.mail.works, story.mail.down = False, True
    story.until(24, "05:00")
    story.mail.works = True
    story.stage.perform()
    [warning] = [message for message in story.mail.taken if message.subject == "stop warning"]
    assert story.announced(Action.DISABLE) == 31, "from the day on which it was taken, with its whole lead"
    assert f"on {story.date(31)}" in warning.text
    assert f"on {story.date(30)}" not in warning.text, "the day that it was decided with"
    assert story.until(33).diary(31) == table("""
        day 32 00:00  disabled cloud on day 31
        day 32 00:00  cloud stopped; retention from day 31
        day 32 09:00  told: cloud disabled on day 31
    """)
    story.check()


def test_a_notice_that_was_paid_for_while_the_mail_server_was_away_is_dropped() -> None:
    story = Story()
    story.mail.works, story.mail.down = False, True
    story.until(1).pay()
    story.mail.works = True
    story.until(3)
    assert [message.subject for message in story.mail.taken] == ["settled"]
    story.check()


# -- outages -------------------------------------------------------------------------------------------------------


def test_after_an_outage_the_newest_reminder_is_sent_and_no_stage_is_shorter() -> None:
    story = Story().until(2).down_until(12).run()
    system.confirm_clock(story.store, story.now, STAFF)
    assert story.until(31).diary() == table("""
        day  0 00:00  past due I1
        day  0 09:00  reminder 0
        day 12 12:00  reminder 7 (skipped 3)
        day 14 09:00  reminder 14
        day 21 09:00  warning 21: disable cloud on day 30
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 00:00  disabled cloud on day 30
        day 31 00:00  cloud stopped; retention from day 30
        day 31 09:00  told: cloud disabled on day 30
    """)


def test_what_was_overtaken_before_nine_waits_for_nine() -> None:
    story = Story().until(2).down_until(12, "03:00").run().until(12)
    assert story.diary(12) == table("day 12 09:00 reminder 7 (skipped 3)")


def test_who_becomes_past_due_in_an_outage_has_every_day_of_the_stage() -> None:
    story = Story().until(-1).down_until(12).run()
    system.confirm_clock(story.store, story.now, STAFF)
    assert story.until(45).diary() == table("""
        day 12 12:00  past due I1
        day 12 12:00  reminder 7 (skipped 0, 3)
        day 14 09:00  reminder 14
        day 21 09:00  warning 21: disable cloud on day 42
        day 28 09:00  warning 28: disable cloud on day 42
        day 43 00:00  disabled cloud on day 42
        day 43 00:00  cloud stopped; retention from day 42
        day 43 09:00  told: cloud disabled on day 42
    """)


def test_a_deadline_in_an_outage_waits_for_a_person_and_a_new_warning() -> None:
    story = Story().until(25).down_until(35).run()
    assert story.diary(25) == table("day 35 12:00 disable cloud waits: clock")
    story.until(36)
    system.confirm_clock(story.store, story.now, STAFF)
    assert story.until(50).diary(36) == table("""
        day 36 12:00  disable cloud waits no longer
        day 37 09:00  warning 28: disable cloud on day 44
        day 45 00:00  disabled cloud on day 44
        day 45 00:00  cloud stopped; retention from day 44
        day 45 09:00  told: cloud disabled on day 44
    """)


def test_a_late_run_disables_on_the_stored_date_and_tells_at_once() -> None:
    story = Story().until(30).down_until(31, "10:00").run()
    assert story.diary(30) == table("""
        day 31 10:00  disabled cloud on day 30
        day 31 10:00  told: cloud disabled on day 30
        day 31 10:00  cloud stopped; retention from day 30
    """)


def test_a_late_run_tells_at_once_although_the_service_has_not_answered() -> None:
    story = Story().until(30)
    story.hands.busy = True
    story.down_until(31, "10:00").run()
    assert story.diary(30) == table("""
        day 31 10:00  disabled cloud on day 30
        day 31 10:00  told: cloud disabled on day 30
    """)


# -- warnings that nobody took -------------------------------------------------------------------------------------


def test_without_an_accepted_warning_the_deadline_moves_and_staff_get_a_task() -> None:
    story = Story().until(20)
    story.mail.works = False
    story.until(26)
    story.mail.works = True
    assert story.until(40).diary(20, only="warning failed disabled") == table("""
        day 21 09:00  warning 21: disable cloud on day 30
        day 21 09:00  message failed
        day 24 09:00  warning 21: disable cloud on day 31 (late)
        day 24 09:00  message failed
        day 25 09:00  warning 21: disable cloud on day 32 (late)
        day 25 09:00  message failed
        day 26 09:00  warning 21: disable cloud on day 33 (late)
        day 26 09:00  message failed
        day 27 09:00  warning 21: disable cloud on day 34 (late)
        day 28 09:00  warning 28: disable cloud on day 34
        day 35 00:00  disabled cloud on day 34
        day 35 09:00  told: cloud disabled on day 34
    """)
    assert story.tasks() == [], "it was one task, and a warning has been accepted since"


def test_one_task_counts_the_days_on_which_nobody_took_a_warning_until_somebody_does() -> None:
    story = Story().until(20)
    story.mail.works = False
    story.until(29)
    [task] = [t for t in story.inner.tasks.values() if t.kind == "warning_not_accepted"]
    assert (task.times, task.cause) == (6, ""), "each morning from day 24 to 29"
    story.mail.works = True
    assert story.until(30).tasks() == []


def test_the_lead_runs_from_the_day_of_the_acceptance_and_not_from_that_of_the_warning() -> None:
    story = Story(policy="[disable]\nwarning_days = [23]").until(22)
    story.mail.works, story.mail.down = False, True
    story.until(24, "02:00")
    story.mail.works = True
    assert story.run().until(33).diary(20, dates=True, only="warning promised disabled") == table("""
        day 23 09:00  warning 23: disable cloud on day 30
        day 24 02:00  promised: disable cloud on day 31
        day 32 00:00  disabled cloud on day 31
        day 32 00:00  promised: delete cloud on day 121
        day 32 09:00  told: cloud disabled on day 31
    """)


def test_nobody_whom_no_warning_reached_is_ever_disabled() -> None:
    story = Story().until(20)
    story.mail.works = False
    story.until(400)
    assert story.sub().state is State.PAST_DUE
    told = story.announced(Action.DISABLE)
    assert told == 407, "each morning's warning names its own day and the lead"
    assert story.facts(f.Noticed)[-1][1].each(f.Warning)[0].promised_on == story.date(407)
    story.check()


def test_nobody_whom_no_retention_warning_reached_is_ever_deleted() -> None:
    story = Story().until(40)
    story.mail.works = False
    story.until(400)
    assert story.sub().state is State.DISABLED
    story.mail.works = True
    assert story.until(420).diary(401, only="warning deletion") == table("""
        day 401 09:00  warning 89: delete cloud on day 408 (late)
        day 409 00:00  deletion of cloud scheduled
        day 410 00:00  deletion of cloud ordered
    """)


def test_warnings_of_an_earlier_episode_do_not_count() -> None:
    story = Story().until(25).pay()
    story.bill(26)
    story.until(47)
    story.mail.works = False
    story.until(60)
    assert story.sub().state is State.PAST_DUE
    assert not story.diary(25, only="disabled")


# -- doubts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DoubtKind.ATTEMPT, DoubtKind.BANK_CREDIT])
def test_under_a_doubt_about_the_account_nothing_is_demanded_and_nothing_cut(kind: DoubtKind) -> None:
    story = Story().until(13).doubt(kind).until(15).clear(kind).until(29).doubt(kind).until(33)
    assert story.tasks() == ["deferred"]
    assert story.clear(kind).until(45).diary(13) == table(f"""
        day 13 12:00  doubt {kind}
        day 15 12:00  no doubt {kind}
        day 15 12:00  reminder 14
        day 21 09:00  warning 21: disable cloud on day 30
        day 28 09:00  warning 28: disable cloud on day 30
        day 29 12:00  doubt {kind}
        day 31 00:00  disable cloud waits: {kind}
        day 33 12:00  no doubt {kind}
        day 33 12:00  disable cloud waits no longer
        day 34 09:00  warning 28: disable cloud on day 41
        day 42 00:00  disabled cloud on day 41
        day 42 00:00  cloud stopped; retention from day 41
        day 42 09:00  told: cloud disabled on day 41
    """)
    assert story.tasks() == [], "what it waited for is over"


def test_a_doubt_that_ends_before_the_deadline_moves_nothing() -> None:
    story = Story().until(29).doubt().until(30, "23:00").clear().until(31)
    assert story.diary(29, only="disabled") == table("""
        day 31 00:00  disabled cloud on day 30
        day 31 09:00  told: cloud disabled on day 30
    """)


def test_a_doubt_that_stood_at_a_deadline_that_no_run_saw_counts_all_the_same() -> None:
    story = Story().until(30, "23:00").doubt().down_until(31, "01:00").clear().run()
    assert story.until(40).diary(30) == table("""
        day 30 23:00  doubt attempt
        day 31 01:00  disable cloud waits: attempt
        day 31 01:00  no doubt attempt
        day 31 01:00  disable cloud waits no longer
        day 31 09:00  warning 28: disable cloud on day 38
        day 39 00:00  disabled cloud on day 38
        day 39 00:00  cloud stopped; retention from day 38
        day 39 09:00  told: cloud disabled on day 38
    """)


def test_a_warning_waits_for_a_doubt_about_the_account_and_has_its_full_lead_afterwards() -> None:
    story = Story().until(20).doubt().until(26).clear().until(35)
    assert story.diary(20, only="doubt warning disabled") == table("""
        day 20 12:00  doubt attempt
        day 26 12:00  no doubt attempt
        day 26 12:00  warning 21: disable cloud on day 33
        day 28 09:00  warning 28: disable cloud on day 33
        day 34 00:00  disabled cloud on day 33
        day 34 09:00  told: cloud disabled on day 33
    """)


def of_the_installation(story: Story, which: str, *, stands: bool) -> None:
    if which == "feed":
        system.set_feed(story.store, stale=stands, now=story.now, author=API)
    else:
        system.set_breaker(story.store, is_open=stands, now=story.now, author=API)


@pytest.mark.parametrize("which", ["feed", "breaker"])
def test_under_a_doubt_about_the_installation_people_are_still_told_but_nothing_is_cut(which: str) -> None:
    story = Story().until(20)
    of_the_installation(story, which, stands=True)
    story.until(33)
    of_the_installation(story, which, stands=False)
    assert story.until(45).diary(20) == table(f"""
        day 21 09:00  warning 21: disable cloud on day 30
        day 28 09:00  warning 28: disable cloud on day 30
        day 31 00:00  disable cloud waits: {which}
        day 33 12:00  disable cloud waits no longer
        day 34 09:00  warning 28: disable cloud on day 41
        day 42 00:00  disabled cloud on day 41
        day 42 00:00  cloud stopped; retention from day 41
        day 42 09:00  told: cloud disabled on day 41
    """)


@pytest.mark.parametrize("which", ["feed", "breaker"])
def test_a_doubt_about_the_installation_at_a_deadline_that_no_run_saw_counts_all_the_same(which: str) -> None:
    story = Story().until(30, "23:00")
    of_the_installation(story, which, stands=True)
    story.down_until(31, "01:00")
    of_the_installation(story, which, stands=False)
    assert story.run().until(40).diary(30) == table(f"""
        day 31 01:00  disable cloud waits: {which}
        day 31 01:00  disable cloud waits no longer
        day 31 09:00  warning 28: disable cloud on day 38
        day 39 00:00  disabled cloud on day 38
        day 39 00:00  cloud stopped; retention from day 38
        day 39 09:00  told: cloud disabled on day 38
    """)


def test_a_clock_that_was_suspect_at_a_deadline_that_no_run_saw_counts_all_the_same() -> None:
    story = Story().until(29).down_until(30, "15:00").run().down_until(31, "01:00")
    system.confirm_clock(story.store, story.now, STAFF)
    assert story.run().until(40).diary(30, only="waits warning disabled") == table("""
        day 31 01:00  disable cloud waits: clock
        day 31 01:00  disable cloud waits no longer
        day 31 09:00  warning 28: disable cloud on day 38
        day 39 00:00  disabled cloud on day 38
        day 39 09:00  told: cloud disabled on day 38
    """)


def test_reminders_wait_for_no_doubt_about_the_installation() -> None:
    story = Story().until(-1)
    system.set_feed(story.store, stale=True, now=story.now, author=API)
    system.set_breaker(story.store, is_open=True, now=story.now, author=API)
    assert story.until(15).diary(only="reminder") == table("""
        day  0 09:00  reminder 0
        day  3 09:00  reminder 3
        day  7 09:00  reminder 7
        day 14 09:00  reminder 14
    """)


def test_one_doubt_that_goes_leaves_the_other() -> None:
    story = Story().until(29).doubt(DoubtKind.ATTEMPT).doubt(DoubtKind.BANK_CREDIT)
    story.until(32).clear(DoubtKind.ATTEMPT).until(34)
    assert not story.diary(32, only="longer warning disabled")
    story.clear(DoubtKind.BANK_CREDIT)
    assert story.until(36).diary(34, only="longer warning") == table("""
        day 34 12:00  disable cloud waits no longer
        day 35 09:00  warning 28: disable cloud on day 42
    """)


def test_a_doubt_at_the_second_look_undoes_the_deletion() -> None:
    story = Story().until(121).doubt().until(125).clear().until(140)
    assert story.diary(121, only="delet") == table("""
        day 121 00:00  deletion of cloud scheduled
        day 122 00:00  delete cloud waits: attempt
        day 125 12:00  delete cloud waits no longer
        day 126 09:00  warning 89: delete cloud on day 133
        day 134 00:00  deletion of cloud scheduled
        day 135 00:00  deletion of cloud ordered
        day 135 00:00  cloud deleted
        day 135 00:00  case ended_deleted
        day 135 09:00  told: cloud deleted on day 135
    """)
    assert story.now - timedelta(days=5) > story.instant(134)
