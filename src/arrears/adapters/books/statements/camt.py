"""ISO 20022 bank statements: camt.053, and camt.052 and camt.054 as early notices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from arrears.adapters.books.statements.amounts import day_of, minor_units
from arrears.adapters.books.statements.xml_file import Element, read_xml
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
from arrears.core.money import CURRENCIES

VERSIONS: Final = frozenset(f"{number:02}" for number in range(1, 9))
"""Of all these the parts that are read are the same, but for where a name and a status stand."""
_NAMESPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.(05[234])\.001\.([0-9]{2})")
_KINDS: Final = {"052": StatementKind.EARLY, "053": StatementKind.STATEMENT, "054": StatementKind.EARLY}
_ROOTS: Final = {"BkToCstmrAcctRpt": "Rpt", "BkToCstmrStmt": "Stmt", "BkToCstmrDbtCdtNtfctn": "Ntfctn"}
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)
_RETURNED: Final = frozenset({"RRTN", "RPCR", "UPCT", "UPDD", "RCDD", "ARET", "PRDD"})
"""Sub-families of bank transactions that came back or were taken back."""
_FAMILY: Final = "BkTxCd/Domn/Fmly/SubFmlyCd"
_ORIGINAL: Final = ("AmtDtls/InstdAmt/Amt", "AmtDtls/TxAmt/Amt")
"""Where what was paid stands beside what comes back of it."""
_LOCAL_TEXTS_MAX: Final = 10_000


def read_camt(content: bytes) -> BankFile:
    """The statements of a CAMT file. Refuses `unknown_statement_format`, `bad_statement_amount`, `doctype`, `not_xml`
    and what `read_xml` refuses; a statement that cannot be taken says so itself (`wrong`)."""
    statements: list[BankStatement] = []
    entries: list[BankEntry] = []
    waiting = 0

    def hand_over(element: Element) -> None:
        nonlocal waiting
        if element.name != "Ntry":
            statements.append(_statement(element, entries, waiting))
            entries.clear()
            waiting = 0
        elif element.said("Sts/Cd", "Sts/Prtry", "Sts") in ("BOOK", ""):
            entries.append(_entry(element, f"entry {len(entries) + waiting + 1}"))
        else:
            waiting += 1

    namespace, root = read_xml(content, ("Ntry", *_ROOTS.values()), hand_over)
    found = _NAMESPACE.fullmatch(namespace)
    if found is None:
        what = f"namespace {quoted(namespace)}" if namespace else "no namespace"
        raise Refused("unknown_statement_format", f"it is XML with {what}; camt.053, .052 and .054 are read here")
    if found[2] not in VERSIONS:
        raise Refused(
            "unknown_statement_format",
            f"camt.{found[1]}.001.{found[2]} is not read here; the versions 01 to 08 are: ask the bank for one of them",
        )
    if root.name != "Document" or not statements:
        raise Refused("unknown_statement_format", f"it is a camt.{found[1]} file without a statement in it")
    name = f"camt.{found[1]}.001.{found[2]}"
    return BankFile(tuple(_named(one, name, _KINDS[found[1]]) for one in statements))


def _named(statement: BankStatement, name: str, kind: StatementKind) -> BankStatement:
    return replace(statement, format=name, kind=kind)


def _statement(element: Element, entries: Sequence[BankEntry], left_out: int) -> BankStatement:
    account = element.said("Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/PrtryAcct/Id")
    currency = _currency(element, entries)
    if currency not in CURRENCIES:
        wrong = f"{quoted(currency)} is no currency" if currency else "it names no currency of the account"
        return BankStatement("", StatementKind.STATEMENT, account, currency, wrong=wrong)
    copy = element.said("CpyDplctInd")
    return BankStatement(
        format="",
        kind=StatementKind.STATEMENT,
        account=folded(account) if is_iban(account) else account,
        currency=currency,
        opening=_balance(element, _OPENING),
        closing=_balance(element, _CLOSING),
        entries=tuple(entries),
        id=element.said("Id"),
        number=_number(element.said("ElctrncSeqNb", "LglSeqNb")),
        page=_number(element.said("StmtPgntn/PgNb", "RptPgntn/PgNb", "NtfctnPgntn/PgNb")),
        continues=_page_continues(element),
        left_out=left_out,
        wrong="it is a copy for information" if copy == "INFO" else "",
    )


def _number(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,18}", text, re.ASCII) else 0


def _currency(element: Element, entries: Sequence[BankEntry]) -> str:
    said = element.said("Acct/Ccy")
    if said:
        return said
    amounts = [*_amounts_of(element, _OPENING), *_amounts_of(element, _CLOSING)]
    found = [amount.attributes.get("Ccy", "") for amount in amounts] + [entry.currency for entry in entries[:1]]
    return next(iter(found), "")


def _balances(element: Element, codes: Sequence[str]) -> Iterator[Element]:
    for code in codes:
        for one in element.all("Bal"):
            if one.said("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Cd") == code:
                yield one


def _amounts_of(element: Element, codes: Sequence[str]) -> Iterator[Element]:
    for one in _balances(element, codes):
        yield from one.all("Amt")


def _balance(element: Element, codes: Sequence[str]) -> Balance | None:
    one = next(_balances(element, codes), None)
    amount = one.first("Amt") if one is not None else None
    if one is None or amount is None:
        return None
    currency = amount.attributes.get("Ccy", "")
    minor = minor_units(amount.text, currency, "a balance")
    sign = -1 if one.said("CdtDbtInd") == "DBIT" else 1
    return Balance(sign * minor, currency, day_of(one.said("Dt/Dt", "Dt/DtTm")))


def _page_continues(element: Element) -> bool:
    one = next(_balances(element, _OPENING), None)
    return one is not None and one.said("Tp/SubTp/Cd", "Tp/SubTp/Prtry") == "INTM"


def _signed(element: Element, amount: Element, where: str, otherwise: str) -> tuple[int, str]:
    currency = amount.attributes.get("Ccy", "")
    minor = minor_units(amount.text, currency, where)
    return (-minor if (element.said("CdtDbtInd") or otherwise) == "DBIT" else minor), currency


def _entry(element: Element, where: str) -> BankEntry:
    amount = element.first("Amt")
    if amount is None:
        raise Refused("bad_statement_amount", f"{where}: it has no amount")
    direction = element.said("CdtDbtInd")
    minor, currency = _signed(element, amount, where, "CRDT")
    booked, value = day_of(element.said("BookgDt/Dt", "BookgDt/DtTm")), day_of(element.said("ValDt/Dt", "ValDt/DtTm"))
    reference = element.said("AcctSvcrRef")
    code = "/".join(
        filter(None, (element.said(f"BkTxCd/Domn/{path}") for path in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")))
    ) or element.said("BkTxCd/Prtry/Cd")
    unclear = ""
    if direction not in ("CRDT", "DBIT"):
        unclear = "it does not say whether it came in or went out"
    elif booked is None and value is None:
        unclear = "it has no day that exists"
    return BankEntry(
        amount_minor=minor,
        currency=currency,
        booked_on=booked or value,
        value_on=value,
        bank_reference="" if reference.upper() in NO_REFERENCE else reference,
        code=code,
        reversal=_is_reversal(element),
        transactions=_transactions(element, where, minor, currency),
        charges_minor=sum(_charges(element, path, where, currency) for path in ("Chrgs", "NtryDtls/TxDtls/Chrgs")),
        unclear=unclear,
    )


def _is_reversal(element: Element) -> bool:
    return element.said("RvslInd").lower() in ("true", "1")


def _charges(element: Element, path: str, where: str, currency: str) -> int:
    """What was kept back of an entry, or of its transactions, in its own currency."""
    total = 0
    for one in element.all(path):
        for record in one.all("Rcrd") or [one]:
            amount = record.first("Amt", "TtlChrgsAndTaxAmt")
            if amount is not None and amount.attributes.get("Ccy") == currency:
                total += minor_units(amount.text, currency, where)
    return total


def _brings_back(element: Element, one: Element, where: str, part: BankTransaction) -> BankTransaction:
    """The same with what is said of the transfer that comes back with it, if one does."""
    if not part.returned and not _is_reversal(element):
        return part
    amounts = (amount for path in _ORIGINAL for amount in one.all(path))
    sums = [minor_units(a.text, part.currency, where) for a in amounts if a.attributes.get("Ccy") == part.currency]
    charges = _charges(one, "Chrgs", where, part.currency)
    if len(element.all("NtryDtls/TxDtls")) <= 1:
        charges = charges or _charges(element, "Chrgs", where, part.currency)
    original = next((minor for minor in sums if minor != abs(part.amount_minor)), 0)
    return replace(part, original_minor=original, charges_minor=charges)


def _transactions(element: Element, where: str, minor: int, currency: str) -> tuple[BankTransaction, ...]:
    details = element.all("NtryDtls/TxDtls")
    direction = element.said("CdtDbtInd") or "CRDT"
    note, family = element.said("AddtlNtryInf"), element.said(_FAMILY)
    if len(details) <= 1:
        only = details[0] if details else Element("TxDtls", {})
        part = _transaction(only, minor, currency, direction, note, family)
        return (_brings_back(element, only, where, part),)
    amounts: list[tuple[int, str]] = []
    for one in details:
        amount = one.first("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
        if amount is None:
            # Not itemised: nobody knows which part is whose, and the texts of all say whom it may concern.
            texts = tuple(text.text for each in details for text in each.all("RmtInf/Ustrd"))
            return (BankTransaction(minor, currency, texts=(*texts, note)),)
        amounts.append(_signed(one, amount, where, direction))
    return tuple(
        _brings_back(element, one, where, _transaction(one, *part, one.said("CdtDbtInd") or direction, "", family))
        for one, part in zip(details, amounts, strict=True)
    )


def _transaction(one: Element, minor: int, currency: str, direction: str, note: str, family: str) -> BankTransaction:
    side = "Dbtr" if direction == "CRDT" else "Cdtr"
    references = [ref.text for ref in one.all("RmtInf/Strd/CdtrRefInf/Ref")]
    references += [ref.text for ref in one.all("RmtInf/Strd/CdtrRefInf/CdtrRef")]
    references += [number.text for number in one.all("RmtInf/Strd/RfrdDocInf/Nb")]
    references += [number.text for number in one.all("RmtInf/Strd/RfrdDocInf/RfrdDocNb")]
    texts = [text.text for text in one.all("RmtInf/Ustrd")]
    texts += [text.text for text in one.all("RmtInf/Strd/AddtlRmtInf")]
    if not any(texts) and not references:
        texts = [one.said("AddtlTxInf"), note]
    account = one.said(f"RltdPties/{side}Acct/Id/IBAN", f"RltdPties/{side}Acct/Id/Othr/Id")
    return BankTransaction(
        amount_minor=minor,
        currency=currency,
        references=tuple(dict.fromkeys(filter(None, references))),
        end_to_end=_given(one.said("Refs/EndToEndId")),
        name=one.said(
            f"RltdPties/{side}/Nm",
            f"RltdPties/{side}/Pty/Nm",
            f"RltdPties/Ultmt{side}/Nm",
            f"RltdPties/Ultmt{side}/Pty/Nm",
        ),
        iban=folded(account) if is_iban(account) else account,
        texts=tuple(text[:_LOCAL_TEXTS_MAX] for text in texts if text),
        returned=one.first("RtrInf") is not None or (one.said(_FAMILY) or family) in _RETURNED,
    )


def _given(text: str) -> str:
    return "" if text.upper() in NO_REFERENCE else text
