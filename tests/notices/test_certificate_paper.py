"""The certificate of a deletion as PDF: it says what the signed file says, and carries it (spec, section 8)."""

from __future__ import annotations

import io
import tomllib
from importlib import resources

import pytest
from pypdf import PdfReader
from tests.core.test_certificate import PUBLIC, TEXT
from tests.notices.test_paper import read, structure

from arrears.core.certificate import _OF_DELETION, verified
from arrears.core.errors import Refused
from arrears.notices.certificate_paper import FILE, certificate_pdf
from arrears.notices.invoice_wording import LANGUAGES

IDENTITY = "Operator BV, Kalverstraat 1, Amsterdam"


def attached(pdf: bytes) -> bytes:
    [content] = PdfReader(io.BytesIO(pdf)).attachments[FILE]
    return content


@pytest.mark.parametrize(
    ("locale", "language", "title"), [("en", "en-GB", "Certificate of deletion"), ("nl", "nl", "Bewijs")]
)
def test_it_says_what_the_signed_file_says_in_the_readers_language(locale: str, language: str, title: str) -> None:
    found = read(certificate_pdf(TEXT, locale, IDENTITY))
    says = verified(TEXT.encode(), PUBLIC)
    assert title in found.text
    assert (found.root["/Lang"], found.root["/MarkInfo"]["/Marked"]) == (language, True)
    tags = structure(found.root["/StructTreeRoot"])
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/P"} <= set(tags)
    solid = "".join(found.text.split())
    for said in (says["decision"], PUBLIC, "sub_1_1", "BäckereiA1", "12files", "staff:anna,staff:ben", IDENTITY):
        assert "".join(said.split()) in solid, said
    assert all(fact["sha256"][:16] in solid for fact in says["facts"])


def test_the_file_in_it_is_the_certificate_and_is_checked_with_the_public_key_alone() -> None:
    pdf = certificate_pdf(TEXT, "nl", IDENTITY)
    assert attached(pdf) == TEXT.encode()
    assert verified(attached(pdf), PUBLIC)["subscription"] == "sub_1_1"
    with pytest.raises(Refused):
        verified(attached(pdf).replace(b'"files":12', b'"files":13'), PUBLIC)


def test_the_same_certificate_is_the_same_file() -> None:
    assert certificate_pdf(TEXT, "en", IDENTITY) == certificate_pdf(TEXT, "en", IDENTITY)


def test_each_language_has_each_word_and_each_kind_of_fact() -> None:
    folder = resources.files("arrears.notices") / "certificate_words"
    words = [tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8")) for language in LANGUAGES]
    assert all(found.keys() == words[0].keys() for found in words)
    kinds = {kind.__struct_config__.tag for kind in _OF_DELETION}
    assert kinds <= words[0].keys()
