"""Subscriptions by the operator's own references: said once, found by it everywhere, and never another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.web.test_upserts import Billing, billing, history

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["billing", "history"]  # fixtures of the same names


@pytest.fixture
def biller(billing: Billing, client: Client) -> Billing:
    from tests.web.conftest import NOW

    from arrears.web.api_tokens import create_token

    billing.token = create_token("biller", "write", NOW)
    return billing


def test_a_subscription_is_added_once_and_found_by_its_own_reference(biller: Billing, history: Any) -> None:
    biller.account()
    path, ref = f"accounts/{biller.ref}/subscriptions", f"{biller.ref}-cloud"
    status, said = biller.ask("PUT", f"{path}/{ref}", {"service": "cloud"})
    assert (status, said["result"], said["subscription_ref"], said["service"]) == (201, "created", ref, "cloud")
    before = history(biller.ref)
    status, again = biller.ask("PUT", f"{path}/{ref}", {"service": "cloud"})
    assert (status, again["result"], history(biller.ref)) == (200, "unchanged", before)
    biller.invoice()
    assert history(biller.ref).count("subscription_added") == 1, "an invoice for the same service names the same one"
    assert biller.ask("GET", f"{path}/{ref}")[1]["subscription"] == said["subscription"]
    assert biller.ask("GET", f"{path}/cloud")[1]["subscription_ref"] == ref
    [listed] = biller.ask("GET", f"subscriptions?account={biller.ref}")[1]["subscriptions"]
    assert listed["subscription_ref"] == ref
    key = {"Idempotency-Key": f"cancel-{ref}"}
    assert biller.ask("POST", f"{path}/{ref}/cancel", {"why": "they left"}, **key)[1]["state"] == "disabled"
    body = {"account": biller.ref, "subscription": ref, "until": "2026-12-31", "why": "asked"}
    assert biller.ask("POST", "holds", body, **{"Idempotency-Key": f"hold-{ref}"})[1]["scope"] == "subscription"


def test_one_that_an_invoice_has_added_is_called_so_from_then_on(biller: Billing, history: Any) -> None:
    biller.account()
    biller.invoice()
    path, ref = f"accounts/{biller.ref}/subscriptions", f"{biller.ref}-cloud"
    assert biller.ask("PUT", f"{path}/{ref}", {"service": "cloud"})[0] == 201
    assert history(biller.ref).count("subscription_added") == 1


def test_a_reference_never_means_another_subscription(biller: Billing, history: Any) -> None:
    biller.account()
    mine, path, ref = biller.ref, f"accounts/{biller.ref}/subscriptions", f"{biller.ref}-cloud"
    biller.ask("PUT", f"{path}/{ref}", {"service": "cloud"})
    biller.ref = f"{mine}-other"
    biller.account()
    theirs = f"accounts/{biller.ref}/subscriptions"
    before = history(mine), history(biller.ref)
    wrong = [
        biller.ask("PUT", f"{theirs}/{ref}", {"service": "cloud"}),
        biller.ask("PUT", f"{path}/{ref}", {"service": "mail"}),
        biller.ask("PUT", f"{path}/{ref}-2", {"service": "cloud"}),
    ]
    assert [(status, said["code"]) for status, said in wrong] == [(409, "duplicate_ref")] * 3
    assert biller.ask("GET", f"{theirs}/{ref}")[1]["code"] == "unknown_subscription"
    assert biller.ask("PUT", f"{path}/sub_1_2", {"service": "cloud"})[1]["code"] == "bad_ref"
    assert biller.ask("PUT", f"{path}/%20x", {"service": "cloud"})[0] == 422
    assert (history(mine), history(biller.ref)) == before


@pytest.mark.parametrize("service_first", [False, True])
def test_a_name_that_means_two_subscriptions_ends_neither(biller: Billing, history: Any, service_first: bool) -> None:
    biller.account()
    path, name = f"accounts/{biller.ref}/subscriptions", f"{biller.ref}-cloud"
    steps = [(f"{biller.ref}-1", name), (name, f"{biller.ref}-mail")]
    said = [
        biller.ask("PUT", f"{path}/{ref}", {"service": service})
        for ref, service in steps[:: 1 if service_first else -1]
    ]
    assert [status for status, _ in said] == ([201, 409] if service_first else [201, 201])
    key = {"Idempotency-Key": f"cancel-{name}"}
    status, ended = biller.ask("POST", f"{path}/{name}/cancel", {"why": "they left"}, **key)
    if service_first:
        assert (status, ended["service"]) == (200, name)
    else:
        assert (status, ended["code"]) == (404, "unknown_subscription")
        assert "canceled" not in history(biller.ref)
    by_its_own = biller.ask("GET", f"{path}/{biller.ref}-1")[1]
    assert by_its_own["service"] == name
