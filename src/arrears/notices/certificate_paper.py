"""The certificate of a deletion on paper: what it says in words, and the signed file itself, attached to the PDF."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from arrears.core.ids import ACCOUNT, INVOICE, format_id, parse_id
from arrears.core.tasks import counted
from arrears.notices.invoice_wording import DocumentWords, words_for
from arrears.notices.paper import Attachment, Paper, PaperColumn, PaperTable, as_pdf
from arrears.notices.pay_codes import one_line

FILE: Final = "certificate.json"
"""What the signed certificate is called inside the PDF."""

_WORDS: Final = "certificate_words"
_DIGITS_A_LINE: Final = 32
_DIGITS_SHOWN: Final = 16


def certificate_pdf(signed: str, locale: str, identity: str) -> bytes:
    """The paper of a signed certificate, in the language of a locale, English where that is none of ours. It is dated
    by the service's confirmation, so that the same certificate is the same file. Refuses `no_paper` (see paper.py)."""
    said = json.loads(signed)
    certificate = said["certificate"]
    words = words_for(locale, _WORDS)
    paper = Paper(
        title=words("title"),
        number=certificate["subscription"],
        seller=one_line(certificate["operator"]),
        language=words.locale.language,
        region=words.locale.territory or "",
        heads=[(name, value) for name, value in _heads(said, certificate, words) if value],
        tables=[*_owed(certificate, words), _facts(certificate, words)],
        notes=[words("original", file=FILE), words("check", file=FILE), words("otherwise")],
        identity=one_line(identity),
        attached=Attachment(FILE, signed, "application/json"),
    )
    return as_pdf(paper, datetime.fromisoformat(certificate["confirmed_at"]))


def _heads(said: Mapping[str, Any], certificate: Mapping[str, Any], words: DocumentWords) -> Iterator[tuple[str, str]]:
    decided = certificate["decided_on"]
    called, ref = one_line(certificate["account_name"]), one_line(certificate["account_ref"])
    yield words("account"), f"{called} ({ref}, {certificate['account']})"
    yield words("service"), one_line(certificate["service"])
    yield words("subscription"), certificate["subscription"]
    warned = decided.get("warning_accepted_at")
    yield words("warned"), words.instant(datetime.fromisoformat(warned)) if warned else words("not_warned")
    promised = decided.get("promised_on")
    yield words("announced"), words.day(date.fromisoformat(promised)) if promised else ""
    yield words("policy"), decided["policy"]
    yield words("released"), ", ".join(map(one_line, certificate["released_by"])) or words("nobody")
    yield words("ordered"), words.instant(datetime.fromisoformat(certificate["ordered_at"]))
    yield words("confirmed"), words.instant(datetime.fromisoformat(certificate["confirmed_at"]))
    deleted = certificate["deleted"]
    yield words("deleted"), one_line(counted(deleted)) if deleted else words("not_counted")
    for name in ("decision", "signature", "key"):
        digits = certificate["decision"] if name == "decision" else said[name]
        lines = [digits[at : at + _DIGITS_A_LINE] for at in range(0, len(digits), _DIGITS_A_LINE)]
        yield words(name), "\n".join(lines)


def _owed(certificate: Mapping[str, Any], words: DocumentWords) -> Iterator[PaperTable]:
    [account] = parse_id(ACCOUNT, certificate["account"])
    rows = [
        (
            format_id(INVOICE, account, one["debt"]),
            words.day(date.fromisoformat(one["day_0"])),
            words.money(one["open_minor"], one["currency"]),
        )
        for one in certificate["decided_on"].get("owing", ())
    ]
    if rows:
        columns = (
            PaperColumn(words("invoice"), wide=True),
            PaperColumn(words("past_due")),
            PaperColumn(words("open"), sum=True),
        )
        yield PaperTable(columns, rows, caption=words("owed"))


def _facts(certificate: Mapping[str, Any], words: DocumentWords) -> PaperTable:
    columns = (
        PaperColumn(words("fact"), sum=True),
        PaperColumn(words("at")),
        PaperColumn(words("what"), wide=True),
        PaperColumn(words("digest")),
    )
    rows = [
        (
            str(one["seq"]),
            f"{datetime.fromisoformat(one['at']):%Y-%m-%d %H:%M}",
            words(one["fact"]["kind"]),
            one["sha256"][:_DIGITS_SHOWN],
        )
        for one in certificate["facts"]
    ]
    return PaperTable(columns, rows, caption=words("facts"))
