"""The model's scenarios about being told, by their numbers: mail to the right person and an alert that stays, both with
the sum, the dates and where to pay (scenarios 1, 2, 4, 5, 7, 8 and 33)."""

from __future__ import annotations

from dataclasses import replace

from tests.stories.paying import Paying
from tests.stories.story import API, Story
from tests.stories.test_alerts import standing
from tests.stories.test_notices import ANNA, SAM, bounce, known

from arrears.core import facts as f
from arrears.core.account import Mode
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.message_context import PAY_PATH
from arrears.engine.people.pay_links import good_link
from arrears.engine.tokens import digest_of
from arrears.ports import MailState
from arrears.sandbox.run import Running
from arrears.wiring import texts


def written(story: Story) -> Story:
    """Its messages are in the words that customers get, with pay links."""
    story.stage.context = replace(story.stage.context, writer=texts(), pay_links=True)
    return story


def read(story: Story) -> list[tuple[str, str]]:
    """Every message as it is read: to whom, and subject and text in one line."""
    return [(m.to, " ".join(f"{m.subject} {m.text}".split())) for m in story.mail.taken]


def token_in(text: str) -> str:
    return text.partition(PAY_PATH)[2].split()[0]


def test_scenario_1_a_declined_charge_is_told_by_mail_and_alert_with_the_sum_and_a_link_that_pays(
    sandbox: Running,
) -> None:
    story = Paying(sandbox)
    known(written(story), ANNA, SAM)
    story.card("insufficient_funds")
    story.until(-1, "12:00")
    assert story.sub().state is State.PAST_DUE
    [(to, text)] = read(story)
    assert to == "anna@contact.example"
    for said in ("€ 120,00", "I1-1", "cloud stopt op 31 januari 2026"):
        assert said in text
    assert good_link(story.store, digest_of(token_in(text))) is not None
    assert standing(story) == ["past_due account EUR 12000"]


def test_scenario_2_who_pays_by_transfer_is_told_thirty_days_after_the_invoice_how_to_pay() -> None:
    story = known(written(Story(mode=Mode.INVOICE, bill=False)))
    story.bill(28)
    [(_, issued)] = story.facts(f.InvoiceIssued)
    assert (issued.debt.due_on - issued.issued_on).days == 30
    story.until(28, "23:00")
    assert (story.sub().state, read(story)) == (State.ACTIVE, [])
    story.until(29, "09:00")
    assert story.sub().state is State.PAST_DUE
    [(to, text)] = read(story)
    assert to == "anna@contact.example"
    for said in ("€ 120,00", "Maak het bedrag over zoals op de factuur staat en vermeld I1-1.", PAY_PATH):
        assert said in text
    assert standing(story) == ["past_due account EUR 12000"]


def test_scenario_4_notices_go_to_the_changed_address_and_the_sign_in_stays_as_it_was() -> None:
    story = known(Story()).until(1)
    known(story, ANNA._replace(contact="anna@new.example")).until(4)
    assert [to for to, _ in read(story)] == ["anna@contact.example", "anna@new.example"]
    who = story.store.contacts([story.no])[story.no].administrator
    assert who is not None
    assert who.sign_in == ANNA.sign_in


def test_scenario_5_after_a_hard_bounce_the_failure_is_recorded_the_alert_stays_and_others_are_mailed() -> None:
    story = known(Story(), ANNA, SAM).until(0)
    bounce(story, "anna@contact.example")
    story.run()
    assert [to for to, _ in read(story)] == ["anna@contact.example", "anna@sign-in.example"]
    assert standing(story) == ["past_due account EUR 12000"]
    [(_, failed)] = story.facts(f.NoticeBounced)
    assert failed.reachable
    bounce(story, "anna@sign-in.example")
    story.until(21)
    assert [to for to, _ in read(story)][2:] == ["sam@sign-in.example"], "the other roles get the warning"
    assert standing(story) == ["stops_on cloud day 30 EUR 12000", "past_due account EUR 12000"]
    assert [m.state for m in story.store.mails_of(story.no)][:2] == [MailState.BOUNCED_HARD] * 2


def test_scenario_7_an_authorisation_that_is_declined_is_told_before_anything_stops_and_no_other() -> None:
    story = known(written(Story(bill=False)))
    commands.report_authorisation_declined(story.store, story.no, "EUR", 25_000, "limit_exceeded", story.now, API)
    story.run()
    [(to, text)] = read(story)
    assert to == "anna@contact.example"
    assert "€ 250,00" in text
    assert (story.sub().state, story.account.case, story.account.debts) == (State.ACTIVE, None, ())
    story.until(60)
    assert len(story.mail.taken) == 1, "an authorisation that was given is told to nobody, and nothing is charged"


def test_scenario_8_the_same_failure_told_twice_is_one_episode_and_one_mail() -> None:
    story = known(Story().until(-1, "10:00")).decline().decline()
    assert story.account.case is not None
    assert (story.account.case.no, len(story.facts(f.ChargeDeclined))) == (1, 2)
    assert [to for to, _ in read(story)] == ["anna@contact.example"]


def test_scenario_33_nothing_is_deleted_of_which_no_notice_could_be_delivered() -> None:
    story = known(Story(), ANNA).until(40)
    story.mail.works = False
    story.until(400)
    assert story.sub().state is State.DISABLED
    assert story.facts(f.DeletionScheduled) == []
    assert "warning_not_accepted" in story.tasks()
    story.mail.works = True
    story.until(420)
    assert story.sub().state is State.DELETED
    story.check()
