"""Every act said twice: with its key it is answered as before, and where that answer was lost, or under another key, it
is refused instead of done again; without a key nothing is done at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import psycopg
import pytest
from tests.sources import ROOT
from tests.web.test_acts_api import Acting, acting
from tests.web.test_upserts import billing, history, money

__all__ = ["acting", "billing", "history"]  # fixtures of the same names

Sent = tuple[str, dict[str, Any]]


class Twice(NamedTuple):
    """An act: what is sent, how the second try is answered, and the fact that it leaves."""

    sent: Callable[[Acting], Sent]
    code: str
    fact: str
    status: int = 409


def about(path: str, **more: Any) -> Callable[[Acting], Sent]:
    return lambda acting: (path, acting.about(**more))


def payment(acting: Acting) -> Sent:
    return "payments", {
        "account": acting.ref,
        "ref": f"p-{acting.ref}",
        "amount": money(100),
        "invoices": [acting.number],
    }


def taken_back(acting: Acting) -> Sent:
    path, body = payment(acting)
    assert acting.act(path, body)[0] == 201
    return f"payments/{body['ref']}/take-back", {"why": "it bounced"}


def hold(**more: Any) -> Callable[[Acting], Sent]:
    return lambda acting: ("holds", {"account": acting.ref, "until": "2027-01-31", "why": "a month", **more})


def held_invoice(acting: Acting) -> Sent:
    return "holds", {"account": acting.ref, "invoice": acting.number, "until": "2027-01-31", "why": "a month"}


def released(acting: Acting) -> Sent:
    said = acting.act(*hold()(acting))[1]
    return f"holds/{said['hold']}/release", {"why": "they agree"}


def promised(acting: Acting) -> Sent:
    return f"accounts/{acting.ref}/promises", {"parts": [{"on": "2027-01-31"}], "why": "they rang"}


def promise_ended(acting: Acting) -> Sent:
    said = acting.act(*promised(acting))[1]
    return f"promises/{said['promise']}/end", {"why": "they rang again"}


def canceled(acting: Acting) -> Sent:
    return f"accounts/{acting.ref}/subscriptions/cloud/cancel", {"why": "they left"}


def reactivated(acting: Acting) -> Sent:
    assert acting.act(*canceled(acting))[0] == 200
    return f"accounts/{acting.ref}/subscriptions/cloud/reactivate", {"why": "they stay"}


def closed(acting: Acting) -> Sent:
    acting.invoice(total=money(99_999), due_on="2026-05-02")
    [task] = acting.ask("GET", f"tasks?account={acting.ref}")[1]["tasks"]
    return f"tasks/{task['task']}/close", {"why": "it was mended there"}


ACTS: Final = {
    "POST /v1/payments": [Twice(payment, "duplicate_payment", "payment_booked")],
    "POST /v1/payments/REF/take-back": [Twice(taken_back, "bad_amount", "debt_reopened", 422)],
    "POST /v1/credits": [
        Twice(about("credits", number="cn-1", amount=money(2000)), "duplicate_credit", "invoice_credited")
    ],
    "POST /v1/voids": [Twice(about("voids"), "nothing_changes", "invoice_credited")],
    "POST /v1/write-offs": [Twice(about("write-offs"), "nothing_changes", "written_off")],
    "POST /v1/due-dates": [Twice(about("due-dates", due_on="2027-06-02"), "nothing_changes", "due_moved")],
    "POST /v1/declines": [
        Twice(lambda acting: ("declines", {"invoices": [acting.number]}), "nothing_changes", "charge_declined")
    ],
    "POST /v1/disputes": [Twice(about("disputes"), "nothing_changes", "hold_placed")],
    "POST /v1/holds": [
        Twice(hold(), "nothing_changes", "hold_placed"),
        Twice(hold(subscription="cloud", stops=["disable", "delete"]), "nothing_changes", "hold_placed"),
        Twice(held_invoice, "nothing_changes", "hold_placed"),
    ],
    "POST /v1/holds/HOLD/release": [Twice(released, "unknown_hold", "hold_ended", 404)],
    "POST /v1/accounts/ACCOUNT/promises": [Twice(promised, "already_promised", "arrangement_made")],
    "POST /v1/promises/PROMISE/end": [Twice(promise_ended, "unknown_promise", "arrangement_ended", 404)],
    "POST /v1/accounts/ACCOUNT/subscriptions/SUBSCRIPTION/cancel": [Twice(canceled, "already_canceled", "canceled")],
    ".../reactivate": [Twice(reactivated, "not_canceled", "reactivated")],
    "POST /v1/tasks/NUMBER/close": [Twice(closed, "unknown_task", "task_closed", 404)],
}
EVERY: Final = [(f"{name} {place}", one) for name, several in ACTS.items() for place, one in enumerate(several)]


def test_the_table_has_every_act_of_the_guide() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").partition("\n## Acts\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert [row.strip(" `") for row in rows] == [*ACTS]


def keyed(acting: Acting, sent: Sent, key: str) -> tuple[int, Any]:
    return acting.ask("POST", *sent, **({"Idempotency-Key": key} if key else {}))


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "the answer was lost"])
@pytest.mark.parametrize(("name", "act"), EVERY, ids=[name for name, _ in EVERY])
def test_an_act_that_is_said_again_is_done_once(
    acting: Acting, history: Any, site: str, name: str, act: Twice, lost: bool
) -> None:
    sent, key = act.sent(acting), f"twice-{acting.ref}"
    before = history(acting.ref).count(act.fact)
    assert keyed(acting, sent, "")[1]["code"] == "idempotency_key_required"
    assert history(acting.ref).count(act.fact) == before, "without a key nothing is done"
    first = keyed(acting, sent, key)
    assert first[0] in (200, 201), first
    assert history(acting.ref).count(act.fact) == before + 1
    if lost:
        with psycopg.connect(site) as db:
            db.execute("DELETE FROM idempotency_key WHERE key = %s", [key])
    again = keyed(acting, sent, key)
    assert (again if not lost else (again[0], again[1]["code"])) == (first if not lost else (act.status, act.code))
    other = keyed(acting, sent, f"{key}-other")
    assert (other[0], other[1]["code"]) == (act.status, act.code)
    assert keyed(acting, sent, "")[1]["code"] == "idempotency_key_required"
    assert history(acting.ref).count(act.fact) == before + 1


def test_what_was_ended_is_said_anew_and_another_objection_is_another(acting: Acting, history: Any) -> None:
    first = acting.act("disputes", acting.about())[1]["hold"]
    assert acting.act("disputes", acting.about(why="in other words"))[1]["code"] == "nothing_changes"
    assert acting.act(f"holds/{first}/release", {"why": "they agree"})[0] == 200
    assert acting.act("disputes", acting.about())[0] == 201
    for more in ({}, {"why": "another month"}, {"until": "2027-02-28"}, {"stops": ["delete"]}):
        path, body = hold(**more)(acting)
        assert acting.act(path, body)[0] == 201, more
    assert history(acting.ref).count("hold_placed") == 6


def test_a_dispute_that_a_file_holds_is_not_that_of_a_program(acting: Acting) -> None:
    """The file's ends with the file's word; what the customer said to the program is held further."""
    acting.invoice(due_on="2026-05-02", disputed=True)
    assert acting.act("disputes", acting.about(why="dispute"))[0] == 201
    acting.invoice(due_on="2026-05-02", disputed=False)
    assert acting.ask("GET", f"invoices/{acting.number}")[1]["held"] is True
