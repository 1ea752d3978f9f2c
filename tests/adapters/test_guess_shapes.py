"""Shapes of systems that have no ready map, in their languages: what a proposed map would demand is what is owed, or it
says what it doubts; whatever column is missing."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import pytest
from tests.adapters.test_ready_map_words import demanded
from tests.adapters.test_ready_maps import EXPORTS

from arrears.adapters.books import guess, load_map, read_book
from arrears.adapters.books.guess_table import table_of
from arrears.core.errors import Refused

RECURLY = """id,account_code,account_name,email,invoice_number,invoice_state,type,invoice_date,due_on,currency,\
invoice_total,paid,balance
r1,acc1,Ann,a@x.example,1001,past_due,charge,2026-01-10 10:00:00 UTC,2026-02-09 10:00:00 UTC,EUR,121.00,21.00,100.00
r2,acc1,Ann,a@x.example,1002,paid,charge,2026-01-11 10:00:00 UTC,2026-02-10 10:00:00 UTC,EUR,121.00,121.00,0.00
r3,acc2,Bob,b@x.example,1003,failed,charge,2026-01-11 10:00:00 UTC,2026-02-10 10:00:00 UTC,EUR,121.00,0.00,0.00
r4,acc2,Bob,b@x.example,1004,closed,credit,2026-01-11 10:00:00 UTC,2026-02-10 10:00:00 UTC,EUR,-121.00,0.00,0.00
r5,acc2,Bob,b@x.example,1005,voided,charge,2026-01-13 10:00:00 UTC,2026-02-10 10:00:00 UTC,EUR,121.00,0.00,0.00
"""
SAGE = """Type,A/C,Date,Ref,Details,Due On,Net Amount,Tax Amount,Gross,Amount Paid,O/S
SI,ABC01,13/01/2026,1001,Goods,09/02/2026,100.00,20.00,120.00,20.00,100.00
SC,ABC01,15/01/2026,1002,Credit,15/01/2026,50.00,10.00,60.00,0.00,60.00
SA,ABC01,20/01/2026,PAY1,Receipt,20/01/2026,500.00,0.00,500.00,0.00,500.00
SI,XYZ01,25/01/2026,1003,Goods,24/02/2026,100.00,20.00,120.00,0.00,120.00
"""
PADDLE = """id,status,customer_id,customer_email,invoice_number,currency_code,\
details_totals_grand_total,details_totals_balance,billed_at
txn_1,completed,ctm_1,a@x.example,1-10001,EUR,12100,0,2026-01-10T10:00:00.000Z
txn_2,past_due,ctm_2,b@x.example,1-10002,EUR,12100,12100,2026-01-10T10:00:00.000Z
txn_3,canceled,ctm_2,b@x.example,1-10003,EUR,12100,12100,2026-01-10T10:00:00.000Z
"""
EXACT = """Debiteurnr.;Naam;Factuurnummer;Factuurdatum;Vervaldatum;Valuta;Bedrag;Openstaand
10001;Jansen B.V.;26700001;13-01-2026;09-02-2026;EUR;1.210,00;1.210,00
10001;Jansen B.V.;26700002;11-01-2026;10-02-2026;EUR;605,00;0,00
10002;De Vries;26700003;12-01-2026;11-02-2026;EUR;-121,00;-121,00
"""
MONEYBIRD = """Factuurnummer,Contact,Klantnummer,Factuurdatum,Vervaldatum,Status,Valuta,Totaal inclusief btw,Betaald op
2026-0001,Jansen,1,2026-01-10,2026-01-24,Te laat,EUR,121.00,
2026-0002,Jansen,1,2026-01-13,2026-01-27,Betaald,EUR,121.00,2026-01-20
2026-0003,Jansen,1,2026-01-14,2026-01-28,Oninbaar,EUR,121.00,
2026-0004,Smit,2,2026-01-14,2026-01-28,Openstaand,EUR,121.00,
"""
SNELSTART = """Relatiecode;Naam;Factuurnummer;Factuurdatum;Vervaldatum;Factuurbedrag;Openstaand saldo
1001;Jansen;F2601;10-01-2026;24-01-2026;€ 1.210,00;€ 210,00
1002;Pieters;F2602;13-01-2026;27-01-2026;€ 121,00;€ 0,00
"""
FAKTUROWNIA = """Numer;Nabywca;NIP;Data wystawienia;Termin płatności;Status;Waluta;\
Wartość netto;Wartość brutto;Kwota opłacona
1/01/2026;Kowalski;123;2026-01-10;2026-01-24;Opłacona;PLN;100,00;123,00;123,00
2/01/2026;Nowak;124;2026-01-11;2026-01-25;Częściowo opłacona;PLN;1 000,00;1 230,00;230,00
3/01/2026;Nowak;124;2026-01-13;2026-01-27;Wystawiona;PLN;100,00;123,00;0,00
"""
SQUARE = """Invoice ID,Customer Name,Customer Email,Invoice Date,Due Date,Status,Requested Amount,Amount Paid,Currency
000001,Ann,a@x.example,1/10/26,2/9/26,Paid,$121.00,$121.00,USD
000002,Ann,a@x.example,1/11/26,2/10/26,Overdue,"$1,121.00",$0.00,USD
000003,Bob,b@x.example,1/13/26,2/13/26,Canceled,$121.00,$0.00,USD
000004,Bob,b@x.example,1/13/26,2/13/26,Partially paid,$121.00,$21.00,USD
000005,Bob,b@x.example,1/13/26,2/13/26,Refunded,$121.00,$121.00,USD
"""
GERMAN = """Kunde;Rechnungsnummer;Rechnungsdatum;Fällig am;Betrag;Bezahlt;Währung
a1;1;10.01.2026;20.01.2026;100,00;100,00;EUR
b2;2;13.01.2026;23.01.2026;100,00;30,00;EUR
"""
FRENCH = """Client;Numéro de facture;Date de facture;Échéance;Montant TTC;Montant réglé;Statut;Devise
c1;F1;13/01/2026;20/02/2026;100,00;100,00;Payée;EUR
c2;F2;13/01/2026;20/02/2026;100,00;30,00;Partiellement payée;EUR
"""
SPANISH = """Cliente;Número factura;Fecha factura;Vencimiento;Importe;Pagado;Estado;Moneda
c1;F1;13/01/2026;20/02/2026;100,00;100,00;Pagada;EUR
c2;F2;13/01/2026;20/02/2026;100,00;30,00;Pendiente;EUR
c2;F3;13/01/2026;20/02/2026;100,00;0,00;Anulada;EUR
"""
ITALIAN = """Cliente;Numero fattura;Data fattura;Scadenza;Totale;Pagato;Stato;Valuta
c1;F1;13/01/2026;20/02/2026;100,00;sì;Pagata;EUR
c2;F2;13/01/2026;20/02/2026;70,00;no;Scaduta;EUR
"""
PORTUGUESE = """Cliente;Fatura;Data de emissão;Vencimento;Valor total;Valor pago;Estado;Moeda
c1;F1;13/01/2026;20/02/2026;100,00;100,00;Paga;EUR
c2;F2;13/01/2026;20/02/2026;100,00;30,00;Vencida;EUR
"""
FLAGS = """customer,number,date,due,total,paid,voided,currency
a1,1,2026-01-10,2026-01-20,100.00,yes,no,EUR
b2,2,2026-01-13,2026-01-23,100.00,no,yes,EUR
b2,3,2026-01-13,2026-01-23,70.00,no,no,EUR
"""
DAYS = """customer,number,date,due,total,paid,voided_at,currency
a1,1,2026-01-10,2026-01-20,100.00,2026-01-15,,EUR
b2,2,2026-01-13,2026-01-23,100.00,,2026-01-20,EUR
b2,3,2026-01-13,2026-01-23,70.00,,,EUR
"""
OWED = {
    "recurly": (RECURLY, 10_000),
    "sage": (SAGE, 22_000 - 56_000),
    "paddle": (PADDLE, 1_210_000),  # Whole sums: that they are cents is a doubt.
    "exact": (EXACT, 121_000 - 12_100),
    "moneybird": (MONEYBIRD, 24_200),
    "snelstart": (SNELSTART, 21_000),
    "fakturownia": (FAKTUROWNIA, 112_300),
    "square": (SQUARE, 122_100),
    "german": (GERMAN, 7_000),
    "french": (FRENCH, 7_000),
    "spanish": (SPANISH, 7_000),
    "italian": (ITALIAN, 7_000),
    "portuguese": (PORTUGUESE, 7_000),
    "flags": (FLAGS, 7_000),
    "days": (DAYS, 7_000),
}
ALIKE = {"xero_4dec", "xero_2dec", "german_total", "german_utf16", "french_eursign", "stripe_cleaned"}
"""Exports with the columns of another one."""


def proposed(path: Path) -> tuple[str, int | None]:
    """A map and what it would demand; nothing where the map is not whole, or does not read the file."""
    text = guess(path)
    (path.parent / "proposed.toml").write_text(text, encoding="utf-8")
    try:
        return text, demanded(read_book(path, load_map(path.parent / "proposed.toml")))
    except Refused:
        return text, None


def doubts(text: str) -> set[str]:
    return {line for line in text.splitlines() if line.startswith("# DOUBT: ")}


@pytest.mark.parametrize("name", OWED)
def test_a_shape_without_a_ready_map_is_read_to_the_cent(tmp_path: Path, name: str) -> None:
    content, owed = OWED[name]
    (tmp_path / "book.csv").write_text(content, encoding="utf-8")
    text, found = proposed(tmp_path / "book.csv")
    assert found == owed, text
    assert "cannot be read" not in text
    assert "does not read" not in text


def written(folder: Path, name: str) -> Path:
    file = folder / "whole.csv"
    if name in OWED:
        file.write_text(OWED[name][0], encoding="utf-8")
    else:
        file.write_bytes((EXPORTS / f"{name}.csv").read_bytes())
    return file


@pytest.mark.sample(10)
@pytest.mark.parametrize("name", sorted({*OWED, *(path.stem for path in EXPORTS.glob("*.csv"))} - ALIKE))
def test_without_any_one_column_what_is_demanded_is_the_same_or_in_a_doubt_of_its_own(
    tmp_path: Path, name: str
) -> None:
    whole = written(tmp_path, name)
    text, owed = proposed(whole)
    table = table_of(whole)
    for place, column in enumerate(table.header):
        with (tmp_path / "part.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            for row in (table.header, *table.all_rows):
                writer.writerow([cell for at, cell in enumerate(row) if at != place])
        try:
            less, found = proposed(tmp_path / "part.csv")
        except Refused:
            continue
        assert found == owed or doubts(less) - doubts(text), f"without {column}: {found}, not {owed}\n{less}"


def test_where_a_needed_column_is_not_known_the_rest_is_proposed_and_nothing_reads_it_yet(tmp_path: Path) -> None:
    content = SNELSTART.replace("Factuurnummer", "Kenmerk X")
    (tmp_path / "book.csv").write_text(content, encoding="utf-8")
    text, found = proposed(tmp_path / "book.csv")
    assert "# DOUBT: which column is the invoice number? (one of Kenmerk X)" in text
    assert found is None
    assert "number" not in tomllib.loads(text)["invoice"]


def test_a_refusal_speaks_of_what_a_person_knows(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text("shoe,size\nleft,2\n")
    with pytest.raises(Refused, match="no column is called like the customer, the invoice number, the day on which"):
        guess(tmp_path / "book.csv")


def test_a_row_that_is_paid_by_its_word_and_not_by_its_day_is_in_doubt(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text(MONEYBIRD.replace("2026-01-20\n", "\n"), encoding="utf-8")
    assert "# DOUBT: 1 rows are paid by Status and not by Betaald op: they are asked for" in guess(
        tmp_path / "book.csv"
    )


def test_sums_that_may_lower_what_is_owed_are_named(tmp_path: Path) -> None:
    content = (
        GERMAN.replace("Bezahlt", "Bezahlt;credits").replace(";EUR", ";0,00;EUR").replace("credits;", "credits;", 1)
    )
    (tmp_path / "book.csv").write_text(content, encoding="utf-8")
    assert "# DOUBT: credits is not read: does it say that less is owed?" in guess(tmp_path / "book.csv")


def test_a_column_that_is_called_paid_and_holds_something_else_is_named(tmp_path: Path) -> None:
    content = FLAGS.replace("yes,no", "on the 3rd of March,no")
    (tmp_path / "book.csv").write_text(content, encoding="utf-8")
    assert "# DOUBT: paid is not read: does it say that less is owed?" in guess(tmp_path / "book.csv")


def test_a_blank_behind_the_sign_of_a_currency_groups_nothing(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text(SNELSTART.replace("1.210,00", "210,00"), encoding="utf-8")
    assert tomllib.loads(guess(tmp_path / "book.csv"))["file"]["grouping"] == "."
