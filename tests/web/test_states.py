"""The town is what its recipes say: every state that a page can meet is there."""

from __future__ import annotations

from tests.web.states import RECIPES, Town

STATES = {
    "calm": ["active", "active"],
    "not due yet": ["active", "active"],
    "past due": ["past_due", "active"],
    "warned": ["past_due", "past_due"],
    "promised": ["past_due", "active"],
    "disabled": ["disabled", "active"],
    "deletion warned": ["disabled", "active"],
    "deletion scheduled": ["disabled", "active"],
    "deleted": ["deleted", "active"],
    "held": ["past_due", "active"],
    "several currencies": ["disabled", "disabled"],
    "canceled": ["disabled", "active"],
    "canceled and owing": ["disabled", "active"],
    "stopped otherwise": ["disabled", "disabled"],
    "credit": ["active", "active"],
    "declined": ["disabled", "active"],
    "one of two declined": ["past_due", "past_due"],
    "to confirm": ["past_due", "active"],
    "paid": ["active", "active"],
    "coming back": ["active", "active"],
    "card added": ["active", "active"],
    "setting up": ["past_due", "active"],
    "by transfer": ["past_due", "active"],
    "no administrator": ["past_due", "active"],
    "long names": ["past_due", "active"],
    "200 debts": ["disabled", "disabled"],
}


def test_every_account_is_in_the_state_of_its_recipe(town: Town) -> None:
    assert {state: town.shop.states(town.accounts[state]) for state in RECIPES} == STATES


def test_what_a_state_leads_to_is_at_hand(town: Town) -> None:
    accounts = town.shop.store.snapshots(list(town.accounts.values()))
    assert accounts[town.accounts["deletion scheduled"]].subscription(1).orders == ()
    assert accounts[town.accounts["coming back"]].subscription(1).orders
    assert town.attempts(town.accounts["declined"])
    assert town.setup(town.accounts["setting up"])
    owing = {town.accounts[state] for state in ("past due", "warned", "disabled", "deletion warned", "canary")}
    assert owing <= set(town.links)
    assert town.address
