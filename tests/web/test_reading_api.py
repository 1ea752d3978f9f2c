"""What is here, read by a program: lists that miss nothing, and an account's state as codes, dates and evidence."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.web.conftest import NOW
from tests.web.test_upserts import ANNA, Billing, billing, history, money

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["billing", "history"]  # fixtures of the same names


@pytest.fixture
def owing(billing: Billing) -> str:
    """An account that is past due; its public id."""
    from arrears.engine.run import run
    from arrears.wiring import installed

    number = str(billing.account()[1]["account"])
    billing.invoice(due_on="2026-05-02")
    run(installed().store, installed().clock.now())
    return number


def test_each_list_is_read_page_by_page_and_misses_nothing(billing: Billing, owing: str) -> None:
    for name, key in (
        ("accounts", "account"),
        ("subscriptions", "subscription"),
        ("invoices", "invoice"),
        ("cases", "case"),
        ("tasks", "task"),
    ):
        whole = read_on(billing, name, 1000)
        assert len({one[key] for one in whole}) == len(whole)
        start = whole[-11][key] if len(whole) > 10 else ""
        assert read_on(billing, name, 3, start) == whole[-10:], name


def read_on(billing: Billing, name: str, limit: int, after: str = "") -> list[Any]:
    """A list from a place to its end, so many at a time."""
    read: list[Any] = []
    more: str | None = after
    while more is not None:
        status, said = billing.ask("GET", f"{name}?limit={limit}" + (f"&after={more}" if more else ""))
        assert status == 200, said
        read += said[name]
        more = said["next_after"]
    return read


def test_lists_are_filtered(billing: Billing, owing: str) -> None:
    def listed(path: str) -> list[Any]:
        status, said = billing.ask("GET", path)
        assert status == 200, said
        return list(next(value for value in said.values() if isinstance(value, list)))

    assert [one["state"] for one in listed(f"subscriptions?account={billing.ref}")] == ["past_due"]
    assert listed(f"subscriptions?account={owing}&state=active") == []
    assert [one["service"] for one in listed(f"subscriptions?account={owing}&service=cloud")] == ["cloud"]
    [invoice] = listed(f"invoices?account={owing}&open=true&past_due=true")
    assert (invoice["number"], invoice["open"], invoice["past_due_since"]) == (
        billing.number, money(12_000), "2026-05-03",
    )  # fmt: skip
    assert listed(f"invoices?account={owing}&open=false") == listed(f"invoices?account={owing}&past_due=false") == []
    [case] = listed(f"cases?account={owing}&open=true")
    assert (case["ref"], case["opened_on"], case["outcome"]) == (billing.ref, "2026-05-03", None)
    assert owing in [one["account"] for one in listed("accounts?limit=1000&policy=default&in_case=true")]
    assert owing not in [one["account"] for one in listed("accounts?limit=1000&in_case=false")]
    assert listed("accounts?policy=another") == []


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("accounts?limit=0", (422, "invalid")),
        ("invoices?limit=-1", (422, "invalid")),
        ("cases?limit=1000000000", (422, "invalid")),
        ("subscriptions?state=gone", (422, "invalid")),
        ("accounts?after=x", (400, "bad_cursor")),
        ("accounts?after=inv_1_2", (400, "bad_cursor")),
        ("invoices?after=acc_1", (400, "bad_cursor")),
        ("invoices?account=nobody", (404, "unknown_account")),
        ("invoices?account=sub_1_2", (422, "wrong_id_type")),
        ("cases/case_1_999", (404, "unknown_case")),
        ("cases/inv_1_1", (422, "wrong_id_type")),
        ("policies/none", (404, "unknown_policy")),
        ("accounts/nobody/explanation", (404, "unknown_account")),
        ("accounts?in_cas=true", (422, "invalid")),
        ("accounts?limit=1&limit=2", (422, "invalid")),
        ("accounts/nobody?limit=1", (422, "invalid")),
        ("invoices/none/at/all?x=", (422, "invalid")),
        ("me?x=1", (422, "invalid")),
    ],
)
def test_what_is_asked_wrongly_is_named(billing: Billing, path: str, wanted: tuple[int, str]) -> None:
    status, said = billing.ask("GET", path)
    assert (status, said["code"]) == wanted


def test_an_account_is_explained_as_the_command_explains_it(billing: Billing, owing: str) -> None:
    from click.testing import CliRunner

    from arrears.cli.explain import command

    status, said = billing.ask("GET", f"accounts/{owing}/explanation")
    shown = json.loads(CliRunner().invoke(command, [owing, "--json"]).output)
    assert status == 200
    assert {key: value for key, value in said.items() if key != "ETag"} == shown
    assert [one["kind"] for one in said["because"]] == ["became_past_due"]
    assert billing.ask("GET", f"accounts/{billing.ref}/explanation")[1] == said, "by the operator's own reference too"
    case = billing.ask("GET", f"cases?account={owing}")[1]["cases"][0]["case"]
    explained = billing.ask("GET", f"cases/{case}")[1]
    assert (explained["case"], explained["explanation"]["because"]) == (case, said["because"])


def test_what_lies_ahead_is_told_to_the_end(billing: Billing, owing: str) -> None:
    status, said = billing.ask("GET", f"accounts/{owing}/ahead?limit=200")
    kinds = [one["kind"] for one in said["ahead"]]
    assert status == 200
    assert {"warning", "disabled", "deletion_ordered"} <= {*kinds}
    assert kinds.index("disabled") < kinds.index("deletion_ordered")
    assert len(billing.ask("GET", f"accounts/{owing}/ahead?limit=2")[1]["ahead"]) == 2


def test_a_case_that_has_ended_is_not_explained(billing: Billing, owing: str) -> None:
    billing.invoice(due_on="2026-05-02", paid=money(12_000))
    [case] = billing.ask("GET", f"cases?account={owing}&open=false")[1]["cases"]
    said = billing.ask("GET", f"cases/{case['case']}")[1]
    assert (said["outcome"], said["explanation"]) == ("settled", None)


def test_a_task_is_listed_and_closed_once(client: Client, billing: Billing, owing: str) -> None:
    from arrears.web.api_tokens import create_token

    billing.invoice(due_on="2026-05-02", total=money(20_000))
    [task] = billing.ask("GET", f"tasks?account={owing}")[1]["tasks"]
    assert (task["account"], task["ref"], task["times"]) == (owing, billing.ref, 1)
    path, body = f"tasks/{task['task']}/close", {"why": "it asks for more by a new invoice"}
    assert billing.ask("POST", path, body, **{"Idempotency-Key": "a"})[0] == 403
    billing.token = create_token("staff's tool", "*:read tasks:write", NOW)
    assert billing.ask("POST", path, {"why": " "}, **{"Idempotency-Key": "b"})[0] == 422
    assert billing.ask("POST", path, body, **{"Idempotency-Key": "c"})[0] == 200
    assert billing.ask("POST", path, body, **{"Idempotency-Key": "c"})[0] == 200, "the same request again"
    assert billing.ask("POST", path, body, **{"Idempotency-Key": "d"})[1]["code"] == "unknown_task"
    assert billing.ask("GET", f"tasks?account={owing}")[1]["tasks"] == []


def test_policies_say_what_they_say_and_who_follows_them(billing: Billing, owing: str) -> None:
    [default] = [one for one in billing.ask("GET", "policies")[1]["policies"] if one["name"] == "default"]
    assert default["accounts"] >= 1
    said = billing.ask("GET", "policies/default")[1]
    assert (said["version"], said["policy"]["disable_after_days"]) == (default["version"], 30)


def test_a_token_of_one_account_sees_that_one_alone(billing: Billing, owing: str) -> None:
    from arrears.web.api_tokens import create_token

    mine = owing
    billing.ref = f"{billing.ref}-other"
    other = str(billing.account()[1]["account"])
    billing.token = create_token("one", "read", NOW + timedelta(0), account=int(mine.removeprefix("acc_")))
    for name in ("accounts", "subscriptions", "invoices", "cases", "tasks"):
        assert {one["account"] for one in billing.ask("GET", f"{name}?limit=1000")[1][name]} <= {mine}, name
    for path in (f"invoices?account={other}", f"accounts/{other}/explanation", f"accounts/{billing.ref}/ahead"):
        assert billing.ask("GET", path)[0] == 404, path
    assert billing.ask("GET", "policies")[0] == 403
    assert ANNA["name"] == billing.ask("GET", f"accounts/{mine}")[1]["name"]
