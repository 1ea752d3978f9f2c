"""One truth, however rows come: sent by sixteen clients at once, in every order, in parts and again and again."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.web.test_upserts import ANNA, Billing, billing, history, money

__all__ = ["billing", "history"]  # fixtures of the same names

CLIENTS = 16
ACCOUNTS = 4


def book(billing: Billing, name: str) -> list[dict[str, Any]]:
    """Four customers with three invoices each: one paid, one in part and disputed, one given up."""
    rows: list[dict[str, Any]] = []
    for customer in range(ACCOUNTS):
        ref = f"{billing.ref}-{name}-{customer}"
        rows.append({"kind": "account", "ref": ref, **ANNA})
        for place, more in enumerate(
            ({"paid": money(12_000)}, {"paid": money(500), "disputed": True}, {"standing": "uncollectible"})
        ):
            rows.append({"kind": "invoice", "number": f"{ref}-{place}", **billing.word(account=ref, **more)})
    return rows


def sums(billing: Billing, rows: list[dict[str, Any]]) -> list[Any]:
    """What each invoice comes to."""
    numbers = [row["number"] for row in rows if row["kind"] == "invoice"]
    said = [billing.ask("GET", f"invoices/{number}")[1] for number in numbers]
    return [(one["open"], one["standing"], one["disputed"]) for one in said]


@pytest.mark.turn(2)
def test_sixteen_clients_that_send_all_in_any_order_come_to_one_truth(
    billing: Billing, history: Any, request: Any
) -> None:
    from django.db import connection
    from django.test import Client

    dice = random.Random(str(request.config.getoption("randomly_seed")))
    alone, raced = book(billing, "alone"), book(billing, "raced")
    assert billing.rows(*alone)[1]["refused"] == 0
    whole = []
    for _ in range(CLIENTS):
        accounts = {row["ref"]: row for row in raced if row["kind"] == "account"}
        parts = [[accounts[ref], *(r for r in raced if r.get("account") == ref)] for ref in accounts]
        dice.shuffle(parts)
        whole.append([dice.sample(part, len(part)) for part in (parts[0] + parts[1], parts[2] + parts[3])])

    def say(parts: list[list[dict[str, Any]]]) -> list[tuple[int, int]]:
        mine = Billing(Client(raise_request_exception=False, HTTP_HOST="localhost"), billing.token)
        try:
            return [(status, said["refused"]) for status, said in (mine.rows(*part) for part in parts)]
        finally:
            connection.close()

    with ThreadPoolExecutor(CLIENTS) as threads:
        found = [one for several in threads.map(say, whole) for one in several]
    assert set(found) == {(200, 0)}
    for mine, other in zip(alone, raced, strict=True):
        if mine["kind"] == "account":
            assert sorted(history(mine["ref"])) == sorted(history(other["ref"]))
    assert sums(billing, raced) == sums(billing, alone)
    assert [row["result"] for row in billing.rows(*reversed(raced))[1]["rows"]] == ["unchanged"] * len(raced)


def test_rows_of_a_later_word_and_then_the_earlier_again_are_said_as_they_come(billing: Billing) -> None:
    """A row is the word of whoever sends it now: an older one that comes late is a newer word, and its lower sum that
    is paid takes back only what rows have booked."""
    [account, paid, *_] = book(billing, "late")
    billing.rows(account, paid)
    said = billing.rows({**paid, "paid": money(0)})[1]["rows"]
    assert [one["changed"] for one in said] == [["paid"]]
    assert billing.rows(paid)[1]["rows"][0]["changed"] == ["paid"]
    assert billing.rows(paid)[1]["rows"][0]["result"] == "unchanged"
