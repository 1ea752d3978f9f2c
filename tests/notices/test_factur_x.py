"""What a bookkeeper's program reads of an invoice, out of its PDF, by the library's own reading and schema."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree

import facturx
import pytest
from msgspec.structs import replace
from tests.notices.invoice_papers import BRITISH, BUYER, CREDIT, DUTCH, MANY, SELLER, SLIP, SWISS, opened, pdf

from arrears.core.invoice_document import InvoiceContent
from arrears.core.invoice_lines import InvoiceLine, TaxLine
from arrears.notices.factur_x import FILE, wanted

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
LESS = replace(
    DUTCH,
    total_minor=10_890,
    lines=(InvoiceLine("Cloud", 10_000, "21"), InvoiceLine("Korting", -1000, "21")),
    tax_lines=(TaxLine("21", 9000, 1890),),
)
ABROAD = replace(
    DUTCH,
    total_minor=10_000,
    lines=(InvoiceLine("Cloud", 10_000, "0", "AE"),),
    tax_lines=(TaxLine("0", 10_000, 0, "AE", "Btw verlegd"),),
)


def inside(content: InvoiceContent) -> bytes:
    found = opened(pdf(content))  # What is read of it goes with it.
    return bytes(found.attachments[FILE].get_file().read_bytes())


def sums(xml: bytes) -> dict[str, Decimal]:
    [found] = ElementTree.fromstring(xml).iter(f"{RAM}SpecifiedTradeSettlementHeaderMonetarySummation")
    return {one.tag.removeprefix(RAM): Decimal(one.text or "") for one in found}


@pytest.mark.parametrize("content", [DUTCH, CREDIT, MANY, BRITISH, LESS, ABROAD], ids=lambda one: one.number)
def test_it_is_valid_by_the_schema_and_found_by_another_program(content: InvoiceContent) -> None:
    made = pdf(content)
    name, xml = facturx.get_facturx_xml_from_pdf(made, check_xsd=True, check_schematron=False)
    assert name == FILE
    assert b"<ram:ID>urn:cen.eu:en16931:2017</ram:ID>" in xml
    assert sums(xml)["GrandTotalAmount"] == Decimal(content.total_minor) / 100
    assert sums(xml)["DuePayableAmount"] == Decimal(content.open_minor) / 100
    found = opened(made)
    assert str(found.Root.AF[0].AFRelationship) == "/Alternative"
    with found.open_metadata() as said:
        assert said["{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}ConformanceLevel"] == "EN 16931"
        assert said.pdfa_status == "3A"


def test_it_says_what_the_page_says() -> None:
    root = ElementTree.fromstring(inside(DUTCH))

    def texts(tag: str) -> list[str | None]:
        return [one.text for one in root.iter(RAM + tag)]

    assert texts("PaymentReference") == [DUTCH.reference]
    assert texts("IBANID") == ["NL91ABNA0417164300"]
    assert texts("LineTotalAmount") == ["100.00", "20.00", "120.00"]
    assert texts("RateApplicablePercent") == ["21", "9", "21", "9"]
    assert texts("CalculatedAmount") == ["21.00", "1.80"]


def test_a_discount_is_a_quantity_below_zero() -> None:
    root = ElementTree.fromstring(inside(LESS))
    assert [one.text for one in root.iter(f"{RAM}BilledQuantity")] == ["1", "-1"]
    assert [one.text for one in root.iter(f"{RAM}ChargeAmount")] == ["100", "10"]


def test_there_is_one_where_the_operator_is_in_europe_and_the_tax_is_known() -> None:
    assert [wanted(one) for one in (DUTCH, CREDIT, SWISS, SLIP, replace(DUTCH, tax_lines=()))] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert not wanted(replace(DUTCH, seller=replace(SELLER, tax_number="")))
    assert not wanted(replace(DUTCH, buyer=replace(BUYER, country="ZZ")))
    assert not wanted(replace(ABROAD, buyer=replace(BUYER, tax_number=""))), "who owes the tax must be named"
    found = opened(pdf(SWISS))
    assert FILE not in found.attachments
