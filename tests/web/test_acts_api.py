"""What a program says has been done or asks to be done: each the engine's own command, once, with who and why."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

import psycopg
import pytest
from tests.web.conftest import NOW
from tests.web.test_upserts import Billing, billing, history, money

__all__ = ["billing", "history"]  # fixtures of the same names

_KEYS: Final = count(1)


class Acting(Billing):
    """A program that may do everything but move money."""

    def act(self, path: str, body: dict[str, Any], key: str = "") -> tuple[int, Any]:
        return self.ask("POST", path, body, **{"Idempotency-Key": key or f"act-{next(_KEYS)}"})

    def about(self, **more: Any) -> dict[str, Any]:
        return {"invoice": self.number, "why": "the customer wrote", **more}


@pytest.fixture
def acting(billing: Billing) -> Acting:
    """Its account is there, with an invoice of 120 euro that is past due."""
    from arrears.engine.run import run
    from arrears.web.api_tokens import create_token
    from arrears.wiring import installed

    found = Acting(billing.client, create_token("acting", "*:read *:write", NOW))
    found.account()
    found.invoice(due_on="2026-05-02")
    run(installed().store, installed().clock.now())
    return found


def test_money_that_arrived_outside_is_booked_once_for_its_reference(acting: Acting, history: Any) -> None:
    ref = f"transfer/{acting.ref}"
    body = {"account": acting.ref, "ref": ref, "amount": money(5000), "invoices": [acting.number]}
    status, said = acting.act("payments", body)
    assert (status, said["invoices"][0]["open"]) == (201, money(7000))
    status, said = acting.act("payments", body)
    assert (status, said["code"]) == (409, "duplicate_payment")
    assert history(acting.ref).count("payment_booked") == 1
    assert acting.invoice(due_on="2026-05-02", paid=money(5000))[1]["open"] == money(7000), (
        "a newer word: the same money"
    )
    status, said = acting.act(f"payments/{ref}/take-back", {"why": "it bounced"})
    assert (status, said["taken_back"]) == (200, money(5000))
    assert acting.act(f"payments/{ref}/take-back", {"why": "again"})[1]["code"] == "bad_amount"


def test_a_case_ends_with_the_money_that_is_told(acting: Acting) -> None:
    body = {"account": acting.ref, "ref": f"t-{acting.ref}", "amount": money(12_000), "invoices": [acting.number]}
    assert acting.act("payments", body)[1]["invoices"][0]["standing"] == "paid"
    [case] = acting.ask("GET", f"cases?account={acting.ref}")[1]["cases"]
    assert case["outcome"] == "settled"


def test_an_invoice_is_credited_withdrawn_and_given_up_once(acting: Acting, history: Any) -> None:
    note = acting.about(number=f"cn-{acting.ref}", amount=money(2000))
    assert acting.act("credits", note)[1]["open"] == money(10_000)
    assert acting.act("credits", note)[1]["code"] == "duplicate_credit"
    assert acting.act("credits", {**note, "number": "x", "amount": money(1, "USD")})[1]["code"] == "wrong_currency"
    assert acting.act("credits", {**note, "number": "y", "amount": money(10_001)})[1]["code"] == "bad_amount"
    assert acting.act("write-offs", acting.about())[1]["standing"] == "uncollectible"
    assert acting.act("write-offs", acting.about())[0] == 409
    assert acting.act("voids", acting.about())[1]["standing"] == "void"
    assert acting.act("voids", acting.about())[1]["code"] == "nothing_changes"
    facts = history(acting.ref)
    assert (facts.count("invoice_credited"), facts.count("written_off")) == (2, 1)


def test_the_token_and_its_reason_are_in_the_journal(acting: Acting, site: str) -> None:
    acting.act("voids", acting.about(why="billed twice"))
    with psycopg.connect(site) as db:
        row = db.execute(
            "SELECT author, why FROM account_fact JOIN account USING (account_id)"
            " WHERE ref = %s AND kind = 'invoice_credited'",
            [acting.ref],
        ).fetchone()
    assert row is not None
    assert (row[0].partition(":")[0], row[1]) == ("token", "billed twice")


def test_a_dispute_holds_its_invoice_until_it_is_released(acting: Acting) -> None:
    status, said = acting.act("disputes", acting.about())
    assert (status, said["held"]) == (201, True)
    hold = said["hold"]
    [explained] = acting.ask("GET", f"accounts/{acting.ref}/explanation")[1]["holds"]
    assert f"{explained['hold']}" == hold.rpartition("_")[2]
    assert acting.act(f"holds/{hold}/release", {"why": "they agree"})[0] == 200
    assert acting.act(f"holds/{hold}/release", {"why": "again"})[1]["code"] == "unknown_hold"
    assert acting.ask("GET", f"invoices/{acting.number}")[1]["held"] is False


def test_a_hold_is_on_one_thing_and_has_an_end(acting: Acting) -> None:
    from arrears.wiring import installed

    today = installed().clock.now().date()
    day = str(today.replace(day=min(today.day, 28), year=today.year + 1))
    hold = {"account": acting.ref, "until": day, "why": "they asked for a month"}
    for more, scope in (
        ({}, "account"),
        ({"subscription": "cloud", "stops": ["disable", "delete"]}, "subscription"),
        ({"invoice": acting.number}, "debt"),
    ):
        status, said = acting.act("holds", {**hold, **more})
        assert (status, said.get("scope")) == (201, scope), said
    for more, code in (
        ({"invoice": acting.number, "subscription": "cloud"}, "bad_hold"),
        ({"subscription": "mail"}, "unknown_subscription"),
        ({"invoice": "none"}, "unknown_invoice"),
        ({"until": "2020-01-01"}, "bad_date"),
        ({"stops": ["everything"]}, "invalid"),
        ({"account": "nobody"}, "unknown_account"),
    ):
        assert acting.act("holds", {**hold, **more})[1]["code"] == code, more


def test_a_reported_decline_makes_an_invoice_past_due_at_once(acting: Acting) -> None:
    acting.number = f"{acting.number}-b"
    acting.invoice(due_on="2027-05-02")
    assert acting.act("declines", {"invoices": [acting.number]})[0] == 200
    assert acting.ask("GET", f"invoices/{acting.number}")[1]["past_due_since"] is not None
    assert acting.act("declines", {"invoices": [acting.number] * 2})[1]["code"] == "same_invoice"
    assert acting.act("declines", {"invoices": []})[1]["code"] == "invalid"


def test_a_subscription_ends_and_comes_back(acting: Acting) -> None:
    path = f"accounts/{acting.ref}/subscriptions/cloud"
    status, said = acting.act(f"{path}/cancel", {"why": "they left"})
    assert (status, said["reasons"], said["deleted_on"] is not None) == (200, ["past_due", "canceled"], True)
    assert acting.act(f"{path}/cancel", {"why": "again"})[0] == 409
    assert acting.act(f"{path}/reactivate", {"why": "they stay"})[1]["reasons"] == ["past_due"]
    assert acting.act(f"{path}/reactivate", {"why": "again"})[1]["code"] == "not_canceled"
    assert acting.act(f"accounts/{acting.ref}/subscriptions/mail/cancel", {"why": "no"})[0] == 404


def test_a_due_date_moves_later_and_never_back_behind_what_was_said(acting: Acting) -> None:
    acting.number = f"{acting.number}-b"
    acting.invoice(due_on="2027-05-02")
    assert acting.act("due-dates", acting.about(due_on="2027-06-02"))[1]["due_on"] == "2027-06-02"
    assert acting.act("due-dates", acting.about(due_on="2027-06-02"))[1]["code"] == "nothing_changes"
    assert acting.act("due-dates", acting.about(due_on="2020-06-02"))[1]["code"] == "bad_date"


def test_the_same_key_acts_once(acting: Acting, history: Any) -> None:
    body = {"account": acting.ref, "ref": f"k-{acting.ref}", "amount": money(100)}
    first, second = (acting.act("payments", body, key=f"once-{acting.ref}") for _ in range(2))
    assert first == second
    assert first[0] == 201
    assert history(acting.ref).count("payment_booked") == 1


def test_to_a_token_of_another_account_none_of_it_is_there(acting: Acting, history: Any) -> None:
    from arrears.web.api_tokens import create_token

    mine, number = acting.ref, acting.number
    promised = acting.act(f"accounts/{mine}/promises", {"parts": [{"on": "2027-01-31"}], "why": "rang"})[1]["promise"]
    hold = acting.act("disputes", acting.about())[1]["hold"]
    acting.ref = f"{mine}-other"
    other = acting.account()[1]["account"]
    acting.token = create_token("other", "*:read *:write", NOW, account=int(other.removeprefix("acc_")))
    before = history(mine)
    why = {"why": "mine"}
    for path, body in (
        ("payments", {"account": mine, "ref": "p", "amount": money(1)}),
        ("payments", {"account": acting.ref, "ref": "p", "amount": money(1), "invoices": [number]}),
        ("credits", {"invoice": number, "number": "c", "amount": money(1), **why}),
        ("voids", {"invoice": number, **why}),
        ("write-offs", {"invoice": number, **why}),
        ("due-dates", {"invoice": number, "due_on": "2027-01-01", **why}),
        ("declines", {"invoices": [number]}),
        ("disputes", {"invoice": number, **why}),
        ("holds", {"account": mine, "until": "2027-01-01", **why}),
        (f"holds/{hold}/release", why),
        (f"accounts/{mine}/promises", {"parts": [{"on": "2027-01-31"}], **why}),
        (f"promises/{promised}/end", why),
        (f"accounts/{mine}/subscriptions/cloud/cancel", why),
        (f"accounts/{mine}/subscriptions/cloud/reactivate", why),
    ):
        assert acting.act(path, body)[0] == 404, path
    assert history(mine) == before


def test_a_promise_holds_the_ladder_is_listed_and_ended(acting: Acting, history: Any) -> None:
    path = f"accounts/{acting.ref}/promises"
    parts = [{"on": "2027-01-15", "amount": money(4000)}, {"on": "2027-01-31", "amount": money(8000)}]
    status, said = acting.act(path, {"parts": parts, "invoices": [acting.number], "why": "they rang"})
    assert (status, said["invoices"], said["collects"]) == (201, [acting.number], False)
    assert said["parts"] == [{**part, "kept": False} for part in parts]
    del said["ETag"]
    assert acting.ask("GET", path)[1]["promises"] == [said]
    again = acting.act(path, {"parts": parts, "why": "they rang"})
    assert (again[0], again[1]["code"]) == (409, "already_promised")
    [explained] = acting.ask("GET", f"accounts/{acting.ref}/explanation")[1]["holds"]
    assert (
        acting.act(f"holds/hold_{said['account'].removeprefix('acc_')}_{explained['hold']}/release", {"why": "no"})[1][
            "code"
        ]
        == "held_by_promise"
    )
    assert acting.act(f"promises/{said['promise']}/end", {"why": "they left"})[1]["ended"] is True
    assert acting.ask("GET", path)[1]["promises"] == []
    assert history(acting.ref).count("arrangement_made") == 1


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"parts": [{"on": "2027-01-15", "amount": money(1)}]}, "bad_amount"),
        ({"parts": [{"on": "2027-01-15", "amount": money(12_000, "USD")}]}, "wrong_currency"),
        ({"parts": [{"on": "2027-01-15"}, {"on": "2027-01-30"}]}, "bad_amount"),
        ({"parts": [{"on": "2020-06-30"}]}, "bad_date"),
        ({"invoices": ["nobody-s"]}, "unknown_invoice"),
        ({"collects": True}, "no_method"),
    ],
)
def test_what_cannot_be_promised_is_named_and_nothing_is_done(
    acting: Acting, history: Any, more: dict[str, Any], code: str
) -> None:
    before = history(acting.ref)
    body = {"parts": [{"on": "2027-01-31"}], "why": "they rang", **more}
    assert acting.act(f"accounts/{acting.ref}/promises", body)[1]["code"] == code
    assert history(acting.ref) == before
