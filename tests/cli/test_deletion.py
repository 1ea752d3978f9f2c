"""`arrears deletions`: what is to be deleted, why, on what evidence, and what would stop it; and its releases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
import pytest
from click.testing import CliRunner
from tests.cli.test_status import live
from tests.store.contract import at

from arrears.adapters.services.inprocess import InProcessServices
from arrears.cli.certificate import certified
from arrears.cli.deletion import command, show_deletions
from arrears.core.certificate import verified
from arrears.core.errors import Refused
from arrears.core.states import State
from arrears.engine import commands
from arrears.engine.perform import perform_all
from arrears.engine.run import run
from arrears.notices.certificate_paper import certificate_pdf
from arrears.store.postgres.queries import deleted_lately
from arrears.wiring import Installation

__all__ = ["live"]


def listed(live: Installation, capsys: pytest.CaptureFixture[str], days: int = 30) -> list[dict[str, Any]]:
    capsys.readouterr()
    show_deletions(live, days, as_json=True)
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.turn(2)
def test_a_deletion_is_listed_until_two_people_have_released_it_and_it_is_done(
    live: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    waits = listed(live, capsys, 0)
    assert [one["subscription"] for one in waits] == ["sub_3_1", "sub_2_1", "sub_1_1"]
    assert waits[0] == {
        "subscription": "sub_3_1",
        "account": "acc_3",
        "ref": "A3",
        "name": waits[0]["name"],
        "service": "cloud",
        "stage": "waits_for_release",
        "generation": 1,
        "service_ended_on": "2026-02-01",
        "on": "2026-05-02",
        "promised_on": "2026-05-02",
        "not_before": waits[0]["not_before"],
        "warning_accepted_at": waits[0]["warning_accepted_at"],
        "policy": waits[0]["policy"],
        "owing": [{"invoice": "I3", "currency": "EUR", "open_minor": 12000, "day_0": "2026-01-02"}],
        "reasons": ["past_due"],
        "released_by": [],
        "left": {},
        "stopped_by": ["pay", "hold"],
    }
    name = waits[0]["name"]
    for by in ("ann", "ben"):
        commands.release_deletion(live.store, 3, 1, name, at(126, 12), f"staff:{by}", "looked at")
    [released] = [one for one in listed(live, capsys) if one["account"] == "acc_3"]
    assert (released["stage"], released["released_by"]) == ("released", ["staff:ann", "staff:ben"])
    show_deletions(live, 30, as_json=False)
    words = " ".join(capsys.readouterr().out.split())
    assert f"2026-05-02 sub_3_1 cloud of {name} (A3)" in words
    assert "released by staff:ann, staff:ben stopped by paying what is open or a hold" in words
    run(live.store, at(126, 12), limits=live.limits)
    [ordered] = [one for one in listed(live, capsys) if one["account"] == "acc_3"]
    assert (ordered["stage"], ordered["stopped_by"]) == ("ordered", [])
    perform_all(live.store, live.channel, InProcessServices(), lambda: at(126, 12))
    assert live.store.snapshots([3])[3].subscription(1).state is State.DELETED
    assert [one["account"] for one in listed(live, capsys)] == ["acc_2", "acc_1"]
    assert live.store.check_all()[1] == []
    text, locale = certified(live, "sub_3_1")
    says = verified(text.encode(), json.loads(text)["key"])
    assert (says["subscription"], says["deleted"], says["released_by"]) == ("sub_3_1", {}, ["staff:ann", "staff:ben"])
    assert certificate_pdf(text, locale, "Operator BV").startswith(b"%PDF")
    with pytest.raises(Refused, match="never ordered"):
        certified(live, "sub_2_1")
    assert [(one.account, one.subscription) for one in deleted_lately(live.store, 10)] == [(3, 1)]


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments)
    assert done.exception is not None
    return done.exception.code if isinstance(done.exception, Refused) else type(done.exception).__name__


WHO = ("--by", "ann", "--why", "looked at")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("release", "acc_3", "--name", "A", *WHO), "wrong_id_type"),
        (("release", "inv_3_1", "--name", "A", *WHO), "wrong_id_type"),
        (("release", "3", "--name", "A", *WHO), "bad_id"),
        (("release", "sub_3", "--name", "A", *WHO), "bad_id"),
        (("release", "sub_3_1", *WHO), "SystemExit"),
        (("release", "sub_3_1", "--name", "A", "--why", "looked at"), "SystemExit"),
        (("unhold", "sub_3_1", *WHO), "wrong_id_type"),
    ],
)
def test_only_a_whole_typed_id_with_a_name_and_an_author_is_taken(arguments: Sequence[str], code: str) -> None:
    assert refused(*arguments) == code
    assert isinstance(command, click.Group)
