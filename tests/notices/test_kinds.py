"""A kind of message is complete: what the rooms ask about it is there, and agrees with what its texts may use."""

from __future__ import annotations

import pytest

from arrears import wiring
from arrears.core.messages.kinds import FORESEEN, KINDS, Dated, MessageKind
from arrears.notices.kinds import NOTICE_KINDS


@pytest.mark.parametrize("kind", MessageKind)
def test_what_a_kind_says_its_texts_can_say_in_every_language(kind: MessageKind) -> None:
    spec, known = KINDS[kind], NOTICE_KINDS[kind]
    assert ("guidance" in known.variables) is spec.declined, "a decline is explained in the words of its kind"
    assert ("paid" in known.variables) is spec.paid
    assert not spec.asks_for_money or "sums" in known.variables
    assert ("has_actions" in known.variables) is (spec.dated is not Dated.NOTHING)
    assert all(kind in language.kinds for language in wiring.texts().languages.values())


def test_what_is_foreseen_goes_out_by_a_day_that_is_known_ahead() -> None:
    assert set(FORESEEN) == {MessageKind.REMINDER, MessageKind.STOP_WARNING, MessageKind.DELETION_WARNING}
