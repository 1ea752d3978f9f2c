"""Mail into a folder: what cannot be a mail is refused alone, as by a server, and stops no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from arrears.adapters.channels.folder import FolderChannel
from arrears.ports import Fate, Message


@pytest.mark.parametrize(
    ("to", "subject"), [("k\n@example.org", "Paid"), ("a@example.org", "Paid\r\nBcc: b@example.org")]
)
def test_what_cannot_be_written_as_a_mail_is_refused_and_leaves_no_file(tmp_path: Path, to: str, subject: str) -> None:
    channel = FolderChannel(tmp_path)
    refused = channel.send(Message("m1", to, subject, "text"))
    assert (refused.fate, list(tmp_path.iterdir())) == (Fate.REFUSED, [])
    assert channel.send(Message("m2", "a@example.org", "Paid", "text")).fate is Fate.ACCEPTED
