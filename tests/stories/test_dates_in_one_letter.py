"""Where several services have dates, each is named with its own, and never a later one as the one that saves all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.stories.story import Story
from tests.stories.test_notices import ANNA, known

from arrears.notices.render import load_texts


def two_services(locale: str, services: tuple[str, str], until: int = 26, second_due: int = 3) -> Story:
    """An account with two services, whose debts are due some days apart."""
    story = known(Story(services=services, bill=False), ANNA._replace(locale=locale, sign_in="anna@contact.example"))
    story.stage.context = replace(story.stage.context, writer=load_texts())
    story.bill(-1, 12_000, subscriptions=(1,))
    story.bill(second_due, 4_000, subscriptions=(2,))
    return story.until(until)


@pytest.mark.parametrize(
    ("locale", "lines", "saves", "never"),
    [
        ("en", ("cloud will stop at the end of 1 February 2026.", "mail will stop at the end of 5 February 2026."),
         "reaches us by the end of 1 February 2026, none of this", "reaches us by the end of 5 February"),
        ("nl", ("cloud", "1 februari 2026", "mail", "5 februari 2026"),
         "uiterlijk op 1 februari 2026 bij ons binnen is, gaat dit niet door", "uiterlijk op 5 februari"),
    ],
)  # fmt: skip
def test_the_warning_of_the_later_service_names_the_earlier_date_as_the_one_that_saves(
    locale: str, lines: tuple[str, ...], saves: str, never: str
) -> None:
    last = " ".join(two_services(locale, ("cloud", "mail")).mail.taken[-1].text.split())
    assert saves in last
    assert never not in last
    dates = [last.find(line) for line in lines]
    assert -1 < dates[0] == min(dates), last
    assert dates == sorted(dates)


def test_two_subscriptions_of_one_service_are_told_apart() -> None:
    story = two_services("en", ("cloud", "cloud"))
    last = " ".join(story.mail.taken[-1].text.split())
    assert "cloud (sub_1_1) will stop at the end of 1 February 2026." in last
    assert "cloud (sub_1_2) will stop at the end of 5 February 2026." in last
    assert "for cloud (sub_1_1)" in last
    assert "for cloud (sub_1_2)" in last


def test_a_stop_warning_beside_a_deletion_that_lies_ahead_says_the_earlier_of_both() -> None:
    """The first one is stopped and its data goes on day 120; the second one stops on day 126, and is warned on 117."""
    story = two_services("en", ("cloud", "mail"), until=119, second_due=95)
    [warning] = [m for m in story.mail.taken if m.subject.startswith("mail will stop")][-1:]
    text = " ".join(warning.text.split())
    assert "The data of cloud will be deleted on or after" in text
    assert "If the payment reaches us before" in text
    assert "If the payment reaches us by the end of" not in text


@pytest.mark.parametrize(
    ("locale", "subject", "ahead"),
    [
        ("en", "cloud was stopped on 1 February 2026: €120.00 unpaid",
         "If this is not paid, the following happens: mail will stop at the end of 5 February 2026."),
        ("nl", "cloud is op 1 februari 2026 gestopt: € 120,00 staat open",
         "Als er niet wordt betaald, gebeurt het volgende: mail stopt op 5 februari 2026, aan het einde van de dag."),
    ],
)  # fmt: skip
def test_who_is_told_of_one_stop_reads_when_the_other_service_stops(locale: str, subject: str, ahead: str) -> None:
    taken = two_services(locale, ("cloud", "mail"), until=32).mail.taken
    [told] = [m for m in taken if m.subject.replace("\u00a0", " ") == subject]
    assert ahead in " ".join(told.text.split())


def test_what_was_deleted_is_told_with_what_is_still_ahead_of_the_others_and_nothing_else() -> None:
    story = two_services("en", ("cloud", "mail"), until=123)
    [told] = [m for m in story.mail.taken if m.subject.startswith("The data of cloud was deleted")]
    text = " ".join(told.text.split())
    assert "If this is not paid, the following happens: The data of mail will be deleted on or after" in text
    story.until(140)
    assert "If this is not paid" not in " ".join(story.mail.taken[-1].text.split()), story.mail.taken[-1].subject


def test_who_has_one_service_reads_its_name_alone() -> None:
    story = known(Story(), ANNA._replace(locale="en"))
    story.stage.context = replace(story.stage.context, writer=load_texts())
    story.until(21)
    assert "cloud will stop at the end of" in " ".join(story.mail.taken[-1].text.split())
    assert "sub_" not in story.mail.taken[-1].text


def test_both_steps_of_one_service_are_named_when_they_are_warned_of_together() -> None:
    """After some days without a worker both are due in one message, which once named the restriction alone."""
    policy = "[restrict]\nafter_days = 25\nwarning_days = [17]\nlead_days = 7\n[disable]\nwarning_days = [21]"
    story = Story(policy=policy).until(16)
    story.down_until(22, "10:00").run()
    [warning] = [m for m in story.mail.taken if m.subject == "stop warning"]
    assert "the service is restricted on" in warning.text
    assert "the service stops on" in warning.text
