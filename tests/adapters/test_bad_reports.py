"""Mail built to hurt whoever reads it: it is read within bounds, and says nothing that changes anything."""

from __future__ import annotations

import pytest
from tests.adapters.test_bounces import VACATION, report

from arrears.adapters.channels import mail_parts
from arrears.adapters.channels.bounces import ReportKind, bounces_in
from arrears.adapters.channels.mail_parts import LEVELS_MAX, MAIL_BYTES_MAX, PARTS_MAX, take_apart
from arrears.adapters.channels.reports import Verdict, read_report
from arrears.core.errors import Refused

DAEMON = b"From: mailer-daemon@x.example\nSubject: Returned mail\n"
CHARSETS = [
    "utf-8",
    "utf-16",
    "utf-32",
    "utf-7",
    "us-ascii",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-5",
    "iso-8859-7",
    "iso-8859-8-i",
    "iso-8859-15",
    "koi8-r",
    "koi8-u",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1255",
    "windows-1256",
    "gb2312",
    "gbk",
    "gb18030",
    "big5",
    "big5-hkscs",
    "shift_jis",
    "euc-jp",
    "iso-2022-jp",
    "iso-2022-kr",
    "euc-kr",
    "johab",
    "tis-620",
    "viscii",
    "macintosh",
    "cp437",
    "cp850",
    "ebcdic-us",
    "hz-gb-2312",
    "punycode",
    "idna",
    "zlib",
    "rot13",
    "no-such",
    "unknown-8bit",
]


def nested(depth: int) -> bytes:
    """Containers in containers, as deep as asked."""
    head = b"Content-Type: multipart/report; boundary=b%d\n\n--b%d\n"
    return DAEMON + b"".join(head % (n, n) for n in range(depth)) + report()


def mails_in_mails(depth: int) -> bytes:
    return DAEMON + b"Content-Type: message/rfc822\n\n" * depth + report()


def in_parts(*parts: bytes) -> bytes:
    """A mail of a daemon with these parts."""
    body = b"".join(b"--=_x\n" + part + b"\n" for part in parts)
    return DAEMON + b'Content-Type: multipart/mixed; boundary="=_x"\n\n' + body + b"--=_x--\n"


def in_charsets() -> bytes:
    said = b"Content-Type: text/plain; charset=%s\n\n\xff\xfe<jo@example.org>: \x00\x1b$B!!"
    return in_parts(*(said % one.encode() for one in CHARSETS))


def forwarded(head: bytes, subject: bytes = b"Fwd: Undelivered Mail Returned to Sender") -> bytes:
    """A report that somebody passes on, whole, as the part of a mail."""
    parts = b'Content-Type: multipart/mixed; boundary="=_f"\n\n--=_f\nContent-Type: text/plain\n\nSee below.\n'
    return (
        b"To: bounce+a12-3@arrears.example\nSubject: " + subject + b"\n" + head + parts
        + b"--=_f\nContent-Type: message/rfc822\n\n" + report() + b"\n--=_f--\n"
    )  # fmt: skip


def quoted(head: bytes, subject: bytes = b"Re: Undelivered Mail Returned to Sender") -> bytes:
    """A report that somebody answers, quoted in a text."""
    said = b"\n".join(b"> " + line for line in report().splitlines())
    return b"To: bounce+a12-3@arrears.example\nSubject: " + subject + b"\n" + head + b"\nI got this:\n\n" + said


PERSON = b"From: Jo <jo@example.org>\n"
ABSENT = b"Return-Path: <>\nFrom: Jo <jo@example.org>\nAuto-Submitted: auto-replied\n"


@pytest.mark.parametrize(
    "raw",
    [
        forwarded(PERSON),
        forwarded(b"From: postmaster@example.org\n"),
        forwarded(b"From: postmaster@example.org\n", b"WG: Unzustellbar"),
        forwarded(ABSENT, b"Automatic reply: Undelivered Mail Returned to Sender"),
        forwarded(ABSENT, b"Undelivered Mail Returned to Sender"),
        quoted(PERSON),
        quoted(ABSENT, b"Out of office"),
        quoted(ABSENT, b"Abwesend"),
        VACATION,
    ],
)
def test_who_answers_or_passes_a_report_on_reports_nothing(raw: bytes) -> None:
    found, _ = read_report(raw)
    assert found.verdict is Verdict.NO_BOUNCE
    bounce = bounces_in(raw)
    assert bounce is None or bounce.kind is ReportKind.ANSWER


@pytest.mark.parametrize("raw", [nested(1_000), mails_in_mails(1_000), nested(8_000)[:MAIL_BYTES_MAX]])
def test_what_lies_too_deep_is_not_opened(raw: bytes) -> None:
    found, mail = read_report(raw)
    assert found.verdict is not Verdict.DEAD
    assert len(mail.leaves) <= PARTS_MAX


def test_a_bomb_of_parts_is_opened_so_far_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(take_apart(in_parts(*[b"Content-Type: text/plain\n\nx"] * 5_000)).leaves) <= PARTS_MAX
    monkeypatch.setattr(mail_parts, "PARTS_MAX", 3)
    assert len(take_apart(in_parts(*[b"\nx"] * 9)).leaves) <= 3


def test_a_bomb_in_every_level_is_opened_so_far_and_no_further() -> None:
    bomb = b"Content-Type: text/plain\n\nx"
    for level in range(LEVELS_MAX + 2):
        line = b"--=_%d\n" % level
        bomb = (
            b'Content-Type: multipart/mixed; boundary="=_%d"\n\n' % level
            + (line + bomb + b"\n") * 4
            + line[:-1]
            + b"--\n"
        )
    assert len(take_apart(DAEMON + bomb[: MAIL_BYTES_MAX - 100]).leaves) <= PARTS_MAX


def test_of_fifty_mebibytes_nothing_is_read() -> None:
    with pytest.raises(Refused) as refused:
        read_report(report() + b"x" * (50 * 1024 * 1024))
    assert refused.value.code == "bad_bounce"


def test_forty_charsets_and_nul_are_read_for_what_they_say() -> None:
    assert len(CHARSETS) >= 40
    found, _ = read_report(in_charsets())
    assert found.verdict is not Verdict.DEAD
    assert found.said.isprintable()
    with_nul, _ = read_report(report().replace(b"no such user", b"no \x00such\x00 user"))
    assert (with_nul.verdict, with_nul.address) == (Verdict.DEAD, "jo@example.org")
