"""The statement files of the list of bad input, by number (reference/reliability.md, 69-88): what each is answered, in
one line, and that nothing of it is settled; and how little memory those that are made to harm take."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.adapters.test_statements import IBAN, camt, entry, swift, transfer

from arrears.adapters.books.statements import apart
from arrears.adapters.books.statements.reading import BYTES_MAX, read_statement_file
from arrears.core.bank.statements import BankFile
from arrears.engine.commands.bank.taking import gaps_in, wrong_with_file
from arrears.ports.bank import Closing

OURS = {(IBAN, "EUR")}
XI = "http://www.w3.org/2001/XInclude"
REF = "<AcctSvcrRef>R1</AcctSvcrRef>"
BATCH = "".join(transfer(f"T{at}", "1.00") for at in range(500))


def read(content: bytes) -> BankFile:
    return read_statement_file(content)


@pytest.mark.parametrize(
    ("number", "content", "why"),
    [
        (69, b"", "it is empty"),
        (70, b"<html></html>", "it is XML with"),
        (70, b"\x89PNG\r\n\x1a\n\x00\x00", ""),
        (71, b"<!DOCTYPE x><x/>", "DOCTYPE"),
        (71, camt(f"<x:include xmlns:x='{XI}' href='file:///etc/passwd'/>"), "includes another file"),
        (73, b"<" + b" " * BYTES_MAX, "larger than 32 MiB"),
        (74, gzip.compress(b"x" * 1000, mtime=0), "it is packed"),
        (74, b"PK\x03\x04", "it is packed"),
        (75, camt(entry(details=transfer("é"))).replace("é".encode(), b"\xe9"), "not well-formed"),
        (76, camt(entry(), message="053.001.14"), "camt.053.001.14 is not read here"),
        (77, camt(entry()).replace(IBAN.encode(), b"NL02ABNA0123456789"), "not one of our bank accounts"),
        (78, camt(entry(), closing="150.01"), "it begins with"),
        (80, camt(entry(amount="1,234.56")), "is not an amount"),
        (80, camt(entry(amount="12.345")), "more decimals"),
        (80, camt(entry(amount="")), "is not an amount"),
        (80, camt(entry(amount="-1.00")), "is not an amount"),
        (80, camt(entry(amount="1" * 19)), "more than 15 digits"),
        (84, camt(entry("499.99", details=BATCH), closing="599.99"), "is a batch of"),
        (85, camt(entry(more=REF) + entry("7.00", more=REF), closing="157.00"), "stands twice"),
    ],
    ids=lambda one: f"{len(one)} bytes" if isinstance(one, bytes) else str(one),
)  # fmt: skip
def test_what_settles_nothing_says_why_in_one_line(number: int, content: bytes, why: str) -> None:
    said = wrong_with_file(read(content), OURS)
    assert said, number
    assert why in said
    assert "\n" not in said
    assert len(said) < 300


def test_75_what_declares_its_encoding_is_read() -> None:
    text = camt(entry(details=transfer("é"))).decode()
    for said, encoding in (("UTF-16", "utf-16"), ("ISO-8859-1", "latin-1"), ("UTF-8", "utf-8-sig")):
        [statement] = read(text.replace("UTF-8", said).encode(encoding)).statements
        assert statement.entries[0].transactions[0].text == "é", said


def test_76_early_notices_never_close_a_day() -> None:
    for message in ("052.001.06", "054.001.08"):
        assert [one.kind.value for one in read(camt(entry(), message=message)).statements] == ["early"]


def test_79_a_gap_is_seen_and_the_statement_taken() -> None:
    from datetime import date

    days = [Closing(0, 100, date(2026, 1, 5), 1), Closing(300, 400, date(2026, 1, 7), 3)]
    assert "one is missing" in gaps_in(days)[0]
    assert gaps_in([*days, Closing(100, 300, date(2026, 1, 6), 2)]) == []


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ({2: 1, 5: 2, 6: 4}, True),
        ({2: 1, 5: 2, 6: 3, 7: 4}, False),
        ({2: 1, 5: 2, 6: 2, 7: 3}, False),
        ({2: 7, 5: 10, 6: 11, 9: 14}, False),
        ({2: 26002, 5: 26005, 6: 26006, 7: 26008}, False),
        ({2: 0, 5: 0, 6: 0}, False),
        ({2: 9, 5: 1, 6: 2}, False),
        ({-2: 250, -1: 251, 5: 1, 6: 2}, False),
    ],
    ids=["left out", "each", "given twice", "days of the year", "dates", "none", "anew", "a new year"],
)
def test_79_a_gap_that_the_balances_do_not_show_is_seen_by_the_numbers(numbers: dict[int, int], missing: bool) -> None:
    """An account that is swept each night."""
    from datetime import date, timedelta

    days = [Closing(0, 0, date(2026, 1, 1) + timedelta(day - 1), number) for day, number in numbers.items()]
    assert ["one is missing" in said for said in gaps_in(days)] == [True] * missing


def test_81_an_entry_that_lacks_its_sign_or_day_waits_for_a_person() -> None:
    [unsigned] = read(camt(entry(sign=""))).statements[0].entries
    [undated] = read(camt(entry().replace("2026-02-27", "2026-02-30"))).statements[0].entries
    assert "came in or went out" in unsigned.unclear
    assert "no day" in undated.unclear


def test_82_what_is_not_booked_is_not_settled() -> None:
    [statement] = read(camt(entry() + entry("9.00", status="PDNG") + entry("9.00", status="INFO"))).statements
    assert (len(statement.entries), statement.left_out) == (1, 2)


def test_83_a_reversal_says_so() -> None:
    [found] = read(camt(entry(more="<RvslInd>true</RvslInd>"))).statements[0].entries
    assert found.reversal


def test_86_and_87_mt940_in_all_its_forms() -> None:
    for mark, minor in (("C", 5000), ("D", -5000), ("RC", -5000), ("RD", 5000)):
        closing = f"C260227EUR{'150,00' if minor > 0 else '50,00'}"
        content = swift(f":61:260227{mark}50,NTRFNONREF", *(":86:?20one", *("?21two",) * 6), closing=closing)
        for variant in (content, content.replace(b"\r\n", b"\n"), content + b"-}\r\n"):
            assert wrong_with_file(read(variant), OURS) == "", (mark, variant)
            assert read(variant).statements[0].entries[0].amount_minor == minor
    wrong = read(swift(":61:260230C50,NTRFNONREF"))
    assert wrong_with_file(wrong, OURS) or wrong.statements[0].entries[0].unclear
    [over_the_year] = read(
        swift(":61:2512310102C50,NTRFNONREF", opening="C260101EUR100,00", closing="C260102EUR150,00")
    ).statements
    [found] = over_the_year.entries
    assert (str(found.value_on), str(found.booked_on)) == ("2025-12-31", "2026-01-02")


def test_88_remittance_that_could_do_harm_is_text() -> None:
    text = "&lt;b&gt; =cmd() " + "x" * 10_000
    [found] = read(camt(entry(details=transfer(text)))).statements[0].entries
    assert found.transactions[0].text.startswith("<b> =cmd()")


HARMFUL = """
import io, resource, sys, time, zipfile
from arrears.adapters.books.statements import apart
from arrears.adapters.books.statements.reading import read_statement_file as read

def entities(depth, wide):
    lines = ["<!ENTITY a0 'lol'>"] + [f"<!ENTITY a{n} '" + f"&a{n-1};" * wide + "'>" for n in range(1, depth)]
    return f"<!DOCTYPE x [{''.join(lines)}]><x>&a{depth-1};</x>".encode()

packed = io.BytesIO()
with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
    file.writestr("a.xml", bytes(20 << 20))
made = {
    "billion laughs": entities(10, 10),
    "quadratic": f"<!DOCTYPE x [<!ENTITY a '{'x' * 50000}'>]><x>{'&a;' * 50000}</x>".encode(),
    "token in an attribute": b"<a b='" + b"x" * (8 << 20) + b"'/>",
    "token as a text": b"<a>" + b"x" * (8 << 20) + b"</a>",
    "zip bomb": packed.getvalue(),
}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name, content in made.items():
    began = time.perf_counter()
    assert read(content).refused, name
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    sys.stdout.write(f"{name}\\t{time.perf_counter() - began:.3f}\\t{grown}\\n")
"""


def test_72_and_74_what_is_made_to_harm_is_refused_in_little_memory() -> None:
    done = subprocess.run([sys.executable, "-c", HARMFUL], capture_output=True, text=True, timeout=120, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == 5
    assert max(int(kib) for _, _, kib in rows) < 64 * 1024, rows


@pytest.mark.parametrize(
    ("code", "refused"),
    [(-signal.SIGXCPU, "statement_too_slow"), (-signal.SIGKILL, "statement_too_large"), (1, "statement_too_large")],
)
def test_a_reader_that_is_ended_says_by_which_of_its_bounds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, refused: str
) -> None:
    """Its minute is a processor's: how busy the machine is says nothing about a file."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], code, b"", b""))
    (tmp_path / "large.xml").write_bytes(b"<" * (apart.SMALL_BYTES + 1))
    assert apart.read_apart(tmp_path / "large.xml").code == refused
    assert apart.CLOCK_SECONDS_MAX > apart.SECONDS_MAX
