"""A bank's file by request: what the command says of it, once, and never half."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.site import using
from tests.web.conftest import NOW
from tests.web.test_upserts import Billing, billing

from arrears.core.bank.creditor_reference import creditor_reference
from arrears.core.bank.references import folded
from arrears.core.bank.statements import Balance, BankEntry, BankStatement, BankTransaction, StatementKind
from arrears.core.system import BANK
from arrears.sim.bank_file import camt_053

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["billing"]

IBAN: Final = "NL91ABNA0417164300"
DAY: Final = date(2026, 6, 2)
_FILES: Final = count(1)


@pytest.fixture(autouse=True)
def ours(site: str) -> Iterator[None]:
    """One bank account of ours."""
    with using(bank_accounts=((IBAN, "EUR"),)):
        yield


class Bank:
    """A bank that has booked one transfer, and a program that sends its files."""

    def __init__(self, client: Client, scopes: str = "bank:write") -> None:
        from arrears.web.api_tokens import create_token

        self.client, self.token = client, create_token("bank", scopes, NOW)
        self.number = next(_FILES)

    def file(self, *credits: tuple[int, str], closing: int | None = None) -> bytes:
        entries = tuple(
            BankEntry(
                minor,
                "EUR",
                DAY,
                DAY,
                f"R{self.number}-{at}",
                transactions=(
                    BankTransaction(minor, "EUR", (creditor_reference(folded(ref)),) if ref else (), name="Anna"),
                ),
            )
            for at, (minor, ref) in enumerate(credits)
        )
        end = sum(minor for minor, _ in credits) if closing is None else closing
        ends = [Balance(minor, "EUR", DAY) for minor in (0, end)]
        statement = BankStatement("camt.053.001.08", StatementKind.STATEMENT, IBAN, "EUR", *ends, entries)
        return camt_053([statement], f"M{self.number}")

    def send(self, content: bytes, query: str = "", kind: str = "application/octet-stream") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.client.generic("POST", f"/v1/bank/statements{query}", content, kind, headers=headers)
        return answer.status_code, json.loads(answer.content)


def test_a_file_is_taken_once_and_pays_what_it_names(billing: Billing, client: Client) -> None:
    billing.account()
    billing.invoice()
    bank = Bank(client)
    content = bank.file((9_900, billing.number), (123, ""))
    looked = bank.send(content, "?dry_run=true")
    assert (looked[0], looked[1]["dry_run"], looked[1]["files"][0]["state"]) == (200, True, "complete")
    status, said = bank.send(content, "?name=today.xml")
    [file] = said["files"]
    assert (status, file["file"], file["state"], file["known"]) == (200, "today.xml", "complete", False)
    decided = [part["decided"] for entry in file["entries"] for part in entry["transactions"]]
    assert decided == ["matched", "waiting"]
    account = billing.ask("GET", f"accounts/{billing.ref}")[1]["account"]
    assert file["entries"][0]["transactions"][0]["account"] == account
    paid = billing.ask("GET", f"invoices/{billing.number}")
    again = bank.send(content)[1]["files"][0]
    assert (again["state"], again["known"]) == ("complete", True)
    assert billing.ask("GET", f"invoices/{billing.number}") == paid


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b" ", 400, "empty_file"),
        (b"PK\x03\x04", 415, "packed_file"),
        (b"%PDF-1.7", 415, "unknown_statement_format"),
        (b"Date;Amount\n2026-06-02;1.00\n", 415, "unknown_statement_format"),
        (b"<!DOCTYPE x><x/>", 422, "doctype"),
        (b"<" + b" " * 32 * 1024 * 1024, 413, "file_too_large"),
    ],
)
def test_what_cannot_be_read_is_one_problem_and_a_task(
    client: Client, billing: Billing, content: bytes, status: int, code: str
) -> None:
    from arrears.wiring import installed

    was, said = Bank(client).send(content, "?name=x.xml")
    assert (was, said["code"], "\n" in said["detail"]) == (status, code, False)
    assert any(one.startswith(BANK + IBAN) for one in installed().store.system().books_refused)


def test_what_does_not_add_up_settles_nothing(billing: Billing, client: Client) -> None:
    billing.account()
    billing.invoice()
    before = billing.ask("GET", f"invoices/{billing.number}")
    bank = Bank(client)
    status, said = bank.send(bank.file((9_900, billing.number), closing=1))
    assert (status, said["code"], said["file"]["state"]) == (422, "statement_quarantined", "quarantined")
    assert "it begins with" in said["detail"]
    assert billing.ask("GET", f"invoices/{billing.number}") == before


@pytest.mark.parametrize("scopes", ["*:read", "invoices:write", "bank:read", "payments:money"])
def test_it_needs_its_own_scope(client: Client, scopes: str) -> None:
    status, said = Bank(client, scopes).send(b"x")
    assert (status, said["code"]) == (403, "forbidden")


def test_json_is_no_file(client: Client) -> None:
    assert Bank(client).send(b"{}", kind="application/json")[0] == 415


def test_nothing_at_all_is_an_empty_file(client: Client) -> None:
    headers = {"Authorization": f"Bearer {Bank(client).token}"}
    answer = client.generic("POST", "/v1/bank/statements", b"", content_type="", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "empty_file")


@pytest.mark.parametrize("verb", ["TRACE", "PUT", "PATCH"])
def test_a_file_by_another_method_is_405(client: Client, verb: str) -> None:
    headers = {"Authorization": f"Bearer {Bank(client).token}"}
    kind = "application/octet-stream"
    answer = client.generic(verb, "/v1/bank/statements", b"x", content_type=kind, headers=headers)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


MAP: Final = f"""
[file]
delimiter = ";"
[account]
iban = "{IBAN}"
currency = "EUR"
[entry]
booked_on = "Date"
amount = "Amount"
text = "Text"
"""


@pytest.fixture
def maps(tmp_path: Path) -> Iterator[Path]:
    """The folder in which the operator keeps maps, with one of them."""
    folder = tmp_path / "maps"
    folder.mkdir()
    (folder / "my-bank.toml").write_text(MAP)
    (folder / "wrong.toml").write_text('[entry]\ncolour = "red"\n')
    (tmp_path / "map.toml").write_text(MAP)
    with using(statements_folder=tmp_path):
        yield folder


@pytest.mark.usefixtures("maps")
def test_a_csv_is_read_by_a_map_that_is_named(billing: Billing, client: Client) -> None:
    from arrears.wiring import installed

    billing.account()
    billing.invoice()
    bank = Bank(client)
    reference = creditor_reference(folded(billing.number))
    csv = f"Date;Amount;Text\n2026-06-02;99.00;{reference}\n"
    refused = installed().store.system().books_refused
    status, said = bank.send(csv.encode(), "?map=my-bank&name=day.csv")
    [file] = said["files"]
    [[part]] = [entry["transactions"] for entry in file["entries"]]
    assert (status, file["file"], file["state"], file["format"], part["decided"]) == (
        200,
        "day.csv",
        "complete",
        "csv",
        "matched",
    )
    assert part["account"] == billing.ask("GET", f"accounts/{billing.ref}")[1]["account"]
    assert bank.send(csv.encode(), "?map=my-bank")[1]["files"][0]["known"]
    assert installed().store.system().books_refused == refused


@pytest.mark.usefixtures("maps")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("none", "unknown_map"),
        ("My-Bank", "unknown_map"),
        ("../map", "unknown_map"),
        ("../maps/my-bank", "unknown_map"),
        ("my-bank%0A", "unknown_map"),
        ("wrong", "bad_map"),
    ],
)
def test_no_other_map_is_read_and_no_file_by_a_wrong_one(client: Client, tmp_path: Path, name: str, code: str) -> None:
    status, said = Bank(client).send(b"Date;Amount\n2026-06-02;1.00\n", f"?map={name}")
    assert (status, said["code"], str(tmp_path) in said["detail"]) == (422, code, False)


def test_without_a_folder_there_is_no_map(client: Client) -> None:
    status, said = Bank(client).send(b"Date;Amount\n2026-06-02;1.00\n", "?map=my-bank")
    assert (status, said["code"]) == (422, "unknown_map")


def test_the_gate_lets_in_what_the_reader_reads() -> None:
    from arrears.adapters.books.statements import BYTES_MAX
    from arrears.web import gate

    assert gate.LARGE[gate.STATEMENTS_PATH] == BYTES_MAX
