"""What a delivered mail says, read from its text and its HTML as a reader would: sums, promised days, links."""

from __future__ import annotations

import re
from datetime import date
from email.message import EmailMessage
from functools import cache
from html import unescape
from typing import Final, NamedTuple

from babel.dates import get_month_names

from arrears.core.account import Action

_PROMISES: Final = {
    "en": (
        (Action.RESTRICT, r"(\S+) will be restricted at the end of (\d+) (\S+) (\d{4})\."),
        (Action.DISABLE, r"(\S+) will stop at the end of (\d+) (\S+) (\d{4})\."),
        (Action.DELETE, r"The data of (\S+) will be deleted on or after (\d+) (\S+) (\d{4})\."),
    ),
    "nl": (
        (Action.RESTRICT, r"(\S+) wordt op (\d+) (\S+) (\d{4}) beperkt, aan het einde van de dag\."),
        (Action.DISABLE, r"(\S+) stopt op (\d+) (\S+) (\d{4}), aan het einde van de dag\."),
        (Action.DELETE, r"De gegevens van (\S+) worden op of na (\d+) (\S+) (\d{4}) verwijderd\."),
    ),
}
_TOTAL: Final = {"en": "Total", "nl": "Totaal"}
_TAGS: Final = re.compile(r"<(style|title|head)\b.*?</\1>|<!--.*?-->|<[^>]+>", re.DOTALL)


class Letter(NamedTuple):
    """What one mail says. `totals` are the sums asked for, as written; `promises` are (service, action, day)."""

    language: str
    totals: tuple[str, ...]
    promises: tuple[tuple[str, Action, date], ...]
    tokens: tuple[str, ...]


def read(mail: EmailMessage) -> tuple[Letter, Letter]:
    """The text part and the HTML part, each by itself: both must say the same."""
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None, "a mail has a text part"
    assert html is not None, "a mail has an HTML part"
    found = re.search(r'<html[^>]*\blang="([a-z]+)', html.get_content())
    assert found is not None, "the page says its language"
    language = found[1]
    return _letter(text.get_content(), language, "text"), _letter(_shown(html.get_content()), language, "html")


def _shown(html: str) -> str:
    """The words of a page, each block on a line of its own."""
    blocks = re.sub(r"</(p|li|tr|td|th|h1|div|caption)>", "\n", html)
    tokens = re.findall(r'href="([^"]*/pay/[^"]*)"', html)
    return unescape(_TAGS.sub("", blocks)) + "\n" + "\n".join(tokens)


def _letter(text: str, language: str, kind: str) -> Letter:
    plain = text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2068", "").replace("\u2069", "")
    # A promise may be broken over two lines of the text, never over two blocks of the page.
    flowing = re.sub(r"\s+", " ", plain)
    promises = [
        (service, action, date(int(year), _months(language)[month.lower()], int(day)))
        for action, pattern in _PROMISES[language]
        for service, day, month, year in re.findall(pattern, flowing)
    ]
    between = r"[ ]{2,}" if kind == "text" else r"\s+"
    totals = re.findall(rf"^\s*{_TOTAL[language]}{between}(\S.*?)\s*$", plain, re.MULTILINE)
    tokens = re.findall(r"/pay/([\w-]{43})", plain)
    return Letter(language, tuple(totals), tuple(promises), tuple(sorted(set(tokens))))


@cache
def _months(language: str) -> dict[str, int]:
    return {name.lower(): number for number, name in get_month_names("wide", locale=language).items()}
