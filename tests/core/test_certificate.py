"""The certificate of a deletion: made from the facts, checked with the public key alone, each byte counts (spec, 8)."""

from __future__ import annotations

import json

import pytest
from tests.stories.story import Story
from tests.stories.test_deletion_release import release, waiting

from arrears.core.certificate import Named, deletion_certificate, public_key_of, signed, verified
from arrears.core.errors import Refused

PRIVATE = bytes(range(32))
PUBLIC = public_key_of(PRIVATE)
NAMED = Named("ins_1", "Operator", "A1", "Bäckerei A1", "cloud")


def deleted() -> Story:
    story = waiting()
    release(story, "anna")
    release(story, "ben")
    return story.until(125)


STORY = deleted()
TEXT = signed(deletion_certificate(STORY.history(), 1, NAMED), PRIVATE)


def test_it_says_what_was_deleted_when_and_by_which_decision() -> None:
    says = verified(TEXT.encode(), PUBLIC)
    assert (says["account"], says["account_name"], says["subscription"]) == ("acc_1", "Bäckerei A1", "sub_1_1")
    assert says["deleted"] == {"files": 12}
    assert says["released_by"] == ["staff:anna", "staff:ben"]
    assert says["decided_on"]["owing"][0]["open_minor"] == 12_000
    assert [one["fact"]["kind"] for one in says["facts"]] == [
        *("deletion_scheduled", "deletion_capped", "deletion_released", "deletion_released"),
        *("deletion_ordered", "order_acknowledged"),
    ]


def test_the_same_facts_give_the_same_certificate() -> None:
    assert signed(deletion_certificate(STORY.history(), 1, NAMED), PRIVATE) == TEXT


def test_one_byte_changed_anywhere_is_refused() -> None:
    whole = TEXT.encode()
    for place in range(len(whole)):
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(Refused):
            verified(changed, PUBLIC)


@pytest.mark.parametrize(
    "changed",
    [
        TEXT + "\n",
        TEXT.rstrip("\n"),
        json.dumps(json.loads(TEXT)),
        TEXT.replace('"deleted":{"files":12}', '"deleted":{"files":13}'),
        TEXT.replace('{"certificate":', '{"certificate":{},"certificate":', 1),
        TEXT.replace(PUBLIC, public_key_of(bytes(32))),
        "[]",
        "",
        "[" * 100_000,
    ],
)
def test_what_means_the_same_or_something_else_is_refused(changed: str) -> None:
    with pytest.raises(Refused) as refused:
        verified(changed.encode(), PUBLIC)
    assert refused.value.code == "bad_certificate"


def test_another_key_is_refused() -> None:
    with pytest.raises(Refused, match="another key"):
        verified(TEXT.encode(), public_key_of(bytes(32)))
    with pytest.raises(Refused, match="64 hexadecimal digits"):
        verified(TEXT.encode(), "key")


def test_what_is_not_confirmed_is_not_certified() -> None:
    with pytest.raises(Refused, match="never ordered"):
        deletion_certificate(waiting().history(), 1, NAMED)
    story = Story()
    story.hands.left = {"backups": 1}
    with pytest.raises(Refused, match="not confirmed"):
        deletion_certificate(story.until(126).history(), 1, NAMED)
