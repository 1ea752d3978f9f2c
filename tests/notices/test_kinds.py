"""A kind of message is complete: what the rooms ask about it is there, and agrees with what its texts may use."""

from __future__ import annotations

from typing import cast

import pytest

from arrears import wiring
from arrears.core.errors import Refused
from arrears.core.messages.kinds import FORESEEN, KINDS, Dated, MessageKind
from arrears.notices.kinds import NOTICE_KINDS, NoticeKind
from arrears.notices.samples import samples


@pytest.mark.parametrize("kind", MessageKind)
def test_what_a_kind_says_its_texts_can_say_in_every_language(kind: MessageKind) -> None:
    spec, known = KINDS[kind], NOTICE_KINDS[kind]
    assert ("guidance" in known.variables) is spec.declined, "a decline is explained in the words of its kind"
    assert ("paid" in known.variables) is spec.paid
    assert not spec.asks_for_money or "sums" in known.variables
    assert ("has_actions" in known.variables) is (spec.dated is not Dated.NOTHING)
    assert all(kind in language.kinds for language in wiring.texts().languages.values())


@pytest.mark.parametrize("where", ["example", "variants"])
def test_an_example_that_is_no_message_is_refused_in_one_line(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known, nothing = NOTICE_KINDS[MessageKind.STOP_WARNING], {"debts": (), "sums": ()}
    change = {"example": {**known.example, **nothing}, "variants": [nothing]}
    wrong = known._replace(**{where: change[where]})
    monkeypatch.setitem(cast(dict[MessageKind, NoticeKind], NOTICE_KINDS), MessageKind.STOP_WARNING, wrong)
    with pytest.raises(
        Refused, match=r"^notices/kinds.py: .* stop_warning .*: stop_warning needs the debts;"
    ) as refusal:
        list(samples("en"))
    assert refusal.value.code == "bad_example"


def test_what_is_foreseen_goes_out_by_a_day_that_is_known_ahead() -> None:
    assert set(FORESEEN) == {MessageKind.REMINDER, MessageKind.STOP_WARNING, MessageKind.DELETION_WARNING}
