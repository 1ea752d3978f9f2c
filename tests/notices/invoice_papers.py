"""Invoices to make documents of, and what a reader of PDF finds in one."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pikepdf
import pypdfium2
import zxingcpp
from msgspec.structs import replace

from arrears.core.bank.creditor_reference import reference_for
from arrears.core.bank.invoicing import ReceivingAccount, Seller
from arrears.core.invoice_document import Buyer, DocumentKind, InvoiceContent
from arrears.core.invoice_lines import InvoiceLine, TaxLine
from arrears.notices.invoice_paper import as_pdf
from arrears.settings import read

AT: Final = datetime(2026, 11, 1, 9, tzinfo=UTC)
IDENTITY: Final = "Voorbeeld Hosting B.V., Kalverstraat 1, Amsterdam, KvK 12345678"
SELLER: Final = Seller(
    "Voorbeeld #Hosting B.V.",
    "Kalverstraat 1",
    "1012 NX",
    "Amsterdam",
    "NL",
    "NL001234567B01",
    "KvK 12345678",
    "facturen@voorbeeld.example",
)
BUYER: Final = Buyer(
    'Bakkerij *De* "Vries" $x$', "K-1001", "NL", ("Dorpsplein 3", "1234 AB Ons Dorp"), "NL009876543B01"
)
EURO: Final = ReceivingAccount(
    "EUR", "Voorbeeld Hosting B.V.", iban="NL91ABNA0417164300", bic="ABNANL2A", bank="ABN AMRO"
)
DUTCH: Final = InvoiceContent(
    DocumentKind.INVOICE,
    "F-2026-0042",
    "nl-NL",
    date(2026, 11, 1),
    date(2026, 12, 1),
    "EUR",
    14_280,
    SELLER,
    BUYER,
    (InvoiceLine("Cloud, november", 10_000, "21", quantity="2.5", unit="uur"), InvoiceLine("Handboek", 2000, "9")),
    (TaxLine("21", 10_000, 2100), TaxLine("9", 2000, 180)),
    pay_to=EURO,
    reference=reference_for("F-2026-0042", 1, 1),
)
ENGLISH: Final = replace(DUTCH, locale="en-GB")
SWISS: Final = replace(
    ENGLISH,
    currency="CHF",
    seller=Seller("Beispiel AG", "Bahnhofstrasse 1", "8001", "Zürich", "CH", "CHE-123.456.789 MWST"),
    pay_to=ReceivingAccount("CHF", "Beispiel AG", iban="CH5800791123000889012"),
)
CREDIT: Final = replace(
    DUTCH,
    kind=DocumentKind.CREDIT_NOTE,
    number="F-2026-0042-C1",
    of_number="F-2026-0042",
    total_minor=1210,
    lines=(InvoiceLine("cloud", 1000, "21"),),
    tax_lines=(TaxLine("21", 1000, 210),),
    pay_to=None,
    reference="",
)
SLIP: Final = replace(DUTCH, kind=DocumentKind.PAYMENT_SLIP, lines=(), tax_lines=(), paid_minor=4280)
MANY: Final = replace(
    ENGLISH,
    total_minor=12_100,
    lines=tuple(InvoiceLine(f"Machine {n}", 100, "21") for n in range(100)),
    tax_lines=(TaxLine("21", 10_000, 2100),),
)
CARD: Final = replace(DUTCH, pay_to=None, reference="", by_card=True)
BRITISH: Final = replace(
    ENGLISH,
    currency="GBP",
    pay_to=ReceivingAccount("GBP", "Example Ltd", sort_code="12-34-56", account_number="12345678"),
)
AMERICAN: Final = replace(
    ENGLISH,
    locale="en-US",
    currency="USD",
    pay_to=ReceivingAccount(
        "USD", "Example Inc", routing_number="021000021", account_number="123456789", bic="CHASUS33"
    ),
)
ALL: Final = {
    "dutch": DUTCH, "english": ENGLISH, "swiss": SWISS, "credit note": CREDIT, "slip": SLIP, "many": MANY,
    "card": CARD, "british": BRITISH, "american": AMERICAN,
}  # fmt: skip


def pdf(content: InvoiceContent) -> bytes:
    """Its document."""
    return as_pdf(content, IDENTITY, AT)


def words_on(octets: bytes, page: int = 0) -> str:
    """What stands on a page, with plain spaces."""
    file = pypdfium2.PdfDocument(octets)
    found = file[page].get_textpage().get_text_bounded()
    return " ".join(str(found).split())


def codes_on(octets: bytes, page: int = 0) -> list[str]:
    """What a camera reads off a page at 150 dots per inch."""
    file = pypdfium2.PdfDocument(octets)
    picture = file[page].render(scale=150 / 72).to_pil()
    return [str(code.text) for code in zxingcpp.read_barcodes(picture)]


def opened(octets: bytes) -> Any:
    """The file by another program's reading."""
    return pikepdf.open(io.BytesIO(octets))


def tags_of(node: Any) -> list[str]:
    """The names of the tags, in the order in which they are read aloud."""
    if isinstance(node, pikepdf.Array):
        return [name for one in node for name in tags_of(one)]
    if not isinstance(node, pikepdf.Dictionary):
        return []
    own = [str(node["/S"])] if "/S" in node else []
    return own + (tags_of(node["/K"]) if "/K" in node else [])


def fonts_of(octets: bytes) -> list[set[str]]:
    """What the descriptor of every font of every page has."""
    found: list[set[str]] = []
    file = opened(octets)  # What is read of it goes with it.
    for page in file.pages:
        for font in page.resources.get("/Font", {}).values():
            for one in font.get("/DescendantFonts", [font]):
                found.append(set(one["/FontDescriptor"].keys()))
    return found


def picture(octets: bytes, name: str) -> None:
    """Lays a picture of the first page where pictures of this run go; nothing where none are wanted."""
    folder = read().pictures
    if folder:
        file = pypdfium2.PdfDocument(octets)
        file[0].render(scale=1.2).to_pil().save(Path(folder) / f"{name}.png", optimize=True)
