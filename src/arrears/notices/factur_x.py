"""The invoice as a program reads it, inside its PDF: Factur-X of the profile EN 16931 (ZUGFeRD is the same).

The library writes the XML of the terms of EN 16931 (`BT-1` is the invoice's number), and checks it against the schema.
"""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any, Final

from arrears.core.bank.invoicing import EUROPE
from arrears.core.errors import Refused
from arrears.core.invoice_document import DocumentKind, InvoiceContent
from arrears.core.invoice_lines import InvoiceLine, TaxLine
from arrears.core.money import exponent
from arrears.notices.pay_codes import one_line

FILE: Final = "factur-x.xml"
_SAID: Final = """<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#">
<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>
<fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>
"""
_SCHEMA: Final = """<rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>{}</rdf:Seq></pdfaSchema:property>
</rdf:li>"""
"""One more among the schemas that typst names: PDF/A wants every property explained that it does not know."""
_SCHEMAS_END: Final = "</rdf:Bag></pdfaExtension:schemas>"
_END: Final = "</rdf:RDF>"
_PROPERTY: Final = """<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{}</pdfaProperty:name>
<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>
<pdfaProperty:description>{}</pdfaProperty:description></rdf:li>"""
_PROPERTIES: Final = {
    "DocumentFileName": "name of the embedded XML invoice file",
    "DocumentType": "INVOICE",
    "Version": "version of the Factur-X XML schema",
    "ConformanceLevel": "conformance level of the embedded XML invoice data",
}


def wanted(content: InvoiceContent) -> bool:
    """Whether there is one of this document: an invoice or a credit note of a seller in the European Economic Area,
    with its tax, to a buyer whose country is known. Tax that the buyer owes needs the buyer's number."""
    seller, buyer = content.seller, content.buyer
    if content.kind is DocumentKind.PAYMENT_SLIP or not content.tax_lines or not content.lines:
        return False
    owed_there = any(tax.code in ("AE", "K") for tax in content.tax_lines)
    known = seller.country in EUROPE and _is_vat(seller.tax_number) and buyer.country not in ("", "ZZ")
    return known and (not owed_there or _is_vat(buyer.tax_number))


def _is_vat(number: str) -> bool:
    return number[:2].isalpha() and number[:2].isupper() and number.isascii()


def as_xml(content: InvoiceContent) -> bytes:
    """The XML. Refuses `no_document` where the schema refuses it."""
    # The library logs what it does, and asks nobody: the rules beyond the schema need a server of their own.
    from facturx import generate_cii_xml

    try:
        made = generate_cii_xml(terms(content), level="en16931", check_xsd=True, check_schematron=False)
    except Exception as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Refused("no_document", f"no Factur-X of {content.number!r} could be made: {why}") from error
    return bytes(made)


def terms(content: InvoiceContent) -> dict[str, Any]:
    """What the document says, by the terms of EN 16931."""
    money = _Money(content.currency)
    return {
        "BT-1": content.number,
        "BT-2": content.issued_on,
        "BT-3": "381" if content.kind is DocumentKind.CREDIT_NOTE else "380",
        "BT-5": content.currency,
        "BT-9": content.due_on,
        **_parties(content),
        **_payment(content),
        "BG-3": [{"BT-25": content.of_number}] if content.of_number else [],
        "BG-23": [_tax(tax, money) for tax in content.tax_lines],
        "BG-25": [_line(place, line, money) for place, line in enumerate(content.lines, 1)],
        "BT-106": money(content.net_minor),
        "BT-109": money(content.net_minor),
        "BT-110": money(content.total_minor - content.net_minor),
        "BT-110-1": content.currency,
        "BT-112": money(content.total_minor),
        "BT-113": money(content.paid_minor),
        "BT-115": money(content.open_minor),
        **_delivery(content),
    }


class _Money:
    """Minor units as a decimal of this currency."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self._digits = exponent(currency)

    def __call__(self, minor: int) -> str:
        return f"{Decimal(minor).scaleb(-self._digits):f}"


def _parties(content: InvoiceContent) -> dict[str, Any]:
    seller, buyer = content.seller, content.buyer
    lines = [one_line(line) for line in buyer.address[:2]] + [", ".join(map(one_line, buyer.address[2:]))]
    return {
        "BG-4": {
            "name": one_line(seller.name),
            "vat_identifier": seller.tax_number,
            "addr_l1": one_line(seller.street),
            "city": one_line(seller.city),
            "postcode": one_line(seller.postcode),
            "country_code": seller.country,
            **({"einvoicing_addr": seller.email, "einvoicing_addr_schemeid": "EM"} if seller.email else {}),
        },
        "BG-7": {
            "name": one_line(buyer.name),
            "identifiers": {None: one_line(buyer.ref)},
            "vat_identifier": buyer.tax_number if _is_vat(buyer.tax_number) else "",
            **{f"addr_l{place}": line for place, line in enumerate(lines, 1) if line},
            "country_code": buyer.country,
        },
    }


def _payment(content: InvoiceContent) -> dict[str, Any]:
    to = content.pay_to
    if to is None or not content.open_minor:
        return {}
    return {
        "BT-81": "58" if to.iban and content.currency == "EUR" else "30",
        "BT-83": content.reference,
        "BT-84": to.iban or to.account_number,
        "BT-85": one_line(to.beneficiary),
        **({"BT-86": to.bic} if to.bic else {}),
    }


def _delivery(content: InvoiceContent) -> dict[str, Any]:
    """To which country it goes; goods and services within the Union say when too."""
    within = any(tax.code == "K" for tax in content.tax_lines)
    to = {"BG-13": {"name": one_line(content.buyer.name), "country_code": content.buyer.country}}
    return {**to, "BT-72": content.issued_on} if within else to


def _tax(tax: TaxLine, money: _Money) -> dict[str, str]:
    exempt = {"BT-120": tax.reason or _REASONS[tax.code]} if tax.code in _REASONS else {}
    return {
        "BT-116": money(tax.net_minor),
        "BT-116-1": money.currency,
        "BT-117": money(tax.tax_minor),
        "BT-117-1": money.currency,
        "BT-118": tax.code,
        "BT-119": tax.rate,
        **exempt,
    }


_REASONS: Final = {
    "E": "Exempt from VAT",
    "AE": "Reverse charge",
    "K": "Intra-Community supply",
    "G": "Export outside the EU",
    "O": "Not subject to VAT",
}


def _line(place: int, line: InvoiceLine, money: _Money) -> dict[str, str]:
    """A price is never below zero in EN 16931: of a discount the quantity is."""
    quantity = abs(Decimal(line.quantity or 1)) or Decimal(1)
    price = abs(Decimal(money(line.net_minor))) / quantity
    return {
        "BT-126": str(place),
        "BT-153": one_line(line.text),
        "BT-129": f"{-quantity if line.net_minor < 0 else quantity:f}",
        "BT-130": "C62",
        "BT-146": f"{price.quantize(Decimal('0.0001')).normalize():f}",
        "BT-131": money(line.net_minor),
        "BT-151": TaxLine(line.tax_rate or "0", 0, 0, line.tax_category).code,
        "BT-152": line.tax_rate or "0",
    }


def said_in(pdf: bytes) -> bytes:
    """The PDF with the word in its metadata that it carries a Factur-X; everything else of it stays."""
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import DecodedStreamObject, NameObject, StreamObject

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    root = writer._root_object
    metadata = root["/Metadata"].get_object()
    assert isinstance(metadata, StreamObject), "typst writes it as a stream"
    was = metadata.get_data().decode()
    assert was.count(_SCHEMAS_END) == was.count(_END) == 1, "typst names its own schemas"
    properties = "".join(_PROPERTY.format(name, what) for name, what in _PROPERTIES.items())
    said = was.replace(_SCHEMAS_END, _SCHEMA.format(properties) + _SCHEMAS_END).replace(_END, _SAID + _END)
    stream = DecodedStreamObject()
    stream.set_data(said.encode())
    stream[NameObject("/Type")] = NameObject("/Metadata")
    stream[NameObject("/Subtype")] = NameObject("/XML")
    root[NameObject("/Metadata")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
