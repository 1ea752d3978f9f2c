"""What was tried in vain on Stripe's pages, read from what Stripe lists."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from arrears.adapters.payments.stripe.tries import tried_to_set_up

FAILED: Mapping[str, Any] = {"id": "setatt_1", "created": 1_767_225_600, "status": "failed", "setup_error": None}


class Listing:
    """Stripe's list of checks: what it has, and what was asked of it."""

    def __init__(self, *checks: Mapping[str, Any]) -> None:
        self.checks = [SimpleNamespace(to_dict=lambda one=one: {**one}) for one in checks]
        self.asked: list[Mapping[str, Any]] = []

    def list(self, wanted: Mapping[str, Any]) -> SimpleNamespace:
        self.asked.append(wanted)
        return SimpleNamespace(auto_paging_iter=lambda: iter(self.checks))

    @property
    def client(self) -> Any:
        return SimpleNamespace(v1=SimpleNamespace(setup_attempts=self))


@pytest.mark.parametrize(
    "page",
    [
        {"setup_intent": None, "metadata": {"account": "1"}},
        {"setup_intent": "seti_1", "metadata": {"account": "one"}},
        {"setup_intent": "seti_1", "metadata": None},
        {"setup_intent": "seti_1", "metadata": {}},
    ],
)
def test_of_a_page_that_sets_nothing_up_or_is_nobodys_nothing_is_asked(page: dict[str, Any]) -> None:
    listing = Listing(FAILED)
    assert (list(tried_to_set_up(listing.client, page)), listing.asked) == ([], [])


def test_a_check_of_which_no_card_is_known_counts_on_none() -> None:
    listing = Listing(FAILED, {**FAILED, "id": "setatt_2", "status": "succeeded"})
    page = {"setup_intent": "seti_1", "metadata": {"account": "7"}}
    [tried] = tried_to_set_up(listing.client, page)
    assert (tried.ref, tried.account, tried.attempt) == ("seti_1", 7, "")
    assert [(one.ref, one.fingerprint) for one in tried.tries] == [("setatt_1", "")]
    assert listing.asked == [{"setup_intent": "seti_1", "limit": 100}]
