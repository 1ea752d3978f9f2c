"""Policies in the console: read, edited as text, and put in force only after what that changes was seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from tests import members
from tests.site import PASSWORD
from tests.web.states import Town
from tests.web.test_console import words

from arrears.core.messages.kinds import MessageKind
from arrears.core.policy import Policy, default_policy, policy_text
from arrears.engine.system import adopt_policy

if TYPE_CHECKING:
    from django.test import Client

PAGE: Final = "/console/policies/default"


@pytest.fixture(scope="module")
def administrator(town: Town) -> Client:
    """Somebody who manages the console."""
    from django.test import Client

    client = Client(HTTP_HOST="localhost")
    members.made("policies@operator.example", "Paula", PASSWORD, "administrator", town.now)
    with psycopg.connect(town.shop.database) as db:
        db.execute("DELETE FROM throttle")
    assert members.both_steps(client, "policies@operator.example", PASSWORD) == 302
    return client


@pytest.fixture
def in_force(town: Town) -> Iterator[Policy]:
    """The policy as it is, and is again afterwards."""
    found = town.shop.live.store.policies()["default"]
    yield found
    adopt_policy(town.shop.live.store, found, town.now, "staff:1")


def sent(client: Client, text: str, **more: str) -> Any:
    # A browser sends line ends as two characters.
    return client.post(PAGE, {"text": text.replace("\n", "\r\n"), "why": "kinder to newcomers", **more})


def test_a_policy_is_put_in_force_after_what_it_changes_was_seen(
    town: Town, administrator: Client, in_force: Policy
) -> None:
    store = town.shop.live.store
    new = policy_text(in_force).replace("after_days = 30", "after_days = 45")
    seen = sent(administrator, new)
    assert seen.status_code == 200
    assert "disable.after_days 30 45" in words(seen)
    assert re.search(r"disabled (\d+) \1 [1-9]\d* later", words(seen)), "some are disabled later"
    assert "shortens" not in words(seen)
    assert store.policies()["default"] == in_force, "nothing has been done"
    assert sent(administrator, new, do="adopt", before="0" * 16).status_code == 422, "somebody was quicker"
    assert store.policies()["default"] == in_force
    done = sent(administrator, new, do="adopt", before=in_force.version)
    assert (done.status_code, done.headers["Location"]) == (303, f"{PAGE}?done=1")
    assert store.policies()["default"].disable_after_days == 45
    page = words(administrator.get(f"{PAGE}?done=1"))
    assert "by Paula: kinder to newcomers disable.after_days : 30 → 45" in page
    old = administrator.get(f"{PAGE}?version={in_force.version}").content.decode()
    assert "after_days = 30" in old


def test_what_shortens_a_promise_is_named_and_has_to_be_seen(
    town: Town, administrator: Client, in_force: Policy
) -> None:
    new = policy_text(in_force).replace("retention_days = 90", "retention_days = 95")
    shorter = new.replace("days = [0, 3, 7, 14]", "days = [0, 7, 14]")
    assert "retention_days 90 95" in words(sent(administrator, shorter))
    assert "remind.days [0, 3, 7, 14] [0, 7, 14] shortens a promise" in words(sent(administrator, shorter))
    refused = sent(administrator, shorter, do="adopt", before=in_force.version)
    assert refused.status_code == 422
    assert "shortens a promise" in words(refused)
    assert town.shop.live.store.policies()["default"] == in_force
    assert sent(administrator, shorter, do="adopt", before=in_force.version, shortens="yes").status_code == 303


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("retention_days = 90", "retention_days = 9"), "delete.retention_days"),
        (("after_days = 30", "after_days = "), "line"),
        (('name = "default"', 'name = "other"'), "The name stays default"),
    ],
)
def test_a_mistake_is_told_in_a_line_and_nothing_typed_is_lost(
    town: Town, administrator: Client, in_force: Policy, change: tuple[str, str], said: str
) -> None:
    answer = sent(administrator, policy_text(in_force).replace(*change), do="adopt", before=in_force.version)
    assert answer.status_code == 422
    alert = re.search(r'role="alert">(.*?)</div>', answer.content.decode(), re.DOTALL)
    assert alert is not None
    assert said in alert[1]
    assert change[1].split("=")[0] in answer.content.decode()
    assert town.shop.live.store.policies()["default"] == in_force


def test_a_reason_is_asked_for_and_an_unknown_policy_is_not_found(
    administrator: Client, in_force: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = policy_text(in_force).replace("after_days = 30", "after_days = 45")
    assert administrator.post(PAGE, {"text": text, "why": " "}).status_code == 422
    assert administrator.get("/console/policies/nobody").status_code == 404
    assert administrator.get(f"/console/policies/{in_force.version}").status_code == 404
    assert "This text promises the same" in words(sent(administrator, policy_text(in_force)))
    monkeypatch.setattr("arrears.web.console.policies.FORETOLD_MAX", 0)
    assert "arrears policy dry-run FILE" in words(sent(administrator, text))
    assert default_policy().name in words(administrator.get("/console/policies"))


def test_every_kind_of_message_is_shown_in_each_language(administrator: Client) -> None:
    index = administrator.get("/console/messages").content.decode()
    for kind in MessageKind:
        assert f"/console/messages/{kind}" in index
    page = words(administrator.get("/console/messages/reminder"))
    assert "English, to the administrator" in page
    assert "Nederlands, to a reader" in page
    assert administrator.get("/console/messages/nothing").status_code == 404
