"""A paper as PDF: read back by another program, as a reader with or without eyes gets it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from pypdf import PdfReader

from arrears.core.errors import Refused
from arrears.notices.paper import ROWS_MAX, Paper, PaperColumn, PaperTable, as_pdf

AT = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
TABLE = PaperTable(
    (PaperColumn("Factuur", wide=True), PaperColumn("Bedrag", sum=True)),
    (("2026-1", "€\u00a0120,00"),),
    ("Totaal", "€\u00a0120,00"),
)
PAPER = Paper(
    title="Betalingsbewijs",
    number="acc_1-7",
    seller="Voorbeeld #hosting BV",
    language="nl",
    region="NL",
    identity="Voorbeeld BV, Kalverstraat 1, Amsterdam, KvK 12345678",
    amount="€\u00a0120,00",
    heads=[("Voor het account", 'Bäckerij *De* "Vries" $x$ @a <b> \\ #sys.inputs')],
    tables=(TABLE,),
)


@dataclass
class Read:
    """What a reader of PDF finds."""

    text: str
    pages: int
    root: Any
    metadata: Any


def read(octets: bytes) -> Read:
    found = PdfReader(io.BytesIO(octets))
    text = "\n".join(page.extract_text() for page in found.pages).replace("\u00a0", " ")
    return Read(text, len(found.pages), found.trailer["/Root"], found.metadata)


def structure(node: Any) -> list[str]:
    """The names of the tags, in the order in which they are read aloud."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [name for one in node for name in structure(one)]
    if not hasattr(node, "get"):
        return []
    return [*([str(node["/S"])] if "/S" in node else []), *structure(node.get("/K", []))]


def test_it_says_its_words_as_they_are_in_its_language_with_headings_and_heads_of_columns() -> None:
    found = read(as_pdf(PAPER, AT))
    for words in ("Betalingsbewijs", "€ 120,00", 'Bäckerij *De* "Vries" $x$ @a <b> \\ #sys.inputs', "KvK 12345678"):
        assert words in found.text
    assert found.root["/Lang"] == "nl-NL"
    assert found.root["/MarkInfo"]["/Marked"]
    assert found.metadata["/Title"] == "Betalingsbewijs acc_1-7"
    tags = structure(found.root["/StructTreeRoot"])
    assert [tags.count(tag) for tag in ("/H1", "/Table", "/TH")] == [1, 1, 2]


@pytest.mark.parametrize(("region", "language"), [("", "nl"), ("150", "nl"), ("BE", "nl-BE")])
def test_a_reader_without_a_country_gets_the_language_alone(region: str, language: str) -> None:
    assert read(as_pdf(replace(PAPER, region=region), AT)).root["/Lang"] == language


def test_the_same_paper_at_the_same_instant_is_the_same_bytes() -> None:
    assert as_pdf(PAPER, AT) == as_pdf(PAPER, AT)


def test_it_claims_the_standards_for_archives_and_for_readers_without_eyes() -> None:
    metadata = read(as_pdf(PAPER, AT)).root["/Metadata"].get_data().decode()
    for claim in ("<pdfaid:part>2</pdfaid:part>", "<pdfaid:conformance>A<", "<pdfuaid:part>1</pdfuaid:part>"):
        assert claim in metadata


def test_letters_that_our_fonts_lack_make_a_paper_all_the_same() -> None:
    found = read(as_pdf(replace(PAPER, seller="北京 🎉"), AT))
    assert "Betalingsbewijs" in found.text
    assert found.root["/MarkInfo"]["/Marked"]


def test_what_has_more_rows_than_a_paper_takes_is_refused() -> None:
    rows = [("2026-1", "€ 1,00")] * (ROWS_MAX + 1)
    with pytest.raises(Refused, match="at most 1000 rows"):
        as_pdf(replace(PAPER, tables=(replace(TABLE, rows=rows),)), AT)
