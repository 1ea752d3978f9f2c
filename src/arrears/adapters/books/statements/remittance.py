"""What banks say of an entry in `:86:`, in the forms that they have for it.

German, Austrian, Polish and Hungarian banks number the parts (`?20`, `<20`, `~20`), Dutch and Swiss ones name them
(`/REMI/`), others write labels (`TYT.:`) or nothing but text. Lines are broken at a length, so where one ends says
nothing; where it is not known whether a word goes on, both readings are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from arrears.core.bank.references import folded, is_iban
from arrears.core.bank.statements import NO_REFERENCE


class Remittance(NamedTuple):
    """What was read of one entry; empty where nothing was said."""

    texts: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    end_to_end: str = ""
    name: str = ""
    iban: str = ""
    returned: bool = False
    original: str = ""
    """Of what comes back, the amount that was paid as the bank writes it, and in `charges` what it kept; some begin
    with the currency."""
    charges: str = ""


_NUMBERED: Final = re.compile(r"\s*(?:(?P<code>[0-9]{3})\s*(?P<mark>[?<~^+>\xa4@])|(?P<bare>[?<~]))(?=[0-9]{2})")
_RETURN_CODES: Final = frozenset({"108", "109", "159", "160", "181", "184"})
"""German business transaction codes of what came back: direct debits of ours (108, 109) and of others (181, 184), and
transfers (159, 160). 118 and 168 are transfers in real time, as new as others."""
_SEPA: Final = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|PURP|IBAN|BIC|RREF|RTRN|RCDE)[+:]")
_NAMED: Final = re.compile(
    r"/(TRTP|IBAN|BIC|NAME|REMI|EREF|KREF|MARF|CSID|CNTP|BENM|ORDP|ADDR|RTRN|ISDT|PREF|NRTX|SVCL|PURP|ORDB|ULTB|ULTD"
    r"|ULTC|CREF|CDTRREFTP|CDTRREF|ID|TXT|BENE|ORDR|ADDL|ACCW|CHGS|OCMT|EXCH|RAMT|BUSP|TRCD|SUM|CITY|CTRY|STRT)/"
)
_LABELLED: Final = re.compile(
    r"(?:^|;)\s*(TYT|OD|DLA|Z RACH|NA RACH|TNR|ID IPH|REK|NAAM|OMSCHRIJVING|IBAN|KENMERK|NAME)\s*\.?:\s*", re.IGNORECASE
)
_IBAN_IN: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{2,4}){3,8}", re.ASCII)
_TEXT_MAX: Final = 10_000


def read_remittance(lines: Sequence[str], more: str, own_account: str) -> Remittance:
    """What the lines behind an entry say. `more` is the line below the entry itself, where some banks put the other
    account; `own_account` is never that of the payer."""
    whole = "".join(lines)[:_TEXT_MAX]
    numbered = _NUMBERED.match(whole)
    if numbered is not None:
        found = _numbered(whole, numbered["mark"] or numbered["bare"], numbered["code"] or "")
    elif len(_NAMED.findall(whole)) >= 2 or _NAMED.match(whole):
        found = _named(whole)
    else:
        found = _free(lines)
    if not found.iban:
        found = found._replace(iban=_iban_in((more, *found.texts), own_account))
    # Some banks say it below the entry instead, in SWIFT's own words.
    beside = dict(_split(more, _NAMED)) if not found.original and not found.charges else {}
    if beside:
        found = found._replace(original=beside.get("OCMT", ""), charges=beside.get("CHGS", ""))
    return found


def _numbered(text: str, mark: str, code: str) -> Remittance:
    parts: dict[int, list[str]] = {}
    for piece in re.split(rf"{re.escape(mark)}(?=[0-9]{{2}})", text)[1:]:
        parts.setdefault(int(piece[:2]), []).append(piece[2:].rstrip("\r"))
    purpose = [piece for at in sorted(parts) if 20 <= at <= 29 or 60 <= at <= 65 for piece in parts[at]]
    name = " ".join(" ".join("".join(piece for at in (32, 33) for piece in parts.get(at, ())).split()).split())
    accounts = [folded(piece) for at in (38, 31) for piece in parts.get(at, ())]
    named = dict(_split("".join(purpose), _SEPA))
    texts = [_said(named.get("SVWZ", ""))] if "SVWZ" in named else [_said("".join(purpose)), _said(" ".join(purpose))]
    if "IBAN" in named:
        accounts.append(folded(named["IBAN"].split()[0] if named["IBAN"].split() else ""))
    booking = " ".join(piece for piece in parts.get(0, ()))
    return Remittance(
        texts=tuple(dict.fromkeys(filter(None, texts))) or ((_said(booking),) if booking.strip() else ()),
        end_to_end=_given(named.get("EREF", "")),
        name=name,
        iban=next((one for one in accounts if is_iban(one)), ""),
        returned=code in _RETURN_CODES or "RTRN" in named,
        original=named.get("OAMT", ""),
        charges=named.get("COAM", ""),
    )


def _split(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Each named part of a text; what stands before the first has no name."""
    pieces = pattern.split(text)
    if pieces[0].strip():
        yield "", pieces[0]
    for at in range(1, len(pieces) - 1, 2):
        yield pieces[at].upper(), pieces[at + 1]


def _named(text: str) -> Remittance:
    parts: dict[str, str] = {}
    for name, said in _split(text, _NAMED):
        parts[name] = parts.get(name, "") or said
    remittance = parts.get("REMI", "")
    structured = re.match(r"/?STRD/(?:[A-Z]{3}/)?(.*)", remittance)
    reference = structured[1].strip("/ ") if structured is not None else parts.get("CDTRREF", "").strip("/ ")
    bare = re.sub(r"^/?(?:USTD|STRD)//?", "", remittance).strip("/ ")
    other = parts.get("CNTP", "").split("/")
    name = parts.get("NAME", "").strip("/ ") or (other[2] if len(other) > 2 else "")
    texts = [_said(bare), _said(parts.get("TXT", "") or parts.get("ADDL", "")), _said(parts.get("", ""))]
    account = folded(parts.get("IBAN", "")) or folded(other[0])
    return Remittance(
        texts=tuple(filter(None, texts)),
        references=(reference,) if reference else (),
        end_to_end=_given(parts.get("EREF", "").strip("/ ")),
        name=" ".join(name.split()),
        iban=account if is_iban(account) else "",
        returned="RTRN" in parts,
        original=parts.get("OCMT", ""),
        charges=parts.get("CHGS", ""),
    )


def _free(lines: Sequence[str]) -> Remittance:
    spaced = _said(" ".join(lines))
    labelled = dict(_split(re.sub(r"/NAAM", "; NAAM", spaced), _LABELLED))
    name = labelled.get("OD", "") or labelled.get("NAAM", "") or labelled.get("NAME", "")
    accounts = [labelled.get(label, "") for label in ("Z RACH", "REK", "IBAN")]
    texts = dict.fromkeys((spaced, _said("".join(lines)), _said(labelled.get("TYT", ""))))
    return Remittance(
        texts=tuple(filter(None, texts)),
        name=_said(name.partition("  ")[0]),
        iban=next((folded(one) for one in accounts if is_iban(one)), ""),
    )


def _iban_in(texts: Sequence[str], own_account: str) -> str:
    """The first IBAN in a text that is right and not our own."""
    for text in texts:
        for found in _IBAN_IN.finditer(text.upper()):
            pieces = found[0].split(" ")
            for count in range(len(pieces), 0, -1):
                one = folded("".join(pieces[:count]))
                if is_iban(one) and one != own_account:
                    return one
    return ""


def _said(text: str) -> str:
    return " ".join(text.split())


def _given(text: str) -> str:
    said = _said(text)
    return "" if said.upper() in NO_REFERENCE else said
