"""SWIFT MT940 statements, and MT942 as early notices, in the forms that banks give them.

What a message is made of is the same everywhere: tags, one entry a `:61:`, and what is said of it in `:86:`. How that
is written differs by bank, and is in `remittance.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Final, NamedTuple

from msgspec.structs import replace

from arrears.adapters.books.statements.amounts import RETIRED, minor_units, near_day, short_day
from arrears.adapters.books.statements.remittance import Remittance, read_remittance
from arrears.core.bank.references import folded, is_iban
from arrears.core.bank.statements import (
    NO_REFERENCE,
    Balance,
    BankEntry,
    BankFile,
    BankStatement,
    BankTransaction,
    StatementKind,
)
from arrears.core.errors import Refused, quoted
from arrears.core.money import CURRENCIES, format_amount

_TAG: Final = re.compile(r":([0-9]{2}[A-Z]?|NS):(.*)", re.DOTALL)
_BLOCKS: Final = re.compile(r"(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})*\{4:(.*)", re.DOTALL)
_WITHIN: Final = re.compile(r"\s*:(?:61|62[FM]|64|65|86):")
_END: Final = re.compile(r"-(?:\}.*|X{3}\s*|\s*)")
_BALANCE: Final = re.compile(r"([CD])\s*([0-9]{6})\s*([A-Z]{3})\s*([0-9]+(?:[.,][0-9]*)?)\s*", re.ASCII)
_LINE: Final = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4}|[ ]{4})?"
    r"(?P<mark>R[CD]|E[CD]|[CD])(?P<funds>[A-Z])?\s*"
    r"(?P<amount>[0-9]+(?:[.,][0-9]*)?)"
    r"(?P<type>[A-Z][A-Z0-9 ]{3})?"
    r"(?P<reference>.*?)(?://(?P<bank>.*))?",
    re.ASCII,
)
_SUM: Final = re.compile(r"([0-9]{0,6})([A-Z]{3})([0-9]+(?:[.,][0-9]*)?)\s*", re.ASCII)
_FLOOR: Final = re.compile(r"([A-Z]{3})[CD]?[0-9].*", re.ASCII)
_ACCOUNT_CURRENCY: Final = re.compile(r"(.*?[0-9])\s*([A-Z]{3})?", re.DOTALL)
_NUMBERS: Final = re.compile(r"([0-9]+)(?:/([0-9]+))?.*", re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SAID_SUM: Final = re.compile(r"/*([A-Z]{3})?\s*([0-9]{1,15}(?:[.,][0-9]{0,3})?)(?![0-9]).*", re.ASCII | re.DOTALL)
_KEYWORDS: Final = frozenset({"EREF", "MARF", "PREF", "KREF", "TRF", *NO_REFERENCE})
"""Words in place of a reference: the reference itself stands in `:86:`."""
_SIGNS: Final = {"C": 1, "D": -1, "EC": 1, "ED": -1, "RD": 1, "RC": -1}
"""RC takes a credit back, and RD a debit."""
_RETURN_TYPES: Final = frozenset({"NRTI", "FRTI", "SRTI", "NRET", "NRTN"})


class Field(NamedTuple):
    """One tag with its lines, and the line of the file where it begins."""

    tag: str
    lines: list[str]
    at: int

    @property
    def where(self) -> str:
        """How a refusal begins that is about it."""
        return f"line {self.at} (:{self.tag}:)"


def looks_like_mt940(text: str) -> bool:
    """Whether a text has what a statement has: an account, a balance, or an entry."""
    return re.search(r"(?m)^(?:\{.*\{4:)?\s*:(?:25P?|60[FM]|61|62[FM]|34F):", text[:200_000]) is not None


def read_mt940(text: str) -> BankFile:
    """The statements of an MT940 or MT942 file, or of several in one, whose lines end in a line feed. Refuses
    `not_mt940`, `bad_statement_amount`; a statement of which a line is not understood says so itself (`wrong`)."""
    statements = [_statement(fields) for fields in _messages(text)]
    if not statements:
        raise Refused("not_mt940", "it has no statement in it: none of its lines begins with :20: or :25:")
    return BankFile(tuple(statements))


def _messages(text: str) -> Iterator[list[Field]]:
    """The fields of each message. A message begins with :20:, or with :25: where that is left out."""
    fields: list[Field] = []
    for field in _fields(text):
        if field.tag == "" or field.tag == "20" or (field.tag == "25" and any(f.tag != "20" for f in fields)):
            if any(f.tag in ("25", "60F", "60M", "61", "62F", "62M") for f in fields):
                yield fields
            fields = []
        if field.tag:
            fields.append(field)
    if any(f.tag in ("25", "60F", "60M", "61", "62F", "62M") for f in fields):
        yield fields


def _fields(text: str) -> Iterator[Field]:
    """Every tag with the lines that belong to it; an empty tag where a message ends. Lines outside of a message, such
    as the addresses that some banks put in front, are nothing. A dash alone ends none that goes on."""
    current: Field | None = None
    lines = text.split("\n")
    for at, raw in enumerate(lines, 1):
        line = _CONTROL.sub("", raw)
        block = _BLOCKS.fullmatch(line.strip())
        line = block[1] if block is not None else line
        found = _TAG.fullmatch(line.lstrip("\ufeff "))
        if found is not None:
            if current is not None:
                yield current
            current = Field(found[1], [found[2]], at)
        elif _END.fullmatch(line) is not None and not _goes_on(lines, at):
            if current is not None:
                yield current
                current = None
            yield Field("", [], at)
        elif current is not None:
            current.lines.append(line)
    if current is not None:
        yield current


def _goes_on(lines: Sequence[str], at: int) -> bool:
    """Whether the next line that says something is one that stands within a message."""
    following = next((line for line in islice(lines, at, None) if line.strip()), "")
    return _WITHIN.match(following) is not None


def _statement(fields: Sequence[Field]) -> BankStatement:
    first = {field.tag: field for field in reversed(fields)}
    account, currency = _account(first)
    wrong = ""
    opening = closing = None
    entries: list[BankEntry] = []
    try:
        opening, closing = _first_balance(first, "60F", "60M"), _last_balance(fields, "62F", "62M")
    except Refused as refused:
        wrong = refused.message
    currency = next(
        (one.currency for one in (opening, closing) if one is not None), _floor_currency(fields) or currency
    )
    if currency in CURRENCIES or currency in RETIRED:
        try:
            entries = [*_entries(fields, currency, account)]
            wrong = wrong or _wrong_sums(fields, entries, currency)
        except Refused as refused:
            if refused.code == "bad_statement_amount":
                raise
            wrong = refused.message
    if currency not in CURRENCIES:
        none = f"{quoted(currency)} is no currency in which anything is asked" if currency else _NO_CURRENCY
        wrong = wrong or none
    early = opening is None and closing is None and bool({"34F", "13D", "13", "90C", "90D"} & first.keys())
    number, page = _numbers(first)
    return BankStatement(
        format="mt942" if early else "mt940",
        kind=StatementKind.EARLY if early else StatementKind.STATEMENT,
        account=account,
        currency=currency,
        opening=opening,
        closing=closing,
        entries=tuple(entries),
        id=_text_of(first, "20"),
        number=number,
        page=page,
        continues="60M" in first,
        wrong=wrong,
    )


_NO_CURRENCY: Final = "it does not say its currency"


def _text_of(first: dict[str, Field], tag: str) -> str:
    return " ".join(" ".join(first[tag].lines).split()) if tag in first else ""


def _account(first: dict[str, Field]) -> tuple[str, str]:
    """The account as an IBAN, or as the bank writes it, and the currency that stands behind some."""
    said = "".join(_text_of(first, "25") or _text_of(first, "25P")).strip()
    found = _ACCOUNT_CURRENCY.fullmatch(said)
    bare, currency = (found[1], found[2] or "") if found is not None else (said, "")
    for one in (bare, bare.rpartition("/")[2], bare.partition("/")[0]):
        if is_iban(one):
            return folded(one), currency
    return bare if currency in CURRENCIES else said, currency if currency in CURRENCIES else ""


def _numbers(first: dict[str, Field]) -> tuple[int, int]:
    found = _NUMBERS.fullmatch(_text_of(first, "28C") or _text_of(first, "28"))
    if found is None or len(found[1]) > 18 or len(found[2] or "") > 9:
        return 0, 0
    return int(found[1]), int(found[2] or 0)


def _balance(field: Field) -> Balance:
    found = _BALANCE.fullmatch(" ".join(field.lines).strip())
    if found is None:
        raise Refused("bad_statement_line", f"{field.where}: {quoted(field.lines[0])} is no balance")
    minor = minor_units(found[4], found[3], field.where)
    return Balance(minor if found[1] == "C" else -minor, found[3], short_day(found[2]))


def _first_balance(first: dict[str, Field], *tags: str) -> Balance | None:
    return next((_balance(first[tag]) for tag in tags if tag in first), None)


def _last_balance(fields: Sequence[Field], *tags: str) -> Balance | None:
    return next((_balance(field) for field in reversed(fields) if field.tag in tags), None)


def _floor_currency(fields: Sequence[Field]) -> str:
    for field in fields:
        said = field.lines[0].strip()
        found = (
            _FLOOR.fullmatch(said) if field.tag == "34F" else _SUM.fullmatch(said) if field.tag[:2] == "90" else None
        )
        if found is not None:
            return found[1] if field.tag == "34F" else found[2]
    return ""


def _wrong_sums(fields: Sequence[Field], entries: Sequence[BankEntry], currency: str) -> str:
    """What differs between the entries of an early notice and the sums at its end."""
    for tag, what, sign in (("90C", "came in", 1), ("90D", "went out", -1)):
        for field in fields:
            found = _SUM.fullmatch(field.lines[0]) if field.tag == tag else None
            if found is None or found[2] != currency:
                continue
            said = minor_units(found[3], currency, field.where)
            some = sum(sign * entry.amount_minor for entry in entries if sign * entry.amount_minor > 0)
            if said != some:
                a, b = format_amount(said, currency), format_amount(some, currency)
                return f"{field.where}: {a} {what} by its own sum, and {b} by its entries"
    return ""


def _entries(fields: Sequence[Field], currency: str, account: str) -> Iterator[BankEntry]:
    """Each `:61:` with the `:86:` that follow it."""
    at = 0
    while at < len(fields):
        field = fields[at]
        at += 1
        if field.tag != "61":
            continue
        said: list[str] = []
        while at < len(fields) and fields[at].tag in ("86", "NS"):
            said += fields[at].lines
            at += 1
        yield _entry(field, said, currency, account)


def _entry(field: Field, said: Sequence[str], currency: str, account: str) -> BankEntry:
    lines = field.lines
    found = _LINE.fullmatch(lines[0].rstrip())
    if found is None and len(lines) > 1:
        lines = [lines[0].rstrip() + lines[1], *lines[2:]]  # Broken at a length, in the middle of what it says.
        found = _LINE.fullmatch(lines[0].rstrip())
    if found is None:
        raise Refused("bad_statement_line", f"{field.where}: {quoted(field.lines[0])} is no entry that is known here")
    minor = _SIGNS[found["mark"]] * minor_units(found["amount"], currency, field.where)
    value = short_day(found["value"])
    booked = _booked(found["entry"] or "", value)
    type_code = (found["type"] or "").strip()
    reference, bank = (" ".join((found[name] or "").split()) for name in ("reference", "bank"))
    more = " ".join(" ".join(lines[1:]).split())
    remittance = read_remittance([line for line in said if line.strip()], more, account)
    own = "" if reference.upper() in _KEYWORDS else reference
    reversal = found["mark"] in ("RC", "RD")
    transaction = _transaction(minor, currency, own, more, remittance, type_code)
    if reversal or transaction.returned:
        transaction = _brings_back(transaction, remittance)
    return BankEntry(
        amount_minor=minor,
        currency=currency,
        booked_on=booked or value,
        value_on=value,
        bank_reference="" if bank.upper() in NO_REFERENCE else bank,
        code=type_code,
        reversal=reversal,
        transactions=(transaction,),
        unclear="" if value is not None else "it has no day that exists",
    )


def _transaction(minor: int, currency: str, own: str, more: str, said: Remittance, type_code: str) -> BankTransaction:
    texts = [*said.texts, own if own and not said.end_to_end else "", more if more and more != said.iban else ""]
    return BankTransaction(
        amount_minor=minor,
        currency=currency,
        references=said.references,
        end_to_end=said.end_to_end,
        name=said.name,
        iban=said.iban,
        texts=tuple(dict.fromkeys(filter(None, texts))),
        returned=said.returned or type_code in _RETURN_TYPES,
    )


def _brings_back(one: BankTransaction, said: Remittance) -> BankTransaction:
    """The same with what is said of the transfer that comes back with it."""
    original = _said_sum(said.original, one.currency)
    charges = _said_sum(said.charges, one.currency)
    return replace(one, original_minor=original if original != abs(one.amount_minor) else 0, charges_minor=charges)


def _said_sum(text: str, currency: str) -> int:
    """A sum that stands beside an entry, in minor units; 0 where there is none that can be read, in its currency."""
    found = _SAID_SUM.fullmatch(text.strip())
    if found is None or (found[1] or currency) != currency:
        return 0
    try:
        return minor_units(found[2], currency, "beside an entry")
    except Refused:
        return 0


def _booked(entry: str, value: date | None) -> date | None:
    return near_day(entry, value) if value is not None and entry.strip() else value
