"""The pages of reports: what each is by definition, its figures, the accounts behind them, and a file of the same."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests import members
from tests.site import PASSWORD
from tests.web.states import Town

from arrears.core.money import parse_amount
from arrears.core.reports import ReceivablesReport

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture(scope="module")
def viewer(town: Town) -> Client:
    """Somebody who may look."""
    from django.test import Client

    client = Client(HTTP_HOST="localhost")
    members.made("reports@operator.example", "Robin", PASSWORD, "viewer", town.now)
    with psycopg.connect(town.shop.database) as db:
        db.execute("DELETE FROM throttle")
    assert members.both_steps(client, "reports@operator.example", PASSWORD) == 302
    return client


def tables(page: str) -> list[list[str]]:
    """The cells of every row, without their tags."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


def sheet(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode().lstrip("\ufeff"))))


@pytest.mark.parametrize("report", list(ReceivablesReport))
def test_each_report_says_what_it_is_and_every_figure_opens_its_accounts(
    viewer: Client, report: ReceivablesReport
) -> None:
    page = viewer.get(f"/console/reports/{report.value}?months=36").content.decode()
    opened = re.findall(r'<th scope="row"><a href="(\?[^"]+)"', page)
    for address in opened:
        answer = viewer.get(f"/console/reports/{report.value}{address.replace('&amp;', '&')}")
        assert answer.status_code == 200
        assert re.search(r'<th scope="row"><a href="/console/acc_\d+/">', answer.content.decode()), address
    listed = viewer.get("/console/reports").content.decode()
    assert f'href="/console/reports/{report.value}"' in listed
    assert len(sheet(viewer.get(f"/console/reports/{report.value}?months=36&as=csv"))) == 1 + len(opened)


def test_a_file_of_a_report_adds_up_to_the_page(viewer: Client, town: Town) -> None:
    heads, *rows = sheet(viewer.get("/console/reports/ageing?as=csv"))
    assert heads == ["Days past the due date", "Currency", "Invoices", "Open", "Held"]
    with psycopg.connect(town.shop.database) as db:
        owed = dict(db.execute("SELECT currency, sum(open_minor) FROM invoice GROUP BY currency").fetchall())
    total: dict[str, int] = {}
    for _group, currency, _number, opened, _held in rows:
        total[currency] = total.get(currency, 0) + parse_amount(opened, currency)
    assert total == {currency: minor for currency, minor in owed.items() if minor}


def test_what_is_drawn_is_what_the_table_says(viewer: Client) -> None:
    page = viewer.get("/console/reports/ageing").content.decode()
    drawn = [json.loads(one) for one in re.findall(r'type="application/json">(.*?)</script>', page)]
    assert drawn
    for part, table in zip(drawn, re.findall(r"<table>.*?</table>", page, re.DOTALL), strict=True):
        assert part["groups"] == [row[0] for row in tables(table)[1:]]
        assert None not in part["values"]


@pytest.mark.parametrize(
    "asked",
    [
        "nothing",
        "by_step?group=junk",
        "recovery?group=2026-99",
        "by_method?group=",
    ],
)
def test_what_there_is_not_is_not_found(viewer: Client, asked: str) -> None:
    assert viewer.get(f"/console/reports/{asked}").status_code == 404


@pytest.mark.parametrize("months", ["", "0", "-1", "99999", "x", "1" * 5000])
def test_a_number_of_months_that_is_none_is_a_year(viewer: Client, months: str) -> None:
    answer = viewer.get(f"/console/reports/recovery?months={months}")
    assert answer.status_code == 200
    assert '<option value="12" selected>' in answer.content.decode()
