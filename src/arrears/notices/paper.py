"""A paper as PDF: tagged, archival (PDF/A-2a, or A-3a with what it carries; PDF/UA-1), made offline by typst from words
that come finished.

The layout has no words of its own, so a language is whoever writes the `Paper`. The same paper, at the same instant, is
the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from arrears.core.errors import Refused

LAYOUT: Final = Path(__file__).with_suffix(".typ")
ROWS_MAX: Final = 1_000
"""Of all tables of a paper: 25 pages, a third of a second on one core."""


class PaperColumn(msgspec.Struct, frozen=True):
    """A column: its head; whether it holds sums, which stand at the right; whether it takes the width that is left."""

    name: str
    sum: bool = False
    wide: bool = False


class PaperTable(msgspec.Struct, frozen=True):
    """A table: every row, and the `total` where there is one, has as many cells as there are columns."""

    columns: Sequence[PaperColumn]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] = ()
    caption: str = ""


class Attachment(msgspec.Struct, frozen=True):
    """A file inside the PDF, which readers can save: its name, its text and what it is."""

    name: str
    text: str
    mime: str


class Paper(msgspec.Struct, frozen=True):
    """What stands on a paper, in the reader's words and formats. `seller` is who gives it, `identity` who that is by
    law; `amount` stands large under the title; `heads` are names with their values; `language` and `region` are codes
    like "nl" and "NL", for who has it read aloud; a region without two letters ("", "150") is left out."""

    title: str
    number: str
    seller: str
    language: str
    region: str
    heads: Sequence[tuple[str, str]]
    tables: Sequence[PaperTable] = ()
    notes: Sequence[str] = ()
    amount: str = ""
    identity: str = ""
    attached: Attachment | None = None


def as_pdf(paper: Paper, at: datetime) -> bytes:
    """The paper as PDF, dated `at`. A name in letters that our fonts lack takes this machine's, and is then tagged but
    not archival. Refuses `no_paper` where it cannot be made, as with more than `ROWS_MAX` rows."""
    if sum(len(table.rows) for table in paper.tables) > ROWS_MAX:
        raise Refused("no_paper", f"a paper has at most {ROWS_MAX} rows")
    try:
        # Only who asks for a paper pays for loading it: 84 MB of program.
        import typst
    except ImportError as error:
        raise Refused("no_paper", f"typst cannot be loaded: {error}") from error
    inputs = {"data": msgspec.json.encode(paper).decode()}
    for archival in (True, False):
        try:
            made = typst.compile(
                str(LAYOUT),
                sys_inputs=inputs,
                pdf_standards=["a-2a" if paper.attached is None else "a-3a", "ua-1"] if archival else [],
                ignore_system_fonts=archival,
                timestamp=at.astimezone(UTC).replace(microsecond=0),
            )
        except (typst.TypstError, OSError, ValueError) as error:
            why = error
        else:
            assert isinstance(made, bytes), "one file, not a list of pictures"
            return made
    raise Refused("no_paper", f"typst made no PDF: {why}")
