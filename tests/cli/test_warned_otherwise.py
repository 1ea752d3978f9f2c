"""`arrears told`: which subscription somebody was told of."""

from __future__ import annotations

import pytest
from tests.stories.story import Story

from arrears.core.errors import Refused
from arrears.engine.finding import find_subscription


def test_a_subscription_is_named_by_its_id_or_by_a_service_that_only_it_has() -> None:
    account = Story(services=("cloud", "mail", "mail")).until(0).account
    assert [find_subscription(account, text) for text in ("cloud", "sub_1_2")] == [1, 2]
    for text in ("mail", "sub_2_1", "sub_1_9", "1", ""):
        with pytest.raises(Refused, match=r"sub_1_1 \(cloud\)") as refused:
            find_subscription(account, text)
        assert refused.value.code == "unknown_subscription"
