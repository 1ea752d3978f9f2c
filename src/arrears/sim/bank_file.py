"""What a made-up bank reports, as a CAMT.053 file: the frozen values of a statement, written the way that banks do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from xml.sax.saxutils import escape

from arrears.core.bank.creditor_reference import is_creditor_reference
from arrears.core.bank.statements import Balance, BankEntry, BankStatement, BankTransaction
from arrears.core.money import exponent

_NO_DAY = date(2026, 1, 1)


def camt_053(statements: Sequence[BankStatement], message: str, *, version: str = "08") -> bytes:
    """A file with these statements; `version` is 02 or 08, `message` its own name. Each validates against ISO's schema
    of its version, and is read back as what was written."""
    inner = "".join(line for one in statements for line in _statement(one, version))
    day = next((one.closing.day for one in statements if one.closing is not None), None) or _NO_DAY
    head = f"<GrpHdr><MsgId>{escape(message)[:35]}</MsgId><CreDtTm>{day}T23:59:00</CreDtTm></GrpHdr>"
    space = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
    body = f"<BkToCstmrStmt>{head}{inner}</BkToCstmrStmt>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{space}">{body}</Document>\n'.encode()


def _statement(one: BankStatement, version: str) -> Iterator[str]:
    day = one.closing.day if one.closing is not None and one.closing.day is not None else _NO_DAY
    yield f"<Stmt><Id>{escape(one.id or f'{one.account}-{day}')[:35]}</Id>"
    yield f"<ElctrncSeqNb>{one.number}</ElctrncSeqNb>" if one.number else ""
    yield f"<CreDtTm>{day}T23:59:00</CreDtTm>"
    yield f"<Acct><Id><IBAN>{escape(one.account)}</IBAN></Id><Ccy>{one.currency}</Ccy></Acct>"
    for code, balance in (("OPBD", one.opening), ("CLBD", one.closing)):
        if balance is not None:
            yield from _balance(code, balance, day)
    for entry in one.entries:
        yield from _entry(entry, version, day)
    yield "</Stmt>"


def _balance(code: str, one: Balance, day: date) -> Iterator[str]:
    yield f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(one.minor, one.currency)}{_side(one.minor)}"
    yield f"<Dt><Dt>{one.day or day}</Dt></Dt></Bal>"


def _amount(minor: int, currency: str) -> str:
    digits = exponent(currency)
    whole, part = divmod(abs(minor), 10**digits)
    return f'<Amt Ccy="{currency}">{whole}{f".{part:0{digits}}" if digits else ""}</Amt>'


def _side(minor: int) -> str:
    return f"<CdtDbtInd>{'DBIT' if minor < 0 else 'CRDT'}</CdtDbtInd>"


def _entry(one: BankEntry, version: str, day: date) -> Iterator[str]:
    yield f"<Ntry>{_amount(one.amount_minor, one.currency)}{_side(one.amount_minor)}"
    yield "<RvslInd>true</RvslInd>" if one.reversal else ""
    yield "<Sts>BOOK</Sts>" if version == "02" else "<Sts><Cd>BOOK</Cd></Sts>"
    booked, value = one.booked_on or day, one.value_on or one.booked_on or day
    yield f"<BookgDt><Dt>{booked}</Dt></BookgDt><ValDt><Dt>{value}</Dt></ValDt>"
    yield f"<AcctSvcrRef>{escape(one.bank_reference)[:35]}</AcctSvcrRef>" if one.bank_reference else ""
    family = ("ICDT", "DMCT") if one.amount_minor < 0 else ("RCDT", "ESCT")
    code = f"<Fmly><Cd>{family[0]}</Cd><SubFmlyCd>{family[1]}</SubFmlyCd></Fmly>"
    yield f"<BkTxCd><Domn><Cd>PMNT</Cd>{code}</Domn></BkTxCd>"
    if one.transactions:
        yield "<NtryDtls>"
        for part in one.transactions:
            yield from _transaction(part, version, itemised=len(one.transactions) > 1)
        yield "</NtryDtls>"
    yield "</Ntry>"


def _transaction(one: BankTransaction, version: str, *, itemised: bool) -> Iterator[str]:
    yield f"<TxDtls><Refs><EndToEndId>{escape(one.end_to_end or 'NOTPROVIDED')[:35]}</EndToEndId></Refs>"
    if itemised and version == "02":
        yield f"<AmtDtls><TxAmt>{_amount(one.amount_minor, one.currency)}</TxAmt></AmtDtls>"
    elif itemised:
        yield f"{_amount(one.amount_minor, one.currency)}{_side(one.amount_minor)}"
    if one.original_minor and not (itemised and version == "02"):
        yield f"<AmtDtls><InstdAmt>{_amount(one.original_minor, one.currency)}</InstdAmt></AmtDtls>"
    if one.charges_minor:
        charges = _amount(one.charges_minor, one.currency)
        yield f"<Chrgs>{charges if version == '02' else f'<Rcrd>{charges}</Rcrd>'}</Chrgs>"
    side = "Cdtr" if one.amount_minor < 0 else "Dbtr"
    if one.name or one.iban:
        name = f"<Nm>{escape(one.name or 'NN')[:70]}</Nm>"
        yield f"<RltdPties><{side}>{name if version == '02' else f'<Pty>{name}</Pty>'}</{side}>"
        yield f"<{side}Acct><Id><IBAN>{one.iban}</IBAN></Id></{side}Acct>" if one.iban else ""
        yield "</RltdPties>"
    yield from _remittance(one)
    yield "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>" if one.returned else ""
    yield "</TxDtls>"


def _remittance(one: BankTransaction) -> Iterator[str]:
    if not one.references and not any(one.texts):
        return
    yield "<RmtInf>"
    for text in one.texts:
        yield f"<Ustrd>{escape(text)[:140]}</Ustrd>" if text else ""
    for reference in one.references:
        kind = "<Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp>" if is_creditor_reference(reference) else ""
        yield f"<Strd><CdtrRefInf>{kind}<Ref>{escape(reference)[:35]}</Ref></CdtrRefInf></Strd>"
    yield "</RmtInf>"
