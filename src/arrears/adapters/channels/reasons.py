"""Why a mail came back, told by the words and the codes of the mail system that says so.

Which words mean what is data (`core/data/bounces.toml`), dated, with a word of our own for each reason. That an
address is dead needs to be said: every other reason stands before those, so where a report says both the address lives.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Final, Literal, NamedTuple

import msgspec

from arrears.core.address import mailbox_of
from arrears.core.value import Value

SAID_CHARS_MAX: Final = 4_000
"""Of what a mail system says, so much is read: reasons stand first."""

_APOSTROPHES: Final = str.maketrans({"`": "'", "´": "'", "‘": "'", "’": "'", "ł": "l", "Ł": "l", "ø": "o", "Ø": "o"})
_SHORT: Final = re.compile(r"'(?=(?:t|s|ve|re)\b)", re.IGNORECASE)
_CONTINUED: Final = re.compile(r"(?<=\s)([245]\d\d)-(?:[245]\.\d{1,3}\.\d{1,3})?")
"""A reply of several lines (RFC 5321, 4.2.1) repeats its code in each."""

_MAILBOX: Final = re.compile(r"[^\s<>()\[\]\"',;:=@]{1,64}@[^\s<>()\[\]\"',;:@/]{0,250}[^\W_]")
_HELP: Final = re.compile(r"post_?master|hostmaster|mailer-?daemon|abuse|support|help(?:desk)?|admin", re.IGNORECASE)
_CODE: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
_DEFERRED: Final = re.compile(r"\W*(?:4\d\d[ -]|4\.\d{1,3}\.\d{1,3}\b)")
_LABELLED: Final = re.compile(
    r"^[245]\.\d\.\d - (?:Unknown address|Other network|Other) error (\d{3})-'(.*)", re.DOTALL
)
"""IronPort sets a label of its own before what the other server said."""


class ReportReason(NamedTuple):
    """Why a mail came back. `dead`: the address does not exist (any more)."""

    word: str
    dead: bool


class _Row(Value, frozen=True, forbid_unknown_fields=True):
    verdict: Literal["dead", "not_the_address"]
    words: tuple[str, ...]
    status: tuple[str, ...] = ()


class _File(Value, frozen=True, forbid_unknown_fields=True):
    dated: date
    copy: tuple[str, ...]
    senders: tuple[str, ...]
    subjects: tuple[str, ...]
    failed: tuple[str, ...]
    absent: tuple[str, ...]
    reasons: dict[str, _Row]


class Words(NamedTuple):
    """The data file, ready to be asked."""

    copy: re.Pattern[str]
    senders: re.Pattern[str]
    subjects: re.Pattern[str]
    failed: re.Pattern[str]
    absent: re.Pattern[str]
    reasons: Sequence[tuple[ReportReason, re.Pattern[str], Sequence[str]]]


REFUSED: Final = ReportReason("refused", dead=False)
"""It failed, and no word says why."""


@lru_cache(maxsize=1)
def words() -> Words:
    """What `core/data/bounces.toml` says."""
    text = (resources.files("arrears.core") / "data" / "bounces.toml").read_text(encoding="utf-8")
    file = msgspec.convert(tomllib.loads(text), _File)
    return Words(
        copy=re.compile("|".join(file.copy), re.MULTILINE | re.IGNORECASE),
        senders=re.compile("|".join(file.senders), re.IGNORECASE),
        subjects=re.compile("|".join(map(_pattern, file.subjects))),
        failed=re.compile("|".join(map(_pattern, file.failed))),
        absent=re.compile("|".join(map(_pattern, file.absent))),
        reasons=[
            (ReportReason(word, row.verdict == "dead"), re.compile("|".join(map(_pattern, row.words))), row.status)
            for word, row in file.reasons.items()
        ],
    )


def folded(text: str) -> str:
    """A text without letter case, accents, apostrophes ("doesnt", "l adresse") and line breaks, and without the codes
    that its lines repeat."""
    text = _CONTINUED.sub("", _SHORT.sub("", text.translate(_APOSTROPHES)).replace("'", " "))
    return " ".join(_plain(text).lower().split())


def own_words(said: str) -> str:
    """What the refusing server said, without the label that a relay sets before it."""
    return _LABELLED.sub(r"\1 \2", said)


def names_another(said: str, address: str) -> bool:
    """Whether a mail system's words name addresses, and not this one: then they are about whoever the message was
    passed on to, or about our own address. Whom they name for help does not count."""
    named = [
        mailbox_of(match[0])
        for match in _MAILBOX.finditer(own_words(said[:SAID_CHARS_MAX]))
        if not _HELP.fullmatch(match[0].partition("@")[0])
    ]
    return bool(named) and mailbox_of(address) not in named


def status_in(text: str) -> str:
    """The first enhanced code (RFC 3463) of a text, or nothing."""
    match = _CODE.search(own_words(text))
    return match[1] if match else ""


def reason_in(said: str) -> ReportReason | None:
    """The reason that these words give; None where they give none."""
    text = folded(own_words(said[:SAID_CHARS_MAX]))
    for reason, pattern, _ in words().reasons:
        if pattern.search(text):
            return _deferred(reason, said)
    return None


def reason_of(status: str) -> ReportReason | None:
    """The reason that a code of RFC 3463 gives; None for one that says nothing."""
    for reason, _, codes in words().reasons:
        if any(status == code or (code.endswith("*") and status.startswith(code[:-1])) for code in codes):
            return reason
    return ReportReason("deferred", dead=False) if status.startswith("4") else None


def _deferred(reason: ReportReason, said: str) -> ReportReason:
    """What is said under a 4xx may pass, whatever the words: the server itself does not know it for good."""
    passes = reason.dead and _DEFERRED.match(own_words(said))
    return ReportReason("deferred", dead=False) if passes else reason


def _pattern(phrase: str) -> str:
    """A phrase of the file as a pattern for folded text: it begins where a word begins, and a gap is short."""
    start = r"(?<![a-z0-9])" if re.match(r"\(?[a-z0-9]", phrase) else ""
    return f"{start}(?:{'.{0,60}?'.join(map(_plain, phrase.split('…')))})"


def _plain(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
