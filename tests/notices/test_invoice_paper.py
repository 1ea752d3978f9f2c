"""The document of an invoice, as a person, a bank's app, an archive and a screen reader get it."""

from __future__ import annotations

import hashlib

import pypdfium2
import pytest
from msgspec.structs import replace
from tests.notices.invoice_papers import (
    ALL,
    AMERICAN,
    BRITISH,
    CARD,
    CREDIT,
    DUTCH,
    ENGLISH,
    EURO,
    MANY,
    SELLER,
    SLIP,
    SWISS,
    codes_on,
    fonts_of,
    opened,
    pdf,
    picture,
    tags_of,
    words_on,
)

from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.errors import Refused
from arrears.core.invoice_document import DocumentKind
from arrears.core.invoice_lines import InvoiceLine, TaxLine
from arrears.notices import invoice_wording as words
from arrears.notices.pay_codes import EPC_BYTES_MAX, epc_payload, swiss_payload


@pytest.mark.parametrize("name", ALL)
def test_it_is_for_archives_and_for_readers_without_eyes_at_once(name: str) -> None:
    made = pdf(ALL[name])
    found = opened(made)
    with found.open_metadata() as said:
        assert (said.pdfa_status, said["pdfuaid:part"]) == ("3A", "1")
        assert said["dc:title"] == found.docinfo["/Title"]
    assert found.Root.OutputIntents[0].S == "/GTS_PDFA1"
    assert "/DestOutputProfile" in found.Root.OutputIntents[0]
    fonts = fonts_of(made)
    assert fonts
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & font for font in fonts)
    language = {"nl": "nl-NL", "en": "en-US" if name == "american" else "en-GB"}[ALL[name].locale[:2]]
    assert str(found.Root.Lang) == language
    assert bool(found.Root.MarkInfo.Marked)
    tags = tags_of(found.Root.StructTreeRoot)
    assert tags.count("/H1") == 1
    assert tags.count("/TH") == (0 if name == "slip" else tags.count("/TR") and len(header_of(name)))


def header_of(name: str) -> list[str]:
    counted = any(line.quantity for line in ALL[name].lines)
    return ["description", *(["quantity"] if counted else []), "rate", "sum"]


def test_a_dutch_invoice_says_all_of_it_in_dutch() -> None:
    made = pdf(DUTCH)
    said = words_on(made)
    picture(made, "invoice-nl")
    for part in (
        "Factuur F-2026-0042", "Voorbeeld #Hosting B.V.", 'Bakkerij *De* "Vries" $x$', "Dorpsplein 3", "Nederland",
        "Btw-nummer NL001234567B01", "Uw btw-nummer NL009876543B01", "Cloud, november 2,5 uur 21% € 100,00",
        "Btw 21% over € 100,00 € 21,00", "Btw 9% over € 20,00 € 1,80", "Totaal € 142,80",
        "Aan Voorbeeld Hosting B.V.", "IBAN NL91 ABNA 0417 1643 00", "BIC ABNANL2A", "Bank ABN AMRO",
        "Bedrag € 142,80", "Uiterlijk op 1 december 2026", "Betalingskenmerk RF69 F202 6004 2", "1 / 1",
    ):  # fmt: skip
        assert part in said, part


def test_an_english_one_in_english() -> None:
    made = pdf(ENGLISH)
    picture(made, "invoice-en")
    said = words_on(made)
    for part in (
        "Invoice F-2026-0042",
        "VAT 21% on €100.00 €21.00",
        "Please transfer",
        "No later than 1 December 2026",
    ):
        assert part in said, part


def test_the_code_at_its_foot_is_the_invoice() -> None:
    assert codes_on(pdf(DUTCH)) == [
        "BCD\n002\n1\nSCT\nABNANL2A\nVoorbeeld Hosting B.V.\nNL91ABNA0417164300\nEUR142.80\n\nRF69F20260042"
    ]


def test_a_code_is_of_what_is_open_and_none_where_it_could_not_say_it() -> None:
    assert codes_on(pdf(SLIP))[0].splitlines()[7] == "EUR100.00"
    long = replace(DUTCH, pay_to=replace(EURO, beneficiary="Ж" * 80), reference=creditor_reference("X" * 21))
    assert len(epc_payload(long).encode()) <= EPC_BYTES_MAX
    assert epc_payload(long).splitlines()[5] == "Ж" * 70
    for other in (BRITISH, CARD, CREDIT, replace(DUTCH, paid_minor=14_280), replace(DUTCH, total_minor=10**11 + 4280)):
        assert epc_payload(other) == ""


def test_a_swiss_account_has_the_payment_part_of_a_qr_bill_in_the_place_of_the_foot() -> None:
    made = pdf(SWISS)
    picture(made, "invoice-swiss")
    [code] = codes_on(made)
    assert code == swiss_payload(SWISS)
    lines = code.split("\n")
    assert len(lines) == 31
    assert lines[:11] == [
        *(
            "SPC",
            "0200",
            "1",
            "CH5800791123000889012",
            "S",
            "Beispiel AG",
            "Bahnhofstrasse 1",
            "",
            "8001",
            "Zürich",
            "CH",
        )
    ]
    assert lines[18:20] == ["142.80", "CHF"]
    assert lines[27:] == ["SCOR", "RF69F20260042", "F-2026-0042", "EPD"]
    said = words_on(made)
    for part in ("Receipt", "Payment part", "Account / Payable to", "CH58 0079 1123 0008 8901 2", "Payable by"):
        assert part in said, part


def test_where_to_pay_is_at_the_foot_of_page_one_however_many_pages_there_are() -> None:
    made = pdf(MANY)
    assert len(pypdfium2.PdfDocument(made)) == 3
    assert "IBAN NL91 ABNA 0417 1643 00" in words_on(made, 0)
    assert codes_on(made, 0)
    for page in (1, 2):
        assert "IBAN" not in words_on(made, page)
        assert "Description VAT Amount" in words_on(made, page)
    assert "Total €121.00" in words_on(made, 2)


def test_britain_pays_by_sort_code_and_america_by_routing_number() -> None:
    british, american = words_on(pdf(BRITISH)), words_on(pdf(AMERICAN))
    assert "Sort code 12-34-56 Account number 12345678" in british
    assert "Reference RF69 F202 6004 2" in british
    assert "Routing number (ACH) 021000021" in american
    assert codes_on(pdf(BRITISH)) == []
    long = replace(BRITISH, number="FACTUUR-2026-00042", reference=creditor_reference("FACTUUR202600042"))
    assert "Reference FACTUUR-2026-00042" in words_on(pdf(long)), "a British transfer has room for 18 characters"


def test_what_a_card_pays_what_is_paid_and_what_is_credited_asks_for_no_transfer() -> None:
    for content, said in (
        (CARD, "deze factuur wordt afgeschreven van uw betaalmiddel"),
        (replace(DUTCH, paid_minor=14_280), "deze factuur is betaald"),
        (CREDIT, "Deze creditfactuur verlaagt factuur F-2026-0042. U hoeft niets te betalen."),
    ):
        made = pdf(content)
        assert said in words_on(made)
        assert "IBAN" not in words_on(made)
        assert codes_on(made) == []
    assert "Totaal gecrediteerd € 12,10" in words_on(pdf(CREDIT))


def test_a_payment_slip_claims_to_be_no_invoice() -> None:
    said = words_on(pdf(SLIP))
    assert "Betaalgegevens F-2026-0042 Dit is geen factuur." in said
    assert "Te betalen € 100,00" in said


def test_why_there_is_no_tax_is_said() -> None:
    abroad = replace(
        ENGLISH,
        total_minor=10_000,
        lines=(InvoiceLine("Cloud", 10_000, "0", "AE"),),
        tax_lines=(TaxLine("0", 10_000, 0, "AE", "VAT reverse charge, Article 196"),),
    )
    assert "VAT reverse charge, Article 196" in words_on(pdf(abroad))


def test_the_same_document_at_the_same_instant_is_the_same_bytes() -> None:
    assert {hashlib.sha256(pdf(DUTCH)).digest() for _ in range(2)} == {hashlib.sha256(pdf(DUTCH)).digest()}


def test_every_language_has_the_same_words_and_an_unknown_one_is_english() -> None:
    keys = {language: set(words._texts(language, "invoice_words")) for language in words.LANGUAGES}
    assert set(map(frozenset, keys.values())) == {frozenset(keys["en"])}
    assert {kind.value for kind in DocumentKind} <= keys["en"]
    assert words.words_for("fr-FR")("invoice") == "Invoice"
    assert words.words_for("nl")("invoice") == "Factuur"


def test_letters_that_our_fonts_lack_are_refused_in_one_line_where_nobody_has_them() -> None:
    """Nothing is made that an archive could not show: a machine with a font for them makes it."""
    try:
        made = pdf(replace(DUTCH, seller=replace(SELLER, name="\U00012000 Ltd")))
    except Refused as refused:
        made, said = b"", refused.message
    else:
        said = ""
    assert bool(made) != said.startswith("no document of 'F-2026-0042' could be made: ")
    assert "\n" not in said
