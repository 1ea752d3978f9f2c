"""What a payer is told about a decline: short, kind, and nothing that helps a thief."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from arrears.core.payments.declines import GENERIC, Fix, every_guidance, guidance
from arrears.core.payments.networks import OTHER, Category, decline_row, load_rules
from arrears.notices.texts import load_languages

WORDS = """
insufficient_funds limit_exceeded do_not_honor generic lost_card stolen_card expired incorrect_data
authentication_required authentication_failed revoked account_closed not_permitted prepaid_refused provider_error
fraud_suspected currency_unsupported not_durable not_asked unknown
"""


@pytest.mark.parametrize("word", WORDS.split())
def test_every_word_of_ours_has_its_own_guidance(word: str) -> None:
    assert word in every_guidance()


@pytest.mark.parametrize("word", ["", "no_such_word", "GENERIC", "card_declined"])
def test_an_unknown_word_gets_the_generic_guidance(word: str) -> None:
    assert guidance(word) == guidance(GENERIC)


def test_the_generic_guidance_names_what_to_check_with_the_bank() -> None:
    generic = guidance(GENERIC)
    assert generic.fix == "bank"
    assert [word in " ".join(generic.checks) for word in ("international", "limit", "recurring")] == [True] * 3


@pytest.mark.parametrize("word", every_guidance())
def test_a_sentence_is_plain_short_and_tells_a_thief_nothing(word: str) -> None:
    text = guidance(word).text
    assert re.fullmatch(r"[A-Z][^!%{}]{20,160}\.", text), text
    assert not re.search(r"stolen|lost|fraud|suspect|risk|polic", text, re.IGNORECASE), text


@pytest.mark.parametrize("word", ["lost_card", "stolen_card"])
def test_a_lost_and_a_stolen_card_are_told_apart_by_nobody(word: str) -> None:
    assert guidance(word) == guidance("lost_card")
    assert guidance(word).fix == "new_method"
    assert "another card" in guidance(word).text


def test_only_the_bank_is_asked_questions() -> None:
    assert {g.fix for g in every_guidance().values() if g.checks} == {"bank"}
    assert {g.fix for g in every_guidance().values()} == set(get_args(Fix))


def test_authentication_asks_to_confirm_and_not_to_replace_the_card() -> None:
    found = guidance("authentication_required")
    assert found.fix == "confirm"
    assert "card is fine" in found.text


def test_every_word_that_the_planner_never_tries_again_asks_for_another_method() -> None:
    rules = load_rules()
    never = [w for w in every_guidance() if decline_row(rules, w).category is Category.NEVER]
    assert never
    assert {guidance(word).fix for word in never} == {"new_method"}


def test_a_word_that_the_planner_does_not_know_is_never_tried_silently() -> None:
    assert load_rules().declines[OTHER].category is Category.FIX_DATA


def test_the_planner_has_a_row_for_every_word_and_every_word_of_its_rows_has_guidance() -> None:
    assert set(load_rules().declines) - {OTHER, ""} == set(every_guidance())


def test_every_sentence_about_a_decline_is_there_in_every_language() -> None:
    for language in load_languages(None).values():
        for known in every_guidance().values():
            assert all(language.about_decline(text) for text in (known.text, *known.checks))
