"""The plain-text part: everything that the HTML says, for readers, screens and archives that show no HTML.

Lines have at most 72 characters, so that they survive being quoted; the link alone may be longer, since a broken link
is none.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Final

from arrears.notices.page import Page, Row, Table

LINE_CHARS_MAX: Final = 72
_GAP: Final = "  "


def plain_text(page: Page) -> str:
    """The page as text, ending with a line end. No-break spaces have done their work when the lines are broken, and
    are plain spaces afterwards, so that a sum or a date is found by searching for it."""
    blocks = [
        _wrapped(page.heading),
        _wrapped(page.greeting),
        *map(_wrapped, page.paragraphs),
        *_list(page.checks_heading, page.checks),
        *_list(page.actions_heading, page.actions),
        *map(_wrapped, page.next),
        f"{_wrapped(page.button + ':')}\n{page.link}",
        _listed(page.table) if page.table else "",
        *map(_wrapped, page.notes),
        _wrapped(page.help),
        "\n".join(["-- ", page.operator and _wrapped(page.operator), *map(_wrapped, page.footer)]),
    ]
    return "\n\n".join(block for block in blocks if block).replace("\u00a0", " ").replace("\u202f", " ") + "\n"


def _wrapped(text: str, width: int = LINE_CHARS_MAX) -> str:
    # At plain spaces only: a no-break space holds a sum or a day together.
    words = [word for word in text.replace("\n", " ").split(" ") if word]
    if all(len(word) <= width for word in words):
        return _filled(words, width)
    # An address of a page or a person is never broken, even if it is longer than a line.
    long = any(len(word) > width and ("://" in word or "@" in word) for word in words)
    return textwrap.fill(text, width, break_long_words=not long, break_on_hyphens=False)


def _filled(words: Iterable[str], width: int) -> str:
    """The words in lines, none of which is longer than the width: what `textwrap` does, without looking for more."""
    lines: list[str] = []
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])


def _list(heading: str, items: Iterable[str]) -> list[str]:
    return [_wrapped(heading), "\n".join(map(_item, items))]


def _item(text: str) -> str:
    return textwrap.indent(_wrapped(text, LINE_CHARS_MAX - 2), "  ").replace("  ", "- ", 1)


def _listed(table: Table) -> str:
    """The debts in columns, sums to the right; an invoice whose number leaves no room has a line for it alone."""
    head = Row(table.invoice, "", table.due, table.open)
    due = max(len(row.due) for row in (head, *table.rows))
    open_ = max(len(text) for text in (*(row.open for row in (head, *table.rows)), *table.totals))
    room = LINE_CHARS_MAX - due - open_ - 2 * len(_GAP)
    number = min(room, max(len(row.number) for row in (head, *table.rows)))
    width = max(number + due + open_ + 2 * len(_GAP), len(table.total) + len(_GAP) + open_)
    number = width - due - open_ - 2 * len(_GAP)

    def lines(row: Row) -> Iterable[str]:
        fits = len(row.number) <= number
        if not fits:
            yield _wrapped(row.number)
        yield f"{row.number if fits else '':<{number}}{_GAP}{row.due:<{due}}{_GAP}{row.open:>{open_}}"
        if row.services:
            yield textwrap.indent(_wrapped(row.services, LINE_CHARS_MAX - 2), "  ")

    return "\n".join(
        [
            table.caption,
            "",
            *lines(head),
            "-" * width,
            *(line for row in table.rows for line in lines(row)),
            "-" * width,
            *(f"{table.total:<{width - open_ - len(_GAP)}}{_GAP}{total:>{open_}}" for total in table.totals),
        ]
    )
