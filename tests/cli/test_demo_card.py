"""The demo's card story: declined, announced, stopped, paid in one act on the provider's page, and back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from arrears.cli.demo_card import Scene, card_story, choose_on_page
from arrears.core.policy import default_policy
from arrears.engine.system import adopt_policy
from arrears.sandbox.run import Running, running
from arrears.sim.simulate import START
from arrears.store.memory.store import MemoryStore


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as found:
        yield found


def story_of(sandbox: Running, choose) -> list[str]:
    store = MemoryStore()
    adopt_policy(store, default_policy(), START, "staff:1")
    _, lines = card_story(Scene(store, sandbox, START, choose))
    return [f"{line.what}: {line.text}" for line in lines]


def in_order(lines: list[str], wanted: list[str]) -> bool:
    left = iter(lines)
    return all(any(part in line for line in left) for part in wanted)


BACK = [
    "attempt: 1: declined (insufficient_funds)",
    "warning: cloud stops on",
    "disabled: cloud stopped",
    "€61.00 for 2 invoice(s), with payment method 2, by the customer",
    "paid: €61.00",
    "done: cloud has carried out resume",
]


def test_everything_is_paid_in_one_sum_and_both_services_are_back(sandbox: Running) -> None:
    lines = story_of(sandbox, choose_on_page)
    assert in_order(lines, BACK)
    assert [line["taken"] for line in sandbox.control("book")] == [6100]


def test_the_page_is_one_that_a_person_can_use(sandbox: Running, browser) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})

    def by_hand(url: str, card: str) -> None:
        page = context.new_page()
        page.goto(url)
        expect(page.get_by_role("group", name="Choose a test card")).to_be_visible()
        page.locator(f"input[value={card}]").check()
        # Where the provider sends the person back to is not there in this test.
        with page.expect_request("http://localhost:8000/**"):
            page.get_by_role("button", name="Save a card").click()
        page.close()

    assert in_order(story_of(sandbox, by_hand), BACK)
    context.close()
