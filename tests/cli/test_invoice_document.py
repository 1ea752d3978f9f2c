"""`arrears invoice document` writes the document of an invoice into a file, whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg
from tests.cli import commands
from tests.cli.test_live_commands import MAP, with_mail
from tests.notices.invoice_papers import words_on

HEADER = "customer,number,issued,due,amount,paid,what,vat,rate,mail\n"
TAXED = """
text = { column = "what" }
tax = { column = "vat" }
tax_rate = { column = "rate" }

[payment]"""
SELLER = """
[seller]
name = "Voorbeeld"
street = "Kade 1"
city = "Amsterdam"
country = "NL"
tax_number = "NL001234567B01"

[[account]]
currency = "EUR"
iban = "NL91 ABNA 0417 1643 00"
"""


def test_a_book_with_tax_comes_in_and_its_invoices_go_out_as_documents(
    database_url: str, migrated: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS invoice_documents WITH (FORCE)")
        db.execute(f"CREATE DATABASE invoice_documents TEMPLATE {migrated}")
    file = tmp_path / "invoicing.toml"
    environment = {
        "ARREARS_DATABASE_URL": database_url,
        "ARREARS_DATABASE": "invoice_documents",
        "ARREARS_HOME": str(tmp_path),
        "ARREARS_MAIL_FOLDER": str(tmp_path / "mail"),
        "ARREARS_INVOICING": str(file),
    }

    def arrears(*arguments: str) -> tuple[int, str]:
        done = commands.arrears(*arguments, **environment)
        return done.returncode, done.stdout + done.stderr

    file.write_text(SELLER.replace("43 00", "43 01"))
    code, said = arrears("run")
    assert (code, said.count("\n")) == (2, 1)
    assert "ARREARS_INVOICING: invoicing.toml: account 1: iban is" in said
    file.write_text(SELLER)
    (tmp_path / "map.toml").write_text(MAP.replace("[payment]", TAXED).replace('value = "card"', 'value = "invoice"'))
    rows = with_mail("anna,I-1,2026-01-01,2026-01-31,121.00,,Cloud,21.00,21%\n")
    (tmp_path / "book.csv").write_text(HEADER + rows)
    assert arrears("import", str(tmp_path / "book.csv"), "--map", str(tmp_path / "map.toml"))[0] == 0
    first, second = tmp_path / "1.pdf", tmp_path / "2.pdf"
    code, said = arrears("invoice", "document", "I-1", "--output", str(first))
    assert code == 0, said
    assert said.startswith("invoice I-1, made ")
    assert hashlib.sha256(first.read_bytes()).hexdigest() in said
    assert "Cloud 21% € 100,00" in words_on(first.read_bytes())
    assert arrears("invoice", "document", "I-1", "--output", str(second)) == (0, said)
    assert first.read_bytes() == second.read_bytes()
    code, said = arrears("invoice", "document", "I-9", "--output", str(tmp_path / "9.pdf"))
    assert (code, "there is no invoice 'I-9'" in said, (tmp_path / "9.pdf").exists()) == (2, True, False)
    assert arrears("invoice", "credit", "I-1", "12.10", "--by", "Ann", "--why", "agreed")[0] == 0
    credit = tmp_path / "credit.pdf"
    code, said = arrears("invoice", "document", "I-1", "--credit-note", "1", "--output", str(credit))
    assert (code, said[:25]) == (0, "credit note I-1-C1, made "), said
    assert "Btw 21% over € 10,00 € 2,10" in words_on(credit.read_bytes())
    agreed = ("--by", "Ann", "--why", "agreed")
    code, said = arrears("account", "by-invoice", "anna", "--limit", "5000", *agreed)
    assert (code, "is not CURRENCY=AMOUNT" in said) == (2, True)
    assert arrears("account", "by-invoice", "anna", "--limit", "EUR=50.00", *agreed) == (0, "acc_1 pays by invoice\n")
