"""A report counts when it carries the signature of its message's return address; any other changes nothing."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.test_bounces import report
from tests.smtp_server import smtp_server

from arrears.adapters.channels.bounces import ReportKind, bounces_in
from arrears.adapters.channels.headers import BOUNCE_LOCAL_MAX, bounce_address, origin
from arrears.adapters.channels.mail_parts import MAIL_BYTES_MAX
from arrears.adapters.channels.signing import proven, signed, unsigned
from arrears.adapters.channels.smtp import SmtpChannel
from arrears.core.address import LOCAL_BYTES_MAX
from arrears.core.errors import Refused
from arrears.ports import Fate, Message

KEY, OTHER = b"the installation's secret key", b"another installation's"
NAME = signed("a12-3-1", KEY)
UNSIGNED = "Message-ID: <a12-3-1@arrears.example>"


@pytest.fixture(autouse=True, scope="module")
def _django(site: str) -> None:
    """Django is set up: see tests/site.py."""


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 999))
def test_only_the_key_that_signed_proves_a_name_whatever_its_case(account: int, seq: int, no: int) -> None:
    message_id = f"a{account}-{seq}-{no}"
    name = signed(message_id, KEY)
    assert proven(name, [OTHER, KEY]) == proven(name.upper(), [KEY]) == unsigned(name) == message_id
    assert proven(name, [OTHER]) == proven(message_id, [KEY]) == proven(f"a1{name[2:]}x", [KEY]) == ""
    who = origin("billing@arrears.example", "", "b" * BOUNCE_LOCAL_MAX + "@arrears.example")._replace(key=KEY)
    address = bounce_address(who, message_id)
    assert len(address.rpartition("@")[0]) <= LOCAL_BYTES_MAX
    assert address.isascii()


@pytest.mark.parametrize(
    ("to", "returned", "proves"),
    [
        (f"bounce+{NAME}@arrears.example", UNSIGNED, True),
        (f"bounce+{NAME.upper()}@arrears.example", UNSIGNED, True),
        ("bounce@arrears.example", f"Message-ID: <{NAME}@arrears.example>", True),
        ("bounce+a12-3-1@arrears.example", f"Message-ID: <{NAME}@arrears.example>", True),
        ("bounce+a12-3-1@arrears.example", UNSIGNED, False),
        ("bounce@arrears.example", UNSIGNED, False),
        ("bounce@arrears.example", "Subject: x", False),
        (f"bounce+{signed('a12-3-1', OTHER)}@arrears.example", UNSIGNED, False),
        (f"bounce+a12-3-2.{NAME[-10:]}@arrears.example", UNSIGNED, False),
        (f"bounce+{NAME[:-1]}@arrears.example", UNSIGNED, False),
    ],
)
def test_a_report_names_a_message_by_its_signature_alone(to: str, returned: str, proves: bool) -> None:
    found = bounces_in(report(to=to, returned=returned), [OTHER[:5], KEY])
    assert found is not None
    assert found.message_id == ("a12-3-1" if proves else "")


def test_a_mail_carries_its_signature_where_reports_bring_it_back() -> None:
    with (
        smtp_server() as server,
        closing(
            SmtpChannel(server.url, "Billing <billing@acme.example>", bounce_to="bounce@acme.example", key=KEY)
        ) as channel,
    ):
        assert channel.send(Message("a12-3-1", "jo@example.org", "Hi", "text")).fate is Fate.ACCEPTED
    [received] = server.received
    assert received.envelope_from == f"bounce+{NAME}@acme.example"
    assert received.mail["Message-ID"] == f"<{NAME}@acme.example>"


def test_an_id_that_leaves_no_room_for_its_signature_is_refused_and_not_sent_unsigned() -> None:
    with (
        smtp_server() as server,
        closing(
            SmtpChannel(server.url, "billing@acme.example", bounce_to="b" * BOUNCE_LOCAL_MAX + "@acme.example", key=KEY)
        ) as channel,
    ):
        assert channel.send(Message("a" * 40, "jo@example.org", "Hi", "text")).fate is Fate.REFUSED
    assert not server.received


@pytest.mark.parametrize(
    ("subject", "path", "counts"),
    [("Undelivered Mail", "<>", True), ("Out of office", "<>", False)],
)
def test_a_return_that_is_too_long_to_be_read_came_back_by_its_head(subject: str, path: str, counts: bool) -> None:
    head = f"Return-Path: {path}\nFrom: jo@example.org\nTo: bounce+{NAME}@arrears.example\nSubject: {subject}\n\n"
    raw = head.encode() + b"x" * MAIL_BYTES_MAX
    if counts:
        found = bounces_in(raw, [KEY])
        assert found is not None
        assert (found.message_id, found.kind, found.address) == ("a12-3-1", ReportKind.SOFT, "")
    for keys in ([OTHER], None) if counts else ([KEY], None):
        with pytest.raises(Refused):
            bounces_in(raw, keys)
