"""`arrears policy dry-run` says in lines what would change, and as JSON the same."""

from __future__ import annotations

from datetime import timedelta

from tests.stories.story import Story
from tests.stories.test_dry_run import due, slower

from arrears.cli.policy_dry_run import as_answer, lines_of
from arrears.core.dry_run import DryRunTotals, DryRunWork, dry_run
from arrears.core.guards import Guards

DAYS = 60


def found(story: Story, days: int = DAYS, accounts: int = 1) -> DryRunTotals:
    work = DryRunWork(
        dict(story.store.policies()), slower("default"), Guards(), story.now, story.now + timedelta(days=days)
    )
    return dry_run(work, [[due(story)] * accounts])


def test_a_person_reads_what_changes_in_lines() -> None:
    story = Story()
    before = story.store.policies()["default"]
    lines = [*lines_of(found(story), slower("default"), before, story.now, DAYS)]
    assert lines[0].startswith(
        f"policy default, version {before.version} -> {slower('default').version}: 60 days from "
    )
    assert lines[1] == "1 account with something due, 0 of them past due; a difference for 1"
    assert "  disabled: 1 -> 1 (1 later)" in lines
    assert "  owed by those disabled: €120.00 -> €120.00" in lines
    first = [story.date(day).isoformat() for day in (30, 45)]
    assert lines[-1] == f"  sub_1_1: disabled {first[0]} -> {first[1]}"
    fewer = [*lines_of(found(story, 40, 30), slower("default"), None, story.now, 40)]
    assert "not in force before" in fewer[0]
    assert "  disabled: 30 -> 0 (30 fewer)" in fewer
    assert fewer[-2].endswith("-> never in this time")
    assert fewer[-1] == "  and others; --json lists them"


def test_a_program_reads_the_same() -> None:
    story = Story()
    answer = as_answer(found(story), slower("default"), None, story.now, DAYS)
    [difference] = answer["differences"]
    assert difference["before"] == story.date(30)
    assert difference["after"] == story.date(45)
    assert answer["owed_when_disabled"] == {"EUR": {"before": 12_000, "after": 12_000}}
    assert [one["later"] for one in answer["actions"]] == [0, 1, 0]
