"""People by request: invited once, in the role that was said when they come, and taken off again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.web.conftest import NOW
from tests.web.test_upserts import Billing, billing, history

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["billing", "history"]  # fixtures of the same names


@pytest.fixture
def inviting(billing: Billing, client: Client) -> Billing:
    from arrears.web.api_tokens import create_token

    billing.token = create_token("inviting", "write", NOW)
    billing.account()
    return billing


def put(inviting: Billing, address: str, role: str, **more: Any) -> tuple[int, Any]:
    return inviting.ask("PUT", f"accounts/{inviting.ref}/people/{address}", {"role": role, **more})


def test_somebody_is_invited_once_however_often_it_is_said(inviting: Billing, history: Any) -> None:
    anna = f"anna.{inviting.ref}@example.org"
    status, said = put(inviting, anna, "administrator", name="Anna", locale="nl")
    assert (status, said["result"], said["state"], said["role"]) == (201, "created", "invited", "administrator")
    before = history(inviting.ref)
    status, said = put(inviting, anna.upper(), "administrator")
    assert (status, said["result"], history(inviting.ref)) == (200, "unchanged", before)
    path = f"accounts/{inviting.ref}/people"
    assert [one["address"] for one in inviting.ask("GET", path)[1]["people"]] == [anna]
    assert inviting.ask("GET", f"{path}/{anna}")[1]["name"] == "Anna"
    assert inviting.ask("DELETE", f"{path}/{anna}")[1]["people"] == []
    assert inviting.ask("DELETE", f"{path}/{anna}")[1]["code"] == "unknown_person"
    assert history(inviting.ref)[-1] == "invitation_withdrawn"


def test_who_is_there_stays_and_there_is_one_administrator(inviting: Billing, history: Any) -> None:
    from arrears.web import identities

    address = f"boss.{inviting.ref}@example.org"
    number = int(inviting.ask("GET", f"accounts/{inviting.ref}")[1]["account"].removeprefix("acc_"))
    boss = identities.create_person(address, "Boss", "correct horse battery staple", "nl", NOW)
    identities.grant(number, boss, "administrator")
    before, path = history(inviting.ref), f"accounts/{inviting.ref}/people"
    status, said = put(inviting, address, "administrator", name="Other")
    assert (status, said["result"], said["person"], said["name"]) == (200, "unchanged", f"per_{boss}", "Boss")
    wrong = [
        put(inviting, "second@example.org", "administrator"),
        put(inviting, address, "billing_reader"),
        inviting.ask("DELETE", f"{path}/per_{boss}"),
        inviting.ask("GET", f"{path}/per_999999"),
        inviting.ask("GET", f"{path}/acc_1"),
        put(inviting, "no address", "billing_reader"),
        put(inviting, "a@example.org", "owner"),
    ]
    assert [(status, said["code"]) for status, said in wrong] == [
        (409, "administrator_exists"),
        (409, "already_there"),
        (404, "unknown_person"),
        (404, "unknown_person"),
        (422, "wrong_id_type"),
        (422, "bad_address"),
        (422, "invalid"),
    ]
    assert history(inviting.ref) == before
    reader = identities.create_person(f"r.{address}", "Reader", "correct horse battery staple", "nl", NOW)
    identities.grant(number, reader, "billing_reader")
    assert [one["role"] for one in inviting.ask("DELETE", f"{path}/per_{reader}")[1]["people"]] == ["administrator"]
    assert history(inviting.ref)[-1] == "access_ended"
