"""The documents of invoices go along with the mail that asks to transfer them, where the operator wants that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from msgspec import structs
from tests.stories.story import STAFF, Story

from arrears.adapters.channels.folder import FolderChannel
from arrears.adapters.channels.headers import compose, origin
from arrears.core.account import Mode
from arrears.engine.commands import corrections
from arrears.engine.messages.writing import ATTACHED_MAX
from arrears.ports import Attachment, MailBook, Message
from arrears.wiring import texts

PDF = b"%PDF-1.7 \x00\xff" * 300


def attach(_store: MailBook, numbers: Sequence[str], _now: datetime) -> list[Attachment]:
    return [Attachment(f"{number}.pdf", PDF) for number in numbers]


def story_of(mode: Mode, invoices: int = 1) -> Story:
    story = Story(mode=mode)
    story.stage.context = replace(story.stage.context, attach=attach)
    story.until(-1, "12:00")
    for _ in range(invoices - 1):
        story.bill(0)
    return story.until(4)


def test_mail_to_whoever_pays_by_transfer_has_the_documents_of_what_it_asks() -> None:
    story = story_of(Mode.INVOICE, invoices=2)
    [first, *_] = story.mail.taken
    assert [one.name for one in first.attachments] == ["I1-1.pdf", "I1-2.pdf"][: len(first.attachments)]
    assert [one.name for one in story.mail.taken[-1].attachments] == ["I1-1.pdf", "I1-2.pdf"]


def test_there_are_no_more_than_fit_in_a_mail() -> None:
    story = story_of(Mode.INVOICE, invoices=ATTACHED_MAX + 2)
    assert max(len(one.attachments) for one in story.mail.taken) == ATTACHED_MAX


def test_who_pays_by_card_is_sent_none_and_a_receipt_has_none() -> None:
    assert not any(one.attachments for one in story_of(Mode.CARD).mail.taken)
    story = story_of(Mode.INVOICE)
    before = len(story.mail.taken)
    story.pay().until(5)
    assert story.mail.taken[before:]
    assert not any(one.attachments for one in story.mail.taken[before:])


def before_issue() -> Story:
    """Nothing is issued yet; what is due within thirty days is told, in the words and with the documents of mail."""
    story = Story(policy="[remind]\nbefore_due_days = 30", bill=False, mode=Mode.INVOICE)
    context = story.stage.context
    operator = structs.replace(context.operator, iban="NL91ABNA0417164300")
    story.stage.context = replace(context, writer=texts(), operator=operator, attach=attach)
    return story.until(10, "07:00")


def test_an_invoice_of_thirty_days_is_told_when_it_is_issued_with_its_document_and_how_to_transfer_it() -> None:
    story = before_issue()
    story.bill(40)
    [mail] = story.until(39).mail.taken
    assert story.diary(only="soon") == ["day 10 09:00 due soon: I1 on day 40"]
    assert [one.name for one in mail.attachments] == ["I1-1.pdf"]
    said = " ".join(mail.text.split())
    assert "Betaalt u per overschrijving? Maak het bedrag over aan" in said
    assert "NL91 ABNA 0417 1643 00, en vermeld I1-1." in said


def test_what_is_paid_withdrawn_or_due_already_is_not_told_of() -> None:
    story = before_issue()
    for due in (40, 40, 9):
        story.bill(due)
    story.pay()
    corrections.void(story.store, "I1-2", story.now, STAFF, "wrong")
    assert story.until(39).diary(only="soon") == []


@pytest.mark.parametrize("by", ["smtp", "folder"])
def test_a_mail_program_finds_text_html_and_the_file_as_it_is(by: str, tmp_path: Path, site: str) -> None:
    message = Message("a1-1-1-x", "anna@example.org", "Invoice", "Text", "<p>Text</p>")
    message = message._replace(attachments=(Attachment("invoice-I-1.pdf", PDF),))
    if by == "smtp":
        content = compose(message, origin("Us <billing@example.com>", "", "")).octets()
    else:
        FolderChannel(tmp_path).send(message)
        [file] = tmp_path.glob("*.eml")
        content = file.read_bytes()
    mail = message_from_bytes(content, policy=policy.default)
    [part] = mail.iter_attachments()  # type: ignore[attr-defined]  # the policy makes EmailMessage of it
    assert (part.get_filename(), part.get_content_type(), part.get_content()) == (
        "invoice-I-1.pdf",
        "application/pdf",
        PDF,
    )
    for kind in ("plain", "html"):
        assert "Text" in mail.get_body((kind,)).get_content()  # type: ignore[attr-defined]
