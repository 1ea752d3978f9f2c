"""Two who administer the console change the same policy at once, each with a browser, in English and Dutch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from tests.web.states import Town
from tests.web.test_console_journeys import enters, kept

from arrears.core.policy import policy_text
from arrears.engine.system import adopt_policy

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["enters"]


@pytest.mark.turn(4)
@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_second_to_change_a_policy_looks_again(
    town: Town, enters: Callable[[str, str, str], Page], language: str
) -> None:
    store = town.shop.live.store
    before = store.policies()["default"]
    show = {"en": "Show what it changes", "nl": "Laten zien wat er verandert"}[language]
    ann, ben = (enters(f"{name}.{language}@policies.example", "administrator", language) for name in ("ann", "ben"))
    try:
        for page, days in ((ann, 40), (ben, 50)):
            page.goto(f"{town.shop.url}/console/policies")
            kept(page, "policies", language)
            page.get_by_role("link", name="default").click()
            page.locator("#text").fill(policy_text(before).replace("after_days = 30", f"after_days = {days}"))
            page.locator("#why").fill("more time for newcomers")
            page.get_by_role("button", name=show).click()
            expect(page.locator("main table").first).to_contain_text("disable.after_days")
        kept(ann, "policy-effect", language)
        for page in (ann, ben):
            page.locator("main form button").click()
        expect(ann.get_by_role("status")).to_be_visible()
        kept(ann, "policy", language)
        expect(ben.get_by_role("alert")).to_be_visible()
        expect(ben.locator("#why")).to_have_value("more time for newcomers")
        assert store.policies()["default"].disable_after_days == 40
    finally:
        adopt_policy(store, before, town.now, "staff:1")
