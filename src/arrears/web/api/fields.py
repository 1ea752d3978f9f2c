"""The values of what comes in, checked as an import checks a cell: what may be said does not depend on how it came."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from arrears.core.address import check_address
from arrears.core.errors import Refused
from arrears.core.money import CURRENCIES, MINOR_MAX
from arrears.core.row_fields import (
    ADDRESS_LINE_CHARACTERS_MAX,
    ADDRESS_LINES_MAX,
    CHECKS,
    TEXT_CHARACTERS_MAX,
    YEAR_MAX,
    YEAR_MIN,
    address_wrong,
    meant,
    text_wrong,
)
from arrears.web.api.frame import Strict

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _wrong(code: str, what: str) -> PydanticCustomError:
    return PydanticCustomError(code, what.replace("{", "(").replace("}", ")"))


def _line(field: str) -> Callable[[str], str]:
    """A check of one short line of text, as a cell of this field is checked."""
    more = CHECKS.get(field)

    def checked(text: str) -> str:
        if text != text.strip():
            raise _wrong(f"bad_{field}", "has blanks around it")
        reason = text_wrong(text) or (more(text) if more is not None else None)
        if reason is not None:
            raise _wrong(f"bad_{field}", reason)
        return text

    return checked


def _address(text: str) -> str:
    try:
        return check_address(text)
    except Refused as refused:
        raise _wrong(refused.code, refused.message) from None


def _day(value: Any) -> Any:
    if not isinstance(value, str) or _DAY.fullmatch(value) is None:
        raise _wrong("bad_day", "is no day; one looks like 2026-01-31")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise _wrong("bad_day", "is no day of the calendar") from None
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise _wrong("bad_day", f"is before {YEAR_MIN} or after {YEAR_MAX}")
    return day


def _currency(text: str) -> str:
    if text not in CURRENCIES:
        raise _wrong("unknown_currency", "is not a currency; give an ISO 4217 code in capitals, like EUR")
    return text


def _postal(lines: list[str]) -> list[str]:
    text = meant("billing_address", "\n".join(lines))
    if lines and text.split("\n") != lines:
        raise _wrong("bad_billing_address", "has an empty line, or blanks around or beside each other")
    if reason := address_wrong(text):
        raise _wrong("bad_billing_address", reason)
    return lines


def _link(text: str) -> str:
    """An address that a customer's browser may be sent to; empty for none."""
    if not text:
        return text
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or " " in text:
        raise _wrong("bad_url", "is no address of a document; one looks like https://billing.example.org/2026-1.pdf")
    return text


_SHORT: Final = Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)
ShortText = Annotated[str, _SHORT, AfterValidator(_line("text"))]
Ref = Annotated[str, _SHORT, AfterValidator(_line("ref"))]
InvoiceNumber = Annotated[str, _SHORT, AfterValidator(_line("number"))]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$"), AfterValidator(_line("country"))]
Zone = Annotated[str, _SHORT, AfterValidator(_line("zone"))]
LocaleName = Annotated[str, _SHORT, AfterValidator(_line("locale"))]
TaxNumber = Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX), AfterValidator(_line("tax_number"))]
PostalLines = Annotated[
    list[Annotated[str, Field(max_length=ADDRESS_LINE_CHARACTERS_MAX)]],
    Field(max_length=ADDRESS_LINES_MAX),
    AfterValidator(_postal),
]
DocumentUrl = Annotated[str, Field(max_length=1000), AfterValidator(_link)]
Email = Annotated[str, Field(max_length=254), AfterValidator(_address)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Currency = Annotated[str, AfterValidator(_currency), WithJsonSchema({"type": "string", "enum": sorted(CURRENCIES)})]


class Amount(Strict):
    """Money: whole minor units (cents) of its currency."""

    amount_minor: Annotated[int, Field(ge=0, le=MINOR_MAX)]
    currency: Currency
