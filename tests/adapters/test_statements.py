"""Statements as banks send them: read to the cent, or a reason in one line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources import ROOT

from arrears.adapters.books.statements import load_statement_map, read_apart, read_statement_file
from arrears.adapters.books.statements.remittance import read_remittance
from arrears.core.bank.statements import BankStatement, StatementKind, wrong_with
from arrears.core.errors import Refused

SAMPLES = ROOT.parent / "shared/data/statements"
IBAN = "NL91ABNA0417164300"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample statements are not beside the project")


def camt(entries: str, opening: str = "100.00", closing: str = "150.00", message: str = "053.001.08") -> bytes:
    """A camt.053 of one statement with these entries."""

    def balance(code: str, amount: str) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-02-27</Dt></Dt></Bal>"
        )

    return (
        f"<?xml version='1.0' encoding='UTF-8'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.{message}'>"
        f"<BkToCstmrStmt><Stmt><Id>S1</Id><Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def entry(amount: str = "50.00", sign: str = "CRDT", status: str = "BOOK", more: str = "", details: str = "") -> str:
    """One entry of it."""
    direction = f"<CdtDbtInd>{sign}</CdtDbtInd>" if sign else ""
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt>{direction}{more}<Sts><Cd>{status}</Cd></Sts>"
        f"<BookgDt><Dt>2026-02-27</Dt></BookgDt><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def transfer(text: str, amount: str = "") -> str:
    """One transaction of an entry."""
    said = f"<Amt Ccy='EUR'>{amount}</Amt>" if amount else ""
    return f"<TxDtls>{said}<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"


def swift(*lines: str, opening: str = "C260226EUR100,00", closing: str = "C260227EUR150,00") -> bytes:
    """An MT940 of one statement with these lines."""
    start = (":20:STMT", f":25:{IBAN}", ":28C:12/1", f":60F:{opening}")
    return "\r\n".join((*start, *lines, f":62F:{closing}", "-", "")).encode()


def only(content: bytes) -> BankStatement:
    """The one statement of a file that can be read."""
    found = read_statement_file(content)
    assert not found.refused
    [statement] = found.statements
    return statement


def _minor(text: str) -> int:
    whole, _, decimals = text.replace(",", ".").partition(".")
    return int(whole) * 100 + int(decimals.ljust(2, "0")[:2])


@needs_samples
@pytest.mark.parametrize("file", ["mt940.abnamro.sta", "mt940.ing.sta", "mt940.rabobank-iban.sta"])
def test_a_sample_of_swift_is_read_to_the_cent(file: str) -> None:
    content = (SAMPLES / file).read_bytes()
    lines = re.findall(rb"(?m)^:61:\d{6}(?:\d{4})?([CD])(\d+,\d*)", content)
    found = [entry.amount_minor for statement in read_statement_file(content).statements for entry in statement.entries]
    assert found == [_minor(amount.decode()) * (1 if sign == b"C" else -1) for sign, amount in lines]


@needs_samples
@pytest.mark.parametrize("file", ["camt053.v2.multi-statement.xml", "camt053.v2.with-party-ids.xml", "camt053.v8.xml"])
def test_a_sample_of_camt_is_read_to_the_cent(file: str) -> None:
    content = (SAMPLES / file).read_text()
    amounts = re.findall(r"<Ntry>\s*<Amt Ccy=\"EUR\">([\d.]+)</Amt>\s*<CdtDbtInd>(\w+)<", content)
    found = [e.amount_minor for one in read_statement_file(content.encode()).statements for e in one.entries]
    assert found == [_minor(amount) * (1 if sign == "CRDT" else -1) for amount, sign in amounts]


@needs_samples
def test_of_the_samples_those_are_taken_that_add_up() -> None:
    wrong = {}
    for path in sorted(SAMPLES.glob("*.*")):
        wrong[path.name] = [bool(wrong_with(one)) for one in read_statement_file(path.read_bytes()).statements]
    assert wrong == {
        "camt053.v2.multi-statement.xml": [False, False],
        "camt053.v2.with-party-ids.xml": [True],  # Its closing balance is in another currency.
        "camt053.v8.xml": [True],
        "mt940.abnamro.sta": [True, True],  # Shortened by whoever published them: the balances are those of more.
        "mt940.ing.sta": [True],
        "mt940.rabobank-iban.sta": [False, False],
    }


@needs_samples
def test_the_words_of_a_structured_86_are_found() -> None:
    first, second = read_statement_file((SAMPLES / "mt940.rabobank-iban.sta").read_bytes()).statements[0].entries
    assert first.transactions[0].name == "CONTRA ACCOUNT HOLDER"
    assert second.transactions[0].text.startswith("Reference 201301234")


@pytest.mark.parametrize(
    ("lines", "name", "iban", "text"),
    [
        (
            ["166?00GUT?20EREF+2026-17?21SVWZ+RF18 5390 0754?22 7034?31DE893704004", "40532013000", "?32MUSTER GMBH"],
            "MUSTER GMBH",
            "DE89370400440532013000",
            "RF18 5390 0754 7034",
        ),
        (["/TRTP/SEPA/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/J.JANSEN/REMI/INV-2026-12", "34/EREF/NOTPROVIDED"],
         "J.JANSEN", "NL91ABNA0417164300", "INV-2026-1234"),
        (["/EREF/NOTPROVIDED/CNTP/NL91ABNA0417164300/ABNANL2A/Jansen BV///REMI/USTD//INV-2026-1234/"],
         "Jansen BV", "NL91ABNA0417164300", "INV-2026-1234"),
        (["020~00WPLATA~20FAKTURA FV/12/2026~21 ZA MAJ~32JAN NOWAK~38PL61109010140000071219812874"],
         "JAN NOWAK", "PL61109010140000071219812874", "FAKTURA FV/12/2026 ZA MAJ"),
        (["911 TRANSAKCJA; Z RACH.: PL61109010140000071219812874; OD: JAN NOWAK; TYT.: FV 12; TNR: 17"],
         "JAN NOWAK", "PL61109010140000071219812874", "FV 12"),
        (["FACT 2014031", "REK: NL91ABNA0417164300/NAAM: PICQER"], "PICQER", "NL91ABNA0417164300", "2014031"),
    ],
)  # fmt: skip
def test_each_dialect_of_86(lines: Sequence[str], name: str, iban: str, text: str) -> None:
    found = read_remittance(lines, "", "")
    assert (found.name, found.iban) == (name, iban)
    assert text in " ".join(found.texts)


@pytest.mark.parametrize(
    ("line", "minor", "booked", "reversal"),
    [
        (":61:2602270227C50,NTRFNONREF//B1", 5000, date(2026, 2, 27), False),
        (":61:260227C50,00NTRFREF1", 5000, date(2026, 2, 27), False),
        (":61:260227    CR50,NTRFNONREF", 5000, date(2026, 2, 27), False),
        (":61:2512310102C50,00NTRFNONREF", 5000, date(2026, 1, 2), False),
        (":61:2601021231C50,00NTRFNONREF", 5000, date(2025, 12, 31), False),
        (":61:260227RD50,00NTRFNONREF", 5000, date(2026, 2, 27), True),
        (":61:260227DR50,00NTRFNONREF", -5000, date(2026, 2, 27), False),
        (":61:260227RC50,00NTRFNONREF", -5000, date(2026, 2, 27), True),
        (":61:260230C50,00NTRFNONREF", 5000, None, False),
        (":61:260227C0000000000050,00NTRF", 5000, date(2026, 2, 27), False),
    ],
)
def test_each_form_of_61(line: str, minor: int, booked: date | None, reversal: bool) -> None:
    closing = "C260227EUR150,00" if minor > 0 else "C260227EUR50,00"
    statement = only(swift(line, ":86:text", closing=closing))
    [found] = statement.entries
    assert (found.amount_minor, found.booked_on, found.reversal) == (minor, booked, reversal)
    assert not wrong_with(statement)
    assert bool(found.unclear) == (booked is None)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "start", ["", "\ufeff", "ABNANL2A\n940\nABNANL2A\n", "{1:F01ABNANL2AXXXX0000000000}{2:O940}{4:\n"]
)
def test_what_stands_around_a_message_changes_nothing(ends: str, start: str) -> None:
    plain = swift(":61:2602270227C50,NTRFNONREF", ":86:one", "two").decode()
    statement = only((start + plain).replace("\r\n", ends).replace("-" + ends, "-}{5:}" + ends).encode())
    assert not wrong_with(statement)
    assert statement.entries[0].transactions[0].text == "one two onetwo"
    assert (statement.number, statement.page) == (12, 1)


def test_an_mt942_is_an_early_notice_whose_sums_are_compared() -> None:
    lines = [
        ":20:X",
        f":25:{IBAN}",
        ":28C:1/1",
        ":34F:EUR0",
        ":61:2602270227C50,NTRFNONREF",
        ":86:x",
        ":90C:1EUR50,",
        "-",
    ]
    early = only("\n".join(lines).encode())
    assert (early.format, early.kind, early.currency) == ("mt942", StatementKind.EARLY, "EUR")
    assert not wrong_with(early)
    lines[6] = ":90C:1EUR51,"
    assert "by its own sum" in wrong_with(only("\n".join(lines).encode()))


@pytest.mark.parametrize("message", ["053.001.02", "053.001.08", "052.001.06", "054.001.08"])
def test_camt_of_each_version(message: str) -> None:
    details = transfer("INV-2026-0041").replace("<RmtInf>", "<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RmtInf>")
    statement = only(camt(entry(details=details), message=message))
    assert statement.format == f"camt.{message}"
    assert statement.kind is (StatementKind.STATEMENT if message.startswith("053") else StatementKind.EARLY)
    [found] = statement.entries
    assert (found.amount_minor, found.transactions[0].text, found.transactions[0].end_to_end) == (
        5000,
        "INV-2026-0041",
        "",
    )
    assert not wrong_with(statement)


def test_a_batch_is_the_sum_of_its_transactions_or_is_not_taken() -> None:
    whole = only(camt(entry(details=transfer("A", "20.00") + transfer("B", "30.00"))))
    assert [t.amount_minor for t in whole.entries[0].transactions] == [2000, 3000]
    assert not wrong_with(whole)
    assert "is a batch of" in wrong_with(only(camt(entry(details=transfer("A", "20.00") + transfer("B", "31.00")))))
    charged = "<Chrgs><Rcrd><Amt Ccy='EUR'>1.00</Amt></Rcrd></Chrgs>"
    assert not wrong_with(only(camt(entry(more=charged, details=transfer("A", "20.00") + transfer("B", "31.00")))))
    assert len(only(camt(entry(details=transfer("A") + transfer("B")))).entries[0].transactions) == 1


def test_what_is_not_booked_yet_counts_for_nothing() -> None:
    statement = only(camt(entry() + entry("9.00", status="PDNG") + entry("9.00", status="INFO")))
    assert (len(statement.entries), statement.left_out) == (1, 2)
    assert not wrong_with(statement)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (camt(entry(), closing="150.01"), "it begins with"),
        (camt(entry().replace("'EUR'", "'SEK'")), "entry 1 is in SEK"),
        (camt(entry(more="<AcctSvcrRef>R1</AcctSvcrRef>") + entry("7.00", more="<AcctSvcrRef>R1</AcctSvcrRef>"),
              closing="157.00"), "stands twice"),
        (camt(entry()).replace(b"CLBD", b"XXXX"), "no closing balance"),
        (camt(entry()).replace(b"<Ccy>EUR</Ccy>", b"<Ccy>EUX</Ccy>"), "no currency"),
        (camt(entry()).replace(IBAN.encode(), b""), "names no account"),
        (swift(":61:2602270227C49,99NTRFNONREF"), "it begins with"),
        (swift(":61:nonsense"), "line 5 (:61:)"),
        (swift(opening="C260226DEM100,00", closing="C260226DEM100,00"), "no currency"),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_quarantined_with_its_reason(content: bytes, why: str) -> None:
    wrong = wrong_with(only(content))
    assert why in wrong
    assert "\n" not in wrong


BOMB = b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><x>&b;</x>"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b" \r\n", "empty_file"),
        (b"%PDF-1.7", "unknown_statement_format"),
        (b"\x1f\x8b\x08\x00", "packed_file"),
        (b"PK\x03\x04....", "packed_file"),
        (BOMB, "doctype"),
        (BOMB.decode().encode("utf-16"), "doctype"),
        (camt(entry("<i:include xmlns:i='http://www.w3.org/2001/XInclude' href='x'/>")), "doctype"),
        (b"<a b='" + b"x" * (8 << 20) + b"'/>", "token_too_large"),
        (b"<a>" + b"x" * (8 << 20) + b"</a>", "token_too_large"),
        (b"<a>" * 100_000, "not_xml"),
        (b"<a><b></a>", "not_xml"),
        (b"<Document/>", "unknown_statement_format"),
        (camt(entry(), message="053.001.14"), "unknown_statement_format"),
        (camt(entry(), message="029.001.03"), "unknown_statement_format"),
        (camt(entry(amount="1,234.56")), "bad_statement_amount"),
        (camt(entry(amount="12.345")), "bad_statement_amount"),
        (camt(entry(amount="")), "bad_statement_amount"),
        (camt(entry(amount="-5.00")), "bad_statement_amount"),
        (camt(entry(amount="1" * 19)), "bad_statement_amount"),
        (camt(entry(details=transfer("\xe9").encode().decode())).replace("\xe9".encode(), b"\xe9"), "not_xml"),
        (b"one;two\n1;2\n", "unknown_statement_format"),
        (b"\x00\x01\x02", "bad_encoding"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_line_and_a_stable_code(content: bytes, code: str) -> None:
    found = read_statement_file(content)
    assert (found.code, found.statements) == (code, ())
    assert found.refused
    assert "\n" not in found.refused
    assert len(found.refused) < 300


def test_text_that_could_do_harm_is_only_text() -> None:
    text = "&lt;script&gt;alert(1)&lt;/script&gt; =1+1 " + "x" * 10_000
    found = only(camt(entry(details=transfer(text)))).entries[0].transactions[0].text
    assert found.startswith("<script>alert(1)</script> =1+1")
    assert len(found) == 10_000
    assert not any(
        ord(one) < 32 for one in only(swift(":61:260227C50,NTRF", ":86:a\x07b\x1bc")).entries[0].transactions[0].text
    )


@pytest.mark.parametrize(("sign", "unclear"), [("", "came in or went out"), ("CRDT", "")])
def test_an_entry_that_does_not_say_what_it_is_waits_for_a_person(sign: str, unclear: str) -> None:
    [found] = only(camt(entry(sign=sign))).entries
    assert unclear in found.unclear
    assert bool(found.unclear) == bool(unclear)


MAP = """
[file]
delimiter = ";"
date = "%d-%m-%Y"
decimal_mark = ","
grouping = "."
newest_first = true
[account]
iban = "NL91ABNA0417164300"
currency = "EUR"
[entry]
booked_on = "Datum"
amount = "Bedrag"
balance = "Saldo"
name = "Naam"
payer_iban = "Tegenrekening"
text = ["Omschrijving", "Kenmerk"]
"""
ROWS = """Datum;Bedrag;Saldo;Naam;Tegenrekening;Omschrijving;Kenmerk
28-02-2026;-10,00;1.140,00;Bank;;kosten;
27-02-2026;50,00;1.150,00;Jansen;NL91ABNA0417164300;INV-2026-0041;x
"""


def test_a_csv_by_a_map(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP)
    said = load_statement_map(tmp_path / "map.toml")
    [statement] = read_statement_file(ROWS.encode("cp1252"), said).statements
    assert [one.amount_minor for one in statement.entries] == [5000, -1000]
    assert (statement.opening and statement.opening.minor, statement.closing and statement.closing.minor) == (
        110_000,
        114_000,
    )
    assert not wrong_with(statement)
    [gap] = read_statement_file(ROWS.replace("1.140,00", "1.139,00").encode(), said).statements
    assert wrong_with(gap)
    wrong = read_statement_file(ROWS.replace("50,00;1.150", "5O,00;1.150").encode(), said)
    assert wrong.code == "bad_statement_amount"
    assert "line 3, column 'Bedrag'" in wrong.refused
    undated = read_statement_file(ROWS.replace("27-02-2026", "2026-02-27").encode(), said)
    assert undated.code == "bad_csv"
    assert "is no day in the form" in undated.refused


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        ('amount = "Bedrag"\n', "", "entry.amount is missing"),
        ('date = "%d-%m-%Y"', 'date = "%d"', "file.date"),
        ('currency = "EUR"', 'currency = "EUX"', "account.currency"),
        ("4300", "4301", "account.iban"),
        ("[entry]", "[entry]\nstrange = 'x'", "entry.strange is not known"),
        ("[account]", "[acount]", "[acount] is not known"),
        ("[file]", "[file", "map.toml"),
    ],
)
def test_a_wrong_map_is_refused_with_everything_that_is_wrong(tmp_path: Path, was: str, now: str, why: str) -> None:
    (tmp_path / "map.toml").write_text(MAP.replace(was, now, 1))
    with pytest.raises(Refused) as refused:
        load_statement_map(tmp_path / "map.toml")
    assert refused.value.code == "bad_map"
    assert why in refused.value.message


def test_a_larger_file_is_read_in_a_process_of_its_own(tmp_path: Path) -> None:
    count = 1_500
    path = tmp_path / "big.xml"
    path.write_bytes(camt(entry("1.00", details=transfer("x" * 200)) * count, closing="1600.00"))
    [statement] = read_apart(path).statements
    assert len(statement.entries) == count
    assert not wrong_with(statement)
    assert read_apart(tmp_path / "none.xml").code == "no_such_file"
    assert read_apart(tmp_path).code == "unreadable_file"
    path.write_bytes(b"<" + b"x" * (33 << 20))
    assert read_apart(path).code == "file_too_large"


@given(st.binary(max_size=400), st.integers(0, 2_000), st.booleans())
def test_no_damage_to_a_file_is_a_traceback(damage: bytes, at: int, is_camt: bool) -> None:
    good = camt(entry(details=transfer("x"))) if is_camt else swift(":61:260227C50,NTRFNONREF", ":86:x")
    for content in (damage, good[:at] + damage + good[at:], good[:at] + damage + good[at + len(damage) :]):
        found = read_statement_file(content)
        assert found.refused or found.statements
        for statement in found.statements:
            assert "\n" not in wrong_with(statement)


@pytest.mark.parametrize("after", [":62F:C260227EUR150,00", ":86:more", ":61:2602270227C10,00NTRFNONREF"])
def test_a_dash_that_a_payer_wrote_on_a_line_of_its_own_ends_no_statement(after: str) -> None:
    lines = [":61:2602270227C50,00NTRFNONREF", ":86:/REMI/with thanks -", "-", "", after]
    balance = [] if after.startswith(":62F") else [":62F:C260227EUR150,00"]
    text = "\n".join([":20:STMT", f":25:{IBAN}", ":28C:12/1", ":60F:C260226EUR100,00", *lines, *balance, "-", ""])
    found = read_statement_file(text.encode())
    assert [len(one.entries) for one in found.statements] == [1 + after.startswith(":61")]
